#!/usr/bin/env bash
# bench.sh: the figures of README.md and docs/performance.md, measured on this machine and put there. See bench/README.md.
# ACTIVITY_PG (15) selects the PostgreSQL, BENCH_PROFILE the build. BENCH_QUICK=1 is one short pass over a few cells, which shows
# that everything works; what it measures means nothing, and goes to .state/bench-quick.
source "$(dirname "$0")/lib.sh"

make_state
if [ -n "${BENCH_QUICK:-}" ]; then default=fast; else default=release; fi
export BENCH_PROFILE=${BENCH_PROFILE:-$default}
e2e=$("$ROOT/scripts/venv.sh" e2e)/bin/python
plots=$("$ROOT/scripts/venv.sh" bench)/bin/python
ACTIVITY_E2E_PG_CONFIG=$("$ROOT/scripts/postgres.sh" "${ACTIVITY_PG:-15}")
export ACTIVITY_E2E_PG_CONFIG
PROFILE=$BENCH_PROFILE "$ROOT/scripts/install.sh" "$ACTIVITY_E2E_PG_CONFIG"
(cd "$ROOT" && cargo build -q --locked --profile "$BENCH_PROFILE" -p activity-bench-endpoint)
ACTIVITY_BENCH_ENDPOINT=$(profile_dir "$BENCH_PROFILE")/activity-bench-endpoint
export ACTIVITY_BENCH_ENDPOINT
if ! command -v valgrind >/dev/null; then
    is_root || die "valgrind is missing" "Install it, or run this as root."
    apt-get install -y -qq --no-install-recommends valgrind >&2
fi

cd "$ROOT/bench"
for part in throughput latency wakeups readable instructions examples; do
    say "$part"
    "$e2e" "$part.py"
done
"$plots" report.py
"$plots" targets.py
