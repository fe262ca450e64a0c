//! The curve's results by value, over [`Software`]: for tests, whose secrets may be copied.

use super::{Point, Software};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};

/// The same over any curve.
pub mod of {
    use super::*;
    use crate::crypto::Curve;

    pub fn public_key<C: Curve>(secret: &[u8; 32]) -> Result<Point, Error> {
        let mut point = Point::EMPTY;
        C::public_key(secret, &mut point).map(|()| point)
    }

    pub fn decompress<C: Curve>(encoded: &[u8; PUBLIC_KEY_LEN]) -> Result<Point, Error> {
        let mut point = Point::EMPTY;
        C::decompress(encoded, &mut point).map(|()| point)
    }

    pub fn lift_x<C: Curve>(x: &[u8; 32]) -> Result<Point, Error> {
        let mut point = Point::EMPTY;
        C::lift_x(x, &mut point).map(|()| point)
    }

    pub fn diffie_hellman<C: Curve>(secret: &[u8; 32], point: &Point) -> Result<[u8; 32], Error> {
        let (mut base, mut shared) = (Default::default(), [0; 32]);
        C::prepare(point, &mut base)?;
        C::diffie_hellman(secret, &base, &mut shared).map(|()| shared)
    }

    pub fn sign<C: Curve>(secret: &[u8; 32], digest: &[u8; 32]) -> Result<[u8; SIGNATURE_LEN], Error> {
        let mut signature = [0; SIGNATURE_LEN];
        C::sign(secret, digest, &mut signature).map(|()| signature)
    }
}

pub fn public_key(secret: &[u8; 32]) -> Result<Point, Error> {
    of::public_key::<Software>(secret)
}

pub fn decompress(encoded: &[u8; PUBLIC_KEY_LEN]) -> Result<Point, Error> {
    of::decompress::<Software>(encoded)
}

pub fn lift_x(x: &[u8; 32]) -> Result<Point, Error> {
    of::lift_x::<Software>(x)
}

pub fn diffie_hellman(secret: &[u8; 32], point: &Point) -> Result<[u8; 32], Error> {
    of::diffie_hellman::<Software>(secret, point)
}

pub fn sign(secret: &[u8; 32], digest: &[u8; 32]) -> Result<[u8; SIGNATURE_LEN], Error> {
    of::sign::<Software>(secret, digest)
}
