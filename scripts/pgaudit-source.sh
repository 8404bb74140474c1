#!/usr/bin/env bash
# pgaudit-source.sh: prints the path of the regression script of the pgaudit that is installed for PostgreSQL 15. It comes in
# Debian's source package, which is fetched once into the state folder; nothing of it is part of this repository.
source "$(dirname "$0")/lib.sh"
source "$ROOT/scripts/apt.sh"

package=postgresql-15-pgaudit
version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) || die "$package is not installed"
make_state
dir=$STATE/pgaudit-$version
script=$dir/source/sql/pgaudit.sql
exec 9>"$dir.lock"
flock 9

fetch_source() {
    local apt
    apt=$(mktemp -d /tmp/activity-apt-XXXXXX)
    trap 'rm -rf "$apt"' RETURN
    (
        cd "$apt"
        own_apt "$apt" < <(debian_archives | sed '/-security$/d; s/.*/deb-src & bookworm main/')
        apt-get source -q --download-only --only-source --tar-only "$(dpkg-query -W -f '${source:Package}=${source:Version}' "$package")"
    ) >"$dir.log" 2>&1 || return 1
    rm -rf "$dir"
    mkdir -p "$dir/source"
    tar -xf "$(ls "$apt"/*.orig.tar.*z)" -C "$dir/source" --strip-components 1
}

if [ ! -e "$script" ]; then
    fetch_source || die "the source package of $package could not be fetched, see $dir.log"
fi
[ -e "$script" ] || die "there is no regression script in the source package of $package"
printf '%s\n' "$script"
