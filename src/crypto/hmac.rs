//! HMAC-SHA-256 (RFC 2104) under keys of at most one block: every key of the protocol is.

use super::Hash;
use zeroize::Zeroize;

const BLOCK_LEN: usize = 64;

/// A running HMAC. It stays where it is made: what a key has been loaded into is as good as the key.
pub(super) struct Hmac<H: Hash> {
    inner: H::State,
    outer: H::State,
}

impl<H: Hash> Hmac<H> {
    /// Without a key.
    pub fn new() -> Self {
        Self { inner: H::begin(), outer: H::begin() }
    }

    /// Loads a key into a new or a finished one. Of the key, no more than 64 bytes count.
    pub fn load(&mut self, key: &[u8]) {
        debug_assert!(key.len() <= BLOCK_LEN, "longer keys would have to be hashed first");
        take_key::<H>(&mut self.inner, key, 0x36);
        take_key::<H>(&mut self.outer, key, 0x5c);
    }

    /// Becomes as another is, before which nothing was taken in: that saves loading the key again.
    pub fn copy(&mut self, loaded: &Self) {
        self.inner.clone_from(&loaded.inner);
        self.outer.clone_from(&loaded.outer);
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

#[inline(never)] // inlined, both calls share the key in registers, which are spilled between them
fn take_key<H: Hash>(hash: &mut H::State, key: &[u8], pad: u8) {
    let mut block = [pad; BLOCK_LEN];
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    H::update(hash, &block);
    block.zeroize();
}
