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

status=0
reason=$("$here/venv.sh" "$build") || status=$?
[ "$status" -ne 3 ] || not_tested "$reason"
[ "$status" -eq 0 ] || exit 1

# What is installed is a copy, so that building leaves nothing in the sources.
rm -rf "$build/source" && cp -R "$here" "$build/source"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation "$build/source"
(cd "$build" && "$venv/bin/lscoap-interop" --help >/dev/null)
cd "$here"
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m pytest -q -p no:cacheprovider tests
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m peers --programs "$@"
