//! Transcripts and keys (protocol sections 4 to 6). Pure functions of bytes; secrets are written where they stay.

#[cfg(feature = "express")]
pub mod express;
#[cfg(feature = "resume")]
pub mod resume;
#[cfg(feature = "signed")]
pub mod signed;
#[cfg(test)]
mod tests;

use crate::bytes::copy;
use crate::crypto::{Aes, Curve, Hash, KEY_LEN, NONCE_LEN, Point, ccm, expand};
use crate::error::Error;
use crate::limits::TAG_LEN;
use crate::wire::{Emit, Message};
use zeroize::Zeroizing;

/// A secret of 32 bytes, wiped when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// Room for a secret.
pub fn secret() -> Secret {
    Zeroizing::new([0; 32])
}

/// `K` of the protocol's `Seal`: a key and its one nonce. Written where it stays, and wiped when dropped.
pub struct OnceKey {
    bytes: [u8; KEY_LEN + NONCE_LEN],
}

wiped!(OnceKey { bytes } on drop);

impl OnceKey {
    /// Room for one.
    pub const EMPTY: Self = Self { bytes: [0; KEY_LEN + NONCE_LEN] };

    fn expand<H: Hash>(&mut self, prk: &[u8; 32], info: &[&[u8]]) {
        expand::<H>(prk, info, &mut self.bytes);
    }

    fn parts(&self) -> Result<(&[u8; KEY_LEN], &[u8; NONCE_LEN]), Error> {
        self.bytes.first_chunk().zip(self.bytes.last_chunk()).ok_or(Error::Argument)
    }

    #[cfg(test)]
    pub fn fill(&mut self, byte: u8) {
        self.bytes = [byte; KEY_LEN + NONCE_LEN];
    }

    /// The 29 bytes, for comparison with the vectors.
    #[cfg(test)]
    pub fn bytes(&self) -> [u8; KEY_LEN + NONCE_LEN] {
        self.bytes
    }

    /// Encrypts what a message has behind `data_at` bytes, with the first `aad_len` of them as additional data, and
    /// appends the tag.
    pub fn seal_tail<A: Aes>(
        &self,
        engine: A::Engine,
        message: &mut Message,
        aad_len: usize,
        data_at: usize,
    ) -> Result<(), Error> {
        let (head, data) = message.split_at_mut_checked(data_at).ok_or(Error::Capacity)?;
        let aad = head.get(..aad_len).ok_or(Error::Capacity)?;
        let (key, nonce) = self.parts()?;
        let mut tag = [0; TAG_LEN];
        ccm::seal::<A>(engine, key, nonce, &[aad], data, &mut tag)?;
        message.put(&tag);
        Ok(())
    }

    /// Splits `sealed` into ciphertext and tag and decrypts into `out`, which has the ciphertext's length.
    pub fn open<A: Aes>(
        &self,
        engine: A::Engine,
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
        if ciphertext.len() != out.len() {
            return Err(Error::Malformed);
        }
        copy(out, ciphertext);
        let (key, nonce) = self.parts()?;
        ccm::open::<A>(engine, key, nonce, &[aad], out, tag)
    }
}

/// `DH(secret, point)`. The point made ready is large: it is on the stack of this function alone.
#[inline(never)]
pub fn diffie_hellman<C: Curve>(
    secret: &[u8; 32],
    point: &Point,
    shared: &mut [u8; 32],
) -> Result<(), Error> {
    let mut base = C::Base::default();
    C::prepare(point, &mut base)?;
    C::diffie_hellman(secret, &base, shared)
}
