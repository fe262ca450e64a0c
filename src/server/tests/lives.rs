//! What becomes of slots, counts and secrets over the life of several sessions.

use super::*;
use crate::client::{Client, ClientConfig, Profile};
use crate::session::Session;
use crate::testing::{EndedSession, Numbers, ResumeRecords};

const DEVICE: [u8; 32] = [5; 32];
const SERVER: [u8; 32] = [6; 32];

struct World {
    server: Server,
    slots: Vec<Slot>,
    storage: Devices,
    random: Numbers,
    now_ms: u64,
}

/// As many handshakes as come, while there is room.
fn server() -> Server {
    let mut server = Server::new(&SERVER).unwrap();
    server.set_retry_rate(u32::MAX);
    server
}

impl World {
    fn new(slots: usize) -> Self {
        let slots = (0..slots).map(|_| Slot::default()).collect();
        let storage = Devices::everybody(public_key(&DEVICE).unwrap().compressed());
        Self { server: server(), slots, storage, random: Numbers::from_seed(1), now_ms: 0 }
    }

    fn with_storage(slots: usize) -> Self {
        let mut world = Self::new(slots);
        world.storage.records = Some(ResumeRecords::default());
        world
    }

    fn client(&self, id: &[u8]) -> Client {
        let config = ClientConfig::new(id, &DEVICE, self.server.public_key(), Profile::Express);
        Client::new(&config).unwrap()
    }

    fn step(&mut self, input: &[u8]) -> (Status, Vec<u8>) {
        let (platform, directory) = (&mut self.random, &mut self.storage);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: self.now_ms };
        let mut out = Message::new();
        let status = self.server.step(&mut self.slots, &mut env, input, &mut out).unwrap();
        (status, out.to_vec())
    }

    /// A handshake, or a resumption that `client` is about to make; the server's first answer too.
    fn connect(&mut self, client: &mut Client) -> (Session, Vec<u8>) {
        let mut message = Message::new();
        client.step(&mut self.random, None, &mut message).unwrap();
        let (status, answer) = self.step(&message.clone());
        assert_eq!(status, Status::Send);
        let made = self.server.made();
        assert_eq!(client.step(&mut self.random, Some(&answer), &mut message), Ok(Status::Ready));
        let session = client.finish().unwrap();
        assert_eq!(self.find(session.sender_id().unwrap()).ok(), made);
        (session, answer)
    }

    fn resume(&mut self, client: &mut Client, session: &Session) -> (Session, Vec<u8>) {
        client.resume(session).unwrap();
        self.connect(client)
    }

    /// The first request.
    fn confirm(&mut self, session: &mut Session) {
        let (mut sealed, mut out) = ([0; 64], [0; 64]);
        let (len, _) = session.seal_request(Carrier::Oscore, b"\x01", &mut sealed).unwrap();
        let (platform, directory) = (&mut self.random, &mut self.storage);
        let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: self.now_ms };
        self.server
            .open_request(&mut self.slots, &mut env, Carrier::Oscore, &sealed[..len], &mut out)
            .unwrap();
    }

    fn confirmed(&mut self, client: &mut Client) -> Session {
        let (mut session, _) = self.connect(client);
        self.confirm(&mut session);
        session
    }

    /// What is to be heard of a session of a device when it ends.
    fn end_of(&self, device: &[u8], session: &Session) -> EndedSession {
        let (device_id, kid) = (device.to_vec(), session.sender_id().unwrap().to_vec());
        let slot = self.slots.iter().position(|slot| slot.is_session(&kid)).unwrap();
        EndedSession { device_id, kid, slot, fingerprint: session.fingerprint().unwrap() }
    }

    /// What has been heard since the last time.
    fn ended(&mut self) -> Vec<EndedSession> {
        std::mem::take(&mut self.storage.ended)
    }

    /// Which slot holds the session with this kid.
    fn find(&mut self, kid: &[u8]) -> Result<usize, Error> {
        self.server.session_of(&mut self.slots, &mut self.storage, self.now_ms, kid)
    }

    fn restart(&mut self) {
        self.server = server();
        self.slots.iter_mut().for_each(|slot| *slot = Slot::default());
    }
}

/// What N_S begins with: how many R1 were answered before.
fn number(r2: &[u8]) -> u16 {
    u16::from_be_bytes([r2[1], r2[2]])
}

#[test]
fn each_r1_of_a_live_session_has_its_number() {
    let mut world = World::new(8);
    let mut client = world.client(b"a");
    let session = world.confirmed(&mut client);
    for expected in 0..3 {
        assert_eq!(number(&world.resume(&mut client, &session).1), expected);
    }
}

#[test]
fn whoever_has_the_slot_does_not_hide_a_stored_session() {
    let mut world = World::with_storage(2);
    let (mut a, mut b) = (world.client(b"a"), world.client(b"b"));
    let session = world.confirmed(&mut a);
    world.restart();
    let other = world.confirmed(&mut b);
    let index = |session: &Session| usize::from(session.sender_id().unwrap()[0]) % 2;
    assert_eq!(index(&session), index(&other), "both are the first slot's");
    world.resume(&mut a, &session);
}

#[test]
fn an_r1_of_an_unconfirmed_session_leaves_the_stored_one() {
    let mut world = World::with_storage(8);
    let mut client = world.client(b"a");
    world.confirmed(&mut client);
    let before = world.storage.records.clone();
    let (unconfirmed, _) = world.connect(&mut client);
    assert_eq!(number(&world.resume(&mut client, &unconfirmed).1), 0);
    assert_eq!(world.storage.records, before);
    assert_eq!(number(&world.resume(&mut client, &unconfirmed).1), 1, "counted in its slot");
}

#[test]
fn counts_begin_anew_with_each_handshake() {
    let mut world = World::new(2);
    let mut client = world.client(b"a");
    let mut session = world.confirmed(&mut client);
    for _ in 0..2 {
        (session, _) = world.resume(&mut client, &session);
        world.confirm(&mut session);
    }
    // Both slots have been resumed from and to.
    world.server.set_resume_limit(1);
    for _ in 0..2 {
        world.server.forget(&mut world.slots, &mut world.storage, b"a").unwrap();
        let session = world.confirmed(&mut client);
        assert_eq!(number(&world.resume(&mut client, &session).1), 0);
    }
}

/// More than one call expires.
#[test]
fn an_unconfirmed_session_that_is_late_is_not_resumed() {
    let mut world = World::new(128);
    let mut client = world.client(b"0");
    let mut session = Session::new();
    for device in 0..40_u8 {
        client = world.client(&[device]);
        (session, _) = world.connect(&mut client);
    }
    let mut r1 = Message::new();
    for (now_ms, expected) in [(UNCONFIRMED_MS - 1, Status::Send), (UNCONFIRMED_MS, Status::Refused)] {
        world.now_ms = now_ms;
        client.resume(&session).unwrap();
        client.step(&mut world.random, None, &mut r1).unwrap();
        assert_eq!(world.step(&r1.clone()).0, expected);
    }
}

#[test]
fn a_wiped_server_has_no_keys() {
    let mut world = World::new(2);
    for device in [b"a", b"b"] {
        let mut client = world.client(device);
        world.connect(&mut client);
    }
    let mut message = Message::new();
    world.client(b"c").step(&mut world.random, None, &mut message).unwrap();
    assert_eq!(world.step(&message.clone()).1[0], Type::Retry.first_byte());
    assert!(world.server.cookies.has_keys() && *world.server.identity.hedge() != [0; 32]);
    world.server.wipe(&mut world.slots, &mut world.storage);
    assert!(!world.server.cookies.has_keys() && *world.server.identity.hedge() == [0; 32]);
    assert!(world.slots.iter().all(|slot| slot.phase() == Phase::Free));
}

/// M1: half-open for good.
fn begin_signed(world: &mut World, id: &[u8]) {
    let config = ClientConfig::new(id, &DEVICE, world.server.public_key(), Profile::Signed);
    let mut m1 = Message::new();
    Client::<Software>::new(&config).unwrap().step(&mut world.random, None, &mut m1).unwrap();
    assert_eq!(world.step(&m1).0, Status::Send);
}

#[test]
fn a_forgotten_devices_sessions_end() {
    let mut world = World::new(16);
    let mut a = world.client(b"a");
    let (confirmed, (unconfirmed, _)) = (world.confirmed(&mut a), world.connect(&mut a));
    let mut b = world.client(b"b");
    world.confirmed(&mut b);
    begin_signed(&mut world, b"a");
    let mut expected = [world.end_of(b"a", &confirmed), world.end_of(b"a", &unconfirmed)];
    assert_eq!(world.ended(), []);
    assert_eq!(world.server.forget(&mut world.slots, &mut world.storage, b"a"), Ok(3));
    let mut ended = world.ended();
    expected.sort();
    ended.sort();
    assert_eq!(ended, expected);
    assert_eq!(world.server.forget(&mut world.slots, &mut world.storage, b"a"), Ok(0));
    assert_eq!(world.ended(), []);
}

/// By a full handshake's session, a resumed one's, and one that another implementation confirms.
#[test]
fn a_displaced_session_ends() {
    let mut world = World::new(8);
    let mut client = world.client(b"a");
    let first = world.confirmed(&mut client);
    let (mut second, _) = world.connect(&mut client);
    let expected = [world.end_of(b"a", &first)];
    assert_eq!(world.ended(), [], "until the newer one is confirmed");
    world.confirm(&mut second);
    assert_eq!(world.ended(), expected);
    world.confirm(&mut second);
    assert_eq!(world.ended(), []);

    let (mut third, _) = world.resume(&mut client, &second);
    let expected = [world.end_of(b"a", &second)];
    world.confirm(&mut third);
    assert_eq!(world.ended(), expected);

    let (fourth, _) = world.connect(&mut client);
    let (expected, slot) = ([world.end_of(b"a", &third)], world.end_of(b"a", &fourth).slot);
    world.server.confirm(&mut world.slots, &mut world.storage, slot).unwrap();
    assert_eq!(world.ended(), expected);
}

/// Whatever finds that it is late: a message of another device's, a record of its own, its resumption.
#[test]
fn a_late_session_ends() {
    for way in 0..3 {
        let mut world = World::new(8);
        let (mut a, mut b) = (world.client(b"a"), world.client(b"b"));
        begin_signed(&mut world, b"a");
        let (session, _) = world.connect(&mut a);
        let expected = world.end_of(b"a", &session);
        world.now_ms = UNCONFIRMED_MS - 1;
        assert!(world.find(&expected.kid).is_ok());
        assert_eq!(world.ended(), []);
        world.now_ms = UNCONFIRMED_MS;
        match way {
            0 => drop(world.connect(&mut b)),
            1 => assert_eq!(world.find(&expected.kid), Err(Error::UnknownSession)),
            _ => {
                let mut r1 = Message::new();
                a.resume(&session).unwrap();
                a.step(&mut world.random, None, &mut r1).unwrap();
                assert_eq!(world.step(&r1).0, Status::Refused);
            }
        }
        assert_eq!(world.ended(), [expected], "way {way}");
    }
}

#[test]
fn an_evicted_session_ends() {
    let mut world = World::new(2);
    let (mut a, mut b) = (world.client(b"a"), world.client(b"b"));
    let ((first, _), _) = (world.connect(&mut a), world.connect(&mut b));
    let expected = [world.end_of(b"a", &first)];
    let (mut c, mut message) = (world.client(b"c"), Message::new());
    c.step(&mut world.random, None, &mut message).unwrap();
    let (status, retry) = world.step(&message.clone());
    assert_eq!(status, Status::Refused, "room is short: the sender shows its address");
    c.step(&mut world.random, Some(&retry), &mut message).unwrap();
    assert_eq!(world.ended(), []);
    assert_eq!(world.step(&message).0, Status::Send);
    assert_eq!(world.ended(), expected);
}

/// The caller has wiped it: it is told of when its slot is given back, by its fingerprint too.
#[test]
fn a_wiped_session_ends() {
    for is_confirmed in [false, true] {
        let mut world = World::new(8);
        let mut client = world.client(b"a");
        let (mut session, _) = world.connect(&mut client);
        if is_confirmed {
            world.confirm(&mut session);
        }
        let expected = world.end_of(b"a", &session);
        world.slots[expected.slot].session_mut().unwrap().wipe();
        assert_eq!(world.ended(), []);
        assert_eq!(world.find(&expected.kid), Err(Error::UnknownSession));
        assert_eq!(world.ended(), [expected]);
    }
}

#[test]
fn the_sessions_of_a_wiped_server_end() {
    let mut world = World::new(16);
    let (mut a, mut b) = (world.client(b"a"), world.client(b"b"));
    let (confirmed, (unconfirmed, _)) = (world.confirmed(&mut a), world.connect(&mut b));
    begin_signed(&mut world, b"c");
    let mut expected = [world.end_of(b"a", &confirmed), world.end_of(b"b", &unconfirmed)];
    for is_again in [false, true] {
        world.server.wipe(&mut world.slots, &mut world.storage);
        let mut ended = world.ended();
        expected.sort();
        ended.sort();
        assert_eq!(ended, if is_again { &[][..] } else { &expected });
    }
}
