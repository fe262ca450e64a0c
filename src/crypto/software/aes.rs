//! AES-128 by `lscoap-aes`, which is the `aes` crate at an optimisation level of its own.

use super::{Software, burn};
use crate::crypto::{Aes, Block, Cipher, KEY_LEN};
use crate::error::Error;
use lscoap_aes::EncryptPair;

/// `aes` makes the key schedule in one place and moves it to another, and on x86-64 widens it for vectors of four blocks.
/// On a microcontroller burning takes 800 instructions of the 45,000 of a record with 64 bytes.
const BURN_WORDS: usize = if cfg!(target_pointer_width = "64") { 448 } else { 256 };

impl Aes for Software {
    type Engine = ();

    fn with_key(
        (): (),
        key: &[u8; KEY_LEN],
        work: &mut dyn FnMut(&mut dyn Cipher) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut result = Ok(());
        lscoap_aes::with_key(key, &mut |encrypt| result = work(&mut Pairs(encrypt)));
        burn::<BURN_WORDS>();
        result
    }
}

struct Pairs<'a>(&'a EncryptPair<'a>);

impl Cipher for Pairs<'_> {
    fn encrypt(&mut self, pair: &mut [Block; 2]) -> Result<(), Error> {
        (self.0)(pair);
        Ok(())
    }
}
