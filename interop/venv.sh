#!/bin/sh
# A virtual environment with what requirements.txt pins, aiocoap among it, in BUILD/venv; nothing is done where it is there.
# Where it cannot be had, the status is 3, and the reason is printed.
#
#   venv.sh BUILD     an absolute path
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
venv=$build/venv

missing() {
    echo "$1"
    exit 3
}

mkdir -p "$build"
! cmp -s "$here/requirements.txt" "$venv/installed" || exit 0
rm -rf "$venv"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || missing 'Python 3.11 or later is needed.'
python3 -m venv "$venv" >&2 || missing 'python3 makes no virtual environment (python3-venv).'
if ! "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 2 --timeout 20 --require-hashes \
    -r "$here/requirements.txt" >"$build/pip.log" 2>&1; then
    cat "$build/pip.log" >&2
    ! grep -q 'DO NOT MATCH THE HASHES' "$build/pip.log" || exit 1
    missing 'their packages could not be installed.'
fi
cp "$here/requirements.txt" "$venv/installed"
