#!/usr/bin/env bash
# build.sh PG_CONFIG: builds the library for that PostgreSQL, and activity-consumer, with $PROFILE.
# Both at once: built one by one they would ask for other features of what they share, and compile the AWS SDK twice.
source "$(dirname "$0")/lib.sh"

pg_config=$(realpath "$1")
version=$("$pg_config" --version)
major=$(sed -E 's/^PostgreSQL ([0-9]+).*/\1/' <<<"$version")
[ -e "$("$pg_config" --includedir-server)/postgres.h" ] ||
    die "$version at $pg_config has no server headers" "Install postgresql-server-dev-$major or its like."

say "building for $version, profile $PROFILE"
cd "$ROOT"
PGRX_PG_CONFIG_PATH=$pg_config cargo build -q --locked -p activity_stream -p activity-consumer \
    --no-default-features --features "activity_stream/pg$major" --profile "$PROFILE"
