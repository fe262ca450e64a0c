//! A device: CoAP with the retransmission of RFC 7252, and lscoap over it.

use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::session::{Carrier, Session};
use lscoap::{Error, Message as Handshake, Status};

use crate::coap::{
    CHANGED, CONTENT_FORMAT, FETCH, GET, HANDSHAKE, HANDSHAKE_PATH, INDEX_PATH, MAX_AGE, Message, POST,
    SEALED, UNAVAILABLE,
};
use crate::testing::{Os, random};

/// RFC 7252 section 4.8: the first timeout is between this and half as much again, and doubles.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a request is sent again.
const MAX_RETRANSMIT: u32 = 4;
/// Bytes of a token.
const TOKEN_LEN: usize = 4;
/// How often a handshake is begun anew, when a changed datagram has spoilt it.
const ATTEMPTS: usize = 3;
/// How often a server that is busy is asked again, and after how long at most.
pub const BUSY_ROUNDS: usize = 3;
const BUSY_MAX: Duration = Duration::from_secs(30);
/// The alert that says so.
const BUSY: u8 = 4;

/// Where members ask, and the same as encoded options.
const GROUP_PATH: &str = ".well-known/lscoap/group";
const GROUP_OPTIONS: &[u8] = b"\xbb.well-known\x06lscoap\x05group";
/// A device is given its keys once in ten seconds at most.
const GROUP_PAUSE: Duration = Duration::from_secs(10);
/// The Content-Format of what they ask.
const GROUP: u16 = 65003;

/// Why something did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Nothing came, however often the request was sent.
    NoAnswer,
    /// The server refused, in the clear.
    Refused(u8),
    /// An answer that is none.
    BadAnswer,
    /// The library said so.
    Library(String),
    /// The socket did.
    Socket(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => write!(f, "no answer to the last retransmission"),
            Self::Refused(alert) => write!(f, "refused with alert {alert}"),
            Self::BadAnswer => write!(f, "an answer that is none"),
            Self::Library(error) => write!(f, "{error}"),
            Self::Socket(error) => write!(f, "{error}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Alert(alert) => Self::Refused(alert.code()),
            error => Self::Library(format!("{error:?}")),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Socket(error.to_string())
    }
}

/// Keys of one device.
#[derive(Clone)]
pub struct Keys {
    /// The device's id.
    pub id: String,
    /// Its secret.
    pub secret: [u8; 32],
    /// The server's key.
    pub server: [u8; 33],
}

/// What is wanted of an answer's payload: to be taken, to be waited past, or an error.
type Judge<'a, T> = dyn FnMut(&Message) -> Option<Result<T, Failure>> + 'a;

/// A socket, and CoAP's message ids over it.
struct Link {
    socket: UdpSocket,
    message_id: u16,
    /// When it is of no use any more.
    until: Option<Instant>,
}

impl Link {
    /// A request with a token that nobody can guess.
    fn request(&mut self, code: u8, path: &str) -> Message {
        self.message_id = self.message_id.wrapping_add(1);
        let token = random().to_be_bytes()[..TOKEN_LEN].to_vec();
        Message { token, ..Message::request(code, path, self.message_id) }
    }

    /// Sends a request until `judge` takes something that came for it.
    fn exchange<T>(&self, request: &Message, judge: &mut Judge<'_, T>) -> Result<T, Failure> {
        let bytes = request.bytes();
        let mut timeout = ACK_TIMEOUT.mul_f64(1.0 + (random() % 1000) as f64 / 2000.0);
        let mut buffer = [0; 2048];
        for _ in 0..=MAX_RETRANSMIT {
            self.socket.send(&bytes)?;
            let end = Instant::now() + timeout;
            let end = self.until.map_or(end, |until| end.min(until));
            loop {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                self.socket.set_read_timeout(Some(left))?;
                let Ok(len) = self.socket.recv(&mut buffer) else { continue };
                let answer = Message::parse(&buffer[..len]);
                let Some(answer) = answer.filter(|answer| answer.token == request.token) else { continue };
                if let Some(result) = judge(&answer) {
                    return result;
                }
            }
            timeout *= 2;
        }
        Err(Failure::NoAnswer)
    }
}

/// A device with a socket, and after [`Device::connect`] with a session.
pub struct Device {
    link: Link,
    client: Client,
    session: Option<Session>,
    /// For how long the server said that it is busy.
    busy: Duration,
    /// How many requests were sealed.
    pub sealed: u64,
}

impl Device {
    /// A device that talks to `server`, or to a relay in front of it.
    pub fn new(keys: &Keys, profile: Profile, server: SocketAddr) -> Result<Self, Failure> {
        let socket = UdpSocket::bind((server.ip(), 0))?;
        socket.connect(server)?;
        let config = ClientConfig::new(keys.id.as_bytes(), &keys.secret, &keys.server, profile);
        let link = Link { socket, message_id: random() as u16, until: None };
        Ok(Self { link, client: Client::new(&config)?, session: None, busy: Duration::ZERO, sealed: 0 })
    }

    /// Waits for nothing after that.
    pub fn give_up_at(&mut self, until: Instant) {
        self.link.until = Some(until);
    }

    /// Sends to another address from now on, from a new port.
    pub fn move_to(&mut self, server: SocketAddr) -> Result<(), Failure> {
        self.link.socket = UdpSocket::bind((server.ip(), 0))?;
        self.link.socket.connect(server)?;
        Ok(())
    }

    /// One handshake, from the message that the client's next step gives.
    fn shake_hands(&mut self) -> Result<(), Failure> {
        let mut message = Handshake::new();
        let mut status = self.client.step(&mut Os, None, &mut message)?;
        while status == Status::Send {
            let request = self.link.request(POST, HANDSHAKE_PATH).body(HANDSHAKE, &message);
            status = self.link.exchange(&request, &mut |answer| {
                if answer.number(CONTENT_FORMAT) != Some(HANDSHAKE.into()) {
                    return None;
                }
                self.busy = Duration::from_secs(answer.number(MAX_AGE).unwrap_or_default());
                match self.client.step(&mut Os, Some(&answer.payload), &mut message) {
                    Ok(status) => Some(Ok(status)),
                    Err(error @ Error::Alert(_)) => Some(Err(error.into())),
                    Err(_) => None, // changed on the way, or somebody else's
                }
            })?;
        }
        self.session = Some(self.client.finish()?);
        Ok(())
    }

    /// A full handshake, begun anew where a changed datagram has spoilt it.
    pub fn connect(&mut self) -> Result<(), Failure> {
        self.persist(|device| Ok(device.client.restart()?), &[2, 3, 5])
    }

    /// Resumes the session; where that is refused, the session stays as it was.
    pub fn resume(&mut self) -> Result<(), Failure> {
        let begin = |device: &mut Self| {
            let session = device.session.as_ref().ok_or(Failure::BadAnswer)?;
            Ok(device.client.resume(session)?)
        };
        self.persist(begin, &[2, 3])
    }

    /// Handshakes until one succeeds: after the alerts of `spoilt` at once, after *busy* when the server said.
    fn persist(
        &mut self,
        begin: impl Fn(&mut Self) -> Result<(), Failure>,
        spoilt: &[u8],
    ) -> Result<(), Failure> {
        let (mut attempts, mut rounds) = (1, 0);
        loop {
            begin(self)?;
            match self.shake_hands() {
                Err(Failure::Refused(BUSY)) if rounds < BUSY_ROUNDS => {
                    rounds += 1;
                    let left = self.link.until.map(|until| until.saturating_duration_since(Instant::now()));
                    sleep(self.busy.min(BUSY_MAX).min(left.unwrap_or(BUSY_MAX)));
                }
                Err(Failure::Refused(alert)) if attempts < ATTEMPTS && spoilt.contains(&alert) => {
                    attempts += 1
                }
                result => return result,
            }
        }
    }

    /// A sealed request for /index and its inner code and payload.
    pub fn request(&mut self, code: u8, payload: &[u8]) -> Result<Vec<u8>, Failure> {
        self.request_at("index", INDEX_PATH, code, &[], payload)
    }

    /// A message about groups, to the server; gives its answer.
    pub fn ask_about_group(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let inner = [&[0xc2][..], &GROUP.to_be_bytes()].concat();
        let mut answer = self.request_at(GROUP_PATH, GROUP_OPTIONS, POST, &inner, message)?;
        for _ in 0..BUSY_ROUNDS {
            if answer.first() == Some(&UNAVAILABLE) {
                sleep(GROUP_PAUSE);
                answer = self.request_at(GROUP_PATH, GROUP_OPTIONS, POST, &inner, message)?;
            }
        }
        // Behind the code: that Content-Format, and the payload.
        let payload = answer.split_first().and_then(|(code, rest)| {
            (*code == CHANGED).then(|| rest.iter().position(|byte| *byte == 0xff).map(|at| &rest[at + 1..]))
        });
        payload.flatten().map(<[u8]>::to_vec).ok_or(Failure::BadAnswer)
    }

    /// A sealed request for a path; `aad` is that as encoded Uri-Path options, `options` are inner ones.
    fn request_at(
        &mut self,
        path: &str,
        aad: &[u8],
        code: u8,
        options: &[u8],
        payload: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let mut plaintext = vec![code];
        plaintext.extend(options);
        if !payload.is_empty() {
            plaintext.extend([0xff]);
            plaintext.extend(payload);
        }
        let session = self.session.as_mut().ok_or(Failure::BadAnswer)?;
        let mut object = vec![0; plaintext.len() + lscoap::limits::REQUEST_OVERHEAD];
        let (len, mut exchange) = session.seal_request(Carrier::Payload(aad), &plaintext, &mut object)?;
        self.sealed += 1;
        let outer = if matches!(code, GET | FETCH) { FETCH } else { POST };
        let request = self.link.request(outer, path).body(SEALED, &object[..len]);
        let mut refused = None;
        let result = self.link.exchange(&request, &mut |answer| {
            if !answer.is_sealed() {
                // In the clear: anyone's. It is remembered, and the answer still awaited.
                let code = answer.payload.get(1).copied().filter(|_| answer.payload.len() == 2);
                refused = refused.or(code);
                return None;
            }
            let mut plain = vec![0; answer.payload.len()];
            let opened =
                session.open_response(&mut exchange, Carrier::Payload(&[]), &answer.payload, &mut plain);
            opened.ok().map(|len| Ok(plain[..len].to_vec()))
        });
        match (result, refused) {
            (Err(Failure::NoAnswer), Some(alert)) => Err(Failure::Refused(alert)),
            (result, _) => result,
        }
    }

    /// GET /index.
    pub fn get(&mut self) -> Result<Vec<u8>, Failure> {
        self.request(GET, b"")
    }

    /// POST /index: a reading, which is stored.
    pub fn post(&mut self, value: u64) -> Result<(), Failure> {
        let answer = self.request(POST, value.to_string().as_bytes())?;
        if answer.first() == Some(&CHANGED) { Ok(()) } else { Err(Failure::BadAnswer) }
    }

    /// The first datagram of a handshake, begun anew, to be sent by somebody else.
    pub fn first_datagram(&mut self) -> Result<Vec<u8>, Failure> {
        self.client.restart()?;
        let mut message = Handshake::new();
        self.client.step(&mut Os, None, &mut message)?;
        Ok(handshake_datagram(&message))
    }

    /// The datagram of an R1, to be sent by somebody else.
    pub fn resume_datagram(&mut self) -> Result<Vec<u8>, Failure> {
        self.client.resume(self.session.as_ref().ok_or(Failure::BadAnswer)?)?;
        let mut message = Handshake::new();
        self.client.step(&mut Os, None, &mut message)?;
        Ok(handshake_datagram(&message))
    }

    /// The datagram of a sealed GET, to be sent by somebody else.
    pub fn sealed_datagram(&mut self) -> Result<Vec<u8>, Failure> {
        let session = self.session.as_mut().ok_or(Failure::BadAnswer)?;
        let mut object = [0; 64];
        let (len, _) = session.seal_request(Carrier::Payload(INDEX_PATH), &[GET], &mut object)?;
        self.sealed += 1;
        Ok(self.link.request(FETCH, "index").body(SEALED, &object[..len]).bytes())
    }
}

/// A handshake message in a request of its own.
pub fn handshake_datagram(message: &[u8]) -> Vec<u8> {
    Message::request(POST, HANDSHAKE_PATH, random() as u16).body(HANDSHAKE, message).bytes()
}
