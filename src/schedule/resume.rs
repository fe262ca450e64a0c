//! Resumption (protocol section 6) and the retry cookie (section 7).

use super::{OnceKey, Secret, expand32};
use crate::crypto::Hash;
use crate::error::Error;
use crate::wire::first_byte;
use zeroize::Zeroizing;

/// `RMS`, which both sides keep with a session.
pub fn rms<H: Hash>(out: &[u8; 32]) -> Result<Secret, Error> {
    expand32::<H>(out, &[b"resume"])
}

/// `K_R1`.
pub fn k_r1<H: Hash>(rms: &[u8; 32], n_c: &[u8; 8]) -> Result<OnceKey, Error> {
    let prk_r1 = Zeroizing::new(H::extract(n_c, &[rms]));
    OnceKey::expand::<H>(&prk_r1, &[b"r1"])
}

/// `TH`.
pub fn th<H: Hash>(r1: &[u8], n_s: &[u8; 8]) -> [u8; 32] {
    H::sha256(&[b"LSCoAP-1 resume", r1, &[first_byte::R2], n_s])
}

/// `PRK_R2`.
pub fn prk_r2<H: Hash>(rms: &[u8; 32], th: &[u8; 32]) -> Secret {
    Zeroizing::new(H::extract(th, &[rms]))
}

/// `K_R2`.
pub fn k_r2<H: Hash>(prk_r2: &[u8; 32]) -> Result<OnceKey, Error> {
    OnceKey::expand::<H>(prk_r2, &[b"r2"])
}

/// `OUT'`.
pub fn out<H: Hash>(prk_r2: &[u8; 32], th: &[u8; 32], c_r: &[u8]) -> Result<Secret, Error> {
    expand32::<H>(prk_r2, &[b"out", &H::sha256(&[th, c_r])])
}
