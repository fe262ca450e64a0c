//! What libcrypto leaves on the heap: a multiplication of any point has its scalar in a piece of 33 bytes, which is freed as it is.

use zeroize::Zeroize;

/// How many pieces of one size the allocator keeps apart from those that were freed after them (glibc: 7).
const PIECES: usize = 8;

/// Takes the pieces that were freed last, and writes over them.
#[inline(never)]
pub fn burn() {
    let mut pieces = [(); PIECES].map(|()| Box::new([0_u8; 33]));
    pieces.iter_mut().for_each(|piece| piece.zeroize());
}
