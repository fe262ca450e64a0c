//! Bodies in blocks: each transfer has a state of its own, strangers do not get into it, and a change of port neither.

use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use lscoap::client::Profile;
use lscoap::session::Exchange;
use lscoap_testkit::identities::Identity;
use lscoap_testkit::process::{run, unbroken};
use lscoap_testkit::relay::{Relay, RelayConfig};
use serde_json::{Value, json};

use super::by_hand::{Device, inner, plaintext};
use super::coap::*;
use super::site::*;

/// Blocks of 1024 bytes, as the option says it.
const SZX: u32 = 6;

fn block(number: usize, more: bool) -> Vec<u8> {
    let value = (number as u32) << 4 | u32::from(more) << 3 | SZX;
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// The requests that a sealed request goes in.
fn in_blocks(device: &mut Device, whole: &Message, tag: Option<&[u8]>) -> Vec<Message> {
    let pieces: Vec<&[u8]> = whole.payload.chunks(16 << SZX).collect();
    let last = pieces.len() - 1;
    let piece = |(number, payload): (usize, &&[u8])| {
        let message = Message { id: device.next_id(), payload: payload.to_vec(), ..whole.clone() };
        let message = message.option(BLOCK1, &block(number, number < last));
        if let Some(tag) = tag { message.option(REQUEST_TAG, tag) } else { message }
    };
    pieces.iter().enumerate().map(piece).collect()
}

/// A PUT of 60 readings, in five blocks.
fn upload(device: &mut Device, tag: Option<&[u8]>) -> (Vec<Message>, Exchange) {
    let body = json!({"Data": vec![json!({"timeStamp": 1.0, "value": 17}); 60]}).to_string();
    let mut put = plaintext(PUT, &[], body.as_bytes());
    put.resize(5000, b' ');
    let (whole, exchange) = device.seal(POST, &put);
    (in_blocks(device, &whole, tag), exchange)
}

/// Sends all of them, and opens the answer.
fn send_all(device: &mut Device, socket: &UdpSocket, blocks: &[Message], exchange: &mut Exchange) -> Message {
    let (last, before) = blocks.split_last().unwrap();
    for block in before {
        assert_eq!(ask(socket, block).code, CONTINUE);
    }
    let answer = ask(socket, last);
    assert!(answer.is_sealed(), "{answer:?}");
    inner(&device.open(exchange, &answer.payload))
}

/// A follow-up for a block of an answer to `request`.
fn follow_up(device: &mut Device, request: &Message, number: usize, etag: Option<&[u8]>) -> Message {
    let mut message = Message { id: device.next_id(), token: vec![number as u8, 0xF0], ..request.clone() };
    message.payload = vec![];
    message.options.retain(|(number, _)| *number != OBSERVE);
    let message = message.option(BLOCK2, &block(number, false));
    if let Some(etag) = etag { message.option(ETAG, etag) } else { message }
}

fn etag(message: &Message) -> Vec<u8> {
    message.options.iter().find(|(number, _)| *number == ETAG).expect("an ETag").1.clone()
}

/// The rest of a body whose first block is there.
fn fetch(device: &mut Device, request: &Message, first: &Message, named: bool) -> Vec<u8> {
    let etag = etag(first);
    let mut object = first.payload.clone();
    let socket = device.socket.try_clone().unwrap();
    for number in 1.. {
        let request = follow_up(device, request, number, named.then_some(&etag[..]));
        let answer = ask(&socket, &request);
        assert_eq!((answer.code, self::etag(&answer)), (CONTENT, etag.clone()), "block {number}");
        object.extend(&answer.payload);
        if answer.number(BLOCK2).unwrap() & 8 == 0 {
            break;
        }
    }
    object
}

/// Sends it again until the answer is there.
fn ask_often(socket: &UdpSocket, request: &Message, wait: Duration) -> Message {
    let mut buffer = [0; 2048];
    socket.set_read_timeout(Some(wait)).unwrap();
    for _ in 0..60 {
        socket.send(&request.bytes()).unwrap();
        while let Ok(len) = socket.recv(&mut buffer) {
            let answer = Message::parse(&buffer[..len]).unwrap();
            if answer.kind == ACK && answer.id == request.id {
                return answer;
            }
        }
    }
    panic!("no answer to {request:?}");
}

/// A reading each second, a body of 21 blocks, and a network that needs more than that second for it: bodies arrive
/// whole, and the cancel is answered.
#[test]
fn notifications_in_blocks_over_real_round_trips() {
    const AAD: &[u8] = b"\xb5index\x4creadings=500";
    thread::scope(|scope| {
        for (rtt, loss) in [(2, 0.0), (50, 0.05), (100, 0.0), (100, 0.05), (500, 0.0)] {
            scope.spawn(move || {
                let site = Site::start(&["--tick", "--quiet"]);
                let config = RelayConfig::new(site.addr()).delay(Duration::from_millis(rtt / 2));
                let relay = Relay::start(config.loss(loss).seed(5)).unwrap();
                let mut device = Device::connect(&site, Profile::Express);
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                socket.connect(relay.addr()).unwrap();
                let wait = Duration::from_millis(2 * rtt + 500);
                let request = |device: &mut Device, observe: &[u8], tag: &[u8]| {
                    let (object, exchange) =
                        device.seal_for(AAD, &plaintext(GET, &[(OBSERVE, observe)], b""));
                    let request = Message::request(FETCH, "index", device.next_id())
                        .option(URI_QUERY, b"readings=500")
                        .option(OBSERVE, observe)
                        .option(REQUEST_TAG, tag)
                        .body(SEALED, &object);
                    (request, exchange)
                };
                let rest = |device: &mut Device, request: &Message, first: &Message| {
                    let etag = etag(first);
                    let mut object = first.payload.clone();
                    for number in 1.. {
                        let answer =
                            ask_often(&socket, &follow_up(device, request, number, Some(&etag)), wait);
                        assert_eq!(answer.code, CONTENT, "{rtt} ms: {answer:?}");
                        object.extend(&answer.payload);
                        if answer.number(BLOCK2).unwrap() & 8 == 0 {
                            return object;
                        }
                    }
                    unreachable!()
                };
                let (registration, mut exchange) = request(&mut device, &[], &[1; 8]);
                let first = ask_often(&socket, &registration, wait);
                let object = rest(&mut device, &registration, &first);
                device.open(&mut exchange, &object);
                for _ in 0..3 {
                    socket.set_read_timeout(Some(LONG)).unwrap();
                    let told = notification(&socket, &registration);
                    let object = rest(&mut device, &registration, &told);
                    let body = inner(&device.open(&mut exchange, &object));
                    let document: Value = serde_json::from_slice(&body.payload).unwrap();
                    assert_eq!(document["Data"].as_array().unwrap().len(), 500);
                }
                let (cancel, mut exchange) = request(&mut device, &[1], &[2; 8]);
                let first = ask_often(&socket, &cancel, wait);
                let object = rest(&mut device, &cancel, &first);
                assert_eq!(inner(&device.open(&mut exchange, &object)).number(OBSERVE), None);
            });
        }
    });
}

/// Blocks that are asked for are of the representation that is being fetched, however often the state changes; then
/// comes the newest. With an ETag an older one can be had as well.
#[test]
fn a_body_is_fetched_whole_while_the_state_changes() {
    for named in [false, true] {
        let site = Site::start(&[]);
        let mut device = Device::connect(&site, Profile::Express);
        let socket = device.socket.try_clone().unwrap();
        let observing = plaintext(GET, &[(OBSERVE, &[])], b"");
        let (many, mut exchange) = upload(&mut device, Some(&[1; 8]));
        assert_eq!(send_all(&mut device, &socket, &many, &mut exchange).code, CHANGED);
        // The additional data is path and query.
        let sealed = device.seal_for(b"\xb5index\x4breadings=60", &observing);
        let (object, mut exchange) = sealed;
        let mut request = Message::request(FETCH, "index", device.next_id())
            .option(URI_QUERY, b"readings=60")
            .option(OBSERVE, &[])
            .body(SEALED, &object);
        if named {
            request = request.option(REQUEST_TAG, &[7; 8]);
        }
        let first = ask(&socket, &request);
        let change = |value: &str| {
            let args = ["POST", "/index", value];
            assert_eq!(run(&mut site.other_client(site.addr(), &args), LONG).unwrap().code, Some(0));
        };
        change("41");
        let object = fetch(&mut device, &request, &first, named);
        assert_eq!(inner(&device.open(&mut exchange, &object)).code, CONTENT);

        // The newest state, once that is over. It changes again while it is fetched.
        let next = notification(&socket, &request);
        change("42");
        change("43");
        assert_ne!(etag(&next), etag(&first));
        let object = fetch(&mut device, &request, &next, named);
        let body = inner(&device.open(&mut exchange, &object));
        let document: Value = serde_json::from_slice(&body.payload).unwrap();
        assert_eq!(document["Data"][59]["value"], 41);
        let last = notification(&socket, &request);
        let object = fetch(&mut device, &request, &last, named);
        let body = inner(&device.open(&mut exchange, &object));
        let document: Value = serde_json::from_slice(&body.payload).unwrap();
        assert_eq!(document["Data"][59]["value"], 43);
        if named {
            fetch(&mut device, &request, &next, named); // with its ETag, it is still there
        }
        let unknown = follow_up(&mut device, &request, 1, Some(&[0xAB; 8]));
        assert_eq!(ask(&socket, &unknown).code, INCOMPLETE, "nobody has that one");
    }
}

/// The next notification for a registration, which is acknowledged.
fn notification(socket: &UdpSocket, registration: &Message) -> Message {
    let mut buffer = [0; 2048];
    loop {
        let len = unbroken(|| socket.recv(&mut buffer)).expect("a notification");
        let told = Message::parse(&buffer[..len]).unwrap();
        if told.kind == CON {
            let ack = Message { kind: ACK, id: told.id, ..Message::default() };
            socket.send(&ack.bytes()).unwrap();
        }
        if told.token == registration.token && told.kind != ACK && told.number(OBSERVE).is_some() {
            return told;
        }
    }
}

/// A name is good wherever blocks come from: the port changes in the middle of an upload, for its last block once more,
/// for a request that is sent again, and in the middle of an answer. Without a name the upload begins again.
#[test]
fn a_changed_port_does_not_matter() {
    let site = Site::start(&[]);
    let mut device = Device::connect(&site, Profile::Express);
    let ports = [Device::port(&site), Device::port(&site), Device::port(&site)];

    let (blocks, mut exchange) = upload(&mut device, Some(b"01234567"));
    for (number, block) in blocks[..blocks.len() - 1].iter().enumerate() {
        assert_eq!(ask(&ports[number % 3], block).code, CONTINUE);
    }
    let last = blocks.last().unwrap();
    let answer = ask(&ports[0], last);
    assert!(answer.is_sealed(), "{answer:?}");
    assert_eq!(inner(&device.open(&mut exchange, &answer.payload)).code, CHANGED);
    let again = ask(&ports[1], &Message { id: 0x7001, token: vec![4; 8], ..last.clone() });
    assert_eq!(again.payload, answer.payload, "the last block from elsewhere");
    // The whole transfer again, and under another tag: the same sealed bytes have been answered.
    let other: Vec<Message> = blocks
        .iter()
        .map(|block| {
            let mut block = Message { id: device.next_id(), ..block.clone() };
            block.options.iter_mut().find(|(number, _)| *number == REQUEST_TAG).unwrap().1 = vec![9; 8];
            block
        })
        .collect();
    for block in blocks[..blocks.len() - 1].iter().chain(&other[..other.len() - 1]) {
        assert_eq!(ask(&ports[2], block).code, CONTINUE);
    }
    assert_eq!(ask(&ports[2], other.last().unwrap()).payload, answer.payload);

    let (request, mut exchange) = device.seal(POST, &plaintext(POST, &[], b"71"));
    let answer = ask(&ports[0], &request);
    let again = ask(&ports[1], &Message { id: 0x7002, token: vec![5; 8], ..request.clone() });
    assert_eq!(again.payload, answer.payload);
    assert_eq!(inner(&device.open(&mut exchange, &answer.payload)).code, CHANGED);

    let (request, mut exchange) = device.seal(FETCH, &[GET]);
    let request = request.option(REQUEST_TAG, b"76543210").option(BLOCK2, &[0x02]); // blocks of 64 bytes
    let mut object = ask(&ports[0], &request).payload;
    for number in 1.. {
        let mut next = Message { id: device.next_id(), payload: vec![], ..request.clone() };
        next.options.iter_mut().find(|(number, _)| *number == BLOCK2).unwrap().1 = vec![number << 4 | 2];
        let answer = ask(&ports[usize::from(number) % 3], &next);
        assert_eq!(answer.code, CONTENT, "{answer:?}");
        object.extend(&answer.payload);
        if answer.number(BLOCK2).unwrap() & 8 == 0 {
            break;
        }
    }
    assert_eq!(inner(&device.open(&mut exchange, &object)).code, CONTENT);

    // A small request has no name; its object is one.
    let (request, mut exchange) = device.seal(FETCH, &[GET]);
    let first = ask(&ports[0], &request.clone().option(BLOCK2, &[0x02]));
    let mut object = first.payload.clone();
    for number in 1.. {
        let next = Message { id: device.next_id(), ..request.clone() }
            .option(BLOCK2, &[number << 4 | 2])
            .option(ETAG, &etag(&first));
        let answer = ask(&ports[usize::from(number) % 3], &next);
        assert_eq!(answer.code, CONTENT, "{answer:?}");
        object.extend(&answer.payload);
        if answer.number(BLOCK2).unwrap() & 8 == 0 {
            break;
        }
    }
    assert_eq!(inner(&device.open(&mut exchange, &object)).code, CONTENT);

    let (blocks, _) = upload(&mut device, None);
    assert_eq!(ask(&ports[0], &blocks[0]).code, CONTINUE);
    assert_eq!(ask(&ports[1], &blocks[1]).code, INCOMPLETE);
    let told = site.end();
    assert_eq!(told.matches("PUT /index from sensor-1: 2.04").count(), 1, "{told}");
    assert_eq!(told.matches("POST /index from sensor-1: 2.04").count(), 1, "{told}");
}

/// First blocks with a connection id that was seen in traffic, from many ports and with many tags: uploads that move go
/// on, and so do those of other sessions that begin meanwhile.
#[test]
fn first_blocks_of_strangers_end_no_upload() {
    let site = Site::start(&[]);
    let other = site.other();
    let mut device = Device::connect(&site, Profile::Express);
    let mut neighbour = Device::connect_as(&site, &other, OTHER_DEVICE, Profile::Express);
    let socket = device.socket.try_clone().unwrap();
    let (blocks, mut exchange) = upload(&mut device, Some(&[1; 8]));
    let seen = blocks[0].clone();
    for block in &blocks[..2] {
        assert_eq!(ask(&socket, block).code, CONTINUE);
    }
    let ports: Vec<UdpSocket> = (0..16).map(|_| Device::port(&site)).collect();
    let flood = |from: u32| {
        let mut busy = 0;
        for number in from..from + 200 {
            let mut junk = Message { id: number as u16, ..seen.clone() };
            let tag = &mut junk.options.iter_mut().find(|(number, _)| *number == REQUEST_TAG).unwrap().1;
            tag[..4].copy_from_slice(&number.to_be_bytes());
            junk.payload[20..].fill(number as u8);
            let answer = ask(&ports[number as usize % 16], &junk);
            if answer.code == UNAVAILABLE {
                assert!(answer.number(MAX_AGE).is_some_and(|seconds| seconds > 0), "{answer:?}");
                busy += 1;
            } else {
                assert_eq!(answer.code, CONTINUE);
            }
        }
        busy
    };
    assert!(flood(0) > 190);
    // Another object under the name of the one that moves, and a block out of turn, change nothing either.
    let mut junk = seen.clone();
    junk.payload[20..].fill(0);
    assert_eq!(ask(&ports[0], &junk).code, INCOMPLETE);
    assert_eq!(ask(&ports[0], &Message { id: 0x7000, ..blocks[0].clone() }).code, CONTINUE);

    let neighbours = neighbour.socket.try_clone().unwrap();
    let (theirs, mut their_exchange) = upload(&mut neighbour, Some(&[2; 8]));
    assert_eq!(send_all(&mut neighbour, &neighbours, &theirs, &mut their_exchange).code, CHANGED);
    flood(200);
    assert_eq!(send_all(&mut device, &socket, &blocks[2..], &mut exchange).code, CHANGED);
    site.end();
}

/// As many uploads at once as the constants say.
#[test]
fn many_devices_upload_at_once() {
    const COUNT: usize = 32;
    let mut site = Site::start(&[]);
    let meter = Identity::generate().unwrap();
    let list: String = (0..=COUNT).map(|n| meter.device_string(&format!("meter-{n}")) + "\n").collect();
    site.kill();
    std::fs::write(site.enrolment.devices(), list).unwrap();
    site.start_again();
    let mut crowd: Vec<_> = (0..=COUNT)
        .map(|n| {
            let mut device = Device::connect_as(&site, &meter, &format!("meter-{n}"), Profile::Express);
            device.request(FETCH, &[GET]); // confirmed
            let (blocks, exchange) = upload(&mut device, Some(&[n as u8; 8]));
            (device, blocks, exchange)
        })
        .collect();
    let mut last = crowd.pop().unwrap();
    for number in 0..2 {
        for (device, blocks, _) in &crowd {
            assert_eq!(ask(&device.socket, &blocks[number]).code, CONTINUE);
        }
    }
    let busy = ask(&last.0.socket, &last.1[0]);
    assert_eq!((busy.code, busy.number(MAX_AGE)), (UNAVAILABLE, Some(2)));
    for (device, blocks, exchange) in &mut crowd {
        let socket = device.socket.try_clone().unwrap();
        assert_eq!(send_all(device, &socket, &blocks[2..], exchange).code, CHANGED);
    }
    let socket = last.0.socket.try_clone().unwrap();
    assert_eq!(send_all(&mut last.0, &socket, &last.1, &mut last.2).code, CHANGED);
    site.end();
}

/// The largest plaintext that AES-CCM seals is served; of an object that is longer a block too many is refused, before
/// anything is done.
#[test]
fn the_longest_body() {
    const PLAIN_MAX: usize = 65_535;
    let site = Site::start(&["--quiet"]);
    let mut device = Device::connect(&site, Profile::Express);
    let socket = device.socket.try_clone().unwrap();
    let document = json!({"Data": [{"timeStamp": 1.0, "value": 91}]}).to_string();
    let mut longest = plaintext(PUT, &[], document.as_bytes());
    longest.resize(PLAIN_MAX, b' ');
    let (whole, mut exchange) = device.seal(POST, &longest);
    let blocks = in_blocks(&mut device, &whole, Some(&[1; 8]));
    assert_eq!(send_all(&mut device, &socket, &blocks, &mut exchange).code, CHANGED);
    assert_eq!(site.stored(91.0), 1);

    let (mut whole, _) = device.seal(POST, &longest);
    whole.payload.resize(PLAIN_MAX + 22, 0);
    let blocks = in_blocks(&mut device, &whole, Some(&[2; 8]));
    let (last, before) = blocks.split_last().unwrap();
    for block in before {
        assert_eq!(ask(&socket, block).code, CONTINUE);
    }
    assert_eq!(ask(&socket, last).code, TOO_LARGE);
    assert_eq!(device.request(FETCH, &[GET]).code, CONTENT);
}

/// An alert, and whatever looks like one, gets no alert as its answer, wherever it is sent and however long it is.
#[test]
fn alerts_get_silence() {
    let site = Site::start(&["--quiet"]);
    let device = Device::connect(&site, Profile::Express);
    let mut id = 0x4000;
    for (path, format) in [(HANDSHAKE_PATH, HANDSHAKE), ("index", SEALED)] {
        for first in [0x1F, 0x2F, 0x0F] {
            for len in [1, 2, 3, 97, 98, 99, 500, 1000] {
                for more in [false, true] {
                    id += 1;
                    let mut payload = vec![5; len];
                    payload[0] = first;
                    let mut alert = Message::request(POST, path, id).body(format, &payload);
                    if more {
                        alert.payload.resize(1024, 5);
                        alert = alert.option(BLOCK1, &block(0, true));
                    }
                    for answer in answers_to(&device.socket, &alert.bytes()) {
                        assert!(answer.payload.is_empty(), "{first:x} {len} {more}: {answer:?}");
                    }
                }
            }
        }
    }
    site.end();
}
