//! A tarball of `scripts/dist.sh` is all that a C program for a microcontroller needs.

#[allow(dead_code)] // a part of it is used here
mod common;

use common::{consumer, root, run, scratch};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CPU: &str = "cortex-m4f";
/// Where `arm-none-eabi-gcc` gets its C library.
const NEWLIB: [&str; 3] = ["-Wl,--gc-sections", "--specs=nano.specs", "--specs=nosys.specs"];

/// Whether this machine has what it needs.
fn can_build() -> bool {
    let mut compiler = Command::new("arm-none-eabi-gcc");
    let compiles = compiler.arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"]));
    let target = Path::new(sysroot.trim()).join("lib/rustlib/thumbv7em-none-eabihf");
    compiles && (target.exists() || Path::new("/usr/lib/rustlib/src/rust/library/core").exists())
}

/// Makes the tarball in an empty directory and gives its path.
fn dist(name: &str) -> PathBuf {
    let mut script = Command::new(root().join("scripts/dist.sh"));
    script.arg(scratch(name)).arg(CPU).env_remove("SOURCE_DATE_EPOCH");
    PathBuf::from(run(&mut script).trim_end())
}

/// What follows `name:` in BUILD.txt.
fn fact(unpacked: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(unpacked.join("BUILD.txt")).expect("BUILD.txt");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().to_owned()
}

/// The names of the functions of an image.
fn functions(image: &Path) -> Vec<String> {
    let names = run(Command::new("arm-none-eabi-nm").arg("--defined-only").arg(image));
    names.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect()
}

fn has(image: &Path, name: &str) -> bool {
    functions(image).iter().any(|function| function == name)
}

/// The sums are right, and say when a tarball is not.
fn check_sums(tarball: &Path) {
    let dir = tarball.parent().expect("a directory");
    let check = || {
        let mut sums = Command::new("sha256sum");
        sums.args(["--check", "--strict", "SHA256SUMS"]).current_dir(dir).stdout(Stdio::null());
        sums.stderr(Stdio::null()).status().expect("sha256sum").success()
    };
    let sums = std::fs::read_to_string(dir.join("SHA256SUMS")).expect("sums");
    let name = tarball.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(sums.trim_end().ends_with(name) && sums.lines().count() == 1, "{sums}");
    assert!(check());

    let bytes = std::fs::read(tarball).expect("a tarball");
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    std::fs::write(tarball, damaged).expect("a tarball");
    assert!(!check(), "a damaged tarball passes");
    std::fs::write(tarball, bytes).expect("a tarball");
}

/// The tarball has these files, which are nobody's and of no time.
fn check_contents(tarball: &Path, top: &str) {
    let list = run(Command::new("tar").args(["--numeric-owner", "--utc", "-tvzf"]).arg(tarball));
    let files: Vec<&str> = list.lines().filter_map(|line| line.split(top).nth(1)).collect();
    let expected = [
        "/",
        "/BUILD.txt",
        "/LICENSE-APACHE",
        "/LICENSE-MIT",
        "/THIRD-PARTY.txt",
        "/include/",
        "/include/lscoap.h",
        "/lib/",
        "/lib/liblscoap.a",
        "/lib/pkgconfig/",
        "/lib/pkgconfig/lscoap.pc",
    ];
    assert_eq!(files, expected);
    let anonymous = |line: &str| line.contains(" 0/0 ") && line.contains(" 1970-01-01 00:00 ");
    assert!(list.lines().all(anonymous), "{list}");
}

/// Every crate of the archive is listed, with the text of its licence.
fn check_licences(unpacked: &Path) {
    let text = std::fs::read_to_string(unpacked.join("THIRD-PARTY.txt")).expect("THIRD-PARTY.txt");
    let crates: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(" | ")?.0)).collect();
    let named = |name: &str| crates.iter().any(|entry| entry.split(' ').next() == Some(name));
    assert!(["aes", "p256", "sha2", "subtle"].iter().all(|name| named(name)), "{crates:?}");
    assert!(!named("proptest") && !named("lscoap"), "{crates:?}");
    for entry in crates {
        assert!(text.contains(&format!("\n{entry}: ")), "no licence text of {entry}");
    }
}

/// The C compiler's and pkg-config's flags, and nothing else, link a program.
fn links(unpacked: &Path, image: &Path) {
    let pkg_config = |question: &str| {
        let dir = unpacked.join("lib/pkgconfig");
        run(Command::new("pkg-config").env("PKG_CONFIG_LIBDIR", dir).args([question, "lscoap"]))
    };
    let (cpu, cflags, libs) = (fact(unpacked, "C flags"), pkg_config("--cflags"), pkg_config("--libs"));
    assert_eq!(pkg_config("--modversion").trim(), env!("CARGO_PKG_VERSION"));

    let mut compiler = Command::new("arm-none-eabi-gcc");
    compiler.args(cpu.split_whitespace()).args(["-std=c99", "-Wall", "-Wextra", "-Werror"]);
    compiler.args(cflags.split_whitespace()).arg(consumer("firmware/main.c")).args(NEWLIB);
    run(compiler.args(libs.split_whitespace()).arg("-o").arg(image));
    assert!(has(image, "lscoap_client_step") && !has(image, "lscoap_server_step"));

    let (object, program) = (image.with_extension("o"), image.with_extension("cxx"));
    let mut compiler = Command::new("arm-none-eabi-g++");
    compiler.args(cpu.split_whitespace()).args(["-std=c++11", "-Wall", "-Wextra", "-Werror", "-c"]);
    compiler.args(["-fno-exceptions", "-fno-rtti"]).args(cflags.split_whitespace());
    run(compiler.arg(consumer("cxx/main.cpp")).arg("-o").arg(&object));
    let mut linker = Command::new("arm-none-eabi-gcc");
    linker.args(cpu.split_whitespace()).arg(&object).args(NEWLIB);
    run(linker.args(libs.split_whitespace()).arg("-o").arg(&program));
    assert!(has(&program, "lscoap_client_step"));
}

/// The fragment for an SDK's makefile works, links the C library's memory functions alone, and is the one in the docs.
fn makes(unpacked: &Path, build: &Path) {
    let mut make = Command::new("make");
    make.arg("-C").arg(consumer("sdk")).env_remove("MAKEFLAGS");
    run(make.arg(format!("BUILD={}", build.display())).arg(format!("LSCOAP={}", unpacked.display())));
    let image = build.join("firmware.elf");
    assert!(has(&image, "lscoap_client_step"));
    let of_rust = |name: &&String| name.contains("compiler_builtins");
    assert_eq!(functions(&image).iter().find(of_rust), None);

    let read = |path: PathBuf| std::fs::read_to_string(path).expect("a file");
    let (docs, fragment) = (read(root().join("docs/porting.md")), read(consumer("sdk/lscoap.mk")));
    assert!(docs.contains(&fragment), "docs/porting.md shows another fragment than lscoap.mk");
}

#[test]
fn a_tarball_is_enough() {
    if !can_build() {
        eprintln!("SKIPPED: there is no arm-none-eabi-gcc, or no Rust core library for {CPU}");
        return;
    }
    let tarball = dist("dist");
    let top = format!("lscoap-{}-{CPU}", env!("CARGO_PKG_VERSION"));
    check_contents(&tarball, &top);
    check_sums(&tarball);
    let again = dist("dist-again");
    let bytes = |path: &Path| std::fs::read(path).expect("a tarball");
    assert!(bytes(&tarball) == bytes(&again), "packed twice, the same archive gave two tarballs");

    let place = scratch("dist-unpacked");
    run(Command::new("tar").arg("-xzf").arg(&tarball).arg("-C").arg(&place));
    let unpacked = place.join(top);
    check_licences(&unpacked);
    links(&unpacked, &place.join("firmware.elf"));
    makes(&unpacked, &place.join("sdk"));
}
