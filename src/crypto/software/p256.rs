//! P-256: field and points are `p256`'s, multiplication goes through [`super::comb`].
#![allow(clippy::arithmetic_side_effects)] // of fields and groups: these do not overflow

use super::comb::Comb;
use super::field::y_coordinate;
use super::generator;
use super::scalar::{is_valid, reduce, to_bytes};
use super::{Software, burn};
use crate::bytes::copy;
use crate::crypto::rfc6979::Nonces;
use crate::crypto::{Curve, Point};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use p256::elliptic_curve::PrimeField;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::{AffinePoint, ProjectivePoint};
use zeroize::Zeroizing;

fn check(integer: &[u8; 32]) -> Result<(), Error> {
    if is_valid(integer) { Ok(()) } else { Err(Error::Key) }
}

/// The x-coordinate modulo n, of which ECDSA makes `r`. The identity's is 0, which is no `r`.
fn reduced_x(point: &ProjectivePoint) -> [u8; 32] {
    to_bytes(&reduce(&point.to_affine().x().into()))
}

#[inline(never)] // what it leaves below is burnt
fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Option<()> {
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
        let r = reduced_x(&generator::multiply(nonce)?);
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

fn verifies(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Option<bool> {
    let (r, s) = signature.split_first_chunk()?;
    let s = s.first_chunk()?;
    if !is_valid(r) || !is_valid(s) {
        return None;
    }
    let mut base = Comb::default();
    prepare(public, &mut base)?;
    let w = reduce(s).invert().into_option()?;
    let u_1 = to_bytes(&(reduce(digest) * w));
    let u_2 = to_bytes(&(reduce(r) * w));
    Some(reduced_x(&generator::multiply_and_add_public(&u_1, &u_2, &base)?) == *r)
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
        let [sign @ (2 | 3), x @ ..] = encoded else { return Err(Error::Key) };
        let y = y_coordinate(x, *sign == 3).ok_or(Error::Key)?;
        point.x = *x;
        point.y = y.to_repr().into();
        Ok(())
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

#[cfg(test)]
mod tests;
