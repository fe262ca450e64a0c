//! AES in hardware: a back-end whose engine counts what it encrypts, and fails when it is told to.

#[path = "../src/testing.rs"]
mod testing;

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::crypto::{
    Aes, Backend, Block, Blocks, Cipher, Curve, HashesAsSoftware, KEY_LEN, Point, Software, Work,
};
use lscoap::device::{self, Config, Device, Payload, Piece, Poll, Request, Requests};
use lscoap::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use lscoap::server::{Env, Server, Slot};
use lscoap::session::{Carrier, Session};
use lscoap::{Error, Message, Status, coap, enrolment};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use testing::{Devices, Numbers};

/// As [`Software`], but for AES.
struct Metered;

/// What an [`Engine`] leads to.
#[derive(Default)]
struct Meter {
    pairs: AtomicUsize,
    /// Which pair is not encrypted, counted from 1.
    fails_at: AtomicUsize,
}

#[derive(Clone, Copy, Default)]
struct Engine(Option<&'static Meter>);

impl Engine {
    fn new(fails_at: usize) -> Self {
        Self(Some(Box::leak(Box::new(Meter { fails_at: fails_at.into(), ..Meter::default() }))))
    }

    /// Counts a pair.
    fn encrypts(self) -> Result<(), Error> {
        let meter = self.0.ok_or(Error::Hardware)?;
        let fails = meter.pairs.fetch_add(1, Relaxed) + 1 == meter.fails_at.load(Relaxed);
        if fails { Err(Error::Hardware) } else { Ok(()) }
    }

    fn pairs(self) -> usize {
        self.0.map_or(0, |meter| meter.pairs.load(Relaxed))
    }
}

struct Counted<'a>(Engine, &'a mut dyn Cipher);

impl Cipher for Counted<'_> {
    fn encrypt(&mut self, pair: &mut [Block; 2], blocks: Blocks) -> Result<(), Error> {
        self.0.encrypts()?;
        self.1.encrypt(pair, blocks)
    }
}

impl Aes for Metered {
    type Engine = Engine;

    fn with_key(
        engine: Engine,
        key: &[u8; KEY_LEN],
        pair: &mut [Block; 2],
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        engine.encrypts()?;
        Software::with_key((), key, pair, &mut |cipher, pair| work(&mut Counted(engine, cipher), pair))
    }
}

impl HashesAsSoftware for Metered {}

impl Curve for Metered {
    type Base = <Software as Curve>::Base;

    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        Software::public_key(secret, public)
    }
    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        Software::decompress(encoded, point)
    }
    fn prepare(point: &Point, base: &mut Self::Base) -> Result<(), Error> {
        Software::prepare(point, base)
    }
    fn diffie_hellman(secret: &[u8; 32], base: &Self::Base, shared: &mut [u8; 32]) -> Result<(), Error> {
        Software::diffie_hellman(secret, base, shared)
    }
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        Software::sign(secret, digest, signature)
    }
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        Software::verify(public, digest, signature)
    }
}

const DEVICE_SECRET: [u8; 32] = [1; 32];
const SERVER_SECRET: [u8; 32] = [2; 32];
const AAD: Carrier<'_> = Carrier::Payload(b"\xb5index");
const NO_AAD: Carrier<'_> = Carrier::Payload(b"");

fn env<'a>(source: &'a mut Numbers, devices: &'a mut Devices) -> Env<'a, Numbers, Devices> {
    Env { platform: source, directory: devices, peer: b"peer", source: b"", now_ms: 0 }
}

/// Repeats a call whose hardware has failed; that happens once in a conversation.
fn again<T>(failures: &mut usize, mut call: impl FnMut() -> Result<T, Error>) -> T {
    let mut result = call();
    if result.as_ref().err() == Some(&Error::Hardware) {
        *failures += 1;
        result = call();
    }
    result.expect("nothing else fails")
}

/// A handshake, a request and its answer: every message, how often the hardware failed, and the device's session.
fn converse<B: Backend>(
    profile: Profile,
    device: B::Engine,
    server: B::Engine,
) -> (Vec<Vec<u8>>, usize, Session<B>) {
    let (mut device_source, mut server_source) = (Numbers::from_seed(0), Numbers::from_seed(100));
    let mut devices = Devices::one(b"sensor-7", enrolment::public_key(&DEVICE_SECRET).expect("a key"));
    let server_key = enrolment::public_key(&SERVER_SECRET).expect("a key");
    let config = ClientConfig::new(b"sensor-7", &DEVICE_SECRET, &server_key, profile);
    let mut client = Client::<B>::new(&config).expect("a configuration");
    client.set_engine(device);
    let (mut host, mut slots) = (Server::<B>::new(&SERVER_SECRET).expect("a key"), [Slot::<B>::default()]);
    host.set_engine(server);

    let (mut all, mut failures, mut out) = (Vec::new(), 0, Message::new());
    let mut input: Option<Vec<u8>> = None;
    while again(&mut failures, || client.step(&mut device_source, input.as_deref(), &mut out)) == Status::Send
    {
        all.push(out.to_vec());
        let query = out.clone();
        let status = again(&mut failures, || {
            let mut env = env(&mut server_source, &mut devices);
            host.step(&mut slots, &mut env, &query, &mut out)
        });
        assert_eq!(status, Status::Send);
        all.push(out.to_vec());
        input = Some(out.to_vec());
    }
    let mut session = client.finish().expect("a session");

    let (mut object, mut plain) = ([0; 64], [0; 64]);
    let (len, mut ours) = again(&mut failures, || session.seal_request(AAD, b"\x01", &mut object));
    all.push(object[..len].to_vec());
    let request = all.last().expect("the request");
    let opened = again(&mut failures, || {
        let opened = host.open_request(
            &mut slots,
            &mut env(&mut server_source, &mut devices),
            AAD,
            request,
            &mut plain,
        );
        assert!(opened.is_ok() || plain == [0; 64], "plaintext of a record that did not open");
        opened
    });
    assert_eq!(plain[..opened.len], *b"\x01");
    let theirs = slots[opened.slot].session_mut().expect("its session");
    let len =
        again(&mut failures, || theirs.seal_response(&opened.exchange, NO_AAD, b"\x45yes", &mut object));
    let response = &object[..len];
    let len = again(&mut failures, || session.open_response(&mut ours, NO_AAD, response, &mut plain));
    assert_eq!(plain[..len], *b"\x45yes");
    all.push(response.to_vec());
    (all, failures, session)
}

#[test]
fn everything_that_is_sealed_goes_through_the_engine() {
    for profile in [Profile::Signed, Profile::Express] {
        let (device, server) = (Engine::new(0), Engine::new(0));
        let (expected, _, _) = converse::<Software>(profile, (), ());
        let (all, failures, _) = converse::<Metered>(profile, device, server);
        assert_eq!((all, failures), (expected, 0));
        assert!(device.pairs() > 0);
        assert_eq!(device.pairs(), server.pairs(), "what one end seals the other opens");
    }
}

/// Any one failure is told, changes nothing, and does not come back.
#[test]
fn an_engine_that_fails_once() {
    for profile in [Profile::Signed, Profile::Express] {
        let working = Engine::new(0);
        converse::<Metered>(profile, working, Engine::new(0));
        for fails_at in 1..=working.pairs() {
            for (device, server) in [(fails_at, 0), (0, fails_at)] {
                let (all, failures, _) =
                    converse::<Metered>(profile, Engine::new(device), Engine::new(server));
                assert_eq!((all.len(), failures), (if profile == Profile::Signed { 6 } else { 4 }, 1));
            }
        }
    }
}

/// A GET.
struct App;

impl Requests for App {
    fn get(&self, _: usize) -> Option<Request<'_>> {
        Some(Request {
            path: b"r",
            code: 1,
            observe: false,
            non: false,
            at_least_once: false,
            content_format: None,
            accept: None,
            timeout_ms: 0,
            payload: Payload::Bytes(&[]),
            takes: false,
        })
    }
    fn read(&mut self, _: usize, _: usize, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::State)
    }
    fn take(&mut self, _: usize, _: &Piece<'_>) -> Result<(), Error> {
        Err(Error::State)
    }
}

/// A session that a device takes from storage seals with the device's engine.
#[test]
fn a_restored_session_has_the_devices_engine() {
    let (_, _, mut session) = converse::<Metered>(Profile::Express, Engine::new(0), Engine::new(0));
    let mut blob = Vec::new();
    session
        .store(1, |bytes| {
            blob.extend_from_slice(bytes);
            Ok(())
        })
        .expect("a blob");
    let server_key = enrolment::public_key(&SERVER_SECRET).expect("a key");
    let client = ClientConfig::new(b"sensor-7", &DEVICE_SECRET, &server_key, Profile::Express);
    let config = Config { store_block: 1, ..Config::new(client, coap::Carrier::Oscore) };
    let mut device = Device::<Metered>::new(&config).expect("a configuration");
    let engine = Engine::new(0);
    device.set_engine(engine);
    device.restore(&blob).expect("its session");
    let (mut source, mut app, mut buffer) = (Numbers::from_seed(7), App, [0; 160]);
    let mut env = device::Env {
        platform: &mut source,
        requests: &mut app,
        buffer: &mut buffer,
        observations: &mut [],
        groups: &mut device::Members::<Metered> { members: &mut [], leisure_ms: 0 },
        now_ms: 0,
    };
    device.request(&mut env, Some(1)).expect("a request");
    assert!(matches!(device.poll(&mut env), Ok(Poll::Store(_))));
    device.stored(Ok(())).expect("a blob");
    assert!(matches!(device.poll(&mut env), Ok(Poll::Send(_))));
    assert!(engine.pairs() > 0);
}
