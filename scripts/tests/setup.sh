#!/bin/sh
# What setup.sh and setup-cross.sh say and do on machines that are not this one: their commands are stand-ins here.
set -eu
scripts=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

# A machine: Debian 12 with a fitting Rust, where nothing is installed and apt has everything.
stand_in() { # name, body
    printf '#!/bin/sh\n%s\n' "$2" >"$dir/bin/$1"
    chmod +x "$dir/bin/$1"
}
machine() {
    rm -rf "$dir/bin"
    mkdir "$dir/bin"
    for tool in sh cat cut dirname dpkg echo grep head ls printf sed sort tail; do
        ln -s "$(command -v "$tool" | grep / || echo "/usr/bin/$tool")" "$dir/bin/$tool"
    done
    stand_in rustc 'case $1 in --print) echo /nowhere ;; *) echo "rustc 1.95.0 (abc 2026-04-14)" ;; esac'
    stand_in cargo ''
    stand_in id 'echo 1000'
    stand_in sudo 'case $1 in -*) ;; *) exec "$@" ;; esac'
    stand_in dpkg-query ''
    stand_in apt-get "echo \"apt-get \$*\" >>'$dir/did'"
    stand_in apt-cache 'echo "$2:"; echo "  Candidate: 1.96.0+dfsg1-1~deb12u2"'
    rm -f "$dir/did"
}

check() { # what it is about, status, text that is said or done (none: nothing is), command...
    about=$1 wanted=$2 text=$3
    shift 3
    status=0
    PATH=$dir/bin "$@" >"$dir/said" 2>&1 </dev/null || status=$?
    [ ! -f "$dir/did" ] || cat "$dir/did" >>"$dir/said"
    if [ "$status" -eq "$wanted" ] && { [ -z "$text" ] && [ ! -s "$dir/said" ] ||
        { [ "$text" ] && grep -qF -- "$text" "$dir/said"; }; }; then
        echo "ok    $about"
    else
        failures=$((failures + 1))
        echo "FAIL  $about: status $status, expected $wanted and '$text':"
        sed 's/^/      /' "$dir/said"
    fi
}

machine
check 'what is missing is installed' 0 'apt-get install -y --no-install-recommends gcc rustc-web' \
    "$scripts/setup.sh" gcc rustc-web=1.96

machine
stand_in dpkg-query 'echo "gcc installed 12"; echo "rustc-web installed 1.85.0+dfsg3-1~deb12u3"'
check 'what is too old is upgraded, and nothing else' 0 'recommends rustc-web' "$scripts/setup.sh" gcc rustc-web=1.96

machine
stand_in dpkg-query 'echo "gcc installed 12"; echo "rustc-web installed 1.96.0+dfsg1-1~deb12u2"'
stand_in apt-get 'exit 9'
check 'where all is there, apt is left alone' 0 '' "$scripts/setup.sh" gcc rustc-web=1.96

machine
stand_in apt-cache 'echo "  Candidate: 1.85.0+dfsg3-1~deb12u3"'
check 'main alone has too old a compiler' 1 'the suite bookworm-security: add Debian' \
    "$scripts/setup.sh" rustc-web=1.96

machine
stand_in rustc 'echo "rustc 1.63.0"'
check 'Rust is too old' 1 "1.63.0: run 'rustup update'" "$scripts/setup.sh" gcc

machine
rm "$dir/bin/rustc"
check 'there is no Rust' 1 'install it from https://rustup.rs' "$scripts/setup.sh" gcc

machine
rm "$dir/bin/sudo"
check 'there is no sudo' 1 'no sudo to install them with: ask somebody who can for: apt-get install' \
    "$scripts/setup.sh" gcc

machine
stand_in sudo 'exit 1'
check 'sudo asks for a password, and nobody is there' 1 'asks for a password where there is no terminal' \
    "$scripts/setup.sh" gcc

machine
stand_in apt-get 'echo "E: Failed to fetch" >&2; exit 100'
check 'there is no network' 1 'could not install what is missing: is there a network?' "$scripts/setup.sh" gcc

machine
stand_in apt-cache 'echo "  Candidate: (none)"'
check 'the system has no such package' 1 "Ubuntu 22.04 and 24.04 have in universe those of 'make demo-host'" \
    "$scripts/setup.sh" rustc-web=1.96

machine
rm "$dir/bin/apt-get"
check 'there is no apt' 1 'there is no apt here' "$scripts/setup.sh" gcc

machine
stand_in apt-cache 'echo "  Candidate: 1.85.0+dfsg3-1~deb12u3"'
stand_in rustup "echo \"rustup \$*\" >>'$dir/did'"
check "rustup's core libraries do for the boards" 0 'rustup target add thumbv6m-none-eabi' \
    "$scripts/setup-cross.sh" rustc-web=1.96

machine
stand_in apt-cache 'echo "  Candidate: (none)"'
check 'there is no compiler for the boards' 1 'or install rustup' "$scripts/setup-cross.sh" rustc-web=1.96

[ "$failures" -eq 0 ]
