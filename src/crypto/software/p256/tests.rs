//! Against `p256`'s own multiplication and signing.

use super::*;
use crate::crypto::by_value::{decompress, diffie_hellman, lift_x, public_key, sign};
use ecdsa::Signature;
use p256::elliptic_curve::bigint::{ArrayEncoding, U256};
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::DecompressPoint;
use p256::elliptic_curve::{Curve as _, Group};
use p256::{FieldBytes, NistP256, NonZeroScalar, Scalar};
use proptest::prelude::*;
use sha2::Sha256;
use subtle::Choice;

/// n − 1, the largest scalar.
fn largest() -> [u8; 32] {
    (-Scalar::ONE).to_repr().into()
}

fn scalar(bytes: &[u8; 32]) -> Option<NonZeroScalar> {
    NonZeroScalar::from_repr(FieldBytes::from(*bytes)).into_option()
}

fn check(secret: [u8; 32], other: [u8; 32], digest: [u8; 32]) {
    let (Some(d), Some(e)) = (scalar(&secret), scalar(&other)) else {
        assert!(public_key(&secret).is_err() || public_key(&other).is_err());
        return;
    };
    let public = public_key(&secret).unwrap();
    let expected = (ProjectivePoint::generator() * *d).to_affine();
    assert_eq!((public.x, public.y), (expected.x().into(), expected.y().into()));

    let theirs = public_key(&other).unwrap();
    let shared = diffie_hellman(&secret, &theirs).unwrap();
    let expected = p256::ecdh::diffie_hellman(e, expected);
    assert_eq!(shared[..], expected.raw_secret_bytes()[..]);

    let signature = sign(&secret, &digest).unwrap();
    let (expected, _) = ecdsa::hazmat::sign_prehashed_rfc6979::<NistP256, Sha256>(&d, &digest, &[]);
    assert_eq!(signature[..], expected.to_bytes()[..]);
    for (digest, key) in [(&digest, &secret), (&secret, &secret), (&digest, &other)] {
        let public = public_key(key).unwrap();
        let expected = verify_by_p256(&public, digest, &signature);
        assert_eq!(Software::verify(&public, digest, &signature).is_ok(), expected);
    }
    assert_eq!(Software::verify(&public, &digest, &signature), Ok(()));
}

fn verify_by_p256(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    let point = AffinePoint::from_coordinates(&public.x.into(), &public.y.into()).unwrap().into();
    ecdsa::hazmat::verify_prehashed::<NistP256>(&point, digest, &signature).is_ok()
}

#[test]
fn edges() {
    let mut one = [0; 32];
    one[31] = 1;
    let mut quarter = [0; 32];
    quarter[23] = 1; // 2^64
    for secret in [one, largest(), quarter, [0x11; 32], [0xf0; 32]] {
        for other in [one, largest(), quarter] {
            check(secret, other, [0xff; 32]);
            check(secret, other, [0; 32]);
        }
    }
    let order: [u8; 32] = NistP256::ORDER.to_be_bytes().into();
    for secret in [[0; 32], order, [0xff; 32]] {
        assert_eq!(public_key(&secret).err(), Some(Error::Key));
        assert_eq!(sign(&secret, &[1; 32]), Err(Error::Key));
        assert_eq!(diffie_hellman(&secret, &public_key(&one).unwrap()), Err(Error::Key));
    }
    let off_curve = Point { x: [1; 32], y: [1; 32] };
    assert_eq!(diffie_hellman(&one, &off_curve), Err(Error::Key));
    assert_eq!(Software::verify(&off_curve, &[1; 32], &[1; 64]), Err(Error::Authentication));
}

/// Values at the edges of the scalar field in every place: where the sum is the identity, where both parts of it
/// are the same point, where one of them is nothing.
#[test]
fn verification_at_the_edges() {
    let order: [u8; 32] = NistP256::ORDER.to_be_bytes().into();
    let small = |value: u8| {
        let mut bytes = [0; 32];
        bytes[31] = value;
        bytes
    };
    let values = [small(0), small(1), small(2), largest(), order, [0xff; 32]];
    let mut accepted = 0;
    for secret in [small(1), small(2), largest(), [7; 32]] {
        let public = public_key(&secret).unwrap();
        for digest in values {
            for r in values.into_iter().chain([public.x, public_key(&small(2)).unwrap().x]) {
                // With secret and nonce 1 and a digest of 0, s is r: these are signatures.
                for s in values.into_iter().chain([r]) {
                    let signature: [u8; SIGNATURE_LEN] = [r, s].concat().try_into().unwrap();
                    let verified = Software::verify(&public, &digest, &signature).is_ok();
                    assert_eq!(verified, verify_by_p256(&public, &digest, &signature));
                    accepted += u32::from(verified);
                }
            }
        }
    }
    assert!(accepted > 0, "some of these are signatures");
}

/// Both points with this x-coordinate, or none.
fn check_decompression(x: [u8; 32]) {
    for sign in [2, 3] {
        let encoded: [u8; PUBLIC_KEY_LEN] = [&[sign][..], &x].concat().try_into().unwrap();
        let expected = AffinePoint::decompress(&x.into(), Choice::from(sign & 1)).into_option();
        match decompress(&encoded) {
            Ok(point) => {
                let expected = expected.expect("a point of the curve");
                assert_eq!((point.x, point.y), (expected.x().into(), expected.y().into()));
                assert_eq!(point.compressed(), encoded);
                assert_eq!(lift_x(&x).unwrap().x, x);
            }
            Err(error) => {
                assert_eq!((error, lift_x(&x).err()), (Error::Key, Some(Error::Key)));
                assert!(expected.is_none());
            }
        }
    }
}

#[test]
fn decompression_at_the_edges() {
    const PRIME: U256 = U256::from_be_hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let (mut on_curve, mut also_if_reduced) = (0, 0);
    for distance in (0..100_u32).map(U256::from) {
        let [small, unreduced, large] = [distance, PRIME + distance, PRIME - U256::ONE - distance]
            .map(|x| <[u8; 32]>::from(x.to_be_byte_array()));
        for x in [small, unreduced, large] {
            check_decompression(x);
        }
        assert!(lift_x(&unreduced).is_err());
        on_curve += u32::from(lift_x(&large).is_ok());
        also_if_reduced += u32::from(lift_x(&small).is_ok());
    }
    assert!(on_curve > 0 && also_if_reduced > 0);
    for sign in (0..=0xff).filter(|sign| ![2, 3].contains(sign)) {
        let mut encoded = public_key(&[1; 32]).unwrap().compressed();
        encoded[0] = sign;
        assert_eq!(decompress(&encoded).err(), Some(Error::Key));
    }
}

/// The integers modulo n against `p256`'s.
fn check_integers(a: [u8; 32], b: [u8; 32]) {
    let theirs = |bytes: [u8; 32]| <Scalar as Reduce<FieldBytes>>::reduce(&bytes.into());
    let (x, y) = (theirs(a), theirs(b));
    assert_eq!(to_bytes(&reduce(&a)), x.to_repr()[..]);
    assert_eq!(to_bytes(&(reduce(&a) + reduce(&b))), (x + y).to_repr()[..]);
    assert_eq!(to_bytes(&(reduce(&a) * reduce(&b))), (x * y).to_repr()[..]);
    let inverse = Option::<Scalar>::from(x.invert()).map(|inverse| inverse.to_repr().to_vec());
    assert_eq!(reduce(&a).invert().into_option().map(|inverse| to_bytes(&inverse).to_vec()), inverse);
    assert_eq!(is_valid(&a), scalar(&a).is_some());
}

#[test]
fn integers_at_the_edges() {
    let edges = [U256::ZERO, *NistP256::ORDER, U256::ONE.shl(128), U256::MAX];
    let near = |edge: U256| {
        [edge.wrapping_sub(&U256::ONE), edge, edge.wrapping_add(&U256::ONE)]
            .map(|integer| <[u8; 32]>::from(integer.to_be_byte_array()))
    };
    for a in edges.into_iter().flat_map(near) {
        for b in edges.into_iter().flat_map(near) {
            check_integers(a, b);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_p256(secret: [u8; 32], other: [u8; 32], digest: [u8; 32]) {
        check(secret, other, digest);
    }

    #[test]
    fn decompresses_like_p256(x: [u8; 32]) {
        check_decompression(x);
    }

    #[test]
    fn computes_modulo_n_like_p256(a: [u8; 32], b: [u8; 32]) {
        check_integers(a, b);
    }

    #[test]
    fn a_changed_signature_does_not_verify(secret: [u8; 32], digest: [u8; 32], bit in 0_usize..512) {
        if let Ok(public) = public_key(&secret) {
            let mut signature = sign(&secret, &digest).unwrap();
            signature[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Software::verify(&public, &digest, &signature), Err(Error::Authentication));
        }
    }
}
