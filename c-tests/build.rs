//! Compiles the C tests, and makes a Rust test of each case in c/cases.h.

use std::fmt::Write as _;
use std::path::PathBuf;

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let header_dir = root.join("../include");
    let sources: Vec<PathBuf> = std::fs::read_dir(root.join("c"))
        .expect("c/")
        .map(|entry| entry.expect("c/").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "main.c"))
        .collect();
    let with = |extension: &'static str| {
        sources.iter().filter(move |path| path.extension().is_some_and(|found| found == extension))
    };

    let mut build = cc::Build::new();
    build.include(&header_dir).warnings_into_errors(true).extra_warnings(true).flag("-Wpedantic");
    let version = std::env::var("CARGO_PKG_VERSION").expect("cargo sets it");
    build.define("LSCOAP_TEST_VERSION", format!("\"{version}\"").as_str());
    build.clone().std("c99").files(with("c")).compile("lscoap_c_tests");
    build.cpp(true).std("c++11").files(with("cpp")).compile("lscoap_cxx_tests");
    println!("cargo::rerun-if-changed=c");
    println!("cargo::rerun-if-changed={}", header_dir.display());

    let list = std::fs::read_to_string(root.join("c/cases.h")).expect("c/cases.h");
    let cases = list.lines().filter_map(|line| line.strip_prefix("CASE(")?.strip_suffix(')'));
    let tests = cases.fold(String::new(), |mut tests, case| {
        writeln!(tests, "#[test]\nfn {case}() {{\n    run(c\"{case}\");\n}}").expect("a string");
        tests
    });
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("cases.rs"), tests).expect("OUT_DIR");
}
