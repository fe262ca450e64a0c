//! By `thumb2.s`, which `aes.py` writes: no table, no branch and no address depends on a secret, and what it
//! spills it wipes.
#![allow(unsafe_code)] // assembly

use super::EncryptPair;
use core::mem::MaybeUninit;

core::arch::global_asm!(include_str!("thumb2.s"), options(raw));

type Schedule = [u32; 88];

unsafe extern "C" {
    /// Writes the round keys.
    fn lscoap_aes_expand(key: *const [u8; 16], schedule: *mut Schedule);
    /// Encrypts two blocks in place.
    fn lscoap_aes_encrypt(schedule: *const Schedule, pair: *mut [[u8; 16]; 2]);
    /// Zeroes the round keys.
    fn lscoap_aes_wipe(schedule: *mut Schedule);
}

/// How many words below the frame of [`with_key`]'s caller may have secrets in them afterwards.
pub const LEFT_ON_STACK: usize = 0;

/// Loads a key and does some work with it. The key schedule is made where it stays, and wiped afterwards.
#[inline(never)]
pub fn with_key(key: &[u8; 16], work: &mut dyn FnMut(&EncryptPair<'_>)) {
    let mut room = MaybeUninit::<Schedule>::uninit();
    let schedule = room.as_mut_ptr();
    // SAFETY: all of the schedule is written here and read below, while it lives; pointers are to what they say.
    unsafe { lscoap_aes_expand(key, schedule) };
    // SAFETY: the same.
    work(&|pair| unsafe { lscoap_aes_encrypt(schedule, pair) });
    // SAFETY: the same.
    unsafe { lscoap_aes_wipe(schedule) };
}
