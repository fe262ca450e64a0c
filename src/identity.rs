//! An identity: a secret that the library holds, or operations of a secure element whose key never leaves it.

use crate::crypto::{Curve, Point};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SECRET_KEY_LEN, SIGNATURE_LEN};
use crate::platform::Platform;
use zeroize::Zeroize;

/// Where the secret is.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    /// Here: a big-endian scalar.
    Secret(&'a [u8; SECRET_KEY_LEN]),
    /// In the platform, which signs ([`Platform::sign`]) and agrees ([`Platform::diffie_hellman`]): the public
    /// key, a compressed SEC1 point.
    Element(&'a [u8; PUBLIC_KEY_LEN]),
}

/// A loaded identity. Wiped when dropped.
pub(crate) struct Identity {
    /// Unused where an element has it.
    secret: [u8; SECRET_KEY_LEN],
    public_key: [u8; PUBLIC_KEY_LEN],
    in_element: u8,
}

impl Identity {
    /// Room for one.
    pub const EMPTY: Self =
        Self { secret: [0; SECRET_KEY_LEN], public_key: [0; PUBLIC_KEY_LEN], in_element: 0 };

    /// Becomes this one, where it stays: a move would leave a copy of the secret behind. [`Error::Key`] for a secret or
    /// a public key that is none; nothing has changed then.
    pub fn load<C: Curve>(&mut self, key: Key<'_>) -> Result<(), Error> {
        let mut point = Point::EMPTY;
        match key {
            Key::Secret(secret) => {
                C::public_key(secret, &mut point)?;
                self.secret = *secret;
                self.public_key = point.compressed();
                self.in_element = 0;
            }
            Key::Element(public_key) => {
                C::decompress(public_key, &mut point)?;
                self.wipe();
                self.public_key = *public_key;
                self.in_element = 1;
            }
        }
        Ok(())
    }

    /// A compressed SEC1 point.
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.public_key
    }

    /// What an attacker of the random source does not know: the secret. Where an element has it, at least what
    /// another device with the same random source has not: the x-coordinate of the public key.
    pub fn hedge(&self) -> &[u8; SECRET_KEY_LEN] {
        match self.public_key.last_chunk() {
            Some(x) if self.in_element != 0 => x,
            _ => &self.secret,
        }
    }

    pub fn sign<C: Curve, P: Platform + ?Sized>(
        &self,
        platform: &mut P,
        digest: &[u8; 32],
        signature: &mut [u8; SIGNATURE_LEN],
    ) -> Result<(), Error> {
        match self.in_element {
            0 => C::sign(&self.secret, digest, signature),
            _ => platform.sign(digest, signature),
        }
    }

    /// With a point that has been made ready.
    pub fn diffie_hellman<C: Curve, P: Platform + ?Sized>(
        &self,
        platform: &mut P,
        peer: &Point,
        base: &C::Base,
        shared: &mut [u8; 32],
    ) -> Result<(), Error> {
        match self.in_element {
            0 => C::diffie_hellman(&self.secret, base, shared),
            _ => platform.diffie_hellman(peer, shared),
        }
    }

    pub fn wipe(&mut self) {
        self.secret.zeroize();
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.wipe();
    }
}
