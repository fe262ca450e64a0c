//! R1 and the session of R2 against the vectors; RETRY.

use super::*;
use crate::limits::{COOKIE_LEN, RETRIES_MAX};

/// The session that the vectors resume.
fn old_session() -> Session {
    let all = vectors::all();
    let v = all.get(&all.get("resume").text("of"));
    let mut client = client(&v, Profile::Express);
    begin(&mut client, &v);
    step(&mut client, &v.bytes("X2")).unwrap();
    client.finish().unwrap()
}

/// A client after the vectors' R1.
fn resuming(v: &Vectors) -> Client {
    let mut client = client(&vectors::all().get("express"), Profile::Signed);
    client.resume(&old_session()).unwrap();
    let mut r1 = Message::new();
    client.begin_resume(&v.array("N_C"), &mut r1).unwrap();
    assert_eq!(r1.as_slice(), v.bytes("R1"));
    client
}

#[test]
fn resumed_byte_for_byte() {
    let v = vectors::all().get("resume");
    let mut client = resuming(&v);
    let (r1, r2) = (v.bytes("R1"), v.bytes("R2"));
    for bit in 8..r2.len() * 8 {
        let mut bad = r2.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(step(&mut client, &bad), Err(Error::Authentication), "bit {bit}");
    }
    for len in 1..r2.len() {
        assert_eq!(step(&mut client, &r2[..len]), Err(Error::Malformed));
    }
    assert_eq!(step(&mut client, &[]), Ok((Status::Send, r1)));
    assert_eq!(step(&mut client, &r2), Ok((Status::Ready, Vec::new())));
    let mut session = client.finish().unwrap();
    for (number, sealed) in (0..2).zip(v.get("session").list("sealed")) {
        assert_eq!(sealed.number("client_seq"), number);
        let mut out = [0; 64];
        let aad = sealed.bytes("aad");
        let carrier = crate::session::Carrier::Payload(&aad);
        let (len, mut exchange) =
            session.seal_request(carrier, &sealed.bytes("request_plaintext"), &mut out).unwrap();
        assert_eq!(out[..len], sealed.bytes("request_object"));
        let carrier = crate::session::Carrier::Payload(&[]);
        let len = session.open_response(&mut exchange, carrier, &sealed.bytes("response_object"), &mut out);
        assert_eq!(out[..len.unwrap()], sealed.bytes("response_plaintext"));
    }
}

#[test]
fn a_refused_resumption_becomes_a_handshake() {
    let v = vectors::all().get("resume");
    let mut client = resuming(&v);
    assert_eq!(step(&mut client, &[0x1f, 5]), Err(Error::Alert(Alert::UnknownSession)));
    assert_eq!(step(&mut client, &[]), Ok((Status::Send, v.bytes("R1"))), "an alert changes nothing");
    client.restart().unwrap();
    assert_eq!(client.handshake.key, [0; 32]);
    let (status, m1) = step(&mut client, &[]).unwrap();
    assert_eq!((status, m1[0]), (Status::Send, Type::M1.first_byte()));
    assert_eq!(step(&mut client, &v.bytes("R2")), Err(Error::Unexpected));
}

#[test]
fn sessions_that_are_not_this_clients() {
    let session = old_session();
    let with = |device_id: &[u8], cid: &[u8]| {
        let id = vectors::all().get("identity");
        let (secret, server_key) = (id.array("sk_C"), id.array("pk_S"));
        let config = ClientConfig::new(device_id, &secret, &server_key, Profile::Signed);
        Client::<Software>::new(&ClientConfig { cid, ..config }).unwrap()
    };
    assert_eq!(with(b"sensor-7", b"").resume(&session), Ok(()));
    assert_eq!(with(b"sensor-8", b"").resume(&session), Err(Error::State));
    assert_eq!(with(b"sensor-7", b"a").resume(&session), Err(Error::State));
    let mut wiped = old_session();
    wiped.wipe();
    assert_eq!(with(b"sensor-7", b"").resume(&wiped), Err(Error::Uninitialised));
}

#[test]
fn each_r1_has_a_nonce_of_its_own() {
    let (mut client, mut platform) =
        (client(&vectors::all().get("express"), Profile::Signed), Numbers::from_seed(0));
    let mut r1 = || {
        client.resume(&old_session()).unwrap();
        step_on(&mut platform, &mut client, &[]).unwrap().1
    };
    let (first, second) = (r1(), r1());
    assert_eq!((first.len(), &first[..3]), (19, &second[..3]));
    assert_ne!(first[3..11], second[3..11]);
}

/// The first message again behind the cookie, three times at most; the transcript is of the message alone.
#[test]
fn a_retry_is_followed() {
    for (name, first, answer, profile) in [
        ("signed", "M1", "M2", Profile::Signed),
        ("express", "X1", "X2", Profile::Express),
        ("resume", "R1", "R2", Profile::Signed),
    ] {
        let v = vectors::all().get(name);
        let mut client = if name == "resume" { resuming(&v) } else { client(&v, profile) };
        if name != "resume" {
            begin(&mut client, &v);
        }
        let retry = |n: u8| [&[Type::Retry.first_byte()][..], &[n; COOKIE_LEN]].concat();
        let retried = |n: u8| [&[Type::Retried.first_byte()][..], &[n; COOKIE_LEN], &v.bytes(first)].concat();
        for n in 1..=RETRIES_MAX {
            assert_eq!(step(&mut client, &retry(n)), Ok((Status::Send, retried(n))));
            assert_eq!(step(&mut client, &[]), Ok((Status::Send, retried(n))));
        }
        assert_eq!(step(&mut client, &retry(9)), Err(Error::Unexpected));
        assert_eq!(step(&mut client, &[]), Ok((Status::Send, retried(RETRIES_MAX))));
        let (status, next) = step(&mut client, &v.bytes(answer)).unwrap();
        if name == "signed" {
            assert_eq!((status, next), (Status::Send, v.bytes("M3")));
            assert_eq!(step(&mut client, &[]), Ok((Status::Send, v.bytes("M3"))), "no cookie before an M3");
            assert_eq!(step(&mut client, &retry(1)), Err(Error::Unexpected));
        } else {
            assert_eq!(status, Status::Ready);
        }
        client.restart().unwrap();
        let (_, again) = step(&mut client, &[]).unwrap();
        assert_ne!(again[0], Type::Retried.first_byte(), "a new handshake has no cookie");
    }
}
