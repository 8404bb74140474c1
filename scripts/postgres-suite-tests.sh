# Sourced by postgres-suite.sh: runs a suite, and says which of its tests the extension makes a difference to.
# Of the caller: dir (its servers and a copy of the tests), tests (the tests), kept (what is kept of with and without).

# run_tests with|without regress|isolation: what PostgreSQL's make installcheck-parallel and installcheck run.
# Keeps what each test gave, and a line "TEST OUTCOME" for each.
run_tests() {
    local out=$dir/$1/$2 into=$kept/$1/$2 begun=$SECONDS program=pg_isolation_regress options=()
    if [ "$2" = regress ]; then program=pg_regress options=(--dlpath="$dir/tests/lib" --max-concurrent-tests=20); fi
    as_server mkdir "$out"
    # It fails where a test fails; which did is read from what it prints. The limit is for a server that hangs.
    as_server timeout -k 10 1200 "$dir/tests/bin/$program" --host="$dir" --port=5432 \
        --user=postgres --bindir="$dir/tests/bin" --inputdir="$dir/tests/$2" --outputdir="$out" \
        --schedule="$(echo "$dir/tests/$2/"*schedule)" "${options[@]}" >"$out/printed" 2>&1 || true
    mkdir "$into"
    cp -r "$out/"{printed,results} "$into"
    # "test NAME ... ok  12 ms", in a group without the word. How the test's client ended, if badly, stands behind the time.
    sed -nE 's/^(test|  ) +([a-z0-9_.-]+) +\.\.\. (ok|FAILED|failed \(ignored\)) *[0-9]* ms(.*)$/\2 \3\4/p' \
        "$out/printed" >"$into/outcomes"
    [ -s "$into/outcomes" ] || tail -20 "$out/printed" >&2
    say "$2 $1 the extension: $(grep -c ' ok$' "$into/outcomes" || true) of $(wc -l <"$into/outcomes") as expected," \
        "$((SECONDS - begun)) s"
}

scheduled() { sed -n 's/^test://p' "$tests/$1/"*schedule | wc -w; }
unexpected() { grep -vE ' (ok|failed \(ignored\))$' "$kept/with/$1/outcomes" || true; }

# Tests that give neither what PostgreSQL expects nor what they give without the extension; shows what differs.
differing() {
    local test outcome diff
    unexpected "$1" | while read -r test outcome; do
        diff=$kept/with/$1/$test.diff
        if ! diff -U3 "$kept/"{without,with}"/$1/results/$test.out" >"$diff" 2>&1 ||
            ! grep -qxF "$test $outcome" "$kept/without/$1/outcomes"; then
            say "$1/$test: $outcome"
            head -c 8000 "$diff" >&2
            echo "$test"
        fi
    done
}
