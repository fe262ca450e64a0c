#!/bin/sh
# Verifies the models one after the other and compares each query's verdict with what stands beside it in the model:
# "holds" or "falls". A .patch is a variant of the model that it names in its "---" line.
#
#   run.sh VERIFPAL DIRECTORY [NAME]...     e.g. handshake/signed; without a name all of them
#
# DIRECTORY gets the variants as whole models, and a log of each.
set -eu

verifpal=$1 out=$2
shift 2
cd "$(dirname "$0")"

# What Verifpal's result code should be: a letter and a digit for each query.
expected() {
    awk '/^queries\[/ { inside = 1; next }
        inside && /\?/ {
            if ($0 !~ /\/\/ (holds|falls)$/) exit 1
            printf "%s%d", substr($1, 1, 1), /falls$/
        }' "$1"
}

[ $# -gt 0 ] || set -- $(find . -name '*.vp' -o -name '*.patch' | sed 's|^\./||; s|\.[a-z]*$||' | sort)
failed=0
for name in "$@"; do
    mkdir -p "$out/$(dirname "$name")"
    model=$out/$name.vp
    grep -q "\`${name#*/}\`" ../docs/proofs.md || { echo "$name: not in docs/proofs.md" >&2; exit 1; }
    if [ -f "$name.patch" ]; then
        base=$(dirname "$name")/$(sed -n 's/^--- //p' "$name.patch")
        patch --quiet --fuzz=0 --output="$model" "$base" "$name.patch"
    else
        cp "$name.vp" "$model"
    fi
    want=$(expected "$model") || { echo "$name: a query without a verdict" >&2; exit 1; }
    start=$(date +%s)
    "$verifpal" verify --result-code "$model" >"$out/$name.log" 2>&1 || { tail -n 5 "$out/$name.log" >&2; exit 1; }
    got=$(tail -n 1 "$out/$name.log")
    verdict=ok
    [ "$got" = "$want" ] || { verdict="NOT AS EXPECTED, which is $want" failed=1; }
    printf '%-48s %-16s %4d s  %s\n' "$name" "$got" $(($(date +%s) - start)) "$verdict"
done
exit $failed
