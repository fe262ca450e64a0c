//! The side of the back-end: a CoAP client that speaks for all devices of a worker. No sockets and no clock: datagrams and times in,
//! datagrams out.

mod answer;
mod blocks;
mod exchange;
mod index;
mod ports;
mod proxy;
mod random;
mod request;
mod seen;
#[cfg(test)]
mod tests;

pub use index::Index;
pub use proxy::Proxy;

use crate::net::Outbox;

/// What a device's request is known by in its worker, from the moment that it is passed on until its last answer: below
/// 2^63.
pub type Ticket = u64;

/// A session in its worker: its slot, and its fingerprint, as a slot may go to another session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SessionKey {
    /// The slot's number.
    pub slot: u32,
    /// See [`lscoap::session::Session::fingerprint`].
    pub fingerprint: [u8; 8],
}

/// A request that opened in a confirmed session.
pub struct Request<'a> {
    /// What its answers will be known by; given by the caller, never twice, and below 1 << 63.
    pub ticket: Ticket,
    /// Whose it is.
    pub session: SessionKey,
    /// The device's raw id.
    pub device_id: &'a [u8],
    /// The inner message whole: its type, message id and token are the device's and mean nothing to the back-end.
    pub message: &'a [u8],
    /// The registration that this request ends or renews (RFC 7641 section 3.6): of the same session and token. If the request is passed
    /// on, that one is over without an event.
    pub observation: Option<Ticket>,
    /// Whether the device takes its answer in one, unless it asks for blocks: what the back-end gives in blocks is put together first.
    pub in_one: bool,
}

/// What becomes of a request at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// It was passed on: an [`Event`] follows, and nothing is lost silently.
    Later,
    /// `answer` holds the answer: a message with an empty token.
    Now,
    /// It is refused with this code, under seal, and was not passed on.
    Refused(u8),
}

/// What became of a request that was passed on.
#[derive(Debug)]
pub enum Event {
    /// An answer of the back-end's: a message with an empty token, whose type and id mean nothing to the device.
    Answer {
        /// Of which request.
        ticket: Ticket,
        /// Whether the request is over; else it observes and there will be more.
        is_last: bool,
        /// Whether the back-end sent it confirmable, as a notification may be.
        is_confirmable: bool,
        /// The message.
        message: Vec<u8>,
    },
    /// There will be none: 5.02 where the back-end cannot be reached, 5.04 where it does not answer in time. The request is over.
    Failed {
        /// Of which request.
        ticket: Ticket,
        /// The code to answer with.
        code: u8,
    },
}

/// Which of a worker's sockets a datagram of the back-end's goes through or came from.
pub type Port = usize;

/// Where requests go that opened.
pub trait Upstream {
    /// Takes a request. `answer` is empty and gets the answer where there is one at once.
    fn request(&mut self, now_ms: u64, request: &Request<'_>, answer: &mut Vec<u8>) -> Reply;
    /// Nobody wants the answers to this request any more: an observation is given up, anything else goes to its end unheard.
    fn cancel(&mut self, now_ms: u64, ticket: Ticket);
    /// A session has ended: everything of it is given up.
    fn session_ended(&mut self, now_ms: u64, session: SessionKey);
    /// What came through a port.
    fn received(&mut self, now_ms: u64, port: Port, datagram: &[u8], events: &mut Vec<Event>);
    /// The system says that nobody listens there (ICMP).
    fn unreachable(&mut self, now_ms: u64, port: Port, events: &mut Vec<Event>);
    /// Does what is due: retransmissions, time-outs.
    fn poll(&mut self, now_ms: u64, events: &mut Vec<Event>);
    /// When something is due next, in ms.
    fn next_ms(&self) -> Option<u64>;
    /// What is to be sent, which the caller takes out.
    fn outbox(&mut self) -> &mut Outbox<Port>;
    /// How many requests are under way; observations do not count.
    fn pending(&self) -> usize;
}
