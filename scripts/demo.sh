#!/bin/sh
# The main job, from nothing: keys, enrolment, a server, a device that it knows and one that it does not.
#   demo.sh PROGRAMS LSCOAP FIRMWARE LWIP
# the directory of the libcoap programs, the command-line program, where firmware is built, the source of lwIP
set -eu
programs=$1
lscoap=$2
firmware=$3
lwip=$4
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT

say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}
run() {
    printf '$ %s\n' "$*"
    "$@"
}

cd "$dir"
PATH=$programs:$(dirname "$lscoap"):$PATH

say 'Keys and enrolment: the device prints its QR code once, the server keeps the string'
run lscoap keygen --server server.key
run lscoap keygen device.key
run lscoap enroll device.key --id sensor-7 --qr always
lscoap enroll device.key --id sensor-7 --qr never | lscoap devices add - --file devices.txt
server_string=$(lscoap enroll --server server.key --qr never)

say 'A microcontroller: its identity goes into its firmware'
run lscoap keygen mcu.key
lscoap enroll mcu.key --id sensor-m4 --qr never | lscoap devices add - --file devices.txt
run lscoap c-header mcu.key --id sensor-m4 --server "$server_string" -o identity.h
cmake -S "$root/c-examples/firmware" -B "$firmware" -DBOARD=mps2-an386 -DLWIP_DIR="$lwip" \
    -DDEVICE_HEADER="$dir/identity.h" >firmware.log 2>&1 &&
    cmake --build "$firmware" --target device >>firmware.log 2>&1 || { cat firmware.log >&2; exit 1; }

# On a port, 0 for any; $url is where.
start_server() {
    : >server.log
    secure_server -A 127.0.0.1 -p "$1" -k server.key -d devices.txt --resume-db resume.db >server.log 2>&1 &
    server=$!
    tries=0
    until url=$(sed -n 's/^listening on /coap:\/\//p' server.log) && [ -n "$url" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] && kill -0 "$server" || { cat server.log >&2; exit 1; }
        sleep 0.1
    done
    echo "secure_server listens on ${url#coap://}"
}

say 'The server'
start_server 0

for profile in signed express; do
    say "The device, $profile profile: GET and POST /index"
    run secure_client -k device.key -i sensor-7 -s "$server_string" --profile $profile -u "$url" GET index
    run secure_client -k device.key -i sensor-7 -s "$server_string" --profile $profile -u "$url" POST index 21.5
done

for profile in signed express; do
    say "The microcontroller, an emulated Cortex-M4, $profile profile: the same over its own network"
    run "$root/c-examples/firmware/run.sh" mps2-an386 "$firmware/device/device.elf" -nic user,model=lan9118 \
        -semihosting-config "arg=profile=$profile,arg=port=${url##*:}"
done

say 'A device that nobody enrolled'
run lscoap keygen stranger.key
if run secure_client -k stranger.key -i sensor-8 -s "$server_string" -u "$url" GET index; then
    echo 'the stranger was served' >&2
    exit 1
fi

say 'The server goes on serving; the device keeps its session in a file this time'
run secure_client -k device.key -i sensor-7 -s "$server_string" -u "$url" --resume session GET index

say 'What the server saw'
cat server.log

say 'The server is killed and started again: the device resumes its session, in one round trip'
kill -KILL "$server"
wait "$server" 2>/dev/null || true
start_server "${url##*:}"
run secure_client -k device.key -i sensor-7 -s "$server_string" -u "$url" --resume session GET index
kill "$server"
wait "$server" || { cat server.log; exit 1; }
server=
