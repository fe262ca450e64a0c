//! A device's whole client side over one datagram socket, without the socket: sessions, retransmission (RFC 7252),
//! blocks (RFC 7959) and Observe (RFC 7641) around sealed requests. No clock, heap or thread either. The caller gives
//! datagrams and the time, and sends and stores what [`Device::poll`] says.
//!
//! One server, and one request at a time (NSTART 1) beside any number of observations. The rules:
//!
//! - A request goes out in the session that there is, else the stored one; where there is none, a full handshake makes
//!   one. Silence never causes a handshake.
//! - A refusal in the clear (4.00, 4.01, 4.02) is a hint, for anybody can send one: the same sealed bytes go out under a new token. A
//!   second hint, and the session is resumed; where that is refused twice, a full handshake is made. So in `attempts`
//!   rounds, 1 s · 2ⁿ · (1 to 1.5) apart. 5.03: again after Max-Age, at most 60 s. An M3 that is not answered for 30 s:
//!   from the start.
//! - The older session is wiped, and the newer one stored, when the first answer opens in the newer one. The request
//!   then has gone out again in it, unless it is a POST or PATCH that may have been executed: [`Error::Uncertain`].
//! - Answers that come by themselves are acknowledged once they have opened, their duplicates too; a Reset is for tokens
//!   that nobody knows.
//! - The members of a device's groups ask in the session by themselves, when no request is out.
//! - Observations outlive sessions: they are registered anew one by one when no request is out, and Max-Age and 5 to
//!   15 s after the last news.

mod answer;
mod build;
mod connect;
mod flight;
#[cfg(feature = "group")]
mod group;
mod inside;
mod observe;
mod state;
mod storing;
#[cfg(test)]
mod tests;
mod transfer;
mod types;

#[cfg(feature = "group")]
pub use group::{Groups, Members};
pub use observe::Observation;
pub use types::{Config, Env, Payload, Piece, Poll, Request, Requests};

use crate::client::Client;
use crate::coap::Carrier;
use crate::crypto::{Backend, Software};
use crate::error::{Alert, Error};
use crate::limits::SESSION_BLOB_MAX;
use crate::session::{Exchange, Session};
use crate::stored::Stored;
use connect::Held;
use flight::{Flight, NEVER};
use state::{End, Settings, Stage, Storing, Task};
use transfer::Transfer;
use zeroize::Zeroize;

/// The shortest and the longest buffer for the message that is out, in bytes.
pub const BUFFER_MIN: usize = 160;
/// See [`BUFFER_MIN`].
pub const BUFFER_MAX: usize = 1_152;

/// MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2).
const TIMEOUT_MS: u32 = 93_000;

/// Marks an initialised device; zeroed memory is none.
const LIVE: u32 = 0x4c53_4445;

/// Message ids that were acknowledged last.
const ACKNOWLEDGED: usize = 4;

/// A device. Secrets are wiped when it is dropped. Moving one leaves copies of them behind.
pub struct Device<B: Backend = Software> {
    live: u32,
    client: Client<B>,
    /// The session in use, and room for the next or the one before.
    held: [Held<B>; 2],
    /// Which one it is.
    second: bool,
    settings: Settings,
    now_ms: u64,

    task: Task,
    stage: Stage,
    end: End,
    /// The task's request; 0: only to connect.
    name: usize,
    /// The observation that the task is for.
    observation: usize,
    /// When the task has failed.
    end_ms: u64,
    flight: Flight,
    exchange: Exchange,
    transfer: Transfer,

    /// Rounds of connecting that the task has had.
    rounds: u8,
    /// The handshake is, or will be, a resumption.
    may_resume: bool,
    /// The alert that the handshake was refused with.
    alert: u8,
    /// All of the task's request has gone out.
    was_sent: bool,

    #[cfg(feature = "group")]
    asking: group::Asking,

    storing: Storing,
    suspends: bool,
    /// The task waits for numbers.
    is_unstored: bool,
    store_end: u64,
    blob: Stored<SESSION_BLOB_MAX>,

    /// An empty message that is to be sent.
    reply: [u8; 4],
    has_reply: bool,
    acknowledged: [u16; ACKNOWLEDGED],
    acknowledged_len: u8,
    has_id: bool,
    next_id: u16,
    /// The code of the last answer.
    code: u8,
}

/// What [`Device::poll`] gives, before it borrows anything.
enum Next {
    Idle,
    Reply,
    Message,
    Store,
    Done,
}

impl<B: Backend> Device<B> {
    /// A device without a session.
    ///
    /// # Errors
    /// Those of [`Client::new`].
    pub fn new(config: &Config<'_>) -> Result<Self, Error> {
        let mut device = Self {
            live: 0,
            client: Client::new(&config.client)?,
            held: [Held::new(), Held::new()],
            second: false,
            settings: Settings::default(),
            now_ms: 0,
            task: Task::None,
            stage: Stage::Idle,
            end: End::Not,
            name: 0,
            observation: 0,
            end_ms: 0,
            flight: Flight::default(),
            exchange: Exchange::default(),
            transfer: Transfer::default(),
            rounds: 0,
            may_resume: false,
            alert: 0,
            was_sent: false,
            #[cfg(feature = "group")]
            asking: group::Asking::default(),
            storing: Storing::Not,
            suspends: false,
            is_unstored: false,
            store_end: 0,
            blob: Stored::EMPTY,
            reply: [0; 4],
            has_reply: false,
            acknowledged: [0; ACKNOWLEDGED],
            acknowledged_len: 0,
            has_id: false,
            next_id: 0,
            code: 0,
        };
        device.load(config)?;
        Ok(device)
    }

    /// [`Device::new`] over an older device, or zeroes, where it stays.
    pub(crate) fn load(&mut self, config: &Config<'_>) -> Result<(), Error> {
        self.client.load(&config.client)?;
        self.forget();
        self.settings = Settings {
            carrier: config.carrier as u8,
            max_retransmit: or(config.max_retransmit, 4),
            attempts: or(config.attempts, 3),
            ack_timeout_ms: or(config.ack_timeout_ms, 2_000),
            store_block: config.store_block,
            refresh_s: config.refresh_s,
        };
        self.live = LIVE;
        Ok(())
    }

    /// Has AES run elsewhere.
    pub fn set_engine(&mut self, engine: B::Engine) {
        self.client.set_engine(engine);
    }

    /// Begins a request, and connects first where there is no session. `None` only connects. [`Device::poll`] then says what
    /// to send, and how it ended.
    ///
    /// # Errors
    /// [`Error::State`]: a request is under way, or is being observed. [`Error::Argument`]: no such request, a method that is none, or a path that is
    /// none. [`Error::TooLong`]: it does not fit the buffer, not even in blocks. [`Error::Capacity`]: no room for another
    /// observation.
    pub fn request(&mut self, env: &mut Env<'_>, name: Option<usize>) -> Result<(), Error> {
        self.check_idle()?;
        if !(BUFFER_MIN..=BUFFER_MAX).contains(&env.buffer.len()) {
            return Err(Error::Argument);
        }
        self.tick(env.now_ms);
        let mut timeout_ms = TIMEOUT_MS;
        if let Some(name) = name {
            let request = env.requests.get(name).filter(|_| name != 0).ok_or(Error::Argument)?;
            timeout_ms = or(request.timeout_ms, timeout_ms);
            observe::check_room(env, name, &request)?;
        }
        self.interrupt(env);
        self.begin(Task::Request, name.unwrap_or(0), timeout_ms);
        if name.is_some() {
            // What does not fit is said now, not after the handshake.
            if let Err(error) = self.build(env) {
                self.stop();
                return Err(error);
            }
        }
        Ok(())
    }

    fn begin(&mut self, task: Task, name: usize, timeout_ms: u32) {
        self.end_ms = self.now_ms.saturating_add(timeout_ms.into());
        (self.task, self.name, self.stage) = (task, name, Stage::Prepare);
        (self.rounds, self.was_sent, self.alert, self.end) = (0, false, 0, End::Not);
        self.transfer = Transfer::new(self.next_id);
    }

    #[inline(never)] // called from many places
    fn stop(&mut self) {
        (self.task, self.stage, self.end) = (Task::None, Stage::Idle, End::Not);
        self.flight = Flight::default();
    }

    /// The task has ended; [`Device::poll`] says so.
    #[inline(never)] // called from many places
    fn finish(&mut self, end: End) {
        (self.stage, self.end) = (Stage::Idle, end);
        self.flight = Flight::default();
    }

    /// What to do now: call it again until it is [`Poll::Idle`], which stays so until the deadline. The timers of a message begin
    /// when it is given.
    ///
    /// # Errors
    /// [`Error::Random`]: the random source failed, or [`Error::Hardware`] in a handshake; it is tried again at the deadline, and the request goes on. Any
    /// other error ends the request, and is said once: [`Error::NoAnswer`], [`Error::Uncertain`], [`Error::Storage`],
    /// [`Error::TooLong`], [`Error::Cancelled`], [`Error::BadOption`] and [`Error::Malformed`] for an answer that is
    /// none, [`Error::Alert`] where the server refuses handshakes.
    pub fn poll<'a>(&'a mut self, env: &'a mut Env<'_>) -> Result<Poll<'a>, Error> {
        self.check_live()?;
        self.tick(env.now_ms);
        Ok(match self.next(env)? {
            Next::Idle => Poll::Idle,
            Next::Reply => Poll::Send(&self.reply),
            Next::Message => Poll::Send(env.buffer.get(..self.flight.len.into()).unwrap_or(&[])),
            Next::Store => Poll::Store(self.blob.as_slice()),
            Next::Done => Poll::Done(if self.name == 0 { 0 } else { self.code }),
        })
    }

    fn next(&mut self, env: &mut Env<'_>) -> Result<Next, Error> {
        loop {
            if core::mem::take(&mut self.has_reply) {
                return Ok(Next::Reply);
            }
            if self.make_blob() {
                return Ok(Next::Store);
            }
            if self.end != End::Not {
                let (task, end) = (self.task, self.end);
                if task == Task::Request {
                    self.stop();
                    return self.result(end).map(|()| Next::Done);
                }
                self.settle(env);
            }
            if self.task == Task::None && !self.find_work(env) {
                return Ok(Next::Idle);
            }
            let is_due = self.now_ms >= self.flight.due_ms;
            match self.stage {
                _ if self.now_ms >= self.end_ms => self.run_out(),
                Stage::Prepare => self.prepare(env),
                Stage::Connect if is_due => self.begin_handshake(env)?,
                Stage::Handshake if is_due && self.is_m3_forgotten() => self.handshake_forgotten(),
                Stage::Handshake | Stage::Sealed if is_due => {
                    return self.transmit(env).map(|()| Next::Message);
                }
                _ => return Ok(Next::Idle),
            }
        }
    }

    fn is_m3_forgotten(&self) -> bool {
        let flight = &self.flight;
        flight.is_m3 && !flight.is_new && self.now_ms >= flight.began_ms.saturating_add(flight::M3_MS)
    }

    fn result(&self, end: End) -> Result<(), Error> {
        Err(match end {
            End::Not | End::Done => return Ok(()),
            End::NoAnswer => Error::NoAnswer,
            End::Uncertain => Error::Uncertain,
            End::Storage => Error::Storage,
            End::TooLong => Error::TooLong,
            End::Cancelled => Error::Cancelled,
            End::BadOption => Error::BadOption,
            End::Malformed => Error::Malformed,
            End::Refused => Alert::from_code(self.alert).map_or(Error::NoAnswer, Error::Alert),
            End::Hardware => Error::Hardware,
        })
    }

    /// Seals what comes next; a session is made first where there is none.
    fn prepare(&mut self, env: &mut Env<'_>) {
        if !self.held().session.is_live() {
            return self.connect(env, End::NoAnswer);
        }
        if self.task == Task::Request && self.name == 0 {
            return self.finish(End::Done);
        }
        let Ok(carrier) = Carrier::from_number(self.settings.carrier) else {
            return self.finish(End::Malformed);
        };
        let sealed = self.build(env).and_then(|built| {
            let sealed = self.held().session.protect_request(carrier, env.buffer, built.len);
            sealed.map(|(len, exchange)| (built, len, exchange))
        });
        match sealed {
            Ok((built, len, exchange)) => {
                self.exchange = exchange;
                self.was_sent |= built.is_last;
                self.stage = Stage::Sealed;
                self.flight = Flight::new(len, self.now_ms);
                self.flight.non = built.non;
                self.use_token_of_observation(env);
            }
            Err(error) => {
                env.buffer.zeroize(); // it may hold plaintext
                match error {
                    Error::Unstored => (self.storing, self.is_unstored) = (Storing::Wanted, true),
                    Error::Exhausted => self.connect(env, End::NoAnswer),
                    Error::TooLong | Error::Capacity => self.finish(End::TooLong),
                    Error::Hardware => self.finish(End::Hardware),
                    Error::Cancelled => self.finish(End::Cancelled),
                    _ => self.finish(End::Malformed),
                }
            }
        }
    }

    /// When [`Device::poll`] is to be called next, if nothing else happens; `u64::MAX`: not before that.
    pub fn deadline(&self, observations: &[Observation]) -> u64 {
        if self.live != LIVE {
            return NEVER;
        }
        if self.has_reply || self.storing != Storing::Not || self.end != End::Not {
            return self.now_ms;
        }
        match self.stage {
            Stage::Idle => self.work_due(observations),
            Stage::Prepare => self.now_ms,
            _ => self.flight.due_ms.min(self.end_ms),
        }
    }

    /// The device has another address, or its socket is another: what is out goes out again now, and observations are
    /// registered anew.
    pub fn moved(&mut self, env: &mut Env<'_>) -> Result<(), Error> {
        self.check_live()?;
        self.tick(env.now_ms);
        if matches!(self.stage, Stage::Handshake | Stage::Sealed) {
            (self.flight.due_ms, self.flight.sent) = (self.now_ms, 0);
        }
        self.register_all(env);
        Ok(())
    }

    /// Gives the request up, and drops its late answer; an observation is deregistered.
    ///
    /// # Errors
    /// [`Error::State`]: it is not under way.
    pub fn cancel(&mut self, env: &mut Env<'_>, name: usize) -> Result<(), Error> {
        self.check_live()?;
        self.tick(env.now_ms);
        if self.task == Task::Request && self.name == name {
            if self.end == End::Not {
                self.finish(End::Cancelled);
            }
            return Ok(());
        }
        self.leave(env, name)
    }

    /// The code inside the last answer; 0: none.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// The session in use, for its fingerprint and for exported keys.
    pub fn session(&self) -> Option<&Session<B>> {
        let [first, second] = &self.held;
        let held = if self.second { second } else { first };
        Some(&held.session).filter(|session| session.is_live())
    }

    /// Wipes identity and sessions. Later use is [`Error::Uninitialised`].
    pub fn wipe(&mut self) {
        self.client.wipe();
        self.forget();
    }

    /// All but the identity.
    fn forget(&mut self) {
        self.live = 0;
        self.held.iter_mut().for_each(Held::wipe);
        self.blob.wipe();
        (self.second, self.storing, self.suspends, self.is_unstored) = (false, Storing::Not, false, false);
        (self.has_reply, self.acknowledged_len, self.has_id, self.code, self.now_ms) =
            (false, 0, false, 0, 0);
        #[cfg(feature = "group")]
        {
            self.asking = group::Asking::default();
        }
        self.stop();
    }

    pub(crate) fn check_live(&self) -> Result<(), Error> {
        if self.live == LIVE { Ok(()) } else { Err(Error::Uninitialised) }
    }

    /// Nobody waits for the end of a request.
    fn check_idle(&self) -> Result<(), Error> {
        self.check_live()?;
        if self.task == Task::Request { Err(Error::State) } else { Ok(()) }
    }

    #[inline(never)] // called from many places
    fn tick(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }
}

/// A value, or what stands for zero.
fn or<T: Default + PartialEq>(value: T, default: T) -> T {
    if value == T::default() { default } else { value }
}

/// A clock of 32 bits as one of 64, where it is looked at once in 49 days at least.
pub fn extend_ms(last: &mut u64, ms: u32) -> u64 {
    let low = u32::try_from(*last & u64::from(u32::MAX)).unwrap_or(0);
    *last = last.saturating_add(ms.wrapping_sub(low).into());
    *last
}
