#!/usr/bin/env bash
# regress.sh [VERSION…|all]: pg_regress against throwaway servers that cannot reach AWS.
source "$(dirname "$0")/lib.sh"

make_state
versions=("$@")
if [ $# -eq 0 ] || [ "$1" = all ]; then versions=(15 16 17 18); fi
cases=(settings extension unaffected)

# Prints the counts of one version's run.
run() {
    local version=$1 pg_config regress dir log=$STATE/regress-$1.log
    pg_config=$("$ROOT/scripts/postgres.sh" "$version")
    "$ROOT/scripts/install.sh" "$pg_config" || return 1
    regress=$(dirname "$("$pg_config" --pgxs)")/../test/regress/pg_regress
    dir=$(server_dir "regress$version")
    cp -r "$ROOT"/tests/regress/{sql,expected,server.conf} "$dir"
    if is_root; then chown -R postgres: "$dir"; fi
    as_server env AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true \
        "$regress" --inputdir="$dir" --outputdir="$dir" --temp-instance="$dir/instance" \
        --temp-config="$dir/server.conf" --bindir="$("$pg_config" --bindir)" --dbname=regression \
        "${cases[@]}" >"$log" 2>&1 && status=0 || status=$?
    cat "$log" >&2
    if [ $status -ne 0 ]; then
        cat "$dir/regression.diffs" >&2 2>/dev/null || tail -50 "$dir/log/postmaster.log" >&2 2>/dev/null || true
        say "left for a look: $dir"
    else
        rm -rf "$dir"
    fi
    # "All 3 tests passed." or "1 of 3 tests failed.", in TAP with "# " before it.
    local failed
    failed=$(sed -nE 's/^[# ]*([0-9]+) of [0-9]+ tests failed.*/\1/p' "$log")
    if [ $status -ne 0 ]; then failed=${failed:-${#cases[@]}}; fi
    report "regress-$version" $((${#cases[@]} - ${failed:-0})) "${failed:-0}"
}

result=0
for version in "${versions[@]}"; do
    run "$version" || { result=1; say "pg_regress on $version FAILED"; }
done
exit $result
