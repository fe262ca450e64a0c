//! P-256 in as little flash as possible: key pairs, Diffie-Hellman and ECDSA with a nonce that the caller makes. Nobody but its
//! authors has reviewed it: `lscoap` takes RustCrypto's `p256` unless asked for this.
//!
//! There is one multiplication, of Montgomery's kind, for p and for n; formulas are programs of two bytes a step that
//! [`file::File::run`] goes through; inverses and roots are powers; the generator has a table of 512 bytes. Points are in
//! Jacobian coordinates, and scalars are recoded so that no addition meets the cases that its formula leaves out: see
//! [`multiply`].
//!
//! What is done with secrets takes constant time: no branch and no address depends on one. Results that follow from secrets,
//! such as whether one is a scalar at all, are for the caller to branch on. What is spilled is not wiped here: see
//! [`LEFT_BY_KEYS`].
#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(test)]
extern crate std;

#[macro_use]
mod words;

mod arithmetic;
mod constants;
mod ecdsa;
mod file;
mod keys;
mod multiply;

pub use ecdsa::{sign, verify};
pub use keys::{Point, decompress, diffie_hellman, is_scalar, public_key};

/// How many words below the frame of the caller may have secrets in them after [`diffie_hellman`]: it should write over them.
pub const LEFT_BY_DIFFIE_HELLMAN: usize = if cfg!(thumb2) { 376 } else { 416 };
/// The same after [`public_key`] and [`sign`].
pub const LEFT_BY_KEYS: usize = if cfg!(thumb2) { 168 } else { 208 };

#[cfg(test)]
mod tests;
