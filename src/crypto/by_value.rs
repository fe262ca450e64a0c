//! The curve's results by value, over [`Software`]: for tests, whose secrets may be copied.

use super::{Curve, Point, Software};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};

pub fn public_key(secret: &[u8; 32]) -> Result<Point, Error> {
    let mut point = Point::EMPTY;
    Software::public_key(secret, &mut point).map(|()| point)
}

pub fn decompress(encoded: &[u8; PUBLIC_KEY_LEN]) -> Result<Point, Error> {
    let mut point = Point::EMPTY;
    Software::decompress(encoded, &mut point).map(|()| point)
}

pub fn lift_x(x: &[u8; 32]) -> Result<Point, Error> {
    let mut point = Point::EMPTY;
    Software::lift_x(x, &mut point).map(|()| point)
}

pub fn diffie_hellman(secret: &[u8; 32], point: &Point) -> Result<[u8; 32], Error> {
    let (mut base, mut shared) = (Default::default(), [0; 32]);
    Software::prepare(point, &mut base)?;
    Software::diffie_hellman(secret, &base, &mut shared).map(|()| shared)
}

pub fn sign(secret: &[u8; 32], digest: &[u8; 32]) -> Result<[u8; SIGNATURE_LEN], Error> {
    let mut signature = [0; SIGNATURE_LEN];
    Software::sign(secret, digest, &mut signature).map(|()| signature)
}
