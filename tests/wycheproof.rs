//! Project Wycheproof's vectors for ECDH and ECDSA with P-256 and SHA-256, through everything that computes on the curve here: what the
//! library is built with, libcrypto with the feature `openssl`, `lscoap-p256-small` by itself, and RustCrypto's `p256`.

use lscoap::crypto::{Curve, Point, Software, sha256};
use lscoap_p256_small as small;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::FromSec1Point;
use wycheproof::TestResult;
use wycheproof::{ecdh, ecdsa as vectors};

/// How an implementation decompresses, multiplies and verifies; points are big-endian coordinates.
struct Implementation {
    name: &'static str,
    y: fn(x: &[u8; 32], is_odd: bool) -> Option<[u8; 32]>,
    product: fn(secret: &[u8; 32], point: &Point) -> Option<[u8; 32]>,
    verify: fn(point: &Point, digest: &[u8; 32], signature: &[u8; 64]) -> bool,
}

fn encoded(x: &[u8; 32], is_odd: bool) -> [u8; 33] {
    let mut encoded = [2 + u8::from(is_odd); 33];
    encoded[1..].copy_from_slice(x);
    encoded
}

/// One of the library's.
const fn library<C: Curve>(name: &'static str) -> Implementation {
    Implementation {
        name,
        y: |x, is_odd| {
            let mut point = Point::EMPTY;
            C::decompress(&encoded(x, is_odd), &mut point).ok().map(|()| point.y)
        },
        product: |secret, point| {
            let (mut base, mut shared) = (Default::default(), [0; 32]);
            C::prepare(point, &mut base).ok()?;
            C::diffie_hellman(secret, &base, &mut shared).ok().map(|()| shared)
        },
        verify: |point, digest, signature| C::verify(point, digest, signature).is_ok(),
    }
}

static SMALL: Implementation = Implementation {
    name: "lscoap-p256-small",
    y: |x, is_odd| {
        let mut y = [0; 32];
        small::decompress(x, is_odd, &mut y).then_some(y)
    },
    product: |secret, point| {
        let (mut base, mut shared) = (small::Point::default(), [0; 32]);
        let is_point = base.read(&point.x, &point.y);
        (is_point && small::diffie_hellman(secret, &base, &mut shared)).then_some(shared)
    },
    verify: |point, digest, signature| {
        let [r, s] = signature.as_chunks().0 else { unreachable!() };
        small::verify(&point.x, &point.y, digest, r, s)
    },
};

static RUSTCRYPTO: Implementation = Implementation {
    name: "p256",
    y: |x, is_odd| {
        let point = p256::AffinePoint::from_sec1_bytes(&encoded(x, is_odd)).ok()?;
        Some(point.y().into())
    },
    product: |secret, point| {
        let secret = p256::SecretKey::from_slice(secret).ok()?;
        let point = p256::AffinePoint::from_coordinates(&point.x.into(), &point.y.into()).into_option()?;
        let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), point);
        Some((*shared.raw_secret_bytes()).into())
    },
    verify: |point, digest, signature| {
        let point = p256::AffinePoint::from_coordinates(&point.x.into(), &point.y.into()).into_option();
        let signature = p256::ecdsa::Signature::from_slice(signature);
        let (Some(point), Ok(signature)) = (point, signature) else { return false };
        ecdsa::hazmat::verify_prehashed::<p256::NistP256>(&point.into(), digest, &signature).is_ok()
    },
};

/// A big-endian integer of any length as 32 bytes, if it is not too large.
fn integer(bytes: &[u8]) -> Option<[u8; 32]> {
    let zeroes = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut integer = [0; 32];
    let from = 32_usize.checked_sub(bytes.len() - zeroes)?;
    integer[from..].copy_from_slice(&bytes[zeroes..]);
    Some(integer)
}

/// A SEC1 encoding, whether the point is on the curve or not.
fn point(encoded: &[u8], implementation: &Implementation) -> Option<Point> {
    let (form, coordinates) = encoded.split_first()?;
    match (form, coordinates.len()) {
        (4, 64) => {
            Some(Point { x: coordinates[..32].try_into().ok()?, y: coordinates[32..].try_into().ok()? })
        }
        (2 | 3, 32) => {
            let x = coordinates.try_into().ok()?;
            Some(Point { x, y: (implementation.y)(&x, *form == 3)? })
        }
        _ => None,
    }
}

/// The point in a SubjectPublicKeyInfo that names P-256, in the one encoding that this is usually given.
fn of_certificate(key: &[u8]) -> Option<&[u8]> {
    let algorithm = hex::decode("301306072a8648ce3d020106082a8648ce3d030107").unwrap();
    let [0x30, len, rest @ ..] = key else { return None };
    let [0x03, bits, 0, point @ ..] = rest.strip_prefix(&algorithm[..])? else { return None };
    (usize::from(*len) == rest.len() && usize::from(*bits) == point.len() + 1).then_some(point)
}

/// Valid ones have to be right, invalid ones to be refused; others, which ask for parsers that are not here, may be either.
fn judge(name: &str, id: usize, result: TestResult, is_right: Option<bool>) {
    match result {
        TestResult::Valid => assert_eq!(is_right, Some(true), "{name}, {id}"),
        TestResult::Invalid => assert_ne!(is_right, Some(true), "{name}, {id}"),
        TestResult::Acceptable => assert_ne!(is_right, Some(false), "{name}, {id}"),
    }
}

/// A vector for ECDH.
struct Product {
    id: usize,
    result: TestResult,
    encoded: Option<Vec<u8>>,
    secret: Option<[u8; 32]>,
    shared: Vec<u8>,
}

fn products(set: ecdh::TestName) -> Vec<Product> {
    let mut products = vec![];
    for group in ecdh::TestSet::load(set).unwrap().test_groups {
        for test in &group.tests {
            let encoded = match group.encoding {
                ecdh::EcdhEncoding::EcPoint => Some(&test.public_key[..]),
                ecdh::EcdhEncoding::Asn1 => of_certificate(&test.public_key),
            };
            products.push(Product {
                id: test.tc_id,
                result: test.result,
                encoded: encoded.map(<[u8]>::to_vec),
                secret: integer(&test.private_key),
                shared: test.shared_secret.to_vec(),
            });
        }
    }
    products
}

/// How many products were right.
fn agree(set: ecdh::TestName, implementation: &Implementation) -> usize {
    let mut right = 0;
    for test in products(set) {
        let point = test.encoded.and_then(|encoded| point(&encoded, implementation));
        let shared = point.and_then(|point| (implementation.product)(&test.secret?, &point));
        let is_right = shared.map(|shared| shared[..] == test.shared[..]);
        judge(implementation.name, test.id, test.result, is_right);
        right += usize::from(is_right == Some(true));
    }
    right
}

/// Strict DER, as 64 bytes.
fn of_der(signature: &[u8]) -> Option<[u8; 64]> {
    fn part(der: &[u8]) -> Option<([u8; 32], &[u8])> {
        let [0x02, len, rest @ ..] = der else { return None };
        let (bytes, rest) = rest.split_at_checked((*len).into())?;
        let is_minimal = match bytes {
            [] | [0x80..=0xff, ..] => false,
            [0, next, ..] => *next >= 0x80,
            _ => true,
        };
        if is_minimal { Some((integer(bytes)?, rest)) } else { None }
    }
    let [0x30, len, rest @ ..] = signature else { return None };
    let (r, rest) = part(rest)?;
    let (s, []) = part(rest)? else { return None };
    (usize::from(*len) == signature.len() - 2).then(|| [r, s].as_flattened().try_into().unwrap())
}

/// A vector for ECDSA.
struct Signed {
    id: usize,
    result: TestResult,
    key: Vec<u8>,
    digest: [u8; 32],
    signature: Option<[u8; 64]>,
}

fn signatures(set: vectors::TestName, is_der: bool) -> Vec<Signed> {
    let mut signatures = vec![];
    for group in vectors::TestSet::load(set).unwrap().test_groups {
        for test in &group.tests {
            signatures.push(Signed {
                id: test.tc_id,
                result: test.result,
                key: group.key.key.to_vec(),
                digest: sha256::<Software>(&[&test.msg]),
                signature: if is_der { of_der(&test.sig) } else { test.sig[..].try_into().ok() },
            });
        }
    }
    signatures
}

/// How many signatures were right.
fn verify(set: vectors::TestName, is_der: bool, implementation: &Implementation) -> usize {
    let mut right = 0;
    for test in signatures(set, is_der) {
        let point = point(&test.key, implementation).unwrap();
        let is_right =
            test.signature.is_some_and(|signature| (implementation.verify)(&point, &test.digest, &signature));
        judge(implementation.name, test.id, test.result, Some(is_right));
        right += usize::from(is_right);
    }
    right
}

fn check(implementation: &Implementation) {
    use ecdh::TestName::{EcdhSecp256r1, EcdhSecp256r1Ecpoint};
    use vectors::TestName::{EcdsaSecp256r1Sha256, EcdsaSecp256r1Sha256P1363};
    let right = [
        agree(EcdhSecp256r1Ecpoint, implementation),
        agree(EcdhSecp256r1, implementation),
        verify(EcdsaSecp256r1Sha256P1363, false, implementation),
        verify(EcdsaSecp256r1Sha256, true, implementation),
    ];
    // Most of each set is valid: the test would notice if it read nothing.
    for (right, at_least) in right.into_iter().zip([300, 300, 100, 150]) {
        assert!(right >= at_least, "{}: {right} of {at_least}", implementation.name);
    }
}

#[test]
fn the_library() {
    check(&library::<Software>("Software"));
}

#[cfg(feature = "openssl")]
#[test]
fn openssl() {
    check(&library::<lscoap::crypto::OpenSsl>("OpenSsl"));
}

#[test]
fn lscoap_p256_small() {
    check(&SMALL);
}

#[test]
fn rustcrypto() {
    check(&RUSTCRYPTO);
}

/// A vector for firmware: see `c-examples/firmware/wycheproof/src/lib.rs`.
fn for_firmware(kind: u8, result: TestResult, integers: [&[u8]; 5]) -> Option<[u8; 164]> {
    let expectation = match result {
        TestResult::Invalid => 0,
        TestResult::Valid => 1,
        TestResult::Acceptable => 2,
    };
    let mut vector = [0; 164];
    vector[..2].copy_from_slice(&[kind, expectation]);
    for (to, from) in vector[4..].as_chunks_mut().0.iter_mut().zip(integers) {
        *to = if from.is_empty() { [0; 32] } else { from.try_into().ok()? };
    }
    Some(vector)
}

/// Those vectors that need no parser, whose lengths are right, go into the file that LSCOAP_WRITE_VECTORS names.
#[test]
fn written_for_firmware() {
    let mut written = vec![];
    for test in products(ecdh::TestName::EcdhSecp256r1Ecpoint) {
        let Some(([kind @ 2..=4, coordinates @ ..], secret)) = test.encoded.as_deref().zip(test.secret)
        else {
            continue;
        };
        let (x, y) = coordinates.split_at(coordinates.len().min(32));
        written.extend(for_firmware(*kind, test.result, [x, y, &secret, &test.shared, &[]]));
    }
    let of_products = written.len();
    for test in signatures(vectors::TestName::EcdsaSecp256r1Sha256P1363, false) {
        let Some(signature) = test.signature else { continue };
        let ((x, y), (r, s)) = (test.key[1..].split_at(32), signature.split_at(32));
        written.extend(for_firmware(1, test.result, [x, y, &test.digest, r, s]));
    }
    assert!(of_products > 300 && written.len() > of_products + 200);
    if let Ok(file) = std::env::var("LSCOAP_WRITE_VECTORS") {
        std::fs::write(file, [written.as_flattened(), &[0; 164]].concat()).unwrap();
    }
}
