//! What goes into a device and what comes out of it.

use crate::client::ClientConfig;
use crate::coap::Carrier;
use crate::error::Error;
use crate::platform::Platform;

/// What a device is made of. Zeroes in the numbers mean what their fields say.
#[derive(Clone, Copy)]
pub struct Config<'a> {
    /// The identity, and the server's.
    pub client: ClientConfig<'a>,
    /// What carries sealed messages.
    pub carrier: Carrier,
    /// Sequence numbers that one write to storage reserves; 0: nothing is ever stored.
    pub store_block: u32,
    /// Observations register again this often, in seconds; 0: by Max-Age alone.
    pub refresh_s: u32,
    /// The first timeout of a message, in ms; 0: 2,000 (RFC 7252 section 4.8).
    pub ack_timeout_ms: u16,
    /// How often a message is sent again; 0: 4.
    pub max_retransmit: u8,
    /// Rounds of resuming and handshakes for one request; 0: 3.
    pub attempts: u8,
}

impl<'a> Config<'a> {
    /// With the numbers of RFC 7252, and without storage.
    pub fn new(client: ClientConfig<'a>, carrier: Carrier) -> Self {
        Self {
            client,
            carrier,
            store_block: 0,
            refresh_s: 0,
            ack_timeout_ms: 0,
            max_retransmit: 0,
            attempts: 0,
        }
    }
}

/// What a request asks.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `/a/b?c=d`, split and percent-decoded as RFC 7252 section 6.4 says; with or without the first slash.
    pub path: &'a [u8],
    /// The method: 1 for GET and so on.
    pub code: u8,
    /// Observe the resource (RFC 7641); for GET and FETCH.
    pub observe: bool,
    /// As a non-confirmable message, which is sent once.
    pub non: bool,
    /// A POST or PATCH may be executed twice: it is sent again in a new session.
    pub at_least_once: bool,
    /// Of the payload.
    pub content_format: Option<u16>,
    /// Of the answer.
    pub accept: Option<u16>,
    /// For all of it, connecting included, in ms; 0: 93,000 (MAX_TRANSMIT_WAIT).
    pub timeout_ms: u32,
    /// The body.
    pub payload: Payload<'a>,
    /// Whether [`Requests::take`] wants the answer; else only the first block comes, and its code is kept.
    pub takes: bool,
}

/// The body of a request.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// These bytes; none is no payload.
    Bytes(&'a [u8]),
    /// So many bytes, which [`Requests::read`] gives.
    Read(usize),
}

impl Payload<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Read(len) => *len,
        }
    }
}

/// A part of an answer, which lies in the datagram that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Set: the observation has ended, and why. The rest then says nothing, but for the code of an answer.
    pub ended: Option<Error>,
    /// The code inside.
    pub code: u8,
    /// Further pieces follow.
    pub more: bool,
    /// Of an observation.
    pub notification: bool,
    /// Of the payload.
    pub content_format: Option<u16>,
    /// How long the answer is fresh, in seconds.
    pub max_age_s: u32,
    /// Where the payload belongs in the body. 0 begins a body anew: what came before is of another one.
    pub offset: u32,
    /// The options inside, in CoAP's encoding.
    pub options: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

/// The application's requests, by the names that it gave them. Called from within the device's functions.
pub trait Requests {
    /// What a request asks: the same until it has ended, an observation until [`Requests::take`] got its end.
    fn get(&self, name: usize) -> Option<Request<'_>>;
    /// Writes the part of the body from `offset` on. The same bytes each time; it may begin again at 0.
    fn read(&mut self, name: usize, offset: usize, out: &mut [u8]) -> Result<(), Error>;
    /// Takes a piece of the answer; an error cancels the request or the observation.
    fn take(&mut self, name: usize, piece: &Piece<'_>) -> Result<(), Error>;
}

/// What surrounds a call.
pub struct Env<'a> {
    /// Randomness.
    pub platform: &'a mut dyn Platform,
    /// The requests that were named.
    pub requests: &'a mut dyn Requests,
    /// The message that is out, always the same 160 to 1,152 bytes. What fits here decides about the sizes of blocks.
    pub buffer: &'a mut [u8],
    /// Always the same; none: nothing is observed.
    pub observations: &'a mut [super::Observation],
    /// Members of groups: always the same ones.
    #[cfg(feature = "group")]
    pub groups: &'a mut dyn super::Groups,
    /// A monotonic clock, in ms. It may jump; a smaller value stands still.
    pub now_ms: u64,
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Poll<'a> {
    /// Nothing before the deadline.
    Idle,
    /// Send these bytes to the server.
    Send(&'a [u8]),
    /// Write these bytes to storage in place of older ones, then call [`super::Device::stored`]. They have secrets in them.
    Store(&'a [u8]),
    /// The request has been answered, with this code; 0 where there was no request but to connect.
    Done(u8),
}
