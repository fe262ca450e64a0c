//! Power goes at every point of a long run, at the device or at the server, and comes back: the device gets through,
//! and nothing is ever sealed twice under one key and nonce, by either end.

use crate::client::{Client, ClientConfig, Profile};
use crate::crypto::ccm::recorder;
use crate::error::{Alert, Error, Status};
use crate::limits::{PUBLIC_KEY_LEN, RESUME_RECORD_MAX};
use crate::platform::Platform;
use crate::server::{Directory, Env, Server, Slot};
use crate::session::{Carrier, Session};
use crate::wire::Message;
use std::vec::Vec;

const DEVICE_SECRET: [u8; 32] = [1; 32];
const SERVER_SECRET: [u8; 32] = [2; 32];
const CARRIER: Carrier<'_> = Carrier::Payload(b"");
/// Requests that have to succeed.
const REQUESTS: usize = 12;
/// Sequence numbers reserved at a time.
const BLOCK: u32 = 4;

fn public_key(secret: &[u8; 32]) -> [u8; PUBLIC_KEY_LEN] {
    crate::enrolment::public_key(secret).unwrap()
}

/// The power has gone.
struct Cut;

/// Goes when it has been used so often.
struct Power(Option<usize>);

impl Power {
    fn use_some(&mut self) -> Result<(), Cut> {
        match &mut self.0 {
            Some(0) => {
                self.0 = None; // it comes back for good
                Err(Cut)
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// A random source, and how often its platform has started.
#[derive(Clone)]
struct Source {
    state: u64,
    boots: u64,
}

impl Platform for Source {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for byte in out {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.state >> 33) as u8;
        }
        Ok(())
    }

    fn unique(&mut self) -> u64 {
        self.boots
    }
}

/// One device, and the server's storage.
#[derive(Default)]
struct Storage(Option<(Vec<u8>, Vec<u8>)>);

impl Directory for Storage {
    fn find(&mut self, id: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]> {
        (id == b"d").then(|| public_key(&DEVICE_SECRET))
    }

    fn stores(&self) -> bool {
        true
    }

    fn load_resume(&mut self, cid_s: &[u8], record: &mut heapless::Vec<u8, RESUME_RECORD_MAX>) -> bool {
        let stored = self.0.as_ref().filter(|(cid, _)| cid == cid_s);
        stored.is_some_and(|(_, stored)| record.extend_from_slice(stored).is_ok())
    }

    fn save_resume(&mut self, _: &[u8], cid_s: &[u8], record: Option<&[u8]>) -> Result<(), Error> {
        self.0 = record.map(|record| (cid_s.to_vec(), record.to_vec()));
        Ok(())
    }
}

struct World {
    server: Server,
    slots: Vec<Slot>,
    storage: Storage,
    server_source: Source,
    device_source: Source,
    /// What the device has in its flash memory.
    flash: Option<Vec<u8>>,
    succeeded: usize,
    /// How often the device began in each way: with what it had stored, resumed, anew.
    ways: [usize; 3],
    /// The random sources say the same after every start.
    repeats: bool,
}

impl World {
    fn new(repeats: bool) -> Self {
        let source = |state| Source { state, boots: 1 };
        Self {
            server: Server::new(&SERVER_SECRET).unwrap(),
            slots: (0..4).map(|_| Slot::default()).collect(),
            storage: Storage::default(),
            server_source: source(1),
            device_source: source(2),
            flash: None,
            succeeded: 0,
            ways: [0; 3],
            repeats,
        }
    }

    fn restart_server(&mut self) {
        self.server = Server::new(&SERVER_SECRET).unwrap();
        self.slots = (0..4).map(|_| Slot::default()).collect();
        self.server_source.boots += 1;
        if self.repeats {
            self.server_source.state = 1;
        }
    }

    fn restart_device(&mut self) {
        self.device_source.boots += 1;
        if self.repeats {
            self.device_source.state = 2;
        }
    }

    fn env<'a>(source: &'a mut Source, storage: &'a mut Storage) -> Env<'a, Source, Storage> {
        Env { platform: source, directory: storage, peer: b"d", now_ms: 0 }
    }

    fn handshake(&mut self, client: &mut Client, power: &mut Power) -> Result<Result<Session, Error>, Cut> {
        let (mut query, mut answer) = (Message::new(), Message::new());
        let mut status = client.step(&mut self.device_source, None, &mut query);
        while status == Ok(Status::Send) {
            power.use_some()?;
            let mut env = Self::env(&mut self.server_source, &mut self.storage);
            self.server.step(&mut self.slots, &mut env, &query, &mut answer).unwrap();
            power.use_some()?;
            status = client.step(&mut self.device_source, Some(&answer), &mut query);
        }
        power.use_some()?;
        Ok(status.and_then(|_| client.finish()))
    }

    /// A new session: resumed from what is in the flash memory, else by a full handshake. Stored before use.
    fn connect(&mut self, client: &mut Client, power: &mut Power) -> Result<Session, Cut> {
        let old: Option<Session> = self.flash.as_ref().and_then(|blob| Session::restore(blob).ok());
        let mut session = None;
        if let Some(old) = old {
            client.resume(&old).unwrap();
            match self.handshake(client, power)? {
                Ok(resumed) => {
                    session = Some(resumed);
                    self.ways[1] += 1;
                }
                Err(error) => assert_eq!(error, Error::Alert(Alert::UnknownSession)),
            }
            client.restart().unwrap();
        }
        let mut session = match session {
            Some(session) => session,
            None => {
                self.ways[2] += 1;
                self.handshake(client, power)?.unwrap()
            }
        };
        self.store(&mut session, power)?;
        Ok(session)
    }

    fn store(&mut self, session: &mut Session, power: &mut Power) -> Result<(), Cut> {
        power.use_some()?;
        let written = session.store(BLOCK, |blob| {
            self.flash = Some(blob.to_vec());
            power.use_some().map_err(|Cut| Error::Storage)
        });
        written.map_err(|_| Cut)
    }

    /// One request and its answer; what the server says in the clear where it does not open.
    fn request(&mut self, session: &mut Session, power: &mut Power) -> Result<Result<(), Error>, Cut> {
        let (mut out, mut plain) = ([0; 64], [0; 64]);
        let mut sealed = session.seal_request(CARRIER, b"\x01", &mut out);
        if sealed.as_ref().err() == Some(&Error::Unstored) {
            self.store(session, power)?;
            sealed = session.seal_request(CARRIER, b"\x01", &mut out);
        }
        let (len, mut ours) = sealed.unwrap();
        power.use_some()?;
        let mut env = Self::env(&mut self.server_source, &mut self.storage);
        let opened =
            match self.server.open_request(&mut self.slots, &mut env, CARRIER, &out[..len], &mut plain) {
                Ok(opened) => opened,
                Err(error) => return Ok(Err(error)),
            };
        power.use_some()?;
        let theirs = self.slots[opened.slot].session_mut().unwrap();
        let len = theirs.seal_response(&opened.exchange, CARRIER, b"\x45", &mut out).unwrap();
        let answer = out[..len].to_vec();
        power.use_some()?;
        session.open_response(&mut ours, CARRIER, &answer, &mut plain).unwrap();
        power.use_some()?;
        self.succeeded += 1;
        Ok(Ok(()))
    }

    /// A device from its start until it has done its work, or loses its power.
    fn device_life(&mut self, power: &mut Power) -> Result<(), Cut> {
        let config = ClientConfig::new(b"d", &DEVICE_SECRET, self.server.public_key(), Profile::Express);
        let mut client = Client::new(&config).unwrap();
        let mut session = match self.flash.as_ref().map(|blob| Session::restore(blob).unwrap()) {
            Some(session) => {
                self.ways[0] += 1;
                session
            }
            None => self.connect(&mut client, power)?,
        };
        while self.succeeded < REQUESTS {
            match self.request(&mut session, power)? {
                Ok(()) => {}
                Err(Error::UnknownSession | Error::Authentication) => {
                    session = self.connect(&mut client, power)?;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        Ok(())
    }
}

/// What loses its power.
#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Device,
    Server,
    Both,
}

/// A run in which the power goes once or more; whether it went as often as it was to.
fn run(victim: Victim, cuts: &[usize], repeats: bool) -> (World, bool) {
    recorder::watch();
    let mut world = World::new(repeats);
    let mut cuts = cuts.iter();
    let mut power = Power(cuts.next().copied());
    while world.device_life(&mut power).is_err() {
        if victim != Victim::Server {
            world.restart_device();
        }
        if victim != Victim::Device {
            world.restart_server();
        }
        power = Power(cuts.next().copied());
    }
    (world, cuts.next().is_none() && power.0.is_none())
}

#[test]
fn at_every_point() {
    for victim in [Victim::Device, Victim::Server, Victim::Both] {
        for repeats in [false, true] {
            let mut cut = 0;
            let mut ways = [0; 3];
            loop {
                let (world, was_cut) = run(victim, &[cut], repeats);
                assert_eq!(world.succeeded, REQUESTS);
                assert!(recorder::count() > 2 * REQUESTS);
                ways.iter_mut().zip(world.ways).for_each(|(sum, way)| *sum += way);
                if !was_cut {
                    break;
                }
                cut += 1;
            }
            assert!(cut > 40, "{cut} points");
            // A device that restarts goes on with what it stored; one whose server restarts resumes.
            assert!(ways[0] > 30, "{ways:?}");
            assert_eq!(ways[1] > 30, victim != Victim::Device, "{ways:?}");
        }
    }
}

#[test]
fn again_and_again() {
    let mut choose = Source { state: 99, boots: 0 };
    for round in 0..300 {
        let victim = [Victim::Device, Victim::Server, Victim::Both][round % 3];
        let mut random = [0; 16];
        choose.random(&mut random).unwrap();
        let cuts: Vec<usize> = random.iter().map(|byte| usize::from(byte % 40)).collect();
        let (world, _) = run(victim, &cuts, round % 2 == 0);
        assert_eq!(world.succeeded, REQUESTS);
    }
}

/// The recorder does find what it is there for: storage that gives an older blob than the last one.
#[test]
#[should_panic(expected = "a nonce was used twice")]
fn an_older_blob_is_found_out() {
    recorder::watch();
    let mut world = World::new(false);
    world.device_life(&mut Power(Some(15))).unwrap_or(());
    let older = world.flash.clone();
    for _ in 0..2 {
        world.flash = older.clone();
        world.device_life(&mut Power(Some(12))).unwrap_or(());
    }
}
