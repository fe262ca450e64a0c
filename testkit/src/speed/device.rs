//! Devices as the load: the Rust library's client over hand-made CoAP.

use std::io;
use std::net::UdpSocket;

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::session::{Carrier, Exchange, Session};
use lscoap::{Error, Message, Status};

use super::lockstep::{self, Caller};
use crate::coap::{
    self, CONTENT, FETCH, GET, HANDSHAKE, HANDSHAKE_PATH, INDEX_PATH, POST, SEALED, UNAUTHORIZED,
};
use crate::testing::{Numbers, random};

/// An error of the library's as one that ends the measurement.
pub fn failed(error: Error) -> io::Error {
    io::Error::other(format!("lscoap: {error:?}"))
}

/// What a device does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Handshake,
    Requests(usize),
}

/// One device with at most one session.
pub struct Device {
    numbers: Numbers,
    client: Client,
    session: Session,
    exchange: Option<Exchange>,
    first: Message,
    doing: Doing,
    /// Requests in a conversation.
    requests: usize,
    /// RETRY messages that it was answered with.
    pub retries: usize,
    id: u16,
    socket: Option<UdpSocket>,
}

impl Device {
    /// Loads the identity.
    pub fn new(id: &str, secret: &[u8; 32], server_key: &[u8; 33], profile: Profile) -> io::Result<Device> {
        let config = ClientConfig::new(id.as_bytes(), secret, server_key, profile);
        let mut numbers = Numbers::from_seed(random());
        Ok(Device {
            id: numbers.draw() as u16,
            numbers,
            client: Client::new(&config).map_err(failed)?,
            session: Session::new(),
            exchange: None,
            first: Message::new(),
            doing: Doing::Handshake,
            requests: 1,
            retries: 0,
            socket: None,
        })
    }

    /// Makes the first message of a full handshake ahead of its time. It will come from a new port, as from a device
    /// that the server has never seen, and one request follows, which confirms the session.
    pub fn prepare_handshake(&mut self) -> io::Result<()> {
        self.client.restart().map_err(failed)?;
        self.prepare_first()
    }

    /// The same for a resumption of the session that there is.
    pub fn prepare_resume(&mut self) -> io::Result<()> {
        self.client.resume(&self.session).map_err(failed)?;
        self.prepare_first()
    }

    fn prepare_first(&mut self) -> io::Result<()> {
        self.client.step(&mut self.numbers, None, &mut self.first).map_err(failed)?;
        self.doing = Doing::Handshake;
        self.requests = 1;
        self.socket = None;
        Ok(())
    }

    /// The next conversation is so many requests in the session that there is, from the same port.
    pub fn prepare_requests(&mut self, requests: usize) {
        self.doing = Doing::Requests(requests);
    }

    /// Gives its port back; the session stays.
    pub fn hang_up(&mut self) {
        self.socket = None;
    }

    /// A sealed GET of /index.
    fn ask(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let mut sealed = [0; 64];
        let (len, exchange) =
            self.session.seal_request(Carrier::Payload(INDEX_PATH), &[GET], &mut sealed).map_err(failed)?;
        self.exchange = Some(exchange);
        self.request(out, FETCH, "index", SEALED, &sealed[..len]);
        Ok(())
    }

    fn request(&mut self, out: &mut Vec<u8>, code: u8, path: &str, format: u16, payload: &[u8]) {
        self.id = self.id.wrapping_add(1);
        *out = coap::Message::request(code, path, self.id).body(format, payload).bytes();
    }

    fn open(&mut self, object: &[u8]) -> io::Result<()> {
        let mut plain = [0; 2048];
        let exchange = self.exchange.as_mut().ok_or(io::ErrorKind::InvalidInput)?;
        let opened = self.session.open_response(exchange, Carrier::Payload(&[]), object, &mut plain);
        if opened.map_err(failed)? > 1 && plain[0] == CONTENT {
            Ok(())
        } else {
            Err(io::Error::other("not the answer of /index"))
        }
    }
}

impl Caller for Device {
    fn socket(&mut self) -> &mut Option<UdpSocket> {
        &mut self.socket
    }

    fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match self.doing {
            Doing::Handshake => {
                let first = self.first.clone();
                self.request(out, POST, HANDSHAKE_PATH, HANDSHAKE, &first);
                Ok(())
            }
            Doing::Requests(_) => self.ask(out),
        }
    }

    fn go_on(&mut self, datagram: &[u8], out: &mut Vec<u8>) -> io::Result<bool> {
        let answer = lockstep::answer(datagram, self.id)?;
        if let Doing::Requests(left) = self.doing {
            self.open(&answer.payload)?;
            self.doing = Doing::Requests(left.saturating_sub(1));
            if left <= 1 {
                return Ok(false);
            }
        } else {
            let mut message = Message::new();
            let status = self.client.step(&mut self.numbers, Some(&answer.payload), &mut message);
            self.retries += usize::from(answer.code == UNAUTHORIZED);
            if status.map_err(failed)? == Status::Send {
                self.request(out, POST, HANDSHAKE_PATH, HANDSHAKE, &message);
                return Ok(true);
            }
            self.client.finish_into(&mut self.session).map_err(failed)?;
            self.doing = Doing::Requests(self.requests);
        }
        self.ask(out)?;
        Ok(true)
    }
}
