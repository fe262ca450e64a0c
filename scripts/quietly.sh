#!/bin/sh
# Runs a command whose output goes to LOG, and says in one line what goes on. If it fails, the log is shown.
#
#   quietly.sh LOG TITLE COMMAND...
set -eu
log=$1 title=$2
shift 2
mkdir -p "$(dirname "$log")"
rm -f "$log.status"
began=$(date +%s)

say() {
    printf '%s: %d s, see %s' "$title" $(($(date +%s) - began)) "$log"
}

{
    status=0
    "$@" || status=$?
    echo "$status" >"$log.status"
} >"$log" 2>&1 &
job=$!
trap 'kill "$job" 2>/dev/null || true; exit 1' HUP INT TERM

[ -t 1 ] || echo "$title ..."
while [ ! -s "$log.status" ]; do
    [ ! -t 1 ] || printf '\r%s' "$(say)"
    sleep 1
done
wait "$job"
[ ! -t 1 ] || printf '\r'
say
echo
status=$(cat "$log.status")
rm -f "$log.status"
[ "$status" -eq 0 ] || {
    cat "$log"
    echo "$title: failed; this was $log" >&2
    exit "$status"
}
