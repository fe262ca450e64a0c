#!/bin/sh
# Makes the keys of a server and of a device for it, and the header that the device's firmware is built with. What
# is in DIR already stays.
#
#   enrol.sh LSCOAP DIR      the command-line program, and where the files go:
#                            server.key, device.key, devices.txt, identity.h
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 LSCOAP DIR" >&2
    exit 2
fi
lscoap=$1 dir=$2
id=firmware-1

[ -f "$dir/identity.h" ] && exit 0
mkdir -p "$dir"
rm -f "$dir/server.key" "$dir/device.key" "$dir/devices.txt"
server=$("$lscoap" keygen --server "$dir/server.key")
"$lscoap" keygen "$dir/device.key" >/dev/null
"$lscoap" enroll "$dir/device.key" --id $id --qr never | "$lscoap" devices add - --file "$dir/devices.txt"
"$lscoap" c-header "$dir/device.key" --id $id --server "$server" -o "$dir/identity.h"
