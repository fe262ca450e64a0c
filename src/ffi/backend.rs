//! What C's objects compute with: the library's own primitives, and AES by the platform where it has a callback.

use crate::crypto::ccm::{Direction, Record};
use crate::crypto::{
    Aes, Block, Blocks, Cipher, Curve, HashesAsSoftware, KEY_LEN, NONCE_LEN, Point, Software, Work,
};
use crate::error::Error;
use crate::limits::{AAD_MAX, MESSAGE_MAX, PUBLIC_KEY_LEN, SIGNATURE_LEN};
use core::ffi::{c_int, c_void};
use zeroize::Zeroize;

#[cfg(feature = "ffi-openssl")]
use crate::crypto::OpenSsl as Points;
#[cfg(not(feature = "ffi-openssl"))]
use crate::crypto::Software as Points;

/// The primitives of the C interface.
pub struct Hooked;

/// What `lscoap_platform` has for AES. Zeroed memory is one: software.
#[derive(Clone, Copy)]
pub struct Engine {
    pub(super) encrypt: Option<EncryptCallback>,
    pub(super) ccm: Option<CcmCallback>,
    pub(super) context: *mut c_void,
}

/// `lscoap_platform.aes128_encrypt`.
pub type EncryptCallback =
    unsafe extern "C" fn(context: *mut c_void, key: *const u8, block: *mut u8) -> c_int;

/// `lscoap_platform.ccm`.
pub type CcmCallback = unsafe extern "C" fn(
    context: *mut c_void,
    open: c_int,
    key: *const u8,
    nonce: *const u8,
    aad: *const u8,
    aad_len: usize,
    text: *mut u8,
    len: usize,
    tag: *mut u8,
) -> c_int;

impl Default for Engine {
    fn default() -> Self {
        Self { encrypt: None, ccm: None, context: core::ptr::null_mut() }
    }
}

struct Callback<'a> {
    encrypt: EncryptCallback,
    context: *mut c_void,
    key: &'a [u8; KEY_LEN],
}

impl Cipher for Callback<'_> {
    fn encrypt(&mut self, pair: &mut [Block; 2], blocks: Blocks) -> Result<(), Error> {
        for block in pair.iter_mut().take(if blocks == Blocks::Both { 2 } else { 1 }) {
            // SAFETY: the callback is C's own; it reads 16 bytes and changes 16.
            if unsafe { (self.encrypt)(self.context, self.key.as_ptr(), block.as_mut_ptr()) } != 0 {
                return Err(Error::Hardware);
            }
        }
        Ok(())
    }
}

impl Aes for Hooked {
    type Engine = Engine;

    fn with_key(
        engine: Engine,
        key: &[u8; KEY_LEN],
        pair: &mut [Block; 2],
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        let Some(encrypt) = engine.encrypt else {
            return Software::with_key((), key, pair, work);
        };
        let mut cipher = Callback { encrypt, context: engine.context, key };
        let result = cipher.encrypt(pair, Blocks::First).and_then(|()| work(&mut cipher, pair));
        pair.zeroize();
        result
    }

    fn ccm(
        engine: Engine,
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        record: &mut Record<'_>,
    ) -> Option<Result<(), Error>> {
        match engine {
            Engine { ccm: Some(ccm), .. } => Some(call_ccm(ccm, engine.context, key, nonce, aad, record)),
            Engine { encrypt: Some(_), .. } => None,
            _ => Software::ccm((), key, nonce, aad, record),
        }
    }
}

/// Room for any additional data: [`AAD_MAX`] bytes of the caller's, or a handshake's message, and what stands before.
const AAD_ROOM: usize = AAD_MAX + 64;
const _: () = assert!(AAD_ROOM >= MESSAGE_MAX);

#[inline(never)] // it has a frame that the other ways do without
fn call_ccm(
    ccm: CcmCallback,
    context: *mut c_void,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    parts: &[&[u8]],
    record: &mut Record<'_>,
) -> Result<(), Error> {
    let mut aad = heapless::Vec::<u8, AAD_ROOM>::new();
    parts.iter().try_for_each(|part| aad.extend_from_slice(part)).map_err(|_| Error::Argument)?;
    let opens = record.direction == Direction::Open;
    let (text, tag) = (&mut *record.data, &mut *record.tag);
    // SAFETY: the callback is C's own; it reads a key, a nonce and as much additional data as it is told, changes as much text, and
    // reads or writes a tag.
    let result = unsafe {
        ccm(
            context,
            c_int::from(opens),
            key.as_ptr(),
            nonce.as_ptr(),
            aad.as_ptr(),
            aad.len(),
            text.as_mut_ptr(),
            text.len(),
            tag.as_mut_ptr(),
        )
    };
    match result {
        0 => Ok(()),
        1 if opens => Err(Error::Authentication),
        _ => Err(Error::Hardware),
    }
}

impl HashesAsSoftware for Hooked {}

// Called, never inlined: in a library with one role or one profile some have a single caller, whose frame would have
// room for all of them at once while the deepest runs.
impl Curve for Hooked {
    type Base = <Points as Curve>::Base;

    #[inline(never)]
    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        Points::public_key(secret, public)
    }
    #[inline(never)]
    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        Points::decompress(encoded, point)
    }
    #[cfg(feature = "ffi-openssl")] // which keeps what it decompresses
    fn lift_x(x: &[u8; 32], point: &mut Point) -> Result<(), Error> {
        Points::lift_x(x, point)
    }
    #[inline(never)]
    fn prepare(point: &Point, base: &mut Self::Base) -> Result<(), Error> {
        Points::prepare(point, base)
    }
    #[inline(never)]
    fn diffie_hellman(secret: &[u8; 32], base: &Self::Base, shared: &mut [u8; 32]) -> Result<(), Error> {
        Points::diffie_hellman(secret, base, shared)
    }
    #[inline(never)]
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        Points::sign(secret, digest, signature)
    }
    #[inline(never)]
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        Points::verify(public, digest, signature)
    }
}

/// The objects behind the C types.
#[cfg(feature = "client")]
pub type Client = crate::client::Client<Hooked>;
#[cfg(feature = "server")]
pub type Server = crate::server::Server<Hooked>;
#[cfg(feature = "server")]
pub type Slot = crate::server::Slot<Hooked>;
#[cfg(all(feature = "group", feature = "server"))]
pub type Group = crate::group::Group<Hooked>;
#[cfg(feature = "group")]
pub type Member = crate::group::Member<Hooked>;
#[cfg(feature = "group-delegate")]
pub type Delegate = crate::group::Delegate<Hooked>;
pub type Session = crate::session::Session<Hooked>;
