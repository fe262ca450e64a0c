//! A back-end whose curve is a toy, so that a fuzzer gets through thousands of handshakes a second instead of
//! sixteen. The symmetric primitives are the real ones. It protects nothing.

use lscoap::Error;
use lscoap::crypto::{Aead, Curve, Hash, KEY_LEN, NONCE_LEN, Point, RustCrypto};
use lscoap::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN, TAG_LEN};

/// Powers of 3 modulo the prime 2^61 − 1 instead of points.
pub struct Toy;

const PRIME: u64 = (1 << 61) - 1;

fn power(base: u64, secret: &[u8; 32]) -> u64 {
    let exponent = secret.first_chunk().map_or(1, |head| u64::from_be_bytes(*head));
    let (mut result, mut square) = (1_u128, u128::from(base));
    for bit in 0..64 {
        if exponent >> bit & 1 == 1 {
            result = result * square % u128::from(PRIME);
        }
        square = square * square % u128::from(PRIME);
    }
    result as u64
}

fn element(value: u64) -> [u8; 32] {
    let mut x = [0; 32];
    x[24..].copy_from_slice(&value.to_be_bytes());
    x
}

fn value(x: &[u8; 32]) -> Option<u64> {
    let value = u64::from_be_bytes(*x.last_chunk()?);
    (*x == element(value) && (1..PRIME).contains(&value)).then_some(value)
}

impl Curve for Toy {
    type Base = Point;

    fn base(point: &Point) -> Option<Point> {
        Some(*point)
    }

    fn public_key(secret: &[u8; 32]) -> Option<Point> {
        Some(Point { x: element(power(3, secret)), y: [0; 32] })
    }

    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN]) -> Option<Point> {
        let (sign, x) = encoded.split_first()?;
        if *sign == 2 { Self::lift_x(x.try_into().ok()?) } else { None }
    }

    fn lift_x(x: &[u8; 32]) -> Option<Point> {
        value(x).map(|_| Point { x: *x, y: [0; 32] })
    }

    fn diffie_hellman(secret: &[u8; 32], point: &Point) -> Option<[u8; 32]> {
        value(&point.x).map(|base| element(power(base, secret)))
    }

    fn sign(secret: &[u8; 32], digest: &[u8; 32]) -> Option<[u8; SIGNATURE_LEN]> {
        let public = Self::public_key(secret)?.x;
        let mut signature = [0; SIGNATURE_LEN];
        signature[..32].copy_from_slice(&Self::sha256(&[&public, digest]));
        Some(signature)
    }

    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> bool {
        signature[..32] == Self::sha256(&[&public.x, digest]) && signature[32..] == [0; 32]
    }
}

impl Hash for Toy {
    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        RustCrypto::sha256(parts)
    }
    fn extract(salt: &[u8], ikm: &[&[u8]]) -> [u8; 32] {
        RustCrypto::extract(salt, ikm)
    }
    fn expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
        RustCrypto::expand(prk, info, out)
    }
}

impl Aead for Toy {
    fn seal(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Error> {
        RustCrypto::seal(key, nonce, aad, data)
    }
    fn open(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        RustCrypto::open(key, nonce, aad, data, tag)
    }
}
