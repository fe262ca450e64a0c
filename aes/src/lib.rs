//! AES-128 encryption by the `aes` crate, two blocks at a time. Bitsliced AES computes two blocks at the price of
//! one (four where words have 64 bits), which only shows where the caller has two.
//!
//! This is a crate of its own because `aes` is generic: its code takes the optimisation level of the crate that
//! names the types. On a microcontroller the rest of lscoap is compiled for size; AES for speed takes half the
//! instructions for 2 KB of flash.
#![no_std]
#![forbid(unsafe_code)]

use aes::Aes128Enc;
use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, InOut, KeyInit,
    ParBlocks,
};

/// Encrypts two blocks in place.
pub type EncryptPair<'a> = dyn Fn(&mut [[u8; 16]; 2]) + 'a;

/// Loads a key and does some work with it. The key schedule is wiped afterwards.
#[inline(never)]
pub fn with_key(key: &[u8; 16], work: &mut dyn FnMut(&EncryptPair<'_>)) {
    Aes128Enc::new(key.into()).encrypt_with_backend(Work(work));
}

/// Inside this closure the round keys are in the shape that the implementation computes with.
struct Work<'a>(&'a mut dyn FnMut(&EncryptPair<'_>));

impl BlockSizeUser for Work<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Work<'_> {
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        (self.0)(&|pair| encrypt(backend, pair));
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
