#!/usr/bin/env bash
# aws-local.sh start KIND DIR [PORT]   starts a local AWS (localstack, ministack or moto) and prints its endpoint
# aws-local.sh stop DIR                stops it
# DIR takes its log and what is known of it. Credentials are anything; the region is us-east-1.
source "$(dirname "$0")/lib.sh"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
answers() { python3 - "$1" <<'PY' 2>/dev/null
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=2)
except urllib.error.HTTPError:
    pass
PY
}

start_ministack() {
    local venv
    venv=$("$ROOT/scripts/venv.sh" ministack)
    cd "$dir"
    BIND_HOST=127.0.0.1 GATEWAY_PORT=$port setsid "$venv/bin/ministack" >"$dir/log" 2>&1 </dev/null 9>&- &
}

# Host mode: no container, no token. OVERRIDE_IN_DOCKER=0 keeps it inside its folder, KINESIS_PERSISTENCE=0 makes
# calls take milliseconds. What it installs itself (Kinesis, by npm) is kept from one run to the next.
start_localstack() {
    local venv root=$STATE/localstack
    venv=$("$ROOT/scripts/venv.sh" localstack)
    mkdir -p "$root"
    cd "$dir"
    env -u DEBUG PATH="$venv/bin:$PATH" OVERRIDE_IN_DOCKER=0 KINESIS_PERSISTENCE=0 KINESIS_MOCK_VERSION=0.6.2 FILESYSTEM_ROOT="$root" \
        GATEWAY_LISTEN="127.0.0.1:$port" DNS_ADDRESS=0 DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 \
        AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 \
        setsid "$venv/bin/python" -m localstack.runtime.main >"$dir/log" 2>&1 </dev/null 9>&- &
}

# The one that enforces IAM, once it is told to.
start_moto() {
    local venv
    venv=$("$ROOT/scripts/venv.sh" moto)
    cd "$dir"
    setsid "$venv/bin/python" "$ROOT/tests/e2e/iam_server.py" "$port" >"$dir/log" 2>&1 </dev/null 9>&- &
}

start() {
    local kind=$1 deadline
    dir=$2 port=${3:-$(free_port)}
    mkdir -p "$dir"
    case $kind in
    ministack | localstack | moto) "start_$kind" ;;
    *) die "no local AWS called $kind" "localstack, ministack and moto are known." ;;
    esac
    local pid=$! endpoint=http://127.0.0.1:$port
    echo "$pid" >"$dir/pid"
    echo "$endpoint" >"$dir/endpoint"
    deadline=$((SECONDS + 90))
    until answers "$endpoint/_localstack/health"; do
        if ! kill -0 "$pid" 2>/dev/null || [ $SECONDS -ge $deadline ]; then
            tail -20 "$dir/log" >&2
            die "$kind did not start, see $dir/log"
        fi
        sleep 0.1
    done
    echo "$endpoint"
}

stop() {
    local pid deadline=$((SECONDS + 20))
    pid=$(cat "$1/pid" 2>/dev/null) || return 0
    # It leads a process group of its own: LocalStack's Kinesis is a child of it.
    kill -TERM -- "-$pid" 2>/dev/null || return 0
    while kill -0 -- "-$pid" 2>/dev/null; do
        if [ $SECONDS -ge $deadline ]; then kill -KILL -- "-$pid" 2>/dev/null || true; break; fi
        sleep 0.1
    done
    rm -f "$1/pid"
}

command=$1
shift
case $command in
start) start "$@" ;;
stop) stop "$@" ;;
*) die "usage: aws-local.sh start KIND DIR [PORT] | stop DIR" ;;
esac
