#!/bin/sh
# Runs a command that has to end with a status and to print a text.
#
#   expect.sh STATUS TEXT COMMAND...
set -u
status=$1 text=$2
shift 2

output=$("$@" 2>&1)
got=$?
echo "$output"
if [ $got -ne "$status" ]; then
    echo "the exit status is $got, not $status"
    exit 1
fi
case $output in
*"$text"*) ;;
*)
    echo "'$text' is not in the output"
    exit 1
    ;;
esac
