//! What C's objects compute with: the library's own primitives, and AES by the platform where it has a callback.

use crate::crypto::{Aes, Block, Cipher, Curve, Hash, KEY_LEN, Point, Software};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use core::ffi::{c_int, c_void};

/// The primitives of the C interface.
pub struct Hooked;

/// `lscoap_platform.aes128_encrypt`. Zeroed memory is one: software.
#[derive(Clone, Copy)]
pub struct Engine {
    pub(super) encrypt:
        Option<unsafe extern "C" fn(context: *mut c_void, key: *const u8, block: *mut u8) -> c_int>,
    pub(super) context: *mut c_void,
}

impl Default for Engine {
    fn default() -> Self {
        Self { encrypt: None, context: core::ptr::null_mut() }
    }
}

struct Callback<'a> {
    engine: Engine,
    key: &'a [u8; KEY_LEN],
}

impl Cipher for Callback<'_> {
    fn encrypt(&mut self, pair: &mut [Block; 2]) -> Result<(), Error> {
        let encrypt = self.engine.encrypt.ok_or(Error::Hardware)?;
        for block in pair {
            // SAFETY: the callback is C's own; it reads 16 bytes and changes 16.
            if unsafe { encrypt(self.engine.context, self.key.as_ptr(), block.as_mut_ptr()) } != 0 {
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
        work: &mut dyn FnMut(&mut dyn Cipher) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match engine.encrypt {
            None => Software::with_key((), key, work),
            Some(_) => work(&mut Callback { engine, key }),
        }
    }
}

impl Hash for Hooked {
    type State = <Software as Hash>::State;

    fn begin() -> Self::State {
        Software::begin()
    }
    fn update(state: &mut Self::State, bytes: &[u8]) {
        Software::update(state, bytes);
    }
    fn finish(state: &mut Self::State, digest: &mut [u8; 32]) {
        Software::finish(state, digest);
    }
}

// Called, never inlined: in a library with one role or one profile some have a single caller, whose frame would have
// room for all of them at once while the deepest runs.
impl Curve for Hooked {
    type Base = <Software as Curve>::Base;

    #[inline(never)]
    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        Software::public_key(secret, public)
    }
    #[inline(never)]
    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        Software::decompress(encoded, point)
    }
    #[inline(never)]
    fn prepare(point: &Point, base: &mut Self::Base) -> Result<(), Error> {
        Software::prepare(point, base)
    }
    #[inline(never)]
    fn diffie_hellman(secret: &[u8; 32], base: &Self::Base, shared: &mut [u8; 32]) -> Result<(), Error> {
        Software::diffie_hellman(secret, base, shared)
    }
    #[inline(never)]
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        Software::sign(secret, digest, signature)
    }
    #[inline(never)]
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        Software::verify(public, digest, signature)
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
