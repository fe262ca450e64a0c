//! `lscoap_platform`.

use super::backend::Engine;
use crate::crypto::Point;
use crate::error::Error;
use crate::identity::Key;
use crate::limits::{PUBLIC_KEY_LEN, SECRET_KEY_LEN, SIGNATURE_LEN};
use crate::platform::Platform;
use core::ffi::{c_int, c_void};

/// The length of a public key as an uncompressed SEC1 point, in bytes: 04, x, y.
pub const LSCOAP_POINT_LEN: usize = 65;
/// The length of an ECDSA signature, in bytes: r, s, big-endian.
pub const LSCOAP_SIGNATURE_LEN: usize = 64;

const _: () = assert!(LSCOAP_SIGNATURE_LEN == SIGNATURE_LEN);

/// What the library needs from the platform, and hardware that it may use. It is copied; `context` must outlive
/// every object that the platform was given to, and the sessions that came of them. All but `random` may be null.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lscoap_platform {
    /// Passed to the callbacks.
    pub context: *mut c_void,
    /// Fills `out` with `len` random bytes; 0 on success. Must not be null.
    pub random: Option<unsafe extern "C" fn(context: *mut c_void, out: *mut u8, len: usize) -> c_int>,
    /// A value that never repeats on this platform, such as a boot count (an uptime alone repeats). Null if there is none.
    pub unique: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
    /// AES-128 in hardware: encrypts the 16 bytes of `block` in place under the 16 bytes of `key`; 0 on success,
    /// else the call fails with LSCOAP_ERR_HARDWARE. Null for software.
    pub aes128_encrypt:
        Option<unsafe extern "C" fn(context: *mut c_void, key: *const u8, block: *mut u8) -> c_int>,
    /// The identity in a secure element, for a configuration with `identity_public_key`: signs a SHA-256 digest (32
    /// bytes) by ECDSA, LSCOAP_SIGNATURE_LEN bytes out; 0 on success, else LSCOAP_ERR_HARDWARE. Needed for LSCOAP_SIGNED,
    /// on a server whenever that profile is compiled in.
    pub sign:
        Option<unsafe extern "C" fn(context: *mut c_void, digest: *const u8, signature: *mut u8) -> c_int>,
    /// The same identity's Diffie-Hellman with `peer` (LSCOAP_POINT_LEN bytes): the x-coordinate of the product, 32
    /// bytes big-endian; 0 on success, else LSCOAP_ERR_HARDWARE. Needed for LSCOAP_EXPRESS, on a server whenever that
    /// profile is compiled in.
    pub ecdh: Option<unsafe extern "C" fn(context: *mut c_void, peer: *const u8, shared: *mut u8) -> c_int>,
    /// All of AES-CCM-16-64-128 (RFC 9053 section 4.2) in hardware, in place of `aes128_encrypt`: seals the `len` bytes of `text`
    /// in place and writes the 8 bytes of `tag`, or where `open` is not 0 opens them and compares `tag`; under the 16 bytes of
    /// `key` and the 13 of `nonce`, with `aad_len` bytes of additional data. 0 on success; 1 where the tag is wrong, with `text`
    /// zeroed; else the call fails with LSCOAP_ERR_HARDWARE.
    pub ccm: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            open: c_int,
            key: *const u8,
            nonce: *const u8,
            aad: *const u8,
            aad_len: usize,
            text: *mut u8,
            len: usize,
            tag: *mut u8,
        ) -> c_int,
    >,
}

impl lscoap_platform {
    /// Where AES runs.
    pub(super) fn engine(&self) -> Engine {
        Engine { encrypt: self.aes128_encrypt, ccm: self.ccm, context: self.context }
    }

    /// The identity of a configuration: its secret, or its public key where the callbacks do the rest.
    pub(super) fn identity<'a>(
        &self,
        secret: Result<&'a [u8; SECRET_KEY_LEN], Error>,
        public_key: Result<&'a [u8; PUBLIC_KEY_LEN], Error>,
        needs_sign: bool,
        needs_ecdh: bool,
    ) -> Result<Key<'a>, Error> {
        match (secret, public_key) {
            (Ok(secret), _) => Ok(Key::Secret(secret)),
            (Err(_), Ok(key)) if self.sign.is_some() >= needs_sign && self.ecdh.is_some() >= needs_ecdh => {
                Ok(Key::Element(key))
            }
            _ => Err(Error::Null),
        }
    }
}

/// Of a callback that is not `random`.
fn done(result: c_int) -> Result<(), Error> {
    if result == 0 { Ok(()) } else { Err(Error::Hardware) }
}

impl Platform for lscoap_platform {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        let random = self.random.ok_or(Error::Random)?;
        // SAFETY: the callback is C's own, and gets as many bytes as it is told.
        match unsafe { random(self.context, out.as_mut_ptr(), out.len()) } {
            0 => Ok(()),
            _ => Err(Error::Random),
        }
    }

    fn unique(&mut self) -> u64 {
        // SAFETY: the callback is C's own.
        self.unique.map_or(0, |unique| unsafe { unique(self.context) })
    }

    fn sign(&mut self, digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        let sign = self.sign.ok_or(Error::Hardware)?;
        // SAFETY: the callback is C's own; it reads 32 bytes and writes 64.
        done(unsafe { sign(self.context, digest.as_ptr(), signature.as_mut_ptr()) })
    }

    fn diffie_hellman(&mut self, peer: &Point, shared: &mut [u8; 32]) -> Result<(), Error> {
        let ecdh = self.ecdh.ok_or(Error::Hardware)?;
        let mut encoded = [4; LSCOAP_POINT_LEN];
        let places = encoded.iter_mut().skip(1);
        places.zip(peer.x.iter().chain(&peer.y)).for_each(|(place, byte)| *place = *byte);
        // SAFETY: the callback is C's own; it reads 65 bytes and writes 32.
        done(unsafe { ecdh(self.context, encoded.as_ptr(), shared.as_mut_ptr()) })
    }
}
