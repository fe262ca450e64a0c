//! Whole messages: RFC 8613 Appendix C.4 to C.8, what goes where, and anything at all.

use super::option::{
    BLOCK1, CONTENT_FORMAT, HOP_LIMIT, List, OBSERVE, OSCORE, PROXY_SCHEME, PROXY_URI, Reader, URI_HOST,
    URI_PATH, URI_PORT, URI_QUERY,
};
use super::*;
use crate::crypto::Software;
use crate::session::{self, Session};
use crate::wire::Cid;
use std::vec::Vec;

mod contexts;
#[cfg(all(feature = "group", feature = "server"))]
mod group;
mod peers;
mod properties;

const SALT: &str = "9e7ca92223786340";

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// Both ends of a context of RFC 8613 Appendix C.
fn pair(salt: &str, client: &[u8], server: &[u8]) -> (Session, Session) {
    let secret = unhex("0102030405060708090a0b0c0d0e0f10");
    let end = |sender: &[u8], recipient: &[u8]| {
        let id = |bytes| Cid::copy_of(bytes, Error::Argument).unwrap();
        let mut session = Session::<Software>::new();
        session.load(&secret, &unhex(salt), None, &id(sender), &id(recipient));
        session
    };
    (end(client, server), end(server, client))
}

/// A message in a buffer with just as much room as protecting may need.
struct Buffer {
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    fn new(message: &[u8]) -> Self {
        let mut bytes = message.to_vec();
        bytes.resize(message.len() + PROTECT_OVERHEAD, 0xa5);
        Self { bytes, len: message.len() }
    }

    fn message(&self) -> Vec<u8> {
        self.bytes[..self.len].to_vec()
    }
}

fn protect_request(session: &mut Session, carrier: Carrier, message: &[u8]) -> (Vec<u8>, Exchange) {
    let mut buffer = Buffer::new(message);
    let (len, exchange) = session.protect_request(carrier, &mut buffer.bytes, buffer.len).unwrap();
    buffer.len = len;
    (buffer.message(), exchange)
}

fn protect_response(session: &mut Session, exchange: &Exchange, message: &[u8]) -> Vec<u8> {
    let mut buffer = Buffer::new(message);
    buffer.len = session.protect_response(exchange, &mut buffer.bytes, buffer.len).unwrap();
    buffer.message()
}

/// Exactly as long as what came: unprotecting never grows.
fn unprotect_request(session: &mut Session, message: &[u8]) -> Result<(Vec<u8>, Exchange), Error> {
    let mut bytes = message.to_vec();
    let (len, exchange) = session.unprotect_request(&mut bytes, message.len())?;
    bytes.truncate(len);
    Ok((bytes, exchange))
}

fn unprotect_response(
    session: &mut Session,
    exchange: &mut Exchange,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let mut bytes = message.to_vec();
    let len = session.unprotect_response(exchange, &mut bytes, message.len())?;
    bytes.truncate(len);
    Ok(bytes)
}

/// A message of parts.
fn message(first: u8, code: u8, options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut list = List::<1024>::new();
    for (number, value) in options {
        list.put(*number, value).unwrap();
    }
    let mut message = std::vec![first, code, 0x12, 0x34];
    message.resize(4 + usize::from(first & 15), 0x77);
    message.extend(list.as_slice());
    if !payload.is_empty() {
        message.push(0xff);
        message.extend(payload);
    }
    message
}

/// The numbers of a message's options.
fn numbers(message: &[u8]) -> Vec<u16> {
    let frame = message::Frame::read(message).unwrap();
    let mut reader = Reader::new(frame.options);
    std::iter::from_fn(|| reader.next(message).unwrap().map(|found| found.number)).collect()
}

const BOTH: [Carrier; 2] = [Carrier::Oscore, Carrier::Payload];

#[test]
fn rfc8613_requests() {
    for (salt, client, plain, protected) in [
        (
            SALT,
            &[][..],
            "44015d1f00003974396c6f63616c686f737483747631",
            "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e",
        ),
        (
            "",
            &[0],
            "440171c30000b932396c6f63616c686f737483747631",
            "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0",
        ),
    ] {
        let (mut ours, mut theirs) = pair(salt, client, &[1]);
        ours.set_next(20);
        let (sent, _) = protect_request(&mut ours, Carrier::Oscore, &unhex(plain));
        assert_eq!(hex::encode(&sent), protected);
        let (received, _) = unprotect_request(&mut theirs, &sent).unwrap();
        assert_eq!(hex::encode(received), plain);
    }
}

#[test]
fn rfc8613_responses() {
    let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
    ours.set_next(20);
    let request = unhex("44015d1f00003974396c6f63616c686f737483747631");
    let (sent, mut exchange) = protect_request(&mut ours, Carrier::Oscore, &request);
    let (_, to_answer) = unprotect_request(&mut theirs, &sent).unwrap();
    let plain = unhex("64455d1f00003974ff48656c6c6f20576f726c6421");
    let first = protect_response(&mut theirs, &to_answer, &plain);
    assert_eq!(hex::encode(&first), "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106");
    let second = protect_response(&mut theirs, &to_answer, &plain);
    assert_eq!(hex::encode(&second), "64445d1f00003974920100ff4d4c13669384b67354b2b6175ff4b8658c666a6cf88e");
    for answer in [&first, &second] {
        assert_eq!(unprotect_response(&mut ours, &mut exchange, answer).unwrap(), plain);
        assert_eq!(unprotect_response(&mut ours, &mut exchange, answer), Err(Error::Replay));
    }
}

/// The table of docs/protocol.md.
#[test]
fn each_option_goes_where_the_table_says() {
    let request = message(
        0x44,
        message::GET,
        &[
            (URI_HOST, b"h"),
            (OBSERVE, &[]),
            (URI_PORT, &[9]),
            (URI_PATH, b"index"),
            (CONTENT_FORMAT, &[50]),
            (URI_QUERY, b"a=1"),
            (HOP_LIMIT, &[16]),
            (BLOCK1, &[6]),
            (PROXY_SCHEME, b"coap"),
            (292, b"tag"),
            (65001, b"critical"),
        ],
        b"body",
    );
    for (carrier, code, outside) in [
        (
            Carrier::Oscore,
            message::FETCH,
            &[URI_HOST, OBSERVE, URI_PORT, OSCORE, HOP_LIMIT, PROXY_SCHEME][..],
        ),
        (
            Carrier::Payload,
            message::FETCH,
            &[URI_HOST, OBSERVE, URI_PORT, URI_PATH, CONTENT_FORMAT, URI_QUERY, HOP_LIMIT, PROXY_SCHEME],
        ),
    ] {
        let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
        let (sent, _) = protect_request(&mut ours, carrier, &request);
        assert_eq!((sent[1], &numbers(&sent)[..]), (code, outside));
        let (received, _) = unprotect_request(&mut theirs, &sent).unwrap();
        let mut expected = numbers(&request);
        expected.retain(|number| *number != HOP_LIMIT); // was for proxies
        assert_eq!((received[1], numbers(&received)), (message::GET, expected));
    }
}

#[test]
fn outer_codes() {
    for (carrier, inner, observe, outer, answer) in [
        (Carrier::Oscore, message::GET, false, message::POST, message::CHANGED),
        (Carrier::Oscore, message::GET, true, message::FETCH, message::CONTENT),
        (Carrier::Oscore, message::FETCH, false, message::POST, message::CHANGED),
        (Carrier::Payload, message::GET, false, message::FETCH, message::CONTENT),
        (Carrier::Payload, message::FETCH, true, message::FETCH, message::CONTENT),
        (Carrier::Payload, 3, false, message::POST, message::CHANGED),
    ] {
        let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
        let options: &[(u16, &[u8])] = if observe { &[(OBSERVE, &[])] } else { &[] };
        let (sent, _) = protect_request(&mut ours, carrier, &message(0x44, inner, options, b""));
        let (_, exchange) = unprotect_request(&mut theirs, &sent).unwrap();
        let answered = protect_response(&mut theirs, &exchange, &message(0x64, 0x84, &[], b""));
        assert_eq!((sent[1], answered[1]), (outer, answer), "{carrier:?} {inner}");
    }
}

/// Every answer with Observe has a number, which is its value at the client; without one outside it counts as none.
#[test]
fn notifications() {
    for carrier in BOTH {
        let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
        let registration = message(0x44, message::GET, &[(OBSERVE, &[]), (URI_PATH, b"x")], b"");
        let (sent, mut exchange) = protect_request(&mut ours, carrier, &registration);
        let (received, to_answer) = unprotect_request(&mut theirs, &sent).unwrap();
        assert_eq!(received, registration);
        theirs.set_next(0x01_00_00_02);
        for expected in [&[2][..], &[3]] {
            let answer = message(0x64, 0x45, &[(OBSERVE, &[1, 2, 3])], b"news");
            let notification = protect_response(&mut theirs, &to_answer, &answer);
            let got = unprotect_response(&mut ours, &mut exchange, &notification).unwrap();
            assert_eq!(got, message(0x64, 0x45, &[(OBSERVE, expected)], b"news"));
        }
        // Somebody takes the outer Observe away.
        let answer = protect_response(&mut theirs, &to_answer, &message(0x64, 0x45, &[(OBSERVE, &[])], b"n"));
        let frame = message::Frame::read(&answer).unwrap();
        let observe = frame.find(&answer, OBSERVE).unwrap().unwrap();
        let mut without = answer.clone();
        let next_delta = without[observe.at + observe.len] >> 4;
        without[observe.at + observe.len] += 0x60; // 6 more, from Observe to the option after it
        assert!(next_delta < 7);
        without.drain(observe.at - 1..observe.at + observe.len);
        let got = unprotect_response(&mut ours, &mut exchange, &without).unwrap();
        assert_eq!(got, message(0x64, 0x45, &[], b"n"));
    }
}

/// The first answer to a registration may have no number (that of RFC 8613's own nonce): whatever is numbered is newer by
/// RFC 7641 section 3.4, number 0 too.
#[test]
fn a_notification_without_a_number_is_older_than_all() {
    let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
    let registration = message(0x44, message::GET, &[(OBSERVE, &[]), (URI_PATH, b"x")], b"");
    let (sent, mut exchange) = protect_request(&mut ours, Carrier::Oscore, &registration);
    let (_, to_answer) = unprotect_request(&mut theirs, &sent).unwrap();
    let mut object = [0; 64];
    let plain = [0x45, 0x60, 0xff, b'n'];
    let len = theirs.seal_response(&to_answer, crate::session::Carrier::Oscore, &plain, &mut object).unwrap();
    let first = message(0x64, 0x45, &[(OBSERVE, &[]), (OSCORE, &[])], &object[1..len]);
    let got = unprotect_response(&mut ours, &mut exchange, &first).unwrap();
    assert_eq!(got, message(0x64, 0x45, &[(OBSERVE, &[0xff, 0xff, 0xff])], b"n"));
    let next = protect_response(&mut theirs, &to_answer, &message(0x64, 0x45, &[(OBSERVE, &[])], b"n"));
    let got = unprotect_response(&mut ours, &mut exchange, &next).unwrap();
    assert_eq!(got, message(0x64, 0x45, &[(OBSERVE, &[])], b"n"));
}

#[test]
fn what_may_not_be_is_refused() {
    let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
    for number in [OSCORE, PROXY_URI] {
        let mut buffer = Buffer::new(&message(0x44, message::GET, &[(number, b"x")], b""));
        let result = ours.protect_request(Carrier::Oscore, &mut buffer.bytes, buffer.len);
        assert_eq!(result.map(|_| ()), Err(Error::Argument));
    }
    for options in [&[(OBSERVE, &b"1234"[..])][..], &[(OBSERVE, b""), (OBSERVE, b"")]] {
        let mut buffer = Buffer::new(&message(0x44, message::GET, options, b""));
        let result = ours.protect_request(Carrier::Payload, &mut buffer.bytes, buffer.len);
        assert_eq!(result.map(|_| ()), Err(Error::Argument));
    }
    // Option 9 twice; reserved bits; no Partial IV; no kid; a kid context; an id of eight bytes; a lone 00.
    let (good, _) = protect_request(&mut ours, Carrier::Oscore, &message(0x44, message::GET, &[], b""));
    assert_eq!(good[8..11], [0x92, 0x09, 0x00]);
    let body = &good[12..];
    for (value, error) in [
        (&b"\x29\x00"[..], Error::Malformed),
        (b"\x49\x00", Error::Malformed),
        (b"\x0e\x00\x00\x00\x00\x00\x00", Error::Malformed),
        (b"\x08", Error::Malformed),
        (b"\x01\x00", Error::Malformed),
        (b"", Error::Malformed),
        (b"\x00", Error::Malformed),
        (b"\x09", Error::Malformed),
        (b"\x0a\x00\x00", Error::Malformed),
        (b"\x19\x00\x01c", Error::UnknownSession),
        (b"\x19\x00\x05c", Error::Malformed),
        (b"\x09\x00\x01", Error::UnknownSession),
        (b"\x09\x0012345678", Error::UnknownSession),
    ] {
        let forged = message(0x44, message::POST, &[(OSCORE, value)], body);
        assert_eq!(unprotect_request(&mut theirs, &forged).err(), Some(error), "{value:x?}");
    }
    let twice = message(0x44, message::POST, &[(OSCORE, &[9, 0]), (OSCORE, &[9, 0])], body);
    assert_eq!(unprotect_request(&mut theirs, &twice).err(), Some(Error::Malformed));
    // A byte of ciphertext in the option, or the kid in the payload.
    let moved = message(0x44, message::POST, &[(OSCORE, &[9, 0, body[0]])], &body[1..]);
    assert_eq!(unprotect_request(&mut theirs, &moved).err(), Some(Error::UnknownSession));
    let plain = message(0x44, message::GET, &[(URI_PATH, b"index")], b"");
    assert_eq!(unprotect_request(&mut theirs, &plain).err(), Some(Error::Unexpected));
    assert!(unprotect_request(&mut theirs, &good).is_ok());
    assert_eq!(unprotect_request(&mut theirs, &good).err(), Some(Error::Replay));
}

/// What a peer that has the keys could say and may not.
#[test]
fn bad_options_inside_are_refused() {
    for carrier in BOTH {
        for number in [URI_HOST, URI_PORT, OSCORE, URI_PATH, URI_QUERY, PROXY_URI, PROXY_SCHEME] {
            let is_good = carrier == Carrier::Oscore && matches!(number, URI_PATH | URI_QUERY);
            let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
            let mut plain = std::vec![message::GET];
            let mut options = List::<16>::new();
            options.put(number, b"x").unwrap();
            plain.extend(options.as_slice());
            let sent = by_objects(&mut ours, carrier, &plain);
            let result = unprotect_request(&mut theirs, &sent);
            assert_eq!(result.err(), (!is_good).then_some(Error::BadOption), "{carrier:?} {number}");
        }
        for plain in [&b""[..], b"\x00", b"\x45", b"\x01\xff", b"\x01\xf0", b"\x01\x1d"] {
            let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
            let sent = by_objects(&mut ours, carrier, plain);
            assert_eq!(unprotect_request(&mut theirs, &sent).err(), Some(Error::Malformed), "{plain:x?}");
        }
    }
}

/// A request of any plaintext, made with the object functions.
fn by_objects(session: &mut Session, carrier: Carrier, plain: &[u8]) -> Vec<u8> {
    let mut object = std::vec![0; plain.len() + crate::limits::REQUEST_OVERHEAD];
    let how = match carrier {
        Carrier::Oscore => crate::session::Carrier::Oscore,
        Carrier::Payload => crate::session::Carrier::Payload(b""),
    };
    let (len, _) = session.seal_request(how, plain, &mut object).unwrap();
    match carrier {
        // Flags, a Partial IV of one byte and the empty kid.
        Carrier::Oscore => message(0x44, message::POST, &[(OSCORE, &object[..2])], &object[2..len]),
        Carrier::Payload => {
            message(0x44, message::FETCH, &[(CONTENT_FORMAT, &SEALED.to_be_bytes())], &object[..len])
        }
    }
}

/// In the payload carrier an unknown critical option outside is refused, and in both an elective one is discarded.
#[test]
fn unknown_options_outside() {
    for (carrier, number, refused) in [
        (Carrier::Oscore, 65001, false),
        (Carrier::Oscore, 65000, false),
        (Carrier::Payload, 65001, true),
        (Carrier::Payload, 65000, false),
        (Carrier::Payload, 17, true),
        (Carrier::Payload, BLOCK1, false),
    ] {
        let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
        let request = message(0x44, message::GET, &[], b"");
        let (sent, _) = protect_request(&mut ours, carrier, &request);
        let frame = message::Frame::read(&sent).unwrap();
        let mut options = List::<64>::new();
        let mut reader = Reader::new(frame.options);
        while let Some(found) = reader.next(&sent).unwrap() {
            options.put(found.number, &sent[found.at..found.at + found.len]).unwrap();
        }
        options.put(number, b"x").unwrap();
        let forged = [&sent[..frame.options], options.as_slice(), &sent[frame.options_end..]].concat();
        let expected = if refused { Err(Error::BadOption) } else { Ok(request) };
        assert_eq!(unprotect_request(&mut theirs, &forged).map(|(message, _)| message), expected);
    }
}

/// Uri-Path and Uri-Query of the payload carrier are authenticated, and nothing can be put before or after them.
#[test]
fn the_path_is_authenticated() {
    let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
    let request = message(0x44, message::GET, &[(URI_PATH, b"a"), (URI_QUERY, b"q")], b"");
    let (sent, _) = protect_request(&mut ours, Carrier::Payload, &request);
    for forge in [
        |m: &mut Vec<u8>| m[9] = b'b',
        |m: &mut Vec<u8>| m[14] = b'r',
        |m: &mut Vec<u8>| {
            m.insert(10, 0x01);
            m.insert(11, b'x');
        },
    ] {
        let mut forged = sent.clone();
        forge(&mut forged);
        assert_eq!(unprotect_request(&mut theirs, &forged).err(), Some(Error::Authentication), "{forged:x?}");
    }
    assert_eq!(unprotect_request(&mut theirs, &sent).unwrap().0, request);
}

#[test]
fn refusals() {
    let (mut ours, _) = pair(SALT, &[], &[1]);
    let request = message(0x44, message::GET, &[], b"");
    let (oscore, _) = protect_request(&mut ours, Carrier::Oscore, &request);
    let (payload, _) = protect_request(&mut ours, Carrier::Payload, &request);
    let max_age: &[(u16, &[u8])] = &[(14, &[])];
    let alert: &[(u16, &[u8])] = &[(CONTENT_FORMAT, &[0xfd, 0xe9])];
    for (sent, error, expected) in [
        (&oscore, Error::UnknownSession, message(0x64, 0x81, max_age, b"")),
        (&oscore, Error::Replay, message(0x64, 0x81, max_age, b"")),
        (&oscore, Error::Malformed, message(0x64, 0x82, max_age, b"")),
        (&oscore, Error::BadOption, message(0x64, 0x82, max_age, b"")),
        (&oscore, Error::Authentication, message(0x64, 0x80, max_age, b"")),
        (&payload, Error::UnknownSession, message(0x64, 0x81, alert, &[0x1f, 5])),
        (&payload, Error::Replay, message(0x64, 0x80, alert, &[0x1f, 2])),
        (&payload, Error::Malformed, message(0x64, 0x80, alert, &[0x1f, 2])),
        (&payload, Error::BadOption, message(0x64, 0x82, &[], b"")),
        (&request, Error::Unexpected, message(0x64, 0x81, &[], b"")),
    ] {
        let mut buffer = Buffer::new(sent);
        buffer.len = refuse(error, &mut buffer.bytes, buffer.len).unwrap();
        assert_eq!(buffer.message(), expected, "{error:?}");
    }
    let mut non = Buffer::new(&message(0x54, message::GET, &[], b""));
    assert_eq!(refuse(Error::Unexpected, &mut non.bytes, non.len), Ok(8));
    assert_eq!(non.bytes[..2], [0x54, 0x81]);
}

/// Tokens of any length (RFC 8974), and what is no message.
#[test]
fn frames() {
    for (head, token) in [(&b"\x4d\x01\x12\x34\x00"[..], 13), (b"\x4e\x01\x12\x34\x00\x01", 270)] {
        let mut request = head.to_vec();
        request.resize(head.len() + token, 0x42);
        request.extend(b"\xb1a\xffbody");
        for carrier in BOTH {
            let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
            let (sent, _) = protect_request(&mut ours, carrier, &request);
            assert_eq!(unprotect_request(&mut theirs, &sent).unwrap().0, request);
        }
    }
    for bad in [
        "",
        "40",
        "400100",
        "00011234",
        "80011234",
        "40001234",
        "4f011234",
        "4d011234",
        "41011234",
        "40011234ff",
        "40011234f0",
        "400112341d",
    ] {
        assert_eq!(message::Frame::read(&unhex(bad)), Err(Error::Malformed), "{bad}");
    }
}
