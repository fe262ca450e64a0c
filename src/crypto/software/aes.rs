//! AES-128 by `lscoap-primitives`.

use super::{Software, burn};
use crate::crypto::{Aes, Block, Blocks, Cipher, KEY_LEN, Work};
use crate::error::Error;
use lscoap_primitives::aes::EncryptPair;

impl Aes for Software {
    type Engine = ();

    fn with_key(
        (): (),
        key: &[u8; KEY_LEN],
        pair: &mut [Block; 2],
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        let mut result = Ok(());
        lscoap_primitives::aes::with_key(key, pair, &mut |encrypt, pair| {
            result = work(&mut Pairs(encrypt), pair);
        });
        burn::<{ lscoap_primitives::aes::LEFT_ON_STACK }>();
        result
    }
}

struct Pairs<'a>(&'a EncryptPair<'a>);

impl Cipher for Pairs<'_> {
    fn encrypt(&mut self, pair: &mut [Block; 2], blocks: Blocks) -> Result<(), Error> {
        (self.0)(pair, blocks == Blocks::Both);
        Ok(())
    }
}
