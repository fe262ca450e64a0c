#!/bin/sh
# Unpacks the source of lwIP, as Debian 12 has it, into DIR and prints where it is; everything else goes to stderr.
# apt checks the archive's signature and the file's hash. Needs neither root nor source entries in apt's
# configuration: it works with lists of its own, in DIR. Where the source is already, nothing is done.
#
#   fetch-lwip.sh DIR
set -eu

VERSION=2.1.3+dfsg1-2
RELEASE=bookworm
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

if [ $# -ne 1 ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
source=$dir/lwip-${VERSION%%+*}

if [ ! -f "$source/src/core/udp.c" ]; then
    "$(dirname "$0")/setup.sh" dpkg-dev debian-archive-keyring >&2

    # The mirror that this machine uses; by convention its address ends so. LSCOAP_DEBIAN_MIRROR names one where apt knows
    # none, as on Ubuntu.
    mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' |
        grep -m1 '/debian/*$') || mirror=${LSCOAP_DEBIAN_MIRROR:-}
    [ -n "$mirror" ] || {
        echo "apt has no Debian mirror: name one in LSCOAP_DEBIAN_MIRROR, or unpack the source of lwIP yourself, into $source" >&2
        exit 1
    }
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
    echo "deb-src [signed-by=$KEYRING] $mirror $RELEASE main" >"$dir/apt/sources.list"

    own_apt() {
        apt-get -q -o Dir::Etc::SourceList="$dir/apt/sources.list" -o Dir::Etc::SourceParts=- \
            -o Dir::State="$dir/apt" -o Dir::State::Lists="$dir/apt/lists" -o Dir::State::Status=/dev/null \
            -o Dir::Cache="$dir/apt/cache" -o APT::Sandbox::User="$(id -un)" \
            -o APT::Update::Error-Mode=any "$@" >&2
    }
    # Half a tree, from a run that was broken off, would look whole.
    rm -rf "$dir/unpacking"
    mkdir "$dir/unpacking"
    own_apt update && (cd "$dir/unpacking" && own_apt source "lwip=$VERSION") || {
        echo "lscoap: the source of lwIP $VERSION cannot be fetched: is there a network? If not, unpack it into $source" >&2
        exit 1
    }
    rm -rf "$source"
    mv "$dir/unpacking/lwip-${VERSION%-*}" "$source"
    rm -rf "$dir/apt" "$dir/unpacking"
fi
echo "$source"
