#!/usr/bin/env bash
# e2e.sh [localstack|ministack] [pytest arguments]: real servers, a local AWS, an independent decoder.
# ACTIVITY_PG (15) selects the PostgreSQL.
source "$(dirname "$0")/lib.sh"

make_state
kind=${1:-localstack}
if [ $# -gt 0 ]; then shift; fi
venv=$("$ROOT/scripts/venv.sh" e2e)
pg_config=$("$ROOT/scripts/postgres.sh" "${ACTIVITY_PG:-15}")
"$ROOT/scripts/install.sh" "$pg_config"
consumer=$(profile_dir "$PROFILE")/activity-consumer

aws=$(mktemp -d /tmp/activity-aws-XXXXXX)
trap '"$ROOT/scripts/aws-local.sh" stop "$aws"; rm -rf "$aws"' EXIT
say "starting $kind"
endpoint=$("$ROOT/scripts/aws-local.sh" start "$kind" "$aws")

cd "$ROOT/tests/e2e"
ACTIVITY_E2E_AWS=$kind ACTIVITY_E2E_ENDPOINT=$endpoint ACTIVITY_E2E_PG_CONFIG=$pg_config ACTIVITY_E2E_CONSUMER=$consumer \
    "$venv/bin/python" -m pytest -p no:cacheprovider --junitxml="$STATE/e2e-$kind.xml" "$@" >&2 && status=0 || status=$?
read -r passed failed < <("$venv/bin/python" - "$STATE/e2e-$kind.xml" <<'PY'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
total, failures, errors, skipped = (int(suite.get(k)) for k in ("tests", "failures", "errors", "skipped"))
print(total - failures - errors - skipped, failures + errors)
PY
)
if [ $status -ne 0 ] && [ "${failed:-0}" -eq 0 ]; then failed=1; fi
report "e2e-$kind" "${passed:-0}" "${failed:-0}"
