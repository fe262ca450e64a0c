//! Observations belong to sessions, make room for each other there, and end when they are not wanted (RFC 7641).

use std::collections::HashSet;
use std::net::UdpSocket;
use std::time::Duration;

use lscoap::client::Profile;
use lscoap::session::Exchange;
use lscoap_testkit::identities::Identity;

use super::by_hand::{Device, inner, plaintext};
use super::coap::*;
use super::site::*;
use lscoap_testkit::process::unbroken;

const SHARE: usize = 8;

/// A registration for so many readings.
fn registration(device: &mut Device, readings: u8, token: &[u8]) -> (Message, Exchange) {
    let query = format!("readings={readings}");
    let uri = Message::default().option(URI_PATH, b"index").option(URI_QUERY, query.as_bytes());
    let (object, exchange) = device.seal_for(&uri.bytes()[4..], &plaintext(GET, &[(OBSERVE, &[])], b""));
    let mut request = Message::request(FETCH, "index", device.next_id())
        .option(URI_QUERY, query.as_bytes())
        .option(OBSERVE, &[])
        .body(SEALED, &object);
    request.token = token.to_vec();
    (request, exchange)
}

/// Registers; whether that was granted, inside and outside.
fn observes(device: &mut Device, readings: u8, token: &[u8]) -> bool {
    let (request, mut exchange) = registration(device, readings, token);
    let answer = ask(&device.socket, &request);
    let inner = inner(&device.open(&mut exchange, &answer.payload));
    assert_eq!(inner.code, CONTENT);
    assert_eq!(inner.number(OBSERVE).is_some(), answer.number(OBSERVE).is_some());
    answer.number(OBSERVE).is_some()
}

/// What comes until nothing has for a while; confirmable messages are acknowledged.
fn arrivals(socket: &UdpSocket) -> Vec<Message> {
    let mut buffer = [0; 2048];
    let mut arrived = Vec::new();
    socket.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    while let Ok(len) = socket.recv(&mut buffer) {
        let message = Message::parse(&buffer[..len]).unwrap();
        if message.kind == CON {
            socket.send(&Message { kind: ACK, id: message.id, ..Message::default() }.bytes()).unwrap();
        }
        arrived.push(message);
    }
    arrived
}

fn tokens(arrived: &[Message]) -> Vec<Vec<u8>> {
    arrived.iter().map(|message| message.token.clone()).collect()
}

/// Another device's change.
fn change(other: &mut Device) {
    assert_eq!(other.request(POST, &plaintext(POST, &[], b"5")).code, CHANGED);
}

fn other(site: &Site) -> Device {
    Device::connect_as(site, &site.other(), OTHER_DEVICE, Profile::Express)
}

/// A device that lost its observations without a word registers as often as it likes: the same one again takes the place
/// of the older, and one too many that of the oldest.
#[test]
fn a_session_makes_room_for_its_own_observations() {
    let site = Site::start(&["--quiet"]);
    let mut device = Device::connect(&site, Profile::Express);
    let mut other = other(&site);
    for n in 0..3 * SHARE as u8 {
        assert!(observes(&mut device, 1, &[0x10, n]), "registration {n}");
    }
    change(&mut other);
    assert_eq!(tokens(&arrivals(&device.socket)), [[0x10, 3 * SHARE as u8 - 1]]);
    for n in 2..2 + SHARE as u8 {
        assert!(observes(&mut device, n, &[0x20, n]));
    }
    change(&mut other);
    let told: HashSet<_> = tokens(&arrivals(&device.socket)).into_iter().collect();
    assert_eq!(told, (2..2 + SHARE as u8).map(|n| vec![0x20, n]).collect());
    // The same token at another query: in its place.
    assert!(observes(&mut device, 11, &[0x20, 3]));
    change(&mut other);
    assert_eq!(arrivals(&device.socket).len(), SHARE);
}

/// A Reset ends an observation at once, also for a notification that was not confirmable; of a message that the server
/// did not send it ends nothing.
#[test]
fn a_reset_ends_any_notification() {
    for confirmable in [true, false] {
        let site = Site::start(&["--quiet"]);
        let mut device = Device::connect(&site, Profile::Express);
        let mut neighbour = Device::connect_as(&site, &site.other(), OTHER_DEVICE, Profile::Express);
        assert!(observes(&mut device, 1, b"mine"));
        assert!(observes(&mut neighbour, 1, b"mine"));
        if !confirmable {
            change(&mut neighbour); // the first one is confirmable
            assert_eq!(arrivals(&device.socket).len(), 1);
        }
        change(&mut neighbour);
        let mut buffer = [0; 2048];
        let len = unbroken(|| device.socket.recv(&mut buffer)).unwrap();
        let told = Message::parse(&buffer[..len]).unwrap();
        assert_eq!((told.kind, &told.token[..]), (if confirmable { CON } else { NON }, &b"mine"[..]));
        let reset = |id: u16| Message { kind: 3, id, ..Message::default() }.bytes();
        for wrong in 1..4 {
            device.socket.send(&reset(told.id.wrapping_add(0x4000 * wrong))).unwrap();
        }
        let others = || -> Vec<Message> {
            let arrived = arrivals(&device.socket); // with retransmissions
            arrived.into_iter().filter(|message| message.id != told.id).collect()
        };
        assert_eq!(others(), []);
        arrivals(&neighbour.socket);
        change(&mut neighbour);
        let still = others();
        assert_eq!(tokens(&still), [b"mine"], "strange Resets end nothing");
        device.socket.send(&reset(if confirmable { told.id } else { still[0].id })).unwrap();
        arrivals(&neighbour.socket);
        change(&mut neighbour);
        assert_eq!(others(), [], "confirmable: {confirmable}");
        change(&mut device);
        let last = arrivals(&neighbour.socket);
        assert_eq!(tokens(&last[last.len() - 1..]), [b"mine"], "the other one goes on");
    }
}

/// Two devices behind one address, with one token: neither ends or replaces what the other observes.
#[test]
fn observations_are_of_sessions() {
    let site = Site::start(&["--quiet"]);
    let mut device = Device::connect(&site, Profile::Express);
    let mut second = other(&site);
    let mut third = Device::connect_as(&site, &site.other(), OTHER_DEVICE, Profile::Express);
    second.socket = device.socket.try_clone().unwrap();
    assert!(observes(&mut device, 1, b"same"));
    assert!(observes(&mut second, 1, b"same"));
    change(&mut third);
    // The third is the second's newer session, which has ended the older one with its observation.
    assert_eq!(tokens(&arrivals(&device.socket)), [b"same"]);
    third.socket = device.socket.try_clone().unwrap();
    assert!(observes(&mut third, 1, b"same"));
    let mut fourth = Device::port(&site);
    std::mem::swap(&mut third.socket, &mut fourth);
    change(&mut third);
    assert_eq!(tokens(&arrivals(&device.socket)), [b"same", b"same"]);
    // One of them leaves.
    std::mem::swap(&mut third.socket, &mut fourth);
    let (object, mut exchange) =
        third.seal_for(b"\xb5index\x4areadings=1", &plaintext(GET, &[(OBSERVE, &[1])], b""));
    let mut cancel = Message::request(FETCH, "index", third.next_id())
        .option(URI_QUERY, b"readings=1")
        .option(OBSERVE, &[1])
        .body(SEALED, &object);
    cancel.token = b"same".to_vec();
    let answer = ask(&third.socket, &cancel);
    assert_eq!(inner(&third.open(&mut exchange, &answer.payload)).code, CONTENT);
    std::mem::swap(&mut third.socket, &mut fourth);
    change(&mut third);
    assert_eq!(tokens(&arrivals(&device.socket)), [b"same"]);
}

/// Who changes something does not wait until all are told: a few notifications go out before the answer, and the others
/// after it.
#[test]
fn notifications_of_one_change_are_spread() {
    const OBSERVERS: usize = 64;
    const AT_ONCE: usize = 4;
    let mut site = Site::start(&["--quiet"]);
    let meter = Identity::generate().unwrap();
    let list: String = (0..9).map(|n| meter.device_string(&format!("meter-{n}")) + "\n").collect();
    site.kill();
    std::fs::write(site.enrolment.devices(), list).unwrap();
    site.start_again();
    let mut crowd: Vec<_> =
        (0..9).map(|n| Device::connect_as(&site, &meter, &format!("meter-{n}"), Profile::Express)).collect();
    let mut writer = crowd.pop().unwrap();
    let socket = writer.socket.try_clone().unwrap();
    for (n, device) in crowd.iter_mut().enumerate() {
        device.socket = socket.try_clone().unwrap();
        for readings in 1..=SHARE as u8 {
            assert!(observes(device, readings, &[n as u8, readings]));
        }
    }
    // The first ones are confirmable and wait for each other, the second ones are not.
    for kind in [CON, NON] {
        let (post, _) = writer.seal(POST, &plaintext(POST, &[], b"5"));
        socket.send(&post.bytes()).unwrap();
        let arrived = arrivals(&socket);
        let before = arrived.iter().position(|message| message.token == post.token).unwrap();
        assert!(before <= AT_ONCE, "{before} before the answer");
        assert_eq!(arrived.iter().filter(|message| message.kind == kind).count(), OBSERVERS);
        let told: HashSet<_> = tokens(&arrived).into_iter().collect();
        assert_eq!((told.len(), arrived.len()), (OBSERVERS + 1, OBSERVERS + 1));
    }
}
