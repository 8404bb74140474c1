#!/usr/bin/env bash
# Delivery in a simulated, hostile world: SEEDS=N runs, or SEED=N repeats one.
source "$(dirname "$0")/lib.sh"

make_state
cd "$ROOT"
export ACTIVITY_SIM_SEEDS=${SEEDS:-10000}
if [ -n "${SEED:-}" ]; then export ACTIVITY_SIM_SEED=$SEED; fi
cargo test --locked -p activity-deliver --lib --profile fast simulation -- --nocapture 2>&1 | tee "$STATE/sim.log" && status=0 || status=$?
read -r passed failed < <(cargo_counts "$STATE/sim.log")
if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
report sim "$passed" "$failed"
