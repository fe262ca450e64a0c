//! SHA-256: the compression is `lscoap-primitives`', what is around it is here, so that nothing of it is moved.

use super::{Software, burn};
use crate::bytes::copy;
use crate::crypto::Hash;
use lscoap_primitives::sha256;
use zeroize::Zeroize;

const BLOCK_LEN: usize = 64;
/// Where the length stands in the last block.
const LEN_AT: usize = BLOCK_LEN - size_of::<u64>();

/// FIPS 180-4 section 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A running hash. Wiped when dropped.
pub struct Sha256 {
    words: [u32; 8],
    /// What does not fill a block yet.
    block: [u8; BLOCK_LEN],
    /// How many bytes there were.
    len: u64,
}

impl Drop for Sha256 {
    fn drop(&mut self) {
        // Slices are written by words, arrays byte by byte.
        self.words.as_mut_slice().zeroize();
        self.block.as_mut_slice().zeroize();
    }
}

impl Sha256 {
    /// How many bytes of `block` are taken.
    fn filled(&self) -> usize {
        usize::from(self.len.to_le_bytes()[0]) % BLOCK_LEN
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let filled = self.filled();
            let room = self.block.get_mut(filled..).unwrap_or_default();
            let (head, rest) = bytes.split_at_checked(room.len()).unwrap_or((bytes, &[]));
            copy(room, head);
            self.len = self.len.wrapping_add(u64::try_from(head.len()).unwrap_or(0));
            if self.filled() == 0 {
                compress(&mut self.words, &self.block);
            }
            bytes = rest;
        }
    }
}

fn compress(words: &mut [u32; 8], block: &[u8; BLOCK_LEN]) {
    sha256::compress(words, block);
    burn::<{ sha256::LEFT_ON_STACK }>();
}

impl Hash for Software {
    type State = Sha256;

    fn begin() -> Sha256 {
        Sha256 { words: INITIAL, block: [0; BLOCK_LEN], len: 0 }
    }

    fn update(state: &mut Sha256, bytes: &[u8]) {
        state.update(bytes);
    }

    fn finish(state: &mut Sha256, digest: &mut [u8; 32]) {
        let bits = state.len.wrapping_mul(8).to_be_bytes();
        state.update(&[0x80]);
        let filled = state.filled();
        state.block.iter_mut().skip(filled).for_each(|byte| *byte = 0);
        if filled > LEN_AT {
            compress(&mut state.words, &state.block);
            state.block = [0; BLOCK_LEN];
        }
        if let Some(place) = state.block.last_chunk_mut() {
            *place = bits;
        }
        compress(&mut state.words, &state.block);
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(&state.words) {
            *bytes = word.to_be_bytes();
        }
        state.words = INITIAL;
        state.len = 0;
    }

    fn first_block(block: &[u8; BLOCK_LEN], chain: &mut [u32; 8]) {
        *chain = INITIAL;
        compress(chain, block);
    }

    fn resume(state: &mut Sha256, chain: &[u32; 8]) {
        state.words = *chain;
        state.len = 64;
    }
}
