//! P-256: field, scalars and points are `p256`'s, multiplication goes through [`super::comb`].
#![allow(clippy::arithmetic_side_effects)] // of fields and groups: these do not overflow

use super::RustCrypto;
use super::comb::Comb;
use super::generator;
use crate::crypto::{Curve, Point};
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use p256::ecdsa::Signature;
use p256::elliptic_curve::Curve as _;
use p256::elliptic_curve::bigint::U256;
use p256::elliptic_curve::ops::{Invert, Reduce};
use p256::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use p256::{AffinePoint, FieldBytes, NistP256, NonZeroScalar, Scalar};
use rfc6979::KGenerator;
use sha2::Sha256;
use subtle::Choice;
use zeroize::{Zeroize, Zeroizing};

fn scalar(secret: &[u8; 32]) -> Option<Zeroizing<NonZeroScalar>> {
    let mut repr = FieldBytes::from(*secret);
    let scalar = NonZeroScalar::from_repr(repr).into_option();
    repr.zeroize();
    scalar.map(Zeroizing::new)
}

fn affine(point: &Point) -> Option<AffinePoint> {
    AffinePoint::from_coordinates(&point.x.into(), &point.y.into()).into_option()
}

fn point(affine: &AffinePoint) -> Point {
    Point { x: affine.x().into(), y: affine.y().into() }
}

fn reduce(bytes: &FieldBytes) -> Scalar {
    <Scalar as Reduce<U256>>::reduce(&U256::from_be_slice(bytes))
}

impl Curve for RustCrypto {
    type Base = Comb;

    fn public_key(secret: &[u8; 32]) -> Option<Point> {
        Some(point(&generator::multiply(&*scalar(secret)?)?.to_affine()))
    }

    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN]) -> Option<Point> {
        let (sign, x) = encoded.split_first()?;
        let odd = match sign {
            2 => 0,
            3 => 1,
            _ => return None,
        };
        let x: [u8; 32] = x.try_into().ok()?;
        AffinePoint::decompress(&x.into(), Choice::from(odd)).into_option().as_ref().map(point)
    }

    fn lift_x(x: &[u8; 32]) -> Option<Point> {
        AffinePoint::decompress(&(*x).into(), Choice::from(0)).into_option().as_ref().map(point)
    }

    fn base(point: &Point) -> Option<Comb> {
        Comb::new(&affine(point)?)
    }

    fn diffie_hellman(secret: &[u8; 32], base: &Comb) -> Option<[u8; 32]> {
        let shared = Zeroizing::new(base.multiply(&*scalar(secret)?)?.to_affine());
        Some(shared.x().into())
    }

    /// SEC 1 section 4.1.3 with the nonce of RFC 6979 section 3.2. `ecdsa` would multiply the generator
    /// without [`generator`], and its `SigningKey` would compute the public key again for every signature.
    fn sign(secret: &[u8; 32], digest: &[u8; 32]) -> Option<[u8; SIGNATURE_LEN]> {
        let d = scalar(secret)?;
        let z = reduce(&(*digest).into());
        let mut repr = Zeroizing::new(FieldBytes::from(*secret));
        let mut nonces = KGenerator::<Sha256, U256>::new(&repr, digest, &[], &NistP256::ORDER);
        // A nonce is out of range, or gives a zero, once in 2^32 times.
        for _ in 0..4 {
            nonces.fill_next_k(&mut repr);
            let Some(k) = NonZeroScalar::from_repr(*repr).into_option().map(Zeroizing::new) else { continue };
            let r = reduce(&generator::multiply(&k)?.to_affine().x());
            let k_inverse = Zeroizing::new(NonZeroScalar::invert(&k));
            let s = **k_inverse * (z + r * d.as_ref());
            if let Ok(signature) = Signature::from_scalars(r, s) {
                return Some(signature.to_bytes().into());
            }
        }
        None
    }

    /// SEC 1 section 4.1.4.
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> bool {
        let recovered = || {
            let base = Self::base(public)?;
            let (r, s) = Signature::from_slice(signature).ok()?.split_scalars(); // neither is zero
            let w = *s.invert_vartime();
            let u_1 = reduce(&(*digest).into()) * w;
            let u_2 = *r * w;
            let point = generator::multiply_and_add_public(&u_1, &u_2, &base)?;
            // The identity has the x-coordinate 0 here, which no r equals.
            Some(reduce(&point.to_affine().x()) == *r)
        };
        recovered() == Some(true)
    }
}

#[cfg(test)]
mod tests;
