//! P-256: field and points are `p256`'s, multiplication goes through [`super::comb`].
#![allow(clippy::arithmetic_side_effects)] // of fields and groups: these do not overflow

use super::comb::Comb;
use super::{Software, burn, generator};
use crate::crypto::scalar::is_valid;
use crate::crypto::{Curve, Point, ecdsa, field};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use p256::elliptic_curve::point::AffineCoordinates;
use p256::{AffinePoint, ProjectivePoint};
use zeroize::Zeroizing;

fn check(integer: &[u8; 32]) -> Result<(), Error> {
    if is_valid(integer) { Ok(()) } else { Err(Error::Key) }
}

fn x(point: &ProjectivePoint) -> [u8; 32] {
    point.to_affine().x().into()
}

#[inline(never)] // what it leaves below is burnt
fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Option<()> {
    ecdsa::sign(secret, digest, signature, |nonce| Some(x(&generator::multiply(nonce)?)))
}

fn verifies(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Option<bool> {
    ecdsa::verifies(digest, signature, |u_1, u_2| {
        let mut base = Comb::default();
        prepare(public, &mut base)?;
        Some(x(&generator::multiply_and_add_public(u_1, u_2, &base)?))
    })
}

fn prepare(point: &Point, base: &mut Comb) -> Option<()> {
    base.prepare(&AffinePoint::from_coordinates(&point.x.into(), &point.y.into()).into_option()?)
}

#[inline(never)] // what it leaves below is burnt
fn public_key(secret: &[u8; 32], public: &mut Point) -> Option<()> {
    let affine = generator::multiply(secret)?.to_affine();
    public.x = affine.x().into();
    public.y = affine.y().into();
    Some(())
}

#[inline(never)] // the same
fn diffie_hellman(secret: &[u8; 32], base: &Comb, shared: &mut [u8; 32]) -> Option<()> {
    let product = Zeroizing::new(base.multiply(secret));
    *shared = Zeroizing::new(product.to_affine()).x().into();
    Some(())
}

/// Writes over what work with a secret leaves on the stack: `p256` and `crypto-bigint` pass integers and points by
/// value. Takes 1,500 instructions of millions.
fn burning(result: Option<()>) -> Result<(), Error> {
    burn::<512>();
    result.ok_or(Error::Key)
}

impl Curve for Software {
    type Base = Comb;

    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        check(secret)?;
        burning(public_key(secret, public))
    }

    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        field::decompress(encoded, point)
    }

    fn prepare(point: &Point, base: &mut Comb) -> Result<(), Error> {
        prepare(point, base).ok_or(Error::Key)
    }

    fn diffie_hellman(secret: &[u8; 32], base: &Comb, shared: &mut [u8; 32]) -> Result<(), Error> {
        check(secret)?;
        burning(diffie_hellman(secret, base, shared))
    }

    /// SEC 1 section 4.1.3 with the nonce of RFC 6979 section 3.2. `p256`'s `SigningKey` would compute the public
    /// key again for every signature, and multiply the generator without [`generator`].
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        check(secret)?;
        burning(sign(secret, digest, signature))
    }

    /// SEC 1 section 4.1.4.
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        match verifies(public, digest, signature) {
            Some(true) => Ok(()),
            _ => Err(Error::Authentication),
        }
    }
}
