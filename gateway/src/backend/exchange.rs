//! A request on its way to the back-end, and what has become of it.

use super::blocks::{Gather, Upload};
use super::ports::{Device, Place};
use super::random::{TOKEN_LEN, Token};
use super::request::Inner;
use super::{Port, SessionKey, Ticket};

/// Notifications that are so far apart are in order, whatever their numbers say (RFC 7641 section 3.4).
const FRESH_MS: u64 = 128_000;

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing has come back: it is sent again after that time, and has been so often.
    Sent {
        /// In ms.
        timeout_ms: u64,
        /// Retransmissions so far.
        count: u32,
    },
    /// It was acknowledged, the answer is outstanding.
    Acknowledged,
    /// Notifications come.
    Observing,
}

/// A request that was passed on.
pub struct Exchange {
    /// Whose it is.
    pub session: SessionKey,
    /// The device's id.
    pub device: Device,
    /// Through which port it went.
    pub port: Port,
    /// Its message id.
    pub id: u16,
    /// Its token.
    pub token: Token,
    /// Whether the port is the device's own.
    pub is_own: bool,
    /// The datagram, until notifications come.
    pub message: Vec<u8>,
    /// What the transfer is known by that it may be part of.
    pub transfer: Option<u64>,
    /// What was asked.
    pub inner: Inner,
    /// How far it is.
    pub state: State,
    /// When something is to be done about it.
    pub due_ms: Option<u64>,
    /// Whether anybody wants to know.
    pub is_heard: bool,
    /// Whether it ends or renews an observation: notifications with its token may be under way.
    pub is_again: bool,
    /// The number of the newest notification, and when it came.
    pub newest: Option<(u32, u64)>,
    /// Whether the device takes whole answers only.
    pub in_one: bool,
    /// The request whole, where it, or its answer, goes in blocks of the proxy's.
    pub whole: Vec<u8>,
    /// How far the request is.
    pub upload: Option<Upload>,
    /// How far the answer is.
    pub gather: Option<Gather>,
    /// What it holds of bodies, as far as that has been counted, in bytes.
    pub counted: usize,
    /// How often the answer has begun anew.
    pub restarts: u8,
    /// The observation whose notification it puts together.
    pub of: Option<Ticket>,
}

impl Exchange {
    /// Of a request that is about to be sent.
    pub fn new(session: SessionKey, device: Device, place: &Place, token: Token, inner: Inner) -> Self {
        Self {
            session,
            device,
            port: place.port,
            id: place.id,
            token,
            is_own: place.is_own,
            message: Vec::new(),
            transfer: None,
            inner,
            state: State::Acknowledged,
            due_ms: None,
            is_heard: true,
            is_again: false,
            newest: None,
            in_one: false,
            whole: Vec::new(),
            upload: None,
            gather: None,
            counted: 0,
            restarts: 0,
            of: None,
        }
    }

    /// Whether it asks for notifications.
    pub fn observes(&self) -> bool {
        self.inner.observe == Some(0) && self.inner.is_safe()
    }

    /// Whether its answer is put together here.
    pub fn gathers(&self) -> bool {
        self.in_one && !self.inner.has_block2
    }

    /// What it holds of bodies, in bytes.
    pub fn held(&self) -> usize {
        self.whole.len() + self.gather.as_ref().map_or(0, Gather::len)
    }

    /// Whether a notification is newer than those before (RFC 7641 section 3.4).
    pub fn is_newer(&self, now_ms: u64, number: u32) -> bool {
        let Some((newest, then_ms)) = self.newest else { return true };
        let ahead = number.wrapping_sub(newest) & 0xff_ffff;
        (1..1 << 23).contains(&ahead) || now_ms > then_ms + FRESH_MS
    }

    /// The same request with another id and token.
    pub fn rename(&mut self, id: u16, token: Token) {
        if let Some(place) = self.message.get_mut(2..4) {
            place.copy_from_slice(&id.to_be_bytes());
        }
        if let Some(place) = self.message.get_mut(4..4 + TOKEN_LEN) {
            place.copy_from_slice(&token);
        }
        (self.id, self.token) = (id, token);
    }
}
