//! P-256 over the assembly of `p256-cortex-m4-sys`, for Cortex-M4, M7 and M33 with DSP. Numbers of 32 bytes are big-endian.
//! Functions are false where an argument is out of its range or a point is not on the curve.

mod digits;
mod generator;
#[cfg(feature = "p256-cm4")]
mod operations;

#[cfg(feature = "p256-cm4")]
pub use operations::{decompress, diffie_hellman, public_key, sign, verify};

/// An element of the field, times 2^256: the least significant word first.
type Field = [u32; 8];
type Affine = [Field; 2];
