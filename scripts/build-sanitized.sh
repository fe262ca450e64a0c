#!/bin/sh
# Builds all C code and its tests with AddressSanitizer and UBSan into BUILD_DIR, the library instrumented too.
#
#   build-sanitized.sh BUILD_DIR [CMAKE_ARGUMENT...]
set -eu
if [ $# -lt 1 ]; then
    echo "usage: $0 BUILD_DIR [CMAKE_ARGUMENT...]" >&2
    exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1
shift
lib=$(RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Zexternal-clangrt" \
    "$root/scripts/build-staticlib.sh" host client,server,signed,express,resume,coap,device,group,group-delegate 3 \
    "${CARGO_TARGET_DIR:-$build/cargo}" "$build/liblscoap.a")
cmake -S "$root" -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
    -DLSCOAP_BUILD_TESTS=ON -DLSCOAP_BUILD_EXAMPLES=ON -DLSCOAP_SANITIZE=address,undefined -DLSCOAP_PREBUILT="$lib" "$@"
cmake --build "$build" -j"${JOBS:-$(nproc)}" -- --no-print-directory
