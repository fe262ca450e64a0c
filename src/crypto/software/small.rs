//! P-256 by `lscoap-p256-small`.

use super::{Software, burn};
use crate::crypto::rfc6979::Nonces;
use crate::crypto::{Curve, Point};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use lscoap_p256_small as small;

/// Writes over what work with a secret leaves on the stack.
fn burning<const WORDS: usize>(is_right: bool) -> Result<(), Error> {
    burn::<WORDS>();
    if is_right { Ok(()) } else { Err(Error::Key) }
}

/// How many words [`sign`] has for its nonces.
const NONCES: usize = 64;

#[inline(never)] // what it leaves below is burnt
fn sign(secret: &[u8; 32], digest: &[u8; 32], r: &mut [u8; 32], s: &mut [u8; 32]) -> bool {
    let mut nonces = Nonces::<Software>::new();
    nonces.start(secret, digest);
    // A nonce is out of range, or gives a zero, once in 2^32 times.
    (0..4).any(|round| small::sign(secret, nonces.next(round == 0), digest, r, s))
}

impl Curve for Software {
    type Base = small::Point;

    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        burning::<{ small::LEFT_BY_KEYS }>(small::public_key(secret, &mut public.x, &mut public.y))
    }

    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        let [sign @ (2 | 3), x @ ..] = encoded else { return Err(Error::Key) };
        point.x = *x;
        if small::decompress(x, *sign == 3, &mut point.y) { Ok(()) } else { Err(Error::Key) }
    }

    fn prepare(point: &Point, base: &mut small::Point) -> Result<(), Error> {
        if base.read(&point.x, &point.y) { Ok(()) } else { Err(Error::Key) }
    }

    fn diffie_hellman(secret: &[u8; 32], base: &small::Point, shared: &mut [u8; 32]) -> Result<(), Error> {
        burning::<{ small::LEFT_BY_DIFFIE_HELLMAN }>(small::diffie_hellman(secret, base, shared))
    }

    /// SEC 1 section 4.1.3 with the nonce of RFC 6979 section 3.2.
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        let [r, s] = signature.as_chunks_mut().0 else { return Err(Error::Key) };
        burning::<{ small::LEFT_BY_KEYS + NONCES }>(sign(secret, digest, r, s))
    }

    /// SEC 1 section 4.1.4.
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        match signature.as_chunks().0 {
            [r, s] if small::verify(&public.x, &public.y, digest, r, s) => Ok(()),
            _ => Err(Error::Authentication),
        }
    }
}
