//! HMAC-SHA-256 (RFC 2104) under keys of at most one block: every key of the protocol is.

use super::Hash;
use zeroize::Zeroize;

const BLOCK_LEN: usize = 64;

/// A running HMAC. A copy made before anything was taken in saves loading the key again.
pub(super) struct Hmac<H: Hash> {
    inner: H::State,
    outer: H::State,
}

impl<H: Hash> Hmac<H> {
    /// Of the key, no more than 64 bytes count.
    pub fn new(key: &[u8]) -> Self {
        debug_assert!(key.len() <= BLOCK_LEN, "longer keys would have to be hashed first");
        let hash_of = |pad: u8| {
            let mut block = [pad; BLOCK_LEN];
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            let mut hash = H::begin();
            H::update(&mut hash, &block);
            block.zeroize();
            hash
        };
        Self { inner: hash_of(0x36), outer: hash_of(0x5c) }
    }

    /// As it is.
    pub fn copy(&self) -> Self {
        Self { inner: self.inner.clone(), outer: self.outer.clone() }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        H::update(&mut self.inner, bytes);
    }

    /// The object has no key any more.
    pub fn finish(&mut self, mac: &mut [u8; 32]) {
        H::finish(&mut self.inner, mac);
        H::update(&mut self.outer, mac);
        H::finish(&mut self.outer, mac);
    }
}
