#!/bin/sh
# The main job, from nothing: keys, enrolment, a server, a device that it knows and one that it does not.
#   demo.sh PROGRAMS LSCOAP      the directory of the libcoap programs, and the command-line program
set -eu
programs=$1
lscoap=$2
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

say 'The server'
secure_server -A 127.0.0.1 -p 0 -k server.key -d devices.txt >server.log 2>&1 &
server=$!
tries=0
until url=$(sed -n 's/^listening on /coap:\/\//p' server.log) && [ -n "$url" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] && kill -0 "$server" || { cat server.log >&2; exit 1; }
    sleep 0.1
done
echo "secure_server listens on ${url#coap://}"

for profile in signed express; do
    say "The device, $profile profile: GET and POST /index"
    run secure_client -k device.key -i sensor-7 -s "$server_string" --profile $profile -u "$url" GET index
    run secure_client -k device.key -i sensor-7 -s "$server_string" --profile $profile -u "$url" POST index 21.5
done

say 'A device that nobody enrolled'
run lscoap keygen stranger.key
if run secure_client -k stranger.key -i sensor-8 -s "$server_string" -u "$url" GET index; then
    echo 'the stranger was served' >&2
    exit 1
fi

say 'The server goes on serving'
run secure_client -k device.key -i sensor-7 -s "$server_string" -u "$url" GET index

say 'What the server saw'
kill "$server"
wait "$server" || { cat server.log; exit 1; }
server=
cat server.log
