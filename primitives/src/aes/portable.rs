//! By the `aes` crate.

use super::EncryptPair;
use aes::Aes128Enc;
use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, InOut, KeyInit,
    ParBlocks,
};

/// How many words below the frame of [`with_key`]'s caller may have secrets in them afterwards: `aes` makes the key
/// schedule in one place and moves it to another, and on x86-64 widens it for vectors of four blocks.
pub const LEFT_ON_STACK: usize = if cfg!(target_pointer_width = "64") { 448 } else { 384 };

/// Loads a key, encrypts the first block of the pair in place (the second is zeroed), and does some work with them. The
/// key schedule and the pair are wiped afterwards.
#[inline(never)]
pub fn with_key(
    key: &[u8; 16],
    pair: &mut [[u8; 16]; 2],
    work: &mut dyn FnMut(&EncryptPair<'_>, &mut [[u8; 16]; 2]),
) {
    Aes128Enc::new(key.into()).encrypt_with_backend(Work { pair, work });
}

/// Inside this closure the round keys are in the shape that the implementation computes with.
struct Work<'a> {
    pair: &'a mut [[u8; 16]; 2],
    work: &'a mut dyn FnMut(&EncryptPair<'_>, &mut [[u8; 16]; 2]),
}

impl BlockSizeUser for Work<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Work<'_> {
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        encrypt(backend, self.pair);
        self.pair[1] = [0; 16];
        (self.work)(&|pair, _| encrypt(backend, pair), self.pair);
        *core::hint::black_box(self.pair) = [[0; 16]; 2];
    }
}

fn encrypt<B: BlockCipherEncBackend<BlockSize = U16>>(backend: &B, pair: &mut [[u8; 16]; 2]) {
    let mut blocks = ParBlocks::<B>::default();
    if (2..=4).contains(&blocks.len()) {
        // Bitsliced.
        blocks.iter_mut().zip(pair.iter()).for_each(|(to, from)| to.copy_from_slice(from));
        backend.encrypt_par_blocks(InOut::from(&mut blocks));
        pair.iter_mut().zip(&blocks).for_each(|(to, from)| to.copy_from_slice(from));
    } else {
        // Instructions for AES.
        pair.iter_mut()
            .for_each(|block| backend.encrypt_block(InOut::from(<&mut Array<u8, U16>>::from(block))));
    }
}
