//! AES-128 by `lscoap-primitives`.

use super::{Software, burn};
use crate::crypto::{Aes, Block, Blocks, Cipher, KEY_LEN, Work};
use crate::error::Error;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "aes-table")))]
use crate::{
    crypto::{
        NONCE_LEN,
        ccm::{Direction, Record, genuine, lengths},
    },
    limits::TAG_LEN,
};
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

    /// Where the processor has instructions for AES; not on microcontrollers, whose flash has no room for a second way.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "aes-table")))]
    fn ccm(
        (): (),
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        record: &mut Record<'_>,
    ) -> Option<Result<(), Error>> {
        use lscoap_primitives::aes::{Ccm, LEFT_ON_STACK_BY_CCM, ccm};
        if let Err(error) = lengths(aad, record.data) {
            return Some(Err(error));
        }
        let seals = record.direction == Direction::Seal;
        let mut tag = [0; TAG_LEN];
        let done = ccm(&Ccm { key, nonce, aad, seals }, record.data, &mut tag);
        burn::<LEFT_ON_STACK_BY_CCM>();
        let result = match record.direction {
            Direction::Seal => {
                *record.tag = tag;
                Ok(())
            }
            Direction::Open => genuine(record.tag, &tag),
        };
        zeroize::Zeroize::zeroize(&mut tag);
        done.then_some(result)
    }
}

struct Pairs<'a>(&'a EncryptPair<'a>);

impl Cipher for Pairs<'_> {
    fn encrypt(&mut self, pair: &mut [Block; 2], blocks: Blocks) -> Result<(), Error> {
        (self.0)(pair, blocks == Blocks::Both);
        Ok(())
    }
}
