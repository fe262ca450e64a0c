//! The primitives as traits, one for each, so that another implementation can stand beside the library's own. Keys
//! and points cross these traits as plain bytes, which a secure element or an assembly library also speaks. Results
//! are written where the caller wants them: every move of a secret would leave a copy behind.

#[cfg(test)]
pub(crate) mod by_value;
pub mod ccm;
mod hkdf;
mod hmac;
mod rfc6979;
mod software;

// What is of `p256`, and around whoever multiplies points.
#[cfg(any(feature = "openssl", not(any(feature = "p256-cm4", feature = "p256-small"))))]
mod ecdsa;
#[cfg(any(feature = "openssl", not(any(feature = "p256-cm4", feature = "p256-small"))))]
mod field;
#[cfg(any(feature = "openssl", not(any(feature = "p256-cm4", feature = "p256-small"))))]
mod scalar;

#[cfg(feature = "openssl")]
mod openssl;

pub use hkdf::{Prk, expand, extract};
#[cfg(feature = "openssl")]
pub use openssl::OpenSsl;
#[cfg(feature = "group")]
pub(crate) use rfc6979::ORDER;
pub use software::Software;

use crate::bytes::copy;
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};

/// An AES-128 key: 16 bytes.
pub const KEY_LEN: usize = 16;
/// A nonce of AES-CCM-16-64-128: 13 bytes.
pub const NONCE_LEN: usize = 13;
/// A block of AES.
pub type Block = [u8; 16];

/// A point of P-256 that was found to be on the curve, as big-endian affine coordinates.
#[derive(Clone, Copy, Default)]
pub struct Point {
    /// The x-coordinate.
    pub x: [u8; 32],
    /// The y-coordinate.
    pub y: [u8; 32],
}

wiped!(Point { x, y });

impl Point {
    /// Room for a point. Not one itself.
    pub const EMPTY: Self = Self { x: [0; 32], y: [0; 32] };

    /// The compressed SEC1 encoding (SEC 1 section 2.3.3).
    pub fn compressed(&self) -> [u8; PUBLIC_KEY_LEN] {
        let mut out = [0; PUBLIC_KEY_LEN];
        let odd = self.y.last().is_some_and(|byte| byte & 1 == 1);
        if let Some((sign, x)) = out.split_first_mut() {
            *sign = if odd { 3 } else { 2 };
            copy(x, &self.x);
        }
        out
    }
}

/// P-256: key pairs, Diffie-Hellman and ECDSA. Operations on secrets take constant time. Each fails with
/// [`Error::Key`], and leaves its output as it may be.
pub trait Curve {
    /// A point made ready: several multiplications of one point can share work. It may be large.
    type Base: Default;
    /// The public key of a secret, which has to be in 1..n−1.
    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error>;
    /// The point of a compressed SEC1 encoding.
    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error>;
    /// Makes a point ready for multiplication. Takes no secrets.
    fn prepare(point: &Point, base: &mut Self::Base) -> Result<(), Error>;
    /// The x-coordinate of `secret · base`.
    fn diffie_hellman(secret: &[u8; 32], base: &Self::Base, shared: &mut [u8; 32]) -> Result<(), Error>;
    /// ECDSA over a SHA-256 digest with the nonce of RFC 6979; `r || s`.
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error>;
    /// Checks an ECDSA signature over a SHA-256 digest. Takes no secrets.
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error>;

    /// Either point with this x-coordinate.
    fn lift_x(x: &[u8; 32], point: &mut Point) -> Result<(), Error> {
        let mut encoded = [2; PUBLIC_KEY_LEN];
        if let Some(rest) = encoded.last_chunk_mut() {
            *rest = *x;
        }
        Self::decompress(&encoded, point)
    }
}

/// SHA-256.
pub trait Hash {
    /// A running hash, wiped when dropped.
    type State;
    /// The hash of nothing so far.
    fn begin() -> Self::State;
    /// Takes more bytes in.
    fn update(state: &mut Self::State, bytes: &[u8]);
    /// Writes the hash of all of them, and begins anew.
    fn finish(state: &mut Self::State, digest: &mut [u8; 32]);
    /// What the hash has come to after a first block.
    fn first_block(block: &[u8; 64], chain: &mut [u32; 8]);
    /// Goes on from there.
    fn resume(state: &mut Self::State, chain: &[u32; 8]);
}

/// Whose SHA-256 is [`Software`]'s: most, as they differ in the curve or in AES.
pub trait HashesAsSoftware {}

impl<T: HashesAsSoftware> Hash for T {
    type State = <Software as Hash>::State;

    fn begin() -> Self::State {
        Software::begin()
    }
    fn update(state: &mut Self::State, bytes: &[u8]) {
        Software::update(state, bytes);
    }
    fn finish(state: &mut Self::State, digest: &mut [u8; 32]) {
        Software::finish(state, digest);
    }
    fn first_block(block: &[u8; 64], chain: &mut [u32; 8]) {
        Software::first_block(block, chain);
    }
    fn resume(state: &mut Self::State, chain: &[u32; 8]) {
        Software::resume(state, chain);
    }
}

/// AES-128 encryption.
pub trait Aes {
    /// Where it runs: what an accelerator is reached by, `()` for software.
    type Engine: Copy + Default;
    /// Loads a key, encrypts the first block of the pair in place (the second is left as it may be), and does some work with
    /// them. They are wiped afterwards.
    fn with_key(
        engine: Self::Engine,
        key: &[u8; KEY_LEN],
        pair: &mut [Block; 2],
        work: &mut Work<'_>,
    ) -> Result<(), Error>;
    /// All of AES-CCM where the engine does it, `None` where it does not: as [`ccm::seal`] and [`ccm::open`].
    fn ccm(
        engine: Self::Engine,
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        record: &mut ccm::Record<'_>,
    ) -> Option<Result<(), Error>> {
        let _ = (engine, key, nonce, aad, record);
        None
    }
}

/// Which blocks of a pair are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// The first. The second is left as it may be.
    First,
    /// Both.
    Both,
}

/// Work with a loaded key and a pair of blocks.
pub type Work<'a> = dyn FnMut(&mut dyn Cipher, &mut [Block; 2]) -> Result<(), Error> + 'a;

/// AES-128 under a loaded key.
pub trait Cipher {
    /// Encrypts one block or two in place: two is what bitsliced software does at once, at the price of one.
    fn encrypt(&mut self, pair: &mut [Block; 2], blocks: Blocks) -> Result<(), Error>;
}

/// One implementation of everything.
pub trait Backend: Curve + Hash + Aes {}
impl<T: Curve + Hash + Aes> Backend for T {}

/// SHA-256 of several parts, one after the other.
pub fn sha256<H: Hash>(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = H::begin();
    parts.iter().for_each(|part| H::update(&mut state, part));
    let mut digest = [0; 32];
    H::finish(&mut state, &mut digest);
    digest
}

#[cfg(test)]
mod tests;
