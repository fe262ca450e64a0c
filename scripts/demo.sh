#!/bin/sh
# The main job, from nothing, told command by command; each part of it by itself, with keys of its own.
#
#   demo.sh host PROGRAMS LSCOAP                   keys, enrolment, a server, a device that it knows, and strangers
#   demo.sh board PROGRAMS LSCOAP FIRMWARE LWIP    the same device as firmware of an emulated Cortex-M4
#
# PROGRAMS is the directory of the libcoap programs, LSCOAP the command-line program; FIRMWARE is where firmware is
# built, LWIP the source of lwIP.
set -eu
exec 2>&1 # one stream, in order
part=$1 programs=$2 lscoap=$3
firmware=${4:-} lwip=${5:-}
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
server_pid=
trap '[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

cd "$dir"
PATH=$programs:$(dirname "$lscoap"):$root/scripts:$root/c-examples/firmware:$PATH
unset MAKEFLAGS MFLAGS # a make around this keeps its job tokens to itself

say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}

fail() {
    echo "demo: not as expected: $*"
    exit 1
}

# Shows a line of shell, and carries it out.
run() {
    printf '$ %s\n' "$*"
    eval "$*"
}

# The same, with the text that it has to say before it. Gives the command's status.
saying() {
    printf '$ %s\n' "$2"
    status=0
    eval "$2" >said 2>&1 || status=$?
    cat said
    grep -qF -- "$1" said || fail "that does not say '$1'"
    return "$status"
}
run_says() {
    saying "$@" || fail 'that did not succeed'
}
run_refused() {
    ! saying "$@" || fail 'that was not refused'
}

start_server() { # port, 0 for any; $url is where
    run "secure_server -A 127.0.0.1 -p $1 -k server.key -d devices.txt --resume-db resume.db >server.log 2>&1 &"
    server_pid=$!
    tries=0
    until url=$(sed -n 's/.*listening on /coap:\/\//p' server.log) && [ -n "$url" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] && kill -0 "$server_pid" || { cat server.log; fail 'the server does not start'; }
        sleep 0.1
    done
    echo "the server listens on ${url#coap://}"
}

stop_server() {
    say 'What the server saw'
    run 'cat server.log'
    run "kill $server_pid"
    wait "$server_pid" || fail 'the server did not end well'
    server_pid=
}

host() {
    say 'Keys and enrolment: the device prints its QR code once, the server keeps the string'
    run 'lscoap keygen --server server.key'
    run 'lscoap keygen device.key'
    run 'lscoap enroll device.key --id sensor-7 --qr always'
    run 'lscoap enroll device.key --id sensor-7 --qr never | lscoap devices add - --file devices.txt'
    run 'server=$(lscoap enroll --server server.key --qr never)'

    say 'The server'
    start_server 0

    device='secure_client -k device.key -i sensor-7 -s "$server" -u '$url
    for profile in signed express; do
        say "The device, $profile profile: GET and POST /index"
        run_says 'Server authenticated!' "$device --profile $profile GET index"
        run_says 'Server authenticated!' "$device --profile $profile POST index 21.5"
    done

    say 'A device that nobody enrolled'
    run 'lscoap keygen stranger.key'
    stranger='secure_client -k stranger.key -s "$server" -u '$url
    run_refused 'the server does not know this device' "$stranger -i sensor-8 GET index"

    say 'The same stranger, with the id of the enrolled device and a key that is not its own'
    run_refused 'the server could not verify this device' "$stranger -i sensor-7 GET index"

    say 'The server goes on serving; the device keeps its session in a file this time'
    run_says 'full handshake' "$device --resume session GET index"

    say 'The server is killed and started again: the device resumes its session, in one round trip'
    run 'cat server.log'
    run "kill -KILL $server_pid"
    wait "$server_pid" 2>/dev/null || true
    start_server "${url##*:}"
    run_says 'resumed' "$device --resume session GET index"

    stop_server
}

board() {
    say 'A microcontroller: its identity goes into its firmware'
    run 'lscoap keygen --server server.key'
    run 'lscoap keygen mcu.key'
    run 'lscoap enroll mcu.key --id sensor-m4 --qr never | lscoap devices add - --file devices.txt'
    run 'lscoap c-header mcu.key --id sensor-m4 --server-key server.key -o identity.h'
    run "cmake -S $root/c-examples/firmware -B $firmware -DBOARD=mps2-an386 -DLWIP_DIR=$lwip" \
        '-DDEVICE_HEADER=$PWD/identity.h >firmware.log' || { cat firmware.log; fail 'the firmware is not configured'; }
    run "quietly.sh $firmware/build.log 'building the firmware' cmake --build $firmware --target device"

    say 'The server'
    start_server 0

    for profile in signed express; do
        say "The microcontroller, an emulated Cortex-M4, $profile profile: GET and POST over its own network"
        run "run.sh mps2-an386 $firmware/device/device.elf -nic user,model=lan9118" \
            "-semihosting-config arg=profile=$profile,arg=port=${url##*:}"
    done

    stop_server
}

"$part"
printf '\n%s\n' 'demo: all as expected'
