#!/usr/bin/env bash
# postgres-source.sh PG_CONFIG: prints a folder with PostgreSQL's own tests for the server at PG_CONFIG, which is Debian's:
# regress/ and isolation/ of its source package, bin/ with psql and the tests' programs, lib/ with the tests' C functions.
# All of the version that is installed, or of the nearest older one of which the archive has both source and programs: what
# the tests expect is also what psql prints, so both are of one version.
source "$(dirname "$0")/lib.sh"
source "$ROOT/scripts/apt.sh"

pg_config=$1
major=$("$pg_config" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
installed=$(dpkg-query -W -f '${Version}' "postgresql-$major" 2>/dev/null) ||
    die "PostgreSQL $major is not Debian's here" "Its source package is where the tests come from."

make_state
dir=$STATE/postgres-source-$installed
exec 9>"$dir.lock"
flock 9

# Called in an empty folder, which it fills.
download() {
    local release version
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    own_apt "$PWD" < <(debian_archives |
        sed -E "s|.*-security\$|& $release-security main|; t both; s|.*|& $release main|; :both; s|.*|deb &\ndeb-src &|")
    # A newer version may test what this server does not have yet.
    for version in $(apt-cache showsrc "postgresql-$major" | sed -n 's/^Version: //p' | sort -ruV); do
        rm -f postgresql-*
        if dpkg --compare-versions "$version" le "$installed" &&
            apt-get source -q --download-only "postgresql-$major=$version" &&
            apt-get download -q "postgresql-client-$major=$version"; then
            echo "$version" >version
            return 0
        fi
    done
    return 1
}

if [ ! -e "$dir/complete" ]; then
    say "the tests of PostgreSQL $installed"
    rm -rf "$dir"
    mkdir -p "$dir"/{bin,lib}
    apt=$(mktemp -d /tmp/activity-apt-XXXXXX)
    trap 'rm -rf "$apt"' EXIT
    (cd "$apt" && download) >"$dir.log" 2>&1 || true
    [ -e "$apt/version" ] || { tail -20 "$dir.log" >&2; die "no source of PostgreSQL $major, see $dir.log"; }
    tar -C "$dir" --no-same-owner --no-same-permissions --strip-components=3 --wildcards -xf "$apt"/*.orig.tar.* \
        '*/src/test/regress' '*/src/test/isolation'
    dpkg-deb -x "$apt"/postgresql-client-*.deb "$apt/client"
    find "$apt/client/usr/lib/postgresql" -type f \( -name psql -o -path '*/src/test/*' \) -perm -u+x -exec cp {} "$dir/bin" \;
    cc -O2 -fPIC -shared -fno-strict-aliasing -fwrapv -I"$("$pg_config" --includedir-server)" \
        "$dir/regress/regress.c" -o "$dir/lib/regress.so"
    cp "$("$pg_config" --pkglibdir)"/{refint,autoinc}.so "$dir/lib"
    cp "$apt/version" "$dir"
    touch "$dir/complete"
fi
[ "$installed" = "$(cat "$dir/version")" ] || say "the server is $installed, its tests are of $(cat "$dir/version")"
echo "$dir"
