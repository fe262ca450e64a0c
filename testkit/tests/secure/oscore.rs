//! The same resources in both carriers: in an OSCORE option (RFC 8613), and in a payload.

use lscoap::client::Profile;
use lscoap::coap::Carrier;
use lscoap_testkit::coap::*;
use serde_json::{Value, json};

use super::by_hand::Device;
use super::coap::ask;
use super::site::*;
use lscoap_testkit::process::unbroken;

/// A method, options, and the code of the answer.
type Case = (u8, &'static [(u16, &'static [u8])], u8);

const CARRIERS: [Carrier; 2] = [Carrier::Oscore, Carrier::Payload];

/// Whether the site has it.
fn has(site: &Site, carrier: Carrier) -> bool {
    carrier == Carrier::Payload || site.hears_oscore(false)
}

/// Blocks of 64 bytes.
const SZX: u8 = 2;

fn message(device: &mut Device, code: u8, query: &str, payload: &[u8]) -> Message {
    let mut message = Message::request(code, "index", device.next_id());
    if !query.is_empty() {
        message = message.option(URI_QUERY, query.as_bytes());
    }
    Message { payload: payload.to_vec(), ..message }
}

fn values(answer: &Message) -> Vec<Value> {
    let document: Value = serde_json::from_slice(&answer.payload).unwrap();
    document["Data"].as_array().unwrap().iter().map(|reading| reading["value"].clone()).collect()
}

fn document(count: usize) -> String {
    let many: Vec<Value> = (0..count).map(|n| json!({"timeStamp": 1.0, "value": n})).collect();
    json!({ "Data": many }).to_string()
}

fn block(number: usize, more: bool, szx: u8) -> Vec<u8> {
    let value = (number << 4) as u32 | u32::from(more) << 3 | u32::from(szx);
    let bytes = value.to_be_bytes();
    bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(4)..].to_vec()
}

#[test]
fn every_method_in_both_carriers() {
    for carrier in CARRIERS {
        let site = Site::start(&[]);
        if !has(&site, carrier) {
            continue;
        }
        let mut device = Device::connect(&site, Profile::Signed);
        let get = message(&mut device, GET, "readings=3", b"");
        let (request, mut exchange) = device.protect(carrier, &get);
        let answer = ask(&device.socket, &request);
        let has_option = answer.options.iter().any(|(number, _)| *number == OSCORE);
        assert_eq!(
            (has_option, answer.is_sealed()),
            (carrier == Carrier::Oscore, carrier == Carrier::Payload)
        );
        assert_eq!(answer.code, if carrier == Carrier::Oscore { CHANGED } else { CONTENT });
        let answer = device.unprotect(&mut exchange, &answer).unwrap();
        assert_eq!(
            (answer.code, answer.number(CONTENT_FORMAT), values(&answer).len()),
            (CONTENT, Some(50), 3)
        );

        for (code, payload, expected) in [
            (POST, &b"31"[..], CHANGED),
            (PUT, document(2).as_bytes(), CHANGED),
            (FETCH, b"", NOT_ALLOWED),
            (7, b"", NOT_ALLOWED),
        ] {
            let request = message(&mut device, code, "", payload);
            assert_eq!(device.exchange(carrier, &request).code, expected, "{code}");
        }
        let get = message(&mut device, GET, "readings=2", b"");
        assert_eq!(values(&device.exchange(carrier, &get)), [0, 1]);
        let delete = message(&mut device, DELETE, "", b"");
        assert_eq!(device.exchange(carrier, &delete).code, 0x42);
        let bad_query = message(&mut device, GET, "nonsense", b"");
        assert_eq!(device.exchange(carrier, &bad_query).code, BAD_REQUEST);

        // Nowhere: the payload carrier's path is outside, for all to see.
        let nowhere = Message::request(GET, "nowhere", device.next_id());
        let (request, mut exchange) = device.protect(carrier, &nowhere);
        let answer = ask(&device.socket, &request);
        if carrier == Carrier::Oscore {
            assert_eq!(device.unprotect(&mut exchange, &answer).unwrap().code, NOT_FOUND);
        } else {
            assert_eq!((answer.code, answer.is_sealed()), (NOT_FOUND, false));
        }
        let log = site.end();
        for line in [
            "GET /index from sensor-1: 2.05",
            "PUT /index from sensor-1: 2.04",
            "DELETE /index from sensor-1: 2.02",
        ] {
            assert!(log.contains(line), "{line}: {log}");
        }
    }
}

/// A server that hears no OSCORE options, since its libcoap keeps them to itself, says so when it starts, and serves payloads;
/// one that hears them does not.
#[test]
fn a_deaf_server_says_so() {
    let site = Site::start(&["--quiet"]);
    let hears = site.hears_oscore(false);
    assert!(hears || site.server.program.wait_for_error_text(DEAF, LONG));
    let mut device = Device::connect(&site, Profile::Express);
    assert_eq!(device.request(FETCH, &[GET]).code, CONTENT);
    assert_eq!(site.server.program.stderr().matches(DEAF).count(), usize::from(!hears));
}

/// In the clear nothing is reached, at the empty path neither.
#[test]
fn nothing_else_is_at_the_empty_path() {
    let site = Site::start(&[]);
    let socket = Device::port(&site);
    for code in [GET, POST, PUT] {
        let request = Message { options: vec![], ..Message::request(code, "", u16::from(code)) };
        assert_eq!(ask(&socket, &request).code, NOT_FOUND);
    }
}

/// A resource names what it reads; of the rest, what is critical is refused under seal, before any handler.
#[test]
fn critical_options_are_read_or_refused() {
    for carrier in CARRIERS {
        let site = Site::start(&["--quiet", "--stats"]);
        if !has(&site, carrier) {
            continue;
        }
        let mut device = Device::connect(&site, Profile::Express);
        let cases: &[Case] = &[
            (GET, &[(2049, b"x")], BAD_OPTION),
            (GET, &[(65001, b"")], BAD_OPTION),
            (GET, &[(2048, b"elective"), (HOP_LIMIT, &[3])], CONTENT),
            (GET, &[(URI_HOST, b"example")], CONTENT),
            (GET, &[(ACCEPT, &[50])], CONTENT),
            (GET, &[(ACCEPT, &[0])], NOT_ACCEPTABLE),
            (GET, &[(ACCEPT, &[])], NOT_ACCEPTABLE),
            (GET, &[(ACCEPT, &[50]), (ACCEPT, &[50])], BAD_OPTION),
            (GET, &[(ACCEPT, &[0, 0, 50])], BAD_OPTION),
            (GET, &[(CONTENT_FORMAT, &[50]), (CONTENT_FORMAT, &[50])], CONTENT),
            (POST, &[(IF_MATCH, b"tag")], PRECONDITION_FAILED),
            (POST, &[(IF_MATCH, b"tag"), (IF_MATCH, b"other")], PRECONDITION_FAILED),
            (POST, &[(IF_MATCH, b"nine bytes")], BAD_OPTION),
            (POST, &[(IF_NONE_MATCH, b"")], PRECONDITION_FAILED),
            (POST, &[(IF_NONE_MATCH, b"x")], BAD_OPTION),
            (POST, &[(IF_NONE_MATCH, b""), (IF_NONE_MATCH, b"")], BAD_OPTION),
            (PUT, &[(IF_MATCH, b"tag")], PRECONDITION_FAILED),
            (DELETE, &[(IF_MATCH, b"tag")], PRECONDITION_FAILED),
            (POST, &[(IF_MATCH, b"tag"), (IF_MATCH, b"")], CHANGED),
            (POST, &[(252, b"an echo"), (REQUEST_TAG, b"t"), (REQUEST_TAG, b"u"), (258, &[2])], CHANGED),
        ];
        let mut changed = 0;
        for (code, options, expected) in cases {
            let mut request = message(&mut device, *code, "", if *code == GET { b"" } else { b"77" });
            for (number, value) in *options {
                request = request.option(*number, value);
            }
            assert_eq!(device.exchange(carrier, &request).code, *expected, "{carrier:?} {code} {options:?}");
            changed += usize::from(*expected == CHANGED);
        }
        assert_eq!(site.stored(77.0), changed);
        for (options, expected) in [
            (&[(ACCEPT, &[0][..])], NOT_ACCEPTABLE),
            (&[(IF_MATCH, &[1])], PRECONDITION_FAILED),
            (&[(2049, &[])], BAD_OPTION),
        ] {
            let stats = Message::request(GET, ".well-known/lscoap/stats", device.next_id());
            let request = stats.option(options[0].0, options[0].1);
            assert_eq!(device.exchange(carrier, &request).code, expected, "{options:?}");
        }
    }
}

/// RFC 8613 section 8.2: refusals in the clear, with Max-Age 0 and no payload. Nothing is executed, and nothing changes.
#[test]
fn hostile_oscore_options() {
    let site = Site::start(&["--quiet"]);
    if !has(&site, Carrier::Oscore) {
        return;
    }
    let mut device = Device::connect(&site, Profile::Express);
    let post = message(&mut device, POST, "", b"55");
    let (good, mut exchange) = device.protect(Carrier::Oscore, &post);
    let (_, option) = good.options.iter().find(|(number, _)| *number == OSCORE).unwrap().clone();
    let with_option = |value: &[u8]| {
        let mut bad = good.clone();
        bad.options.retain(|(number, _)| *number != OSCORE);
        bad.option(OSCORE, value)
    };
    let mut other_kid = option.clone();
    *other_kid.last_mut().unwrap() ^= 0x40;
    let mut with_context = option.clone();
    with_context[0] |= 0x10;
    with_context.insert(2, 0);
    let mut moved_kid = with_option(&option[..option.len() - 1]);
    moved_kid.payload.insert(0, option[option.len() - 1]);
    let mut damaged = good.clone();
    damaged.payload[0] ^= 1;
    let cases = [
        ("a kid that nobody has", with_option(&other_kid), UNAUTHORIZED),
        ("a kid context", with_option(&with_context), UNAUTHORIZED),
        ("a long kid", with_option(&[&option[..], &[1; 8]].concat()), UNAUTHORIZED),
        ("a kid in the payload", moved_kid, UNAUTHORIZED),
        ("an empty option", with_option(&[]), BAD_OPTION),
        ("no Partial IV", with_option(&[8, option[2]]), BAD_OPTION),
        ("a reserved flag", with_option(&[&[option[0] | 0x80][..], &option[1..]].concat()), BAD_OPTION),
        ("a cut option", with_option(&option[..1]), BAD_OPTION),
        ("a damaged ciphertext", damaged, BAD_REQUEST),
    ];
    for (what, mut request, code) in cases {
        request.id = device.next_id();
        let answer = ask(&device.socket, &request);
        assert_eq!((answer.code, answer.payload.len()), (code, 0), "{what}: {answer:?}");
        assert_eq!((answer.number(MAX_AGE), answer.number(OSCORE)), (Some(0), None), "{what}: {answer:?}");
    }
    // This one libcoap may have refused.
    let twice = Message { id: device.next_id(), ..good.clone() }.option(OSCORE, &option);
    assert_eq!(ask(&device.socket, &twice).code, BAD_OPTION);
    // Class E options outside are discarded, and so is what nobody knows there.
    let outside = good.clone().option(IF_MATCH, b"no").option(URI_PATH, b"index").option(2048, b"x");
    let first = ask(&device.socket, &outside);
    assert_eq!(device.unprotect(&mut exchange, &first).unwrap().code, CHANGED);
    // A copy gets the same answer, wherever it comes from, until that is forgotten; then it is a replay.
    let again = ask(&Device::port(&site), &Message { id: 9, token: vec![9], ..good.clone() });
    assert_eq!((again.code, &again.options, &again.payload), (first.code, &first.options, &first.payload));
    for _ in 0..5 {
        let get = message(&mut device, GET, "", b"");
        assert_eq!(device.exchange(Carrier::Oscore, &get).code, CONTENT);
    }
    let copy = Message { id: device.next_id(), ..good };
    let replay = ask(&device.socket, &copy);
    assert_eq!((replay.code, replay.number(MAX_AGE)), (UNAUTHORIZED, Some(0)));
    assert_eq!(site.stored(55.0), 1);
}

/// RFC 8613 section 4.1.3.4.1: each block is sealed. In the payload carrier too, beside blocks of the sealed object.
#[test]
fn blocks_inside() {
    for carrier in CARRIERS {
        let site = Site::start(&[]);
        if !has(&site, carrier) {
            continue;
        }
        let mut device = Device::connect(&site, Profile::Express);
        let body = document(60);
        let blocks: Vec<&[u8]> = body.as_bytes().chunks(16 << SZX).collect();
        let last = blocks.len() - 1;
        let send = |device: &mut Device, number: usize, payload: &[u8], tag: &[u8]| {
            let request = message(device, PUT, "", payload)
                .option(BLOCK1, &block(number, number < last, SZX))
                .option(REQUEST_TAG, tag);
            device.exchange(carrier, &request)
        };
        assert_eq!(send(&mut device, 1, blocks[1], b"a").code, INCOMPLETE, "without a beginning");
        assert_eq!(send(&mut device, 0, &blocks[0][1..], b"a").code, BAD_REQUEST, "too short");
        assert_eq!(send(&mut device, 0, blocks[0], b"a").code, CONTINUE);
        assert_eq!(send(&mut device, 2, blocks[2], b"a").code, INCOMPLETE, "a gap");
        assert_eq!(send(&mut device, 1, blocks[1], b"b").code, INCOMPLETE, "of another request");
        for (number, part) in blocks.iter().enumerate() {
            let answer = send(&mut device, number, part, b"a");
            let expected = if number < last { CONTINUE } else { CHANGED };
            assert_eq!(answer.code, expected, "{number}");
            let value =
                block(number, number < last, SZX).iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            assert_eq!(answer.number(BLOCK1), Some(value));
        }

        // Down again, in blocks of 64 bytes and, where nobody asks for a size, as long as a datagram allows; while the
        // other device changes what is there.
        let mut other = Device::connect_as(&site, &site.other(), OTHER_DEVICE, Profile::Express);
        for wanted in [Some(SZX), None] {
            let mut whole = vec![];
            let mut etags = vec![];
            for number in 0.. {
                let mut request = message(&mut device, GET, "readings=60", b"");
                // One that leaves room for the seal, in what the payload carrier does not cut again.
                let szx = wanted.unwrap_or(if carrier == Carrier::Oscore { 6 } else { 5 });
                if wanted.is_some() || number > 0 {
                    request = request.option(BLOCK2, &block(number, false, szx));
                }
                let answer = if number == 0 && carrier == Carrier::Payload && wanted.is_none() {
                    request = request.option(BLOCK2, &block(0, false, szx));
                    device.exchange(carrier, &request)
                } else {
                    device.exchange(carrier, &request)
                };
                assert_eq!(answer.code, CONTENT);
                whole.extend(&answer.payload);
                etags.push(answer.number(ETAG).unwrap());
                let value = answer.number(BLOCK2).unwrap();
                assert_eq!((value >> 4, value & 7), (number as u64, szx.into()));
                if number == 1 {
                    let change = message(&mut other, POST, "", b"99");
                    assert_eq!(other.exchange(carrier, &change).code, CHANGED);
                }
                if value & 8 == 0 {
                    break;
                }
            }
            assert!(etags.iter().all(|etag| *etag == etags[0]), "of one representation");
            let document = Message { payload: whole, ..Message::default() };
            let expected: Vec<Value> = (0..60).map(Value::from).collect();
            if wanted.is_some() {
                assert_eq!(values(&document), expected);
            }
            assert_eq!(values(&document).len(), 60);
        }
        // What is wrong is said in one piece, whatever block is asked for; no body has no blocks.
        for (code, query, expected) in
            [(GET, "nonsense", BAD_REQUEST), (FETCH, "", NOT_ALLOWED), (DELETE, "", 0x42)]
        {
            let request = message(&mut device, code, query, b"").option(BLOCK2, &block(0, false, SZX));
            let answer = device.exchange(carrier, &request);
            assert_eq!((answer.code, answer.number(BLOCK2)), (expected, None));
        }
        // Behind the end.
        let request = message(&mut device, GET, "readings=1", b"").option(BLOCK2, &block(9, false, SZX));
        assert_eq!(device.exchange(carrier, &request).code, BAD_OPTION);
    }
}

/// A proxy may cut the sealed message: outer blocks are put together first.
#[test]
fn blocks_outside_of_an_oscore_message() {
    let site = Site::start(&["--quiet"]);
    if !has(&site, Carrier::Oscore) {
        return;
    }
    let mut device = Device::connect(&site, Profile::Express);
    let put = message(&mut device, PUT, "", document(40).as_bytes());
    let (whole, mut exchange) = device.protect(Carrier::Oscore, &put);
    let blocks: Vec<&[u8]> = whole.payload.chunks(16 << SZX).collect();
    let mut answer = Message::default();
    for (number, part) in blocks.iter().enumerate() {
        let more = number + 1 < blocks.len();
        let request = Message { id: device.next_id(), payload: part.to_vec(), ..whole.clone() };
        answer = ask(&device.socket, &request.option(BLOCK1, &block(number, more, SZX)));
        assert_eq!(answer.code, if more { CONTINUE } else { CHANGED });
    }
    assert_eq!(device.unprotect(&mut exchange, &answer).unwrap().code, CHANGED);
    // Of a session that nobody has, no block is taken.
    let mut stranger = whole.clone();
    stranger.options.retain(|(number, _)| *number != OSCORE);
    let stranger = stranger.option(OSCORE, &[9, 0, 0xEE, 0xEE]).option(BLOCK1, &block(0, true, SZX));
    let request = Message { id: device.next_id(), payload: blocks[0].to_vec(), ..stranger };
    assert_eq!(ask(&device.socket, &request).code, UNAUTHORIZED);
    assert_eq!(site.stored(39.0), 1);
}

/// Waits for the next notification under a token, acknowledges it, and opens it.
fn told(device: &mut Device, exchange: &mut lscoap::session::Exchange, token: &[u8]) -> Message {
    let mut buffer = [0; 2048];
    loop {
        let len = unbroken(|| device.socket.recv(&mut buffer)).unwrap();
        let arrived = Message::parse(&buffer[..len]).unwrap();
        if arrived.kind == CON {
            let ack = Message { kind: ACK, id: arrived.id, ..Message::default() };
            device.socket.send(&ack.bytes()).unwrap();
        }
        if arrived.token == token {
            return device.unprotect(exchange, &arrived).unwrap();
        }
    }
}

/// An answer with its other blocks, if it has some: until they have been fetched, there is no newer one.
fn rest_of(device: &mut Device, query: &str, mut answer: Message) -> Message {
    let mut whole = answer.payload.clone();
    while answer.number(BLOCK2).is_some_and(|block| block & 8 != 0) {
        let next = answer.number(BLOCK2).unwrap() as usize >> 4;
        let etag = answer.number(ETAG);
        let more = message(device, GET, query, b"").option(BLOCK2, &block(next + 1, false, 6));
        answer = device.exchange(Carrier::Oscore, &more);
        assert_eq!((answer.code, answer.number(ETAG), answer.number(OBSERVE)), (CONTENT, etag, None));
        whole.extend(&answer.payload);
    }
    Message { payload: whole, ..answer }
}

/// Every answer with Observe has a number, and Observe at the client is that number; a long notification's other blocks
/// are asked for by requests of their own.
#[test]
fn observations_in_an_oscore_option() {
    for readings in [1, 100] {
        let site = Site::start(&[]);
        if !site.hears_oscore(true) {
            return;
        }
        let mut device = Device::connect(&site, Profile::Express);
        let mut other = Device::connect_as(&site, &site.other(), OTHER_DEVICE, Profile::Express);
        let query = format!("readings={readings}");
        let register = message(&mut device, GET, &query, b"").option(OBSERVE, &[]);
        let (request, mut exchange) = device.protect(Carrier::Oscore, &register);
        assert_eq!((request.code, request.number(OBSERVE)), (FETCH, Some(0)));
        let answer = ask(&device.socket, &request);
        assert_eq!(answer.code, CONTENT);
        assert!(answer.number(OBSERVE).is_some());
        let (_, option) = answer.options.iter().find(|(number, _)| *number == OSCORE).unwrap();
        assert!(!option.is_empty(), "a number of its own");
        let first = device.unprotect(&mut exchange, &answer).unwrap();
        let mut before = first.number(OBSERVE).unwrap();
        assert_eq!(values(&rest_of(&mut device, &query, first)).len(), readings);
        for value in 200..203 {
            let change = message(&mut other, POST, "", value.to_string().as_bytes());
            assert_eq!(other.exchange(Carrier::Oscore, &change).code, CHANGED);
            let answer = told(&mut device, &mut exchange, &request.token);
            let number = answer.number(OBSERVE).unwrap();
            assert!(number > before, "{number} {before}");
            before = number;
            let document = rest_of(&mut device, &query, answer);
            assert_eq!(values(&document).len(), readings);
            assert!(values(&document).contains(&json!(value)));
        }
        // Taking leave, under another token.
        let leave = message(&mut device, GET, &query, b"").option(OBSERVE, &[1]);
        let answer = device.exchange(Carrier::Oscore, &leave);
        assert_eq!((answer.code, answer.number(OBSERVE)), (CONTENT, None));
        let change = message(&mut other, POST, "", b"1");
        assert_eq!(other.exchange(Carrier::Oscore, &change).code, CHANGED);
        assert_eq!(site.end().matches("sensor-1 notified").count(), 3);
    }
}
