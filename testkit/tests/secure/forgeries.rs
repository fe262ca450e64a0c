//! Datagrams that nobody with a key has made, or that were seen before.

use std::net::UdpSocket;

use lscoap_testkit::process::run;
use lscoap_testkit::relay::Direction;

use super::coap::*;
use super::middle::{Middle, pass};
use super::site::*;

/// Answers to a sealed request that are not what the server sealed are never shown.
#[test]
fn forged_answers_are_never_delivered() {
    type Forge = fn(&mut Message);
    let forgeries: [(&str, Forge); 6] = [
        ("does not verify", |answer| answer.payload[5] ^= 1),
        ("not sealed|in the clear, with 2.05", |answer| {
            answer.options = vec![(CONTENT_FORMAT, vec![50])];
            answer.payload = br#"{"Data":[]}"#.to_vec();
        }),
        ("in the clear, with 2.04", |answer| answer.code = 0x44),
        ("in the clear, with 4.04", |answer| {
            *answer = Message { code: 0x84, options: vec![], payload: vec![], ..answer.clone() };
        }),
        ("no such session", |answer| {
            answer.code = UNAUTHORIZED;
            answer.options = vec![(CONTENT_FORMAT, HANDSHAKE.to_be_bytes().to_vec())];
            answer.payload = vec![0x1F, 5];
        }),
        ("could not verify this device", |answer| {
            answer.code = BAD_REQUEST;
            answer.options = vec![(CONTENT_FORMAT, HANDSHAKE.to_be_bytes().to_vec())];
            answer.payload = vec![0x1F, 2];
        }),
    ];
    let site = Site::start(&[]);
    for (why, forge) in forgeries {
        let middle = Middle::start(site.addr(), move |direction, message| {
            let mut message = message.clone();
            if direction == Direction::Down && message.is_sealed() {
                forge(&mut message);
            }
            vec![message]
        });
        let why = why.rsplit('|').next().unwrap();
        let finished = site.refused(&mut site.client(middle.addr(), &["GET", "/index"]), why);
        assert!(!finished.stdout.contains("Data"), "{finished:?}");
    }
}

#[test]
fn plaintext_never_reaches_a_handler() {
    let site = Site::start(&[]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(site.addr()).unwrap();
    let number = br#"4711"#;
    for (id, request) in [
        Message::request(GET, "index", 1),
        Message::request(GET, "index", 2).option(OBSERVE, &[]),
        Message::request(POST, "index", 3).body(50, number),
        Message::request(POST, "index", 4).body(0, number),
        Message::request(PUT, "index", 5).body(50, br#"{"Data":[{"value":4711}]}"#),
        Message::request(DELETE, "index", 6),
        Message::request(FETCH, "index", 7).body(50, number),
        Message::request(FETCH, "index", 8).body(HANDSHAKE, number),
        Message { payload: number.to_vec(), ..Message::request(POST, "index", 9) },
        Message::request(6, "index", 10).body(50, number),
        Message::request(7, "index", 11).body(50, number),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = ask(&socket, &request);
        assert_eq!((answer.code, answer.id), (UNAUTHORIZED, id as u16 + 1), "{request:?}");
        assert!(!answer.is_sealed() && answer.number(OBSERVE).is_none());
    }
    assert_eq!(site.stored(4711.0), 0);
    assert!(site.end().contains("/index: refused: not sealed"));
}

#[test]
fn forged_records_are_refused_and_copies_do_nothing() {
    for profile in PROFILES {
        let site = Site::start(&[]);
        let middle = Middle::start(site.addr(), pass);
        site.good(middle.addr(), &["--profile", profile, "POST", "/index", "77"]);
        let seen = middle.seen();
        let (_, record) =
            seen.iter().find(|(way, message)| *way == Direction::Up && message.is_sealed()).unwrap();
        let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
        elsewhere.connect(site.addr()).unwrap();

        // A copy gets the stored answer, wherever it comes from, and does nothing: a device may send its sealed bytes
        // again from another port.
        let (_, stored) =
            seen.iter().find(|(way, message)| *way == Direction::Down && message.is_sealed()).unwrap();
        assert_eq!(ask(&elsewhere, record), *stored, "from elsewhere");
        let again = Message { id: record.id.wrapping_add(1000), token: vec![9; 8], ..record.clone() };
        let answer = middle.ask_server(&again).unwrap();
        assert_eq!(
            answer,
            Message { id: again.id, token: again.token, ..stored.clone() },
            "as a new message"
        );

        // Any change: of flags, Partial IV, ciphertext, tag, path, query. Of the id: nobody has that session.
        for at in 0..record.payload.len() {
            let mut forged = record.clone();
            forged.payload[at] ^= 0x01;
            forged.id = 2000 + at as u16;
            let answer = ask(&elsewhere, &forged);
            let refused = match answer.code {
                BAD_REQUEST => answer.is_alert(2) || answer.is_alert(3),
                UNAUTHORIZED => answer.is_alert(5),
                _ => false,
            };
            assert!(refused, "byte {at}: {answer:?}");
        }
        for forged in [
            Message { id: 3000, ..record.clone().option(URI_QUERY, b"readings=1") },
            Message { id: 3001, code: FETCH, ..record.clone() },
            Message { id: 3002, payload: record.payload[..9].to_vec(), ..record.clone() },
        ] {
            let answer = ask(&elsewhere, &forged);
            assert_eq!((answer.code, answer.is_sealed()), (BAD_REQUEST, false), "{answer:?}");
        }
        let empty = ask(&elsewhere, &Message { id: 3003, payload: vec![], ..record.clone() });
        assert!(empty.code >= BAD_REQUEST && !empty.is_sealed(), "{empty:?}");
        assert_eq!(site.stored(77.0), 1);
    }
}

/// None of what a stranger with the client's address sends ends or changes an observation.
#[test]
fn forgeries_do_not_touch_an_observation() {
    let site = Site::start(&[]);
    let middle = Middle::start(site.addr(), pass);
    let mut observer = site.observer(middle.addr(), &["--observe", "12", "GET", "/index?readings=1"]);
    let seen = middle.seen();
    let (_, registration) =
        seen.iter().find(|(way, message)| *way == Direction::Up && message.is_sealed()).unwrap();
    assert_eq!(registration.number(OBSERVE), Some(0));
    let (_, first) =
        seen.iter().find(|(way, message)| *way == Direction::Down && message.is_sealed()).unwrap();

    let mut deregistration = Message { id: 5000, ..registration.clone() };
    deregistration.options.iter_mut().find(|(number, _)| *number == OBSERVE).unwrap().1 = vec![1];
    let mut forged = Message { id: 5001, ..registration.clone() };
    forged.payload[4] ^= 1;
    let replay = Message { id: 5002, ..registration.clone() };
    let answer = middle.ask_server(&forged).unwrap();
    assert_eq!((answer.code, answer.is_alert(2)), (BAD_REQUEST, true), "{answer:?}");
    // Copies get the answer that was given: they end nothing, and begin nothing.
    for copy in [deregistration, replay] {
        assert_eq!(middle.ask_server(&copy).unwrap().payload, first.payload);
    }
    // The other way round: notifications that the server has not made.
    for (id, payload) in [(6000, b"garbage".to_vec()), (6001, vec![0; 40])] {
        let forged =
            Message { kind: NON, code: CONTENT, id, token: registration.token.clone(), ..Message::default() };
        middle.tell_client(&forged.clone().option(OBSERVE, &[9]).body(SEALED, &payload));
        middle.tell_client(&Message { id: id + 10, ..forged.option(OBSERVE, &[9]).body(50, &payload) });
    }
    run(&mut site.other_client(site.addr(), &["POST", "/index", "5151"]), LONG).unwrap();
    assert!(observer.wait_for_text("\"value\":5151}", LONG), "{}", observer.stdout());
    assert!(observer.wait(LONG).unwrap().success(), "{}", observer.stderr());
    assert_eq!(observer.stdout().matches("2.05\n").count(), 2, "{}", observer.stdout());
    assert!(!observer.stdout().contains("garbage"));
}
