#!/bin/sh
# fuzz/run.sh TARGET OPTION...: fuzzes one target with libFuzzer and AddressSanitizer, growing fuzz/corpus/TARGET.
# Options are libFuzzer's: -max_total_time=SECONDS, -runs=EXECUTIONS.
# A nightly toolchain is used where there is one; a stable one is told to accept the same flags.
set -eu
cd "$(dirname "$0")"
target=$1
shift
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address -Ccodegen-units=1 --cfg fuzzing"
cargo build --release --locked --target "$host" --bin "$target" >&2
mkdir -p "corpus/$target" "artifacts/$target"
exec "target/$host/release/$target" -max_len=512 -timeout=10 -artifact_prefix="artifacts/$target/" \
    -print_final_stats=1 "$@" "corpus/$target"
