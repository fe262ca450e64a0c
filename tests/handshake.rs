//! Both sides together: lifetimes, many devices, and a network that loses, repeats, reorders and changes.

#[path = "../src/testing.rs"]
mod testing;

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::server::{Env, HALF_OPEN_MS, Opened, Server, Slot, UNCONFIRMED_MS};
use lscoap::session::{Carrier, Session};
use lscoap::{Alert, Error, Message, Status, enrolment};
use proptest::prelude::*;
use testing::{Devices, Numbers};

const PROFILES: [Profile; 2] = [Profile::Signed, Profile::Express];
const AAD: Carrier<'_> = Carrier::Payload(b"\xb5index");
const NO_AAD: Carrier<'_> = Carrier::Payload(b"");

fn secret(number: u8) -> [u8; 32] {
    [number; 32]
}

/// Devices `d1`, `d2`, ... with the secrets 1, 2, ...
fn devices() -> Devices {
    let key = |number| enrolment::public_key(&secret(number)).unwrap();
    let keys = (1..=9).map(|number| (format!("d{number}").into_bytes(), key(number))).collect();
    Devices { keys, ..Devices::default() }
}

const SERVER_SECRET: [u8; 32] = [0x77; 32];

fn device(number: u8, profile: Profile) -> Client {
    let id = format!("d{number}");
    let server_key = enrolment::public_key(&SERVER_SECRET).unwrap();
    Client::new(&ClientConfig::new(id.as_bytes(), &secret(number), &server_key, profile)).unwrap()
}

struct World {
    server: Server,
    slots: Vec<Slot>,
    devices: Devices,
    source: Numbers,
    now_ms: u64,
}

/// A server that asks for no cookies by the clock, which stands still here.
fn server() -> Server {
    let mut server = Server::new(&SERVER_SECRET).unwrap();
    server.set_retry_rate(u32::MAX);
    server
}

impl World {
    fn new(slots: usize) -> Self {
        World {
            server: server(),
            slots: (0..slots).map(|_| Slot::default()).collect(),
            devices: devices(),
            source: Numbers::from_seed(1),
            now_ms: 1000,
        }
    }

    fn serve(&mut self, input: &[u8]) -> Result<(Status, Vec<u8>), Error> {
        let (platform, directory) = (&mut self.source, &mut self.devices);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: self.now_ms };
        let mut out = Message::new();
        let status = self.server.step(&mut self.slots, &mut env, input, &mut out)?;
        Ok((status, out.to_vec()))
    }

    fn ask(&mut self, client: &mut Client, input: &[u8]) -> Result<(Status, Vec<u8>), Error> {
        let mut out = Message::new();
        let input = (!input.is_empty()).then_some(input);
        let status = client.step(&mut self.source, input, &mut out)?;
        Ok((status, out.to_vec()))
    }

    /// A whole handshake without faults; the session is unconfirmed at the server.
    fn connect(&mut self, client: &mut Client) -> Result<Session, Error> {
        let (mut status, mut message) = self.ask(client, &[])?;
        while status == Status::Send {
            let (_, answer) = self.serve(&message)?;
            (status, message) = self.ask(client, &answer)?;
        }
        client.finish()
    }

    fn open(&mut self, object: &[u8], out: &mut [u8]) -> Result<Opened, Error> {
        let (platform, directory) = (&mut self.source, &mut self.devices);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: self.now_ms };
        self.server.open_request(&mut self.slots, &mut env, AAD, object, out)
    }

    /// A sealed request and its answer.
    fn request(&mut self, session: &mut Session) -> Result<(), Error> {
        let mut buf = [0; 64];
        let (len, mut ours) = session.seal_request(AAD, b"\x01", &mut buf)?;
        let object = buf[..len].to_vec();
        let opened = self.open(&object, &mut buf)?;
        assert_eq!(&buf[..opened.len], b"\x01");
        let theirs = self.slots[opened.slot].session_mut().unwrap();
        assert_eq!(theirs.fingerprint(), session.fingerprint());
        assert_eq!(theirs.device_id(), session.device_id());
        let len = theirs.seal_response(&opened.exchange, NO_AAD, b"\x45", &mut buf)?;
        let object = buf[..len].to_vec();
        session.open_response(&mut ours, NO_AAD, &object, &mut buf)?;
        Ok(())
    }
}

const fn refused(alert: Alert) -> Result<(), Error> {
    Err(Error::Alert(alert))
}

#[test]
fn every_device_gets_its_own_session() {
    let mut world = World::new(32);
    let mut sessions = Vec::new();
    for number in 1..=9 {
        for profile in PROFILES {
            let mut session = world.connect(&mut device(number, profile)).unwrap();
            world.request(&mut session).unwrap();
            sessions.push((number, session));
        }
    }
    // The second session of each device has wiped the first.
    for pair in sessions.chunks_mut(2) {
        assert_eq!(world.request(&mut pair[0].1), Err(Error::UnknownSession));
        assert_eq!(world.request(&mut pair[1].1), Ok(()));
        assert_eq!(pair[1].1.device_id().unwrap(), format!("d{}", pair[1].0).as_bytes());
    }
}

#[test]
fn strangers_and_impostors_are_refused() {
    for profile in PROFILES {
        let mut world = World::new(4);
        assert_eq!(world.connect(&mut device(10, profile)).map(drop), refused(Alert::UnknownDevice));

        // The right id, another secret.
        let server_key = enrolment::public_key(&SERVER_SECRET).unwrap();
        let config = ClientConfig::new(b"d1", &[5; 32], &server_key, profile);
        let connected = world.connect(&mut Client::new(&config).unwrap());
        let expected = match profile {
            Profile::Signed => refused(Alert::Authentication),
            _ => Err(Error::Authentication), // X2 was made for the enrolled key
        };
        assert_eq!(connected.map(drop), expected);

        // Another server: the client must not accept it.
        let (own, wrong) = (secret(1), enrolment::public_key(&[6; 32]).unwrap());
        let config = ClientConfig::new(b"d1", &own, &wrong, profile);
        let connected = world.connect(&mut Client::new(&config).unwrap());
        assert_eq!(connected.map(drop), refused(Alert::Authentication));

        let mut session = world.connect(&mut device(1, profile)).unwrap();
        assert_eq!(world.request(&mut session), Ok(()), "the server goes on");
    }
}

#[test]
fn a_man_in_the_middle_without_keys_gets_nowhere() {
    // The attack that breaks the paper's protocol: both ephemeral keys replaced on the way.
    for profile in PROFILES {
        let mut world = World::new(4);
        let mut victim = device(1, profile);
        let (_, first) = world.ask(&mut victim, &[]).unwrap();
        // The attacker answers as a server of its own that knows the device.
        let mut attacker = World::new(4);
        attacker.server = Server::new(&[0x66; 32]).unwrap();
        let answer = attacker.serve(&first).unwrap();
        match profile {
            Profile::Signed => {
                let (_, m3) = attacker.ask(&mut victim, &answer.1).unwrap();
                let (status, _) = attacker.serve(&m3).unwrap();
                assert_eq!(status, Status::Refused); // the victim signed another server's identity
            }
            _ => assert_eq!(answer.0, Status::Refused),
        }
        assert_eq!(victim.finish().err(), Some(Error::State));
    }
}

#[test]
fn half_open_handshakes_and_unconfirmed_sessions_expire() {
    let mut world = World::new(2);
    let mut client = device(1, Profile::Signed);
    let (_, m1) = world.ask(&mut client, &[]).unwrap();
    let (_, m2) = world.serve(&m1).unwrap();
    let (_, m3) = world.ask(&mut client, &m2).unwrap();
    world.now_ms += HALF_OPEN_MS - 1;
    let (_, m4) = world.serve(&m3).unwrap();
    let mut session = {
        assert_eq!(world.ask(&mut client, &m4).unwrap().0, Status::Ready);
        client.finish().unwrap()
    };
    world.now_ms += UNCONFIRMED_MS;
    assert_eq!(world.request(&mut session), Err(Error::UnknownSession));

    let (_, m1) = world.ask(&mut client, &[]).unwrap();
    let (_, m2) = world.serve(&m1).unwrap();
    let (_, m3) = world.ask(&mut client, &m2).unwrap();
    world.now_ms += HALF_OPEN_MS;
    assert_eq!(world.serve(&m3).unwrap(), (Status::Refused, vec![0x1f, 5]));

    for profile in PROFILES {
        let mut session = world.connect(&mut device(2, profile)).unwrap();
        world.now_ms += UNCONFIRMED_MS - 1;
        assert_eq!(world.request(&mut session), Ok(()));
        world.now_ms += 100 * UNCONFIRMED_MS;
        assert_eq!(world.request(&mut session), Ok(()), "a confirmed session stays");
    }
}

#[test]
fn a_held_back_handshake_does_not_displace_a_newer_session() {
    for old_profile in PROFILES {
        for new_profile in PROFILES {
            let mut world = World::new(8);
            let mut old = world.connect(&mut device(1, old_profile)).unwrap();
            let mut held_back = device(1, Profile::Signed);
            let (_, m1) = world.ask(&mut held_back, &[]).unwrap();
            let (_, m2) = world.serve(&m1).unwrap();
            let (_, m3) = world.ask(&mut held_back, &m2).unwrap();
            let mut new = world.connect(&mut device(1, new_profile)).unwrap();
            let mut newest = world.connect(&mut device(1, new_profile)).unwrap();
            assert_eq!(world.request(&mut new), Ok(()));
            assert_eq!(world.request(&mut old), Err(Error::UnknownSession));
            assert_eq!(world.serve(&m3).unwrap().1, [0x1f, 5]);
            // What began later is not wiped by what began earlier.
            assert_eq!(world.request(&mut newest), Ok(()));
            assert_eq!(world.request(&mut new), Err(Error::UnknownSession));
        }
    }
}

#[test]
fn a_new_handshake_leaves_the_old_session_until_it_is_confirmed() {
    let mut world = World::new(4);
    let mut client = device(1, Profile::Signed);
    let mut old = world.connect(&mut client).unwrap();
    assert_eq!(world.request(&mut old), Ok(()));
    let mut new = world.connect(&mut client).unwrap();
    assert_eq!(world.request(&mut old), Ok(()));
    assert_eq!(world.request(&mut new), Ok(()));
    assert_eq!(world.request(&mut old), Err(Error::UnknownSession));
}

#[test]
fn a_full_table_gives_way_in_order() {
    let mut world = World::new(3);
    let mut confirmed = world.connect(&mut device(1, Profile::Signed)).unwrap();
    world.request(&mut confirmed).unwrap();
    let mut unconfirmed = world.connect(&mut device(2, Profile::Express)).unwrap();
    let mut half_open = |number, is_crowded| {
        let mut client = device(number, Profile::Signed);
        let (_, m1) = world.ask(&mut client, &[]).unwrap();
        let (status, mut answer) = world.serve(&m1).unwrap();
        assert_eq!(
            (status, answer[0]),
            if is_crowded { (Status::Refused, 0x19) } else { (Status::Send, 0x12) }
        );
        if is_crowded {
            let (_, retried) = world.ask(&mut client, &answer).unwrap();
            (_, answer) = world.serve(&retried).unwrap();
            assert_eq!(answer[0], 0x12);
        }
    };
    half_open(3, false);
    half_open(4, true); // takes the place of 3, not of the unconfirmed session
    assert_eq!(world.request(&mut unconfirmed), Ok(()));
    let mut third = world.connect(&mut device(5, Profile::Express)).unwrap();
    let mut fourth = world.connect(&mut device(6, Profile::Express)).unwrap();
    assert_eq!(world.request(&mut third), Err(Error::UnknownSession));
    assert_eq!(world.request(&mut fourth), Ok(()));
    for profile in PROFILES {
        let connected = world.connect(&mut device(7, profile)).map(drop);
        assert_eq!(connected, refused(Alert::Busy), "confirmed sessions never make room");
    }
    for session in [&mut confirmed, &mut unconfirmed, &mut fourth] {
        assert_eq!(world.request(session), Ok(()));
    }
}

#[test]
fn records_of_nobody() {
    let mut world = World::new(4);
    let mut session = world.connect(&mut device(1, Profile::Signed)).unwrap();
    let mut buf = [0; 64];
    let (len, _) = session.seal_request(AAD, b"\x01", &mut buf).unwrap();
    let object = buf[..len].to_vec();
    let mut open = |object: &[u8]| world.open(object, &mut [0; 64]).map(|opened| opened.len);
    for kid in 0..=255 {
        let mut other = object.clone();
        other[2] = kid;
        if kid != object[2] {
            assert_eq!(open(&other), Err(Error::UnknownSession));
        }
    }
    let mut forged = object.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(open(&forged), Err(Error::Authentication));
    assert_eq!(open(&object), Ok(1));
    assert_eq!(open(&object), Err(Error::Replay));
}

/// What a network does to one datagram.
#[derive(Clone, Debug)]
enum Fate {
    Arrives,
    Lost,
    Twice,
    /// Arrives after the next one.
    Late,
    Flipped(u16),
    Cut(u8),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Arrives),
        2 => Just(Fate::Lost),
        2 => Just(Fate::Twice),
        2 => Just(Fate::Late),
        1 => any::<u16>().prop_map(Fate::Flipped),
        1 => any::<u8>().prop_map(Fate::Cut),
    ]
}

/// One direction of a network.
struct Link {
    fates: Vec<Fate>,
    late: Vec<Vec<u8>>,
}

impl Link {
    /// What arrives when `datagram` is sent.
    fn send(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut arriving = match self.fates.pop().unwrap_or(Fate::Arrives) {
            Fate::Arrives => vec![datagram.to_vec()],
            Fate::Lost => vec![],
            Fate::Twice => vec![datagram.to_vec(); 2],
            Fate::Late => {
                self.late.push(datagram.to_vec());
                return vec![];
            }
            Fate::Flipped(bit) => {
                let mut changed = datagram.to_vec();
                let bit = usize::from(bit) % (datagram.len() * 8);
                changed[bit / 8] ^= 1 << (bit % 8);
                vec![changed]
            }
            Fate::Cut(len) => vec![datagram[..usize::from(len) % datagram.len()].to_vec()],
        };
        arriving.append(&mut self.late);
        arriving
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever the network does, a client that goes on repeating its last message, and begins anew when that
    /// leads nowhere, gets a session; the two ends agree on it; no message makes either end panic.
    #[test]
    fn a_handshake_survives_any_network(
        express in any::<bool>(),
        up in prop::collection::vec(fate(), 0..24),
        down in prop::collection::vec(fate(), 0..24),
        seed in any::<u64>(),
    ) {
        let mut world = World::new(4);
        world.source.state = seed;
        let mut client = device(1, if express { Profile::Express } else { Profile::Signed });
        let (mut up, mut down) = (Link { fates: up, late: vec![] }, Link { fates: down, late: vec![] });
        let mut ready = false;
        for turn in 0..80 {
            if turn % 8 == 7 {
                client.restart().unwrap(); // a flipped M2 may have been committed to
            }
            let mut to_send = vec![world.ask(&mut client, &[]).unwrap().1];
            while let Some(message) = to_send.pop() {
                for request in up.send(&message) {
                    let Ok((_, answer)) = world.serve(&request) else { continue };
                    for answer in down.send(&answer) {
                        match world.ask(&mut client, &answer) {
                            Ok((Status::Send, next)) => to_send.push(next),
                            Ok((Status::Ready, _)) => ready = true,
                            _ => {}
                        }
                        if ready { break }
                    }
                    if ready { break }
                }
                if ready { break }
            }
            if ready { break }
        }
        prop_assert!(ready);
        let mut session = client.finish().unwrap();
        prop_assert_eq!(world.request(&mut session), Ok(()));
    }

    /// Garbage of every kind is refused and keeps no slot.
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..120), first in 0x11_u8..0x20) {
        let mut world = World::new(1);
        let mut input = bytes.clone();
        if let Some(byte) = input.first_mut() { *byte = first }
        for input in [bytes, input] {
            if let Ok((status, answer)) = world.serve(&input) {
                prop_assert_eq!(status, Status::Refused);
                prop_assert_eq!(answer.len(), 2);
            }
            let mut client = device(1, Profile::Signed);
            world.ask(&mut client, &[]).unwrap();
            if !input.is_empty() {
                // Neither M2 nor RETRY is authenticated: a well-formed one is answered.
                let unauthenticated = matches!((input[0], input.len()), (0x12, _) | (0x19, 17));
                prop_assert!(world.ask(&mut client, &input).is_err() || unauthenticated);
            }
        }
    }
}
