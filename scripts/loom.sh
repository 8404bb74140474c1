#!/usr/bin/env bash
# The ring under loom, which tries every order in which threads can see each other's writes (within a bound).
source "$(dirname "$0")/lib.sh"

make_state
cd "$ROOT"
# A target folder of its own: another RUSTFLAGS would throw away what is built in the common one.
RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$TARGET/loom \
    cargo test --locked -p activity-ring --lib --profile fast 2>&1 |
    tee "$STATE/loom.log" && status=0 || status=$?
read -r passed failed < <(cargo_counts "$STATE/loom.log")
if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
report loom "$passed" "$failed"
