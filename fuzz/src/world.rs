//! A device, a server and its storage.

use super::testing::{Devices, Numbers, public_key};
use super::toy::Toy;
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::server::{Env, Opened, Server, Slot};
use lscoap::session::{Carrier, Session};
use lscoap::{Error, Message, Status};

pub const AAD: Carrier<'_> = Carrier::Payload(b"\xb5index");
pub const NO_AAD: Carrier<'_> = Carrier::Payload(b"");

const DEVICE: &[u8] = b"sensor-7";
const DEVICE_SECRET: [u8; 32] = [1; 32];
const SERVER_SECRET: [u8; 32] = [2; 32];

pub struct World {
    source: Numbers,
    pub directory: Devices,
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
        let server_key = public_key::<Toy>(&SERVER_SECRET);
        let config =
            ClientConfig { cid: b"\xaa", ..ClientConfig::new(DEVICE, &DEVICE_SECRET, &server_key, profile) };
        let mut world = World {
            source: Numbers::from_seed(seed),
            directory: Devices::one(DEVICE, public_key::<Toy>(&DEVICE_SECRET)).stored(),
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

    pub fn unprotect_request(&mut self, buffer: &mut [u8], len: usize) -> Result<Opened, Error> {
        let (platform, directory) = (&mut self.source, &mut self.directory);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: self.now_ms };
        self.server.unprotect_request(&mut self.slots, &mut env, buffer, len)
    }

    /// The server's first genuine record: its session is confirmed, and what resumption needs is stored.
    pub fn confirm(&mut self, session: &mut Session<Toy>) {
        let mut buf = [0; 64];
        let (len, _) = session.seal_request(AAD, b"\x01", &mut buf).expect("a live session");
        let object = buf[..len].to_vec();
        self.open_request(&object, &mut buf).expect("a genuine record");
    }

    /// What the server has stored of the device.
    pub fn record(&mut self) -> &[u8] {
        self.directory.records().of(DEVICE).expect("a record").1
    }

    /// Puts other bytes in its place.
    pub fn store(&mut self, record: &[u8]) {
        let cid_s = self.directory.records().of(DEVICE).expect("a record").0.to_vec();
        self.directory.records().insert(DEVICE, &cid_s, record);
    }

    /// Whether the device is enrolled.
    pub fn knows_device(&self) -> bool {
        self.directory.keys.contains_key(DEVICE)
    }

    /// Takes the device out of the directory, or puts it back.
    pub fn enrol_or_forget(&mut self) {
        match self.directory.keys.remove(DEVICE) {
            Some(_) => {}
            None => drop(self.directory.keys.insert(DEVICE.to_vec(), public_key::<Toy>(&DEVICE_SECRET))),
        }
    }

    /// The server loses what is not stored.
    pub fn restart_server(&mut self) {
        self.server = Server::new(&SERVER_SECRET).expect("a good secret");
        self.slots = Default::default();
    }
}
