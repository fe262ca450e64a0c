#!/bin/sh
# Lists what other people's work is linked into liblscoap.a: crates, versions, licences, and the licences' texts, each
# once, as the crates' packages have them.
#
#   third-party.sh TARGET FEATURES
set -eu
export LC_ALL=C

if [ $# -ne 2 ]; then
    echo "usage: $0 TARGET FEATURES" >&2
    exit 2
fi
target=$1 features=$2
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Macros are run by the compiler, not linked; what has a path is ours.
"$cargo" --quiet tree --locked --target "$target" --no-default-features --features "ffi,panic-handler,$features" \
    -e normal,no-proc-macro --prefix none -f '{p} | {l}' >"$work/tree"
sed -e 's/ (\*)$//' -e '/ (\/.*) | /d' -e 's/ v/ /' "$work/tree" | sort -u >"$work/crates"
"$cargo" --quiet metadata --locked --all-features --format-version 1 | tr ',' '\n' |
    sed -n 's,.*"manifest_path":"\(.*\)/Cargo\.toml".*,\1,p' >"$work/directories"

echo "liblscoap.a contains code of these crates, and of Rust's core library and compiler-builtins"
echo "(https://github.com/rust-lang/rust: MIT OR Apache-2.0; in compiler-builtins also MIT AND Apache-2.0 WITH"
echo "LLVM-exception). The texts of the licences follow, as far as the packages have them."
echo
cat "$work/crates"

mkdir "$work/texts" "$work/users"
while read -r name version _; do
    directory=$(grep "/$name-$version\$" "$work/directories" | head -n 1)
    if [ -z "$directory" ]; then
        echo "third-party.sh: the source of $name $version is not among cargo's packages" >&2
        exit 1
    fi
    # A crate that packages another project has that one's licence a level down.
    find "$directory" -maxdepth 2 -type f \( -name 'LICENSE*' -o -name 'COPYING*' -o -name 'COPYRIGHT*' \
        -o -name 'NOTICE*' -o -name UNLICENSE \) | sort >"$work/files"
    while read -r file; do
        sum=$(sha256sum <"$file" | cut -d ' ' -f 1)
        [ -f "$work/texts/$sum" ] || {
            cp "$file" "$work/texts/$sum"
            echo "$sum" >>"$work/order"
        }
        echo "$name $version: ${file#"$directory"/}" >>"$work/users/$sum"
    done <"$work/files"
done <"$work/crates"

while read -r sum; do
    printf '\n%s\n' '------------------------------------------------------------------------'
    cat "$work/users/$sum"
    echo
    cat "$work/texts/$sum"
done <"$work/order"
