//! What strangers send in masses: it writes no log, and most of it does not even reach the server.

use std::net::UdpSocket;

use lscoap_testkit::process::run;

use super::by_hand::Device;
use super::coap::*;
use super::site::*;

fn lines(site: &Site) -> [usize; 2] {
    [&site.server.program.stdout(), &site.server.program.stderr()].map(|printed| printed.lines().count())
}

/// Thousands of datagrams of every kind that used to write a line each: a bounded number of lines, quiet or not.
#[test]
fn junk_writes_no_log() {
    for (more, at_most) in [(&[][..], 64), (&["--quiet"][..], 0)] {
        let site = Site::start(more);
        let socket = Device::port(&site);
        let before = lines(&site);
        let mut m1 = [0x11, 0x07].to_vec();
        m1.extend(b"sensor-1");
        m1.extend([5; 32]);
        for n in 0..2000_u16 {
            m1[20..22].copy_from_slice(&n.to_be_bytes());
            let handshake = Message::request(POST, HANDSHAKE_PATH, n).body(HANDSHAKE, &m1);
            let clear = Message::request(POST, "index", n).body(50, b"1");
            let sealed =
                Message::request(POST, "index", n).body(SEALED, &[9, 1, n as u8, 3, 4, 5, 6, 7, 8, 9]);
            let reset = Message { kind: 3, id: n, ..Message::default() };
            let response = Message { code: CONTENT, id: n, token: vec![1], ..Message::default() };
            for message in [handshake, clear, sealed, reset, response] {
                socket.send(&message.bytes()).unwrap();
            }
            let mut malformed = Message::request(GET, "index", n).bytes();
            malformed.push(0xF0);
            socket.send(&malformed).unwrap();
            if n % 20 == 0 {
                ask(&socket, &Message::request(GET, "nowhere", 0x8000 | n)); // it keeps up
            }
        }
        let finished = run(&mut site.other_client(site.addr(), &["GET", "/index"]), LONG).unwrap();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let after = lines(&site);
        let written = [after[0] - before[0], after[1] - before[1]];
        assert!(written[0] <= at_most + 2 && written[1] == 0, "{written:?}"); // 2: the client's own
        site.end();
    }
}

/// What is no request gets no answer, not even a Reset; neither does a handshake message of another version. Requests
/// of every shape do.
#[test]
fn what_is_no_request_is_dropped() {
    for (listen, here) in [("127.0.0.1", "127.0.0.1:0"), ("::1", "[::1]:0")] {
        let site = Site::start(&["-A", listen, "--quiet"]);
        let socket = UdpSocket::bind(here).unwrap();
        socket.connect(site.addr()).unwrap();
        let handshake = |first: u8| {
            Message::request(POST, HANDSHAKE_PATH, first.into()).body(HANDSHAKE, &[first; 40]).bytes()
        };
        let index = Message::request(GET, "index", 5).bytes();
        let changed = |at: usize, to: u8| {
            let mut bytes = index.clone();
            bytes[at] = to;
            bytes
        };
        for junk in [
            vec![],
            vec![0x40],
            vec![0x40, 1, 2],
            changed(0, 0x02),       // version 0
            changed(0, 0x82),       // version 2
            changed(0, 0xC2),       // version 3
            changed(0, 0x49),       // a token of nine bytes
            vec![0x44, 1, 2, 3, 4], // a token cut off
            changed(0, 0x62),       // a request that acknowledges
            changed(0, 0x72),       // or resets
            changed(1, 0x45),       // a response
            changed(1, 0x20),       // no code of a request
            changed(1, 0xFF),
            vec![0x40, 0, 1, 2, 0], // a ping with something in it
            vec![0x41, 0, 1, 2],
            vec![0x50, 0, 1, 2], // empty, and not confirmable
            handshake(0x12),     // a server's message
            handshake(0x1F),
            handshake(0x21), // another version's
            handshake(0x00),
        ] {
            assert_eq!(answers_to(&socket, &junk), [], "{junk:x?}");
        }
        std::thread::sleep(std::time::Duration::from_millis(300)); // libcoap answers four pings a second
        for (asked, code) in [
            (vec![0x40, 0, 1, 2], 0),
            (vec![0x40, 1, 1, 3], 0x84),
            (vec![0x48, 1, 1, 4, 1, 2, 3, 4, 5, 6, 7, 8], 0x84),
            (vec![0x51, 1, 1, 5, 9], 0x84),
            (index.clone(), UNAUTHORIZED),
            (Message::request(GET, ".well-known/core", 6).bytes(), CONTENT),
            (Message::request(POST, HANDSHAKE_PATH, 7).body(HANDSHAKE, &[]).bytes(), BAD_REQUEST),
            (handshake(0x11), BAD_REQUEST),
            (handshake(0x13), BAD_REQUEST),
            (handshake(0x17), BAD_REQUEST),
            (
                Message::request(POST, HANDSHAKE_PATH, 8).option(17, &[50]).body(HANDSHAKE, &[1]).bytes(),
                BAD_REQUEST,
            ),
        ] {
            let answers = answers_to(&socket, &asked);
            assert_eq!((answers.len(), answers[0].code), (1, code), "{asked:x?}: {answers:?}");
        }
    }
}
