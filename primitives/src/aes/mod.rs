//! AES-128 encryption, two blocks at a time: bitsliced AES computes two blocks at the price of one (four where words
//! have 64 bits), which only shows where the caller has two.

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "aes-table")))]
mod instructions;
#[cfg(not(any(thumb2, feature = "aes-table")))]
mod portable;
#[cfg(any(thumb2, feature = "aes-table"))]
mod scheduled;
#[cfg(feature = "aes-table")]
mod table;

#[cfg(not(any(thumb2, feature = "aes-table")))]
pub use portable::{LEFT_ON_STACK, with_key};
#[cfg(any(thumb2, feature = "aes-table"))]
pub use scheduled::{LEFT_ON_STACK, with_key};

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "aes-table")))]
pub use instructions::{Ccm, LEFT_ON_STACK_BY_CCM, ccm};

/// Encrypts two blocks in place; where `both` is false only the first is wanted, and the second is left as it may be.
pub type EncryptPair<'a> = dyn Fn(&mut [[u8; 16]; 2], bool) + 'a;

#[cfg(test)]
mod tests;
