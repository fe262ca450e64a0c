//! The library cross-builds for microcontrollers, and the C linker makes an image with it.

mod common;

use common::{cmake, consumer, root, run, scratch};
use std::path::Path;
use std::process::{Command, Stdio};

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Why this machine cannot cross-build for `target`.
fn missing(target: &str) -> Option<&'static str> {
    if !succeeds(Command::new("arm-none-eabi-gcc").arg("--version")) {
        return Some("there is no arm-none-eabi-gcc");
    }
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"]));
    let by_rustup = Path::new(sysroot.trim()).join("lib/rustlib").join(target).exists();
    let by_debian = Path::new("/usr/lib/rustlib/src/rust/library/core").exists();
    if by_rustup || by_debian { None } else { Some("there is no Rust core library for the target") }
}

/// Links consumer/firmware and gives the names of its functions.
fn firmware(processor: &str, target: &str) -> Option<String> {
    if let Some(reason) = missing(target) {
        eprintln!("SKIPPED: cross-build for {processor} ({target}): {reason}");
        return None;
    }
    let build = scratch(processor);
    let toolchain = root().join("cmake/toolchains").join(format!("{processor}.cmake"));
    let options = [format!("-DCMAKE_TOOLCHAIN_FILE={}", toolchain.display())];
    let said = cmake(&consumer("firmware"), &build, &options);
    assert!(
        said.contains(&format!("Building liblscoap.a for {target}\n")),
        "another target than {target}: {said}"
    );
    Some(run(Command::new("arm-none-eabi-nm").arg("--defined-only").arg(build.join("firmware"))))
}

fn check(processor: &str, target: &str) {
    if let Some(names) = firmware(processor, target) {
        let has = |name: &str| names.lines().any(|line| line.split_whitespace().nth(2) == Some(name));
        assert!(has("lscoap_client_step") && has("lscoap_open_response"), "{names}");
        assert!(!has("lscoap_server_step"), "what is not used is not linked");
    }
}

#[test]
fn cortex_m4f() {
    check("cortex-m4f", "thumbv7em-none-eabihf");
}

#[test]
fn cortex_m0() {
    check("cortex-m0", "thumbv6m-none-eabi");
}
