//! AES-CCM-16-64-128 (RFC 3610 with M = 8 and L = 2; COSE algorithm 10). Counter mode runs one block ahead of the
//! CBC-MAC, so that a call of the cipher takes a block of each: bitsliced AES computes two at the price of one.

use super::{Aes, Block, Cipher, KEY_LEN, NONCE_LEN};
use crate::bytes::copy;
use crate::error::Error;
use crate::limits::TAG_LEN;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Encrypts `data` in place, at most 65,535 bytes ([`Error::Argument`]), and writes the tag. The additional data,
/// at most 65,279 bytes, comes in parts.
pub fn seal<A: Aes>(
    engine: A::Engine,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[&[u8]],
    data: &mut [u8],
    tag: &mut [u8; TAG_LEN],
) -> Result<(), Error> {
    #[cfg(test)]
    recorder::note(key, nonce);
    A::with_key(engine, key, &mut |cipher| Ccm::new(cipher, nonce).run(Direction::Seal, aad, data, tag))
}

/// Decrypts `data` in place. [`Error::Authentication`] where the tag does not verify; after any error `data` is
/// zeroes.
pub fn open<A: Aes>(
    engine: A::Engine,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[&[u8]],
    data: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Result<(), Error> {
    let mut expected = [0; TAG_LEN];
    let result = A::with_key(engine, key, &mut |cipher| {
        Ccm::new(cipher, nonce).run(Direction::Open, aad, data, &mut expected)
    });
    let genuine = bool::from(u64::from_ne_bytes(expected).ct_eq(&u64::from_ne_bytes(*tag)));
    expected.zeroize();
    match result {
        Ok(()) if genuine => Ok(()),
        result => {
            data.zeroize();
            result.and(Err(Error::Authentication))
        }
    }
}

/// The ciphertext of `data`, which [`open`] has decrypted, in pieces and without its tag: for what is hashed behind it.
#[cfg(feature = "group")]
pub fn encrypted<A: Aes>(
    engine: A::Engine,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    data: &[u8],
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    A::with_key(engine, key, &mut |cipher| {
        let mut ccm = Ccm::new(cipher, nonce);
        for (number, plain) in (1..=u16::MAX).zip(data.chunks(BLOCK_LEN)) {
            ccm.number(0x01, number);
            ccm.pair[1] = ccm.counter;
            ccm.cipher.encrypt(&mut ccm.pair)?;
            let [_, block] = &mut ccm.pair;
            block.iter_mut().zip(plain).for_each(|(byte, plain)| *byte ^= plain);
            take(block.get(..plain.len()).unwrap_or(block));
        }
        Ok(())
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Seal,
    Open,
}

const BLOCK_LEN: usize = size_of::<Block>();

struct Ccm<'a> {
    cipher: &'a mut dyn Cipher,
    /// The CBC-MAC so far, with the bytes of the block that is being filled in it already; and the key stream for the
    /// next block of data, for the tag at the end. Together, so that the cipher takes them where they are: a copy of
    /// the key stream would have to be wiped for each block.
    pair: [Block; 2],
    /// The counter block A_i of that key stream, and the number of the last one.
    counter: Block,
    blocks: u16,
}

impl<'a> Ccm<'a> {
    fn new(cipher: &'a mut dyn Cipher, nonce: &[u8; NONCE_LEN]) -> Self {
        let mut counter = [0; BLOCK_LEN];
        if let Some(place) = counter.get_mut(1..) {
            copy(place, nonce);
        }
        Self { cipher, pair: [[0; BLOCK_LEN]; 2], counter, blocks: 0 }
    }

    fn run(
        &mut self,
        direction: Direction,
        aad: &[&[u8]],
        data: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), Error> {
        let aad_len = aad.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        let (Ok(data_len), Ok(aad_len @ ..0xff00)) = (u16::try_from(data.len()), u16::try_from(aad_len))
        else {
            return Err(Error::Argument);
        };
        self.blocks = data_len.div_ceil(16);
        // B_0, with the flags Adata, M' = (8 - 2) / 2 and L' = 2 - 1.
        self.number(if aad_len == 0 { 0x19 } else { 0x59 }, data_len);
        self.pair[0] = self.counter;
        self.number(0x01, 0);
        self.encrypt(true)?;
        if aad_len != 0 {
            let mut taken = self.absorb(&aad_len.to_be_bytes(), 0)?;
            for part in aad {
                taken = self.absorb(part, taken)?;
            }
            self.encrypt(false)?; // padded with zeroes
        }
        let (blocks, rest) = data.as_chunks_mut();
        for block in blocks {
            let [mac, stream] = &mut self.pair;
            let given = u128::from_ne_bytes(*block);
            let computed = given ^ u128::from_ne_bytes(*stream);
            let plain = if direction == Direction::Seal { given } else { computed };
            *mac = (u128::from_ne_bytes(*mac) ^ plain).to_ne_bytes();
            *block = computed.to_ne_bytes();
            self.encrypt(true)?;
        }
        if !rest.is_empty() {
            let [mac, stream] = &mut self.pair;
            for ((byte, mac), key) in rest.iter_mut().zip(mac).zip(stream) {
                let computed = *byte ^ *key;
                *mac ^= if direction == Direction::Seal { *byte } else { computed };
                *byte = computed;
            }
            self.encrypt(true)?;
        }
        let [mac, stream] = &self.pair;
        for ((tag, mac), key) in tag.iter_mut().zip(mac).zip(stream) {
            *tag = mac ^ key;
        }
        Ok(())
    }

    /// Takes bytes into the MAC, of whose block so many are taken; how many then are. A full block is left as it is:
    /// more may not follow.
    fn absorb(&mut self, mut bytes: &[u8], mut taken: usize) -> Result<usize, Error> {
        while !bytes.is_empty() {
            if taken == BLOCK_LEN {
                self.encrypt(false)?;
                taken = 0;
            }
            let room = self.pair[0].get_mut(taken..).unwrap_or_default();
            let (head, rest) = bytes.split_at_checked(room.len()).unwrap_or((bytes, &[]));
            room.iter_mut().zip(head).for_each(|(mac, byte)| *mac ^= byte);
            taken = taken.wrapping_add(head.len());
            bytes = rest;
        }
        Ok(taken)
    }

    /// Makes `flags || nonce || number` of the counter block.
    fn number(&mut self, flags: u8, number: u16) {
        let [first, .., high, low] = &mut self.counter;
        *first = flags;
        [*high, *low] = number.to_be_bytes();
    }

    /// Encrypts the MAC, and with it, where `advance` says so, the next counter block: after the last one comes
    /// number 0, which hides the tag.
    fn encrypt(&mut self, advance: bool) -> Result<(), Error> {
        if advance {
            let [.., high, low] = self.counter;
            let number = u16::from_be_bytes([high, low]);
            self.number(0x01, if number < self.blocks { number.wrapping_add(1) } else { 0 });
        }
        self.pair[1] = self.counter;
        self.cipher.encrypt(&mut self.pair)
    }
}

impl Drop for Ccm<'_> {
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}

#[cfg(test)]
pub(crate) mod recorder;
#[cfg(test)]
mod tests;
