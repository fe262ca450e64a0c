//! The network, the clock, and a server with one resource.

use crate::Message;
use crate::client::{ClientConfig, Profile};
use crate::coap::message::{Frame, code};
use crate::coap::option::{CONTENT_FORMAT, List, MAX_AGE, OSCORE};
use crate::coap::{Carrier, HANDSHAKE, PROTECT_OVERHEAD, refuse};
use crate::crypto::Software;
use crate::device::*;
use crate::error::Status;
use crate::platform::Platform;
use crate::server::{Env as ServerEnv, Server, Slot};
use crate::testing::{Devices, Numbers, public_key};
pub use std::boxed::Box;
use std::collections::VecDeque;
pub use std::vec::Vec;

pub const CONTENT: u8 = code(2, 5);
pub const CHANGED: u8 = code(2, 4);
pub const DEVICE_SECRET: [u8; 32] = [7; 32];
pub const SERVER_SECRET: [u8; 32] = [9; 32];

/// Randomness that can fail.
pub struct Dice {
    pub numbers: Numbers,
    pub fails: bool,
}

impl Platform for Dice {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        if self.fails { Err(Error::Random) } else { self.numbers.random(out) }
    }
}

/// What the application asks, and what it got. The name of a request is its place, counted from 1.
#[derive(Default)]
pub struct App {
    pub asks: Vec<Ask>,
    pub pieces: Vec<Got>,
    /// `take` says no.
    pub refuses: bool,
    /// `read` does.
    pub has_lost_the_body: bool,
}

#[derive(Clone, Default)]
pub struct Ask {
    pub path: &'static str,
    pub code: u8,
    pub observe: bool,
    pub non: bool,
    pub at_least_once: bool,
    pub timeout_ms: u32,
    pub payload: Vec<u8>,
    pub reads: bool,
    /// Nothing is taken of the answer but its code.
    pub wants_the_code: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub name: usize,
    pub ended: Option<Error>,
    pub code: u8,
    pub more: bool,
    pub notification: bool,
    pub offset: u32,
    pub payload: Vec<u8>,
}

impl Requests for App {
    fn get(&self, name: usize) -> Option<Request<'_>> {
        let ask = self.asks.get(name.checked_sub(1)?)?;
        Some(Request {
            path: ask.path.as_bytes(),
            code: ask.code,
            observe: ask.observe,
            non: ask.non,
            at_least_once: ask.at_least_once,
            content_format: (!ask.payload.is_empty()).then_some(50),
            accept: None,
            timeout_ms: ask.timeout_ms,
            payload: if ask.reads { Payload::Read(ask.payload.len()) } else { Payload::Bytes(&ask.payload) },
            takes: !ask.wants_the_code,
        })
    }

    fn read(&mut self, name: usize, offset: usize, out: &mut [u8]) -> Result<(), Error> {
        out.copy_from_slice(&self.asks[name - 1].payload[offset..offset + out.len()]);
        if self.has_lost_the_body { Err(Error::Storage) } else { Ok(()) }
    }

    fn take(&mut self, name: usize, piece: &Piece<'_>) -> Result<(), Error> {
        self.pieces.push(Got {
            name,
            ended: piece.ended,
            code: piece.code,
            more: piece.more,
            notification: piece.notification,
            offset: piece.offset,
            payload: piece.payload.to_vec(),
        });
        if self.refuses { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// How the server treats a message, by what it is.
type Handler = dyn FnMut(&[u8]) -> Vec<u8>;

/// The server with its answers to sealed bytes that come again.
pub struct Site {
    pub server: Server,
    pub slots: [Slot; 4],
    pub devices: Devices,
    pub numbers: Numbers,
    kept: Vec<(Vec<u8>, Vec<u8>)>,
    /// From an unprotected request to its response, both whole messages.
    pub handler: Box<Handler>,
    /// What was unprotected.
    pub executed: Vec<Vec<u8>>,
    /// Answers come separately, in confirmable messages.
    pub separate: bool,
    /// The last request's exchange, and where its session is.
    pub last: Option<(crate::session::Exchange, usize, Vec<u8>)>,
    next_id: u16,
}

/// A message of parts.
pub fn message(
    first: u8,
    code: u8,
    id: u16,
    token: &[u8],
    options: &[(u16, &[u8])],
    payload: &[u8],
) -> Vec<u8> {
    let mut list = List::<1200>::new();
    options.iter().for_each(|(number, value)| list.put(*number, value).unwrap());
    let [high, low] = id.to_be_bytes();
    let mut message = std::vec![first | token.len() as u8, code, high, low];
    message.extend(token);
    message.extend(list.as_slice());
    if !payload.is_empty() {
        message.push(0xff);
        message.extend(payload);
    }
    message
}

/// Answers in the acknowledgement of `request`.
pub fn answer(request: &[u8], code: u8, options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
    let id = u16::from_be_bytes([request[2], request[3]]);
    message(0x60, code, id, &request[4..8], options, payload)
}

/// 2.05 for GET and 2.04 for the others, with what was sent.
fn echo(request: &[u8]) -> Vec<u8> {
    let frame = Frame::read(request).unwrap();
    let code = if frame.code == 1 { CONTENT } else { CHANGED };
    let payload = frame.payload(request);
    answer(request, code, &[], if payload.is_empty() { b"hello" } else { payload })
}

impl Site {
    pub fn new() -> Self {
        let mut server = Server::new(&SERVER_SECRET).unwrap();
        server.set_retry_rate(u32::MAX);
        Self {
            server,
            slots: Default::default(),
            devices: Devices::one(b"device", public_key::<Software>(&DEVICE_SECRET)).stored(),
            numbers: Numbers::from_seed(99),
            kept: Vec::new(),
            handler: Box::new(echo),
            executed: Vec::new(),
            separate: false,
            last: None,
            next_id: 0x7000,
        }
    }

    /// The server forgets its sessions, not what it stored of them.
    pub fn restart(&mut self) {
        self.server = Server::new(&SERVER_SECRET).unwrap();
        self.server.set_retry_rate(u32::MAX);
        self.slots = Default::default();
        self.kept.clear();
    }

    pub fn receive(&mut self, now_ms: u64, datagram: &[u8]) -> Vec<Vec<u8>> {
        if datagram[1] == 0 {
            return Vec::new();
        }
        let frame = Frame::read(datagram).unwrap();
        if let Some((_, answer)) = self.kept.iter().find(|(bytes, _)| bytes[..] == datagram[8..]) {
            let mut answer = answer.clone();
            answer[4..8].copy_from_slice(&datagram[4..8]);
            if !self.separate {
                answer[2..4].copy_from_slice(&datagram[2..4]);
            }
            return std::vec![answer];
        }
        let format = frame.find(datagram, CONTENT_FORMAT).unwrap();
        let is_handshake = format.is_some_and(|format| datagram[format.at..][..2] == HANDSHAKE.to_be_bytes());
        if is_handshake {
            return std::vec![self.shake_hands(now_ms, datagram, &frame)];
        }
        let mut buffer = datagram.to_vec();
        let mut env = ServerEnv {
            platform: &mut self.numbers,
            directory: &mut self.devices,
            peer: b"peer",
            source: b"",
            now_ms,
        };
        let len = buffer.len();
        let opened = match self.server.unprotect_request(&mut self.slots, &mut env, &mut buffer, len) {
            Ok(opened) => opened,
            Err(error) => {
                buffer.resize(buffer.len() + 16, 0);
                let len = refuse(error, &mut buffer, len).unwrap();
                buffer.truncate(len);
                return std::vec![buffer];
            }
        };
        buffer.truncate(opened.len);
        self.executed.push(buffer.clone());
        let mut response = (self.handler)(&buffer);
        if self.separate {
            self.next_id += 1;
            response[0] = 0x44;
            response[2..4].copy_from_slice(&self.next_id.to_be_bytes());
        }
        self.last = Some((opened.exchange.clone(), opened.slot, response[4..8].to_vec()));
        let sealed = self.seal(opened.slot, &opened.exchange, &response);
        self.kept.push((datagram[8..].to_vec(), sealed.clone()));
        if self.separate {
            return std::vec![std::vec![0x60, 0, datagram[2], datagram[3]], sealed];
        }
        std::vec![sealed]
    }

    pub fn seal(&mut self, slot: usize, exchange: &crate::session::Exchange, response: &[u8]) -> Vec<u8> {
        let mut sealed = response.to_vec();
        sealed.resize(response.len() + PROTECT_OVERHEAD, 0);
        let session = self.slots[slot].session_mut().unwrap();
        let len = session.protect_response(exchange, &mut sealed, response.len()).unwrap();
        sealed.truncate(len);
        sealed
    }

    /// A further answer to the last request.
    pub fn notify(&mut self, options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
        let (exchange, slot, token) = self.last.clone().unwrap();
        self.next_id += 1;
        let plain = message(0x40, CONTENT, self.next_id, &token, options, payload);
        self.seal(slot, &exchange, &plain)
    }

    fn shake_hands(&mut self, now_ms: u64, datagram: &[u8], frame: &Frame) -> Vec<u8> {
        let mut env = ServerEnv {
            platform: &mut self.numbers,
            directory: &mut self.devices,
            peer: b"peer",
            source: b"",
            now_ms,
        };
        let mut out = Message::new();
        let status = self.server.step(&mut self.slots, &mut env, frame.payload(datagram), &mut out).unwrap();
        let format = HANDSHAKE.to_be_bytes();
        match (status, &out[..]) {
            (Status::Send, [0x19, ..]) => answer(datagram, code(4, 1), &[(CONTENT_FORMAT, &format)], &out),
            (Status::Send, _) => answer(datagram, code(2, 4), &[(CONTENT_FORMAT, &format)], &out),
            (_, [_, 4]) => answer(datagram, code(5, 3), &[(CONTENT_FORMAT, &format), (MAX_AGE, &[5])], &out),
            _ => answer(datagram, code(4, 1), &[(CONTENT_FORMAT, &format)], &out),
        }
    }
}

/// What happens to a datagram: how often it arrives.
pub type Fate = dyn FnMut(u64, &[u8]) -> usize;

pub struct World {
    pub device: Device,
    pub dice: Dice,
    pub app: App,
    pub buffer: Vec<u8>,
    pub observations: Vec<Observation>,
    #[cfg(feature = "group")]
    pub members: Vec<crate::group::Member>,
    pub now_ms: u64,
    pub site: Site,
    /// For what the device sends, and for what the server does.
    pub up: Box<Fate>,
    pub down: Box<Fate>,
    arriving: VecDeque<Vec<u8>>,
    /// Everything that the device sent, and when.
    pub sent: Vec<(u64, Vec<u8>)>,
    pub storage: Option<Vec<u8>>,
    pub storage_fails: bool,
    pub writes: usize,
}

pub fn config(carrier: Carrier, profile: Profile) -> Config<'static> {
    let server_key = Box::leak(Box::new(public_key::<Software>(&SERVER_SECRET)));
    Config::new(ClientConfig::new(b"device", &DEVICE_SECRET, server_key, profile), carrier)
}

pub fn get(path: &'static str) -> Ask {
    Ask { path, code: 1, ..Ask::default() }
}

pub fn post(payload: &[u8]) -> Ask {
    Ask { path: "r", code: 2, payload: payload.to_vec(), ..Ask::default() }
}

impl World {
    pub fn new() -> Self {
        Self::with(&config(Carrier::Oscore, Profile::Express))
    }

    pub fn with(config: &Config<'_>) -> Self {
        Self {
            device: Device::new(config).unwrap(),
            dice: Dice { numbers: Numbers::from_seed(1), fails: false },
            app: App::default(),
            buffer: std::vec![0; 512],
            observations: Vec::new(),
            #[cfg(feature = "group")]
            members: Vec::new(),
            now_ms: 1_000,
            site: Site::new(),
            up: Box::new(|_, _| 1),
            down: Box::new(|_, _| 1),
            arriving: VecDeque::new(),
            sent: Vec::new(),
            storage: None,
            storage_fails: false,
            writes: 0,
        }
    }

    /// The device without its memory: what it has stored is restored.
    pub fn lose_power(&mut self, config: &Config<'_>) {
        self.device = Device::new(config).unwrap();
        self.arriving.clear();
        if let Some(blob) = &self.storage {
            self.device.restore(blob).unwrap();
        }
    }

    pub fn call<R>(&mut self, work: impl FnOnce(&mut Device, &mut Env<'_>) -> R) -> R {
        let mut env = Env {
            platform: &mut self.dice,
            requests: &mut self.app,
            buffer: &mut self.buffer,
            observations: &mut self.observations,
            #[cfg(feature = "group")]
            groups: &mut Members { members: &mut self.members, leisure_ms: 1_000 },
            now_ms: self.now_ms,
        };
        work(&mut self.device, &mut env)
    }

    pub fn ask(&mut self, ask: Ask) -> Result<usize, Error> {
        self.app.asks.push(ask);
        let name = self.app.asks.len();
        self.call(|device, env| device.request(env, Some(name))).map(|()| name)
    }

    /// Hands a datagram to the device, and checks that a request is not touched.
    pub fn give(&mut self, datagram: &[u8]) {
        let mut datagram = datagram.to_vec();
        let before = datagram.clone();
        let taken = self.call(|device, env| device.receive(env, &mut datagram));
        if taken.is_err() {
            assert_eq!((taken, datagram), (Err(Error::Unexpected), before));
        }
    }

    /// One call of poll, done as it says. `None`: it waits for something.
    pub fn poll(&mut self) -> Option<Result<u8, Error>> {
        let (mut send, mut store) = (None, None);
        let polled = self.call(|device, env| {
            device.poll(env).map(|poll| match poll {
                Poll::Idle => Some(None),
                Poll::Done(code) => Some(Some(code)),
                Poll::Send(bytes) => {
                    send = Some(bytes.to_vec());
                    None
                }
                Poll::Store(bytes) => {
                    store = Some(bytes.to_vec());
                    None
                }
            })
        });
        if let Some(bytes) = send {
            self.sent.push((self.now_ms, bytes.clone()));
            for _ in 0..(self.up)(self.now_ms, &bytes) {
                for answer in self.site.receive(self.now_ms, &bytes) {
                    for _ in 0..(self.down)(self.now_ms, &answer) {
                        self.arriving.push_back(answer.clone());
                    }
                }
            }
        }
        if let Some(blob) = store {
            self.writes += 1;
            let result = if self.storage_fails { Err(Error::Storage) } else { Ok(()) };
            if result.is_ok() {
                self.storage = Some(blob);
            }
            self.device.stored(result).unwrap();
        }
        match polled {
            Ok(Some(Some(code))) => Some(Ok(code)),
            Ok(Some(None)) => None,
            Ok(None) => self.poll(),
            Err(error) => Some(Err(error)),
        }
    }

    /// Until the request has ended, or nothing happens any more: then `None`.
    pub fn run(&mut self) -> Option<Result<u8, Error>> {
        self.run_until(u64::MAX)
    }

    pub fn run_until(&mut self, end_ms: u64) -> Option<Result<u8, Error>> {
        for _ in 0..10_000 {
            if let Some(end) = self.poll() {
                return Some(end);
            }
            if let Some(datagram) = self.arriving.pop_front() {
                self.give(&datagram);
                continue;
            }
            let deadline = self.device.deadline(&self.observations);
            assert!(deadline > self.now_ms, "idle before its deadline");
            if deadline > end_ms {
                self.now_ms = if end_ms == u64::MAX { self.now_ms } else { end_ms };
                return None;
            }
            if deadline == u64::MAX {
                return None;
            }
            self.now_ms = deadline;
        }
        panic!("it does not come to an end");
    }

    /// Sends what there is to send, and takes one datagram.
    pub fn step(&mut self) {
        assert_eq!(self.poll(), None);
        let datagram = self.arriving.pop_front().expect("an answer");
        self.give(&datagram);
        assert_eq!(self.poll(), None);
    }

    /// Loses what is on its way to the device.
    pub fn drop_arriving(&mut self) {
        self.arriving.clear();
    }

    /// The last message that the device sent.
    pub fn last(&self) -> Vec<u8> {
        self.sent.last().expect("a message").1.clone()
    }

    /// Asks, and gives how it ended.
    pub fn exchange(&mut self, ask: Ask) -> Result<u8, Error> {
        self.ask(ask)?;
        self.run().expect("an end")
    }

    /// The types of the handshake messages that the device sent, `0` for sealed ones and `_` for empty ones.
    pub fn story(&self) -> std::string::String {
        let name = |bytes: &Vec<u8>| {
            if bytes[1] == 0 {
                return "_".into();
            }
            let frame = Frame::read(bytes).unwrap();
            match crate::wire::Type::of(frame.payload(bytes)) {
                Some(message) if frame.find(bytes, OSCORE).unwrap().is_none() => {
                    message.name().to_string_lossy().into_owned()
                }
                _ => std::string::String::from("0"),
            }
        };
        self.sent.iter().map(|(_, bytes)| name(bytes)).collect::<Vec<_>>().join(" ")
    }
}
