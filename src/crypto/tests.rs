//! Who computes on P-256, against `p256`'s own multiplication and signing.

use super::*;
use crate::crypto::by_value::of::{decompress, diffie_hellman, lift_x, public_key, sign};
use ::ecdsa::Signature;
use p256::elliptic_curve::bigint::{ArrayEncoding, U256};
use p256::elliptic_curve::point::DecompressPoint;
use p256::elliptic_curve::{Curve as _, Group};
use p256::elliptic_curve::{PrimeField, point::AffineCoordinates};
use p256::{AffinePoint, FieldBytes, NistP256, NonZeroScalar, ProjectivePoint, Scalar};
use sha2::Sha256;
use std::vec::Vec;
use subtle::Choice;

/// p.
const PRIME: U256 = U256::from_be_hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");

/// n − 1, the largest scalar.
fn largest() -> [u8; 32] {
    (-Scalar::ONE).to_repr().into()
}

fn scalar(bytes: &[u8; 32]) -> Option<NonZeroScalar> {
    NonZeroScalar::from_repr(FieldBytes::from(*bytes)).into_option()
}

fn check<C: super::Curve>(secret: [u8; 32], other: [u8; 32], digest: [u8; 32]) {
    let (Some(d), Some(e)) = (scalar(&secret), scalar(&other)) else {
        assert!(public_key::<C>(&secret).is_err() || public_key::<C>(&other).is_err());
        return;
    };
    let public = public_key::<C>(&secret).unwrap();
    let expected = (ProjectivePoint::generator() * *d).to_affine();
    assert_eq!((public.x, public.y), (expected.x().into(), expected.y().into()));

    let theirs = public_key::<C>(&other).unwrap();
    let shared = diffie_hellman::<C>(&secret, &theirs).unwrap();
    let expected = p256::ecdh::diffie_hellman(e, expected);
    assert_eq!(shared[..], expected.raw_secret_bytes()[..]);

    let signature = sign::<C>(&secret, &digest).unwrap();
    let (expected, _) = ::ecdsa::hazmat::sign_prehashed_rfc6979::<NistP256, Sha256>(&d, &digest, &[]);
    assert_eq!(signature[..], expected.to_bytes()[..]);
    for (digest, key) in [(&digest, &secret), (&secret, &secret), (&digest, &other)] {
        let public = public_key::<C>(key).unwrap();
        let expected = verify_by_p256(&public, digest, &signature);
        assert_eq!(C::verify(&public, digest, &signature).is_ok(), expected);
    }
    assert_eq!(C::verify(&public, &digest, &signature), Ok(()));
    // With n − s it is one too: signatures are not brought to the lower half, and are taken in both.
    let negative = -Scalar::from_repr(FieldBytes::try_from(&signature[32..]).unwrap()).unwrap();
    let other = [&signature[..32], &negative.to_repr()].concat().try_into().unwrap();
    assert_eq!(C::verify(&public, &digest, &other), Ok(()));
}

fn verify_by_p256(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    let point = AffinePoint::from_coordinates(&public.x.into(), &public.y.into()).unwrap().into();
    ::ecdsa::hazmat::verify_prehashed::<NistP256>(&point, digest, &signature).is_ok()
}

/// Off the curve, the identity's coordinates, and points of the curve with p added to a coordinate.
fn points_that_are_none<C: super::Curve>() -> Vec<Point> {
    let mut points = std::vec![Point { x: [1; 32], y: [1; 32] }, Point { x: [0; 32], y: [0; 32] }];
    let plus_p = |bytes: &[u8; 32]| {
        let sum = U256::from_be_byte_array((*bytes).into()).wrapping_add(&PRIME);
        <[u8; 32]>::from(sum.to_be_byte_array())
    };
    // Where x is small enough; where y is, nobody knows a point but by search.
    for x in 0..100 {
        let mut bytes = [0; 32];
        bytes[31] = x;
        if let Ok(point) = lift_x::<C>(&bytes) {
            points.push(Point { x: plus_p(&bytes), y: point.y });
        }
    }
    assert!(points.len() > 2);
    points
}

fn edges<C: super::Curve>() {
    let mut one = [0; 32];
    one[31] = 1;
    let mut quarter = [0; 32];
    quarter[23] = 1; // 2^64
    for secret in [one, largest(), quarter, [0x11; 32], [0xf0; 32]] {
        for other in [one, largest(), quarter] {
            check::<C>(secret, other, [0xff; 32]);
            check::<C>(secret, other, [0; 32]);
        }
    }
    let order: [u8; 32] = NistP256::ORDER.to_be_bytes().into();
    for secret in [[0; 32], order, [0xff; 32]] {
        assert_eq!(public_key::<C>(&secret).err(), Some(Error::Key));
        assert_eq!(sign::<C>(&secret, &[1; 32]), Err(Error::Key));
        assert_eq!(diffie_hellman::<C>(&secret, &public_key::<C>(&one).unwrap()), Err(Error::Key));
    }
    for off_curve in points_that_are_none::<C>() {
        assert_eq!(diffie_hellman::<C>(&one, &off_curve), Err(Error::Key));
        assert_eq!(C::verify(&off_curve, &[1; 32], &[1; 64]), Err(Error::Authentication));
    }
}

/// Values at the edges of the scalar field in every place: where the sum is the identity, where both parts of it
/// are the same point, where one of them is nothing.
fn verification_at_the_edges<C: super::Curve>() {
    let order: [u8; 32] = NistP256::ORDER.to_be_bytes().into();
    let small = |value: u8| {
        let mut bytes = [0; 32];
        bytes[31] = value;
        bytes
    };
    let values = [small(0), small(1), small(2), largest(), order, [0xff; 32]];
    let mut accepted = 0;
    for secret in [small(1), small(2), largest(), [7; 32]] {
        let public = public_key::<C>(&secret).unwrap();
        for digest in values {
            for r in values.into_iter().chain([public.x, public_key::<C>(&small(2)).unwrap().x]) {
                // With secret and nonce 1 and a digest of 0, s is r: these are signatures.
                for s in values.into_iter().chain([r]) {
                    let signature: [u8; SIGNATURE_LEN] = [r, s].concat().try_into().unwrap();
                    let verified = C::verify(&public, &digest, &signature).is_ok();
                    assert_eq!(verified, verify_by_p256(&public, &digest, &signature));
                    accepted += u32::from(verified);
                }
            }
        }
    }
    assert!(accepted > 0, "some of these are signatures");
}

/// Both points with this x-coordinate, or none.
fn check_decompression<C: super::Curve>(x: [u8; 32]) {
    for sign in [2, 3] {
        let encoded: [u8; PUBLIC_KEY_LEN] = [&[sign][..], &x].concat().try_into().unwrap();
        let expected = AffinePoint::decompress(&x.into(), Choice::from(sign & 1)).into_option();
        match decompress::<C>(&encoded) {
            Ok(point) => {
                let expected = expected.expect("a point of the curve");
                assert_eq!((point.x, point.y), (expected.x().into(), expected.y().into()));
                assert_eq!(point.compressed(), encoded);
                assert_eq!(lift_x::<C>(&x).unwrap().x, x);
            }
            Err(error) => {
                assert_eq!((error, lift_x::<C>(&x).err()), (Error::Key, Some(Error::Key)));
                assert!(expected.is_none());
            }
        }
    }
}

fn decompression_at_the_edges<C: super::Curve>() {
    let (mut on_curve, mut also_if_reduced) = (0, 0);
    for distance in (0..100_u32).map(U256::from) {
        let [small, unreduced, large] = [distance, PRIME + distance, PRIME - U256::ONE - distance]
            .map(|x| <[u8; 32]>::from(x.to_be_byte_array()));
        for x in [small, unreduced, large] {
            check_decompression::<C>(x);
        }
        assert!(lift_x::<C>(&unreduced).is_err());
        on_curve += u32::from(lift_x::<C>(&large).is_ok());
        also_if_reduced += u32::from(lift_x::<C>(&small).is_ok());
    }
    assert!(on_curve > 0 && also_if_reduced > 0);
    for sign in (0..=0xff).filter(|sign| ![2, 3].contains(sign)) {
        let mut encoded = public_key::<C>(&[1; 32]).unwrap().compressed();
        encoded[0] = sign;
        assert_eq!(decompress::<C>(&encoded).err(), Some(Error::Key));
    }
}

fn a_changed_signature_does_not_verify<C: super::Curve>(secret: [u8; 32], digest: [u8; 32], bit: usize) {
    if let Ok(public) = public_key::<C>(&secret) {
        let mut signature = sign::<C>(&secret, &digest).unwrap();
        signature[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(C::verify(&public, &digest, &signature), Err(Error::Authentication));
    }
}

macro_rules! tests_of {
    ($name:ident, $curve:ty) => {
        mod $name {
            use super::super::*;
            use proptest::prelude::*;

            #[test]
            fn edges() {
                super::edges::<$curve>();
            }

            #[test]
            fn verification_at_the_edges() {
                super::verification_at_the_edges::<$curve>();
            }

            #[test]
            fn decompression_at_the_edges() {
                super::decompression_at_the_edges::<$curve>();
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(64))]

                #[test]
                fn agrees_with_p256(secret: [u8; 32], other: [u8; 32], digest: [u8; 32]) {
                    super::check::<$curve>(secret, other, digest);
                }

                #[test]
                fn decompresses_like_p256(x: [u8; 32]) {
                    super::check_decompression::<$curve>(x);
                }

                #[test]
                fn a_changed_signature_does_not_verify(secret: [u8; 32], digest: [u8; 32], bit in 0_usize..512) {
                    super::a_changed_signature_does_not_verify::<$curve>(secret, digest, bit);
                }
            }
        }
    };
}

// Who that is, features say.
tests_of!(software, Software);
#[cfg(feature = "openssl")]
tests_of!(openssl, OpenSsl);

/// Whoever computes on the curve, records are sealed the same way: in one piece where that can be.
#[cfg(feature = "openssl")]
#[test]
fn records_are_sealed_as_software_does() {
    fn ccm<B: super::Aes<Engine = ()>>() -> Option<(std::vec::Vec<u8>, [u8; 8])> {
        let (mut data, mut tag) = (std::vec![1; 40], [0; 8]);
        let direction = super::ccm::Direction::Seal;
        let record = &mut super::ccm::Record { direction, data: &mut data, tag: &mut tag };
        B::ccm((), &[2; 16], &[3; 13], &[b"aad"], record)?.unwrap();
        Some((data, tag))
    }
    assert_eq!(ccm::<OpenSsl>(), ccm::<Software>());
}
