//! A device made of the Rust library and hand-made CoAP, which sends what the C client never would. What it seals
//! right the C server opens, so this is also where two implementations of the binding meet.

use std::net::UdpSocket;

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::session::{Carrier, Exchange, Session};
use lscoap::{Error, Status};
use lscoap_testkit::identities::Identity;
use lscoap_testkit::process::{run, unbroken};
use lscoap_testkit::testing::Os;
use serde_json::{Value, json};

use super::coap::*;
use super::site::*;

const JSON: u16 = 50;

pub struct Device {
    pub socket: UdpSocket,
    session: Session,
    id: u16,
}

impl Device {
    pub fn connect(site: &Site, profile: Profile) -> Device {
        Self::connect_as(site, &site.enrolment.device, DEVICE, profile)
    }

    /// Of any identity.
    pub fn connect_as(site: &Site, identity: &Identity, id: &str, profile: Profile) -> Device {
        let socket = Self::port(site);
        let keys = (&identity.private, &site.enrolment.server.public);
        let config = ClientConfig::new(id.as_bytes(), keys.0, keys.1, profile);
        let mut client: Client = Client::new(&config).unwrap();
        let (mut message, mut answer) = (lscoap::Message::new(), lscoap::Message::new());
        let mut id = 0;
        while client.step(&mut Os, (!answer.is_empty()).then_some(&answer), &mut message).unwrap()
            == Status::Send
        {
            id += 1;
            let request = Message::request(POST, HANDSHAKE_PATH, id).body(HANDSHAKE, &message);
            answer = lscoap::Message::from_slice(&ask(&socket, &request).payload).unwrap();
        }
        Device { socket, session: client.finish().unwrap(), id }
    }

    /// A port of its own, from which the server is spoken to.
    pub fn port(site: &Site) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(site.addr()).unwrap();
        socket
    }

    pub fn next_id(&mut self) -> u16 {
        self.id += 1;
        self.id
    }

    /// Seals a plaintext into a request for /index.
    pub fn seal(&mut self, outer: u8, plaintext: &[u8]) -> (Message, Exchange) {
        let (sealed, exchange) = self.seal_for(INDEX_PATH, plaintext);
        (Message::request(outer, "index", self.next_id()).body(SEALED, &sealed), exchange)
    }

    /// Seals a plaintext with this additional data.
    pub fn seal_for(&mut self, aad: &[u8], plaintext: &[u8]) -> (Vec<u8>, Exchange) {
        let mut sealed = vec![0; plaintext.len() + 32];
        let (len, exchange) =
            self.session.seal_request(Carrier::Payload(aad), plaintext, &mut sealed).unwrap();
        sealed.truncate(len);
        (sealed, exchange)
    }

    pub fn open(&mut self, exchange: &mut Exchange, object: &[u8]) -> Vec<u8> {
        let mut plaintext = vec![0; object.len()];
        let len =
            self.session.open_response(exchange, Carrier::Payload(&[]), object, &mut plaintext).unwrap();
        plaintext[..len].to_vec()
    }

    /// A whole message, protected.
    pub fn protect(&mut self, carrier: lscoap::coap::Carrier, message: &Message) -> (Message, Exchange) {
        let mut buffer = message.bytes();
        let len = buffer.len();
        buffer.resize(len + 64, 0);
        let (len, exchange) = self.session.protect_request(carrier, &mut buffer, len).unwrap();
        (Message::parse(&buffer[..len]).unwrap(), exchange)
    }

    /// The other way round, for an answer.
    pub fn unprotect(&mut self, exchange: &mut Exchange, answer: &Message) -> Result<Message, Error> {
        let mut buffer = answer.bytes();
        let len = buffer.len();
        let len = self.session.unprotect_response(exchange, &mut buffer, len)?;
        Ok(Message::parse(&buffer[..len]).unwrap())
    }

    /// A request that opens, and its answer.
    pub fn exchange(&mut self, carrier: lscoap::coap::Carrier, message: &Message) -> Message {
        let (request, mut exchange) = self.protect(carrier, message);
        let answer = ask(&self.socket, &request);
        self.unprotect(&mut exchange, &answer).unwrap_or_else(|error| panic!("{error:?}: {answer:?}"))
    }

    /// A request that opens, and its inner answer.
    pub fn request(&mut self, outer: u8, plaintext: &[u8]) -> Message {
        let (request, mut exchange) = self.seal(outer, plaintext);
        let answer = ask(&self.socket, &request);
        assert_eq!((answer.is_sealed(), answer.number(OBSERVE)), (true, None), "{answer:?}");
        assert_eq!(answer.code, if outer == FETCH { CONTENT } else { CHANGED });
        inner(&self.open(&mut exchange, &answer.payload))
    }
}

/// Code, options and payload of a plaintext.
pub fn inner(plaintext: &[u8]) -> Message {
    Message::parse(&[&[0x40, plaintext[0], 0, 0], &plaintext[1..]].concat()).unwrap()
}

/// The other way round.
pub fn plaintext(code: u8, options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut message = Message { code, payload: payload.to_vec(), ..Message::default() };
    for (number, value) in options {
        message = message.option(*number, value);
    }
    let bytes = message.bytes();
    [&[code], &bytes[4..]].concat()
}

#[test]
fn what_is_sealed_right_is_served() {
    for profile in [Profile::Signed, Profile::Express] {
        let site = Site::start(&[]);
        let mut device = Device::connect(&site, profile);
        let answer = device.request(FETCH, &[GET]);
        assert_eq!((answer.code, answer.number(CONTENT_FORMAT)), (CONTENT, Some(JSON.into())));
        let document: Value = serde_json::from_slice(&answer.payload).unwrap();
        assert_eq!(document["Data"].as_array().unwrap().len(), 6);

        let format: &[(u16, &[u8])] = &[(CONTENT_FORMAT, &[50])];
        assert_eq!(device.request(POST, &plaintext(POST, format, b"31")).code, CHANGED);
        assert_eq!(device.request(POST, &plaintext(POST, &[(CONTENT_FORMAT, &[42])], b"31")).code, 0x8F);
        assert_eq!(
            device.request(FETCH, &plaintext(GET, &[(2048, b"elective"), (17, &[50])], b"")).code,
            CONTENT
        );
        assert_eq!(device.request(FETCH, &[FETCH]).code, NOT_ALLOWED);
        assert_eq!(device.request(POST, &[7]).code, NOT_ALLOWED, "iPATCH");
        assert_eq!(site.stored(31.0), 1);

        // Not confirmable: answered likewise, and a second datagram like it gets the same answer.
        let (mut request, mut exchange) = device.seal(FETCH, &[GET]);
        request.kind = NON;
        let answer = ask(&device.socket, &request);
        assert_eq!((answer.kind, inner(&device.open(&mut exchange, &answer.payload)).code), (NON, CONTENT));
        assert_eq!(ask(&device.socket, &request).payload, answer.payload);
    }
}

/// Authentic, but not what the binding allows: nothing is done. What no handler may read is refused before anybody looks
/// at the message, in the clear; the rest is said under seal.
#[test]
fn odd_plaintexts_are_refused() {
    let site = Site::start(&[]);
    let mut device = Device::connect(&site, Profile::Express);
    let post = |options: &[(u16, &[u8])]| plaintext(POST, options, b"66");
    let refusal = |device: &mut Device, outer, plaintext: &[u8]| {
        let (request, _) = device.seal(outer, plaintext);
        ask(&device.socket, &request)
    };
    for option in [
        (3, &b"host"[..]),
        (7, &[22, 51]),
        (URI_PATH, b"index"),
        (URI_QUERY, b"readings=1"),
        (9, &[]),
        (35, b"coap://x/"),
        (39, b"coap"),
    ] {
        let answer = refusal(&mut device, POST, &post(&[option]));
        assert_eq!((answer.code, answer.payload), (BAD_OPTION, vec![]), "{option:?}");
    }
    for plaintext in [
        vec![],
        vec![0],
        vec![CONTENT],
        vec![0xFF],
        [&[POST][..], b"\xff"].concat(),
        [&[POST][..], b"\xf1\xff66"].concat(),
        [&[POST][..], b"\xc4\x32"].concat(),
    ] {
        let answer = refusal(&mut device, POST, &plaintext);
        assert!(answer.code == BAD_REQUEST && answer.is_alert(2), "{plaintext:?} {answer:?}");
    }
    for (outer, plaintext, code) in [
        (POST, post(&[(2049, b"critical")]), BAD_OPTION),
        (FETCH, post(&[]), BAD_REQUEST),
        (POST, vec![GET], BAD_REQUEST),
        (POST, vec![FETCH], BAD_REQUEST),
        (POST, vec![8], NOT_ALLOWED),
        (POST, post(&[(BLOCK1, &[7])]), BAD_REQUEST),
    ] {
        assert_eq!(device.request(outer, &plaintext).code, code, "{plaintext:?}");
    }
    assert_eq!(device.request(FETCH, &[GET]).code, CONTENT, "the session goes on");
    assert_eq!(site.stored(66.0), 0);
}

/// An outer Observe counts only when the inner message says the same.
#[test]
fn observe_needs_both() {
    let site = Site::start(&[]);
    let mut device = Device::connect(&site, Profile::Signed);
    let observing = plaintext(GET, &[(OBSERVE, &[])], b"");
    let leaving = plaintext(GET, &[(OBSERVE, &[1])], b"");
    for (plaintext, outer) in [
        (vec![GET], Some(vec![])),
        (observing.clone(), None),
        (observing.clone(), Some(vec![1])),
        (leaving, Some(vec![])),
    ] {
        let (mut request, mut exchange) = device.seal(FETCH, &plaintext);
        if let Some(value) = outer {
            request = request.option(OBSERVE, &value);
        }
        let answer = ask(&device.socket, &request);
        let inner = inner(&device.open(&mut exchange, &answer.payload));
        assert_eq!((inner.code, inner.number(OBSERVE), answer.number(OBSERVE)), (CONTENT, None, None));
    }
    let (request, mut exchange) = device.seal(FETCH, &observing);
    let answer = ask(&device.socket, &request.clone().option(OBSERVE, &[]));
    assert!(answer.number(OBSERVE).is_some());
    assert_eq!(inner(&device.open(&mut exchange, &answer.payload)).number(OBSERVE), Some(0));
    device.request(POST, &plaintext(POST, &[], b"1"));
    let mut buffer = [0; 2048];
    let told = loop {
        let len = unbroken(|| device.socket.recv(&mut buffer)).unwrap();
        let told = Message::parse(&buffer[..len]).unwrap();
        if told.token == request.token {
            break told;
        }
    };
    assert!(told.number(OBSERVE) > answer.number(OBSERVE) && told.is_sealed());
    assert_eq!(inner(&device.open(&mut exchange, &told.payload)).number(OBSERVE), Some(0));
    assert_eq!(site.end().matches("sensor-1 notified").count(), 1, "one of five");
}

/// Blocks of 64 bytes, without Size1 and Request-Tag, which a client may leave out.
#[test]
fn blocks_of_another_client() {
    const SZX: u8 = 2;
    let site = Site::start(&[]);
    let mut device = Device::connect(&site, Profile::Express);
    let many: Vec<Value> = (0..40).map(|n| json!({"timeStamp": 1.0, "value": n})).collect();
    let body = json!({ "Data": many }).to_string();
    let (whole, mut exchange) = device.seal(POST, &plaintext(PUT, &[], body.as_bytes()));
    let blocks: Vec<&[u8]> = whole.payload.chunks(16 << SZX).collect();
    let block_option = |number: usize, more: bool| {
        vec![(number >> 4) as u8, (number as u8) << 4 | u8::from(more) << 3 | SZX]
    };
    let mut send = |number: usize, payload: &[u8]| {
        device.id += 1;
        let more = number + 1 < blocks.len();
        let mut block =
            Message { id: device.id, ..whole.clone() }.option(BLOCK1, &block_option(number, more));
        block.payload = payload.to_vec();
        ask(&device.socket, &block)
    };
    // One that comes too early, one that is not as long as it says, one that is too late.
    assert_eq!(send(1, blocks[1]).code, INCOMPLETE);
    assert_eq!(send(0, &blocks[0][1..]).code, BAD_REQUEST);
    assert_eq!(send(0, blocks[0]).code, CONTINUE);
    assert_eq!(send(2, blocks[2]).code, INCOMPLETE, "and the transfer is as it was");
    for (number, block) in blocks[..blocks.len() - 1].iter().enumerate() {
        for _ in 0..2 {
            let answer = send(number, block);
            assert_eq!(
                (answer.code, answer.number(BLOCK1)),
                (CONTINUE, Some((number << 4 | 8) as u64 | u64::from(SZX)))
            );
        }
    }
    let last = blocks.len() - 1;
    let answer = send(last, blocks[last]);
    assert_eq!(
        (answer.is_sealed(), answer.number(BLOCK1)),
        (true, Some((last << 4) as u64 | u64::from(SZX)))
    );
    assert_eq!(inner(&device.open(&mut exchange, &answer.payload)).code, CHANGED);

    // The answer in blocks of 64 bytes too, with the request in each of the follow-ups.
    let (whole, mut exchange) = device.seal(FETCH, &[GET]);
    let mut object = vec![];
    for number in 0.. {
        device.id += 1;
        let request = Message { id: device.id, ..whole.clone() };
        let answer = ask(&device.socket, &request.option(BLOCK2, &block_option(number, false)));
        assert_eq!(answer.code, CONTENT, "{answer:?}");
        object.extend(&answer.payload);
        let block = answer.number(BLOCK2).unwrap();
        assert_eq!((block >> 4, block & 7), (number as u64, SZX.into()));
        if block & 8 == 0 {
            break;
        }
    }
    let answer = inner(&device.open(&mut exchange, &object));
    let document: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(document["Data"][0], json!({"timeStamp": 1.0, "value": 34}));
    assert_eq!(site.end().matches("from sensor-1: 2.0").count(), 2);
}

/// A session's last requests can be sent again, however much other devices talk; one from before is refused, which is
/// not to be done again either.
#[test]
fn a_session_keeps_its_last_answers() {
    let site = Site::start(&["--quiet"]);
    let other = |count: &str| {
        let args = ["-n", count, "GET", "/index?readings=1"];
        let finished = run(&mut site.other_client(site.addr(), &args), LONG).unwrap();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    };
    other("1"); // so that device and other are in slots with something before them
    let mut device = Device::connect(&site, Profile::Express);
    let requests: Vec<Message> = (0..5).map(|_| device.seal(POST, &plaintext(POST, &[], b"71")).0).collect();
    let answers: Vec<Message> = requests.iter().map(|request| ask(&device.socket, request)).collect();
    assert!(answers.iter().all(Message::is_sealed));
    other("8300");
    for (request, answer) in requests.iter().zip(&answers).skip(1) {
        assert_eq!(ask(&device.socket, request), *answer);
    }
    let refusal = ask(&device.socket, &requests[0]);
    assert!(!refusal.is_sealed() && refusal.code != CHANGED, "{refusal:?}");
    assert_eq!(site.stored(71.0), 5);
}
