//! The primitives by the RustCrypto crates.

mod aes_ccm;
mod comb;
mod generator;
mod jacobian;
mod p256;
mod sha2;

/// `p256`, `sha2`, `hkdf`, `aes` and `ccm`, in software.
pub struct RustCrypto;
