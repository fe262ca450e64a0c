//! What is fuzzed. Each target is a small network in which the input decides what happens to the messages, so
//! that genuine handshakes with one fault are reached as well as garbage. `tests/corpus.rs` replays the corpus.

use super::toy::Toy;
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::crypto::{Curve, Point};
use lscoap::platform::Platform;
use lscoap::server::{Directory, Env, Server, Slot};
use lscoap::session::{Carrier, Session};
use lscoap::{Error, Message, Status};

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

struct One;

impl Directory for One {
    fn find(&mut self, id: &[u8]) -> Option<[u8; 33]> {
        (id == b"sensor-7").then(|| public_key(&DEVICE_SECRET))
    }
}

struct World {
    source: Source,
    server: Server<Toy>,
    slots: [Slot<Toy>; 3],
    now_ms: u64,
    client: Client<Toy>,
    /// What each side said last.
    from_client: Vec<u8>,
    from_server: Vec<u8>,
}

impl World {
    fn new(profile: Profile, seed: u64) -> Self {
        let server_key = public_key(&SERVER_SECRET);
        let config = ClientConfig {
            cid: b"\xaa",
            ..ClientConfig::new(b"sensor-7", &DEVICE_SECRET, &server_key, profile)
        };
        let mut world = World {
            source: Source(seed),
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

    fn give_server(&mut self, input: &[u8]) {
        let (platform, directory) = (&mut self.source, &mut One);
        let mut env = Env { platform, directory, peer: b"peer", now_ms: self.now_ms };
        let mut out = Message::new();
        let answered = self.server.step(&mut self.slots, &mut env, input, &mut out);
        match answered {
            Ok(Status::Send) => self.from_server = out.to_vec(),
            Ok(Status::Refused) => assert!(matches!((out.len(), out[0]), (2, 0x1f) | (17, 0x19))),
            Ok(Status::Ready) => unreachable!("a server is never ready"),
            Err(error) => assert_eq!(error, Error::Unexpected),
        }
    }

    /// Whether the client is ready.
    fn give_client(&mut self, input: &[u8]) -> bool {
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

    fn sessions(mut self) -> Option<(Session<Toy>, World)> {
        for _ in 0..2 {
            let request = self.from_client.clone();
            self.give_server(&request);
            let answer = self.from_server.clone();
            if self.give_client(&answer) {
                return Some((self.client.finish().expect("a ready client"), self));
            }
        }
        None
    }
}

/// Reads the input as a list of instructions.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self, most: usize) -> Option<&'a [u8]> {
        let len = usize::from(self.byte()?).min(most).min(self.0.len());
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        Some(head)
    }

    /// A message made from a genuine one.
    fn change(&mut self, genuine: &[u8]) -> Option<Vec<u8>> {
        let mut message = genuine.to_vec();
        match self.byte()? % 5 {
            0 => {}
            1 => message = self.bytes(120)?.to_vec(),
            2 => message.truncate(usize::from(self.byte()?)),
            3 => message.extend_from_slice(self.bytes(16)?),
            _ => {
                let place = usize::from(self.byte()?) % message.len().max(1);
                let mask = self.byte()?;
                if let Some(byte) = message.get_mut(place) {
                    *byte ^= mask;
                }
            }
        }
        Some(message)
    }
}

fn profile(byte: u8) -> Profile {
    if byte & 1 == 0 { Profile::Signed } else { Profile::Express }
}

/// What arrives at a client.
pub fn client_step(input: &[u8]) {
    let mut script = Script(input);
    let Some(mut world) = script.byte().map(|byte| World::new(profile(byte), 7)) else { return };
    for _ in 0..8 {
        let request = world.from_client.clone();
        world.give_server(&request);
        let Some(answer) = script.change(&world.from_server.clone()) else { return };
        if world.give_client(&answer) {
            let _ = world.client.finish().expect("a ready client");
            world.give_client(&[]);
        }
    }
}

/// What arrives at a server.
pub fn server_step(input: &[u8]) {
    let mut script = Script(input);
    let Some(mut world) = script.byte().map(|byte| World::new(profile(byte), 7)) else { return };
    for _ in 0..8 {
        let Some(request) = script.change(&world.from_client.clone()) else { return };
        world.give_server(&request);
        let Some(next) = script.byte() else { return };
        match next % 4 {
            0 => world.now_ms += u64::from(next) * 1000,
            1 => {
                world.client.restart().expect("a live client");
                world.give_client(&[]);
            }
            _ => {
                let answer = world.from_server.clone();
                if world.give_client(&answer) {
                    world.client.restart().expect("a live client");
                    world.give_client(&[]);
                }
            }
        }
    }
}

/// What arrives in a session, at either end.
pub fn open(input: &[u8]) {
    const AAD: Carrier<'_> = Carrier::Payload(b"\xb5index");
    const NO_AAD: Carrier<'_> = Carrier::Payload(b"");
    // The keys depend on every bit of the input: libFuzzer watches comparisons, and would otherwise learn a
    // genuine record from one input and present it in another.
    let seed =
        input.iter().fold(7, |seed: u64, byte| (seed ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let mut script = Script(input);
    let Some((mut session, mut world)) =
        script.byte().and_then(|byte| World::new(profile(byte), seed).sessions())
    else {
        return;
    };
    let mut buf = [0; 256];
    for _ in 0..16 {
        let Some(plaintext) = script.bytes(64) else { return };
        let sealed = session.seal_request(AAD, plaintext, &mut buf);
        let (len, mut ours) = sealed.expect("a live session");
        let genuine = buf[..len].to_vec();
        let Some(request) = script.change(&genuine) else { return };
        let mut env = Env { platform: &mut world.source, directory: &mut One, peer: b"peer", now_ms: 0 };
        let opened = world.server.open_request(&mut world.slots, &mut env, AAD, &request, &mut buf);
        let Ok(opened) = opened else {
            assert_ne!(request, genuine, "a genuine record was refused");
            continue;
        };
        assert_eq!((&request, &buf[..opened.len]), (&genuine, plaintext), "a forged record was opened");
        let theirs = world.slots[opened.slot].session_mut().expect("its session");
        let sealed = if plaintext.len() % 2 == 0 {
            theirs.seal_response(&opened.exchange, NO_AAD, plaintext, &mut buf)
        } else {
            theirs.seal_notification(&opened.exchange, NO_AAD, plaintext, &mut buf)
        };
        let genuine = buf[..sealed.expect("a confirmed session")].to_vec();
        let Some(response) = script.change(&genuine) else { return };
        match session.open_response(&mut ours, NO_AAD, &response, &mut buf) {
            Ok(len) => assert_eq!((&response, &buf[..len]), (&genuine, plaintext), "a forged answer"),
            Err(_) => assert_ne!(response, genuine, "a genuine answer was refused"),
        }
    }
}
