//! Against `p256`'s own multiplication and signing.

use super::*;
use p256::ProjectivePoint;
use p256::elliptic_curve::{Group, PrimeField};
use proptest::prelude::*;

/// n − 1, the largest scalar.
fn largest() -> [u8; 32] {
    (-Scalar::ONE).to_repr().into()
}

fn check(secret: [u8; 32], other: [u8; 32], digest: [u8; 32]) {
    let (Some(d), Some(e)) = (scalar(&secret), scalar(&other)) else {
        assert!(RustCrypto::public_key(&secret).is_none() || RustCrypto::public_key(&other).is_none());
        return;
    };
    let public = RustCrypto::public_key(&secret).unwrap();
    let expected = (ProjectivePoint::generator() * **d).to_affine();
    assert_eq!((public.x, public.y), (expected.x().into(), expected.y().into()));

    let theirs = RustCrypto::public_key(&other).unwrap();
    let shared = RustCrypto::diffie_hellman(&secret, &RustCrypto::base(&theirs).unwrap()).unwrap();
    let expected = p256::ecdh::diffie_hellman(*e, expected);
    assert_eq!(shared[..], expected.raw_secret_bytes()[..]);

    let signature = RustCrypto::sign(&secret, &digest).unwrap();
    let (expected, _) = ecdsa::hazmat::sign_prehashed_rfc6979::<NistP256, Sha256>(&d, &digest, &[]);
    assert_eq!(signature[..], expected.to_bytes()[..]);
    for (digest, key) in [(&digest, &secret), (&secret, &secret), (&digest, &other)] {
        let public = RustCrypto::public_key(key).unwrap();
        let expected = verify_by_p256(&public, digest, &signature);
        assert_eq!(RustCrypto::verify(&public, digest, &signature), expected);
    }
    assert!(RustCrypto::verify(&public, &digest, &signature));
}

fn verify_by_p256(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    let point = affine(public).unwrap().into();
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
    assert!(RustCrypto::public_key(&[0; 32]).is_none());
    assert!(RustCrypto::public_key(&NistP256::ORDER.to_be_bytes().into()).is_none());
    assert!(RustCrypto::sign(&[0; 32], &[1; 32]).is_none());
    assert!(RustCrypto::base(&Point { x: [1; 32], y: [1; 32] }).is_none(), "not on the curve");
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
        let public = RustCrypto::public_key(&secret).unwrap();
        for digest in values {
            for r in values.into_iter().chain([public.x, RustCrypto::public_key(&small(2)).unwrap().x]) {
                // With secret and nonce 1 and a digest of 0, s is r: these are signatures.
                for s in values.into_iter().chain([r]) {
                    let signature: [u8; SIGNATURE_LEN] = [r, s].concat().try_into().unwrap();
                    let verified = RustCrypto::verify(&public, &digest, &signature);
                    assert_eq!(verified, verify_by_p256(&public, &digest, &signature));
                    accepted += u32::from(verified);
                }
            }
        }
    }
    assert!(accepted > 0, "some of these are signatures");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_p256(secret: [u8; 32], other: [u8; 32], digest: [u8; 32]) {
        check(secret, other, digest);
    }

    #[test]
    fn a_changed_signature_does_not_verify(secret: [u8; 32], digest: [u8; 32], bit in 0_usize..512) {
        if let Some(public) = RustCrypto::public_key(&secret) {
            let mut signature = RustCrypto::sign(&secret, &digest).unwrap();
            signature[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!RustCrypto::verify(&public, &digest, &signature));
        }
    }
}
