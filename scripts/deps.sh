#!/usr/bin/env bash
# Makes sure that what everything else needs is on this machine; on Debian, as root, installs what is missing.
source "$(dirname "$0")/lib.sh"

missing=()
need() { local package=$1; shift; if ! "$@" >/dev/null 2>&1; then missing+=("$package"); fi; }

need build-essential which gcc make
need pkg-config which pkg-config
need libclang-dev sh -c 'which clang || ls /usr/lib/llvm-*/lib/libclang*.so*'
need clang which clang
need python3-venv python3 -c 'import ensurepip, venv'
need xz-utils which xz
# The source packages that the tests come from.
need bzip2 which bzip2
need postgresql-15 test -x /usr/lib/postgresql/15/bin/pgbench
need postgresql-server-dev-15 test -f /usr/include/postgresql/15/server/postgres.h
# What the comparison with pgAudit compares with.
need postgresql-15-pgaudit test -f /usr/lib/postgresql/15/lib/pgaudit.so
# LocalStack runs its Kinesis as a Node program.
need nodejs which node
need npm which npm

install_packages() {
    is_root || die "these packages are missing: ${missing[*]}" "Install them, or run this as root."
    which apt-get >/dev/null 2>&1 || die "these Debian packages are missing: ${missing[*]}" "Install their like."
    say "apt-get install ${missing[*]}"
    # Without this Debian would make a cluster and start it.
    local drop_in=/etc/postgresql-common/createcluster.d/activity-stream.conf
    mkdir -p "$(dirname "$drop_in")"
    echo 'create_main_cluster = false' >"$drop_in"
    trap 'rm -f "$drop_in"' RETURN
    {
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
    } >"$STATE/apt.log" 2>&1 || { tail -20 "$STATE/apt.log" >&2; die "apt-get failed, see $STATE/apt.log"; }
}

make_state
if [ ${#missing[@]} -gt 0 ]; then install_packages; fi
which cargo >/dev/null 2>&1 || die "there is no cargo in PATH" \
    "Install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml") or newer from https://rustup.rs; Debian 12's own is too old."
