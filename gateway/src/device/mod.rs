//! The side of the devices: handshakes, sealed requests in both carriers, what is kept for repetitions, blocks outside, observers. No
//! sockets and no clock: datagrams and times in, datagrams out.
//!
//! Nothing is kept for whoever has not proved anything, but a slot by the library's rules, a few R1 that wait for the store, and blocks
//! that name a session.

mod answering;
mod confirmable;
mod enrolled;
mod handshakes;
mod kept;
mod outside;
mod requests;
mod sessions;
mod source;
#[cfg(test)]
mod tests;
mod transfers;

pub use enrolled::Os;

use crate::Primitives;
use crate::backend::{Event, Port, SessionKey, Ticket, Upstream};
use crate::coap::{Block, Frame, Header, Type, is_request};
use crate::directory::Devices;
use crate::metrics::Counts;
use crate::net::{Outbox, Peer};
use crate::store::{Done, Jobs};
use ahash::{HashMap, HashMapExt};
use confirmable::{Confirmables, End};
use enrolled::Enrolled;
use kept::Answers;
use lscoap::Error;
use lscoap::limits::SECRET_KEY_LEN;
use lscoap::platform::Platform;
use lscoap::server::{Server, Slot, Stats};
use outside::{Outside, What};
use source::Network;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::sync::Arc;
use transfers::Transfers;

/// The length of the number in a connection id: long enough that one drawn at random is hardly ever another device's in the store.
const CID_NUMBER_LEN: usize = 3;
/// How long an answer is awaited before the request is acknowledged without it, in ms.
const ACKNOWLEDGE_MS: u64 = 1000;
/// How often counts are published and sessions looked after, in ms.
const TURN_MS: u64 = 1000;
/// How often the machine's networks are looked at, in ms.
const NETWORKS_MS: u64 = 60_000;
/// Max-Age of 5.03, in s.
const BUSY_S: u32 = 5;
/// Whom an answer goes to at most: a request that comes again from elsewhere is answered there too.
const ASKERS_MAX: usize = 4;

/// What a front is told at its start.
#[derive(Clone)]
pub struct FrontConfig {
    /// Room for handshakes and sessions.
    pub slots: usize,
    /// What its connection ids begin with.
    pub cid_prefix: Vec<u8>,
    /// Its worker's number, and how many there are.
    pub worker: (u8, u8),
    /// See [`Server::set_retry_rate`].
    pub retry_rate: u32,
    /// See [`Server::set_resume_limit`].
    pub resume_limit: u16,
    /// Whether there is a store; without one live sessions are resumed.
    pub has_store: bool,
    /// How many bytes of answers are kept for repetitions.
    pub answers_bytes: usize,
}

/// Whom an answer goes to.
#[derive(Clone)]
struct Asker {
    peer: Peer,
    is_confirmable: bool,
    id: u16,
    token: Vec<u8>,
    /// Which block of the answer is wanted.
    block2: Option<Block>,
    /// The last block of the request, where it came in blocks, ...
    block1: Option<Block>,
    /// ... and what that is known by.
    last: Option<u64>,
    is_acknowledged: bool,
}

/// A request under way, or an observation.
struct Pending {
    session: SessionKey,
    exchange: lscoap::session::Exchange,
    /// What it is known by when it comes again.
    name: u64,
    /// The transfer that its blocks are asked for by.
    transfer: u64,
    askers: Vec<Asker>,
    /// Whether it came in a payload.
    is_payload: bool,
    /// Where notifications go, once it observes.
    observer: Option<Observer>,
    /// The token of a registration.
    observes: Option<Vec<u8>>,
}

/// Where notifications go.
struct Observer {
    asker: Asker,
    /// No later than that one is confirmable.
    confirmable_ms: u64,
    /// The id of a confirmable one that is not acknowledged yet.
    under_way: Option<u16>,
    /// The newest one that has to wait.
    waiting: Option<Vec<u8>>,
}

/// What is known of a slot's session beside what the library has.
#[derive(Clone, Default)]
struct Note {
    /// When the session was made, in ms.
    made_ms: u64,
    /// Whether a resumption made it.
    is_resumed: bool,
    /// Of the session whose confirmation was told.
    told: [u8; 8],
    /// Whether its record is in the store.
    is_stored: bool,
    /// Where its last request came from, or the handshake.
    from: Option<IpAddr>,
}

/// The side of the devices of one worker.
pub struct Front<U, J> {
    server: Server<Primitives>,
    slots: Vec<Slot<Primitives>>,
    notes: Vec<Note>,
    enrolled: Enrolled,
    upstream: U,
    jobs: J,
    counts: Counts,
    answers: Answers,
    transfers: Transfers,
    own: Confirmables,
    requests: HashMap<Ticket, Pending>,
    by_name: HashMap<u64, Ticket>,
    of_session: HashMap<SessionKey, Vec<Ticket>>,
    observations: HashMap<(SessionKey, Vec<u8>), Ticket>,
    /// Which request under way a transfer was, for late blocks of its own.
    assembled: HashMap<u64, kept::Latest>,
    /// When requests are to be acknowledged.
    due: BinaryHeap<Reverse<(u64, Ticket)>>,
    resuming: handshakes::Resuming,
    /// What was configured.
    retry_rate: u32,
    /// Whose record is being saved, by the job.
    saving: HashMap<u64, SessionKey>,
    /// Sessions by device, the newest confirmed one.
    by_device: HashMap<Vec<u8>, sessions::Newest>,
    confirmed: Vec<(Vec<u8>, u64)>,
    out: Outbox<Peer>,
    events: Vec<Event>,
    /// What is being opened.
    buffer: Vec<u8>,
    /// What is being sealed.
    message: Vec<u8>,
    /// What the upstream answers at once.
    answer: Vec<u8>,
    networks: Vec<Network>,
    networks_ms: u64,
    turn_ms: u64,
    next_ticket: Ticket,
    next_job: u64,
    swept: usize,
    is_draining: bool,
}

impl<U: Upstream, J: Jobs> Front<U, J> {
    /// A front with no sessions. [`Error::Key`]: the secret is none; [`Error::Argument`]: connection ids have no room for the slots.
    pub fn new(
        config: &FrontConfig,
        secret: &[u8; SECRET_KEY_LEN],
        devices: Arc<Devices>,
        upstream: U,
        jobs: J,
        counts: Counts,
    ) -> Result<Self, Error> {
        let mut server = Server::new(secret)?;
        server.set_cids(config.cid_prefix.len() + CID_NUMBER_LEN, &config.cid_prefix, config.slots)?;
        server.set_retry_rate(config.retry_rate);
        server.set_resume_limit(config.resume_limit);
        let (mut random, mut first) = ([0; 2], [0; 8]);
        Os.random(&mut random)?;
        Os.random(&mut first)?;
        let (worker, workers) = config.worker;
        Ok(Self {
            server,
            slots: (0..config.slots).map(|_| Slot::default()).collect(),
            notes: vec![Note::default(); config.slots],
            enrolled: Enrolled::new(devices, config.has_store),
            upstream,
            jobs,
            counts,
            answers: Answers::new(config.answers_bytes),
            transfers: Transfers::default(),
            own: Confirmables::new(worker.into(), workers.into(), u16::from_be_bytes(random)),
            requests: HashMap::new(),
            by_name: HashMap::new(),
            of_session: HashMap::new(),
            observations: HashMap::new(),
            assembled: HashMap::new(),
            due: BinaryHeap::new(),
            resuming: handshakes::Resuming::default(),
            retry_rate: config.retry_rate,
            saving: HashMap::new(),
            by_device: HashMap::new(),
            confirmed: Vec::new(),
            out: Outbox::new(),
            events: Vec::new(),
            buffer: Vec::new(),
            message: Vec::new(),
            answer: Vec::new(),
            networks: Network::all(),
            networks_ms: 0,
            turn_ms: 0,
            // What answers a request of an earlier life, with a group's keys perhaps, answers none of this one.
            next_ticket: Ticket::from_be_bytes(first) >> 2,
            next_job: 0,
            swept: 0,
            is_draining: false,
        })
    }

    /// The server's identity key.
    pub fn public_key(&self) -> &[u8; 33] {
        self.server.public_key()
    }

    /// What the library has counted.
    pub fn stats(&self) -> Stats {
        self.server.stats(self.slots.len())
    }

    /// A datagram of a device's.
    pub fn received(&mut self, now_ms: u64, peer: Peer, datagram: &[u8]) {
        if peer.local.is_some_and(|local| local.is_multicast()) {
            return; // nobody is asked all at once here
        }
        let Ok(header) = Header::read(datagram) else { return self.reject(peer, datagram) };
        match (header.kind, header.code) {
            (Type::Acknowledgement, 0) => self.acknowledged(now_ms, peer, header.id, End::Acknowledged),
            (Type::Reset, 0) => self.acknowledged(now_ms, peer, header.id, End::Reset),
            (Type::Confirmable | Type::NonConfirmable, code) if is_request(code) => {
                match Frame::read(datagram) {
                    Ok(frame) => self.requested(now_ms, peer, &header, &frame, datagram),
                    Err(_) => self.reset(peer, &header),
                }
            }
            // A ping, and what nobody asked for.
            (Type::Confirmable, _) => self.reset(peer, &header),
            _ => {}
        }
    }

    /// A datagram of the back-end's.
    pub fn backend_said(&mut self, now_ms: u64, port: Port, datagram: &[u8]) {
        self.upstream.received(now_ms, port, datagram, &mut self.events);
        self.take_events(now_ms);
    }

    /// Nobody listens at the back-end.
    pub fn unreachable(&mut self, now_ms: u64, port: Port) {
        self.upstream.unreachable(now_ms, port, &mut self.events);
        self.take_events(now_ms);
    }

    /// What became of a request that somebody else than the upstream answers.
    pub fn take_event(&mut self, now_ms: u64, event: Event) {
        self.events.push(event);
        self.take_events(now_ms);
    }

    /// An outcome of the store's.
    pub fn stored(&mut self, now_ms: u64, done: Done) {
        self.job_done(now_ms, done);
    }

    /// Does what is due.
    pub fn poll(&mut self, now_ms: u64) {
        for ticket in self.own.poll(now_ms, &mut self.out) {
            self.give_up(now_ms, ticket);
        }
        while let Some(Reverse((due, ticket))) = self.due.peek().copied()
            && due <= now_ms
        {
            self.due.pop();
            self.acknowledge(ticket);
        }
        self.answers.expire(now_ms);
        self.upstream.poll(now_ms, &mut self.events);
        self.take_events(now_ms);
        if now_ms >= self.turn_ms {
            self.turn_ms = now_ms.saturating_add(TURN_MS);
            self.counts.publish(&self.stats());
            self.sweep();
        }
        if now_ms >= self.networks_ms.saturating_add(NETWORKS_MS) {
            self.networks_ms = now_ms;
            self.networks = Network::all();
        }
    }

    /// When something is due next.
    pub fn next_ms(&self) -> Option<u64> {
        let due = self.due.peek().map(|Reverse((due, _))| *due);
        [due, self.own.next_ms(), self.upstream.next_ms(), Some(self.turn_ms)].into_iter().flatten().min()
    }

    /// What is to be sent to devices, which the caller takes out.
    pub fn outbox(&mut self) -> &mut Outbox<Peer> {
        &mut self.out
    }

    /// What is to be sent to the back-end, which the caller takes out.
    pub fn backend_outbox(&mut self) -> &mut Outbox<Port> {
        self.upstream.outbox()
    }

    /// The way to the store.
    pub fn jobs(&mut self) -> &mut J {
        &mut self.jobs
    }

    /// Takes nothing new on: handshakes are told that the server is busy, and so are requests, under seal.
    pub fn drain(&mut self) {
        self.is_draining = true;
    }

    /// Whether nothing is under way; observations do not count.
    pub fn is_idle(&self) -> bool {
        self.requests.values().all(|pending| pending.observer.is_some())
            && self.resuming.is_empty()
            && self.own.is_idle()
    }

    fn requested(&mut self, now_ms: u64, peer: Peer, header: &Header<'_>, frame: &Frame, datagram: &[u8]) {
        let answers = &self.answers;
        let outside = Outside::read(datagram, frame, |options| answers.name_options(options));
        let asker = Asker {
            peer,
            is_confirmable: header.kind == Type::Confirmable,
            id: header.id,
            token: header.token.to_vec(),
            block2: outside.block2,
            block1: None,
            last: None,
            is_acknowledged: false,
        };
        match outside.what {
            What::Handshake(_) => self.handshake(now_ms, asker, frame, datagram, &outside),
            What::Oscore | What::Payload => self.sealed(now_ms, asker, frame, datagram, &outside),
            What::Clear => self.refuse(&asker, Error::Unexpected, datagram),
        }
    }

    /// Rejects what has no header, where it is a confirmable message of this version (RFC 7252 sections 3 and 4.2).
    fn reject(&mut self, peer: Peer, datagram: &[u8]) {
        let [first, _, high, low, ..] = datagram else { return };
        if first >> 4 == 0b0100 {
            let id = u16::from_be_bytes([*high, *low]);
            self.reset(peer, &Header { kind: Type::Confirmable, code: 0, id, token: &[] });
        }
    }

    /// Rejects a message (RFC 7252 section 4.2).
    fn reset(&mut self, peer: Peer, header: &Header<'_>) {
        if header.kind == Type::Confirmable {
            let reset = Header { kind: Type::Reset, code: 0, id: header.id, token: &[] };
            self.out.write(peer, |bytes| reset.write(bytes));
        }
    }

    fn job(&mut self) -> u64 {
        self.next_job = self.next_job.wrapping_add(1);
        self.next_job
    }
}

/// A number from 0 up to 1 that nobody knows.
fn spread() -> f64 {
    let mut random = [0; 2];
    let _ = Os.random(&mut random);
    f64::from(u16::from_be_bytes(random)) / 65_536.0
}
