//! ECDSA over SHA-256 digests (SEC 1 section 4.1), around whoever multiplies points.
#![allow(clippy::arithmetic_side_effects)] // of fields: these do not overflow

use super::Software;
use super::rfc6979::Nonces;
use super::scalar::{is_valid, reduce, to_bytes};
use crate::bytes::copy;
use crate::limits::SIGNATURE_LEN;
use zeroize::Zeroizing;

/// Signs with the nonce of RFC 6979 section 3.2. The secret is in 1..n−1; `x_of` gives the x-coordinate of `nonce · G`.
pub(super) fn sign(
    secret: &[u8; 32],
    digest: &[u8; 32],
    signature: &mut [u8; SIGNATURE_LEN],
    x_of: impl Fn(&[u8; 32]) -> Option<[u8; 32]>,
) -> Option<()> {
    let d = Zeroizing::new(reduce(secret));
    let z = reduce(digest);
    let mut nonces = Nonces::<Software>::new();
    nonces.start(secret, digest);
    // A nonce is out of range, or gives a zero, once in 2^32 times.
    for round in 0..4 {
        let nonce = nonces.next(round == 0);
        if !is_valid(nonce) {
            continue;
        }
        let r = to_bytes(&reduce(&x_of(nonce)?));
        let k_inverse = Zeroizing::new(reduce(nonce).invert().into_option()?);
        let s = to_bytes(&(*k_inverse * (z + reduce(&r) * *d)));
        if is_valid(&r) && is_valid(&s) {
            let (first, second) = signature.split_first_chunk_mut()?;
            *first = r;
            copy(second, &s);
            return Some(());
        }
    }
    None
}

/// Whether a signature is right. `x_of` gives the x-coordinate of `u_1 · G + u_2 · Q`, the identity's as none or 0, which is no `r`.
pub(super) fn verifies(
    digest: &[u8; 32],
    signature: &[u8; SIGNATURE_LEN],
    x_of: impl FnOnce(&[u8; 32], &[u8; 32]) -> Option<[u8; 32]>,
) -> Option<bool> {
    let (r, s) = signature.split_first_chunk()?;
    let s = s.first_chunk()?;
    if !is_valid(r) || !is_valid(s) {
        return None;
    }
    let w = reduce(s).invert().into_option()?;
    let u_1 = to_bytes(&(reduce(digest) * w));
    let u_2 = to_bytes(&(reduce(r) * w));
    Some(to_bytes(&reduce(&x_of(&u_1, &u_2)?)) == *r)
}
