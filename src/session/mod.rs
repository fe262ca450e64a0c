//! Sealing and opening (protocol sections 8 and 9): an OSCORE security context (RFC 8613) whose Master Secret
//! comes from a handshake.

mod context;
mod exchange;
mod open;
mod replay;
mod seal;
#[cfg(feature = "resume")]
mod store;
#[cfg(test)]
mod tests;
#[cfg(feature = "coap")]
mod transfer;

#[cfg(feature = "group")]
pub(crate) use context::{AadPrefix, PAYLOAD_CARRIER, caller_data, expand_info, put_bytes_head};
#[cfg(feature = "coap")]
pub(crate) use exchange::Binding;
pub use exchange::Exchange;
pub(crate) use open::Opening;
pub(crate) use seal::Sealing;
#[cfg(feature = "coap")]
pub use transfer::{Received, SecurityContext};

use crate::crypto::{Backend, Prk, Software, expand};
use crate::error::Error;
use crate::limits::FINGERPRINT_LEN;
use crate::wire::{Cid, DeviceId};
use context::Context;
use replay::Window;
use zeroize::{Zeroize, Zeroizing};

/// What carries a sealed object; the two never open as each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier<'a> {
    /// The CoAP payload, with additional data of the caller's: at most [`crate::limits::AAD_MAX`] bytes.
    Payload(&'a [u8]),
    /// RFC 8613 itself: the header in the OSCORE option, the ciphertext as the CoAP payload.
    Oscore,
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
    pub cid_c: &'a Cid,
    pub cid_s: &'a Cid,
    pub device_id: &'a DeviceId,
}

/// What is true of a session beside that it holds keys.
mod flag {
    /// Not set in a server's session before the client's first record has opened: until then nothing is sent or
    /// delivered (section 8).
    pub const CONFIRMED: u8 = 1;
    /// The client's end.
    pub const CLIENT: u8 = 2;
    /// Came from storage, without its replay window: opens no requests.
    pub const RESTORED: u8 = 4;
    /// Another implementation goes on with it: seals and opens nothing.
    pub const HANDED_OVER: u8 = 8;
    /// Came from elsewhere: has no `OUT`.
    pub const TAKEN_OVER: u8 = 16;
    /// Does not know what it has received.
    #[cfg(feature = "coap")]
    pub const LOST: u8 = 32;
}

/// Marks a session that holds keys; zeroed memory is a session that holds none.
const LIVE: u32 = 0x4c53_5353;
/// Of a session that has never been stored: the numbers end with [`Error::Exhausted`].
const NO_LIMIT: u64 = u64::MAX;

/// A session: keys of both directions, the own sequence number and the replay window. Wiped when dropped.
pub struct Session<B: Backend = Software> {
    live: u32,
    /// See [`flag`].
    flags: u8,
    /// What a handshake ended in. Of a context that was taken over the Echo that it asks for: see `transfer.rs`.
    out: [u8; 32],
    context: Context,
    sender_id: Cid,
    recipient_id: Cid,
    /// The next sequence number to send.
    next: u64,
    /// The first sequence number that may not be sent: what storage says, once the session has been stored.
    limit: u64,
    window: Window,
    fingerprint: [u8; FINGERPRINT_LEN],
    /// The device. Of a context that was taken over the ID Context.
    device_id: DeviceId,
    /// Where AES runs.
    engine: B::Engine,
}

impl<B: Backend> Session<B> {
    /// A session without keys: every use of it is [`Error::Uninitialised`].
    pub fn new() -> Self {
        Self {
            live: 0,
            flags: 0,
            out: [0; 32],
            context: Context::EMPTY,
            sender_id: Cid::EMPTY,
            recipient_id: Cid::EMPTY,
            next: 0,
            limit: 0,
            window: Window::EMPTY,
            fingerprint: [0; FINGERPRINT_LEN],
            device_id: DeviceId::EMPTY,
            engine: B::Engine::default(),
        }
    }

    /// Becomes the session of a finished handshake: where it stays, since a move would leave its keys behind.
    pub(crate) fn establish(&mut self, engine: B::Engine, outcome: &Outcome<'_>) {
        let mut secret = Zeroizing::new([0; 16]);
        let mut salt = [0; 8];
        Prk::<B>::with(outcome.out, |out| {
            oscore_secret(out, &mut secret, &mut salt);
            out.expand(&[b"fingerprint"], &mut self.fingerprint);
        });
        let (sender, recipient) = match outcome.role {
            Role::Client => (outcome.cid_s, outcome.cid_c),
            Role::Server => (outcome.cid_c, outcome.cid_s),
        };
        self.load(&*secret, &salt, None, sender, recipient);
        self.out = *outcome.out;
        self.flags = if outcome.role == Role::Client { flag::CONFIRMED | flag::CLIENT } else { 0 };
        self.device_id = *outcome.device_id;
        self.engine = engine;
    }

    /// Begins a security context.
    pub(crate) fn load(
        &mut self,
        secret: &[u8],
        salt: &[u8],
        id_context: Option<&[u8]>,
        sender: &Cid,
        recipient: &Cid,
    ) {
        self.context.derive::<B>(secret, salt, id_context, sender, recipient);
        self.sender_id = *sender;
        self.recipient_id = *recipient;
        self.next = 0;
        self.limit = NO_LIMIT;
        self.window = Window::EMPTY;
        self.flags = flag::CONFIRMED;
        self.live = LIVE;
    }

    /// The next number, for vectors that do not begin at 0.
    #[cfg(test)]
    pub(crate) fn set_next(&mut self, next: u64) {
        self.next = next;
    }

    /// Wipes every key. Later use is [`Error::Uninitialised`].
    pub fn wipe(&mut self) {
        self.live.zeroize();
        self.out.zeroize();
        self.context.zeroize();
    }

    /// The device at the client's end of the session.
    pub fn device_id(&self) -> Result<&[u8], Error> {
        self.check_own()?;
        Ok(&self.device_id)
    }

    /// Eight bytes that are equal at both ends, differ between sessions and tell nothing about the keys.
    pub fn fingerprint(&self) -> Result<[u8; FINGERPRINT_LEN], Error> {
        self.check_live()?;
        Ok(self.fingerprint)
    }

    /// The same of a session that was wiped, too.
    #[cfg(feature = "server")]
    pub(crate) fn fingerprint_even_if_wiped(&self) -> [u8; FINGERPRINT_LEN] {
        self.fingerprint
    }

    /// The connection id that this end's requests carry.
    pub fn sender_id(&self) -> Result<&[u8], Error> {
        self.check_live()?;
        Ok(&self.sender_id)
    }

    /// A key for the application's own use, the same at both ends (section 8): `HKDF-Expand(OUT, "export" ||
    /// length of label || label || context)`, at most 255 bytes of output and of label.
    pub fn export_key(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<(), Error> {
        self.check_own()?;
        let label_len = [u8::try_from(label.len()).map_err(|_| Error::Argument)?];
        if out.is_empty() || out.len() > 255 {
            return Err(Error::Argument);
        }
        expand::<B>(&self.out, &[b"export", &label_len, label, context], out);
        Ok(())
    }

    /// Whether the session holds keys.
    pub fn is_live(&self) -> bool {
        self.live == LIVE
    }

    /// Writes the secret that resumption starts from (section 6).
    #[cfg(feature = "resume")]
    pub(crate) fn resume_secret(&self, rms: &mut [u8; 32]) -> Result<(), Error> {
        self.check_own()?;
        crate::schedule::resume::rms::<B>(&self.out, rms);
        Ok(())
    }

    /// The connection id that the peer's requests carry.
    #[cfg(any(feature = "resume", feature = "coap"))]
    pub(crate) fn recipient_id(&self) -> &Cid {
        &self.recipient_id
    }

    #[cfg(feature = "resume")]
    pub(crate) fn check_client(&self) -> Result<(), Error> {
        self.check_live()?;
        if self.flags & flag::CLIENT != 0 { Ok(()) } else { Err(Error::State) }
    }

    pub(crate) fn confirm(&mut self) {
        self.flags |= flag::CONFIRMED;
    }

    #[inline(never)] // called from many places
    pub(crate) fn check_live(&self) -> Result<(), Error> {
        if self.is_live() { Ok(()) } else { Err(Error::Uninitialised) }
    }

    /// What comes of `OUT` comes of a handshake.
    fn check_own(&self) -> Result<(), Error> {
        self.check_live()?;
        if self.flags & flag::TAKEN_OVER == 0 { Ok(()) } else { Err(Error::State) }
    }

    /// Whether the session seals and opens itself.
    fn check_here(&self) -> Result<(), Error> {
        self.check_live()?;
        if self.flags & flag::HANDED_OVER == 0 { Ok(()) } else { Err(Error::State) }
    }

    pub(crate) fn check_confirmed(&self) -> Result<(), Error> {
        self.check_live()?;
        if self.flags & flag::CONFIRMED != 0 { Ok(()) } else { Err(Error::State) }
    }
}

/// Master Secret and Master Salt (protocol section 8).
fn oscore_secret<B: Backend>(out: &Prk<B>, secret: &mut [u8; 16], salt: &mut [u8; 8]) {
    out.expand(&[b"oscore secret"], secret);
    out.expand(&[b"oscore salt"], salt);
}

impl<B: Backend> Default for Session<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Backend> Drop for Session<B> {
    fn drop(&mut self) {
        self.wipe();
    }
}
