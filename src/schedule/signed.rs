//! The signed profile (protocol section 4).

use super::OnceKey;
use crate::crypto::{Hash, expand, extract, sha256};
use crate::limits::PUBLIC_KEY_LEN;

/// `TH_1`, from the server's identity and M1.
pub fn th_1<H: Hash>(pk_s: &[u8; PUBLIC_KEY_LEN], m1: &[u8]) -> [u8; 32] {
    let th_0 = sha256::<H>(&[b"LSCoAP-1 signed", pk_s]);
    sha256::<H>(&[&th_0, m1])
}

/// `TH_2`, from the client's identity and M2.
pub fn th_2<H: Hash>(th_1: &[u8; 32], pk_c: &[u8; PUBLIC_KEY_LEN], m2: &[u8]) -> [u8; 32] {
    sha256::<H>(&[th_1, pk_c, m2])
}

/// `TH_3` from `TH_2` and M3, `TH_4` from `TH_3` and M4.
pub fn th_next<H: Hash>(th: &[u8; 32], message: &[u8]) -> [u8; 32] {
    sha256::<H>(&[th, message])
}

/// `PRK`.
pub fn prk<H: Hash>(th_2: &[u8; 32], dh: &[u8; 32], prk: &mut [u8; 32]) {
    extract::<H>(th_2, &[dh], prk);
}

/// `K_3`.
pub fn k_3<H: Hash>(prk: &[u8; 32], k_3: &mut OnceKey) {
    k_3.expand::<H>(prk, &[b"m3"]);
}

/// `K_4`.
pub fn k_4<H: Hash>(prk: &[u8; 32], th_3: &[u8; 32], k_4: &mut OnceKey) {
    k_4.expand::<H>(prk, &[b"m4", th_3]);
}

/// The digest under `SIG_C`.
pub fn client_digest<H: Hash>(th_2: &[u8; 32]) -> [u8; 32] {
    sha256::<H>(&[b"LSCoAP-1 client", th_2])
}

/// The digest under `SIG_S`.
pub fn server_digest<H: Hash>(th_3: &[u8; 32]) -> [u8; 32] {
    sha256::<H>(&[b"LSCoAP-1 server", th_3])
}

/// `OUT`.
pub fn out<H: Hash>(prk: &[u8; 32], th_4: &[u8; 32], out: &mut [u8; 32]) {
    expand::<H>(prk, &[b"out", th_4], out);
}
