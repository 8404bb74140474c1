#!/usr/bin/env bash
# demo-stop.sh DIR: ends what make demo KEEP=1 left up.
source "$(dirname "$0")/lib.sh"

demo=${1:-}
case $demo in
/tmp/activity-demo-*) [ -d "$demo/data" ] || die "there is no demonstration in $demo" ;;
*) die "\"$demo\" is not a folder of a demonstration" "make demo KEEP=1 printed it." ;;
esac
as_server "$("$("$ROOT/scripts/postgres.sh" 15)" --bindir)/pg_ctl" -D "$demo/data" -m fast stop >/dev/null || true
"$ROOT/scripts/aws-local.sh" stop "$demo/aws"
rm -rf "$demo"
