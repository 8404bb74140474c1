#!/usr/bin/env bash
# Unit and property tests of the crates that know no PostgreSQL, documentation tests among them.
source "$(dirname "$0")/lib.sh"

make_state
# AWS's own library opens what we seal.
ACTIVITY_TEST_PYTHON=$("$ROOT/scripts/venv.sh" e2e)/bin/python
export ACTIVITY_TEST_PYTHON
cd "$ROOT"
cargo test --locked --workspace --exclude activity_stream --no-fail-fast 2>&1 | tee "$STATE/unit.log" && status=0 || status=$?
read -r passed failed < <(cargo_counts "$STATE/unit.log")
# What did not compile or crashed counts, too.
if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
report unit "$passed" "$failed"
