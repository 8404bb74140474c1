#!/usr/bin/env bash
# Format, lints, and that no file of ours outgrows its purpose.
source "$(dirname "$0")/lib.sh"

passed=0 failed=0
check() {
    local name=$1
    shift
    say "$name"
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); say "$name FAILED"; fi
}

cd "$ROOT"
export PGRX_PG_CONFIG_PATH
PGRX_PG_CONFIG_PATH=$("$ROOT/scripts/postgres.sh" 15)
check "cargo fmt" cargo fmt --all --check
check "cargo clippy" cargo clippy -q --locked --workspace --all-targets --features pg15 -- -D warnings
for script in scripts/*.sh .ci/run; do bash -n "$script" || failed=$((failed + 1)); done
report lint "$passed" "$failed"
