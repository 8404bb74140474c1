#!/usr/bin/env bash
# A throwaway PostgreSQL 15 and a local AWS: a load, a session, and their decrypted events. Ends by itself and leaves nothing
# running; with KEEP=1 it leaves all up and says how to go on.
source "$(dirname "$0")/lib.sh"

make_state
KEEP=${KEEP:-}
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1
unset AWS_PROFILE AWS_ENDPOINT_URL

"$ROOT/scripts/venv.sh" ministack >"$STATE/demo-venv.log" 2>&1 &
preparing=$!
pg_config=$("$ROOT/scripts/postgres.sh" 15)
"$ROOT/scripts/install.sh" "$pg_config"
consumer=$(profile_dir "$PROFILE")/activity-consumer
wait $preparing || { cat "$STATE/demo-venv.log" >&2; die "ministack could not be installed"; }
bin=$("$pg_config" --bindir)

demo=$(server_dir demo)
aws=$demo/aws
events=$demo/events
mkdir "$aws" "$events"
follower=

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$follower" ]; then kill -- "-$follower" 2>/dev/null || true; fi
    if [ $status -eq 0 ] && [ -n "$KEEP" ]; then how_to_go_on; exit 0; fi
    if [ $status -ne 0 ]; then tail -30 "$demo/postgres.log" >&2 2>/dev/null || true; fi
    as_server "$bin/pg_ctl" -D "$demo/data" -m immediate stop >/dev/null 2>&1 || true
    "$ROOT/scripts/aws-local.sh" stop "$aws" || true
    rm -rf "$demo"
    exit $status
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "a local AWS (ministack)"
endpoint=$("$ROOT/scripts/aws-local.sh" start ministack "$aws")
"$STATE/venv-ministack/bin/python" "$ROOT/scripts/kms-alias.py" "$endpoint" alias/activity-demo

say "a throwaway server ($("$pg_config" --version))"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as_server "$bin/initdb" -D "$demo/data" -U postgres -A trust --no-sync >/dev/null
cat >>"$demo/data/postgresql.conf" <<CONF
port = $port
listen_addresses = '127.0.0.1'
unix_socket_directories = '$demo'
shared_preload_libraries = 'activity_stream'
activity_stream.mode = async
activity_stream.kms_key_id = 'alias/activity-demo'
activity_stream.region = 'us-east-1'
activity_stream.endpoint_url = '$endpoint'
CONF
echo "host all demo_password 127.0.0.1/32 scram-sha-256" | cat - "$demo/data/pg_hba.conf" >"$demo/hba"
cat "$demo/hba" >"$demo/data/pg_hba.conf"
as_server "$bin/pg_ctl" -D "$demo/data" -w -l "$demo/postgres.log" start >/dev/null

export PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=postgres PSQLRC=/dev/null
psql() { "$bin/psql" -X -q "$@"; }
value() { psql -A -t -c "$1"; }
psql -c "CREATE EXTENSION activity_stream" -c "CREATE ROLE bench LOGIN" -c "CREATE DATABASE shop OWNER bench" -c "CREATE ROLE demo_password LOGIN PASSWORD 'correct horse'"
stream=$(value "SHOW activity_stream.stream_name")

say "tables for the load"
"$bin/pgbench" -U bench -i -I dtGp -q -s 4 shop >/dev/null 2>&1

say "the events of $stream as they arrive, decrypted:"
tail_stream=("$consumer" tail --stream "$stream" --endpoint-url "$endpoint")
# A process group of its own, so that both ends of the pipe can be ended.
setsid bash -c 'show=$1 stats=$2; shift 2; "$@" 2>"$stats" | python3 "$show"' _ \
    "$ROOT/scripts/demo-events.py" "$events/stats.json" \
    "${tail_stream[@]}" --from trim-horizon --pretty --stats --idle-timeout 3 &
follower=$!

say "pgbench TPC-B: 4 clients, 5 seconds"
"$bin/pgbench" -U bench -n -c 4 -j 2 -T 5 shop >"$demo/pgbench.out" 2>&1

say "a session: DDL, changes, a failing statement, a failed login"
PGAPPNAME=demo psql shop >/dev/null 2>&1 <<'SQL' || true
CREATE SCHEMA sales;
CREATE TABLE sales.orders (id int PRIMARY KEY, customer text NOT NULL, total numeric);
INSERT INTO sales.orders VALUES (1, 'Ada', 12.50), (2, 'Grace', 99);
SELECT customer, total FROM sales.orders WHERE total > 20;
UPDATE sales.orders SET total = total * 2;
ALTER ROLE demo_password PASSWORD 'battery staple';
SELECT * FROM sales.no_such_table;
INSERT INTO sales.orders VALUES (1, 'Ada again', 1);
DROP TABLE sales.orders;
SQL
PGPASSWORD=wrong psql -U demo_password -c "SELECT 1" 2>/dev/null || true

# Everything is on the stream when a later statement of another session is.
flushed=$(value "SELECT activity_stream.flush('30 seconds')")
[ "$flushed" = t ] || die "the stream did not take everything within 30 seconds"
"${tail_stream[@]}" --from trim-horizon --idle-timeout 2 >"$events/events.json"
# It ends by itself when nothing comes any more.
wait $follower || { cat "$events/stats.json" >&2; die "activity-consumer failed"; }
follower=

printf '\n'
say "summary"
sed -n 's/^\(number of transactions actually processed\|tps\).*/  pgbench: &/p' "$demo/pgbench.out"
printf '\n'
python3 "$ROOT/scripts/demo-summary.py" "$events/events.json" "$events/stats.json"
printf '\n'
say "the proof that nothing is missing: activity-consumer verify"
"$consumer" verify --stream "$stream" --endpoint-url "$endpoint" --settle 2 | sed 's/^/  /'
printf '\n'
psql -x -c "SELECT state, mode, published_events, acked_events, dropped_events, lost_events, records,
                   pg_size_pretty(record_bytes) AS record_bytes, heartbeats
            FROM activity_stream.status" | sed 's/^/  /'

how_to_go_on() {
    cat <<TEXT

Left up, in $demo. Set these first:

    export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1

connect     $bin/psql -h 127.0.0.1 -p $port -U postgres shop
tail        ${tail_stream[*]} --from latest --pretty
status      $bin/psql -h 127.0.0.1 -p $port -U postgres -x -c 'TABLE activity_stream.status'
server log  $demo/postgres.log
stop        $ROOT/scripts/demo-stop.sh $demo
TEXT
}
