#!/bin/sh
# Sees to a Rust compiler for microcontrollers: Debian's, which compiles panics out, or else rustup's with a core
# library of each target. Takes the packages of the former, as setup.sh does.
set -eu
here=$(dirname "$0")
TARGETS='thumbv6m-none-eabi thumbv7m-none-eabi thumbv7em-none-eabi thumbv7em-none-eabihf thumbv8m.main-none-eabi'

has_cores() {
    for target in $TARGETS; do
        [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] || return 1
    done
}

has_cores && exit 0
"$here/setup.sh" "$@" && exit 0
command -v rustup >/dev/null || {
    echo "lscoap: or install rustup from https://rustup.rs, and run: rustup target add $TARGETS" >&2
    exit 1
}
echo "lscoap: rustup's compiler will do for the boards, with larger firmware: rustup target add $TARGETS"
# shellcheck disable=SC2086 # a list of words
rustup target add $TARGETS
