//! HKDF with SHA-256 (RFC 5869). Inputs come in parts, one after the other.

use super::Hash;
use super::hmac::{Hmac, Key};
use crate::bytes::copy;
use core::marker::PhantomData;
use zeroize::Zeroize;

/// HKDF-Extract (section 2.2), with a salt of at most 64 bytes.
pub fn extract<H: Hash>(salt: &[u8], ikm: &[&[u8]], prk: &mut [u8; 32]) {
    let mut key = Key::EMPTY;
    key.load::<H>(salt);
    let mut mac = Hmac::<H>::new();
    mac.start(&key);
    ikm.iter().for_each(|part| mac.update(part));
    mac.finish(&key, prk);
}

/// A pseudorandom key for several outputs: loading it is half of the work.
pub struct Prk<H: Hash>(Key, PhantomData<H>);

impl<H: Hash> Prk<H> {
    /// Loads the key, for `work` with it: moving it would leave a copy behind.
    pub fn with(prk: &[u8; 32], work: impl FnOnce(&Self)) {
        let mut loaded = Self(Key::EMPTY, PhantomData);
        loaded.0.load::<H>(prk);
        work(&loaded);
    }

    /// HKDF-Expand (section 2.3); `out` has at most 255 · 32 bytes.
    pub fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        debug_assert!(out.len() <= 255 * 32, "there are 255 blocks");
        let mut block = [0; 32];
        let mut mac = Hmac::<H>::new();
        for (number, chunk) in (1..=255_u8).zip(out.chunks_mut(32)) {
            mac.start(&self.0);
            if number > 1 {
                mac.update(&block);
            }
            info.iter().for_each(|part| mac.update(part));
            mac.update(&[number]);
            mac.finish(&self.0, &mut block);
            copy(chunk, &block);
        }
        block.as_mut_slice().zeroize();
    }
}

/// HKDF-Expand for a key that has one output.
pub fn expand<H: Hash>(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) {
    Prk::<H>::with(prk, |prk| prk.expand(info, out));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Software;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_hkdf(
            salt in prop::collection::vec(any::<u8>(), 0..=64),
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..150), 0..4),
            len in 0..300_usize,
        ) {
            let parts: std::vec::Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
            let (expected_prk, hkdf) = hkdf::Hkdf::<sha2::Sha256>::extract(Some(&salt), &parts.concat());
            let mut prk = [0; 32];
            extract::<Software>(&salt, &parts, &mut prk);
            prop_assert_eq!(&prk[..], &expected_prk[..]);

            let (mut out, mut expected) = (std::vec![0; len], std::vec![0; len]);
            hkdf.expand_multi_info(&parts, &mut expected).unwrap();
            expand::<Software>(&prk, &parts, &mut out);
            prop_assert_eq!(out, expected);
        }
    }
}
