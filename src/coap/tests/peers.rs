//! What other stacks have sent, byte for byte: our requests are theirs, and their answers are read. The context is
//! that of RFC 8613 Appendix C.1 with 01 as the client's Sender ID and an empty one at the server.

use super::*;

/// RFC 9175.
const ECHO: u16 = 252;
const MAX_AGE: u16 = 14;

fn client() -> Session {
    pair(SALT, &[1], &[]).0
}

/// `message` with another message id.
fn with_id(id: [u8; 2], mut message: Vec<u8>) -> Vec<u8> {
    message[2..4].copy_from_slice(&id);
    message
}

/// A response may name its sender and have a number of its own or not: `09 00` is number 0 and an empty kid.
#[test]
fn forms_of_an_answer() {
    let request = message(0x44, message::GET, &[(URI_PATH, b"index")], b"");
    for answer in [
        "644412347777777790ff90627d0648c8cfa3df84a30efc93",
        "64441234777777779108ff90627d0648c8cfa3df84a30efc93",
        "6444123477777777920900ffeac62c10708842184ce9f9b68855",
        "6444123477777777920101ff5d0b3646d5d48d9d275f615481cc",
    ] {
        let mut ours = client();
        let (sent, mut exchange) = protect_request(&mut ours, Carrier::Oscore, &request);
        assert_eq!(sent, unhex("440212347777777793090001ff0906326d9b8da16a987fc11db010f3"));
        let got = unprotect_response(&mut ours, &mut exchange, &unhex(answer)).unwrap();
        assert_eq!(got, message(0x64, 0x45, &[], b"read"), "{answer}");
    }
}

/// A server that has lost its window asks for Echo inside; its answer then comes by itself; and two notifications.
#[test]
fn echo_and_observe() {
    let mut ours = client();
    let query = [(URI_PATH, &b"time"[..]), (URI_QUERY, b"ticks")];
    let (sent, mut exchange) =
        protect_request(&mut ours, Carrier::Oscore, &message(0x44, message::GET, &query, b""));
    assert_eq!(sent, unhex("440212347777777793090001ff09072f6a928d9c276abeaf089566b117b4fc6e47"));
    let asked = unhex("6444123477777777920100ff2ee1b17fc3fdcc279a70c5a0cdf6694fae1431");
    let echo = unhex("0ad211e1b124f613");
    let got = unprotect_response(&mut ours, &mut exchange, &asked).unwrap();
    assert_eq!(got, message(0x64, 0x81, &[(ECHO, &echo)], b""));

    let again = message(0x44, message::GET, &[query[0], query[1], (ECHO, &echo)], b"");
    let again = with_id([0x12, 0x35], again);
    let (sent, mut exchange) = protect_request(&mut ours, Carrier::Oscore, &again);
    let theirs = "440212357777777793090101ff1657d762bf46641f54942668610e0ef261886a458b121784af85c6ef777b";
    assert_eq!(sent, unhex(theirs));
    let answer = unhex("4444f9417777777790ff277cca7f8f0b22b9c491428efa17077ff94ac31e669433");
    let got = unprotect_response(&mut ours, &mut exchange, &answer).unwrap();
    let wanted = message(0x44, 0x45, &[(CONTENT_FORMAT, &[]), (MAX_AGE, &[1])], b"1795841751");
    assert_eq!(got, with_id([0xf9, 0x41], wanted));

    let observing = message(0x44, message::GET, &[(OBSERVE, &[]), query[0], query[1]], b"");
    let (_, mut exchange) = protect_request(&mut ours, Carrier::Oscore, &observing);
    for (notification, number, body) in [
        ("4445f943777777776102320101ff5d942402b54ff77d7880bd1808b918fa4b589d475fbe8917", 1, b"1795841751"),
        ("4445f944777777776103320102ffca9e2d2ea3e84a4f4479b612cf198e76135c5c1c6ee87b66", 2, b"1795841752"),
    ] {
        let notification = unhex(notification);
        let got = unprotect_response(&mut ours, &mut exchange, &notification).unwrap();
        let options = [(OBSERVE, &[number][..]), (CONTENT_FORMAT, &[]), (MAX_AGE, &[1])];
        let wanted = message(0x44, 0x45, &options, body);
        assert_eq!(got, with_id([0xf9, notification[3]], wanted));
    }
}
