#!/usr/bin/env bash
# bench.sh: the figures of the README, measured on this machine and put there. See bench/README.md.
source "$(dirname "$0")/lib.sh"

make_state
venv=$("$ROOT/scripts/venv.sh" e2e)
pg_config=$("$ROOT/scripts/postgres.sh" "${ACTIVITY_PG:-15}")
PROFILE=${BENCH_PROFILE:-release} "$ROOT/scripts/install.sh" "$pg_config"
if ! command -v valgrind >/dev/null; then
    is_root || die "valgrind is missing" "Install it, or run this as root."
    apt-get install -y -qq --no-install-recommends valgrind >&2
fi

aws=$(mktemp -d /tmp/activity-aws-XXXXXX)
trap '"$ROOT/scripts/aws-local.sh" stop "$aws"; rm -rf "$aws"' EXIT
export ACTIVITY_E2E_PG_CONFIG=$pg_config
ACTIVITY_E2E_ENDPOINT=$("$ROOT/scripts/aws-local.sh" start ministack "$aws")
export ACTIVITY_E2E_ENDPOINT
ACTIVITY_BENCH_AWS_PID=$(cat "$aws/pid")
export ACTIVITY_BENCH_AWS_PID

cd "$ROOT/bench"
figures=$(mktemp)
say "throughput"
"$venv/bin/python" throughput.py | tee "$figures" >&2
say "instructions"
echo >>"$figures"
"$venv/bin/python" instructions.py | tee -a "$figures" >&2
say "sealing"
sealing=$(cargo run -q --release --locked -p activity-seal --example sealing_speed)
printf '%s\n' "$sealing" >&2
printf '\nSealing alone, one thread: %s.\n' "$(printf '%s\n' "$sealing" | "$venv/bin/python" sealing.py)" >>"$figures"
"$venv/bin/python" report.py <"$figures"
rm -f "$figures"
say "the figures are in README.md"
