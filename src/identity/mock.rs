//! A secure element for tests.

use crate::crypto::{Point, by_value};
use crate::error::Error;
use crate::limits::SIGNATURE_LEN;
use crate::platform::Platform;

/// Holds the secret, and counts what it is asked for. Its random source does not work.
pub struct Element {
    secret: [u8; 32],
    pub is_broken: bool,
    pub signatures: usize,
    pub agreements: usize,
}

impl Element {
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret, is_broken: false, signatures: 0, agreements: 0 }
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_broken { Err(Error::Hardware) } else { Ok(()) }
    }
}

impl Platform for Element {
    fn random(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::Random)
    }

    fn sign(&mut self, digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        self.signatures += 1;
        signature.fill(0xee);
        self.check()?;
        *signature = by_value::sign(&self.secret, digest)?;
        Ok(())
    }

    fn diffie_hellman(&mut self, peer: &Point, shared: &mut [u8; 32]) -> Result<(), Error> {
        self.agreements += 1;
        shared.fill(0xee);
        self.check()?;
        *shared = by_value::diffie_hellman(&self.secret, peer)?;
        Ok(())
    }
}
