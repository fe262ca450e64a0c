//! A device that asks for /index again and again: the library's whole client side, over a socket in a namespace.

use std::io;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lscoap::client::{ClientConfig, Profile};
use lscoap::coap::Carrier;
use lscoap::crypto::Software;
use lscoap::device::{BUFFER_MAX, Config, Device, Env, Members, Payload, Piece, Poll, Request, Requests};

use super::network::{self, ADDRESS};
use crate::coap::{CONTENT, GET, Message};
use crate::fire::device::Keys;
use crate::testing::Os;

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(250);
/// The only request's name.
const INDEX: usize = 1;
/// First bytes of handshake messages that begin one: M1, and R1.
const M1: u8 = 0x11;
const R1: u8 = 0x17;

/// What a device has done so far.
#[derive(Default)]
pub struct Tally {
    /// Requests that were answered under seal.
    pub answers: AtomicU64,
    /// Requests that were not.
    pub failures: AtomicU64,
    /// Full handshakes that it began.
    pub handshakes: AtomicU64,
    /// Resumptions that it began.
    pub resumptions: AtomicU64,
    /// The first byte of its connection id, which is its node's number; 0: it has no session.
    pub node: AtomicU8,
    /// Where the payload is in the first datagram of its last handshake.
    pub payload: AtomicU64,
}

/// GET /index.
struct Index;

impl Requests for Index {
    fn get(&self, name: usize) -> Option<Request<'_>> {
        (name == INDEX).then_some(Request {
            path: b"/index",
            code: GET,
            observe: false,
            non: false,
            at_least_once: false,
            content_format: None,
            accept: None,
            timeout_ms: 0,
            payload: Payload::Bytes(b""),
            takes: false,
        })
    }

    fn read(&mut self, _: usize, _: usize, _: &mut [u8]) -> Result<(), lscoap::Error> {
        Ok(())
    }

    fn take(&mut self, _: usize, _: &Piece<'_>) -> Result<(), lscoap::Error> {
        Ok(())
    }
}

/// Counts what begins a handshake: one message is one, however often it is sent.
fn count(tally: &Tally, datagram: &[u8], last: &mut Option<u16>) {
    let Some(message) = Message::parse(datagram) else { return };
    if *last == Some(message.id) {
        return;
    }
    *last = Some(message.id);
    let begun = match message.payload.first() {
        Some(&M1) => &tally.handshakes,
        Some(&R1) => &tally.resumptions,
        _ => return,
    };
    begun.fetch_add(1, Ordering::Relaxed);
    tally.payload.store((datagram.len() - message.payload.len()) as u64, Ordering::Relaxed);
}

/// A socket of a device's, by its number.
pub fn socket(number: usize) -> io::Result<UdpSocket> {
    network::within(network::DEVICES, || {
        let socket = UdpSocket::bind(network::source((number % usize::from(network::SOURCES)) as u8))?;
        socket.connect(ADDRESS)?;
        Ok(socket)
    })
}

/// Lives until `stop`.
pub fn live(keys: &Keys, socket: &UdpSocket, tally: &Tally, stop: &AtomicBool) -> io::Result<()> {
    let failed = |error: lscoap::Error| io::Error::other(format!("{}: {error:?}", keys.id));
    let client = ClientConfig::new(keys.id.as_bytes(), &keys.secret, &keys.server, Profile::Signed);
    let mut device = Device::<Software>::new(&Config::new(client, Carrier::Payload)).map_err(failed)?;
    let mut buffer = [0; BUFFER_MAX];
    let (begin, mut last) = (Instant::now(), None);
    let mut datagram = [0; 2048];
    let mut call = |device: &mut Device, work: &mut dyn FnMut(&mut Device, &mut Env<'_>)| {
        let now_ms = begin.elapsed().as_millis() as u64;
        work(
            device,
            &mut Env {
                platform: &mut Os,
                requests: &mut Index,
                buffer: &mut buffer,
                observations: &mut [],
                groups: &mut Members::<Software> { members: &mut [], leisure_ms: 0 },
                now_ms,
            },
        );
        now_ms
    };
    while !stop.load(Ordering::Relaxed) {
        let mut status = Ok(());
        call(&mut device, &mut |device, env| status = device.request(env, Some(INDEX)));
        status.map_err(failed)?;
        let mut end = None;
        while end.is_none() && !stop.load(Ordering::Relaxed) {
            let mut is_idle = false;
            let now_ms = call(&mut device, &mut |device, env| match device.poll(env) {
                Ok(Poll::Idle) => is_idle = true,
                Ok(Poll::Send(bytes)) => {
                    count(tally, bytes, &mut last);
                    let _ = socket.send(bytes); // refused where a node is gone: it is sent again
                }
                Ok(Poll::Store(_)) => {}
                Ok(Poll::Done(code)) => end = Some(code == CONTENT),
                Err(_) => end = Some(false),
            });
            if is_idle {
                let wait = device.deadline(&[]).saturating_sub(now_ms).clamp(1, 200);
                socket.set_read_timeout(Some(Duration::from_millis(wait)))?;
                if let Ok(len) = socket.recv(&mut datagram) {
                    call(&mut device, &mut |device, env| {
                        let _ = device.receive(env, &mut datagram[..len]); // what is not for it is dropped
                    });
                }
            }
        }
        let id = device.session().and_then(|session| session.sender_id().ok()?.first().copied());
        tally.node.store(id.unwrap_or_default(), Ordering::Relaxed);
        match end {
            Some(true) => tally.answers.fetch_add(1, Ordering::Relaxed),
            Some(false) => tally.failures.fetch_add(1, Ordering::Relaxed),
            None => break,
        };
        sleep(PAUSE);
    }
    Ok(())
}
