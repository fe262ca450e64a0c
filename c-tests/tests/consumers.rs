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

fn pkg_config(prefix: &Path, package: &str, question: &str) -> String {
    // The directory depends on the system.
    let dir = find(prefix, "lscoap.pc").parent().expect("a directory").to_path_buf();
    run(Command::new("pkg-config").env("PKG_CONFIG_PATH", dir).args([question, package]))
}

/// Compiles a consumer with what pkg-config says of a package.
fn compile(source: &Path, prefix: &Path, package: &str) -> PathBuf {
    let program = scratch(&format!("pkg-config-{package}")).join("consumer");
    let flags = pkg_config(prefix, package, "--cflags") + &pkg_config(prefix, package, "--libs");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o"]).arg(&program);
    run(compiler.arg(source).args(flags.split_whitespace()));
    program
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
        "-DLSCOAP_BUILD_LIBCOAP=ON".into(),
        "-DLSCOAP_BUILD_EXAMPLES=OFF".into(),
        format!("-DCMAKE_INSTALL_PREFIX={}", first.display()),
    ];
    cmake(&root(), &build, &options);
    run(Command::new("cmake").arg("--install").arg(&build));
    std::fs::remove_dir_all(&prefix).expect("a directory");
    std::fs::rename(&first, &prefix).expect("a directory");
    for file in [
        "liblscoap.a",
        "lscoap.h",
        "lscoap-config.cmake",
        "lscoap-config-version.cmake",
        "lscoap.pc",
        "liblscoap_libcoap.a",
        "lscoap_libcoap.h",
        "lscoap-libcoap.pc",
    ] {
        find(&prefix, file);
    }

    // find_package, alone and with the adapter for libcoap.
    let from_prefix = [format!("-DCMAKE_PREFIX_PATH={}", prefix.display())];
    for name in ["package", "libcoap"] {
        let build = scratch(name);
        cmake(&consumer(name), &build, &from_prefix);
        assert_eq!(run(&mut Command::new(build.join("consumer"))), expected(), "{name}");
    }

    // pkg-config.
    for (source, package) in [("main.c", "lscoap"), ("libcoap/main.c", "lscoap-libcoap")] {
        let program = compile(&consumer(source), &prefix, package);
        assert_eq!(run(&mut Command::new(&program)), expected(), "{package}");
        assert_eq!(pkg_config(&prefix, package, "--modversion").trim(), env!("CARGO_PKG_VERSION"));
    }

    // Where the adapter was not installed, asking for it says so.
    std::fs::remove_file(find(&prefix, "liblscoap_libcoap.a")).expect("a file");
    let without = Command::new("cmake")
        .arg("-S")
        .arg(consumer("libcoap"))
        .arg("-B")
        .arg(scratch("without"))
        .args(&from_prefix)
        .output()
        .expect("cmake");
    assert!(!without.status.success());
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(said.contains("the adapter was not installed with it"), "{said}");
}

#[test]
fn the_package_consumers_ask_for_this_version() {
    let mut version = env!("CARGO_PKG_VERSION").split('.');
    let (major, minor) = (version.next().expect("major"), version.next().expect("minor"));
    for name in ["package", "libcoap"] {
        let text = std::fs::read_to_string(consumer(name).join("CMakeLists.txt")).expect("a file");
        assert!(text.contains(&format!("find_package(lscoap {major}.{minor} REQUIRED")), "{name}");
    }
}
