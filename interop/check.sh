#!/bin/sh
# The tests of this package, then the table of peers: the project's programs and aiocoap with each other. What they need is
# installed in a virtual environment, pinned by hashes. Where that cannot be had, nothing is tested and a line says so;
# with LSCOAP_CI set it is an error.
#
#   check.sh BUILD PROGRAMS [--write DOCUMENT]     absolute paths; BUILD and PROGRAMS are directories
set -eu
build=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
venv=$build/venv

not_tested() {
    echo "*** NOT TESTED: the second implementation, and aiocoap as a peer: $1"
    [ -z "${LSCOAP_CI-}" ] || exit 1
    exit 0
}

mkdir -p "$build"
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
    rm -rf "$venv"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || not_tested 'Python 3.11 or later is needed.'
    python3 -m venv "$venv" || not_tested 'python3 makes no virtual environment (python3-venv).'
    if ! "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 2 --timeout 20 --require-hashes \
        -r "$here/requirements.txt" >"$build/pip.log" 2>&1; then
        cat "$build/pip.log" >&2
        ! grep -q 'DO NOT MATCH THE HASHES' "$build/pip.log" || exit 1
        not_tested 'their packages could not be installed.'
    fi
    cp "$here/requirements.txt" "$venv/installed"
fi

# What is installed is a copy, so that building leaves nothing in the sources.
rm -rf "$build/source" && cp -R "$here" "$build/source"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation "$build/source"
(cd "$build" && "$venv/bin/lscoap-interop" --help >/dev/null)
cd "$here"
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m pytest -q -p no:cacheprovider tests
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m peers --programs "$@"
