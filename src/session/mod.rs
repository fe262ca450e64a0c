//! Sealing and opening (protocol sections 8 and 9): an OSCORE security context (RFC 8613) whose Master Secret
//! comes from a handshake.

mod context;
mod exchange;
mod open;
mod replay;
mod seal;
#[cfg(test)]
mod tests;

pub use exchange::Exchange;
pub(crate) use open::Opening;
pub(crate) use seal::Sealing;

use crate::crypto::{Backend, KEY_LEN, NONCE_LEN, RustCrypto};
use crate::error::Error;
use crate::limits::FINGERPRINT_LEN;
use crate::wire::{Cid, DeviceId};
use context::Context;
use core::marker::PhantomData;
use replay::Window;
use zeroize::{Zeroize, Zeroizing};

/// What carries a sealed object; the two never open as each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier<'a> {
    /// The CoAP payload, with additional data of the caller's: at most [`crate::limits::AAD_MAX`] bytes.
    Payload(&'a [u8]),
    /// RFC 8613 itself: the header in the OSCORE option, the ciphertext as the CoAP payload.
    Message,
}

/// Which end of the handshake this is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// What a handshake ends in.
pub(crate) struct Outcome<'a> {
    pub role: Role,
    pub out: &'a [u8; 32],
    pub cid_c: &'a [u8],
    pub cid_s: &'a [u8],
    pub device_id: &'a [u8],
}

/// Marks a session that holds keys; zeroed memory is a session that holds none.
const LIVE: u32 = 0x4c53_5353;

/// A session: keys of both directions, the own sequence number and the replay window. Wiped when dropped.
pub struct Session<B: Backend = RustCrypto> {
    live: u32,
    /// Not set in a server's session before the client's first record has opened: until then nothing is sent
    /// or delivered (section 8).
    confirmed: u8,
    out: [u8; 32],
    sender_key: [u8; KEY_LEN],
    recipient_key: [u8; KEY_LEN],
    common_iv: [u8; NONCE_LEN],
    sender_id: Cid,
    recipient_id: Cid,
    /// The next sequence number to send.
    next: u64,
    window: Window,
    fingerprint: [u8; FINGERPRINT_LEN],
    device_id: DeviceId,
    backend: PhantomData<B>,
}

impl<B: Backend> Session<B> {
    /// A session without keys: every use of it is [`Error::Uninitialised`].
    pub const EMPTY: Self = Self {
        live: 0,
        confirmed: 0,
        out: [0; 32],
        sender_key: [0; KEY_LEN],
        recipient_key: [0; KEY_LEN],
        common_iv: [0; NONCE_LEN],
        sender_id: Cid::EMPTY,
        recipient_id: Cid::EMPTY,
        next: 0,
        window: Window::EMPTY,
        fingerprint: [0; FINGERPRINT_LEN],
        device_id: DeviceId::EMPTY,
        backend: PhantomData,
    };

    /// The session of a finished handshake.
    pub(crate) fn establish(outcome: &Outcome<'_>) -> Result<Self, Error> {
        let mut secret = Zeroizing::new([0; 16]);
        let mut salt = Zeroizing::new([0; 8]);
        B::expand(outcome.out, &[b"oscore secret"], &mut *secret)?;
        B::expand(outcome.out, &[b"oscore salt"], &mut *salt)?;
        let (sender, recipient) = match outcome.role {
            Role::Client => (outcome.cid_s, outcome.cid_c),
            Role::Server => (outcome.cid_c, outcome.cid_s),
        };
        let context = Context::derive::<B>(&*secret, &*salt, None, sender, recipient)?;
        let mut session = Self::from_context(&context, sender, recipient)?;
        session.out = *outcome.out;
        session.confirmed = u8::from(outcome.role == Role::Client);
        session.device_id = DeviceId::copy_of(outcome.device_id, Error::Argument)?;
        B::expand(outcome.out, &[b"fingerprint"], &mut session.fingerprint)?;
        Ok(session)
    }

    fn from_context(context: &Context, sender: &[u8], recipient: &[u8]) -> Result<Self, Error> {
        let mut session = Self::EMPTY;
        session.live = LIVE;
        session.confirmed = 1;
        session.sender_key = context.sender_key;
        session.recipient_key = context.recipient_key;
        session.common_iv = context.common_iv;
        session.sender_id = Cid::copy_of(sender, Error::Argument)?;
        session.recipient_id = Cid::copy_of(recipient, Error::Argument)?;
        Ok(session)
    }

    /// Moves the session out, leaving one without keys behind.
    pub fn take(&mut self) -> Self {
        core::mem::replace(self, Self::EMPTY)
    }

    /// Wipes every key. Later use is [`Error::Uninitialised`].
    pub fn wipe(&mut self) {
        *self = Self::EMPTY; // dropping the old value wipes it
    }

    /// The device at the client's end of the session.
    pub fn device_id(&self) -> Result<&[u8], Error> {
        self.check_live()?;
        Ok(&self.device_id)
    }

    /// Eight bytes that are equal at both ends, differ between sessions and tell nothing about the keys.
    pub fn fingerprint(&self) -> Result<[u8; FINGERPRINT_LEN], Error> {
        self.check_live()?;
        Ok(self.fingerprint)
    }

    /// The connection id that this end's requests carry.
    pub fn sender_id(&self) -> Result<&[u8], Error> {
        self.check_live()?;
        Ok(&self.sender_id)
    }

    /// A key for the application's own use, the same at both ends (section 8): `HKDF-Expand(OUT, "export" ||
    /// length of label || label || context)`, at most 255 bytes of output and of label.
    pub fn export_key(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<(), Error> {
        self.check_live()?;
        let label_len = [u8::try_from(label.len()).map_err(|_| Error::Argument)?];
        if out.is_empty() || out.len() > 255 {
            return Err(Error::Argument);
        }
        B::expand(&self.out, &[b"export", &label_len, label, context], out)
    }

    /// Whether the session holds keys.
    pub fn is_live(&self) -> bool {
        self.live == LIVE
    }

    pub(crate) fn confirm(&mut self) {
        self.confirmed = 1;
    }

    fn check_live(&self) -> Result<(), Error> {
        if self.is_live() { Ok(()) } else { Err(Error::Uninitialised) }
    }

    pub(crate) fn check_confirmed(&self) -> Result<(), Error> {
        self.check_live()?;
        if self.confirmed == 1 { Ok(()) } else { Err(Error::State) }
    }
}

impl<B: Backend> Default for Session<B> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<B: Backend> Drop for Session<B> {
    fn drop(&mut self) {
        self.live.zeroize();
        self.out.zeroize();
        self.sender_key.zeroize();
        self.recipient_key.zeroize();
        self.common_iv.zeroize();
    }
}
