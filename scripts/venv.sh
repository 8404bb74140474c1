#!/usr/bin/env bash
# venv.sh NAME: makes the virtual environment of tests/requirements/NAME.txt where it is missing or out of date; prints its folder.
source "$(dirname "$0")/lib.sh"

name=$1
requirements=$ROOT/tests/requirements/$name.txt
dir=$STATE/venv-$name
make_state
exec 9>"$STATE/venv-$name.lock"
flock 9

# The pins are those of Python 3.11, Debian 12's own.
python=
for candidate in /usr/bin/python3.11 python3.11 python3; do
    if "$candidate" -c 'import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || die "there is no Python 3.11 with venv" "apt-get install python3-venv on Debian 12."

if ! cmp -s "$requirements" "$dir/requirements.txt"; then
    say "virtual environment $name"
    rm -rf "$dir"
    "$python" -m venv "$dir"
    "$dir/bin/pip" install -q --disable-pip-version-check --no-deps -r "$requirements" >"$dir.log" 2>&1 ||
        { tail -20 "$dir.log" >&2; die "pip install failed for $name, see $dir.log"; }
    cp "$requirements" "$dir/requirements.txt"
fi
echo "$dir"
