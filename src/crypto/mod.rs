//! The primitives as traits, one for each, so that another implementation can stand beside RustCrypto. Keys
//! and points cross these traits as plain bytes, which a secure element or an assembly library also speaks.

mod rustcrypto;

pub use rustcrypto::RustCrypto;

use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN, TAG_LEN};
use zeroize::Zeroize;

/// An AEAD key: 16 bytes.
pub const KEY_LEN: usize = 16;
/// An AEAD nonce: 13 bytes.
pub const NONCE_LEN: usize = 13;

/// A point of P-256 that was found to be on the curve, as big-endian affine coordinates.
#[derive(Clone, Copy, Zeroize)]
pub struct Point {
    /// The x-coordinate.
    pub x: [u8; 32],
    /// The y-coordinate.
    pub y: [u8; 32],
}

impl Point {
    /// The compressed SEC1 encoding (SEC 1 section 2.3.3).
    pub fn compressed(&self) -> [u8; PUBLIC_KEY_LEN] {
        let mut out = [0; PUBLIC_KEY_LEN];
        let odd = self.y.last().is_some_and(|byte| byte & 1 == 1);
        if let Some((sign, x)) = out.split_first_mut() {
            *sign = if odd { 3 } else { 2 };
            x.copy_from_slice(&self.x);
        }
        out
    }
}

/// P-256: key pairs, Diffie-Hellman and ECDSA. Operations on secrets take constant time.
pub trait Curve {
    /// A point made ready: two multiplications of one point can share work.
    type Base;
    /// The public key of a secret; `None` when the secret is not in 1..n−1.
    fn public_key(secret: &[u8; 32]) -> Option<Point>;
    /// The point of a compressed SEC1 encoding.
    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN]) -> Option<Point>;
    /// Either point with this x-coordinate.
    fn lift_x(x: &[u8; 32]) -> Option<Point>;
    /// A point made ready for multiplication. Takes no secrets.
    fn base(point: &Point) -> Option<Self::Base>;
    /// The x-coordinate of `secret · base`.
    fn diffie_hellman(secret: &[u8; 32], base: &Self::Base) -> Option<[u8; 32]>;
    /// ECDSA over a SHA-256 digest with the nonce of RFC 6979; `r || s`.
    fn sign(secret: &[u8; 32], digest: &[u8; 32]) -> Option<[u8; SIGNATURE_LEN]>;
    /// Whether an ECDSA signature over a SHA-256 digest is `public`'s. Takes no secrets.
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> bool;
}

/// SHA-256 and what is built on it. The parts of an input are hashed one after the other.
pub trait Hash {
    /// SHA-256.
    fn sha256(parts: &[&[u8]]) -> [u8; 32];
    /// HKDF-Extract (RFC 5869 section 2.2).
    fn extract(salt: &[u8], ikm: &[&[u8]]) -> [u8; 32];
    /// HKDF-Expand (RFC 5869 section 2.3); `out` has at most 255 · 32 bytes.
    fn expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> Result<(), Error>;
}

/// AES-CCM-16-64-128 (COSE algorithm 10).
pub trait Aead {
    /// Encrypts `data` in place and gives the tag.
    fn seal(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Error>;
    /// Decrypts `data` in place; where the tag does not verify, `data` is left as zeroes.
    fn open(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error>;
}

/// One implementation of everything.
pub trait Backend: Curve + Hash + Aead {}
impl<T: Curve + Hash + Aead> Backend for T {}
