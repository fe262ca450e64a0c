//! AES-128 and the compression of SHA-256 for lscoap: in assembly of our own for ARMv7-M and up, elsewhere by RustCrypto's
//! crates. P-256 for Cortex-M4, M7 and M33 over the assembly of `p256-cortex-m4-sys`.
//!
//! This is a crate of its own because of the assembly, which is called by unsafe code; and because the crate `aes` is
//! generic: its code takes the optimisation level of the crate that names the types. On a microcontroller the rest of
//! lscoap is compiled for size; AES for speed takes half the instructions for 2 KB of flash.
#![no_std]
#![deny(unsafe_code)]

pub mod aes;
#[cfg(any(test, feature = "p256-cm4"))]
pub mod p256_cm4;
pub mod sha256;
