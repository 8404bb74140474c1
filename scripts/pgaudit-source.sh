#!/usr/bin/env bash
# pgaudit-source.sh: prints the path of the regression script of the pgaudit that is installed for PostgreSQL 15. It comes in
# Debian's source package, which is fetched once into the state folder; nothing of it is part of this repository.
source "$(dirname "$0")/lib.sh"

package=postgresql-15-pgaudit
version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) || die "$package is not installed"
make_state
dir=$STATE/pgaudit-$version
script=$dir/source/sql/pgaudit.sql
exec 9>"$dir.lock"
flock 9

# An apt of its own, as postgres.sh has, that knows nothing but the sources of Debian 12.
fetch_source() {
    local apt uri
    apt=$(mktemp -d /tmp/activity-apt-XXXXXX)
    trap 'rm -rf "$apt"' RETURN
    uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        sed -nE 's/^(URIs:|deb)( \[[^]]*\])? *(https?:[^ ]*debian)(\/? .*|\/?)$/\3/p' | head -1)
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,parts,out}
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${uri:-http://deb.debian.org/debian} bookworm main" >"$apt/list"
    cat >"$apt/conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$apt/cache";
Dir::Etc::SourceList "$apt/list";
Dir::Etc::SourceParts "$apt/parts";
APT::Sandbox::User "";
CONF
    (
        cd "$apt/out"
        export APT_CONFIG=$apt/conf
        apt-get update -q
        apt-get source -q --download-only --only-source --tar-only "$(dpkg-query -W -f '${source:Package}=${source:Version}' "$package")"
    ) >"$dir.log" 2>&1 || return 1
    rm -rf "$dir"
    mkdir -p "$dir/source"
    tar -xf "$(ls "$apt"/out/*.orig.tar.*z)" -C "$dir/source" --strip-components 1
}

if [ ! -e "$script" ]; then
    fetch_source || die "the source package of $package could not be fetched, see $dir.log"
fi
[ -e "$script" ] || die "there is no regression script in the source package of $package"
printf '%s\n' "$script"
