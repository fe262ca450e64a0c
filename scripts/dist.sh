#!/bin/sh
# Makes what a release offers to those who have no Rust: for each CPU a tarball with the archive, the header, a
# pkg-config file and the licences, and SHA256SUMS over them.
#
#   dist.sh OUT_DIR [CPU...]
#
# CPU   of the table below; all without one
#
# Nothing of the time and place goes in. CARGO_TARGET_DIR is cargo's target directory (default:
# OUT_DIR/cargo); SOURCE_DATE_EPOCH the time that files in the tarballs have (default: 0).
set -eu
export LC_ALL=C # one order of names everywhere
umask 022

# CPU, Rust target, optimisation, back-end, and what the C code around it is compiled with.
CPUS='cortex-m0 thumbv6m-none-eabi z rustcrypto -mthumb -mcpu=cortex-m0
cortex-m3 thumbv7m-none-eabi z rustcrypto -mthumb -mcpu=cortex-m3
cortex-m4 thumbv7em-none-eabi z rustcrypto -mthumb -mcpu=cortex-m4 -mfloat-abi=soft
cortex-m4f thumbv7em-none-eabihf z rustcrypto -mthumb -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16
cortex-m4f-cm4 thumbv7em-none-eabihf z p256-cm4 -mthumb -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16
cortex-m33 thumbv8m.main-none-eabi z rustcrypto -mthumb -mcpu=cortex-m33 -mfloat-abi=soft
riscv32imc riscv32imc-unknown-none-elf z rustcrypto -march=rv32imc -mabi=ilp32
riscv32imac riscv32imac-unknown-none-elf z rustcrypto -march=rv32imac -mabi=ilp32
x86_64-linux x86_64-unknown-linux-gnu 3 rustcrypto -m64'
FEATURES=client,server,signed,express,resume,coap,device,group,group-delegate

if [ $# -lt 1 ]; then
    echo "usage: $0 OUT_DIR [CPU...]" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
cargo_dir=${CARGO_TARGET_DIR:-$out/cargo}
rm -f "$out/SHA256SUMS" # of another run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "dist.sh: $*" >&2
    exit 1
}

# Refuses a file that says where it was made.
check_paths() { # file
    for path in "$root" "$cargo_dir" "${CARGO_HOME:-$HOME/.cargo}"; do
        if grep -aqF "$path" "$1"; then
            fail "${1##*/} has the path $path in it"
        fi
    done
}

pkg_config_file() {
    sed -e "s,@LSCOAP_PC_PREFIX@,\${pcfiledir}/../..," \
        -e "s,@LSCOAP_PC_LIBDIR@,\${prefix}/lib," \
        -e "s,@LSCOAP_PC_INCLUDEDIR@,\${prefix}/include," \
        -e "s,@LSCOAP_PC_LIBS@,," \
        -e "s,@PROJECT_VERSION@,$version," "$root/cmake/lscoap.pc.in"
}

pack() { # CPU, Rust target, optimisation, back-end, C flags
    name=lscoap-$version-$1
    features=$FEATURES
    [ "$4" = rustcrypto ] || features=$features,$4
    dir=$work/$name
    mkdir -p "$dir/lib/pkgconfig" "$dir/include"

    archive=$dir/lib/liblscoap.a
    "$root/scripts/build-staticlib.sh" "$2" "$features" "$3" "$cargo_dir" "$archive" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "$1: there is no archive"
    }
    check_paths "$archive"
    cp "$root/include/lscoap.h" "$dir/include/"
    cp "$root/LICENSE-APACHE" "$root/LICENSE-MIT" "$dir/"
    pkg_config_file >"$dir/lib/pkgconfig/lscoap.pc"
    "$root/scripts/third-party.sh" "$2" "$features" >"$dir/THIRD-PARTY.txt"
    {
        echo "lscoap $version for $1"
        echo "C flags:     $5"
        echo "Rust target: $2"
        echo "features:    $features"
        sed -n 's/^lscoap: /compiler:    /p' "$work/log"
    } >"$dir/BUILD.txt"
    check_paths "$dir/BUILD.txt"

    tar --sort=name --format=ustar --mtime="@${SOURCE_DATE_EPOCH:-0}" --owner=0 --group=0 --numeric-owner \
        --mode=a+rX,u+w,go-w -C "$work" -cf "$work/$name.tar" "$name"
    gzip -9n <"$work/$name.tar" >"$out/$name.tar.gz"
    echo "$name.tar.gz" >>"$work/made"
    echo "$out/$name.tar.gz"
}

[ $# -gt 0 ] || set -- $(echo "$CPUS" | cut -d ' ' -f 1)
for cpu in "$@"; do
    line=$(echo "$CPUS" | grep "^$cpu ") || fail "$cpu is none of: $(echo "$CPUS" | cut -d ' ' -f 1 | tr '\n' ' ')"
    read -r cpu target level backend c_flags <<LINE
$line
LINE
    pack "$cpu" "$target" "$level" "$backend" "$c_flags"
done
(cd "$out" && sort "$work/made" | xargs sha256sum) >"$out/SHA256SUMS"
