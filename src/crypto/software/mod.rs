//! The primitives in software.

mod aes;
mod sha256;

#[cfg(feature = "p256-cm4")]
mod cortex_m4;

#[cfg(not(feature = "p256-cm4"))]
mod comb;
#[cfg(not(feature = "p256-cm4"))]
mod field;
#[cfg(not(feature = "p256-cm4"))]
mod generator;
#[cfg(not(feature = "p256-cm4"))]
mod jacobian;
#[cfg(not(feature = "p256-cm4"))]
mod p256;
#[cfg(not(feature = "p256-cm4"))]
mod scalar;

mod burn;
use burn::burn;

/// SHA-256 and AES by `lscoap-primitives`, P-256 over the field of `p256`; or by `p256-cortex-m4`, with the feature `p256-cm4`.
pub struct Software;
