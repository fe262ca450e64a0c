//! A front, devices of the library's, an upstream and a store that do what a test says.

mod blocks;
mod hostile;
mod observing;
mod requests;
mod resuming;

use super::*;
use crate::backend::{Reply, Request};
use crate::coap::{Options, Writer, option};
use crate::metrics::Metrics;
use crate::store::{Job, Outcome};
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::coap::{Carrier, HANDSHAKE, PROTECT_OVERHEAD};
use lscoap::session::{Exchange, Session};
use lscoap::{Message, Status};

const SERVER: [u8; 32] = [7; 32];

/// A request at the upstream: its ticket, session, device, message, and what it renews or ends.
type Asked = (Ticket, SessionKey, Vec<u8>, Vec<u8>, Option<Ticket>);

/// What the upstream was given, and what it says.
#[derive(Default)]
struct Upper {
    /// What it says at once; otherwise later.
    at_once: Option<Vec<u8>>,
    refuses: Option<u8>,
    asked: Vec<Asked>,
    cancelled: Vec<Ticket>,
    ended: Vec<SessionKey>,
    outbox: Outbox<Port>,
}

impl Upstream for Upper {
    fn request(&mut self, _: u64, request: &Request<'_>, answer: &mut Vec<u8>) -> Reply {
        if let Some(refused) = self.refuses {
            return Reply::Refused(refused);
        }
        let (id, message) = (request.device_id.to_vec(), request.message.to_vec());
        self.asked.push((request.ticket, request.session, id, message, request.observation));
        match &self.at_once {
            Some(message) => {
                answer.extend_from_slice(message);
                Reply::Now
            }
            None => Reply::Later,
        }
    }
    fn cancel(&mut self, _: u64, ticket: Ticket) {
        self.cancelled.push(ticket);
    }
    fn session_ended(&mut self, _: u64, session: SessionKey) {
        self.ended.push(session);
    }
    fn received(&mut self, _: u64, _: Port, _: &[u8], _: &mut Vec<Event>) {}
    fn unreachable(&mut self, _: u64, _: Port, _: &mut Vec<Event>) {}
    fn poll(&mut self, _: u64, _: &mut Vec<Event>) {}
    fn next_ms(&self) -> Option<u64> {
        None
    }
    fn outbox(&mut self) -> &mut Outbox<Port> {
        &mut self.outbox
    }
    fn pending(&self) -> usize {
        0
    }
}

/// Jobs that were handed over.
#[derive(Default)]
struct Shelf {
    is_full: bool,
    jobs: Vec<(u64, Job)>,
}

impl Jobs for Shelf {
    fn submit(&mut self, number: u64, job: Job) -> bool {
        if !self.is_full {
            self.jobs.push((number, job));
        }
        !self.is_full
    }
}

/// A front and its surroundings.
struct World {
    front: Front<Upper, Shelf>,
    now_ms: u64,
    id: u16,
}

fn key(number: u8) -> [u8; 32] {
    [number + 1; 32]
}

fn config(has_store: bool) -> FrontConfig {
    FrontConfig {
        slots: 16,
        cid_prefix: vec![0xb0, 1],
        worker: (1, 3),
        retry_rate: 1_000_000,
        resume_limit: 1000,
        has_store,
        answers_bytes: 1 << 20,
    }
}

fn devices(numbers: impl Iterator<Item = u8>) -> Arc<Devices> {
    let enrolled = |number| (vec![b'd', number], lscoap::enrolment::public_key(&key(number)).unwrap());
    Arc::new(Devices::new(numbers.map(enrolled)))
}

/// Where a device sends from.
fn at(port: u16) -> Peer {
    Peer { address: ([192, 0, 2, 1], port).into(), local: None, socket: 0 }
}

/// An answer of the back-end's.
fn answer(code: u8, options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Header { kind: Type::Acknowledgement, code, id: 0, token: &[] }.write(&mut bytes);
    let mut writer = Writer::new(&mut bytes);
    options.iter().for_each(|(number, value)| writer.option(*number, value));
    writer.payload(payload);
    bytes
}

fn request(code: u8, id: u16, token: &[u8], options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Header { kind: Type::Confirmable, code, id, token }.write(&mut bytes);
    let mut writer = Writer::new(&mut bytes);
    options.iter().for_each(|(number, value)| writer.option(*number, value));
    writer.payload(payload);
    bytes
}

impl World {
    fn new(has_store: bool) -> Self {
        Self::of(&config(has_store))
    }

    fn of(config: &FrontConfig) -> Self {
        let counts = Metrics::new().worker(1);
        let front =
            Front::new(config, &SERVER, devices(0..8), Upper::default(), Shelf::default(), counts).unwrap();
        Self { front, now_ms: 0, id: 0 }
    }

    /// What the front sends because of this datagram.
    fn send(&mut self, from: Peer, datagram: &[u8]) -> Vec<Vec<u8>> {
        self.front.received(self.now_ms, from, datagram);
        self.sent(from)
    }

    /// All that is sent, to whomever.
    fn all(&mut self) -> Vec<(Peer, Vec<u8>)> {
        let found = self.front.outbox().iter().map(|(to, bytes)| (to, bytes.to_vec())).collect();
        self.front.outbox().clear();
        found
    }

    fn sent(&mut self, to: Peer) -> Vec<Vec<u8>> {
        let found = self.all();
        assert!(found.iter().all(|(other, _)| *other == to), "it is for whoever asked");
        found.into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// So much time goes by.
    fn wait(&mut self, ms: u64, to: Peer) -> Vec<Vec<u8>> {
        self.now_ms += ms;
        self.front.poll(self.now_ms);
        self.sent(to)
    }

    fn event(&mut self, event: Event, to: Peer) -> Vec<Vec<u8>> {
        self.front.take_event(self.now_ms, event);
        self.sent(to)
    }

    fn answered(&mut self, ticket: Ticket, is_last: bool, message: Vec<u8>, to: Peer) -> Vec<Vec<u8>> {
        self.event(Event::Answer { ticket, is_last, is_confirmable: false, message }, to)
    }

    fn done(&mut self, number: u64, outcome: Outcome, to: Peer) -> Vec<Vec<u8>> {
        self.front.stored(self.now_ms, Done { number, outcome });
        self.sent(to)
    }

    fn next_id(&mut self) -> u16 {
        self.id += 1;
        self.id
    }

    fn jobs(&mut self) -> Vec<(u64, Job)> {
        std::mem::take(&mut self.front.jobs.jobs)
    }

    /// A handshake message in a request.
    fn handshake(&mut self, message: &[u8]) -> Vec<u8> {
        let id = self.next_id();
        let options = [
            (option::URI_PATH, &b".well-known"[..]),
            (option::URI_PATH, b"lscoap"),
            (option::CONTENT_FORMAT, &HANDSHAKE.to_be_bytes()),
        ];
        request(2, id, &id.to_be_bytes().repeat(2), &options, message)
    }
}

/// The code and the payload of a message.
fn parts(message: &[u8]) -> (u8, Vec<u8>) {
    let frame = Frame::read(message).unwrap();
    (frame.code, frame.payload(message).to_vec())
}

fn value(message: &[u8], number: u16) -> Option<Vec<u8>> {
    let frame = Frame::read(message).unwrap();
    Options::of(message, &frame).find(|(other, _)| *other == number).map(|(_, value)| value.to_vec())
}

/// A device with a session.
struct Device {
    peer: Peer,
    carrier: Carrier,
    client: Client,
    session: Session,
}

impl Device {
    fn connect(world: &mut World, number: u8, profile: Profile, carrier: Carrier) -> Self {
        let peer = at(1000 + u16::from(number));
        let secret = key(number);
        let id = [b'd', number];
        let public_key = *world.front.public_key();
        let config = ClientConfig::new(&id, &secret, &public_key, profile);
        let client = Client::new(&config).unwrap();
        let mut device = Self { peer, carrier, client, session: Session::new() };
        device.step(world, None);
        device.session = device.client.finish().unwrap();
        device
    }

    /// Runs the handshake that was begun.
    fn step(&mut self, world: &mut World, first: Option<Message>) {
        let mut message = Message::new();
        let mut status = Status::Send;
        match first {
            Some(first) => message = first,
            None => status = self.client.step(&mut Os, None, &mut message).unwrap(),
        }
        while status == Status::Send {
            let datagram = world.handshake(&message);
            let sent = world.send(self.peer, &datagram);
            let (code, answer) = parts(&sent[0]);
            let is_retry = (code, answer.len(), answer[0]) == (0x81, 17, 0x19);
            assert!(sent.len() == 1 && (code == 0x44 || is_retry));
            message.clear();
            status = self.client.step(&mut Os, Some(&parts(&sent[0]).1), &mut message).unwrap();
        }
    }

    fn protect(&mut self, message: &[u8]) -> (Vec<u8>, Exchange) {
        let mut buffer = message.to_vec();
        buffer.resize(message.len() + PROTECT_OVERHEAD, 0);
        let (len, exchange) = self.session.protect_request(self.carrier, &mut buffer, message.len()).unwrap();
        buffer.truncate(len);
        (buffer, exchange)
    }

    fn unprotect(&mut self, exchange: &mut Exchange, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut buffer = message.to_vec();
        let len = self.session.unprotect_response(exchange, &mut buffer, message.len())?;
        buffer.truncate(len);
        Ok(buffer)
    }

    fn get(&mut self, world: &mut World, token: &[u8], options: &[(u16, &[u8])]) -> (Vec<u8>, Exchange) {
        let id = world.next_id();
        let mut all: Vec<(u16, &[u8])> = vec![(option::URI_PATH, b"index")];
        all.extend_from_slice(options);
        all.sort_by_key(|(number, _)| *number);
        let message = request(1, id, token, &all, &[]);
        self.protect(&message)
    }
}

const BOTH: [Carrier; 2] = [Carrier::Oscore, Carrier::Payload];
