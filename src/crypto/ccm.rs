//! AES-CCM-16-64-128 (RFC 3610 with M = 8 and L = 2; COSE algorithm 10). Counter mode runs one block ahead of the
//! CBC-MAC, so that a call of the cipher takes a block of each: bitsliced AES computes two at the price of one. The first block is
//! encrypted as the key is loaded, since software has room for it there.

use super::{Aes, Block, Blocks, Cipher, KEY_LEN, NONCE_LEN};
use crate::bytes::{copy, xor};
use crate::error::Error;
use crate::limits::TAG_LEN;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

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
    let mut record = Record { direction: Direction::Seal, data, tag };
    A::ccm(engine, key, nonce, aad, &mut record)
        .unwrap_or_else(|| compute::<A>(engine, key, nonce, aad, &mut record))
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
    let mut computed = *tag;
    let mut record = Record { direction: Direction::Open, data, tag: &mut computed };
    let result = A::ccm(engine, key, nonce, aad, &mut record).unwrap_or_else(|| {
        let result = compute::<A>(engine, key, nonce, aad, &mut record);
        result.and(genuine(tag, record.tag))
    });
    computed.zeroize();
    if result.is_err() {
        data.zeroize();
    }
    result
}

/// Whether a tag is the one that was computed, in constant time: [`Error::Authentication`] if not.
pub(super) fn genuine(tag: &[u8; TAG_LEN], computed: &[u8; TAG_LEN]) -> Result<(), Error> {
    let same = u64::from_ne_bytes(*tag).ct_eq(&u64::from_ne_bytes(*computed));
    if bool::from(same) { Ok(()) } else { Err(Error::Authentication) }
}

/// Of the additional data and of what is sealed; [`Error::Argument`] where they are too long.
pub(super) fn lengths(aad: &[&[u8]], data: &[u8]) -> Result<(u16, u16), Error> {
    let aad_len = aad.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    match (u16::try_from(aad_len), u16::try_from(data.len())) {
        (Ok(aad_len @ ..0xff00), Ok(data_len)) => Ok((aad_len, data_len)),
        _ => Err(Error::Argument),
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
    let mut counter = counter_block(nonce);
    number(&mut counter, 0x01, 1);
    let mut pair = [counter, [0; BLOCK_LEN]];
    A::with_key(engine, key, &mut pair, &mut |cipher, pair| {
        for (at, plain) in (1..=u16::MAX).zip(data.chunks(BLOCK_LEN)) {
            if at > 1 {
                number(&mut counter, 0x01, at);
                pair[0] = counter;
                cipher.encrypt(pair, Blocks::First)?;
            }
            let [block, _] = &mut *pair;
            xor(block, plain);
            take(block.get(..plain.len()).unwrap_or(block));
        }
        Ok(())
    })
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Encrypts.
    Seal,
    /// Decrypts.
    Open,
}

/// What is sealed or opened in place.
pub struct Record<'a> {
    /// Which of both.
    pub direction: Direction,
    /// Becomes ciphertext, or plaintext.
    pub data: &'a mut [u8],
    /// Where the tag is written; in a record to be opened the received one stands there.
    pub tag: &'a mut [u8; TAG_LEN],
}

const BLOCK_LEN: usize = size_of::<Block>();

/// By blocks; the tag is written in either direction.
fn compute<A: Aes>(
    engine: A::Engine,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[&[u8]],
    record: &mut Record<'_>,
) -> Result<(), Error> {
    let (aad_len, data_len) = lengths(aad, record.data)?;
    let mut counter = counter_block(nonce);
    // B_0, with the flags Adata, M' = (8 - 2) / 2 and L' = 2 - 1.
    number(&mut counter, if aad_len == 0 { 0x19 } else { 0x59 }, data_len);
    let mut pair = [counter, [0; BLOCK_LEN]];
    number(&mut counter, 0x01, u16::from(data_len != 0));
    A::with_key(engine, key, &mut pair, &mut |cipher, pair| {
        let mut ccm = Ccm { cipher, pair, counter, blocks: data_len.div_ceil(16) };
        ccm.take_aad(aad_len, aad)?;
        ccm.take_data(record)?;
        let [mac, stream] = ccm.pair.map(u128::from_ne_bytes);
        copy(record.tag, &(mac ^ stream).to_ne_bytes());
        Ok(())
    })
}

/// With neither flags nor a number.
fn counter_block(nonce: &[u8; NONCE_LEN]) -> Block {
    let mut counter = [0; BLOCK_LEN];
    if let Some(place) = counter.get_mut(1..) {
        copy(place, nonce);
    }
    counter
}

/// Makes `flags || nonce || number` of a counter block.
fn number(counter: &mut Block, flags: u8, number: u16) {
    let [first, .., high, low] = counter;
    *first = flags;
    [*high, *low] = number.to_be_bytes();
}

struct Ccm<'a> {
    cipher: &'a mut dyn Cipher,
    /// The CBC-MAC so far, with the bytes of the block that is being filled in it already; and the key stream for the
    /// next block of data, for the tag at the end. Together, so that the cipher takes them where they are: a copy of
    /// the key stream would have to be wiped for each block.
    pair: &'a mut [Block; 2],
    /// The counter block A_i of that key stream, and the number of the last one.
    counter: Block,
    blocks: u16,
}

impl Ccm<'_> {
    /// Takes in the additional data, and makes the first key stream.
    fn take_aad(&mut self, len: u16, parts: &[&[u8]]) -> Result<(), Error> {
        if len == 0 {
            let mac = Zeroizing::new(self.pair[0]);
            self.pair[0] = self.counter;
            self.cipher.encrypt(self.pair, Blocks::First)?;
            *self.pair = [*mac, self.pair[0]];
            return Ok(());
        }
        let mut taken = self.absorb(&len.to_be_bytes(), 0)?;
        for part in parts {
            taken = self.absorb(part, taken)?;
        }
        self.encrypt(Blocks::Both) // padded with zeroes
    }

    fn take_data(&mut self, record: &mut Record<'_>) -> Result<(), Error> {
        let is_sealed = record.direction == Direction::Seal;
        let (blocks, rest) = record.data.as_chunks_mut();
        for block in blocks {
            let [mac, stream] = &mut *self.pair;
            let given = u128::from_ne_bytes(*block);
            let computed = given ^ u128::from_ne_bytes(*stream);
            let plain = if is_sealed { given } else { computed };
            *mac = (u128::from_ne_bytes(*mac) ^ plain).to_ne_bytes();
            *block = computed.to_ne_bytes();
            self.advance()?;
        }
        if !rest.is_empty() {
            let [mac, stream] = &mut *self.pair;
            for ((byte, mac), key) in rest.iter_mut().zip(mac).zip(stream) {
                let computed = *byte ^ *key;
                *mac ^= if is_sealed { *byte } else { computed };
                *byte = computed;
            }
            self.advance()?;
        }
        Ok(())
    }

    /// Takes bytes into the MAC, of whose block so many are taken; how many then are. A full block is left as it is:
    /// more may not follow.
    fn absorb(&mut self, mut bytes: &[u8], mut taken: usize) -> Result<usize, Error> {
        while !bytes.is_empty() {
            if taken == BLOCK_LEN {
                self.encrypt(Blocks::First)?;
                taken = 0;
            }
            let room = self.pair[0].get_mut(taken..).unwrap_or_default();
            let (head, rest) = bytes.split_at_checked(room.len()).unwrap_or((bytes, &[]));
            xor(room, head);
            taken = taken.wrapping_add(head.len());
            bytes = rest;
        }
        Ok(taken)
    }

    /// Encrypts the MAC and the next counter block: after the last one comes number 0, which hides the tag.
    fn advance(&mut self) -> Result<(), Error> {
        let [.., high, low] = self.counter;
        let last = u16::from_be_bytes([high, low]);
        number(&mut self.counter, 0x01, if last < self.blocks { last.wrapping_add(1) } else { 0 });
        self.encrypt(Blocks::Both)
    }

    /// Encrypts the MAC, and the counter block where it is wanted.
    fn encrypt(&mut self, blocks: Blocks) -> Result<(), Error> {
        self.pair[1] = self.counter;
        self.cipher.encrypt(self.pair, blocks)
    }
}

#[cfg(test)]
pub(crate) mod recorder;
#[cfg(test)]
mod tests;
