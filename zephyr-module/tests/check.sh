#!/bin/sh
# The module's tests: those without Zephyr always, those in Zephyr where ZEPHYR_BASE is set.
#
#   check.sh BUILD_DIR PROGRAMS_DIR
#
# PROGRAMS_DIR has the host's secure_server and secure_client.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
build=$1 programs=$2
mkdir -p "$build"

echo "zephyr-module/tests/kconfig: what the options become"
/usr/bin/python3 "$here/kconfig/check.py"

echo "zephyr-module/tests/link: the glue and the library, with stand-ins for Zephyr"
/usr/bin/python3 "$here/link/link.py" "$build"

/usr/bin/python3 "$here/twister.py" "$build/twister" "$programs"
