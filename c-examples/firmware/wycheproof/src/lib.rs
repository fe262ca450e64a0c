//! Judges what computes on P-256 here by vectors that `tests/wycheproof.rs` writes for firmware.
#![no_std]

use lscoap::crypto::{Curve, Point, Software};

/// A vector: a kind, an expectation, two bytes of nothing, and five integers.
type Vector = [u8; 164];

/// No more vectors.
const END: u8 = 0;
/// A signature: x, y, the digest, r, s. Other kinds are first bytes of a point's encoding: x, y, the secret, the product, nothing.
const SIGNATURE: u8 = 1;
const UNCOMPRESSED: u8 = 4;

/// What is computed may be refused, ...
const RIGHT_OR_REFUSED: u8 = 2;
/// ... or has to be right, ...
const RIGHT: u8 = 1;
// ... or, with any other expectation, must not be.

fn product(kind: u8, mut point: Point, secret: &[u8; 32]) -> Option<[u8; 32]> {
    if kind != UNCOMPRESSED {
        let mut encoded = [kind; 33];
        encoded.split_at_mut(1).1.copy_from_slice(&point.x);
        Software::decompress(&encoded, &mut point).ok()?;
    }
    let (mut base, mut shared) = (Default::default(), [0; 32]);
    Software::prepare(&point, &mut base).ok()?;
    Software::diffie_hellman(secret, &base, &mut shared).ok()?;
    Some(shared)
}

/// 0 if what is computed is as expected, 1 if not, 2 if this is the end.
#[unsafe(no_mangle)]
pub extern "C" fn wycheproof_judge(vector: &Vector) -> u8 {
    let ([kind, expectation, ..], integers) = vector.split_at(4) else { return 1 };
    let [x, y, a, b, c] = integers.as_chunks::<32>().0 else { return 1 };
    let point = Point { x: *x, y: *y };
    let is_right = match *kind {
        END => return 2,
        SIGNATURE => [b, c]
            .map(|half| *half)
            .as_flattened()
            .try_into()
            .ok()
            .map(|signature| Software::verify(&point, a, signature).is_ok()),
        kind => product(kind, point, a).map(|shared| shared == *b),
    };
    let is_expected = match *expectation {
        RIGHT => is_right == Some(true),
        RIGHT_OR_REFUSED => is_right != Some(false),
        _ => is_right != Some(true),
    };
    u8::from(!is_expected)
}
