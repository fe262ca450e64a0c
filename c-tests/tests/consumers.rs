//! A ten-line program uses the library each way that C programs do.

mod common;

use common::{build_again, cmake, consumer, root, run, scratch};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// What the consumer prints.
fn expected() -> String {
    let mut secret = [0; 32];
    secret[0] = 1;
    let key = lscoap::enrolment::public_key(&secret).expect("a key");
    format!("{}\n", lscoap::enrolment::format_server(&key).expect("a string"))
}

/// The one file of this name below a directory.
fn find(dir: &Path, name: &str) -> PathBuf {
    fn all(dir: &Path, name: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                all(&path, name, found);
            } else if path.file_name().is_some_and(|file| file == name) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    all(dir, name, &mut found);
    assert_eq!(found.len(), 1, "{name} below {}: {found:?}", dir.display());
    found.remove(0)
}

fn modified(path: &Path) -> SystemTime {
    path.metadata().and_then(|data| data.modified()).expect("a time")
}

fn pkg_config(prefix: &Path, question: &str) -> String {
    // The directory depends on the system.
    let dir = find(prefix, "lscoap.pc").parent().expect("a directory").to_path_buf();
    run(Command::new("pkg-config").env("PKG_CONFIG_PATH", dir).args([question, "lscoap"]))
}

#[test]
fn each_way() {
    // add_subdirectory, with cargo behind it.
    let build = scratch("subdirectory");
    cmake(&consumer("subdirectory"), &build, &[]);
    let program = build.join("consumer");
    assert_eq!(run(&mut Command::new(&program)), expected());

    // Nothing is built that has not changed.
    let archive = find(&build, "liblscoap.a");
    let before = (modified(&archive), modified(&program));
    build_again(&build);
    assert_eq!(before, (modified(&archive), modified(&program)), "a build without changes built something");

    // An install, of the archive that there is now, to a place that is then moved.
    let (build, first, prefix) = (scratch("top"), scratch("first-prefix"), scratch("prefix"));
    let options = [
        format!("-DLSCOAP_PREBUILT={}", archive.display()),
        "-DLSCOAP_BUILD_EXAMPLES=OFF".into(),
        format!("-DCMAKE_INSTALL_PREFIX={}", first.display()),
    ];
    cmake(&root(), &build, &options);
    run(Command::new("cmake").arg("--install").arg(&build));
    std::fs::remove_dir_all(&prefix).expect("a directory");
    std::fs::rename(&first, &prefix).expect("a directory");
    for file in ["liblscoap.a", "lscoap.h", "lscoap-config.cmake", "lscoap-config-version.cmake", "lscoap.pc"]
    {
        find(&prefix, file);
    }

    // find_package.
    let build = scratch("package");
    cmake(&consumer("package"), &build, &[format!("-DCMAKE_PREFIX_PATH={}", prefix.display())]);
    assert_eq!(run(&mut Command::new(build.join("consumer"))), expected());

    // pkg-config.
    let program = scratch("pkg-config").join("consumer");
    let flags = pkg_config(&prefix, "--cflags") + &pkg_config(&prefix, "--libs");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o"]).arg(&program);
    run(compiler.arg(consumer("main.c")).args(flags.split_whitespace()));
    assert_eq!(run(&mut Command::new(&program)), expected());
    assert_eq!(pkg_config(&prefix, "--modversion").trim(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_package_consumer_asks_for_this_version() {
    let mut version = env!("CARGO_PKG_VERSION").split('.');
    let (major, minor) = (version.next().expect("major"), version.next().expect("minor"));
    let text = std::fs::read_to_string(consumer("package").join("CMakeLists.txt")).expect("a file");
    assert!(text.contains(&format!("find_package(lscoap {major}.{minor} REQUIRED)")), "ask for this version");
}
