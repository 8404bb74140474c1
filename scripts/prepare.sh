#!/usr/bin/env bash
# Downloads what the tests will need, while something else compiles: virtual environments, servers, LocalStack's Kinesis.
source "$(dirname "$0")/lib.sh"

"$ROOT/scripts/venv.sh" e2e
"$ROOT/scripts/venv.sh" moto
for version in 16 17 18; do "$ROOT/scripts/postgres.sh" $version; done
"$ROOT/scripts/postgres-source.sh" "$("$ROOT/scripts/postgres.sh" 15)"
"$ROOT/scripts/pgaudit-source.sh"
# The first Kinesis call installs it.
aws=$(mktemp -d /tmp/activity-aws-XXXXXX)
trap '"$ROOT/scripts/aws-local.sh" stop "$aws"; rm -rf "$aws"' EXIT
endpoint=$("$ROOT/scripts/aws-local.sh" start localstack "$aws")
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 \
    "$STATE/venv-e2e/bin/python" -c 'import sys, boto3; boto3.client("kinesis", endpoint_url=sys.argv[1]).list_streams()' "$endpoint"
