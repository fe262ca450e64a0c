#!/bin/sh
# The main job, from nothing, told command by command; each part of it by itself, with keys of its own.
#
#   demo.sh host PROGRAMS LSCOAP                   keys, enrolment, a server, a device that it knows, and strangers
#   demo.sh board PROGRAMS LSCOAP FIRMWARE LWIP    the same device as firmware of an emulated Cortex-M4
#   demo.sh gateway PROGRAMS LSCOAP FIRMWARE LWIP AIOCOAP    that, and a server that knows nothing of lscoap
#
# PROGRAMS is the directory of the libcoap programs and the gateway, LSCOAP the command-line program; FIRMWARE is where firmware is
# built, LWIP the source of lwIP; AIOCOAP the directory of aiocoap's programs.
set -eu
exec 2>&1 # one stream, in order
part=$1 programs=$2 lscoap=$3
firmware=${4:-} lwip=${5:-} aiocoap=${6:-}
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
server_pid=
lamps=
backend_pid=
trap 'kill $server_pid $backend_pid $lamps 2>/dev/null || true; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

cd "$dir"
PATH=$programs:$(dirname "$lscoap")${aiocoap:+:$aiocoap}:$root/scripts:$root/c-examples/firmware:$PATH
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

# Waits until a file has a line with that text.
wait_for() { # text, file
    tries=0
    until grep -qF -- "$1" "$2"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { cat "$2"; fail "$2 does not say '$1'"; }
        sleep 0.1
    done
}

start_server() { # port, 0 for any, and more arguments; $url is where
    start_program "secure_server -A 127.0.0.1 -p $1 -k server.key -d devices.txt --resume-db resume.db ${2:-}"
}

start_program() { # a server; $url is where
    run "$1 >server.log 2>&1 &"
    server_pid=$!
    tries=0
    until url=$(sed -n 's/.*listening on /coap:\/\//p' server.log) && [ -n "$url" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] && kill -0 "$server_pid" || { cat server.log; fail 'the server does not start'; }
        sleep 0.1
    done
    echo "it listens on ${url#coap://}"
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

microcontroller() {
    say 'A microcontroller: its identity goes into its firmware'
    run 'lscoap keygen --server server.key'
    run 'lscoap keygen mcu.key'
    run 'lscoap enroll mcu.key --id sensor-m4 --qr never | lscoap devices add - --file devices.txt'
    run 'lscoap c-header mcu.key --id sensor-m4 --server-key server.key -o identity.h'
    run "cmake -S $root/c-examples/firmware -B $firmware -DBOARD=mps2-an386 -DLWIP_DIR=$lwip" \
        '-DDEVICE_HEADER=$PWD/identity.h >firmware.log' || { cat firmware.log; fail 'the firmware is not configured'; }
    run "quietly.sh $firmware/build.log 'building the firmware' cmake --build $firmware --target device"
}

board() {
    microcontroller

    for lamp in lamp-1 lamp-2; do
        run "lscoap keygen $lamp.key"
        run "lscoap enroll $lamp.key --id $lamp --qr never | lscoap devices add - --file devices.txt"
    done

    say 'The server'
    start_server 0 '--group groups.txt'

    for profile in signed express; do
        say "The microcontroller, an emulated Cortex-M4, $profile profile: GET and POST over its own network"
        run "run.sh mps2-an386 $firmware/device/device.elf -nic user,model=lan9118" \
            "-semihosting-config arg=profile=$profile,arg=port=${url##*:}"
    done

    group
    stop_server
}

group() {
    say 'A group of three: two lamps on this machine, and the microcontroller, which gets copies, since its emulated network has no multicast'
    copy=127.0.0.1:$((20000 + $$ % 20000))
    run 'server=$(lscoap enroll --server server.key --qr never)'
    run "lscoap group create --file groups.txt --address 239.192.0.1 --port 5690 --modes signed,tagged --slots 4 --copy $copy"
    for lamp in lamp-1 lamp-2 sensor-m4; do
        run "lscoap group add --file groups.txt --id $lamp"
    done
    for lamp in lamp-1 lamp-2; do
        run "secure_client -k $lamp.key -i $lamp -s \"\$server\" -u $url --listen 600 >$lamp.log 2>&1 &"
        lamps="$lamps $!"
    done
    run "FIRMWARE_TIMEOUT=0 run.sh mps2-an386 $firmware/device/device.elf -nic user,model=lan9118,hostfwd=udp:$copy-:5683" \
        "-semihosting-config arg=listen=100000,arg=port=${url##*:} >sensor-m4.log 2>&1 &"
    lamps="$lamps $!"
    for lamp in lamp-1 lamp-2 sensor-m4; do
        wait_for 'member of group 1' "$lamp.log"
    done

    say 'One command to all, signed; then a quick one, with a tag for each'
    run_says '3 answered' 'lscoap group send --file groups.txt --wait 20 PUT /light on'
    run_says '3 answered' 'lscoap group send --file groups.txt --wait 20 --mode tagged PUT /light off'

    say 'Somebody takes lamp-2 apart, and commands the others with all the keys that are in it'
    run "captured_lamp --key lamp-2.key --id lamp-2 --server \"\$server\" --to ${url#coap://} --also $copy /light captured"
    run_says '2 answered' 'lscoap group send --file groups.txt --wait 5 GET /light' # lamp-2 itself is lost
    ! grep -q captured lamp-1.log sensor-m4.log said || fail 'a lamp obeyed it'
    echo 'neither obeyed it'

    say 'lamp-2 is put out: new keys, which it does not get'
    run 'lscoap group remove --file groups.txt --id lamp-2'
    for lamp in lamp-1 sensor-m4; do
        wait_for 'epoch 2' "$lamp.log"
    done
    run_says '2 answered' 'lscoap group send --file groups.txt --wait 20 PUT /light on'
    for lamp in lamp-1 lamp-2 sensor-m4; do
        run "cat $lamp.log"
    done
    kill $lamps 2>/dev/null || true
    wait $lamps || true
    lamps=
}

gateway() {
    microcontroller
    run 'lscoap keygen other.key'
    run 'lscoap enroll other.key --id sensor-7 --qr never | lscoap devices add - --file devices.txt'

    say "A CoAP server that knows nothing of lscoap: aiocoap's own, which serves files, on loopback"
    path=d/$(printf sensor-m4 | od -An -tx1 | tr -d ' \n')/index
    run "mkdir -p files/${path%/index} && echo 'hello from aiocoap, sensor-m4' >files/$path"
    coap=127.0.0.1:$((20000 + $$ % 20000))
    run "aiocoap-fileserver -v --bind $coap files >>aiocoap.log 2>&1 &"
    backend_pid=$!
    tries=0
    until aiocoap-client -q "coap://$coap/$path" >said 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] && kill -0 "$backend_pid" || { cat aiocoap.log said; fail 'aiocoap does not start'; }
        sleep 0.1
    done

    say 'The gateway before it, which tells it who asks: by a path that begins with /d/ and the id in hexadecimal'
    cat >gateway.toml <<EOF
listen = ["127.0.0.1:0"]
key = "$dir/server.key"
allow_root = true
devices.source = "$dir/devices.txt"
backend.uri = "coap://$coap"
backend.identity = "path"
store.url = "sqlite:$dir/state.db"
http.address = "127.0.0.1:0"
EOF
    run 'cat gateway.toml'
    run 'lscoap-gateway check --config gateway.toml'
    start_program 'lscoap-gateway run --config gateway.toml'

    for profile in signed express; do
        say "The microcontroller, an emulated Cortex-M4, $profile profile: GET /index"
        : >aiocoap.log
        run_says 'hello from aiocoap, sensor-m4' "run.sh mps2-an386 $firmware/device/device.elf -nic user,model=lan9118 \
-semihosting-config arg=profile=$profile,arg=post=,arg=port=${url##*:}"
        run_says "$path" 'cat aiocoap.log'
    done

    say 'Another device, which is enrolled, asks for the same: it has no such file'
    : >aiocoap.log
    run 'server=$(lscoap enroll --server server.key --qr never)'
    run_refused 'File not found' "secure_client -k other.key -i sensor-7 -s \"\$server\" -u $url GET index"

    say 'A stranger: nothing of it reaches aiocoap'
    run 'lscoap keygen stranger.key'
    run_refused 'the server does not know this device' "secure_client -k stranger.key -i sensor-8 -s \"\$server\" -u $url GET index"
    [ ! -s aiocoap.log ] || { cat aiocoap.log; fail 'something of it did'; }
    echo 'aiocoap has seen nothing'

    stop_server
}

"$part"
printf '\n%s\n' 'demo: all as expected'
