#!/usr/bin/env bash
# install.sh PG_CONFIG: builds with $PROFILE and puts library, control file and SQL into that PostgreSQL. Honours DESTDIR.
source "$(dirname "$0")/lib.sh"

pg_config=${1:-}
[ -n "$pg_config" ] && [ -x "$pg_config" ] ||
    die "no pg_config at \"$pg_config\"" "Say make install PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config, for example."
libraries=${DESTDIR:-}$("$pg_config" --pkglibdir)
extensions=${DESTDIR:-}$("$pg_config" --sharedir)/extension

mkdir -p "$libraries" "$extensions" 2>/dev/null || true
[ -w "$libraries" ] && [ -w "$extensions" ] ||
    die "$libraries and $extensions cannot be written" "Run this as a user who may, or set DESTDIR."

"$ROOT/scripts/build.sh" "$pg_config"
# By way of a new file: a running server has the old one mapped.
install -m 0755 "$(profile_dir "$PROFILE")/libactivity_stream.so" "$libraries/activity_stream.so.new"
mv -f "$libraries/activity_stream.so.new" "$libraries/activity_stream.so"
install -m 0644 "$ROOT/activity_stream.control" "$ROOT"/sql/activity_stream--*.sql "$extensions/"
say "installed into $libraries and $extensions"
