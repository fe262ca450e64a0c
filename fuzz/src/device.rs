//! What arrives at a device's socket: the answers of a genuine server, changed, and anything else, while time passes.

use super::script::{Script, profile, seed};
use super::testing::{Devices, Numbers, public_key};
use super::toy::Toy;
use lscoap::Error;
use lscoap::client::ClientConfig;
use lscoap::coap::{Carrier, PROTECT_OVERHEAD, refuse};
use lscoap::device::{Config, Device, Env, Members, Observation, Payload, Piece, Poll, Request, Requests};
use lscoap::server::{Env as ServerEnv, Server, Slot};
use lscoap::{Message, Status};

const DEVICE_SECRET: [u8; 32] = [1; 32];
const SERVER_SECRET: [u8; 32] = [2; 32];
/// What the server answers with, in two blocks of 16 bytes where it is told to.
const ANSWER: &[u8; 20] = b"twenty bytes of text";

/// An observation, a GET and a PUT.
struct App;

impl Requests for App {
    fn get(&self, name: usize) -> Option<Request<'_>> {
        Some(Request {
            path: b"/r?a=%41",
            code: if name == 3 { 3 } else { 1 },
            observe: name == 1,
            non: false,
            at_least_once: false,
            content_format: None,
            accept: None,
            timeout_ms: 0,
            payload: if name == 3 { Payload::Read(300) } else { Payload::Bytes(&[]) },
            takes: true,
        })
    }

    fn read(&mut self, _: usize, offset: usize, out: &mut [u8]) -> Result<(), Error> {
        assert!(offset + out.len() <= 300);
        Ok(())
    }

    fn take(&mut self, name: usize, piece: &Piece<'_>) -> Result<(), Error> {
        // Nobody but the server says anything.
        let (at, end) = (piece.offset as usize, piece.offset as usize + piece.payload.len());
        assert!(piece.ended.is_some() || ANSWER.get(at..end) == Some(piece.payload), "{name} {piece:?}");
        Ok(())
    }
}

struct Site {
    server: Server<Toy>,
    slots: [Slot<Toy>; 2],
    devices: Devices,
    source: Numbers,
}

impl Site {
    /// The answer to a datagram, if there is one; `kind` says in what form.
    fn answer(&mut self, datagram: &[u8], kind: u8, now_ms: u64) -> Option<Vec<u8>> {
        let [first, _, id_high, id_low, token @ ..] = datagram else { return None };
        let (platform, directory) = (&mut self.source, &mut self.devices);
        let mut env = ServerEnv { platform, directory, peer: b"peer", source: b"", now_ms };
        let mut message = datagram.to_vec();
        let len = message.len();
        let mut response = vec![0x60 | first & 15, 0x45, *id_high, *id_low];
        response.extend(token.get(..4)?);
        match self.server.unprotect_request(&mut self.slots, &mut env, &mut message, len) {
            Ok(opened) => {
                if kind & 1 != 0 {
                    response.push(0x60); // Observe
                }
                let (block, part) = match kind & 6 {
                    2 => (Some(0x08), &ANSWER[..16]),
                    4 => (Some(0x10), &ANSWER[16..]),
                    _ => (None, &ANSWER[..]),
                };
                if let Some(block) = block {
                    response.extend([0xd1, if kind & 1 != 0 { 4 } else { 10 }, block]);
                }
                response.push(0xff);
                response.extend(part);
                let len = response.len();
                response.resize(len + PROTECT_OVERHEAD, 0);
                let session = self.slots[opened.slot].session_mut()?;
                let len = session.protect_response(&opened.exchange, &mut response, len).ok()?;
                response.truncate(len);
            }
            Err(Error::Unexpected) => {
                let payload = datagram.get(32..)?; // as a device puts it
                let mut out = Message::new();
                let status = self.server.step(&mut self.slots, &mut env, payload, &mut out).ok()?;
                response[1] = if status == Status::Send { 0x44 } else { 0x81 };
                response.extend([0xc2, 0xfd, 0xe9, 0xff]);
                response.extend(&out);
            }
            Err(error) => {
                message.resize(len + 16, 0);
                let len = refuse(error, &mut message, len).ok()?;
                message.truncate(len);
                response = message;
            }
        }
        Some(response)
    }
}

/// What arrives at a device.
pub fn device_receive(input: &[u8]) {
    let mut script = Script(input);
    let Some(first) = script.byte() else { return };
    let key = public_key::<Toy>(&SERVER_SECRET);
    let carrier = if first & 2 == 0 { Carrier::Oscore } else { Carrier::Payload };
    let client = ClientConfig::new(b"sensor-7", &DEVICE_SECRET, &key, profile(first));
    let config = Config { store_block: 3, ..Config::new(client, carrier) };
    let mut device = Device::<Toy>::new(&config).expect("a good configuration");
    let mut site = Site {
        server: Server::new(&SERVER_SECRET).expect("a good secret"),
        slots: Default::default(),
        devices: Devices::one(b"sensor-7", public_key::<Toy>(&DEVICE_SECRET)).stored(),
        source: Numbers::from_seed(seed(input)),
    };
    let mut dice = Numbers::from_seed(seed(input) ^ 1);
    let (mut buffer, mut observations) = ([0; 160], [Observation::default()]);
    let (mut app, mut now_ms, mut last) = (App, 0, Vec::new());
    for _ in 0..64 {
        let Some(what) = script.byte() else { return };
        let mut env = Env {
            platform: &mut dice,
            requests: &mut app,
            buffer: &mut buffer,
            observations: &mut observations,
            groups: &mut Members::<Toy> { members: &mut [], leisure_ms: 0 },
            now_ms,
        };
        match what % 8 {
            0 => drop(device.request(&mut env, Some(usize::from(what) / 8 % 3 + 1))),
            1 => now_ms += u64::from(what) * 100,
            2 => {
                site.server = Server::new(&SERVER_SECRET).expect("a good secret");
                site.slots = Default::default();
            }
            3 => drop(device.cancel(&mut env, usize::from(what) / 8 % 3 + 1)),
            _ => {
                let answer = site.answer(&last, what >> 3, now_ms).unwrap_or_default();
                let Some(mut datagram) = script.change(&answer) else { return };
                let _ = device.receive(&mut env, &mut datagram);
            }
        }
        for turn in 0.. {
            assert!(turn < 32, "it never has enough");
            let stored = match device.poll(&mut env) {
                Ok(Poll::Idle) => break,
                Ok(Poll::Send(bytes)) => {
                    if bytes.len() > 8 {
                        last = bytes.to_vec();
                    }
                    false
                }
                Ok(Poll::Store(_)) => true,
                Ok(Poll::Done(_)) | Err(_) => false,
            };
            if stored {
                let result = if what & 0x40 == 0 { Ok(()) } else { Err(Error::Storage) };
                device.stored(result).expect("something to store");
            }
        }
        let polled_at = env.now_ms;
        assert!(device.deadline(&observations) > polled_at, "idle before its deadline");
    }
}
