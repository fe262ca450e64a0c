//! What stays in memory after work with a secret, the stack apart, which is the caller's to burn: nothing. All writable memory of this
//! process is searched for any 8 bytes of secret and product, in both byte orders.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use lscoap_p256_openssl::{Point, diffie_hellman, public_key};
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::os::unix::fs::FileExt;

const WINDOW: usize = 8;
/// What is searched for must not be found where it is kept.
const MASK: u8 = 0xa5;

/// All windows of an integer of 32 bytes, masked; it is overwritten.
fn windows(integer: &mut [u8; 32]) -> Vec<[u8; WINDOW]> {
    let mut windows = Vec::with_capacity(2 * (33 - WINDOW)); // at once: pieces that were freed stay as they are
    for _ in 0..2 {
        for at in 0..=32 - WINDOW {
            windows.push(std::array::from_fn(|byte| integer[at + byte] ^ MASK));
        }
        integer.reverse();
    }
    integer.fill(0);
    black_box(integer);
    windows
}

/// How many places have one of the windows, in all memory but the stack of this thread.
fn found<const N: usize>(windows: &[Vec<[u8; WINDOW]>; N]) -> [usize; N] {
    let here = 0_u8;
    let stack = black_box(&raw const here) as u64;
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = [0; N];
    let mut begins = [false; 256];
    windows.iter().flatten().for_each(|window| begins[usize::from(window[0])] = true);
    // Room for all of it, since a small piece may lie where something was left.
    let mut maps = String::with_capacity(1 << 18);
    File::open("/proc/self/maps").unwrap().read_to_string(&mut maps).unwrap();
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|number| u64::from_str_radix(number, 16).unwrap());
        if !rest.starts_with("rw") || (from..to).contains(&stack) || line.ends_with("[stack]") {
            continue;
        }
        let mut bytes = vec![0; (to - from) as usize];
        if memory.read_exact_at(&mut bytes, from).is_err() {
            continue;
        }
        bytes.iter_mut().for_each(|byte| *byte ^= MASK);
        for place in bytes.windows(WINDOW).filter(|place| begins[usize::from(place[0])]) {
            for (found, windows) in found.iter_mut().zip(windows) {
                *found += usize::from(windows.iter().any(|window| window == place));
            }
        }
    }
    found
}

/// Some number that no compiler knows.
fn secret(seed: u8) -> [u8; 32] {
    std::array::from_fn(|at| {
        black_box(seed).wrapping_mul(73).wrapping_add((at as u8).wrapping_mul(31)) ^ (at as u8) << 3
    })
}

#[test]
fn secrets_are_not() {
    let [mut ours, mut theirs, mut nonce] = [1, 2, 3].map(secret);
    let kept = Box::new(secret(4)); // made before, for the same reason
    let (mut x, mut y, mut shared) = ([0; 32], [0; 32], [0; 32]);
    assert!(public_key(&theirs, &mut x, &mut y));
    let mut point = Point::default();
    assert!(point.read(&x, &y));
    assert!(public_key(&nonce, &mut x, &mut y));
    assert!(diffie_hellman(&ours, &point, &mut shared));

    let secrets = [&mut ours, &mut theirs, &mut nonce, &mut shared, &mut secret(4)].map(windows);
    let found = found(&secrets);
    assert!(found[4] > 0, "what is there is found");
    assert_eq!(found[..4], [0; 4], "our secret, theirs, the nonce, the shared secret");
    drop(black_box(kept));
}
