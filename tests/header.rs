//! The committed C header is the one that the source gives, and it is good C99 and C++11.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files with C types, in `src/ffi/`, in the order of the header. Only these: cbindgen would trip over the generic types
/// behind them.
const SOURCES: [&str; 25] = [
    "version",
    "status",
    "platform",
    "message",
    "enrolment",
    "client",
    "exchange",
    "io",
    "session",
    "coap",
    "context",
    "blob",
    "storage",
    "device",
    "slot",
    "../server/stats",
    "directory",
    "server",
    "answers",
    "group_exchange",
    "../group/stats",
    "group_member",
    "group",
    "group_storage",
    "group_delegate",
];

fn generated() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml");
    let builder = SOURCES
        .iter()
        .fold(cbindgen::Builder::new(), |b, file| b.with_src(root().join(format!("src/ffi/{file}.rs"))));
    let bindings = builder.with_config(config).generate().expect("src/ffi");
    let mut bytes = Vec::new();
    bindings.write(&mut bytes);
    String::from_utf8(bytes).expect("a header in UTF-8")
}

#[test]
fn is_up_to_date() {
    let path = root().join("include/lscoap.h");
    if std::env::var_os("LSCOAP_WRITE_HEADER").is_some() {
        std::fs::write(&path, generated()).expect("include/lscoap.h");
    }
    let committed = std::fs::read_to_string(&path).expect("include/lscoap.h");
    assert!(committed == generated(), "include/lscoap.h is stale: run `make header`");
}

#[test]
fn compiles_alone() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (compiler, language, standard) in [("cc", "c", "-std=c99"), ("c++", "c++", "-std=c++11")] {
        let source = out.join(format!("alone.{language}"));
        std::fs::write(&source, "#include <lscoap.h>\n").expect("a source file");
        let status = Command::new(compiler)
            .args(["-x", language, standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"])
            .arg("-I")
            .arg(root().join("include"))
            .arg(&source)
            .status()
            .expect(compiler);
        assert!(status.success(), "{compiler} {standard}");
    }
}
