//! Observations (RFC 7641): they outlive sessions, and are registered anew when nothing else is out.

use super::answer::Header;
use super::flight::{NEVER, TOKEN_LEN, Token};
use super::inside::Inside;
use super::transfer::{Etag, Transfer};
use super::types::{Piece, Request};
use super::{Device, End, Env, Stage, TIMEOUT_MS, Task, or};
use crate::coap::message::{Frame, is_response};
use crate::crypto::Backend;
use crate::error::Error;
use crate::session::Exchange;

/// An observation is registered anew so long after its Max-Age (RFC 7641 section 3.3.1), and up to
const AFTER_MS: u32 = 5_000;
/// so much longer.
const SPREAD_MS: u32 = 10_000;
/// And so long after it could not be.
const AGAIN_MS: u64 = 60_000;

/// What an observation is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
enum Wish {
    /// There is none.
    #[default]
    Free,
    /// Notifications are awaited, and it is registered anew when it is due.
    Live,
    /// It is to be deregistered.
    Leave,
}

/// Room for one observation. Its contents are the device's.
#[derive(Default)]
pub struct Observation {
    name: usize,
    /// When it registers anew.
    due_ms: u64,
    /// When it does at the latest.
    refresh_ms: u64,
    exchange: Exchange,
    token: Token,
    wish: Wish,
    /// A notification has more blocks: from `offset` on, of `szx`.
    has_rest: bool,
    szx: u8,
    etag: Etag,
    offset: u32,
}

impl Observation {
    fn is_at(&self, name: usize) -> bool {
        self.wish != Wish::Free && self.name == name
    }

    /// When there is something to do for it.
    fn work_ms(&self) -> u64 {
        match self.wish {
            Wish::Free => NEVER,
            Wish::Leave => 0,
            Wish::Live if self.has_rest => 0,
            Wish::Live => self.due_ms.min(self.refresh_ms),
        }
    }
}

/// Whether a request can begin: its name is not observed already, and there is room if it is to be.
pub(super) fn check_room(env: &Env<'_>, name: usize, request: &Request<'_>) -> Result<(), Error> {
    if env.observations.iter().any(|observation| observation.is_at(name)) {
        return Err(Error::State);
    }
    if !request.observe {
        return Ok(());
    }
    if !matches!(request.code, 1 | 5) {
        return Err(Error::Argument);
    }
    let has_room = env.observations.iter().any(|observation| observation.wish == Wish::Free);
    if has_room { Ok(()) } else { Err(Error::Capacity) }
}

impl<B: Backend> Device<B> {
    /// When something is to be done for an observation, or a group.
    pub(super) fn work_due(&self, observations: &[Observation]) -> u64 {
        let due = observations.iter().map(Observation::work_ms).min().unwrap_or(NEVER);
        #[cfg(feature = "group")]
        let due = due.min(self.asking.at_ms);
        if due == NEVER { NEVER } else { due.max(self.now_ms) }
    }

    /// Begins what is due for one of them. False: nothing is.
    pub(super) fn find_work(&mut self, env: &mut Env<'_>) -> bool {
        #[cfg(feature = "group")]
        if self.find_ask(env) {
            return true;
        }
        let now = self.now_ms;
        let due = env.observations.iter().enumerate().min_by_key(|(_, observation)| observation.work_ms());
        let Some((at, observation)) = due.filter(|(_, observation)| observation.work_ms() <= now) else {
            return false;
        };
        let task = match observation.wish {
            Wish::Leave => Task::Leave,
            _ if observation.has_rest => Task::Fetch,
            _ => Task::Renew,
        };
        self.begin(task, observation.name, TIMEOUT_MS);
        self.observation = at;
        if task == Task::Fetch {
            self.transfer = Transfer {
                down: usize::try_from(observation.offset).unwrap_or(0),
                down_szx: observation.szx,
                etag: observation.etag,
                ..Transfer::new(0)
            };
        }
        true
    }

    /// A request comes first: what is being done for an observation is begun anew later.
    pub(super) fn interrupt(&mut self, env: &mut Env<'_>) {
        if self.task != Task::None {
            self.settle_as(env, None);
        }
    }

    /// The task of an observation has ended.
    pub(super) fn settle(&mut self, env: &mut Env<'_>) {
        self.settle_as(env, Some(self.end));
    }

    fn settle_as(&mut self, env: &mut Env<'_>, end: Option<End>) {
        let again = self.now_ms.saturating_add(AGAIN_MS);
        let (task, at) = (self.task, self.observation);
        self.stop(); // an ASK is asked again when it is due
        let Some(observation) = env.observations.get_mut(at) else { return };
        match (task, end) {
            (_, None | Some(End::Done | End::Not)) => {}
            (Task::Leave, Some(_)) => self.end_observation(env, at, Error::Cancelled, 0),
            (_, Some(End::NoAnswer | End::Refused | End::Storage | End::Hardware)) => {
                (observation.due_ms, observation.refresh_ms) = (again, NEVER);
                observation.has_rest = false;
            }
            (_, Some(end)) => {
                let why = self.result(end).err().unwrap_or(Error::Malformed);
                self.end_observation(env, at, why, 0);
            }
        }
    }

    /// Tells the application that an observation has ended.
    fn end_observation(&mut self, env: &mut Env<'_>, at: usize, why: Error, code: u8) {
        let Some(observation) = env.observations.get_mut(at) else { return };
        let name = core::mem::take(observation).name;
        tell_end(env, name, why, code);
    }

    /// All of them are registered anew.
    pub(super) fn register_all(&mut self, env: &mut Env<'_>) {
        for observation in env.observations.iter_mut().filter(|observation| observation.wish == Wish::Live) {
            (observation.due_ms, observation.has_rest) = (self.now_ms, false);
        }
    }

    /// An observation is given up: deregistered by a message with a token of its own.
    pub(super) fn leave(&mut self, env: &mut Env<'_>, name: usize) -> Result<(), Error> {
        let at =
            env.observations.iter().position(|observation| observation.is_at(name)).ok_or(Error::State)?;
        if self.task != Task::Request && self.task != Task::None && self.observation == at {
            self.stop();
        }
        if let Some(observation) = env.observations.get_mut(at) {
            observation.wish = Wish::Leave;
        }
        Ok(())
    }

    /// An observation that is registered anew keeps its token, so that a server takes it for the same.
    pub(super) fn use_token_of_observation(&mut self, env: &mut Env<'_>) {
        if let (Task::Renew, Some(observation)) = (self.task, env.observations.get(self.observation)) {
            (self.flight.token, self.flight.has_token) = (observation.token, true);
        }
    }

    /// Whether notifications have this token.
    pub(super) fn is_observed(&self, env: &Env<'_>, token: &[u8; TOKEN_LEN]) -> bool {
        env.observations
            .iter()
            .any(|observation| observation.wish == Wish::Live && observation.token == *token)
    }

    /// The answer to a request with Observe: that of a registration, if it has Observe too.
    pub(super) fn registered(&mut self, env: &mut Env<'_>, inside: &Inside<'_>) {
        let name = self.name;
        let free = env.observations.iter().position(|observation| observation.wish == Wish::Free);
        let at = if self.task == Task::Renew { Some(self.observation) } else { free };
        let Some(at) = at.filter(|_| inside.observe && is_good(inside.code)) else {
            if self.task == Task::Renew {
                self.end_observation(env, self.observation, Error::Unexpected, inside.code);
            } else {
                // What came is an answer like any other, and there is no observation.
                let _ = env.requests.take(name, &inside.piece(0, false, false));
                tell_end(env, name, Error::Unexpected, inside.code);
            }
            return self.finish(End::Done);
        };
        if let Some(observation) = env.observations.get_mut(at) {
            let refresh_ms = u64::from(self.settings.refresh_s).saturating_mul(1_000);
            *observation = Observation {
                name,
                wish: Wish::Live,
                exchange: self.exchange.clone(),
                token: self.flight.token,
                refresh_ms: self.now_ms.saturating_add(or(refresh_ms, NEVER)),
                ..Observation::default()
            };
        }
        self.finish(End::Done);
        self.news(env, at, inside);
    }

    /// A notification.
    pub(super) fn notified(
        &mut self,
        env: &mut Env<'_>,
        header: &Header,
        token: &[u8; TOKEN_LEN],
        datagram: &mut [u8],
    ) {
        let is_it = |observation: &Observation| observation.wish == Wish::Live && observation.token == *token;
        let Some(at) = env.observations.iter().position(is_it) else { return };
        let Some(observation) = env.observations.get_mut(at) else { return };
        let len = datagram.len();
        // It may be of the session before the newest one.
        let mut opened = Err(Error::State);
        for held in &mut self.held {
            if opened == Err(Error::State) && held.session.is_live() {
                opened = held.session.unprotect_response(&mut observation.exchange, datagram, len);
            }
        }
        let Ok(len) = opened else { return self.acknowledge_again(header) };
        self.acknowledge(header);
        let message = datagram.get(..len).unwrap_or(&[]);
        let inside = Frame::read(message).and_then(|frame| Inside::read(message, &frame));
        if !matches!(self.task, Task::None | Task::Request) && self.observation == at {
            self.stop(); // of older news
        }
        match inside {
            Ok(inside) if is_good(inside.code) => self.news(env, at, &inside),
            Ok(inside) => self.end_observation(env, at, Error::Unexpected, inside.code),
            Err(error) => self.end_observation(env, at, error, 0),
        }
    }

    /// What is new, or the first of its blocks.
    fn news(&mut self, env: &mut Env<'_>, at: usize, inside: &Inside<'_>) {
        let spread =
            self.draw(env).map_or(SPREAD_MS / 2, |random| u32::from(u16::from_be_bytes(random)) % SPREAD_MS);
        let after = u64::from(inside.max_age_s)
            .saturating_mul(1_000)
            .saturating_add(AFTER_MS.saturating_add(spread).into());
        let Some(observation) = env.observations.get_mut(at) else { return };
        observation.due_ms = self.now_ms.saturating_add(after);
        observation.has_rest = false;
        let name = observation.name;
        let (more, szx) = inside.block2.map_or((false, 0), |block| (block.more, block.szx));
        if more {
            observation.has_rest = true;
            observation.szx = szx;
            observation.offset = u32::try_from(inside.payload.len()).unwrap_or(0);
            observation.etag = Etag::copy_of(inside.etag, Error::Malformed).unwrap_or(Etag::EMPTY);
        }
        self.code = inside.code;
        if env.requests.take(name, &inside.piece(0, more, true)).is_err() {
            let _ = self.leave(env, name);
        }
    }

    /// An answer to what was sent for an observation.
    pub(super) fn take_background(&mut self, env: &mut Env<'_>, inside: &Inside<'_>) {
        match self.task {
            Task::Renew => self.registered(env, inside),
            Task::Fetch => match self.take_block(env, inside, true, true) {
                Ok(true) => self.stage = Stage::Prepare,
                Ok(false) => {
                    if let Some(observation) = env.observations.get_mut(self.observation) {
                        observation.has_rest = false;
                    }
                    self.finish(End::Done);
                }
                Err(End::Cancelled) => {
                    let name = self.name;
                    self.finish(End::Done);
                    let _ = self.leave(env, name);
                }
                Err(end) => self.finish(end),
            },
            #[cfg(feature = "group")]
            Task::Ask => self.take_group(env, inside),
            _ => self.finish(End::Cancelled),
        }
    }
}

fn tell_end(env: &mut Env<'_>, name: usize, why: Error, code: u8) {
    let piece = Piece {
        ended: Some(why),
        code,
        more: false,
        notification: true,
        content_format: None,
        max_age_s: 0,
        offset: 0,
        options: &[],
        payload: &[],
    };
    let _ = env.requests.take(name, &piece);
}

/// Whether a notification goes on: its code is of class 2.
fn is_good(code: u8) -> bool {
    is_response(code) && code >> 5 == 2
}
