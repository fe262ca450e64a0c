#!/bin/sh
# fuzz/run.sh TARGET OPTION...: fuzzes one target, of fuzz_targets/ (Rust) or c/ (C), with libFuzzer and
# AddressSanitizer, growing fuzz/corpus/TARGET.
# Options are libFuzzer's: -max_total_time=SECONDS, -runs=EXECUTIONS.
# A nightly toolchain is used where there is one; a stable one is told to accept the same flags.
set -eu
cd "$(dirname "$0")"
cargo_dir=${CARGO_TARGET_DIR:-target}
target=$1
shift
mkdir -p "corpus/$target" "artifacts/$target"

fuzz() { # program, option...
    program=$1
    shift
    exec "$program" -timeout=10 -artifact_prefix="artifacts/$target/" -print_final_stats=1 "$@" "corpus/$target"
}

if [ -f "c/$target.c" ]; then
    ../scripts/build-sanitized.sh "$PWD/../build/fuzz" -DLSCOAP_SANITIZE=address,undefined,fuzzer-no-link >&2
    fuzz "../build/fuzz/bin/fuzz_$target" -max_len=768 -len_control=10 "$@"
fi

host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address -Ccodegen-units=1 --cfg fuzzing"
cargo build --release --locked --target "$host" --bin "$target" >&2
fuzz "$cargo_dir/$host/release/$target" -max_len=512 "$@"
