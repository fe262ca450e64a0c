//! What the crates below leave on the stack: they take and give secrets by value, and the compiler spills them, so
//! that nothing done here can keep them in one place. It is written over from where they were called.

use core::mem::MaybeUninit;
use zeroize::Zeroize;

/// Zeroes so many words of the stack below the caller. Takes an instruction a word.
#[inline(never)]
pub(in crate::crypto) fn burn<const WORDS: usize>() {
    [const { MaybeUninit::<usize>::uninit() }; WORDS].as_mut_slice().zeroize();
}
