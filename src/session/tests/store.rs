//! Client sessions in storage.

use super::*;
use crate::limits::SESSION_BLOB_MAX;

pub(super) fn stored(session: &mut Session, block: u32) -> Vec<u8> {
    let mut stored = Vec::new();
    let written = session.store(block, |blob| {
        stored = blob.to_vec();
        Ok(())
    });
    written.unwrap();
    stored
}

fn seal(session: &mut Session) -> Result<Exchange, Error> {
    session.seal_request(Carrier::Oscore, b"\x01", &mut [0; 64]).map(|(_, exchange)| exchange)
}

#[test]
fn a_restored_session_goes_on() {
    let (mut client, mut server) = ends();
    let blob = stored(&mut client, 3);
    assert!(blob.len() <= SESSION_BLOB_MAX);
    (0..3).for_each(|_| assert!(seal(&mut client).is_ok()));
    assert_eq!(seal(&mut client).err(), Some(Error::Unstored));

    let mut restored = Session::restore(&blob).unwrap();
    assert_eq!(restored.fingerprint(), client.fingerprint());
    assert_eq!(restored.device_id(), client.device_id());
    assert_eq!(restored.sender_id(), client.sender_id());
    assert_eq!(seal(&mut restored).err(), Some(Error::Unstored), "nothing is reserved yet");
    stored(&mut restored, 1);
    let mut out = [0; 64];
    let (len, mut exchange) = restored.seal_request(Carrier::Oscore, b"\x01", &mut out).unwrap();
    assert_eq!(out[1], 3, "the number after every one that was reserved");
    let object = out[..len].to_vec();
    let (len, theirs) = server.open_request(Carrier::Oscore, &object, &mut out).unwrap();
    assert_eq!(out[..len], *b"\x01");
    let len = server.seal_response(&theirs, Carrier::Oscore, b"\x45", &mut out).unwrap();
    let object = out[..len].to_vec();
    assert_eq!(restored.open_response(&mut exchange, Carrier::Oscore, &object, &mut out), Ok(1));
    // A request of the server's could be a replay: the window was not stored.
    let (len, _) = server.seal_request(Carrier::Oscore, b"\x02", &mut out).unwrap();
    let object = out[..len].to_vec();
    assert_eq!(restored.open_request(Carrier::Oscore, &object, &mut out).err(), Some(Error::State));
    assert!(client.open_request(Carrier::Oscore, &object, &mut out).is_ok());
}

#[test]
fn before_a_sleep_no_number_is_wasted() {
    let (mut client, _) = ends();
    stored(&mut client, 100);
    seal(&mut client).unwrap();
    let blob = stored(&mut client, 0);
    assert_eq!(seal(&mut client).err(), Some(Error::Unstored));
    let mut restored = Session::restore(&blob).unwrap();
    stored(&mut restored, 1);
    assert_eq!((restored.next, seal(&mut restored).is_ok()), (1, true));
}

#[test]
fn a_failed_write_may_have_been_written() {
    let (mut client, _) = ends();
    stored(&mut client, 10);
    seal(&mut client).unwrap();
    let mut fail = |block| client.store(block, |_| Err(Error::Storage));
    assert_eq!(fail(100), Err(Error::Storage));
    assert_eq!((client.next, client.limit), (1, 10), "the older blob may be the one that is there");
    let mut fail = |block| client.store(block, |_| Err(Error::Storage));
    assert_eq!(fail(2), Err(Error::Storage));
    assert_eq!(client.limit, 3, "the newer one may be");
    (0..2).for_each(|_| assert!(seal(&mut client).is_ok()));
    assert_eq!(seal(&mut client).err(), Some(Error::Unstored));
}

#[test]
fn the_last_numbers() {
    let (mut client, _) = ends();
    client.next = SEQUENCE_MAX;
    let blob = stored(&mut client, 1000);
    seal(&mut client).unwrap();
    assert_eq!(seal(&mut client).err(), Some(Error::Exhausted));
    let mut restored = Session::restore(&blob).unwrap();
    stored(&mut restored, u32::MAX);
    assert_eq!(seal(&mut restored).err(), Some(Error::Exhausted));
}

#[test]
fn only_a_clients() {
    let (_, mut server) = ends();
    assert_eq!(server.store(1, |_| Ok(())), Err(Error::State));
    assert_eq!(Session::<B>::new().store(1, |_| Ok(())), Err(Error::Uninitialised));
}

/// Every bit and every length: none is taken for a session, and what is there stays.
#[test]
fn damaged_blobs_are_none() {
    let (mut client, _) = ends();
    let good = stored(&mut client, 3);
    let mut session = Session::<B>::restore(&good).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Session::<B>::restore(&bad).err(), Some(Error::Malformed), "bit {bit}");
        assert_eq!(session.restore_from((), &bad).err(), Some(Error::Malformed));
    }
    for len in 0..good.len() {
        assert_eq!(Session::<B>::restore(&good[..len]).err(), Some(Error::Malformed));
    }
    let long = [&good[..], &[0]].concat();
    assert_eq!(Session::<B>::restore(&long).err(), Some(Error::Malformed));
    assert_eq!(session.fingerprint(), client.fingerprint());
}

/// Well-formed on the outside: what the check does not find.
#[test]
fn blobs_that_make_no_sense() {
    use crate::stored::{Kind, Stored};
    let blob = |kind, cid_c: &[u8], cid_s: &[u8], id: &[u8], next: u64, tail: &[u8]| {
        let mut blob = Stored::<250>::EMPTY;
        blob.begin(kind);
        [cid_c, cid_s, id].iter().for_each(|string| blob.put_string(string));
        blob.put(&[5; 32]);
        blob.put(&next.to_be_bytes());
        blob.put(tail);
        blob.finish::<B>();
        Session::<B>::restore(blob.as_slice()).err()
    };
    assert_eq!(blob(Kind::Session, b"", b"s", b"d", 0, b""), None);
    let bad = Some(Error::Malformed);
    assert_eq!(blob(Kind::ResumeRecord, b"", b"s", b"d", 0, b""), bad);
    assert_eq!(blob(Kind::Session, b"", b"", b"d", 0, b""), bad);
    assert_eq!(blob(Kind::Session, b"s", b"s", b"d", 0, b""), bad);
    assert_eq!(blob(Kind::Session, b"", b"12345678", b"d", 0, b""), bad);
    assert_eq!(blob(Kind::Session, b"", b"s", b"", 0, b""), bad);
    assert_eq!(blob(Kind::Session, b"", b"s", &[b'd'; 33], 0, b""), bad);
    assert_eq!(blob(Kind::Session, b"", b"s", b"d", SEQUENCE_MAX + 2, b""), bad);
    assert_eq!(blob(Kind::Session, b"", b"s", b"d", 0, b"x"), bad);
}
