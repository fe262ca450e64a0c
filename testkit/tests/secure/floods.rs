//! What strangers send in masses: it writes no log, and most of it does not even reach the server.

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
