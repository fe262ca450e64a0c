//! Contexts that were taken over, among which a request finds its own.

use super::*;
use crate::bytes::Bytes;
use crate::session::{Received, SecurityContext};
use crate::testing::Numbers;

/// Both ends of a context, whose server's end has this ID Context and this Recipient ID.
fn ends(id_context: &[u8], kid: &[u8]) -> (Session, Session) {
    let end = |sender: &[u8], recipient: &[u8]| {
        let id = |bytes| Cid::copy_of(bytes, Error::Argument).unwrap();
        let context = SecurityContext {
            id_context: Bytes::copy_of(id_context, Error::Argument).unwrap(),
            sender_id: id(sender),
            recipient_id: id(recipient),
            next: 0,
            received: Received::Known { end: 0, seen: 0 },
        };
        let mut session = Session::new();
        session.take_over((), &mut Numbers::from_seed(1), &[7; 16], &[], &context).unwrap();
        session
    };
    (end(kid, b"server"), end(b"server", kid))
}

fn request(session: &mut Session, carrier: Carrier) -> Vec<u8> {
    protect_request(session, carrier, &message(0x40, 1, &[(11, b"x")], b"")).0
}

/// Before, its number was looked up in this one's window first.
#[test]
fn another_contexts_request_is_no_replay() {
    let (mut client, mut server) = ends(b"one", b"a");
    let (mut other, _) = ends(b"two", b"a");
    unprotect_request(&mut server, &request(&mut client, Carrier::Oscore)).unwrap();
    let sent = request(&mut other, Carrier::Oscore);
    assert_eq!(unprotect_request(&mut server, &sent).err(), Some(Error::UnknownSession));
}

#[test]
fn a_request_finds_its_context() {
    let names =
        [(&b""[..], &b"a"[..]), (b"one", b"a"), (b"two", b"a"), (b"one", b"b"), (b"", b""), (b"", b"aa")];
    let (mut clients, mut servers): (Vec<_>, Vec<_>) =
        names.iter().map(|(id_context, kid)| ends(id_context, kid)).unzip();
    for (number, client) in clients.iter_mut().enumerate() {
        let sent = request(client, Carrier::Oscore);
        for (other, server) in servers.iter_mut().enumerate() {
            let (id_context, kid) = names[number];
            // One without an ID Context does not say so: it may be for any session with its kid.
            let is_named = kid == names[other].1 && (id_context.is_empty() || id_context == names[other].0);
            let expected = if is_named { Ok(()) } else { Err(Error::UnknownSession) };
            assert_eq!(server.is_for(&sent), expected, "{number} {other}");
            let opened = unprotect_request(server, &sent).map(|_| ());
            let refused = if number == other { Ok(()) } else { expected.and(Err(Error::Authentication)) };
            assert_eq!(opened, refused, "{number} {other}");
            assert_eq!(server.is_for(&sent), expected, "a replay has the same names");
        }
    }
}

#[test]
fn in_the_payload_carrier() {
    let ((mut a, mut at_a), (_, at_b)) = (ends(b"", b"a"), ends(b"", b"b"));
    let sent = request(&mut a, Carrier::Payload);
    assert_eq!((at_a.is_for(&sent), at_b.is_for(&sent)), (Ok(()), Err(Error::UnknownSession)));
    unprotect_request(&mut at_a, &sent).unwrap();
}

#[test]
fn what_names_no_session() {
    let (mut client, mut server) = ends(b"", b"a");
    let sent = request(&mut client, Carrier::Oscore);
    let (_, exchange) = unprotect_request(&mut server, &sent).unwrap();
    let answer = protect_response(&mut server, &exchange, &message(0x60, 0x45, &[], b""));
    assert_eq!(server.is_for(&answer), Err(Error::Unexpected));
    assert_eq!(server.is_for(&message(0x40, 1, &[(11, b"x")], b"")), Err(Error::Unexpected));
    for (value, error) in [
        (&b""[..], Error::Malformed),
        (&[0x01, 0], Error::Malformed),       // no kid
        (&[0x08, b'a'], Error::Malformed),    // no number
        (&[0x19, 0, 2, 1], Error::Malformed), // a kid context that is cut off
        (&[0x19, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, b'a'], Error::UnknownSession), // longer than any
        (&[0x19, 0, 0, b'a'], Error::UnknownSession), // an ID Context of no bytes is one
        (&[0x09, 0, 1, 2, 3, 4, 5, 6, 7, 8], Error::UnknownSession),
    ] {
        let named = message(0x40, 2, &[(9, value)], b"ciphertext");
        assert_eq!(server.is_for(&named), Err(error), "{value:?}");
        assert_eq!(unprotect_request(&mut server, &named).err(), Some(error), "{value:?}");
    }
    for len in 0..4 {
        assert_eq!(server.is_for(&sent[..len]), Err(Error::Malformed));
    }
    server.wipe();
    assert_eq!(server.is_for(&sent), Err(Error::Uninitialised));
}
