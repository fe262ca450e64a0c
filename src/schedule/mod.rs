//! Transcripts and keys (protocol sections 4 and 5). Pure functions of bytes.

#[cfg(feature = "express")]
pub mod express;
#[cfg(test)]
mod resume; // checked against the vectors; the state machines do not resume yet
#[cfg(feature = "signed")]
pub mod signed;
#[cfg(test)]
mod tests;

use crate::crypto::{Aead, Curve, Hash, KEY_LEN, NONCE_LEN};
use crate::error::Error;
use crate::limits::TAG_LEN;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A secret or a hash of 32 bytes, wiped when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// `K` of the protocol's `Seal`: a key and its one nonce.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct OnceKey {
    key: [u8; KEY_LEN],
    nonce: [u8; NONCE_LEN],
}

impl OnceKey {
    fn expand<H: Hash>(prk: &[u8; 32], info: &[&[u8]]) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; KEY_LEN + NONCE_LEN]);
        H::expand(prk, info, &mut *bytes)?;
        let mut once = Self { key: [0; KEY_LEN], nonce: [0; NONCE_LEN] };
        let (key, nonce) = bytes.split_at(KEY_LEN);
        once.key.copy_from_slice(key);
        once.nonce.copy_from_slice(nonce);
        Ok(once)
    }

    /// The 29 bytes, for comparison with the vectors.
    #[cfg(test)]
    pub fn bytes(&self) -> [u8; KEY_LEN + NONCE_LEN] {
        let mut bytes = [0; KEY_LEN + NONCE_LEN];
        bytes[..KEY_LEN].copy_from_slice(&self.key);
        bytes[KEY_LEN..].copy_from_slice(&self.nonce);
        bytes
    }

    /// Encrypts in place and gives the tag.
    pub fn seal<A: Aead>(&self, aad: &[&[u8]], data: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        A::seal(&self.key, &self.nonce, aad, data)
    }

    /// Splits `sealed` into ciphertext and tag and decrypts into `out`, which has the ciphertext's length.
    pub fn open<A: Aead>(&self, aad: &[&[u8]], sealed: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
        if ciphertext.len() != out.len() {
            return Err(Error::Malformed);
        }
        out.copy_from_slice(ciphertext);
        A::open(&self.key, &self.nonce, aad, out, tag)
    }
}

/// `DH(secret, base)`.
pub fn diffie_hellman<C: Curve>(secret: &[u8; 32], base: &C::Base) -> Result<Secret, Error> {
    C::diffie_hellman(secret, base).map(Zeroizing::new).ok_or(Error::Key)
}

/// `HKDF-Expand(prk, info, 32)`.
pub fn expand32<H: Hash>(prk: &[u8; 32], info: &[&[u8]]) -> Result<Secret, Error> {
    let mut out = Zeroizing::new([0; 32]);
    H::expand(prk, info, &mut *out)?;
    Ok(out)
}
