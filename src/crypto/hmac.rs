//! HMAC-SHA-256 (RFC 2104) under keys of at most one block: every key of the protocol is.

use super::Hash;
use zeroize::Zeroize;

const BLOCK_LEN: usize = 64;

/// A loaded key: what the hashes of both pads come to. It stays where it is made, since it is as good as the key.
pub(super) struct Key {
    inner: [u32; 8],
    outer: [u32; 8],
}

wiped!(Key { inner, outer } on drop);

impl Key {
    /// Room for one.
    pub const EMPTY: Self = Self { inner: [0; 8], outer: [0; 8] };

    /// Loads a key, of which no more than 64 bytes count.
    pub fn load<H: Hash>(&mut self, key: &[u8]) {
        debug_assert!(key.len() <= BLOCK_LEN, "longer keys would have to be hashed first");
        take::<H>(key, 0x36, &mut self.inner);
        take::<H>(key, 0x5c, &mut self.outer);
    }
}

#[inline(never)] // inlined, both calls share the key in registers, which are spilled between them
fn take<H: Hash>(key: &[u8], pad: u8, chain: &mut [u32; 8]) {
    let mut block = [pad; BLOCK_LEN];
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    H::first_block(&block, chain);
    block.as_mut_slice().zeroize();
}

/// A running HMAC. It stays where it is made, too.
pub(super) struct Hmac<H: Hash>(H::State);

impl<H: Hash> Hmac<H> {
    /// Room for one: it is to be started where it stays.
    pub fn new() -> Self {
        Self(H::begin())
    }

    pub fn start(&mut self, key: &Key) {
        H::resume(&mut self.0, &key.inner);
    }

    pub fn update(&mut self, bytes: &[u8]) {
        H::update(&mut self.0, bytes);
    }

    /// Under the key that it was started with.
    pub fn finish(&mut self, key: &Key, mac: &mut [u8; 32]) {
        H::finish(&mut self.0, mac);
        H::resume(&mut self.0, &key.outer);
        H::update(&mut self.0, mac);
        H::finish(&mut self.0, mac);
    }
}
