//! Resumption (protocol section 6).

use super::OnceKey;
use crate::crypto::{Hash, expand, extract, sha256};
use crate::wire::Type;
use zeroize::Zeroizing;

/// `RMS`, which both sides keep with a session.
pub fn rms<H: Hash>(out: &[u8; 32], rms: &mut [u8; 32]) {
    expand::<H>(out, &[b"resume"], rms);
}

/// `K_R1`.
pub fn k_r1<H: Hash>(rms: &[u8; 32], n_c: &[u8; 8], k_r1: &mut OnceKey) {
    let mut prk_r1 = Zeroizing::new([0; 32]);
    extract::<H>(n_c, &[rms], &mut prk_r1);
    k_r1.expand::<H>(&prk_r1, &[b"r1"]);
}

/// `TH`.
pub fn th<H: Hash>(r1: &[u8], n_s: &[u8; 8]) -> [u8; 32] {
    sha256::<H>(&[b"LSCoAP-1 resume", r1, &[Type::R2.first_byte()], n_s])
}

/// `PRK_R2`.
pub fn prk_r2<H: Hash>(rms: &[u8; 32], th: &[u8; 32], prk_r2: &mut [u8; 32]) {
    extract::<H>(th, &[rms], prk_r2);
}

/// `K_R2`.
pub fn k_r2<H: Hash>(prk_r2: &[u8; 32], k_r2: &mut OnceKey) {
    k_r2.expand::<H>(prk_r2, &[b"r2"]);
}

/// `OUT'`.
pub fn out<H: Hash>(prk_r2: &[u8; 32], th: &[u8; 32], c_r: &[u8], out: &mut [u8; 32]) {
    expand::<H>(prk_r2, &[b"out", &sha256::<H>(&[th, c_r])], out);
}
