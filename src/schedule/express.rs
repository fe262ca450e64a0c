//! The express profile (protocol section 5).

use super::{OnceKey, secret};
use crate::crypto::{Hash, expand, extract, sha256};
use crate::limits::{PUBLIC_KEY_LEN, X_LEN};
use crate::wire::Type;

/// `TH_1`, from the server's identity and the client's ephemeral key.
pub fn th_1<H: Hash>(pk_s: &[u8; PUBLIC_KEY_LEN], x_c: &[u8; X_LEN]) -> [u8; 32] {
    let th_0 = sha256::<H>(&[b"LSCoAP-1 express", pk_s]);
    sha256::<H>(&[&th_0, &[Type::X1.first_byte()], x_c])
}

/// `PRK_1`.
pub fn prk_1<H: Hash>(th_1: &[u8; 32], dh: &[u8; 32], prk_1: &mut [u8; 32]) {
    extract::<H>(th_1, &[dh], prk_1);
}

/// `K_1`.
pub fn k_1<H: Hash>(prk_1: &[u8; 32], k_1: &mut OnceKey) {
    k_1.expand::<H>(prk_1, &[b"x1"]);
}

/// `TH_2`, from C1, the client's identity and the server's ephemeral key.
pub fn th_2<H: Hash>(th_1: &[u8; 32], c1: &[u8], pk_c: &[u8; PUBLIC_KEY_LEN], x_s: &[u8; X_LEN]) -> [u8; 32] {
    sha256::<H>(&[th_1, c1, pk_c, &[Type::X2.first_byte()], x_s])
}

/// `PRK_2`, from the two Diffie-Hellman results: ephemeral with ephemeral, then the client's static key with
/// the server's ephemeral one.
pub fn prk_2<H: Hash>(
    prk_1: &[u8; 32],
    th_2: &[u8; 32],
    dh_ephemeral: &[u8; 32],
    dh_static: &[u8; 32],
    prk_2: &mut [u8; 32],
) {
    let mut s_2 = secret();
    expand::<H>(prk_1, &[b"s2", th_2], &mut *s_2);
    extract::<H>(&*s_2, &[dh_ephemeral, dh_static], prk_2);
}

/// `K_2`.
pub fn k_2<H: Hash>(prk_2: &[u8; 32], k_2: &mut OnceKey) {
    k_2.expand::<H>(prk_2, &[b"x2"]);
}

/// `TH_3`.
pub fn th_3<H: Hash>(th_2: &[u8; 32], c2: &[u8]) -> [u8; 32] {
    sha256::<H>(&[th_2, c2])
}

/// `OUT`.
pub fn out<H: Hash>(prk_2: &[u8; 32], th_3: &[u8; 32], out: &mut [u8; 32]) {
    expand::<H>(prk_2, &[b"out", th_3], out);
}
