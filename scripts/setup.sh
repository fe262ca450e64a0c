#!/bin/sh
# Looks whether Rust is new enough, and installs with apt the Debian packages among its arguments that are missing or
# too old. Does nothing where all is there; where it can do nothing, it says what to do.
#
#   setup.sh [PACKAGE | PACKAGE=VERSION]...     VERSION is the oldest that will do
set -eu

fail() {
    printf 'lscoap: %s\n' "$*" >&2
    exit 1
}

needed=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' "$(dirname "$0")/../Cargo.toml")
rust=$(rustc --version 2>/dev/null | cut -d ' ' -f 2) && command -v cargo >/dev/null && [ "$rust" ] ||
    fail "Rust $needed or later is needed, and there is none: install it from https://rustup.rs"
[ "$(printf '%s\n' "$needed" "$rust" | sort -V | head -n 1)" = "$needed" ] ||
    fail "Rust $needed or later is needed, and $(command -v rustc) is $rust: run 'rustup update'," \
        "or install rustup from https://rustup.rs"

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    fail "there is no apt here: install by other means what is in these packages of Debian 12: $*"

missing=
# shellcheck disable=SC2046 # a list of words
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status} ${Version}\n' $(echo "$*" | sed 's/=[^ ]*//g') 2>/dev/null) || true
for wanted in "$@"; do
    package=${wanted%%=*} version=${wanted#"${wanted%%=*}"}
    have=$(echo "$installed" | sed -n "s/^$package installed //p" | head -n 1)
    if [ -z "$have" ] || { [ "$version" ] && dpkg --compare-versions "$have" lt "${version#=}"; }; then
        missing="$missing $wanted"
    fi
done
[ "$missing" ] || exit 0
packages=$(echo "$missing" | sed 's/=[^ ]*//g')
by_hand="ask somebody who can for: apt-get install --no-install-recommends$packages"

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "packages are missing, and there is no sudo to install them with: $by_hand"
    sudo -n true 2>/dev/null || [ -t 0 ] ||
        fail "packages are missing, and sudo asks for a password where there is no terminal: $by_hand"
    sudo -v || fail "packages are missing, and sudo does not let you install them: $by_hand"
    as_root=sudo
fi

echo "installing with apt:$packages"
export DEBIAN_FRONTEND=noninteractive
# That one of several sources fails matters only if it has what is missing.
$as_root apt-get update || echo "lscoap: apt's lists are those of the last time" >&2

system=$(sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' /etc/os-release 2>/dev/null) || true
for wanted in $missing; do
    package=${wanted%%=*} version=${wanted#"${wanted%%=*}"}
    candidate=$(apt-cache policy "$package" | sed -n 's/^  Candidate: //p')
    case $candidate in
    '' | '(none)')
        fail "apt finds no package $package on ${system:-this system}: is there a network? All packages are in" \
            "Debian 12; Ubuntu 22.04 and 24.04 have in universe those of 'make demo-host'"
        ;;
    esac
    [ -z "$version" ] || dpkg --compare-versions "$candidate" ge "${version#=}" ||
        fail "$package ${version#=} or later is needed, and apt has $candidate: on Debian 12 it is in" \
            "the suite bookworm-security: add Debian's security updates (component main) to the sources in" \
            "/etc/apt/sources.list.d, and run 'apt-get update'"
done
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -y --no-install-recommends $packages ||
    fail "apt could not install what is missing: is there a network? If not, $by_hand"
