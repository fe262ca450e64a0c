#!/bin/sh
# Builds liblscoap.a and prints its path; everything else goes to stderr. The one way for CMake, make and Zephyr.
#
#   build-staticlib.sh TARGET FEATURES OPT_LEVEL TARGET_DIR [ARCHIVE]
#
# TARGET      a Rust target such as thumbv7em-none-eabihf, or "host"
# FEATURES    features of the crate, separated by commas; ffi and panic-handler are always added
# OPT_LEVEL   1 to 3, s or z (unoptimised core asks for unwinding symbols that only std has). On a microcontroller
#             z is the smallest, s takes a fifth less time for a third more flash: see docs/footprint.md
# TARGET_DIR  cargo's target directory. All callers can share one: cargo keeps what was built with other features and
#             flags, and each Rust target has a part of its own, so that two of them can be built at once
# ARCHIVE     the archive is left here too, and is not touched where it is the same: for callers that share TARGET_DIR
#
# LSCOAP_CARGO_ARGS are further arguments of cargo, separated by spaces.
# LSCOAP_AR=AR leaves Rust's memcpy() and the like out of the archive by that program, which is the toolchain's: where a C
# library and libgcc are linked, which have them too.
# LSCOAP_FLAGS=stable leaves out the flags that stable toolchains do not have; LSCOAP_CRATE=DIR builds another crate of the
# same shape: both are for measurements (footprint/).
set -eu

if [ $# -lt 4 ] || [ $# -gt 5 ]; then
    echo "usage: $0 TARGET FEATURES OPT_LEVEL TARGET_DIR [ARCHIVE]" >&2
    exit 2
fi
target=$1 features=$2 target_dir=$4 archive=${5:-}
unset MAKEFLAGS MFLAGS # a make around this keeps its job tokens to itself, of which rustc would complain
root=$(cd "$(dirname "$0")/.." && pwd)

# Debian's compiler has no standard library for microcontrollers but the source of it, to be built along.
DEBIAN_RUSTC=/usr/bin/rustc
DEBIAN_CARGO=/usr/bin/cargo

absolute() {
    case $1 in
    /*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
    esac
}
target_dir=$(absolute "$target_dir")
[ -z "$archive" ] || archive=$(absolute "$archive")

fail() {
    echo "lscoap: $*" >&2
    exit 1
}

has_core() { # compiler, target
    [ -n "$(find "$("$1" --print sysroot)/lib/rustlib/$2/lib" -name 'libcore-*.rlib' 2>/dev/null)" ]
}

has_source() { # compiler
    [ -x "$1" ] && [ -d "$("$1" --print sysroot)/lib/rustlib/src/rust/library/core" ]
}

compiles_panics_out() { # compiler
    RUSTC_BOOTSTRAP=1 "$1" -Zunstable-options -Cpanic=immediate-abort --print cfg >/dev/null 2>&1
}

rustc=${RUSTC:-rustc}
cargo=${CARGO:-cargo}
command -v "$rustc" >/dev/null && command -v "$cargo" >/dev/null ||
    fail "rustc and cargo are needed: install them from https://rustup.rs"

case $3 in
[123sz]) ;;
*) fail "OPT_LEVEL is 1, 2, 3, s or z, not $3" ;;
esac

if [ "$target" = host ]; then
    target=$("$rustc" -vV | sed -n 's/^host: //p')
fi

# On a microcontroller Debian's comes first, since it compiles panics out. RUSTC decides otherwise.
prefers_debian() {
    case $target in
    *-none*) [ -z "${RUSTC:-}" ] && has_source "$DEBIAN_RUSTC" && compiles_panics_out "$DEBIAN_RUSTC" ;;
    *) false ;;
    esac
}

build_std=
if has_core "$rustc" "$target" && ! prefers_debian; then
    :
elif has_source "$DEBIAN_RUSTC" && [ -x "$DEBIAN_CARGO" ]; then
    compiles_panics_out "$DEBIAN_RUSTC" ||
        fail "$("$DEBIAN_RUSTC" --version), which is Debian's, is too old to build for $target: install rustc-web," \
            "cargo-web and rust-web-src 1.96 from bookworm-security, or run 'rustup target add $target'"
    rustc=$DEBIAN_RUSTC cargo=$DEBIAN_CARGO
    PATH=/usr/bin:$PATH
    unset LD_LIBRARY_PATH # a cargo test around this points it at another compiler's libraries
    RUSTC_BOOTSTRAP=1 # -Z flags are for this compiler's own users otherwise
    export PATH RUSTC_BOOTSTRAP
    has_core "$rustc" "$target" || build_std=-Zbuild-std=core
else
    fail "there is no Rust core library for $target: run 'rustup target add $target'" \
        "(or, on Debian, install rustc-web, cargo-web and rust-web-src)"
fi

flags=
add() {
    flags="${flags:+$flags }$*"
}
level=$3
deps_level=$3
p256_level=$3
quoted() { # a level as TOML has it
    case $1 in
    [sz]) echo "\"$1\"" ;;
    *) echo "$1" ;;
    esac
}
case $target:$3 in
*-none*:[sz])
    # Loops instead of unrolled rounds, which cost 7 KB; and 32-bit words, since `cpubits` would take an ARMv7-M for
    # a machine with 64-bit ones.
    add '--cfg sha2_backend_soft="compact"' '--cfg aes_backend_soft="compact"' '--cfg cpubits="32"'
    # P-256 at z takes half as long again for 2 KB.
    deps_level=s p256_level=s
    [ "$3" = z ] || p256_level=3
    ;;
*:3)
    # Field arithmetic is worth inlining: by default LLVM calls it, which costs P-256 a third of its speed.
    add -Cllvm-args=-inline-threshold=1000
    ;;
esac
# What stable toolchains cannot be told. Nothing panics: a panic is one trap instruction. And no frame pointers, for which the
# ARM targets ask and which no flag takes back: a target file of the same name does.
cargo_target=$target
crate_flags=
cargo_dir=$target_dir/staticlib/$target
if [ "$build_std" ] && [ "${LSCOAP_FLAGS:-}" != stable ]; then
    add -Zunstable-options -Cpanic=immediate-abort
    crate_flags=-Zmir-opt-level=3
    cargo_target=$cargo_dir/$target.json
    build_std="$build_std -Zjson-target-spec"
fi
RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }$flags"
export RUSTFLAGS
echo "lscoap: $("$rustc" --version), opt-level $level, RUSTFLAGS='$RUSTFLAGS'" >&2

# The assembly of P-256 reads every entry of a table, whichever it needs: addresses do not depend on secrets, and there is no
# copy of a table on the stack, for 3 % more instructions. src/crypto/software/cortex_m4.rs knows by LSCOAP_WHOLE_TABLES.
case ,$features, in
*,p256-cm4,*)
    TARGET_CFLAGS="${TARGET_CFLAGS:+$TARGET_CFLAGS }-Dhas_d_cache=1"
    LSCOAP_WHOLE_TABLES=1
    export TARGET_CFLAGS LSCOAP_WHOLE_TABLES
    ;;
esac

# Cargo has one name for the archives of all features and flags: nobody else's until it is copied.
mkdir -p "$cargo_dir"
if command -v flock >/dev/null; then
    exec 9>"$cargo_dir/.lscoap-lock"
    flock 9
fi

if [ "$cargo_target" != "$target" ]; then
    "$rustc" -Zunstable-options --print target-spec-json --target "$target" | sed '/"frame-pointer"/d' >"$cargo_target"
fi

# Levels by the environment and by --config, since cargo has no flag for them.
cd "${LSCOAP_CRATE:-$root}"
# shellcheck disable=SC2086 # these are lists of words
RUSTC=$rustc CARGO_PROFILE_RELEASE_OPT_LEVEL=$level \
    "$cargo" rustc --locked --lib --release --crate-type staticlib \
    --no-default-features --features "ffi,panic-handler${features:+,$features}" \
    --config "profile.release.package.\"*\".opt-level=$(quoted "$deps_level")" \
    --config "profile.release.package.p256.opt-level=$(quoted "$p256_level")" \
    --target "$cargo_target" --target-dir "$cargo_dir" ${build_std:-} ${LSCOAP_CARGO_ARGS:-} -- ${crate_flags:-} >&2 9>&-

name=$(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | head -n 1 | tr - _)
built=$cargo_dir/$target/release/lib$name.a
if [ "${LSCOAP_AR:-}" ]; then
    whole=$built built=$cargo_dir/lib$name-beside-libc.a
    cp "$whole" "$built"
    "$LSCOAP_AR" t "$whole" | grep '^compiler_builtins' | xargs "$LSCOAP_AR" d "$built"
fi
if [ "$archive" ]; then
    mkdir -p "$(dirname "$archive")"
    cmp -s "$built" "$archive" || cp "$built" "$archive"
    built=$archive
fi
echo "$built"
