//! By `thumb2.s`, which wipes what it puts on the stack.
#![allow(unsafe_code)] // assembly

core::arch::global_asm!(include_str!("thumb2.s"), options(raw));

unsafe extern "C" {
    fn lscoap_sha256_compress(state: *mut [u32; 8], block: *const [u8; 64]);
}

/// How many words below the frame of [`compress`]'s caller may have secrets in them afterwards.
pub const LEFT_ON_STACK: usize = 0;

/// Takes a block into the state.
pub fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    // SAFETY: both are what the function reads and writes, and no more of them.
    unsafe { lscoap_sha256_compress(state, block) };
}
