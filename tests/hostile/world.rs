//! One conversation between a device and a server, from its first message to a notification, in steps: after each, one
//! message is on its way. The same in every run.

use super::testing::{Devices, Numbers, public_key};
use super::toy::Toy;
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::server::{Env, Server, Slot};
use lscoap::session::{Carrier, Exchange, Session};
use lscoap::{Error, Message, Status};

const DEVICE_SECRET: [u8; 32] = [1; 32];
const OTHER_SECRET: [u8; 32] = [3; 32];
const SERVER_SECRET: [u8; 32] = [2; 32];
const AAD: Carrier<'_> = Carrier::Payload(b"\xb5index");
const NO_AAD: Carrier<'_> = Carrier::Payload(b"");
const REQUEST: &[u8] = b"\x01";
const RESPONSE: &[u8] = b"\x45\xff20";
const NOTIFICATION: &[u8] = b"\x45\xff21";

/// How a session begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Begin {
    Signed,
    Express,
    Resume,
}

/// A conversation; in a crowd, other devices' handshakes fill more than half of the slots, so that there is a RETRY.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    pub begin: Begin,
    pub crowd: bool,
}

/// Where the message that is on its way goes, and what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    ToServer,
    ToClient,
    Request,
    Response,
    Notification,
    Done,
}

/// The device and the crowd, with storage.
fn devices() -> Devices {
    let other = |id: &[u8]| (id.to_vec(), public_key::<Toy>(&OTHER_SECRET));
    let mut devices = Devices::one(b"sensor-7", public_key::<Toy>(&DEVICE_SECRET)).stored();
    devices.keys.extend([b"other-1", b"other-2", b"other-3"].map(|id| other(id)));
    devices
}

fn client(id: &[u8], secret: &[u8; 32], profile: Profile) -> Client<Toy> {
    let server_key = public_key::<Toy>(&SERVER_SECRET);
    Client::new(&ClientConfig { cid: b"\xaa", ..ClientConfig::new(id, secret, &server_key, profile) })
        .unwrap()
}

pub struct World {
    source: Numbers,
    directory: Devices,
    server: Server<Toy>,
    slots: [Slot<Toy>; 4],
    client: Client<Toy>,
    session: Option<Session<Toy>>,
    /// The request, as its sender and as its receiver knows it.
    asked: Option<Exchange>,
    answered: Option<(Exchange, usize)>,
    pub stage: Stage,
    pub on_its_way: Vec<u8>,
    executed: usize,
}

/// A server that asks for no cookies by the clock, which stands still here.
fn server() -> Server<Toy> {
    let mut server = Server::new(&SERVER_SECRET).unwrap();
    server.set_retry_rate(u32::MAX);
    server
}

impl World {
    /// With the first message on its way.
    pub fn new(flow: Flow) -> Self {
        let profile = if flow.begin == Begin::Signed { Profile::Signed } else { Profile::Express };
        let mut world = World {
            source: Numbers::from_seed(flow.begin as u64 * 2 + u64::from(flow.crowd)),
            directory: devices(),
            server: server(),
            slots: Default::default(),
            client: client(b"sensor-7", &DEVICE_SECRET, profile),
            session: None,
            asked: None,
            answered: None,
            stage: Stage::ToServer,
            on_its_way: Vec::new(),
            executed: 0,
        };
        if flow.begin == Begin::Resume {
            world.begin();
            world.go_on();
            let old = world.session.take().unwrap();
            world.client.resume(&old).unwrap();
            (world.executed, world.asked, world.answered) = (0, None, None);
        }
        if flow.crowd {
            for id in [b"other-1", b"other-2", b"other-3"] {
                let mut out = Message::new();
                client(id, &OTHER_SECRET, Profile::Signed).step(&mut world.source, None, &mut out).unwrap();
                world.serve(&out).unwrap();
            }
        }
        world.begin();
        world
    }

    /// After so many messages have arrived.
    pub fn after(flow: Flow, messages: usize) -> Self {
        let mut world = World::new(flow);
        (0..messages).for_each(|_| world.deliver());
        world
    }

    fn begin(&mut self) {
        let mut out = Message::new();
        self.client.step(&mut self.source, None, &mut out).unwrap();
        (self.stage, self.on_its_way) = (Stage::ToServer, out.to_vec());
    }

    fn serve(&mut self, input: &[u8]) -> Result<(Status, Vec<u8>), Error> {
        let (platform, directory) = (&mut self.source, &mut self.directory);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: 0 };
        let mut out = Message::new();
        let status = self.server.step(&mut self.slots, &mut env, input, &mut out)?;
        Ok((status, out.to_vec()))
    }

    fn open_request(&mut self, object: &[u8], out: &mut [u8]) -> Result<lscoap::server::Opened, Error> {
        let (platform, directory) = (&mut self.source, &mut self.directory);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: 0 };
        self.server.open_request(&mut self.slots, &mut env, AAD, object, out)
    }

    /// The message arrives as it was sent.
    pub fn deliver(&mut self) {
        let message = std::mem::take(&mut self.on_its_way);
        let mut buf = [0; 64];
        (self.stage, self.on_its_way) = match self.stage {
            Stage::ToServer => {
                let (status, answer) = self.serve(&message).unwrap();
                assert!(status == Status::Send || answer.len() == 17, "refused: {answer:02x?}");
                (Stage::ToClient, answer)
            }
            Stage::ToClient => {
                let mut out = Message::new();
                match self.client.step(&mut self.source, Some(&message), &mut out).unwrap() {
                    Status::Ready => {
                        let mut session = self.client.finish().unwrap();
                        let (len, exchange) = session.seal_request(AAD, REQUEST, &mut buf).unwrap();
                        (self.session, self.asked) = (Some(session), Some(exchange));
                        (Stage::Request, buf[..len].to_vec())
                    }
                    _ => (Stage::ToServer, out.to_vec()),
                }
            }
            Stage::Request => {
                let opened = self.open_request(&message, &mut buf).unwrap();
                assert_eq!(&buf[..opened.len], REQUEST);
                self.executed += 1;
                let theirs = self.slots[opened.slot].session_mut().unwrap();
                let len = theirs.seal_response(&opened.exchange, NO_AAD, RESPONSE, &mut buf).unwrap();
                self.answered = Some((opened.exchange, opened.slot));
                (Stage::Response, buf[..len].to_vec())
            }
            Stage::Response => {
                assert_eq!(self.open_answer(&message, &mut buf), Ok(RESPONSE.len()));
                assert_eq!(&buf[..RESPONSE.len()], RESPONSE);
                let (exchange, slot) = self.answered.as_ref().unwrap();
                let theirs = self.slots[*slot].session_mut().unwrap();
                let len = theirs.seal_notification(exchange, NO_AAD, NOTIFICATION, &mut buf).unwrap();
                (Stage::Notification, buf[..len].to_vec())
            }
            Stage::Notification => {
                assert_eq!(self.open_answer(&message, &mut buf), Ok(NOTIFICATION.len()));
                assert_eq!(&buf[..NOTIFICATION.len()], NOTIFICATION);
                (Stage::Done, Vec::new())
            }
            Stage::Done => unreachable!("nothing is on its way"),
        };
    }

    fn open_answer(&mut self, object: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let (session, exchange) = (self.session.as_mut().unwrap(), self.asked.as_mut().unwrap());
        session.open_response(exchange, NO_AAD, object, out)
    }

    /// To the end, without another fault.
    pub fn go_on(&mut self) {
        while self.stage != Stage::Done {
            self.deliver();
        }
        assert_eq!(self.executed, 1);
    }

    /// To the end by another handshake: what a device does after an M2 of an attacker's.
    pub fn go_on_anew(&mut self) {
        self.client.restart().unwrap();
        self.begin();
        self.go_on();
    }

    fn phases(&self) -> [u64; 3] {
        let stats = self.server.stats(self.slots.len());
        [stats.half_open, stats.unconfirmed, stats.confirmed_now]
    }

    /// The server gets a message that nobody sent it just now. Whether it took it for somebody's: nothing tells an M1
    /// that was changed from the M1 of another handshake.
    pub fn hostile_to_server(&mut self, message: &[u8]) -> bool {
        let before = self.phases();
        let mut buf = [0; 64];
        let opened = self.open_request(message, &mut buf);
        assert!(opened.is_err() && buf == [0; 64], "opened: {message:02x?}");
        assert_eq!(self.phases(), before);
        match self.serve(message) {
            Ok((Status::Send, answer)) => {
                assert!(answer.len() > 2);
                return true;
            }
            Ok((_, answer)) => assert!(matches!(answer[..], [0x1f, 1..=5] | [0x19, ..]), "{answer:02x?}"),
            Err(error) => assert_eq!(error, Error::Unexpected, "{message:02x?}"),
        }
        assert_eq!(self.phases(), before, "{message:02x?}");
        false
    }

    /// As [`World::hostile_to_server`], for the client.
    pub fn hostile_to_client(&mut self, message: &[u8]) -> bool {
        if self.session.is_some() {
            let mut buf = [0; 64];
            let opened = self.open_answer(message, &mut buf);
            assert!(opened.is_err() && buf == [0; 64], "opened: {message:02x?}");
        }
        let mut out = Message::new();
        let status = self.client.step(&mut self.source, Some(message), &mut out);
        assert_ne!(status, Ok(Status::Ready), "{message:02x?}");
        assert_eq!(status == Ok(Status::Send), !out.is_empty());
        status.is_ok()
    }
}
