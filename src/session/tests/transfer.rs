//! Contexts in and out.

use super::store::stored;
use super::*;
use crate::bytes::Bytes;
use crate::testing::{NoRandom, Numbers};

const CARRIER: Carrier<'_> = Carrier::Oscore;

fn context(id_context: &[u8], sender: &[u8], recipient: &[u8]) -> SecurityContext {
    SecurityContext {
        id_context: Bytes::copy_of(id_context, Error::Argument).unwrap(),
        sender_id: cid(sender),
        recipient_id: cid(recipient),
        next: 0,
        received: Received::Known { end: 0, seen: 0 },
    }
}

fn take(secret: &[u8], salt: &[u8], context: &SecurityContext) -> Result<Session, Error> {
    let mut session = Session::new();
    session.take_over((), &mut Numbers::from_seed(1), secret, salt, context)?;
    Ok(session)
}

fn ask(from: &mut Session, to: &mut Session) -> Result<(Exchange, Exchange), Error> {
    let (mut sealed, mut out) = ([0; 64], [0; 64]);
    let (len, ours) = from.seal_request(CARRIER, b"\x01", &mut sealed)?;
    let (_, theirs) = to.open_request(CARRIER, &sealed[..len], &mut out)?;
    Ok((ours, theirs))
}

/// Sessions that are handed over do nothing more themselves, and go on elsewhere: with the same numbers and the same window.
#[test]
fn what_is_handed_over_goes_on() {
    let (mut client, mut server) = ends();
    ask(&mut client, &mut server).unwrap();
    let (mut ours, theirs) = ask(&mut client, &mut server).unwrap();
    let (fingerprint, mut exported) = (client.fingerprint(), [[0; 8]; 2]);
    client.export_key(b"l", b"c", &mut exported[0]).unwrap();
    let (mut buf, mut secret, mut salt) = ([0; 64], [[0; 16]; 2], [[0; 8]; 2]);
    let late = client.seal_request(CARRIER, b"\x01", &mut buf).map(|(len, _)| buf[..len].to_vec()).unwrap();
    let answer =
        server.seal_response(&theirs, CARRIER, b"\x45", &mut buf).map(|len| buf[..len].to_vec()).unwrap();
    let at_client = client.hand_over(&mut secret[0], &mut salt[0]).unwrap();
    let at_server = server.hand_over(&mut secret[1], &mut salt[1]).unwrap();
    assert_eq!((secret[0], salt[0]), (secret[1], salt[1]));
    let s = vectors::all().get("signed with client cid").get("session");
    assert_eq!((secret[0], salt[0]), (s.array("oscore_secret"), s.array("oscore_salt")));
    assert_eq!((at_client.next, at_server.next), (3, 0));
    assert_eq!(at_client.received, Received::Known { end: 0, seen: 0 });
    assert_eq!(at_server.received, Received::Known { end: 2, seen: 3 });
    assert_eq!(
        (&*at_client.sender_id, &*at_client.recipient_id),
        (&*at_server.recipient_id, &*at_server.sender_id)
    );

    let state = Some(Error::State);
    assert_eq!(client.seal_request(CARRIER, b"\x01", &mut buf).err(), state);
    assert_eq!(client.open_response(&mut ours, CARRIER, &answer, &mut buf).err(), state);
    assert_eq!(server.open_request(CARRIER, &late, &mut buf).err(), state);
    assert_eq!(server.seal_response(&theirs, CARRIER, b"\x45", &mut buf).err(), state);
    assert_eq!(server.seal_notification(&theirs, CARRIER, b"\x45", &mut buf).err(), state);
    assert_eq!(client.hand_over(&mut secret[0], &mut salt[0]).err(), state);
    client.export_key(b"l", b"c", &mut exported[1]).unwrap();
    assert_eq!((client.fingerprint(), exported[0]), (fingerprint, exported[1]));
    // What is stored of it is used up.
    let mut restored = Session::<B>::restore(&stored(&mut client, 5)).unwrap();
    stored(&mut restored, 5);
    assert_eq!(restored.seal_request(CARRIER, b"\x01", &mut buf).err(), Some(Error::Exhausted));

    let mut client = take(&secret[1], &salt[1], &at_client).unwrap();
    let mut server = take(&secret[1], &salt[1], &at_server).unwrap();
    assert_eq!(server.open_request(CARRIER, &late, &mut buf).map(|(len, _)| len), Ok(1));
    assert_eq!(server.open_request(CARRIER, &late, &mut buf).err(), Some(Error::Replay));
    let (_, theirs) = ask(&mut client, &mut server).unwrap();
    server.seal_response(&theirs, CARRIER, b"\x45", &mut buf).unwrap();
    assert_eq!(client.next, 4);
    assert_eq!(client.fingerprint(), server.fingerprint());
    // What it took over may have been answered there.
    let earlier = server.exchange_of(1);
    assert_eq!(server.seal_response(&earlier, CARRIER, b"\x45", &mut buf).err(), Some(Error::Answered));
}

/// Of a session that came from storage nobody knows what it has received.
#[test]
fn a_restored_session_is_handed_over_without_its_window() {
    let (mut client, _) = ends();
    let mut restored = Session::<B>::restore(&stored(&mut client, 5)).unwrap();
    let context = restored.hand_over(&mut [0; 16], &mut [0; 8]).unwrap();
    assert_eq!((context.received, context.next), (Received::Lost, 5));
}

#[test]
fn an_unconfirmed_session_can_be_handed_over() {
    let v = vectors::all().get("signed");
    let outcome = Outcome {
        role: Role::Server,
        out: &v.array("OUT"),
        cid_c: &Cid::EMPTY,
        cid_s: &cid(&v.bytes("cid_S")),
        device_id: &DeviceId::copy_of(b"sensor-7", Error::Argument).unwrap(),
    };
    let mut session = Session::<B>::new();
    session.establish((), &outcome);
    assert_eq!(session.check_confirmed(), Err(Error::State));
    session.hand_over(&mut [0; 16], &mut [0; 8]).unwrap();
    assert_eq!(session.check_confirmed(), Err(Error::State));
}

#[test]
fn what_a_context_from_elsewhere_has_not() {
    let mut session = take(&[7; 16], b"salt", &context(b"", b"", b"s")).unwrap();
    assert_eq!(session.device_id(), Err(Error::State));
    assert_eq!(session.export_key(b"l", b"c", &mut [0; 4]), Err(Error::State));
    assert_eq!(session.resume_secret(&mut [0; 32]), Err(Error::State));
    assert_eq!(session.store(1, |_| Ok(())), Err(Error::State));
    assert_eq!(session.hand_over(&mut [0; 16], &mut [0; 8]).err(), Some(Error::State));
    assert_eq!(session.id_context(), None);
    assert_eq!(take(&[7], b"", &context(b"home", b"", b"s")).unwrap().id_context(), Some(&b"home"[..]));
    assert_eq!(ends().0.id_context(), None, "which has a device id there");
}

#[test]
fn contexts_that_are_none() {
    let end = SEQUENCE_MAX + 1;
    let numbered = |next, received| SecurityContext { next, received, ..context(b"", b"c", b"s") };
    let known = |end| Received::Known { end, seen: 1 };
    let good = numbered(end, known(end));
    assert!(take(&[1], b"", &good).is_ok() && take(&[1], b"", &numbered(0, Received::Lost)).is_ok());
    for (secret, bad) in [
        (&[][..], good),
        (&[1], context(b"", b"c", b"c")),
        (&[1], context(b"", b"", b"")),
        (&[1], numbered(end + 1, known(0))),
        (&[1], numbered(0, known(end + 1))),
        (&[1], numbered(end + 1, Received::Lost)),
    ] {
        assert_eq!(take(secret, b"", &bad).err(), Some(Error::Argument));
    }
    // Without randomness what is there stays.
    let (mut client, _) = ends();
    let before = client.fingerprint();
    let taken = client.take_over((), &mut NoRandom, &[1], b"", &context(b"", b"c", b"s"));
    assert_eq!((taken, client.fingerprint()), (Err(Error::Random), before));
}

/// Equal at both ends; it differs with everything that a context is made of.
#[test]
fn fingerprints_of_contexts() {
    let of = |secret: &[u8], salt: &[u8], context: &SecurityContext| {
        take(secret, salt, context).unwrap().fingerprint
    };
    let one = of(b"secret", b"salt", &context(b"id", b"a", b"bc"));
    assert_eq!(one, of(b"secret", b"salt", &context(b"id", b"bc", b"a")));
    let others = [
        of(b"secreT", b"salt", &context(b"id", b"a", b"bc")),
        of(b"secret", b"salT", &context(b"id", b"a", b"bc")),
        of(b"secret", b"salt", &context(b"iD", b"a", b"bc")),
        of(b"secret", b"salt", &context(b"id", b"a", b"bC")),
        of(b"secret", b"salt", &context(b"id", b"ab", b"c")),
    ];
    assert!(others.iter().all(|other| *other != one));
}

/// Where it is not known what was received, a request has to bring our Echo; its number is where the window begins.
#[test]
fn a_lost_window() {
    let lost = SecurityContext { received: Received::Lost, ..context(b"", b"s", b"c") };
    let mut session = take(&[7; 16], b"", &lost).unwrap();
    let echo = session.echo().to_vec();
    assert_eq!(echo.len(), 8);
    let mut other = Session::<B>::new();
    other.take_over((), &mut Numbers::from_seed(2), &[7; 16], b"", &lost).unwrap();
    assert_ne!(other.echo(), echo);
    for echo in [None, Some(&[][..]), Some(&echo[..7]), Some(other.echo())] {
        assert_eq!(session.check_fresh(50, echo), Err(Error::Stale));
    }
    assert_eq!(session.check_fresh(50, Some(&echo)), Ok(()));
    let check = |session: &Session, number| session.window.check(number);
    assert_eq!([49, 50, 51].map(|number| check(&session, number)), [Err(Error::Replay), Ok(()), Ok(())]);
    // From now on nothing is asked for.
    assert_eq!(session.check_fresh(51, None), Ok(()));
    assert_eq!(check(&session, 50), Ok(()));
    assert_eq!(session.check_confirmed(), Ok(()));
    let mut known = take(&[7; 16], b"", &context(b"", b"s", b"c")).unwrap();
    assert_eq!(known.check_fresh(0, None), Ok(()));
}
