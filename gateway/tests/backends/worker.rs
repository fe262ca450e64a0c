//! As much of a worker as it takes: the client's sockets, and its clock.

use super::server::Backend;
use lscoap_gateway::backend::{Event, Proxy, Reply, Request, SessionKey, Ticket, Upstream};
use lscoap_gateway::config::Config;
use lscoap_testkit::coap::{BLOCK1, BLOCK2, Message, PUT, SIZE1};
use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// However busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the sockets.
const PAUSE: Duration = Duration::from_millis(1);

/// What a device was told.
#[derive(Debug)]
pub struct Heard {
    /// Whether that is all.
    pub is_last: bool,
    /// The answer, or a code that was given instead.
    pub message: Message,
}

/// A client and its ports.
pub struct Worker {
    proxy: Proxy,
    sockets: Vec<UdpSocket>,
    start: Instant,
    last: Ticket,
    heard: HashMap<Ticket, VecDeque<Heard>>,
    /// Whether devices take answers in one.
    pub in_one: bool,
    /// Messages without a code that went to the back-end: their types.
    pub empty: Vec<u8>,
}

/// A device with a session.
#[derive(Clone, Copy)]
pub struct Device(pub u32);

impl Device {
    /// Its id.
    pub fn id(self) -> Vec<u8> {
        format!("device-{}", self.0).into_bytes()
    }

    fn session(self) -> SessionKey {
        SessionKey { slot: self.0, fingerprint: [7; 8] }
    }
}

/// The value of a Block option.
pub fn block(number: usize, more: bool, szx: u8) -> Vec<u8> {
    let value = u32::try_from(number).unwrap() << 4 | u32::from(more) << 3 | u32::from(szx);
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// As `lscoap_testkit` calls it, of a code and an empty token.
fn of_code(code: u8) -> Message {
    Message { code, ..Message::default() }
}

impl Worker {
    /// In front of a back-end; `keys` are further ones of `[backend]`.
    pub fn new(backend: &Backend, keys: &str) -> Self {
        let (address, form) = (backend.address, backend.form);
        let text = format!("[backend]\nuri = \"coap://{address}\"\nidentity = \"{form}\"\n{keys}");
        let config = Config::parse(&text).unwrap().backend;
        let socket = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(address).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        Self {
            proxy: Proxy::new(&config),
            sockets: (0..config.ports).map(|_| socket()).collect(),
            start: Instant::now(),
            last: 0,
            heard: HashMap::new(),
            in_one: false,
            empty: Vec::new(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap()
    }

    /// Hands in a device's request.
    pub fn ask(&mut self, device: Device, message: &Message, observation: Option<Ticket>) -> Ticket {
        self.last += 1;
        let ticket = self.last;
        let (id, bytes) = (device.id(), message.bytes());
        let session = device.session();
        let request =
            Request { ticket, session, device_id: &id, message: &bytes, observation, in_one: self.in_one };
        let mut answer = Vec::new();
        let said = match self.proxy.request(self.now_ms(), &request, &mut answer) {
            Reply::Later => None,
            Reply::Now => Message::parse(&answer),
            Reply::Refused(code) => Some(of_code(code)),
        };
        let heard = self.heard.entry(ticket).or_default();
        heard.extend(said.map(|message| Heard { is_last: true, message }));
        self.turn();
        ticket
    }

    /// Nobody wants to hear of it any more.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.proxy.cancel(self.now_ms(), ticket);
        self.turn();
    }

    /// The device's session has ended.
    pub fn end_session(&mut self, device: Device) {
        self.proxy.session_ended(self.now_ms(), device.session());
        self.turn();
    }

    /// One turn of its loop.
    fn turn(&mut self) {
        let mut events = Vec::new();
        let mut buffer = vec![0; 65_536];
        for port in 0..self.sockets.len() {
            loop {
                match self.sockets[port].recv(&mut buffer) {
                    Ok(len) => self.proxy.received(self.now_ms(), port, &buffer[..len], &mut events),
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                        self.proxy.unreachable(self.now_ms(), port, &mut events);
                    }
                    Err(_) => break,
                }
            }
        }
        self.proxy.poll(self.now_ms(), &mut events);
        let datagrams: Vec<_> =
            self.proxy.outbox().iter().map(|(port, datagram)| (port, datagram.to_vec())).collect();
        self.proxy.outbox().clear();
        for (port, datagram) in datagrams {
            if datagram[1] == 0 {
                self.empty.push(datagram[0] >> 4 & 3);
            }
            let sent = self.sockets[port].send(&datagram);
            if sent.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
                self.proxy.unreachable(self.now_ms(), port, &mut events);
                let _ = self.sockets[port].send(&datagram);
            }
        }
        for event in events {
            let (ticket, is_last, message) = match event {
                Event::Answer { ticket, is_last, message, .. } => {
                    (ticket, is_last, Message::parse(&message).expect("a message"))
                }
                Event::Failed { ticket, code } => (ticket, true, of_code(code)),
            };
            self.heard.entry(ticket).or_default().push_back(Heard { is_last, message });
        }
    }

    /// Waits until `done` says so.
    pub fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < end, "{what} does not come");
            sleep(PAUSE);
            self.turn();
        }
    }

    /// What was heard of a request next, if anything.
    pub fn heard(&mut self, ticket: Ticket) -> Option<Heard> {
        self.heard.get_mut(&ticket)?.pop_front()
    }

    /// Waits for what is heard of a request next.
    pub fn next(&mut self, ticket: Ticket) -> Heard {
        let mut heard = None;
        self.wait("an answer", |worker| {
            heard = worker.heard(ticket);
            heard.is_some()
        });
        heard.unwrap()
    }

    /// Asks, and waits for the only answer.
    pub fn exchange(&mut self, device: Device, message: &Message) -> Message {
        let ticket = self.ask(device, message, None);
        let Heard { is_last, message } = self.next(ticket);
        assert!(is_last);
        message
    }

    /// The rest of a body whose first block is `first`: the whole of it.
    pub fn download(&mut self, device: Device, request: &Message, first: Message) -> Vec<u8> {
        let mut body = first.payload.clone();
        let mut last = first;
        while let Some(value) = last.number(BLOCK2).filter(|value| value & 8 != 0) {
            let szx = u8::try_from(value & 7).unwrap();
            let next = request.clone().option(BLOCK2, &block(body.len() >> (szx + 4), false, szx));
            last = self.exchange(device, &next);
            body.extend(&last.payload);
        }
        body
    }
}

/// PUT /readings with one block of a body.
pub fn put_block(body: &[u8], number: usize, szx: u8) -> Message {
    let size = 16 << szx;
    let from = number * size;
    let end = body.len().min(from + size);
    let mut message = Message::request(PUT, "readings", 0);
    message.payload = body[from..end].to_vec();
    // libcoap 4.3.1 puts together what has a Size1 alone.
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    message.option(BLOCK1, &block(number, end < body.len(), szx)).option(SIZE1, &len)
}

/// PUT /readings with a body.
pub fn put(body: &[u8]) -> Message {
    Message { payload: body.to_vec(), ..Message::request(PUT, "readings", 0) }
}
