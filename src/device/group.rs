//! A device's groups: when a member is to ask (see [`Member::ask_due`]), the device does, by itself, in the session with the
//! owner. It is a request that nobody waits for: one of the application's comes first.

use super::flight::NEVER;
use super::inside::Inside;
use super::types::{Payload, Request};
use super::{Device, End, Env, TIMEOUT_MS, Task};
use crate::bytes::copy;
use crate::coap::message::{CHANGED, POST};
use crate::crypto::Backend;
use crate::error::Error;
use crate::group::{CONTENT_FORMAT_GROUP, GroupMessage, Member};

/// The leisure where nothing is known (group section 10), in ms.
const LEISURE_MS: u32 = 13_000;
/// The length of an ASK.
const ASK_LEN: usize = 8;

/// Who asks. Called from within the device's functions.
pub trait Groups {
    /// Which one is to ask next, and when; `u64::MAX`: none is.
    fn due(&self) -> (usize, u64);
    /// See [`Member::ask`].
    fn ask(&mut self, at: usize, now_ms: u64, out: &mut GroupMessage) -> Result<(), Error>;
    /// See [`Member::answer`].
    fn answer(&mut self, at: usize, now_ms: u64, input: &[u8]) -> Result<(), Error>;
    /// An ASK waits for a random part of this, in ms, so that not all members ask at once.
    fn leisure_ms(&self) -> u32;
}

/// The members on a device: one for each of its groups.
pub struct Members<'a, B: Backend> {
    /// Always the same ones.
    pub members: &'a mut [Member<B>],
    /// See [`Groups::leisure_ms`]; 0: 13,000.
    pub leisure_ms: u32,
}

impl<B: Backend> Groups for Members<'_, B> {
    fn due(&self) -> (usize, u64) {
        let due = self.members.iter().map(Member::ask_due).enumerate();
        due.min_by_key(|(_, due_ms)| *due_ms).unwrap_or((0, NEVER))
    }

    fn ask(&mut self, at: usize, now_ms: u64, out: &mut GroupMessage) -> Result<(), Error> {
        self.members.get_mut(at).ok_or(Error::State)?.ask(now_ms, out)
    }

    fn answer(&mut self, at: usize, now_ms: u64, input: &[u8]) -> Result<(), Error> {
        self.members.get_mut(at).ok_or(Error::State)?.answer(now_ms, input)
    }

    fn leisure_ms(&self) -> u32 {
        if self.leisure_ms == 0 { LEISURE_MS } else { self.leisure_ms }
    }
}

/// When the next ASK goes out, and the one that is out.
pub(super) struct Asking {
    /// When it goes out.
    pub at_ms: u64,
    /// When it was due, for which that was drawn.
    due_ms: u64,
    /// Whose it is.
    member: usize,
    ask: [u8; ASK_LEN],
}

impl Default for Asking {
    fn default() -> Self {
        Self { at_ms: NEVER, due_ms: NEVER, member: 0, ask: [0; ASK_LEN] }
    }
}

impl<B: Backend> Device<B> {
    /// Begins an ASK that is due. False: none is.
    pub(super) fn find_ask(&mut self, env: &mut Env<'_>) -> bool {
        let (member, due_ms) = env.groups.due();
        if due_ms != self.asking.due_ms {
            self.asking.due_ms = due_ms;
            self.asking.at_ms = match due_ms {
                NEVER => NEVER,
                _ => due_ms.max(self.now_ms).saturating_add(self.draw_leisure(env)),
            };
        }
        let mut message = GroupMessage::new();
        if self.asking.at_ms > self.now_ms || env.groups.ask(member, self.now_ms, &mut message).is_err() {
            return false;
        }
        self.begin(Task::Ask, 0, TIMEOUT_MS);
        self.observation = usize::MAX;
        self.asking.member = member;
        copy(&mut self.asking.ask, &message);
        true
    }

    /// A random part of the leisure; half of it where there is no randomness.
    fn draw_leisure(&self, env: &mut Env<'_>) -> u64 {
        let part = self.draw(env).map_or(u16::MAX / 2, u16::from_be_bytes);
        u64::from(env.groups.leisure_ms()).saturating_mul(part.into()) >> 16
    }

    /// An answer to the ASK. What is no 2.04 says that there is none yet: it is asked again.
    pub(super) fn take_group(&mut self, env: &mut Env<'_>, inside: &Inside<'_>) {
        if inside.code == CHANGED && inside.content_format == Some(CONTENT_FORMAT_GROUP) {
            let _ = env.groups.answer(self.asking.member, self.now_ms, inside.payload);
        }
        self.finish(End::Done);
    }
}

impl Asking {
    /// The ASK as a request. It may go out again in another session, in which its answer then comes.
    pub fn request(ask: &[u8; ASK_LEN]) -> Request<'_> {
        Request {
            path: b"/.well-known/lscoap/group",
            code: POST,
            observe: false,
            non: false,
            at_least_once: true,
            content_format: Some(CONTENT_FORMAT_GROUP),
            accept: None,
            timeout_ms: 0,
            payload: Payload::Bytes(ask),
            takes: true,
        }
    }

    /// A copy of its bytes.
    pub fn bytes(&self) -> [u8; ASK_LEN] {
        self.ask
    }
}
