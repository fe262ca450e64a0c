//! AES-CCM-16-64-128 (RFC 3610 with M = 8 and L = 2; COSE algorithm 10). Counter mode runs one block ahead of the
//! CBC-MAC, so that a call of the cipher takes a block of each: bitsliced AES computes two at the price of one.

use super::{Aes, Block, Cipher, KEY_LEN, NONCE_LEN};
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Seal,
    Open,
}

const BLOCK_LEN: usize = size_of::<Block>();

struct Ccm<'a> {
    cipher: &'a mut dyn Cipher,
    nonce: &'a [u8; NONCE_LEN],
    /// The CBC-MAC so far, with the bytes of the block that is being filled in it already; and the key stream for the
    /// next block of data, for the tag at the end. Together, so that the cipher takes them where they are: a copy of
    /// the key stream would have to be wiped for each block.
    pair: [Block; 2],
    /// The number of that block, and the number of the last one.
    counter: u16,
    blocks: u16,
}

impl<'a> Ccm<'a> {
    fn new(cipher: &'a mut dyn Cipher, nonce: &'a [u8; NONCE_LEN]) -> Self {
        Self { cipher, nonce, pair: [[0; 16]; 2], counter: 0, blocks: 0 }
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
        self.pair[0] = block(if aad_len == 0 { 0x19 } else { 0x59 }, self.nonce, data_len);
        self.encrypt(true)?;
        if aad_len != 0 {
            self.absorb(&[&aad_len.to_be_bytes()], aad)?;
        }
        for chunk in data.chunks_mut(16) {
            let [mac, stream] = &mut self.pair;
            for ((byte, mac), key) in chunk.iter_mut().zip(mac).zip(stream) {
                let encrypted = *byte ^ *key;
                *mac ^= if direction == Direction::Seal { *byte } else { encrypted };
                *byte = encrypted;
            }
            self.encrypt(true)?;
        }
        let [mac, stream] = &self.pair;
        for ((tag, mac), key) in tag.iter_mut().zip(mac).zip(stream) {
            *tag = mac ^ key;
        }
        Ok(())
    }

    /// Takes bytes into the MAC, padded with zeroes to whole blocks.
    fn absorb(&mut self, head: &[&[u8]], rest: &[&[u8]]) -> Result<(), Error> {
        let mut taken = 0;
        for byte in head.iter().chain(rest).flat_map(|part| part.iter()) {
            if taken == BLOCK_LEN {
                self.encrypt(false)?;
                taken = 0;
            }
            if let Some(mac) = self.pair[0].get_mut(taken) {
                *mac ^= byte;
            }
            taken = taken.wrapping_add(1);
        }
        self.encrypt(false)
    }

    /// Encrypts the MAC, and with it, where `advance` says so, the next counter block: after the last one comes
    /// number 0, which hides the tag.
    fn encrypt(&mut self, advance: bool) -> Result<(), Error> {
        if advance {
            self.counter = if self.counter < self.blocks { self.counter.wrapping_add(1) } else { 0 };
        }
        self.pair[1] = block(0x01, self.nonce, self.counter);
        self.cipher.encrypt(&mut self.pair)
    }
}

impl Drop for Ccm<'_> {
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}

/// `flags || nonce || number`: B_0 and the A_i.
fn block(flags: u8, nonce: &[u8; NONCE_LEN], number: u16) -> Block {
    let mut block = [flags; 16];
    let [_, rest @ ..] = &mut block;
    for (to, from) in rest.iter_mut().zip(nonce.iter().chain(&number.to_be_bytes())) {
        *to = *from;
    }
    block
}

#[cfg(test)]
pub(crate) mod recorder;
#[cfg(test)]
mod tests;
