//! A device, a server and its storage.

use super::toy::Toy;
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::crypto::{Curve, Point};
use lscoap::limits::RESUME_RECORD_MAX;
use lscoap::platform::Platform;
use lscoap::server::{Directory, Env, Opened, Server, Slot};
use lscoap::session::{Carrier, Session};
use lscoap::{Error, Message, Status};

pub const AAD: Carrier<'_> = Carrier::Payload(b"\xb5index");
pub const NO_AAD: Carrier<'_> = Carrier::Payload(b"");

/// Random enough, and the same in every run.
struct Source(u64);

impl Platform for Source {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.0 >> 33) as u8;
        }
        Ok(())
    }
}

const DEVICE_SECRET: [u8; 32] = [1; 32];
const SERVER_SECRET: [u8; 32] = [2; 32];

fn public_key(secret: &[u8; 32]) -> [u8; 33] {
    let mut point = Point::EMPTY;
    Toy::public_key(secret, &mut point).expect("a good secret");
    point.compressed()
}

/// One device and its record, by the connection id that it is kept under.
#[derive(Default)]
pub struct Enrolled {
    pub record: Option<(Vec<u8>, Vec<u8>)>,
    pub is_gone: bool,
    pub is_broken: bool,
}

impl Directory for Enrolled {
    fn find(&mut self, id: &[u8]) -> Option<[u8; 33]> {
        (id == b"sensor-7" && !self.is_gone).then(|| public_key(&DEVICE_SECRET))
    }

    fn stores(&self) -> bool {
        true
    }

    fn load_resume(&mut self, cid_s: &[u8], record: &mut heapless::Vec<u8, RESUME_RECORD_MAX>) -> bool {
        let stored = self.record.as_ref().filter(|(cid, _)| cid == cid_s);
        stored.is_some_and(|(_, stored)| record.extend_from_slice(stored).is_ok())
    }

    fn save_resume(&mut self, _: &[u8], cid_s: &[u8], record: Option<&[u8]>) -> Result<(), Error> {
        if self.is_broken {
            return Err(Error::Storage);
        }
        self.record = record.map(|record| (cid_s.to_vec(), record.to_vec()));
        Ok(())
    }
}

pub struct World {
    source: Source,
    pub directory: Enrolled,
    pub server: Server<Toy>,
    pub slots: [Slot<Toy>; 3],
    pub now_ms: u64,
    pub client: Client<Toy>,
    /// What each side said last.
    pub from_client: Vec<u8>,
    pub from_server: Vec<u8>,
}

impl World {
    pub fn new(profile: Profile, seed: u64) -> Self {
        let server_key = public_key(&SERVER_SECRET);
        let config = ClientConfig {
            cid: b"\xaa",
            ..ClientConfig::new(b"sensor-7", &DEVICE_SECRET, &server_key, profile)
        };
        let mut world = World {
            source: Source(seed),
            directory: Enrolled::default(),
            server: Server::new(&SERVER_SECRET).expect("a good secret"),
            slots: Default::default(),
            now_ms: 0,
            client: Client::new(&config).expect("a good configuration"),
            from_client: Vec::new(),
            from_server: Vec::new(),
        };
        world.give_client(&[]);
        world
    }

    pub fn give_server(&mut self, input: &[u8]) {
        let (platform, directory) = (&mut self.source, &mut self.directory);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: self.now_ms };
        let mut out = Message::new();
        let answered = self.server.step(&mut self.slots, &mut env, input, &mut out);
        match answered {
            Ok(status) if status != Status::Ready => {
                assert!(status == Status::Send || matches!((out.len(), out[0]), (2, 0x1f) | (17, 0x19)));
                self.from_server = out.to_vec();
            }
            Ok(_) => unreachable!("a server is never ready"),
            Err(error) => assert_eq!(error, Error::Unexpected),
        }
    }

    /// Whether the client is ready.
    pub fn give_client(&mut self, input: &[u8]) -> bool {
        let mut out = Message::new();
        let input = (!self.from_client.is_empty()).then_some(input);
        match self.client.step(&mut self.source, input, &mut out) {
            Ok(Status::Send) => self.from_client = out.to_vec(),
            Ok(Status::Ready) => return true,
            Ok(Status::Refused) => unreachable!("a client refuses nothing"),
            Err(_) => assert!(out.is_empty(), "output of a step that failed"),
        }
        false
    }

    /// A handshake without faults.
    pub fn sessions(mut self) -> Option<(Session<Toy>, World)> {
        for _ in 0..4 {
            let request = self.from_client.clone();
            self.give_server(&request);
            let answer = self.from_server.clone();
            if self.give_client(&answer) {
                return Some((self.client.finish().expect("a ready client"), self));
            }
        }
        None
    }

    /// Begins a resumption of a session.
    pub fn resume(&mut self, session: &Session<Toy>) {
        self.client.restart().expect("a live client");
        self.client.resume(session).expect("a live session");
        self.from_client.clear();
        self.give_client(&[]);
    }

    pub fn open_request(&mut self, object: &[u8], out: &mut [u8]) -> Result<Opened, Error> {
        let (platform, directory) = (&mut self.source, &mut self.directory);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: self.now_ms };
        self.server.open_request(&mut self.slots, &mut env, AAD, object, out)
    }

    /// The server's first genuine record: its session is confirmed, and what resumption needs is stored.
    pub fn confirm(&mut self, session: &mut Session<Toy>) {
        let mut buf = [0; 64];
        let (len, _) = session.seal_request(AAD, b"\x01", &mut buf).expect("a live session");
        let object = buf[..len].to_vec();
        self.open_request(&object, &mut buf).expect("a genuine record");
    }

    /// The server loses what is not stored.
    pub fn restart_server(&mut self) {
        self.server = Server::new(&SERVER_SECRET).expect("a good secret");
        self.slots = Default::default();
    }
}
