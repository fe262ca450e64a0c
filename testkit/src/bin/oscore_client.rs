//! `oscore_client`: a device on the library's whole-message functions alone, for other people's CoAP servers
//! (`make interop`). RFC 7252, RFC 7641 and RFC 7959 as far as one request at a time needs them, all inside the seal.

use std::error::Error as StdError;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::coap::{Carrier, PROTECT_OVERHEAD};
use lscoap::enrolment::parse_server;
use lscoap::session::{Exchange, Session};
use lscoap::{Error, Message as Handshake, Status};
use lscoap_testkit::coap::{
    ACK, BLOCK1, BLOCK2, CON, CONTENT_FORMAT, CONTINUE, GET, HANDSHAKE, HANDSHAKE_PATH, Message, OBSERVE,
    POST, UNAUTHORIZED, URI_QUERY,
};
use lscoap_testkit::testing::{Os, random};

type Result<T> = std::result::Result<T, Box<dyn StdError>>;

/// Bytes of a block, and how an option says so.
const BLOCK: usize = 1024;
const BLOCK_EXPONENT: u32 = 6;
/// RFC 9175.
const ECHO: u16 = 252;
/// When a request is sent again.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);

/// What the library says, in words.
fn words(error: Error) -> Box<dyn StdError> {
    match error {
        Error::Alert(alert) => format!("refused with alert {}", alert.code()).into(),
        error => format!("{error:?}").into(),
    }
}

/// One request to an lscoap server, in an OSCORE option.
#[derive(Parser)]
#[command(name = "oscore_client", version)]
struct Options {
    /// The device's key file
    #[arg(short, long)]
    key: PathBuf,
    /// The device's id
    #[arg(short, long)]
    id: String,
    /// The server's enrolment string
    #[arg(short, long)]
    server: String,
    /// coap://ADDRESS:PORT
    #[arg(short, long)]
    uri: String,
    /// signed or express
    #[arg(long, default_value = "signed")]
    profile: String,
    /// Seconds until an answer is given up
    #[arg(long, default_value_t = 30)]
    timeout: u64,
    /// As many requests, one after the other
    #[arg(short = 'n', default_value_t = 1)]
    count: u32,
    /// Resumes the session before each request but the first
    #[arg(long)]
    resume: bool,
    /// GETs the same path afterwards
    #[arg(long)]
    then_get: bool,
    /// Listens for as many notifications, then cancels
    #[arg(long, default_value_t = 0)]
    observe: u32,
    /// GET, POST, PUT, DELETE, FETCH, PATCH or iPATCH
    method: String,
    /// /index, or /index?readings=3
    path: String,
    payload: Option<String>,
}

/// A socket with CoAP's message ids and tokens, and a time at which waiting ends.
struct Link {
    socket: UdpSocket,
    message_id: u16,
    until: Instant,
}

impl Link {
    fn next_id(&mut self) -> u16 {
        self.message_id = self.message_id.wrapping_add(1);
        self.message_id
    }

    /// What comes for `token` next, acknowledged; `None` at `end`.
    fn receive(&self, token: &[u8], end: Instant) -> Result<Option<Vec<u8>>> {
        let mut buffer = [0; 2048];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(left))?;
            let Ok(len) = self.socket.recv(&mut buffer) else { continue };
            let Some(message) = Message::parse(&buffer[..len]).filter(|message| message.token == token)
            else {
                continue;
            };
            if message.kind == CON {
                let ack = Message { kind: ACK, id: message.id, ..Message::default() };
                self.socket.send(&ack.bytes())?;
            }
            if message.code != 0 {
                return Ok(Some(buffer[..len].to_vec()));
            }
        }
    }

    /// Sends `request` until `take` gives something for an answer.
    fn exchange<T>(&self, request: &[u8], mut take: impl FnMut(Vec<u8>) -> Option<T>) -> Result<T> {
        let token = Message::parse(request).ok_or("no message")?.token;
        while Instant::now() < self.until {
            self.socket.send(request)?;
            let end = self.until.min(Instant::now() + ACK_TIMEOUT);
            while let Some(answer) = self.receive(&token, end)? {
                if let Some(taken) = take(answer) {
                    return Ok(taken);
                }
            }
        }
        Err("no answer that opens".into())
    }
}

/// A device with a session.
struct Device {
    link: Link,
    client: Client,
    session: Session,
}

/// Runs the handshake that `client` has begun.
fn shake_hands(link: &mut Link, client: &mut Client) -> Result<Session> {
    let mut message = Handshake::new();
    let mut status = client.step(&mut Os, None, &mut message).map_err(words)?;
    while status == Status::Send {
        let token = random().to_be_bytes().to_vec();
        let request = Message { token, ..Message::request(POST, HANDSHAKE_PATH, link.next_id()) };
        let sent = request.body(HANDSHAKE, &message).bytes();
        status = link
            .exchange(&sent, |answer| {
                let answer = Message::parse(&answer)?;
                let is_ours = answer.number(CONTENT_FORMAT) == Some(HANDSHAKE.into());
                is_ours.then(|| client.step(&mut Os, Some(&answer.payload), &mut message))
            })?
            .map_err(words)?;
    }
    client.finish().map_err(words)
}

impl Device {
    /// Sends a whole message; where the server asks for Echo (RFC 8613 appendix B.1.2), once more with it.
    fn exchange(&mut self, message: &Message) -> Result<(Message, Exchange)> {
        let (answer, exchange) = self.exchange_once(message)?;
        let Some((_, echo)) = answer.options.iter().find(|(number, _)| *number == ECHO) else {
            return Ok((answer, exchange));
        };
        if answer.code != UNAUTHORIZED {
            return Ok((answer, exchange));
        }
        let again = self.renewed(message, message.payload.clone()).option(ECHO, echo);
        self.exchange_once(&again)
    }

    /// Sends a whole message, protected: the answer, and what further ones are opened with. What does not open, or is
    /// in the clear, is waited past.
    fn exchange_once(&mut self, message: &Message) -> Result<(Message, Exchange)> {
        let mut sealed = message.bytes();
        let len = sealed.len();
        sealed.resize(len + PROTECT_OVERHEAD, 0);
        let (len, mut exchange) =
            self.session.protect_request(Carrier::Oscore, &mut sealed, len).map_err(words)?;
        let session = &mut self.session;
        let answer = self.link.exchange(&sealed[..len], |answer| open(session, &mut exchange, answer))?;
        Ok((answer, exchange))
    }

    /// A request with its body in blocks where it is long; the answer with its blocks put together.
    fn request(&mut self, request: &Message) -> Result<(Message, Exchange)> {
        let body = &request.payload;
        let mut sent = 0;
        let (mut answer, exchange) = loop {
            let end = body.len().min(sent + BLOCK);
            let mut part = self.renewed(request, body[sent..end].to_vec());
            if body.len() > BLOCK {
                part = part.option(BLOCK1, &block(sent / BLOCK, end < body.len()));
            }
            let (answer, exchange) = self.exchange(&part)?;
            sent = end;
            if sent == body.len() || answer.code != CONTINUE {
                break (answer, exchange);
            }
        };
        let mut last = answer.number(BLOCK2);
        while last.is_some_and(|last| last & 8 != 0) {
            let next =
                self.renewed(request, Vec::new()).option(BLOCK2, &block(answer.payload.len() / BLOCK, false));
            let next =
                Message { options: next.options.into_iter().filter(|o| o.0 != OBSERVE).collect(), ..next };
            let (more, _) = self.exchange(&next)?;
            answer.payload.extend(&more.payload);
            last = more.number(BLOCK2);
        }
        Ok((answer, exchange))
    }

    /// The same request with a message id, a token and a payload of its own.
    fn renewed(&mut self, request: &Message, payload: Vec<u8>) -> Message {
        let token = if request.number(OBSERVE).is_some() {
            request.token.clone()
        } else {
            random().to_be_bytes().to_vec()
        };
        Message { id: self.link.next_id(), token, payload, ..request.clone() }
    }

    /// Observes, prints `count` notifications, and cancels.
    fn observe(&mut self, request: &Message, count: u32) -> Result<()> {
        let (answer, mut exchange) = self.request(&request.clone().option(OBSERVE, &[]))?;
        print(&answer);
        let mut last = answer.number(OBSERVE).ok_or("nobody may observe that")?;
        for _ in 0..count {
            let notification = loop {
                let received = self.link.receive(&request.token, self.link.until)?;
                let received = received.ok_or("no notification that opens")?;
                if let Some(opened) = open(&mut self.session, &mut exchange, received) {
                    break opened;
                }
            };
            print(&notification);
            let number = notification.number(OBSERVE).ok_or("the observation has ended")?;
            if !is_newer(number, last) {
                return Err("a notification is not newer than the one before".into());
            }
            last = number;
        }
        let (answer, _) = self.request(&request.clone().option(OBSERVE, &[1]))?;
        if answer.number(OBSERVE).is_some() { Err("not cancelled".into()) } else { Ok(()) }
    }
}

fn open(session: &mut Session, exchange: &mut Exchange, mut answer: Vec<u8>) -> Option<Message> {
    let len = answer.len();
    let len = session.unprotect_response(exchange, &mut answer, len).ok()?;
    Message::parse(&answer[..len])
}

/// RFC 7641 section 3.4, without the time.
fn is_newer(number: u64, last: u64) -> bool {
    const HALF: u64 = 1 << 23;
    if number > last { number - last < HALF } else { last - number > HALF }
}

/// The value of Block1 or Block2.
fn block(number: usize, more: bool) -> Vec<u8> {
    let value = (number as u32) << 4 | u32::from(more) << 3 | BLOCK_EXPONENT;
    let bytes = value.to_be_bytes();
    bytes.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// As secure_client prints answers.
fn print(answer: &Message) {
    println!("{}.{:02}", answer.code >> 5, answer.code & 31);
    println!("{}", String::from_utf8_lossy(&answer.payload));
}

fn run(options: &Options) -> Result<bool> {
    let secret = std::fs::read_to_string(&options.key)?;
    let secret: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(secret.get(at..at + 2).unwrap_or_default(), 16))
        .collect::<std::result::Result<_, _>>()?;
    let server =
        parse_server(&options.server).map_err(|fault| format!("--server: column {}", fault.at + 1))?;
    let profile = match options.profile.as_str() {
        "signed" => Profile::Signed,
        "express" => Profile::Express,
        _ => return Err("--profile: signed or express".into()),
    };
    let methods = ["GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"];
    let code = methods.iter().position(|name| *name == options.method).ok_or("not a method")? as u8 + 1;
    let address: SocketAddr =
        options.uri.strip_prefix("coap://").ok_or("--uri: coap://ADDRESS:PORT")?.parse()?;
    let socket = UdpSocket::bind((address.ip(), 0))?;
    socket.connect(address)?;
    let until = Instant::now() + Duration::from_secs(options.timeout);
    let mut link = Link { socket, message_id: random() as u16, until };
    let config = ClientConfig::new(options.id.as_bytes(), secret.as_slice().try_into()?, &server, profile);
    let mut client = Client::new(&config).map_err(words)?;
    let session = shake_hands(&mut link, &mut client)?;
    let mut device = Device { link, client, session };

    let (path, query) = options.path.split_once('?').unwrap_or((&options.path, ""));
    let mut request = Message::request(code, path.trim_start_matches('/'), 0);
    request.token = random().to_be_bytes().to_vec();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        request = request.option(URI_QUERY, part.as_bytes());
    }
    request.payload = options.payload.clone().unwrap_or_default().into_bytes();
    if options.observe > 0 {
        return device.observe(&request, options.observe).map(|()| true);
    }
    let mut all_good = true;
    for count in 0..options.count {
        if options.resume && count > 0 {
            device.client.resume(&device.session).map_err(words)?;
            device.session = shake_hands(&mut device.link, &mut device.client)?;
        }
        let (answer, _) = device.request(&request)?;
        print(&answer);
        all_good &= answer.code >> 5 == 2;
    }
    if options.then_get {
        let (answer, _) = device.request(&Message { code: GET, payload: Vec::new(), ..request })?;
        print(&answer);
    }
    Ok(all_good)
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
