#!/bin/sh
# Runs an image in QEMU until it ends, with its exit status: 124 after FIRMWARE_TIMEOUT seconds; with 0, whoever ends this
# process ends QEMU. Its console, the UART where the board is a real microcontroller, is the standard output. Each
# instruction takes one nanosecond of the board's time, so that every run is the same.
#
#   run.sh BOARD ELF [QEMU-ARGUMENT...]
set -eu

if [ $# -lt 2 ]; then
    echo "usage: $0 BOARD ELF [QEMU-ARGUMENT...]" >&2
    exit 2
fi
board=$1 elf=$2
shift 2

case $board in
riscv-virt-*) emulator='qemu-system-riscv32 -machine virt -bios none' ;;
*) emulator="qemu-system-arm -machine $board" ;;
esac
case $board in
microbit | lm3s6965evb | netduinoplus2) console='-serial chardev:console' to=native ;;
*) console='-serial none' to=native,chardev=console ;;
esac

limit="timeout ${FIRMWARE_TIMEOUT:-300}"
[ "${FIRMWARE_TIMEOUT:-}" != 0 ] || limit=

# shellcheck disable=SC2086 # the emulator and its arguments
exec $limit $emulator -kernel "$elf" -icount shift=0 \
    -display none -monitor none -chardev stdio,id=console $console \
    -semihosting-config enable=on,target=$to "$@" </dev/null
