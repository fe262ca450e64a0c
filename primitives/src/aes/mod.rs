//! AES-128 encryption, two blocks at a time: bitsliced AES computes two blocks at the price of one (four where words
//! have 64 bits), which only shows where the caller has two.

#[cfg(not(thumb2))]
mod portable;
#[cfg(thumb2)]
mod thumb2;

#[cfg(not(thumb2))]
pub use portable::{LEFT_ON_STACK, with_key};
#[cfg(thumb2)]
pub use thumb2::{LEFT_ON_STACK, with_key};

/// Encrypts two blocks in place.
pub type EncryptPair<'a> = dyn Fn(&mut [[u8; 16]; 2]) + 'a;

#[cfg(test)]
mod tests;
