//! Where the formulas could be wrong, and RFC 6979's examples.

use super::agreement::{
    Bytes, Random, check_decompression, check_key, check_product, check_signature, check_verification,
    our_key, our_product, our_signature, our_y, scalar,
};
use crate::file::File;
use crate::{Point, is_scalar};
use p256::elliptic_curve::bigint::U256;
use p256::elliptic_curve::{Curve, PrimeField};
use p256::{NistP256, Scalar};
use std::vec::Vec;

fn bytes(integer: U256) -> Bytes {
    integer.to_be_bytes().into()
}

fn small(value: u32) -> Bytes {
    bytes(U256::from(value))
}

/// n + i, as far as that is one.
fn near_n(i: i32) -> Bytes {
    let n = *NistP256::ORDER;
    let distance = U256::from(i.unsigned_abs());
    bytes(if i < 0 { n.wrapping_sub(&distance) } else { n.wrapping_add(&distance) })
}

/// 0 and 1, around n, powers of 2 and their neighbours, runs of ones; those digits of which only one is special.
fn scalars() -> Vec<Bytes> {
    let powers = (0..256).flat_map(|bits| {
        let power = U256::ONE.shl(bits);
        [power.wrapping_sub(&U256::ONE), power, power.wrapping_add(&U256::ONE), U256::MAX.shl(bits)]
    });
    let edges = (0..40).map(small).chain((-40..10).map(near_n));
    edges.chain(powers.map(bytes)).chain((0..=255).step_by(15).map(|byte| [byte; 32])).collect()
}

#[test]
fn scalars_at_the_edges() {
    let mut random = Random(4);
    for secret in scalars() {
        check_key(&secret);
        check_product(&secret, &random.bytes());
        check_product(&random.bytes(), &secret);
        check_signature(&secret, &secret, &random.bytes());
    }
    for secret in [[0; 32], near_n(0), near_n(1), [0xff; 32]] {
        assert!(!is_scalar(&secret));
        assert_eq!((our_key(&secret), our_signature(&secret, &small(1), &small(1))), (None, None));
        assert_eq!(our_signature(&small(1), &secret, &small(1)), None);
    }
    assert!(is_scalar(&small(1)) && is_scalar(&near_n(-1)));
}

/// What [`crate::multiply`] says of the last addition: the only scalars that could meet it, made of n's own digits, are none. And
/// that 2 would be one with a last digit of four bits.
#[test]
fn the_last_addition_has_no_exception() {
    let n = *NistP256::ORDER;
    let bit = |at: u32| u32::from(bool::from(n.bit(at)));
    // Digits by their definition: 2^t has the sign that bit t + 1 says.
    let signs = |places: &[u32]| -> (U256, U256) {
        let sum = |sign| {
            let of_sign = places.iter().filter(|place| bit(**place + 1) == sign);
            of_sign.fold(U256::ZERO, |sum, place| sum.wrapping_add(&U256::ONE.shl(*place)))
        };
        (sum(1), sum(0))
    };
    for (places, is_safe) in [(&[0, 64, 128, 192][..], true), (&[0, 1, 2], true), (&[0, 1, 2, 3], false)] {
        let (plus, minus) = signs(places);
        assert_eq!(plus < minus, is_safe, "a digit of n in {places:?}");
    }
}

/// The identity, and a point added to itself, at the end of a verification.
#[test]
fn verification_at_the_edges() {
    let values = [small(0), small(1), small(2), near_n(-1), near_n(0), [0xff; 32]];
    let mut accepted = 0;
    for secret in [small(1), small(2), near_n(-1), near_n(-2), [7; 32]] {
        let (x, y) = our_key(&secret).unwrap();
        for digest in values {
            for r in values.into_iter().chain([x, our_key(&small(2)).unwrap().0]) {
                for s in values.into_iter().chain([r]) {
                    accepted += u32::from(check_verification(&x, &y, &digest, &r, &s));
                }
            }
        }
    }
    assert!(accepted > 0, "some of these are signatures");
}

/// u_1 G and u_2 Q the same point, opposite ones, and nothing of G: signatures that are made for it, with the nonces that the sums are.
#[test]
fn sums_of_equal_and_of_opposite_points() {
    let invert = |scalar: Scalar| scalar.invert().unwrap();
    let of = |bytes: &Bytes| *scalar(bytes).unwrap();
    let mut random = Random(5);
    for secret in [small(1), small(3), near_n(-1), random.bytes(), random.bytes()] {
        let (x, y) = our_key(&secret).unwrap();
        for nonce in [small(2), near_n(-2), random.bytes(), random.bytes()] {
            let d = of(&secret);
            let r = of(&our_key(&nonce).unwrap().0);
            // Of the sum of two equal points each is half of it: u_2 d = k / 2, with u_2 = r / s, and the digest is u_1 s.
            let s = r * d * Scalar::from(2_u32) * invert(of(&nonce));
            let digest = of(&nonce) * invert(Scalar::from(2_u32)) * s;
            let [r, s, digest] = [r, s, digest].map(|scalar| scalar.to_repr().into());
            assert!(check_verification(&x, &y, &digest, &r, &s));
            // The opposite: u_1 = −u_2 d.
            let digest = (-of(&digest)).to_repr().into();
            assert!(!check_verification(&x, &y, &digest, &r, &s));
            // u_1 = 0.
            let s = of(&r) * d * invert(of(&nonce));
            assert!(check_verification(&x, &y, &[0; 32], &r, &s.to_repr().into()));
            assert!(check_verification(&x, &y, &near_n(0), &r, &s.to_repr().into()));
        }
    }
}

/// An x-coordinate that is not below n, of which r is what is left of it.
#[test]
fn an_x_coordinate_beyond_n() {
    let n = *NistP256::ORDER;
    let points = (0..200_u32).filter_map(|i| {
        let r = U256::from(i);
        let x = bytes(n.wrapping_add(&r));
        our_y(&x, false).map(|y| (bytes(r), x, y))
    });
    let mut checked = 0;
    for (r, x, y) in points.filter(|(r, ..)| is_scalar(r)) {
        // With the point itself as the public key, s = r and a digest of 0, it is u_2 Q = Q.
        assert!(check_verification(&x, &y, &[0; 32], &r, &r));
        assert!(!check_verification(&x, &y, &[0; 32], &small(1), &r) || r == small(1));
        checked += 1;
    }
    assert!(checked > 50);
}

#[test]
fn coordinates_at_the_edges() {
    const PRIME: U256 = U256::from_be_hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let (mut on_curve, mut also_if_reduced) = (0, 0);
    for distance in (0..100_u32).map(U256::from) {
        let [low, unreduced, high] =
            [distance, PRIME.wrapping_add(&distance), PRIME.wrapping_sub(&distance)].map(bytes);
        also_if_reduced += u32::from(check_decompression(&low));
        assert!(!check_decompression(&unreduced));
        on_curve += u32::from(check_decompression(&high));
        // Neither of both coordinates may be one that is not reduced.
        if let Some(y) = our_y(&low, true) {
            assert_eq!(our_product(&small(1), &low, &y), Some(low));
            assert_eq!(our_product(&small(1), &unreduced, &y), None);
            assert_eq!(our_product(&small(1), &y, &low), None);
        }
    }
    assert!(on_curve > 0 && also_if_reduced > 0);
    for (x, y) in [([0; 32], [0; 32]), ([1; 32], [1; 32]), ([0xff; 32], [0xff; 32])] {
        assert_eq!(our_product(&small(1), &x, &y), None);
        assert!(!check_verification(&x, &y, &[1; 32], &small(1), &small(1)));
    }
    let mut shared = [0; 32];
    assert!(!crate::diffie_hellman(&small(1), &Point::default(), &mut shared));
}

/// Its own formulas, where they are not right: that is what the exceptions are.
#[test]
fn additions_have_exceptions() {
    let mut file = File::new();
    let mut multiple = |scalar: &Bytes| {
        assert!(file.read_factor(scalar));
        file.multiply_generator();
        let [point @ .., _, _, _, _, _] = file.0;
        point
    };
    let [first, opposite] = [small(3), near_n(-3)].map(|scalar| multiple(&scalar));
    let mut add = |second: [crate::words::Words; 3]| {
        file.0[..3].copy_from_slice(&first);
        file.0[3..6].copy_from_slice(&second);
        file.add();
        (file.0[2] == [0; 8], file.0[4] == [0; 8])
    };
    assert_eq!(add(first), (true, true));
    assert_eq!(add(opposite), (true, false));
}

/// RFC 6979 appendix A.2.5, P-256 with SHA-256.
#[test]
fn rfc6979_examples() {
    let of = |hex| bytes(U256::from_be_hex(hex));
    let secret = of("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    let x = of("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
    let y = of("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    assert_eq!(our_key(&secret), Some((x, y)));
    for [digest, k, r, s] in [
        [
            "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf", // "sample"
            "a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ],
        [
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", // "test"
            "d16b6ae827f17175e040871a1c7ec3500192c4c92677336ec2537acaee0008e0",
            "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
            "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        ],
    ] {
        assert_eq!(our_signature(&secret, &of(k), &of(digest)), Some((of(r), of(s))));
        assert!(check_verification(&x, &y, &of(digest), &of(r), &of(s)));
    }
}
