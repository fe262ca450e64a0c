#!/bin/sh
# Builds the firmware for a board in BUILD_DIR and runs its tests, the self-test among them, in QEMU. What is built and
# tested is written to BUILD_DIR/check.log, and shown only if something fails.
#
#   check.sh BOARD BUILD_DIR [CMAKE-ARGUMENT...]
set -eu
unset MAKEFLAGS MFLAGS # a make around this keeps its job tokens to itself

if [ $# -lt 2 ]; then
    echo "usage: $0 BOARD BUILD_DIR [CMAKE-ARGUMENT...]" >&2
    exit 2
fi
board=$1 build=$2
shift 2
source_dir=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$build"
log=$build/check.log

check() {
    cmake -S "$source_dir" -B "$build" -DBOARD="$board" "$@" &&
        cmake --build "$build" -j"$(nproc)" &&
        (cd "$build" && ctest --verbose)
}

if check "$@" >"$log" 2>&1; then
    sed -n "s/^ *[0-9]*\/[0-9]* Test *#[0-9]*: /$board: /p" "$log"
else
    cat "$log"
    echo "$board: failed; this is $log"
    exit 1
fi
