//! Power goes at every point of a long run, at the device or at the server, and comes back: the device gets through,
//! and nothing is ever sealed twice under one key and nonce, by either end.

use crate::client::{Client, ClientConfig, Profile};
use crate::crypto::ccm::recorder;
use crate::error::{Alert, Error, Status};
use crate::limits::PUBLIC_KEY_LEN;
use crate::server::{Env, Server, Slot};
use crate::session::{Carrier, Session};
use crate::testing::{Devices, Numbers};
use crate::wire::Message;
use std::collections::VecDeque;
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

/// The device's power has gone.
struct Cut;

/// What loses its power.
#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Device,
    /// The device waits for an answer meanwhile, and goes on with what it had.
    Server,
    Both,
}

/// Goes when it has been used so often, comes back, and goes again.
struct Power {
    cuts: VecDeque<usize>,
    left: Option<usize>,
}

impl Power {
    fn new(cuts: &[usize]) -> Self {
        let mut cuts: VecDeque<usize> = cuts.iter().copied().collect();
        Self { left: cuts.pop_front(), cuts }
    }

    /// Whether it has gone just now.
    fn goes(&mut self) -> bool {
        match &mut self.left {
            Some(0) => {
                self.left = self.cuts.pop_front();
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

struct World {
    server: Server,
    slots: Vec<Slot>,
    storage: Devices,
    server_source: Numbers,
    device_source: Numbers,
    /// What the device has in its flash memory.
    flash: Option<Vec<u8>>,
    succeeded: usize,
    /// How often the device began in each way: with what it had stored, resumed, anew.
    ways: [usize; 3],
    /// The random sources say the same after every start.
    repeats: bool,
    profile: Profile,
    victim: Victim,
    power: Power,
}

/// A server that asks for no cookies by the clock, which stands still here.
fn server() -> Server {
    let mut server = Server::new(&SERVER_SECRET).unwrap();
    server.set_retry_rate(u32::MAX);
    server
}

impl World {
    fn new(profile: Profile, victim: Victim, cuts: &[usize], repeats: bool) -> Self {
        let source = |state| Numbers { state, boots: 1 };
        Self {
            server: server(),
            slots: (0..4).map(|_| Slot::default()).collect(),
            storage: Devices::one(b"d", public_key(&DEVICE_SECRET)).stored(),
            server_source: source(1),
            device_source: source(2),
            flash: None,
            succeeded: 0,
            ways: [0; 3],
            repeats,
            profile,
            victim,
            power: Power::new(cuts),
        }
    }

    /// A moment in which the power may go.
    fn moment(&mut self) -> Result<(), Cut> {
        if !self.power.goes() {
            return Ok(());
        }
        if self.victim != Victim::Device {
            self.restart_server();
        }
        if self.victim == Victim::Server {
            return Ok(());
        }
        self.restart_device();
        Err(Cut)
    }

    fn restart_server(&mut self) {
        self.server = server();
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

    fn env<'a>(source: &'a mut Numbers, storage: &'a mut Devices) -> Env<'a, Numbers, Devices> {
        Env { platform: source, directory: storage, peer: b"d", source: b"", now_ms: 0 }
    }

    fn handshake(&mut self, client: &mut Client) -> Result<Result<Session, Error>, Cut> {
        let (mut query, mut answer) = (Message::new(), Message::new());
        let mut status = client.step(&mut self.device_source, None, &mut query);
        while status == Ok(Status::Send) {
            self.moment()?;
            let mut env = Self::env(&mut self.server_source, &mut self.storage);
            self.server.step(&mut self.slots, &mut env, &query, &mut answer).unwrap();
            self.moment()?;
            status = client.step(&mut self.device_source, Some(&answer), &mut query);
        }
        self.moment()?;
        Ok(status.and_then(|_| client.finish()))
    }

    /// A full handshake; another one if the server has lost its half of the first.
    fn handshake_to_the_end(&mut self, client: &mut Client) -> Result<Session, Cut> {
        loop {
            match self.handshake(client)? {
                Ok(session) => return Ok(session),
                Err(error) => assert_eq!(error, Error::Alert(Alert::UnknownSession)),
            }
            client.restart().unwrap();
        }
    }

    /// A new session: resumed from what is in the flash memory, else by a full handshake. Stored before use.
    fn connect(&mut self, client: &mut Client) -> Result<Session, Cut> {
        let old: Option<Session> = self.flash.as_ref().and_then(|blob| Session::restore(blob).ok());
        let mut session = None;
        if let Some(old) = old {
            client.resume(&old).unwrap();
            match self.handshake(client)? {
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
                self.handshake_to_the_end(client)?
            }
        };
        self.store(&mut session)?;
        Ok(session)
    }

    fn store(&mut self, session: &mut Session) -> Result<(), Cut> {
        self.moment()?;
        let written = session.store(BLOCK, |blob| {
            self.flash = Some(blob.to_vec());
            self.moment().map_err(|Cut| Error::Storage)
        });
        written.map_err(|_| Cut)
    }

    /// One request and its answer; what the server says in the clear where it does not open.
    fn request(&mut self, session: &mut Session) -> Result<Result<(), Error>, Cut> {
        let (mut out, mut plain) = ([0; 64], [0; 64]);
        let mut sealed = session.seal_request(CARRIER, b"\x01", &mut out);
        if sealed.as_ref().err() == Some(&Error::Unstored) {
            self.store(session)?;
            sealed = session.seal_request(CARRIER, b"\x01", &mut out);
        }
        let (len, mut ours) = sealed.unwrap();
        self.moment()?;
        let mut env = Self::env(&mut self.server_source, &mut self.storage);
        let opened =
            match self.server.open_request(&mut self.slots, &mut env, CARRIER, &out[..len], &mut plain) {
                Ok(opened) => opened,
                Err(error) => return Ok(Err(error)),
            };
        self.moment()?;
        let Some(theirs) = self.slots[opened.slot].session_mut() else {
            return Ok(Err(Error::UnknownSession)); // what the device hears when it asks again
        };
        let len = theirs.seal_response(&opened.exchange, CARRIER, b"\x45", &mut out).unwrap();
        let answer = out[..len].to_vec();
        self.moment()?;
        session.open_response(&mut ours, CARRIER, &answer, &mut plain).unwrap();
        self.moment()?;
        self.succeeded += 1;
        Ok(Ok(()))
    }

    /// A device from its start until it has done its work, or loses its power.
    fn device_life(&mut self) -> Result<(), Cut> {
        let config = ClientConfig::new(b"d", &DEVICE_SECRET, self.server.public_key(), self.profile);
        let mut client = Client::new(&config).unwrap();
        let mut session = match self.flash.as_ref().map(|blob| Session::restore(blob).unwrap()) {
            Some(session) => {
                self.ways[0] += 1;
                session
            }
            None => self.connect(&mut client)?,
        };
        while self.succeeded < REQUESTS {
            match self.request(&mut session)? {
                Ok(()) => {}
                Err(Error::UnknownSession | Error::Authentication) => {
                    session = self.connect(&mut client)?;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        Ok(())
    }
}

const VICTIMS: [Victim; 3] = [Victim::Device, Victim::Server, Victim::Both];
const PROFILES: [Profile; 2] = [Profile::Signed, Profile::Express];

/// A run in which the power goes once or more; whether it went as often as it was to.
fn run(profile: Profile, victim: Victim, cuts: &[usize], repeats: bool) -> (World, bool) {
    recorder::watch();
    let mut world = World::new(profile, victim, cuts, repeats);
    while world.device_life().is_err() {}
    let all = world.power.left.is_none();
    (world, all)
}

fn at_every_point(profile: Profile) {
    for victim in VICTIMS {
        for repeats in [false, true] {
            let mut cut = 0;
            let mut ways = [0; 3];
            loop {
                let (world, was_cut) = run(profile, victim, &[cut], repeats);
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
            assert_eq!(ways[0] > 30, victim != Victim::Server, "{ways:?}");
            assert_eq!(ways[1] > 30, victim != Victim::Device, "{ways:?}");
        }
    }
}

#[test]
fn at_every_point_of_the_signed_profile() {
    at_every_point(Profile::Signed);
}

#[test]
fn at_every_point_of_the_express_profile() {
    at_every_point(Profile::Express);
}

#[test]
fn again_and_again() {
    let mut choose = Numbers::from_seed(99);
    for round in 0..300 {
        let cuts: Vec<usize> = (0..16).map(|_| choose.below(40) as usize).collect();
        let (world, _) = run(PROFILES[round / 3 % 2], VICTIMS[round % 3], &cuts, round / 6 % 2 == 0);
        assert_eq!(world.succeeded, REQUESTS);
    }
}

/// The recorder does find what it is there for: storage that gives an older blob than the last one.
#[test]
#[should_panic(expected = "a nonce was used twice")]
fn an_older_blob_is_found_out() {
    recorder::watch();
    let mut world = World::new(Profile::Express, Victim::Device, &[15, 12, 12], false);
    world.device_life().unwrap_or(());
    let older = world.flash.clone();
    for _ in 0..2 {
        world.flash = older.clone();
        world.device_life().unwrap_or(());
    }
}
