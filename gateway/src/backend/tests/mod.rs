//! The proxy against a back-end that is made by hand, on a clock that is made by hand.

mod bodies;
mod exchanges;
mod observe;
mod ports;
mod rules;

use super::{Event, Port, Proxy, Reply, Request, SessionKey, Ticket, Upstream};
use crate::coap::{Frame, Header, Options, Type, Writer, code, option};
use crate::config::{Backend, Identity};

const GET: u8 = code(0, 1);
const POST: u8 = code(0, 2);
const PUT: u8 = code(0, 3);
const CHANGED: u8 = code(2, 4);
const CONTENT: u8 = code(2, 5);
const CONTINUE: u8 = code(2, 31);
const MAX_AGE: u16 = option::MAX_AGE;

/// A message: its code, its options, a payload.
fn message(kind: Type, code: u8, id: u16, token: &[u8], options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Header { kind, code, id, token }.write(&mut bytes);
    let mut writer = Writer::new(&mut bytes);
    options.iter().for_each(|(number, value)| writer.option(*number, value));
    writer.payload(payload);
    bytes
}

/// What a device asks.
fn inner(code: u8, options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
    message(Type::NonConfirmable, code, 7, b"device", options, payload)
}

fn session(number: u8) -> SessionKey {
    SessionKey { slot: number.into(), fingerprint: [number; 8] }
}

/// A datagram, read.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    port: Port,
    kind: Type,
    code: u8,
    id: u16,
    token: Vec<u8>,
    options: Vec<(u16, Vec<u8>)>,
    payload: Vec<u8>,
}

fn read(port: Port, datagram: &[u8]) -> Seen {
    let header = Header::read(datagram).unwrap();
    let (mut options, mut payload) = (Vec::new(), Vec::new());
    if header.code != 0 {
        let frame = Frame::read(datagram).unwrap();
        options = Options::of(datagram, &frame).map(|(number, value)| (number, value.to_vec())).collect();
        payload = frame.payload(datagram).to_vec();
    }
    let Header { kind, code, id, token } = header;
    Seen { port, kind, code, id, token: token.to_vec(), options, payload }
}

impl Seen {
    /// An empty message in reply to something of that id.
    fn is_empty(&self, kind: Type, id: u16) -> bool {
        (self.kind, self.code, self.id) == (kind, 0, id)
    }
}

/// What happened when, in ms.
type Timed<T> = Vec<(u64, T)>;

/// The proxy, its time, and what it says.
struct World {
    proxy: Proxy,
    now_ms: u64,
    tickets: Ticket,
    /// Whether the devices take whole answers.
    in_one: bool,
}

/// What has come of a request at once.
#[derive(Debug, PartialEq)]
enum Asked {
    Passed(Seen),
    Refused(u8),
    Busy,
}

impl World {
    fn new(change: impl FnOnce(&mut Backend)) -> Self {
        let mut backend = Backend::default();
        change(&mut backend);
        Self { proxy: Proxy::new(&backend), now_ms: 1_000_000, tickets: 0, in_one: false }
    }

    fn default() -> Self {
        Self::new(|_| ())
    }

    fn of(identity: Identity) -> Self {
        Self::new(|backend| backend.identity = identity)
    }

    fn ask_again(&mut self, of: u8, message: &[u8], observation: Option<Ticket>) -> Asked {
        self.tickets += 1;
        let device_id = [b'd', of];
        let (ticket, session) = (self.tickets, session(of));
        let request =
            Request { ticket, session, device_id: &device_id, message, observation, in_one: self.in_one };
        let mut answer = Vec::new();
        self.sent();
        match self.proxy.request(self.now_ms, &request, &mut answer) {
            Reply::Refused(code) => Asked::Refused(code),
            Reply::Now => {
                let answer = read(0, &answer);
                assert_eq!((answer.code, answer.options[0].0), (code(5, 3), MAX_AGE));
                Asked::Busy
            }
            Reply::Later => {
                let mut sent = self.sent();
                assert_eq!(sent.len(), 1);
                Asked::Passed(sent.remove(0))
            }
        }
    }

    /// A device's request: what goes to the back-end.
    fn asks(&mut self, of: u8, message: &[u8]) -> Seen {
        match self.ask_again(of, message, None) {
            Asked::Passed(seen) => seen,
            other => panic!("{other:?}"),
        }
    }

    fn get(&mut self, of: u8) -> Seen {
        self.asks(of, &inner(GET, &[(11, b"a")], b""))
    }

    fn refusal(&mut self, code: u8, options: &[(u16, &[u8])]) -> Option<u8> {
        match self.ask_again(1, &inner(code, options, b""), None) {
            Asked::Refused(code) => Some(code),
            Asked::Passed(_) => None,
            Asked::Busy => panic!(),
        }
    }

    fn sent(&mut self) -> Vec<Seen> {
        let sent = self.proxy.outbox().iter().map(|(port, datagram)| read(port, datagram)).collect();
        self.proxy.outbox().clear();
        sent
    }

    /// The back-end sends a datagram.
    fn says(&mut self, port: Port, datagram: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        self.proxy.received(self.now_ms, port, datagram, &mut events);
        events
    }

    /// A piggybacked answer.
    fn answers(&mut self, to: &Seen, code: u8, options: &[(u16, &[u8])]) -> Vec<Event> {
        let datagram = message(Type::Acknowledgement, code, to.id, &to.token, options, b"body");
        self.says(to.port, &datagram)
    }

    /// A separate answer, or a notification.
    fn tells(&mut self, to: &Seen, kind: Type, id: u16, code: u8, options: &[(u16, &[u8])]) -> Vec<Event> {
        let datagram = message(kind, code, id, &to.token, options, b"body");
        self.says(to.port, &datagram)
    }

    fn empty(&mut self, to: &Seen, kind: Type) -> Vec<Event> {
        self.says(to.port, &message(kind, 0, to.id, b"", &[], b""))
    }

    /// Lets time pass; what happens, and when, and what is sent.
    fn runs(&mut self, ms: u64) -> (Timed<Event>, Timed<Seen>) {
        let end_ms = self.now_ms + ms;
        let (mut events, mut sent) = (Vec::new(), Vec::new());
        while let Some(due_ms) = self.proxy.next_ms().filter(|due| *due <= end_ms) {
            self.now_ms = self.now_ms.max(due_ms);
            let mut new = Vec::new();
            self.proxy.poll(self.now_ms, &mut new);
            events.extend(new.into_iter().map(|event| (self.now_ms, event)));
            sent.extend(self.sent().into_iter().map(|seen| (self.now_ms, seen)));
        }
        self.now_ms = end_ms;
        (events, sent)
    }
}

/// The only event: an answer of that code, and whether it is the last one.
#[track_caller]
fn answer(events: &[Event]) -> (Ticket, u8, bool) {
    match events {
        [Event::Answer { ticket, is_last, message, .. }] => {
            let seen = read(0, message);
            assert_eq!(seen.token, b"");
            (*ticket, seen.code, *is_last)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn failure(events: &[Event]) -> (Ticket, u8) {
    match events {
        [Event::Failed { ticket, code }] => (*ticket, *code),
        other => panic!("{other:?}"),
    }
}
