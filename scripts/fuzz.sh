#!/usr/bin/env bash
# fuzz.sh smoke|long|merge [TARGET…]: libFuzzer on the targets of fuzz/, two at a time.
#   smoke  FUZZ_SECONDS (60) each: what `make test` does
#   long   FUZZ_SECONDS (3600) each, going on with what was found before, from another seed each time
# FUZZ_SEED says which seed.
#   merge  takes what was found, as far as it is new and small, into fuzz/corpus
# FUZZ_SANITIZER=address builds with it, which takes a nightly toolchain. All else takes the stable one and a C++ compiler.
source "$(dirname "$0")/lib.sh"

JOBS=2
# Enough for every format's headers, and a kilobyte of text in each of several places.
MAX_INPUT_BYTES=4096
MAX_MEMORY_MB=2048
# Of one input. The machine may be busy; what is out of proportion takes minutes.
MAX_INPUT_SECONDS=25

WORK=$STATE/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
PROGRAM=$TARGET/fuzz/$host/fuzz/activity-fuzz

# What cargo-fuzz does, as flags of a stable compiler: counters on every edge, comparisons told to the fuzzer.
build() {
    local flags="-Cpasses=sancov-module" toolchain=()
    for option in level=4 inline-8bit-counters pc-table trace-compares stack-depth; do
        flags+=" -Cllvm-args=-sanitizer-coverage-$option"
    done
    if [ -n "${FUZZ_SANITIZER:-}" ]; then
        flags+=" -Zsanitizer=$FUZZ_SANITIZER"
        toolchain=(+nightly)
    fi
    # With --target the flags are not those of build scripts and macros.
    say "building the fuzz targets"
    cd "$ROOT"
    RUSTFLAGS=$flags CARGO_TARGET_DIR=$TARGET/fuzz cargo "${toolchain[@]}" build -q --locked --profile fuzz \
        -p activity-fuzz --features libfuzzer --target "$host"
}

libfuzzer() { ACTIVITY_FUZZ_TARGET=$1 "$PROGRAM" "${@:2}"; }

# one SECONDS TARGET: a run of one target. Its report is one line of the results: name, runs, exit status.
one() {
    local seconds=$1 name=$2 status=0 runs options=()
    local log=$WORK/$name.log
    mkdir -p "$WORK/found/$name" "$WORK/crashes"
    if [ -e "$ROOT/fuzz/dictionaries/$name" ]; then options+=("-dict=$ROOT/fuzz/dictionaries/$name"); fi
    libfuzzer "$name" -max_total_time="$seconds" -max_len=$MAX_INPUT_BYTES -timeout=$MAX_INPUT_SECONDS \
        -rss_limit_mb=$MAX_MEMORY_MB -seed="${FUZZ_SEED:-0}" -print_final_stats=1 -artifact_prefix="$WORK/crashes/$name-" "${options[@]}" \
        "$WORK/found/$name" "$ROOT/fuzz/corpus/$name" >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%s %s %s\n' "$name" "${runs:-0}" "$status" >>"$WORK/results"
    if [ "$status" -eq 0 ]; then say "fuzz $name: ${runs:-0} runs"; return; fi
    say "fuzz $name FAILED, see $log"
    grep -m1 -A4 -E 'panicked at|ERROR: libFuzzer' "$log" | cut -c1-500 >&2 || true
    local file
    file=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
    if [ -n "$file" ]; then printf 'HINT: ACTIVITY_FUZZ_TARGET=%s %s %s\n' "$name" "$PROGRAM" "$file" >&2; fi
}

# merge TARGET: the smallest files that reach what is reached, after those that are committed.
merge() {
    local name=$1 committed=$ROOT/fuzz/corpus/$1
    mkdir -p "$committed"
    libfuzzer "$name" -merge=1 -max_len=512 "$committed" "$WORK/found/$name" >"$WORK/$name.merge.log" 2>&1
    say "$name: $(find "$committed" -type f | wc -l) files, $(du -sb "$committed" | cut -f1) bytes"
}

all() { sed -n 's/.*Target { name: "\([a-z]*\)".*/\1/p' "$ROOT/fuzz/src/targets/mod.rs"; }

command=${1:-smoke}
shift || true
case $command in
one) one "$@"; exit ;;
merge)
    build
    for name in ${*:-$(all)}; do merge "$name"; done
    exit
    ;;
# The same inputs in the same order each time: what was green is not red for another reason than the change.
smoke) seconds=${FUZZ_SECONDS:-60} seed=${FUZZ_SEED:-1} ;;
long) seconds=${FUZZ_SECONDS:-3600} seed=${FUZZ_SEED:-0} ;;
*) die "fuzz.sh $command: there is no such command" "smoke, long or merge." ;;
esac

make_state
mkdir -p "$WORK"
: >"$WORK/results"
build
targets=${*:-$(all)}
export FUZZ_SEED=$seed
printf '%s\n' $targets | xargs -P $JOBS -I{} "$0" one "$seconds" {}
# A target that did not run a single input has not passed.
read -r passed failed < <(awk -v wanted="$(wc -w <<<"$targets")" \
    '$2 > 0 && $3 == 0 { p += 1 } END { print p + 0, wanted - p }' "$WORK/results")
report fuzz "$passed" "$failed"
