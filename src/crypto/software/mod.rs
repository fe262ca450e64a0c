//! The primitives in software.

mod aes;
mod sha256;

// Who computes on the curve: RustCrypto unless a feature says otherwise.
#[cfg(feature = "p256-cm4")]
mod cortex_m4;
#[cfg(feature = "p256-small")]
mod small;

#[cfg(not(any(feature = "p256-cm4", feature = "p256-small")))]
mod comb;
#[cfg(not(any(feature = "p256-cm4", feature = "p256-small")))]
mod generator;
#[cfg(not(any(feature = "p256-cm4", feature = "p256-small")))]
mod jacobian;
#[cfg(not(any(feature = "p256-cm4", feature = "p256-small")))]
mod p256;

mod burn;
pub(super) use burn::burn;

/// SHA-256 and AES by `lscoap-primitives`, P-256 over the field of `p256`; or by assembly, with the feature `p256-cm4`; or
/// by `lscoap-p256-small`, with the feature `p256-small`.
pub struct Software;
