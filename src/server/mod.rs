//! The server: every handshake it answers and every session it holds (protocol sections 3 to 8).

mod answers;
mod chains;
mod cids;
mod clock;
mod cookie;
#[cfg(feature = "express")]
mod express;
mod handshake;
mod requests;
#[cfg(feature = "resume")]
mod resume;
#[cfg(feature = "resume")]
mod resume_record;
#[cfg(feature = "signed")]
mod signed;
mod slot;
mod sources;
mod stats;
mod table;
#[cfg(test)]
mod tests;

pub use answers::{ANSWER_MS, Answers, Kept};
pub use cookie::PEER_MAX;
pub use requests::{Opened, refusal_of_record};
#[cfg(feature = "resume")]
pub use resume_record::resumptions_answered;
pub use slot::{Phase, Slot};
pub use stats::Stats;

use crate::crypto::{Backend, Software, sha256};
use crate::entropy::Hedge;
use crate::error::{Alert, Error, Status};
use crate::identity::{Identity, Key};
use crate::limits::{
    COOKIE_LEN, FINGERPRINT_LEN, PUBLIC_KEY_LEN, RESUME_RECORD_MAX, RESUMES_IN_A_ROW, SECRET_KEY_LEN,
};
use crate::platform::Platform;
use crate::wire::{ClientNames, Emit, Message, Parsed, Type, parse};
pub(crate) use cids::Cids;
use cookie::{Bearer, Cookies, Rate};
use table::Table;
use zeroize::Zeroize;

/// How long a half-open handshake keeps its slot, in milliseconds.
pub const HALF_OPEN_MS: u64 = 30_000;
/// How long a session keeps its slot before its first record, in milliseconds.
pub const UNCONFIRMED_MS: u64 = 60_000;

/// A session that has ended.
pub struct Ended<'a> {
    /// The slot that it was in, which is free now.
    pub slot: usize,
    /// The connection id that its requests carried: the Recipient ID of its OSCORE context.
    pub kid: &'a [u8],
    /// The device's id.
    pub device_id: &'a [u8],
    /// See [`crate::session::Session::fingerprint`].
    pub fingerprint: [u8; FINGERPRINT_LEN],
}

/// Who the server's devices are, what is kept of their sessions over a restart, and who wants to know of their ends.
pub trait Directory {
    /// The identity key that was enrolled with a device id, a compressed SEC1 point; `None` refuses it.
    fn find(&mut self, device_id: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]>;

    /// Whether there is storage for what resumption needs. Without it only live sessions are resumed.
    fn stores(&self) -> bool {
        false
    }

    /// Writes the stored record of the session with this connection id into `record`. Whether there is one; an error where that is not
    /// known now: [`Server::step`] gives it back, and the same R1 may be given to it again.
    fn load_resume(
        &mut self,
        cid_s: &[u8],
        record: &mut heapless::Vec<u8, RESUME_RECORD_MAX>,
    ) -> Result<bool, Error> {
        let _ = (cid_s, record);
        Ok(false)
    }

    /// Stores a record, which has secrets in it, as the only one of its device; `None` deletes the device's. It
    /// survives once this has returned; [`Error::Storage`] if it may not.
    fn save_resume(&mut self, device_id: &[u8], cid_s: &[u8], record: Option<&[u8]>) -> Result<(), Error> {
        let _ = (device_id, cid_s, record);
        Err(Error::Storage)
    }

    /// A session has ended, so that what was kept beside it can go too: an OSCORE context elsewhere, kept answers, observers. It was
    /// forgotten, displaced by a newer session of its device, late, evicted, or wiped with the server; one that the caller has wiped is told of
    /// when its slot is given back. Every session is told of once, confirmed or not: whoever hands an unconfirmed one over has to hear of
    /// its end. Handshakes are not. Dropping a server tells nobody.
    fn session_ended(&mut self, ended: &Ended<'_>) {
        let _ = ended;
    }
}

/// What the server needs from around it for one message.
pub struct Env<'a, P: Platform + ?Sized, D: Directory + ?Sized> {
    /// Randomness.
    pub platform: &'a mut P,
    /// The enrolled devices.
    pub directory: &'a mut D,
    /// Where the message came from, in any form that is equal for equal senders: at most [`PEER_MAX`] bytes.
    pub peer: &'a [u8],
    /// Whom the sender shares room with (section 10): an IPv4 address, an IPv6 /64 or an IPv6 address of the same link,
    /// at most [`PEER_MAX`] bytes; empty where nothing is known.
    pub source: &'a [u8],
    /// A clock, in milliseconds. Where it goes back, no time has gone by.
    pub now_ms: u64,
}

/// Marks an initialised server; zeroed memory is none.
const LIVE: u32 = 0x4c53_5356;

/// A server's identity and what it counts. The sessions are in slots that the caller places and passes to every
/// call; always the same ones.
pub struct Server<B: Backend = Software> {
    live: u32,
    cids: Cids,
    table: Table,
    cookies: Cookies,
    rate: Rate,
    /// Resumptions in a row.
    resume_limit: u16,
    /// Draws made; see [`crate::entropy`].
    draws: u64,
    /// The slot of [`Server::made`] and one more; 0 for none.
    made: u32,
    identity: Identity,
    /// The next answer's random values, where a test compares it with a vector.
    #[cfg(test)]
    forced: Option<handshake::Draws>,
    #[cfg(test)]
    forced_resume: Option<handshake::ResumeDraws>,
    /// Where AES runs.
    engine: B::Engine,
}

impl<B: Backend> Server<B> {
    /// Loads the identity; [`Error::Key`] for a secret that is none.
    pub fn new(identity: &[u8; SECRET_KEY_LEN]) -> Result<Self, Error> {
        Self::with_identity(Key::Secret(identity))
    }

    /// Loads the identity, which may be a secure element's. The server that is given is moved, which may leave copies
    /// of the secret behind.
    pub fn with_identity(identity: Key<'_>) -> Result<Self, Error> {
        let mut server = Self {
            live: 0,
            cids: Cids::AUTOMATIC,
            table: Table::default(),
            cookies: Cookies::default(),
            rate: Rate::default(),
            resume_limit: 0,
            draws: 0,
            made: 0,
            identity: Identity::EMPTY,
            #[cfg(test)]
            forced: None,
            #[cfg(test)]
            forced_resume: None,
            engine: B::Engine::default(),
        };
        server.load(identity, Cids::AUTOMATIC)?;
        Ok(server)
    }

    /// [`Server::with_identity`] over an older server, where it stays, with another form of connection ids: see
    /// [`Server::set_cids`]. After an error nothing has changed.
    pub(crate) fn load(&mut self, identity: Key<'_>, cids: Cids) -> Result<(), Error> {
        self.identity.load::<B>(identity)?;
        self.live = LIVE;
        self.cids = cids;
        self.table = Table::default();
        self.cookies.zeroize();
        self.rate = Rate::default();
        self.resume_limit = RESUMES_IN_A_ROW;
        self.draws = 0;
        self.made = 0;
        self.engine = B::Engine::default();
        Ok(())
    }

    /// Has AES run elsewhere, in the sessions to come too.
    pub fn set_engine(&mut self, engine: B::Engine) {
        self.engine = engine;
    }

    /// Sets the form of the connection ids that devices put into their requests: 1 to 7 bytes, or 0 for as few as
    /// the number of slots allows, beginning with `prefix`, by which several servers tell their devices apart. To
    /// be set before the first message. [`Error::Argument`] for a form that has fewer ids than there are slots.
    pub fn set_cids(&mut self, len: usize, prefix: &[u8], slots: usize) -> Result<(), Error> {
        self.cids = Cids::new(len, prefix, slots)?;
        Ok(())
    }

    /// Sets how many handshakes may begin in a second before a retry cookie is asked for; 0: a quarter as many as slots
    /// are free, at least 8, and 8 where as many X1 were refused in that second; `u32::MAX`: as many as come. Whatever is
    /// set, one is asked for while handshakes fill more than half of their room (section 7).
    pub fn set_retry_rate(&mut self, handshakes: u32) {
        self.rate.limit = handshakes;
    }

    /// Sets how many resumptions there may be between two full handshakes of a device; 1,000 if nothing is set.
    pub fn set_resume_limit(&mut self, in_a_row: u16) {
        self.resume_limit = in_a_row;
    }

    /// What has happened so far, and how the slots, of which there are so many, stand.
    pub fn stats(&self, slots: usize) -> Stats {
        self.table.counters.snapshot(slots)
    }

    /// The server's identity key, a compressed SEC1 point.
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        self.identity.public_key()
    }

    /// Answers one handshake message. [`Status::Send`]: `out` is the answer. [`Status::Refused`]: `out` is an
    /// ALERT or a RETRY, to be sent as well.
    ///
    /// # Errors
    /// [`Error::Unexpected`]: nothing is to be sent (an alert is never answered). [`Error::Random`]: the
    /// platform failed. Those of [`Directory::load_resume`].
    pub fn step<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        input: &[u8],
        out: &mut Message,
    ) -> Result<Status, Error> {
        out.clear();
        self.check_live()?;
        self.made = 0;
        match self.answer(slots, env, input, out) {
            Ok(()) => Ok(Status::Send),
            Err(Refusal::Error(error)) => {
                out.clear();
                Err(error)
            }
            Err(Refusal::Alert(alert)) => {
                self.table.counters.refused(alert);
                out.clear();
                out.put_alert(alert);
                Ok(Status::Refused)
            }
            Err(Refusal::Retry) => {
                self.table.counters.count(|stats| &mut stats.retries);
                Ok(Status::Refused)
            }
        }
    }

    /// Which slot holds the session that the last message made, if it made one: still unconfirmed (section 8). A message
    /// that is repeated makes none.
    pub fn made(&self) -> Option<usize> {
        usize::try_from(self.made).ok()?.checked_sub(1)
    }

    fn answer<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        input: &[u8],
        out: &mut Message,
    ) -> Result<(), Refusal> {
        self.table.clock.advance(env.now_ms);
        if env.peer.len() > PEER_MAX || env.source.len() > PEER_MAX {
            return Err(Error::Argument.into());
        }
        let (parsed, message, cookie) = match parse(input).map_err(|_| refusal_of_malformed(input))? {
            Parsed::Retried { cookie, inner } => {
                (parse(inner).map_err(|_| Alert::Malformed)?, inner, Some(cookie))
            }
            parsed => (parsed, input, None),
        };
        let turn = &mut Turn { slots, env, message, digest: &sha256::<B>(&[message]), out };
        if Type::of(message).is_some_and(Type::opens) {
            self.table.tidy(turn.slots, turn.env.directory);
            if self.repeat(turn) {
                return Ok(());
            }
            self.admit(turn, cookie)?;
        }
        match parsed {
            #[cfg(feature = "signed")]
            Parsed::M1 { cid_c, device_id, x } => self.signed_m2(turn, ClientNames { cid_c, device_id }, x),
            #[cfg(feature = "signed")]
            Parsed::M3 { aad, cid_s, c3 } => self.signed_m4(turn, aad, cid_s, c3),
            #[cfg(feature = "express")]
            Parsed::X1 { x, c1 } => self.express_x2(turn, x, c1).inspect_err(|_| self.rate.note_refused()),
            #[cfg(feature = "resume")]
            Parsed::R1 { aad, cid_s, n_c, t1 } => self.resume_r2(turn, &resume::R1 { aad, cid_s, n_c, t1 }),
            #[cfg(not(feature = "resume"))]
            Parsed::R1 { .. } => Err(Alert::UnknownSession.into()),
            Parsed::Alert(_) => Err(Refusal::Error(Error::Unexpected)),
            #[cfg(not(feature = "signed"))]
            Parsed::M1 { .. } | Parsed::M3 { .. } => Err(Alert::Malformed.into()),
            #[cfg(not(feature = "express"))]
            Parsed::X1 { .. } => Err(Alert::Malformed.into()),
            Parsed::M2 { .. }
            | Parsed::M4 { .. }
            | Parsed::X2 { .. }
            | Parsed::R2 { .. }
            | Parsed::Retry { .. }
            | Parsed::Retried { .. } => Err(Alert::Malformed.into()),
        }
    }

    /// Answers a first message that has come before with what was stored. Whether it had.
    fn repeat<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        turn: &mut Turn<'_, '_, B, P, D>,
    ) -> bool {
        let index = self.table.find_first(turn.slots, &handshake::short(turn.digest));
        let Some(slot) = index.and_then(|index| turn.slots.get(index)) else { return false };
        turn.out.put(&slot.first_answer);
        self.table.counters.count(|stats| &mut stats.duplicates);
        true
    }

    /// Lets a first message pass, or has its sender prove its address: where handshakes fill more than half of
    /// their room, or come faster than they should (section 7). A bad cookie counts as none. Whoever holds too much of
    /// a room that is short is told so before anything is computed.
    #[inline(never)] // its frame is not needed during the handshake
    fn admit<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        turn: &mut Turn<'_, '_, B, P, D>,
        cookie: Option<&[u8; COOKIE_LEN]>,
    ) -> Result<(), Refusal> {
        let now_ms = self.table.clock.now();
        let is_too_fast = self.rate.is_exceeded(now_ms, self.table.free(turn.slots.len()));
        let is_crowded = self.table.is_crowded(turn.slots.len());
        if !is_too_fast && !is_crowded {
            return Ok(());
        }
        let bearer = Bearer { peer: turn.env.peer, message: turn.message };
        if cookie.is_some_and(|cookie| self.cookies.is_good::<B>(now_ms, &bearer, cookie)) {
            let has_slot =
                !is_crowded || self.table.choose(turn.slots, turn.env.directory, turn.env.source).is_some();
            return if has_slot { Ok(()) } else { Err(Alert::Busy.into()) };
        }
        let (identity, counter) = (self.identity.hedge(), &mut self.draws);
        let mut hedge = Hedge { platform: turn.env.platform, identity, counter, context: turn.digest };
        let cookie = self.cookies.make::<B, P>(&mut hedge, now_ms, &bearer)?;
        turn.out.put_type(Type::Retry);
        turn.out.put(&cookie);
        Err(Refusal::Retry)
    }

    /// Ends every session and handshake of a device, which has been taken out of the directory or got another
    /// key there, in storage too. Returns how many there were in slots. [`Error::Storage`]: those are ended all the
    /// same, and the directory, which is asked again, still refuses the device what is in storage.
    pub fn forget<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        device_id: &[u8],
    ) -> Result<usize, Error> {
        let count = self.table.release_device(slots, directory, device_id, u64::MAX);
        if directory.stores() {
            directory.save_resume(device_id, &[], None)?;
        }
        Ok(count)
    }

    /// Wipes the identity and every slot. Later use is [`Error::Uninitialised`].
    pub fn wipe<D: Directory + ?Sized>(&mut self, slots: &mut [Slot<B>], directory: &mut D) {
        slots.iter_mut().enumerate().for_each(|(index, slot)| slot.wipe(directory, index));
        self.live = 0;
        self.identity.wipe();
        self.cookies.zeroize();
        self.table = Table::default();
    }

    pub(crate) fn check_live(&self) -> Result<(), Error> {
        if self.live == LIVE { Ok(()) } else { Err(Error::Uninitialised) }
    }
}

impl<B: Backend> Drop for Server<B> {
    fn drop(&mut self) {
        self.cookies.zeroize();
    }
}

/// No alert answers an alert, and what begins like one may be meant as one.
fn refusal_of_malformed(input: &[u8]) -> Refusal {
    if Type::of(input) == Some(Type::Alert) {
        Refusal::Error(Error::Unexpected)
    } else {
        Refusal::Alert(Alert::Malformed)
    }
}

/// A handshake message that is being answered, and all that this takes.
struct Turn<'a, 'e, B: Backend, P: Platform + ?Sized, D: Directory + ?Sized> {
    slots: &'a mut [Slot<B>],
    env: &'a mut Env<'e, P, D>,
    /// The message, out of its RETRIED.
    message: &'a [u8],
    /// Its SHA-256.
    digest: &'a [u8; 32],
    /// The answer.
    out: &'a mut Message,
}

/// Why a handshake message was not answered as it hoped.
enum Refusal {
    /// A refusal to send.
    Alert(Alert),
    /// Nothing to send.
    Error(Error),
    /// A RETRY to send, which has been written.
    Retry,
}

impl From<Alert> for Refusal {
    fn from(alert: Alert) -> Self {
        Self::Alert(alert)
    }
}

impl From<Error> for Refusal {
    /// Errors of the message have been mapped to alerts where they arise.
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
