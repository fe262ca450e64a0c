#!/bin/sh
# make's shell where time is taken: leaves what a command and its children used of the processor in the directory
# $LSCOAP_TIMES, for times.sh.
#
#   timed-shell.sh [TARGET] -c COMMAND
[ "$1" = -c ] && exec sh "$@"
target=$1
shift
unset MAKEFLAGS MFLAGS # make keeps its job tokens to itself, of which cargo would complain
sh "$@"
status=$?
times >"$LSCOAP_TIMES/$target.$$"
exit $status
