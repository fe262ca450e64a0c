//! The nonces of deterministic ECDSA (RFC 6979 section 3.2), for P-256 with SHA-256.

use super::Hash;
use super::hmac::{Hmac, Key};
use zeroize::Zeroizing;

/// n, the order of P-256.
pub(crate) const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// `bits2octets` (section 2.3.4): a digest modulo n, of which it is less than twice as much. Not for secrets.
fn reduced(digest: &[u8; 32]) -> [u8; 32] {
    let mut reduced = *digest;
    if *digest >= ORDER {
        let mut borrow = false;
        for (byte, order) in reduced.iter_mut().zip(&ORDER).rev() {
            let (difference, first) = byte.overflowing_sub(*order);
            let (difference, second) = difference.overflowing_sub(u8::from(borrow));
            *byte = difference;
            borrow = first | second;
        }
    }
    reduced
}

/// The generator of step d on.
pub(super) struct Nonces<H: Hash> {
    k: Key,
    mac: Hmac<H>,
    v: Zeroizing<[u8; 32]>,
}

impl<H: Hash> Nonces<H> {
    /// Room for a generator: it is to be started where it stays.
    pub fn new() -> Self {
        Self { k: Key::EMPTY, mac: Hmac::new(), v: Zeroizing::new([1; 32]) }
    }

    /// For a secret and a digest, both as 32 bytes big-endian.
    pub fn start(&mut self, secret: &[u8; 32], digest: &[u8; 32]) {
        let digest = &reduced(digest);
        self.k.load::<H>(&[0; 32]);
        self.update(&[&[0], secret, digest]);
        self.update(&[&[1], secret, digest]);
    }

    /// The next candidate, which is to be taken if it is in 1..n−1.
    pub fn next(&mut self, is_first: bool) -> &[u8; 32] {
        if !is_first {
            self.update(&[&[0]]);
        }
        self.step();
        &self.v
    }

    fn update(&mut self, parts: &[&[u8]]) {
        let mut k = Zeroizing::new([0; 32]);
        self.mac.start(&self.k);
        self.mac.update(&*self.v);
        parts.iter().for_each(|part| self.mac.update(part));
        self.mac.finish(&self.k, &mut k);
        self.k.load::<H>(&*k);
        self.step();
    }

    fn step(&mut self) {
        self.mac.start(&self.k);
        self.mac.update(&*self.v);
        self.mac.finish(&self.k, &mut self.v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::by_value::{public_key, sign};
    use crate::crypto::{Software, sha256};
    use ::hmac::{KeyInit, Mac};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn unhex<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// Appendix A.2.5: P-256 with SHA-256.
    #[test]
    fn rfc6979_examples() {
        let secret = unhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
        let public = public_key(&secret).unwrap();
        assert_eq!(public.x, unhex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"));
        assert_eq!(public.y, unhex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"));
        for (message, k, r, s) in [
            (
                "sample",
                "a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60",
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
                "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            ),
            (
                "test",
                "d16b6ae827f17175e040871a1c7ec3500192c4c92677336ec2537acaee0008e0",
                "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
                "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
            ),
        ] {
            let digest = sha256::<Software>(&[message.as_bytes()]);
            let mut nonces = Nonces::<Software>::new();
            nonces.start(&secret, &digest);
            assert_eq!(*nonces.next(true), unhex(k));
            assert_eq!(sign(&secret, &digest), Ok(unhex(&[r, s].concat())));
        }
    }

    fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = ::hmac::Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }

    proptest! {
        /// Section 3.2 line by line, with candidates that are not taken: signatures have those once in 2^32 times.
        #[test]
        fn later_candidates(secret: [u8; 32], digest: [u8; 32]) {
            let mut nonces = Nonces::<Software>::new();
            nonces.start(&secret, &digest);
            let (mut k, mut v) = (std::vec![0; 32], std::vec![1; 32]);
            for separator in [0, 1] {
                k = mac(&k, &[&v, &[separator], &secret, &digest]);
                v = mac(&k, &[&v]);
            }
            for round in 0..4 {
                v = mac(&k, &[&v]);
                prop_assert_eq!(&nonces.next(round == 0)[..], &v[..]);
                k = mac(&k, &[&v, &[0]]);
                v = mac(&k, &[&v]);
            }
        }
    }
}
