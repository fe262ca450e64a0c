//! A slot: a half-open handshake first, the session after.

use super::chains::Links;
use super::sources::Share;
use super::{Directory, Ended, HALF_OPEN_MS, UNCONFIRMED_MS};
use crate::crypto::{Backend, Point, Software};
use crate::error::Error;
use crate::limits::{CID_MAX, PUBLIC_KEY_LEN, SIGNATURE_LEN, TAG_LEN, X_LEN};
use crate::session::{Outcome, Role, Session};
use crate::wire::{Cid, DeviceId};

/// The longest first answers: M2 and X2.
const FIRST_ANSWER_MAX: usize = 1 + X_LEN + CID_MAX + TAG_LEN;
const M4_LEN: usize = 1 + SIGNATURE_LEN + TAG_LEN;
/// What is kept of the SHA-256 of a message, to know it again: whoever finds another message with the same gets the stored
/// answer, which the message itself would have got him.
pub(super) const DIGEST_LEN: usize = 8;

pub(super) type FirstAnswer = crate::bytes::Bytes<FIRST_ANSWER_MAX>;
pub(super) type SecondAnswer = crate::bytes::Bytes<M4_LEN>;

/// How far a slot has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Phase {
    /// Nobody's.
    Free = 0,
    /// M2 has been sent.
    HalfOpen,
    /// M4, X2 or R2 has been sent; no record has opened.
    Unconfirmed,
    /// A record has opened.
    Confirmed,
}

/// Room for one handshake and the session that comes of it. Wiped when dropped.
pub struct Slot<B: Backend = Software> {
    /// The phase that the slot has in the server's lists.
    pub(super) listed: Phase,
    pub(super) links: Links,
    pub(super) share: Share,
    /// The number of the handshake: younger ones have higher numbers.
    pub(super) begun: u64,
    /// Since when it has been half-open or unconfirmed, by the server's own clock.
    pub(super) since_ms: u64,
    pub(super) cid_s: Cid,
    pub(super) cid_c: Cid,
    pub(super) device_id: DeviceId,
    pub(super) public_key: [u8; PUBLIC_KEY_LEN],
    /// How many R1 were answered for this session, and how many resumptions led to it.
    pub(super) resume: Counts,
    /// The digest of the M1, X1 or R1, and the stored answer.
    pub(super) first: [u8; DIGEST_LEN],
    pub(super) first_answer: FirstAnswer,
    /// The digest of the M3, and the stored answer.
    pub(super) second: [u8; DIGEST_LEN],
    pub(super) second_answer: SecondAnswer,
    pub(super) body: Body<B>,
}

/// What limits resumption (section 6).
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    /// R1 answered for this session's resume secret.
    pub answered: u32,
    /// Resumptions between the full handshake and this session.
    pub in_a_row: u16,
}

/// Its layout is defined so that zeroed memory is a free slot.
#[repr(u8)]
pub(super) enum Body<B: Backend> {
    Free = 0,
    HalfOpen(HalfOpen),
    /// Unconfirmed or confirmed, as it says itself.
    Session(Session<B>),
}

/// What M3 is checked against.
pub(super) struct HalfOpen {
    pub th_2: [u8; 32],
    pub client_ephemeral: Point,
    /// The ephemeral secret, then `PRK`: garbage costs one scalar multiplication, once (section 4).
    pub secret: [u8; 32],
    pub has_prk: bool,
}

wiped!(HalfOpen { th_2, client_ephemeral, secret, has_prk } on drop);

impl<B: Backend> Default for Slot<B> {
    fn default() -> Self {
        Self {
            listed: Phase::Free,
            links: Links::default(),
            share: Share::default(),
            begun: 0,
            since_ms: 0,
            cid_s: Cid::EMPTY,
            cid_c: Cid::EMPTY,
            device_id: DeviceId::EMPTY,
            public_key: [0; PUBLIC_KEY_LEN],
            resume: Counts::default(),
            first: [0; DIGEST_LEN],
            first_answer: FirstAnswer::EMPTY,
            second: [0; DIGEST_LEN],
            second_answer: SecondAnswer::EMPTY,
            body: Body::Free,
        }
    }
}

impl<B: Backend> Slot<B> {
    /// How far the slot has come.
    pub fn phase(&self) -> Phase {
        match &self.body {
            Body::Free => Phase::Free,
            Body::HalfOpen(_) => Phase::HalfOpen,
            Body::Session(session) => match session.check_confirmed() {
                Ok(()) => Phase::Confirmed,
                Err(Error::State) => Phase::Unconfirmed,
                Err(_) => Phase::Free, // the caller has wiped the session, which ends it
            },
        }
    }

    /// The connection id of its session's requests, their kid; means nothing where there is no session.
    pub fn kid(&self) -> &[u8] {
        &self.cid_s
    }

    /// The slot's session, if it holds one.
    pub fn session_mut(&mut self) -> Option<&mut Session<B>> {
        match &mut self.body {
            Body::Session(session) => Some(session),
            _ => None,
        }
    }

    /// Gives the slot, which is the one with this number, back; its secrets are wiped. What else it held means nothing without a
    /// body. Says that its session has ended, if it held one.
    pub(super) fn end<D: Directory + ?Sized>(&mut self, directory: &mut D, index: usize) {
        let fingerprint = self.session_mut().map(|session| session.fingerprint_even_if_wiped());
        self.body = Body::Free;
        if let Some(fingerprint) = fingerprint {
            let (kid, device_id) = (&*self.cid_s, &*self.device_id);
            directory.session_ended(&Ended { slot: index, kid, device_id, fingerprint });
        }
    }

    /// As [`Slot::end`], and leaves nothing of who was there.
    pub(super) fn wipe<D: Directory + ?Sized>(&mut self, directory: &mut D, index: usize) {
        self.end(directory, index);
        (self.cid_s, self.cid_c, self.device_id) = (Cid::EMPTY, Cid::EMPTY, DeviceId::EMPTY);
        (self.public_key, self.first, self.second) = ([0; PUBLIC_KEY_LEN], [0; DIGEST_LEN], [0; DIGEST_LEN]);
        (self.first_answer, self.second_answer) = (FirstAnswer::EMPTY, SecondAnswer::EMPTY);
    }

    /// The handshake is complete.
    #[inline(never)] // its frame is not needed while a handshake computes
    pub(super) fn establish(&mut self, engine: B::Engine, out: &[u8; 32]) {
        let (cid_c, cid_s, device_id) = (self.cid_c, self.cid_s, self.device_id);
        self.body = Body::Session(Session::new());
        if let Some(session) = self.session_mut() {
            let outcome =
                Outcome { role: Role::Server, out, cid_c: &cid_c, cid_s: &cid_s, device_id: &device_id };
            session.establish(engine, &outcome);
        }
    }

    /// Whether it has waited for so many milliseconds.
    pub(super) fn has_waited(&self, ms: u64, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.since_ms) >= ms
    }

    /// Whether it has waited for too long.
    #[inline(never)] // 64 bits are long on a small processor
    pub(super) fn is_late(&self, now_ms: u64) -> bool {
        match self.listed {
            Phase::HalfOpen => self.has_waited(HALF_OPEN_MS, now_ms),
            Phase::Unconfirmed => self.has_waited(UNCONFIRMED_MS, now_ms),
            _ => false,
        }
    }

    /// Whether it waits, and has not done so for too long.
    pub(super) fn waits(&self, now_ms: u64) -> bool {
        matches!(self.phase(), Phase::HalfOpen | Phase::Unconfirmed) && !self.is_late(now_ms)
    }

    /// Whether records with this connection id are the slot's.
    pub(super) fn is_session(&self, cid: &[u8]) -> bool {
        self.phase() >= Phase::Unconfirmed && self.cid_s.as_slice() == cid
    }

    /// The stored answer to a repeated M3.
    pub(super) fn stored_second(&self, digest: &[u8; DIGEST_LEN]) -> Option<&[u8]> {
        let waits = self.phase() == Phase::Unconfirmed && !self.second_answer.is_empty();
        (waits && self.second == *digest).then_some(&*self.second_answer)
    }

    pub(super) fn half_open_mut(&mut self) -> Result<&mut HalfOpen, Error> {
        match &mut self.body {
            Body::HalfOpen(half_open) => Ok(half_open),
            _ => Err(Error::State),
        }
    }
}
