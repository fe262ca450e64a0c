//! The server: every handshake it answers and every session it holds (protocol sections 3 to 5 and 8).

#[cfg(feature = "express")]
mod express;
mod handshake;
#[cfg(feature = "signed")]
mod signed;
mod slot;
mod table;
#[cfg(test)]
mod tests;

pub use slot::Slot;

use crate::crypto::{Backend, Software, sha256};
use crate::entropy::Hedge;
use crate::error::{Alert, Error, Status};
use crate::identity::{Identity, Key};
use crate::limits::{CID_MAX, PUBLIC_KEY_LEN, SECRET_KEY_LEN};
use crate::platform::Platform;
use crate::session::{Carrier, Exchange, Opening};
use crate::wire::object::parse_request;
use crate::wire::{ClientNames, Emit, Message, Parsed, first_byte, parse};
use handshake::Draws;
use slot::Phase;

/// How long a half-open handshake keeps its slot, in milliseconds.
pub const HALF_OPEN_MS: u64 = 30_000;
/// How long a session keeps its slot before its first record, in milliseconds.
pub const UNCONFIRMED_MS: u64 = 60_000;

/// Who the server's devices are.
pub trait Directory {
    /// The identity key that was enrolled with a device id, a compressed SEC1 point; `None` refuses it.
    fn find(&mut self, device_id: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]>;
}

/// What the server needs from around it for one message.
pub struct Env<'a, P: Platform + ?Sized, D: Directory + ?Sized> {
    /// Randomness.
    pub platform: &'a mut P,
    /// The enrolled devices.
    pub directory: &'a mut D,
    /// A monotonic clock, in milliseconds.
    pub now_ms: u64,
}

/// A request that opened.
pub struct Opened {
    /// The plaintext's length.
    pub len: usize,
    /// What to answer it with.
    pub exchange: Exchange,
    /// Which slot holds its session: see [`Slot::session_mut`].
    pub slot: usize,
}

/// Marks an initialised server; zeroed memory is none.
const LIVE: u32 = 0x4c53_5356;

/// A server's identity. The sessions are in slots that the caller places and passes to every call; always the
/// same ones.
pub struct Server<B: Backend = Software> {
    live: u32,
    /// 0: by the number of slots.
    cid_len: u8,
    /// Draws made; see [`crate::entropy`].
    draws: u64,
    /// Handshakes begun, which puts them in order.
    begun: u64,
    identity: Identity,
    /// The next answer's random values, where a test compares it with a vector.
    #[cfg(test)]
    forced: Option<Draws>,
    /// Where AES runs.
    engine: B::Engine,
}

impl<B: Backend> Server<B> {
    /// Loads the identity; [`Error::Key`] for a secret that is none.
    pub fn new(identity: &[u8; SECRET_KEY_LEN]) -> Result<Self, Error> {
        Self::with_identity(Key::Secret(identity))
    }

    /// Loads the identity, which may be a secure element's.
    pub fn with_identity(identity: Key<'_>) -> Result<Self, Error> {
        Ok(Self {
            live: LIVE,
            cid_len: 0,
            draws: 0,
            begun: 0,
            identity: Identity::load::<B>(identity)?,
            #[cfg(test)]
            forced: None,
            engine: B::Engine::default(),
        })
    }

    /// Has AES run elsewhere, in the sessions to come too.
    pub fn set_engine(&mut self, engine: B::Engine) {
        self.engine = engine;
    }

    /// Sets the length of the connection ids that devices put into their requests: 1 to 7 bytes, or 0 for as
    /// few as the number of slots allows. To be set before the first message. [`Error::Argument`] for a length
    /// that has fewer ids than there are slots.
    pub fn set_cid_len(&mut self, len: usize, slots: usize) -> Result<(), Error> {
        if len != 0 && !table::suffices(len, slots) {
            return Err(Error::Argument);
        }
        self.cid_len = u8::try_from(len).map_err(|_| Error::Argument)?;
        Ok(())
    }

    /// The server's identity key, a compressed SEC1 point.
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        self.identity.public_key()
    }

    /// Answers one handshake message. [`Status::Send`]: `out` is the answer. [`Status::Refused`]: `out` is an
    /// ALERT, to be sent as well.
    ///
    /// # Errors
    /// [`Error::Unexpected`]: nothing is to be sent (an alert is never answered). [`Error::Random`]: the
    /// platform failed.
    pub fn step<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        input: &[u8],
        out: &mut Message,
    ) -> Result<Status, Error> {
        out.clear();
        self.check_live()?;
        let refusal = match self.answer(slots, env, input, out) {
            Ok(()) => return Ok(Status::Send),
            Err(refusal) => refusal,
        };
        out.clear();
        match refusal {
            Refusal::Fault(error) => Err(error),
            Refusal::Alert(alert) => {
                out.put_alert(alert);
                Ok(Status::Refused)
            }
        }
    }

    fn answer<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        input: &[u8],
        out: &mut Message,
    ) -> Result<(), Refusal> {
        let (parsed, message) = match parse(input).map_err(|_| refusal_of_malformed(input))? {
            // No RETRY is sent yet, so no cookie is good; a bad one counts as none (section 7).
            Parsed::Retried { inner, .. } => (parse(inner).map_err(|_| Alert::Malformed)?, inner),
            parsed => (parsed, input),
        };
        let digest = sha256::<B>(&[message]);
        if matches!(parsed, Parsed::M1 { .. } | Parsed::X1 { .. })
            && let Some(stored) = stored_first(slots, env.now_ms, &digest)
        {
            out.put(stored);
            return Ok(());
        }
        match parsed {
            #[cfg(feature = "signed")]
            Parsed::M1 { cid_c, device_id, x } => {
                self.signed_m2(slots, env, &digest, message, ClientNames { cid_c, device_id }, x, out)
            }
            #[cfg(feature = "signed")]
            Parsed::M3 { aad, cid_s, c3 } => {
                let m3 = signed::M3 { message, digest: &digest, aad, cid_s, c3 };
                self.signed_m4(slots, env.platform, env.now_ms, &m3, out)
            }
            #[cfg(feature = "express")]
            Parsed::X1 { x, c1 } => self.express_x2(slots, env, &digest, x, c1, out),
            Parsed::R1 { .. } => Err(Alert::UnknownSession.into()),
            Parsed::Alert(_) => Err(Refusal::Fault(Error::Unexpected)),
            _ => Err(Alert::Malformed.into()),
        }
    }

    /// The random values of an answer to the message with this digest.
    fn draw<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        digest: &[u8; 32],
        draws: &mut Draws,
    ) -> Result<(), Error> {
        #[cfg(test)]
        if let Some(forced) = self.forced.take() {
            *draws = forced;
            return Ok(());
        }
        let mut hedge =
            Hedge { platform, identity: self.identity.hedge(), counter: &mut self.draws, context: digest };
        hedge.key_pair::<B>(&mut draws.ephemeral, &mut draws.x)?;
        let mut number = [0; 8];
        hedge.fill::<B>(&mut number)?;
        draws.number = u64::from_be_bytes(number);
        Ok(())
    }

    /// Finds the session of a sealed request by the connection id in it, in a time that does not depend on
    /// the number of sessions, and opens it. The first record that opens confirms the session: it wipes the
    /// device's older session and every handshake of that device that began earlier (section 8).
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::UnknownSession`], [`Error::Authentication`], [`Error::Replay`] by what
    /// came; [`Error::Capacity`]. See [`refusal_of_record`] for what to answer.
    pub fn open_request(
        &mut self,
        slots: &mut [Slot<B>],
        now_ms: u64,
        carrier: Carrier<'_>,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<Opened, Error> {
        let slot = self.find(slots, now_ms, object)?;
        let session = slots.get_mut(slot).and_then(Slot::session_mut).ok_or(Error::UnknownSession)?;
        let opening = session.begin_open_request(object)?;
        session.open_copy(&opening, carrier, object, out)?;
        let exchange = self.complete_open_request(slots, slot, &opening)?;
        Ok(Opened { len: opening.data_len(), exchange, slot })
    }

    /// Ends every session and handshake of a device, which has been taken out of the directory or got another
    /// key there. Returns how many there were.
    pub fn forget(&mut self, slots: &mut [Slot<B>], device_id: &[u8]) -> usize {
        let theirs = |slot: &&mut Slot<B>| slot.phase() != Phase::Free && *slot.device_id == *device_id;
        slots.iter_mut().filter(theirs).map(Slot::clear).count()
    }

    /// Which slot holds the session of a sealed request. A slot that has waited for too long is wiped on the way.
    pub fn find(&self, slots: &mut [Slot<B>], now_ms: u64, object: &[u8]) -> Result<usize, Error> {
        self.check_live()?;
        let header = parse_request(object, self.cid_len(slots.len()))?;
        let index = table::index(header.kid, slots.len()).ok_or(Error::UnknownSession)?;
        let slot = slots.get_mut(index).ok_or(Error::UnknownSession)?;
        slot.expire(now_ms);
        if slot.is_session(header.kid) { Ok(index) } else { Err(Error::UnknownSession) }
    }

    /// Takes note of a request whose tag has verified, and confirms its session.
    pub(crate) fn complete_open_request(
        &mut self,
        slots: &mut [Slot<B>],
        index: usize,
        opening: &Opening,
    ) -> Result<Exchange, Error> {
        let slot = slots.get_mut(index).ok_or(Error::UnknownSession)?;
        let is_first = slot.phase() == Phase::Unconfirmed;
        let session = slot.session_mut().ok_or(Error::UnknownSession)?;
        let exchange = session.complete_open_request(opening)?;
        if is_first {
            session.confirm();
            table::supersede(slots, index);
        }
        Ok(exchange)
    }

    /// Wipes the identity and every slot. Later use is [`Error::Uninitialised`].
    pub fn wipe(&mut self, slots: &mut [Slot<B>]) {
        slots.iter_mut().for_each(Slot::wipe);
        self.live = 0;
        self.identity.wipe();
    }

    pub(crate) fn check_live(&self) -> Result<(), Error> {
        if self.live == LIVE { Ok(()) } else { Err(Error::Uninitialised) }
    }

    fn cid_len(&self, slots: usize) -> usize {
        match self.cid_len {
            0 => table::cid_len(slots),
            len => usize::from(len).min(CID_MAX),
        }
    }
}

/// The stored answer to a repeated M1 or X1. What has waited for too long gives up its place on the way.
fn stored_first<'a, B: Backend>(
    slots: &'a mut [Slot<B>],
    now_ms: u64,
    digest: &[u8; 32],
) -> Option<&'a [u8]> {
    slots.iter_mut().for_each(|slot| slot.expire(now_ms));
    slots.iter().find_map(|slot| slot.stored_first(digest))
}

/// No alert answers an alert, and what begins like one may be meant as one.
fn refusal_of_malformed(input: &[u8]) -> Refusal {
    match input.first() {
        Some(&first_byte::ALERT) => Refusal::Fault(Error::Unexpected),
        _ => Refusal::Alert(Alert::Malformed),
    }
}

/// Why a handshake message was not answered as it hoped.
enum Refusal {
    /// A refusal to send.
    Alert(Alert),
    /// Nothing to send.
    Fault(Error),
}

impl From<Alert> for Refusal {
    fn from(alert: Alert) -> Self {
        Self::Alert(alert)
    }
}

impl From<Error> for Refusal {
    /// Faults of the message have been mapped to alerts where they arise.
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

/// What to answer a sealed object with that did not open (section 10).
pub fn refusal_of_record(error: Error) -> Alert {
    match error {
        Error::UnknownSession | Error::Uninitialised => Alert::UnknownSession,
        _ => Alert::Authentication,
    }
}
