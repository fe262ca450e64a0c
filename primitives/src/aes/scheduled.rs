//! By `thumb2.s`, which `aes.py` writes: no table, no branch and no address depends on a secret, and what it
//! spills it wipes. With the feature `aes-table` by `table.rs`, which has the same functions.
#![allow(unsafe_code)] // assembly

use super::EncryptPair;
use core::mem::MaybeUninit;

#[cfg(not(feature = "aes-table"))]
core::arch::global_asm!(include_str!("thumb2.s"), options(raw));

type Schedule = [u32; 88];

unsafe extern "C" {
    /// Writes the round keys, and encrypts the first block in place. What it leaves in the second is as good as the key.
    fn lscoap_aes_encrypt_first(key: *const [u8; 16], schedule: *mut Schedule, pair: *mut [[u8; 16]; 2]);
    /// Encrypts two blocks in place, or at least the first.
    fn lscoap_aes_encrypt(schedule: *const Schedule, pair: *mut [[u8; 16]; 2], both: bool);
    /// Zeroes the round keys and the blocks.
    fn lscoap_aes_wipe(schedule: *mut Schedule, pair: *mut [[u8; 16]; 2]);
}

/// How many words below the frame of [`with_key`]'s caller may have secrets in them afterwards: what the compiler spills of
/// `table.rs`.
pub const LEFT_ON_STACK: usize = if cfg!(feature = "aes-table") { 48 } else { 0 };

/// Loads a key, encrypts the first block of the pair in place (the second is zeroed), and does some work with them. The
/// key schedule is made where it stays; it and the pair are wiped afterwards.
#[inline(never)]
pub fn with_key(
    key: &[u8; 16],
    pair: &mut [[u8; 16]; 2],
    work: &mut dyn FnMut(&EncryptPair<'_>, &mut [[u8; 16]; 2]),
) {
    let mut room = MaybeUninit::<Schedule>::uninit();
    let schedule = room.as_mut_ptr();
    // SAFETY: all of the schedule is written here and read below, while it lives; pointers are to what they say.
    unsafe { lscoap_aes_encrypt_first(key, schedule, pair) };
    pair[1] = [0; 16];
    // SAFETY: the same.
    work(&|pair, both| unsafe { lscoap_aes_encrypt(schedule, pair, both) }, pair);
    // SAFETY: the same.
    unsafe { lscoap_aes_wipe(schedule, pair) };
}
