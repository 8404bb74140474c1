#!/usr/bin/env bash
# run.sh NAME [arguments]: one endurance run (outage, small_spool, kills, restarts, drain, away) on a local AWS of its own.
# ACTIVITY_PG (15) selects the PostgreSQL. With ACTIVITY_E2E_PG_CONFIG and ACTIVITY_E2E_CONSUMER set, nothing is built or
# installed: these are taken as they are.
source "$(dirname "$0")/../../scripts/lib.sh"

name=${1:-}
here=$ROOT/bench/endurance
[ -n "$name" ] && [ -e "$here/$name.py" ] || die "no run called \"$name\"" "See bench/README.md."
shift

make_state
venv=$("$ROOT/scripts/venv.sh" e2e)
if [ -z "${ACTIVITY_E2E_PG_CONFIG:-}" ]; then
    ACTIVITY_E2E_PG_CONFIG=$("$ROOT/scripts/postgres.sh" "${ACTIVITY_PG:-15}")
    "$ROOT/scripts/install.sh" "$ACTIVITY_E2E_PG_CONFIG"
fi
export ACTIVITY_E2E_PG_CONFIG
export ACTIVITY_E2E_CONSUMER=${ACTIVITY_E2E_CONSUMER:-$(profile_dir "$PROFILE")/activity-consumer}

aws=$(mktemp -d /tmp/activity-aws-XXXXXX)
trap '"$ROOT/scripts/aws-local.sh" stop "$aws"; rm -rf "$aws"' EXIT
trap 'exit 143' TERM
ACTIVITY_E2E_ENDPOINT=$("$ROOT/scripts/aws-local.sh" start ministack "$aws")
export ACTIVITY_E2E_ENDPOINT
cd "$here"
"$venv/bin/python" "$name.py" "$@"
