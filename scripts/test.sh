#!/usr/bin/env bash
# Everything, cheapest first; the last line sums it up. Fails where a test failed or a runner ran none.
source "$(dirname "$0")/lib.sh"

"$ROOT/scripts/deps.sh"
make_state
ACTIVITY_RESULTS=$(mktemp "$STATE/results-XXXXXX")
export ACTIVITY_RESULTS
# One profile for all that is built with optimisation.
export PROFILE=fast

env -u ACTIVITY_RESULTS "$ROOT/scripts/prepare.sh" >"$STATE/prepare.log" 2>&1 &
preparing=$!

result=0
run() {
    local name=$1 begun=$SECONDS before
    shift
    before=$(wc -l <"$ACTIVITY_RESULTS")
    say "$name"
    if ! "$@"; then
        result=1
        # A runner that did not get as far as counting is a failure of its own.
        if [ "$(wc -l <"$ACTIVITY_RESULTS")" -eq "$before" ]; then report "$name" 0 1 || true; fi
    fi
    say "$name took $((SECONDS - begun)) s"
}

run lint "$ROOT/scripts/lint.sh"
run deny "$ROOT/scripts/deny.sh"
run unit "$ROOT/scripts/unit.sh"
run loom "$ROOT/scripts/loom.sh"
run sim "$ROOT/scripts/sim.sh"
wait $preparing || say "preparing failed, see $STATE/prepare.log; what needs it tries again"
for version in 16 17 18 15; do run "regress-$version" "$ROOT/scripts/regress.sh" $version; done
run postgres "$ROOT/scripts/postgres-suite.sh"
# End-to-end tests mostly wait; what they leave of the processors goes to the fuzzers.
(
    run fuzz nice -n 19 "$ROOT/scripts/fuzz.sh" smoke
    exit $result
) >"$STATE/fuzz-beside.log" 2>&1 &
fuzzing=$!
run e2e "$ROOT/scripts/e2e.sh" localstack
wait $fuzzing || result=1
cat "$STATE/fuzz-beside.log"

echo
sort "$ACTIVITY_RESULTS" | awk '{ printf "%-16s %5d passed %5d failed\n", $1, $2, $3 }'
awk '{ p += $2; f += $3 } END { printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0 }' "$ACTIVITY_RESULTS" || result=1
rm -f "$ACTIVITY_RESULTS"
exit $result
