#!/usr/bin/env bash
# PostgreSQL's own regression and isolation tests on a server that captures to a live stream. A test passes that gives what
# PostgreSQL expects, or else exactly what it gives without the extension. Then: nothing of ours in the server log, no crash,
# and everything that was captured is on the stream.
#   ACTIVITY_MODE=sync       async is the default
#   ACTIVITY_INSTALLED=1     takes the library that is installed and builds none
#   ACTIVITY_SETTINGS=LINES  further settings of both servers, with the extension and without
source "$(dirname "$0")/lib.sh"
source "$ROOT/scripts/postgres-suite-tests.sh"

make_state
mode=${ACTIVITY_MODE:-async}
venv=$("$ROOT/scripts/venv.sh" ministack)
pg_config=$("$ROOT/scripts/postgres.sh" 15)
tests=$("$ROOT/scripts/postgres-source.sh" "$pg_config")
[ -n "${ACTIVITY_INSTALLED:-}" ] || "$ROOT/scripts/install.sh" "$pg_config"
bin=$("$pg_config" --bindir)
kept=$STATE/postgres-suite
rm -rf "$kept/with"
mkdir -p "$kept"

dir=$(server_dir suite)
aws=$dir/aws
mkdir "$aws"
clean_up() {
    local status=$? data
    trap - EXIT INT TERM
    for data in "$dir"/*/data; do
        if [ -e "$data/postmaster.pid" ]; then as_server "$bin/pg_ctl" -D "$data" -m immediate stop >/dev/null 2>&1 || true; fi
    done
    # The stream goes with it.
    "$ROOT/scripts/aws-local.sh" stop "$aws" || true
    rm -rf "$dir"
    exit $status
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Here the server can read it, and the tests' COPY can write.
cp -r "$tests" "$dir/tests"
if is_root; then chown -R postgres: "$dir/tests"; fi

psql() { as_server env PGHOST="$dir" PGUSER=postgres PGDATABASE=postgres PSQLRC=/dev/null "$bin/psql" -X -q -A -t "$@"; }

# start with|without: a new server, which is reached by its socket alone; reads further settings.
start() {
    local data=$dir/$1/data settings
    settings=$(cat)
    rm -rf "${kept:?}/$1"
    mkdir "$kept/$1"
    as_server mkdir "$dir/$1"
    as_server "$bin/initdb" -D "$data" -U postgres -A trust --no-sync --no-locale -E UTF8 >/dev/null
    # Two of the tests leave out most of what they have where no transaction can be prepared.
    cat >>"$data/postgresql.conf" <<CONF
port = 5432
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = off
max_prepared_transactions = 10
log_line_prefix = '%m [%p] %e '
${ACTIVITY_SETTINGS:-}
$settings
CONF
    as_server env AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true \
        "$bin/pg_ctl" -D "$data" -w -l "$dir/$1/log" start >/dev/null ||
        { tail -20 "$dir/$1/log" >&2; die "the server $1 the extension did not start"; }
}

stop() {
    as_server "$bin/pg_ctl" -D "$dir/$1/data" -w -m fast stop >/dev/null || say "the server $1 the extension does not stop"
    cp "$dir/$1/log" "$kept/$1/server.log"
}

passed=0 failed=0
check() { # check NAME COMMAND…: the command prints what is amiss
    local found
    found=$("${@:2}")
    if [ -z "$found" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); say "$1:"; printf '%s\n' "$found" >&2; fi
}

# What was published before a session looks is to be acknowledged soon; its own look is captured as well.
undelivered() {
    local deadline=$((SECONDS + 120)) status=$kept/with/status
    until psql -x >"$status" 2>&1 <<'SQL' && grep -q '^delivered|t' "$status"; do
SELECT published_events AS published FROM activity_stream.status \gset
\! sleep 1
SELECT *, acked_events >= :published AND :published > 50000 AS delivered,
    state = 'streaming' AND worker_starts = 1 AND sync_timeouts = 0
    AND dropped_events + lost_events + torn_events + contained_failures = 0 AS well
FROM activity_stream.status;
SQL
        if [ $SECONDS -ge $deadline ]; then break; fi
    done
    grep -q '^delivered|t' "$status" && grep -q '^well|t' "$status" || cat "$status"
}
unsaid() { if ! grep -q "$1" "$dir/with/log"; then echo "the log does not say so"; tail -5 "$dir/with/log"; fi; }

logged() { grep -E "$1" "$dir/with/log" | head -20 || true; }

say "PostgreSQL's tests in $mode mode"
endpoint=$("$ROOT/scripts/aws-local.sh" start ministack "$aws")
"$venv/bin/python" "$ROOT/scripts/kms-alias.py" "$endpoint" alias/activity-suite
# The ring takes all that an emulator can be behind.
start with <<CONF
shared_preload_libraries = 'activity_stream'
activity_stream.mode = $mode
activity_stream.kms_key_id = 'alias/activity-suite'
activity_stream.region = 'us-east-1'
activity_stream.endpoint_url = '$endpoint'
activity_stream.ring_size = '256MB'
CONF
psql -c "CREATE EXTENSION activity_stream"
for suite in regress isolation; do run_tests with $suite; done
check "not all is delivered, or something failed" undelivered
stop with
check "not all was delivered when the server stopped" unsaid 'worker is shutting down; all activity is delivered'
check "the extension told of something amiss" \
    logged ' AS[0-9]{3} (WARNING|ERROR|FATAL|PANIC):|(WARNING|ERROR|FATAL|PANIC): .*activity_stream|panicked at'
check "the server crashed" logged 'PANIC:|TRAP:|was terminated by|terminating any other active server processes'

# What they give without the extension, once for these tests and settings.
key="$tests $(cat "$ROOT"/scripts/postgres-suite*.sh - <<<"${ACTIVITY_SETTINGS:-}" | cksum)"
if [ -n "$(unexpected regress)$(unexpected isolation)" ] && [ "$(cat "$kept/without/key" 2>/dev/null)" != "$key" ]; then
    start without <<<""
    for suite in regress isolation; do run_tests without $suite; done
    stop without
    echo "$key" >"$kept/without/key"
fi
for suite in regress isolation; do
    # One that did not run failed, too.
    ran=$(wc -l <"$kept/with/$suite/outcomes") different=$(differing $suite | wc -l)
    passed=$((passed + ran - different)) failed=$((failed + $(scheduled $suite) - ran + different))
done
[ "$failed" -eq 0 ] || say "left for a look: $kept/with"
report "postgres-$mode" "$passed" "$failed"
