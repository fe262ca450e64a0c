//! A back-end whose curve is a toy, so that a fuzzer gets through thousands of handshakes a second instead of
//! sixteen. The symmetric primitives are the real ones. It protects nothing.

use lscoap::Error;
use lscoap::crypto::{Aes, Block, Curve, HashesAsSoftware, KEY_LEN, Point, Software, Work, sha256};
use lscoap::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};

/// Powers of 3 modulo the prime 2^61 − 1 instead of points.
pub struct Toy;

const PRIME: u64 = (1 << 61) - 1;

/// Of two numbers below 2^61, their product modulo the prime, which such a number is easily divided by.
fn product(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let sum = (product as u64 & PRIME) + (product >> 61) as u64;
    if sum < PRIME { sum } else { sum - PRIME }
}

fn power(base: u64, secret: &[u8; 32]) -> u64 {
    let exponent = secret.first_chunk().map_or(1, |head| u64::from_be_bytes(*head));
    let (mut result, mut square) = (1, base);
    for bit in 0..64 {
        if exponent >> bit & 1 == 1 {
            result = product(result, square);
        }
        square = product(square, square);
    }
    result
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
    type Base = [u8; 32];

    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        *public = Point { x: element(power(3, secret)), y: [0; 32] };
        Ok(())
    }

    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        let [2, x @ ..] = encoded else { return Err(Error::Key) };
        value(x).ok_or(Error::Key)?;
        *point = Point { x: *x, y: [0; 32] };
        Ok(())
    }

    fn prepare(point: &Point, base: &mut [u8; 32]) -> Result<(), Error> {
        *base = point.x;
        Ok(())
    }

    fn diffie_hellman(secret: &[u8; 32], base: &[u8; 32], shared: &mut [u8; 32]) -> Result<(), Error> {
        *shared = element(power(value(base).ok_or(Error::Key)?, secret));
        Ok(())
    }

    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        let mut public = Point::EMPTY;
        Self::public_key(secret, &mut public)?;
        *signature = [0; SIGNATURE_LEN];
        signature[..32].copy_from_slice(&sha256::<Self>(&[&public.x, digest]));
        Ok(())
    }

    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        let genuine = signature[..32] == sha256::<Self>(&[&public.x, digest]) && signature[32..] == [0; 32];
        if genuine { Ok(()) } else { Err(Error::Authentication) }
    }
}

impl HashesAsSoftware for Toy {}

impl Aes for Toy {
    type Engine = ();

    fn with_key(
        engine: (),
        key: &[u8; KEY_LEN],
        pair: &mut [Block; 2],
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        Software::with_key(engine, key, pair, work)
    }
}
