# Sourced by the other scripts: where things are, and the few words they share.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
STATE=${ACTIVITY_STATE:-$ROOT/.state}
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
PROFILE=${PROFILE:-fast}

say() { printf '==> %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$1" >&2; if [ $# -gt 1 ]; then printf 'HINT: %s\n' "$2" >&2; fi; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Everything that the scripts download or make, in one folder that git does not see.
make_state() { mkdir -p "$STATE"; [ -e "$STATE/.gitignore" ] || echo '*' >"$STATE/.gitignore"; }

# PostgreSQL refuses to run as root. RUST_BACKTRACE would put a backtrace into the DETAIL of every message.
as_server() {
    if is_root; then
        (cd / && runuser -u postgres -- env -u RUST_BACKTRACE HOME=/tmp "$@")
    else
        (cd / && env -u RUST_BACKTRACE "$@")
    fi
}

# A new folder in /tmp that belongs to the server's user: the repository may lie where that user cannot go.
server_dir() {
    local dir
    dir=$(mktemp -d "/tmp/activity-$1-XXXXXX")
    if is_root; then chown postgres: "$dir"; fi
    chmod 0755 "$dir"
    printf '%s\n' "$dir"
}

# The folder where cargo puts what it builds with a profile.
profile_dir() { if [ "$1" = dev ]; then echo "$TARGET/debug"; else echo "$TARGET/$1"; fi; }

# The last word of a test runner: its counts, for people and for test.sh. Fails where a test failed or none ran.
report() {
    local name=$1 passed=$2 failed=$3
    printf '%s: %d passed, %d failed\n' "$name" "$passed" "$failed"
    if [ -n "${ACTIVITY_RESULTS:-}" ]; then printf '%s %d %d\n' "$name" "$passed" "$failed" >>"$ACTIVITY_RESULTS"; fi
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# Counts of "test result: ok. N passed; N failed; …", the closing lines of cargo test, in a file.
cargo_counts() { awk '/^test result:/ { p += $4; f += $6 } END { print p + 0, f + 0 }' "$1"; }
