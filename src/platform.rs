//! What the library needs from the platform around it.

use crate::crypto::Point;
use crate::error::Error;
use crate::limits::SIGNATURE_LEN;

/// Randomness, and an identity that never leaves a secure element.
pub trait Platform {
    /// Fills `out` with random bytes; [`Error::Random`] when it cannot.
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error>;

    /// A value that never repeats on this platform, such as a boot count (an uptime alone repeats); 0 if there is none.
    fn unique(&mut self) -> u64 {
        0
    }

    /// Signs a SHA-256 digest by ECDSA with the identity, for [`crate::identity::Key::Element`]: `r || s`.
    /// [`Error::Hardware`] when it cannot.
    fn sign(&mut self, digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        let _ = (digest, signature);
        Err(Error::Hardware)
    }

    /// Diffie-Hellman with the identity, for [`crate::identity::Key::Element`]: the x-coordinate of the product.
    /// [`Error::Hardware`] when it cannot.
    fn diffie_hellman(&mut self, peer: &Point, shared: &mut [u8; 32]) -> Result<(), Error> {
        let _ = (peer, shared);
        Err(Error::Hardware)
    }
}
