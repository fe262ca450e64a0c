//! How a device comes by a session: resumed, else by a full handshake, in rounds. The older session stays until an
//! answer has opened in the newer one.

use super::flight::Flight;
use super::types::Request;
use super::{Device, End, Env, Stage, Task};
use crate::bytes::copy;
use crate::coap::option::PAYLOAD_MARKER;
use crate::crypto::Backend;
use crate::error::{Alert, Error, Status};
use crate::session::Session;
use crate::wire::{Message, Type};

/// POST /.well-known/lscoap, Content-Format 65001: options and marker.
const OPTIONS: &[u8] = b"\xbb.well-known\x06lscoap\x12\xfd\xe9";
/// Its code.
const POST: u8 = 2;

/// After the first round; doubled after each further one.
const PAUSE_MS: u32 = 1_000;

/// One of the two sessions.
pub(super) struct Held<B: Backend> {
    pub session: Session<B>,
    /// An answer has opened in it.
    pub proven: bool,
    /// It has been stored.
    pub stored: bool,
}

impl<B: Backend> Held<B> {
    pub fn new() -> Self {
        Self { session: Session::new(), proven: false, stored: false }
    }

    pub fn wipe(&mut self) {
        self.session.wipe();
        (self.proven, self.stored) = (false, false);
    }
}

impl<B: Backend> Device<B> {
    /// The session in use.
    #[inline(never)] // called from many places
    pub(super) fn held(&mut self) -> &mut Held<B> {
        let [first, second] = &mut self.held;
        if self.second { second } else { first }
    }

    /// The other one.
    pub(super) fn other(&mut self) -> &mut Held<B> {
        let [first, second] = &mut self.held;
        if self.second { first } else { second }
    }

    /// Uses the session that an answer has opened in, where the newer one has not come so far.
    fn fall_back(&mut self) {
        if self.other().proven && !self.held().proven {
            self.second = !self.second;
        }
    }

    /// Another round of connecting, or the end of the request.
    pub(super) fn connect(&mut self, env: &mut Env<'_>, why: End) {
        self.fall_back();
        if self.rounds >= self.settings.attempts {
            return self.finish(why);
        }
        let pause = match self.rounds {
            0 => 0,
            rounds => self.spread_now(env, PAUSE_MS << rounds.saturating_sub(1).min(5)),
        };
        self.rounds = self.rounds.saturating_add(1);
        self.may_resume = self.held().session.is_live();
        self.begin_at(self.now_ms.saturating_add(pause));
    }

    #[inline(never)] // called from many places
    fn begin_at(&mut self, due_ms: u64) {
        self.stage = Stage::Connect;
        self.flight = Flight { due_ms, ..Flight::default() };
    }

    /// The first message of a handshake. [`Error::Random`]: tried again at the deadline.
    pub(super) fn begin_handshake(&mut self, env: &mut Env<'_>) -> Result<(), Error> {
        let mut message = Message::new();
        let resumes = self.may_resume && {
            let [first, second] = &self.held;
            let old = if self.second { second } else { first };
            self.client.resume(&old.session).is_ok()
        };
        self.may_resume = resumes;
        if !resumes {
            self.client.restart()?;
        }
        let begun = self.client.step(env.platform, None, &mut message);
        begun.inspect_err(|_| self.flight.due_ms = self.now_ms.saturating_add(u64::from(PAUSE_MS)))?;
        self.alert = 0;
        self.put_handshake(env, &message);
        Ok(())
    }

    /// Has a handshake message sent.
    fn put_handshake(&mut self, env: &mut Env<'_>, message: &[u8]) {
        let parts: [&[u8]; 4] = [&[0, POST, 0, 0, 0, 0, 0, 0], OPTIONS, &[PAYLOAD_MARKER], message];
        let mut len = 0_usize;
        for part in parts {
            copy(env.buffer.get_mut(len..).unwrap_or(&mut []), part);
            len = len.saturating_add(part.len());
        }
        self.stage = Stage::Handshake;
        self.flight = Flight::new(len, self.now_ms);
        self.flight.is_m3 = Type::of(message) == Some(Type::M3);
    }

    /// The payload of an answer to a handshake message. `Ok`: it was taken.
    pub(super) fn take_handshake(&mut self, env: &mut Env<'_>, payload: &[u8]) -> Result<(), Error> {
        let mut message = Message::new();
        match self.client.step(env.platform, Some(payload), &mut message)? {
            Status::Send => self.put_handshake(env, &message),
            _ => self.established(env)?,
        }
        Ok(())
    }

    /// A new session comes into use beside the older one.
    fn established(&mut self, env: &mut Env<'_>) -> Result<(), Error> {
        self.second = !self.second;
        self.held().wipe();
        let [first, second] = &mut self.held;
        let new = if self.second { second } else { first };
        self.client.finish_into(&mut new.session)?;
        self.flight = Flight::default();
        self.stage = Stage::Prepare;
        self.begin_bodies_anew();
        self.register_all(env);
        let may_repeat = |request: Request<'_>| request.at_least_once || is_idempotent(request.code);
        let is_ask = self.task == Task::Ask; // another one, whose answer is in the new session
        if self.was_sent && !is_ask && !env.requests.get(self.name).is_some_and(may_repeat) {
            self.finish(End::Uncertain);
        }
        Ok(())
    }

    /// A handshake message was refused twice, by `self.alert` or by something else. Once an M3 has spoilt a handshake,
    /// or a session is refused, it is begun anew.
    pub(super) fn handshake_refused(&mut self, env: &mut Env<'_>) {
        if self.may_resume {
            self.may_resume = false;
            return self.begin_at(self.now_ms);
        }
        let why = if self.alert == 0 { End::NoAnswer } else { End::Refused };
        self.connect(env, why);
    }

    /// M3 was not answered for as long as the server remembers the handshake: from the start.
    pub(super) fn handshake_forgotten(&mut self) {
        self.may_resume = false;
        self.begin_at(self.now_ms);
    }

    /// Notes the alert that a handshake was refused with. A server that refuses a signature answers the second M3 with
    /// "unknown session": the first one says more.
    pub(super) fn note_alert(&mut self, alert: Alert) {
        if !(self.flight.is_m3 && self.flight.hinted && self.alert != 0) {
            self.alert = alert.code();
        }
    }

    /// The time of a request is over.
    pub(super) fn run_out(&mut self) {
        let is_connecting = matches!(self.stage, Stage::Connect | Stage::Handshake);
        let why = if is_connecting && self.alert != 0 { End::Refused } else { End::NoAnswer };
        self.finish(why);
    }
}

/// Methods whose repetition changes nothing (RFC 7252 section 5.1, RFC 8132): all but POST and PATCH.
fn is_idempotent(code: u8) -> bool {
    !matches!(code, POST | 6)
}
