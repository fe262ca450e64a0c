//! The compression of SHA-256.

#[cfg(thumb2)]
mod thumb2;

#[cfg(thumb2)]
pub use thumb2::{LEFT_ON_STACK, compress};

/// How many words below the frame of [`compress`]'s caller may have secrets in them afterwards: `sha2` leaves the message
/// schedule on the stack, of which the block is easily computed.
#[cfg(not(thumb2))]
pub const LEFT_ON_STACK: usize = 64;

/// Takes a block into the state.
#[cfg(not(thumb2))]
#[inline(never)]
pub fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    sha2::block_api::compress256(state, core::slice::from_ref(block));
}

#[cfg(test)]
mod tests;
