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
    assert!(RustCrypto::verify(&public, &digest, &signature));
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
