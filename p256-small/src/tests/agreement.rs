//! Every function does what `p256` does.

use crate::{Point, decompress, diffie_hellman, is_scalar, public_key, sign, verify};
use ecdsa::hazmat::{sign_prehashed, verify_prehashed};
use p256::ecdsa::Signature;
use p256::elliptic_curve::Group;
use p256::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use p256::elliptic_curve::subtle::Choice;
use p256::{AffinePoint, NistP256, NonZeroScalar, ProjectivePoint};

pub type Bytes = [u8; 32];

/// x and y.
pub fn of(point: AffinePoint) -> (Bytes, Bytes) {
    (point.x().into(), point.y().into())
}

pub fn scalar(bytes: &Bytes) -> Option<NonZeroScalar> {
    NonZeroScalar::from_repr((*bytes).into()).into_option()
}

pub fn our_key(secret: &Bytes) -> Option<(Bytes, Bytes)> {
    let (mut x, mut y) = ([0; 32], [0; 32]);
    public_key(secret, &mut x, &mut y).then_some((x, y))
}

pub fn our_product(secret: &Bytes, x: &Bytes, y: &Bytes) -> Option<Bytes> {
    let (mut point, mut shared) = (Point::default(), [0; 32]);
    (point.read(x, y) && diffie_hellman(secret, &point, &mut shared)).then_some(shared)
}

pub fn our_y(x: &Bytes, is_odd: bool) -> Option<Bytes> {
    let mut y = [0; 32];
    decompress(x, is_odd, &mut y).then_some(y)
}

pub fn our_signature(secret: &Bytes, nonce: &Bytes, digest: &Bytes) -> Option<(Bytes, Bytes)> {
    let (mut r, mut s) = ([0; 32], [0; 32]);
    sign(secret, nonce, digest, &mut r, &mut s).then_some((r, s))
}

fn their_key(secret: &Bytes) -> Option<AffinePoint> {
    scalar(secret).map(|secret| (ProjectivePoint::generator() * *secret).to_affine())
}

/// The key of a secret.
pub fn check_key(secret: &Bytes) {
    assert_eq!(is_scalar(secret), scalar(secret).is_some());
    assert_eq!(our_key(secret), their_key(secret).map(of));
}

/// A secret times the key of another.
pub fn check_product(secret: &Bytes, other: &Bytes) {
    let Some(point) = their_key(other) else { return };
    let product = scalar(secret).map(|secret| of((ProjectivePoint::from(point) * *secret).to_affine()).0);
    let (x, y) = of(point);
    assert_eq!(our_product(secret, &x, &y), product);
}

/// A signature, and what is no signature.
pub fn check_signature(secret: &Bytes, nonce: &Bytes, digest: &Bytes) {
    let signature = our_signature(secret, nonce, digest);
    let (Some(d), Some(k)) = (scalar(secret), scalar(nonce)) else {
        assert_eq!(signature, None);
        return;
    };
    let theirs = sign_prehashed::<NistP256>(&d, &k, digest).ok();
    assert_eq!(
        signature,
        theirs.map(|(theirs, _)| {
            let (r, s) = theirs.split_bytes();
            (r.into(), s.into())
        })
    );
    let Some((r, s)) = signature else { return };
    let (x, y) = of(their_key(secret).unwrap());
    assert!(check_verification(&x, &y, digest, &r, &s));
    let wrong = [(secret, &r, &s), (digest, &s, &r), (digest, &r, nonce), (digest, nonce, &s)];
    let (digest, r, s) = wrong[usize::from(digest[0] % 4)];
    check_verification(&x, &y, digest, r, s);
}

/// Whether a point and a signature of it are what they are for `p256`.
pub fn check_verification(x: &Bytes, y: &Bytes, digest: &Bytes, r: &Bytes, s: &Bytes) -> bool {
    let ours = verify(x, y, digest, r, s);
    assert_eq!(ours, theirs(x, y, digest, r, s) == Some(()));
    ours
}

fn theirs(x: &Bytes, y: &Bytes, digest: &Bytes, r: &Bytes, s: &Bytes) -> Option<()> {
    let point = AffinePoint::from_coordinates(&(*x).into(), &(*y).into()).into_option()?;
    let signature = Signature::from_scalars(*r, *s).ok()?;
    verify_prehashed::<NistP256>(&point.into(), digest, &signature).ok()
}

/// Both points with this x-coordinate.
pub fn check_decompression(x: &Bytes) -> bool {
    let ours = [false, true].map(|is_odd| our_y(x, is_odd));
    let theirs =
        [0, 1].map(|is_odd| AffinePoint::decompress(&(*x).into(), Choice::from(is_odd)).into_option());
    assert_eq!(ours, theirs.map(|point| point.map(|point| of(point).1)));
    ours[0].is_some()
}

/// Bytes by a generator of its own (SplitMix64), for as many cases as are asked for.
pub struct Random(pub u64);

impl Random {
    pub fn bytes(&mut self) -> Bytes {
        let mut bytes = [0; 32];
        for chunk in bytes.as_chunks_mut().0 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            *chunk = (mixed ^ mixed >> 31).to_be_bytes();
        }
        bytes
    }

    /// Runs of equal bits, now and then.
    pub fn integer(&mut self) -> Bytes {
        let (mut bytes, shape) = (self.bytes(), self.bytes());
        if shape[0] < 64 {
            let (from, to) = (usize::from(shape[1] % 33), usize::from(shape[2] % 33));
            bytes[from.min(to)..from.max(to)].fill(if shape[3] & 1 == 0 { 0 } else { 0xff });
        }
        bytes
    }
}

/// One function for each case.
fn agree(cases: u32, seed: u64) {
    let mut random = Random(seed);
    for case in 0..cases {
        let [secret, other, digest] = [(); 3].map(|()| random.integer());
        match case % 4 {
            0 => check_key(&secret),
            1 => check_product(&secret, &other),
            2 => check_signature(&secret, &other, &digest),
            _ => drop(check_decompression(&digest)),
        }
    }
}

#[test]
fn on_random_input() {
    agree(2000, 1);
}

/// `make check-p256-small`: an hour on a quiet machine.
#[test]
#[ignore = "takes an hour"]
fn on_a_million_random_inputs() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    agree(number("CASES", 1_000_000), number("SEED", 2).into());
}
