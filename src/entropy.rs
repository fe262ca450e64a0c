//! Random values, hedged (protocol section 1, in the manner of RFC 8937): a source that can be predicted does
//! not give the ephemeral keys away. A source that repeats is covered only as far as the counter, the message
//! being answered and the platform's never-repeating value differ.

use crate::crypto::{Curve, Hash, Point, expand, extract};
use crate::error::Error;
use crate::platform::Platform;
use zeroize::Zeroizing;

/// A source of hedged values for one object.
pub(crate) struct Hedge<'a, P: Platform + ?Sized> {
    pub platform: &'a mut P,
    /// The identity secret, which an attacker of the random source does not know.
    pub identity: &'a [u8; 32],
    /// Counts the draws of this object; never repeats.
    pub counter: &'a mut u64,
    /// The hash of the message being answered, zeroes where none is.
    pub context: &'a [u8; 32],
}

impl<P: Platform + ?Sized> Hedge<'_, P> {
    /// Fills `out`, at most 32 bytes.
    pub fn fill<H: Hash>(&mut self, out: &mut [u8]) -> Result<(), Error> {
        let mut fresh = Zeroizing::new([0; 32]);
        self.platform.random(&mut *fresh)?;
        *self.counter = self.counter.checked_add(1).ok_or(Error::Exhausted)?;
        let counter = self.counter.to_be_bytes();
        let unique = self.platform.unique().to_be_bytes();
        let mut prk = Zeroizing::new([0; 32]);
        extract::<H>(&*fresh, &[self.identity, &counter, &unique, self.context], &mut prk);
        expand::<H>(&prk, &[b"LSCoAP-1 hedge"], out);
        Ok(())
    }

    /// A P-256 key pair: writes the secret and the x-coordinate of the public key.
    pub fn key_pair<B: Hash + Curve>(
        &mut self,
        secret: &mut [u8; 32],
        x: &mut [u8; 32],
    ) -> Result<(), Error> {
        // A value is out of range once in 2^32; four in a row mean that the source is broken.
        for _ in 0..4 {
            self.fill::<B>(secret)?;
            let mut public = Point::EMPTY;
            if B::public_key(secret, &mut public).is_ok() {
                *x = public.x;
                return Ok(());
            }
        }
        Err(Error::Random)
    }
}
