//! Under valgrind, which is told that secrets are undefined and complains of every branch and every address that depends on
//! one. Needs valgrind, and an x86-64, whose requests to it are these.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use lscoap_p256_small::{Point, diffie_hellman, is_scalar, public_key, sign};
use std::process::Command;

/// Of valgrind/memcheck.h.
const UNDEFINED: u64 = 0x4d43_0001;
const DEFINED: u64 = 0x4d43_0002;

/// Tells valgrind what to take memory for; does nothing elsewhere.
fn tell<T>(request: u64, of: &mut T) {
    let arguments = [request, std::ptr::from_mut(of) as u64, size_of::<T>() as u64, 0, 0, 0];
    // SAFETY: rotations that cancel out, and an exchange of a register with itself.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") &arguments, inout("rdx") 0_u64 => _,
        );
    }
}

/// What is undefined in `secrets` and what follows from it is no one's to branch on.
fn secret(byte: u8) -> [u8; 32] {
    let mut secret = [byte; 32];
    tell(UNDEFINED, &mut secret);
    secret
}

/// A result is public.
fn is(mut result: bool) -> bool {
    tell(DEFINED, &mut result);
    result
}

#[test]
#[ignore = "for valgrind"]
fn what_is_done_with_secrets() {
    for byte in [0, 1, 2, 0x5a, 0xfe] {
        let is_valid = byte != 0;
        let (mut x, mut y, mut r, mut s, mut shared) = ([0; 32], [0; 32], [0; 32], [0; 32], [0; 32]);
        assert_eq!(is(is_scalar(&secret(byte))), is_valid);
        assert_eq!(is(public_key(&secret(byte), &mut x, &mut y)), is_valid);
        assert_eq!(is(sign(&secret(1), &secret(byte), &[3; 32], &mut r, &mut s)), is_valid);
        assert_eq!(is(sign(&secret(byte), &secret(7), &[3; 32], &mut r, &mut s)), is_valid);
        let mut point = Point::default();
        assert!(public_key(&[9; 32], &mut x, &mut y) & point.read(&x, &y));
        assert_eq!(is(diffie_hellman(&secret(byte), &point, &mut shared)), is_valid);
    }
}

#[test]
#[ignore = "for valgrind"]
fn a_branch_on_a_secret() {
    assert!(secret(1)[0] == 1);
}

/// Whether valgrind lets a test of this file pass.
fn passes(test: &str) -> bool {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=99"]).arg(std::env::current_exe().expect("this test"));
    let output =
        valgrind.args(["--exact", test, "--ignored", "--test-threads=1"]).output().expect("valgrind");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    output.status.code() != Some(99)
}

#[test]
fn nothing_depends_on_secrets() {
    assert!(!passes("a_branch_on_a_secret"), "valgrind would not have noticed");
    assert!(passes("what_is_done_with_secrets"), "a branch or an address depends on a secret");
}
