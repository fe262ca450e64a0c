//! What has brought other implementations down, with the real curve: a public key that is on no curve, and messages of
//! two bytes.

use super::testing::{Devices, Numbers};
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::server::{Env, Server, Slot};
use lscoap::{Error, Message, Status, enrolment};

const DEVICE_SECRET: [u8; 32] = [1; 32];
const SERVER_SECRET: [u8; 32] = [2; 32];

struct World {
    server: Server,
    slots: [Slot; 2],
    client: Client,
    source: Numbers,
    devices: Devices,
}

/// A server that asks for no cookies by the clock, which stands still here.
fn server() -> Server {
    let mut server = Server::new(&SERVER_SECRET).unwrap();
    server.set_retry_rate(u32::MAX);
    server
}

impl World {
    fn new(profile: Profile) -> Self {
        let server_key = enrolment::public_key(&SERVER_SECRET).unwrap();
        World {
            server: server(),
            slots: Default::default(),
            client: Client::new(&ClientConfig::new(b"d", &DEVICE_SECRET, &server_key, profile)).unwrap(),
            source: Numbers::from_seed(0),
            devices: Devices::one(b"d", enrolment::public_key(&DEVICE_SECRET).unwrap()),
        }
    }

    fn serve(&mut self, input: &[u8]) -> Result<(Status, Vec<u8>), Error> {
        let (platform, directory) = (&mut self.source, &mut self.devices);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: 0 };
        let mut out = Message::new();
        let status = self.server.step(&mut self.slots, &mut env, input, &mut out)?;
        Ok((status, out.to_vec()))
    }

    fn ask(&mut self, input: Option<&[u8]>) -> Result<Vec<u8>, Error> {
        let mut out = Message::new();
        self.client.step(&mut self.source, input, &mut out).map(|_| out.to_vec())
    }

    /// Messages that were refused have changed nothing: what was sent last still leads to a session.
    fn goes_on_from(&mut self, mut message: Vec<u8>) {
        while !message.is_empty() {
            let (status, answer) = self.serve(&message).unwrap();
            assert_eq!(status, Status::Send);
            message = self.ask(Some(&answer)).unwrap();
        }
        self.client.finish().unwrap();
    }
}

const MALFORMED: [u8; 2] = [0x1f, 3];

/// x-coordinates that no point has: 1 is the smallest; p and 2^256 − 1 are not below p.
fn no_points() -> [[u8; 32]; 3] {
    let mut one = [0; 32];
    one[31] = 1;
    let p = hex::decode("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff").unwrap();
    [one, p.try_into().unwrap(), [0xff; 32]]
}

#[test]
fn a_first_message_with_a_key_on_no_curve() {
    for (profile, place) in [(Profile::Signed, 3), (Profile::Express, 1)] {
        for x in no_points() {
            let mut world = World::new(profile);
            let first = world.ask(None).unwrap();
            // The x of M1 is at its end, behind the id; that of X1 is behind the type.
            let place = if profile == Profile::Signed { first.len() - 32 } else { place };
            let mut hostile = first.clone();
            hostile[place..place + 32].copy_from_slice(&x);
            assert_eq!(world.serve(&hostile), Ok((Status::Refused, MALFORMED.to_vec())), "{profile:?}");
            world.goes_on_from(first);
        }
    }
}

#[test]
fn a_second_message_with_a_key_on_no_curve() {
    for (profile, from_end) in [(Profile::Signed, 32), (Profile::Express, 41)] {
        for x in no_points() {
            let mut world = World::new(profile);
            let first = world.ask(None).unwrap();
            let (_, second) = world.serve(&first).unwrap();
            let mut hostile = second.clone();
            let place = second.len() - from_end;
            hostile[place..place + 32].copy_from_slice(&x);
            assert_eq!(world.ask(Some(&hostile)), Err(Error::Malformed), "{profile:?}");
            world.goes_on_from(first);
        }
    }
}

#[test]
fn messages_of_two_bytes() {
    for profile in [Profile::Signed, Profile::Express] {
        let mut world = World::new(profile);
        let first = world.ask(None).unwrap();
        for second in (0..=u8::MAX).flat_map(|kind| [[kind, 0], [kind, 0x20], [kind, 0xff]]) {
            assert!(world.ask(Some(&second)).is_err());
        }
        let (_, second) = world.serve(&first).unwrap();
        let third = if profile == Profile::Signed { world.ask(Some(&second)).unwrap() } else { first };
        for short in (0..=u8::MAX).flat_map(|kind| [[kind, 0], [kind, 0x20], [kind, 0xff]]) {
            // What looks like an alert is never answered.
            let is_alert = short[0] == 0x1f;
            let refused = Ok((Status::Refused, MALFORMED.to_vec()));
            let expected = if is_alert { Err(Error::Unexpected) } else { refused };
            assert_eq!(world.serve(&short), expected, "{short:02x?}");
        }
        world.goes_on_from(third);
    }
}
