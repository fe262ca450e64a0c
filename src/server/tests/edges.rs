//! Limits, and what a changed line near them would let pass.

use super::*;
use crate::client::{Client, ClientConfig, Profile};
use crate::testing::Numbers;
use crate::vectors::SIGNED;

fn step_from(f: &mut Fixture, peer: &[u8], source: &[u8]) -> Result<Status, Error> {
    let m1 = vectors::all().get(SIGNED[0]).bytes("M1");
    let directory = &mut f.directory;
    let mut env = Env { platform: &mut NoRandom, directory, peer, source, now_ms: 0 };
    f.server.step(&mut f.slots, &mut env, &m1, &mut Message::new())
}

#[test]
fn the_longest_addresses() {
    let v = vectors::all().get(SIGNED[0]);
    let (longest, longer) = ([7; PEER_MAX], [7; PEER_MAX + 1]);
    for (peer, source) in [(&longer[..], &b""[..]), (b"peer", &longer), (&longer, &longer)] {
        let mut f = fixture(&v);
        assert_eq!(step_from(&mut f, peer, source), Err(Error::Argument));
        assert_eq!(f.slots[0].phase(), Phase::Free);
    }
    assert_eq!(step_from(&mut fixture(&v), &longest, &longest), Ok(Status::Send));
}

/// With the longest ids of both sides, from the handshake to an answered request, and once more resumed.
#[test]
fn the_longest_ids() {
    let (device, id, cid) = ([5; 32], [b'd'; 32], [0xc1; 7]);
    for profile in [Profile::Signed, Profile::Express] {
        let mut server = Server::new(&[6; 32]).unwrap();
        server.set_cids(7, &[], 2).unwrap();
        let mut slots: [Slot; 2] = Default::default();
        let key = public_key(&device).unwrap().compressed();
        let (mut directory, mut random) = (Devices::one(&id, key), Numbers::from_seed(1));
        let server_key = *server.public_key();
        let config = ClientConfig::new(&id, &device, &server_key, profile);
        let mut client: Client = Client::new(&ClientConfig { cid: &cid, ..config }).unwrap();
        for _ in 0..2 {
            let (mut message, mut answer) = (Message::new(), Message::new());
            let mut status = client.step(&mut random, None, &mut message).unwrap();
            while status == Status::Send {
                let (platform, directory) = (&mut random, &mut directory);
                let mut env = Env { platform, directory, peer: b"peer", source: b"", now_ms: 0 };
                assert_eq!(server.step(&mut slots, &mut env, &message, &mut answer), Ok(Status::Send));
                let taken = answer.clone();
                status = client.step(&mut random, Some(&taken), &mut message).unwrap();
            }
            let mut session = client.finish().unwrap();
            assert_eq!((session.device_id(), session.recipient_id().as_slice()), (Ok(&id[..]), &cid[..]));
            assert_eq!(session.sender_id().unwrap().len(), 7);
            let (mut sealed, mut out) = ([0; 64], [0; 64]);
            let carrier = Carrier::Oscore;
            let (len, mut ours) = session.seal_request(carrier, b"\x01", &mut sealed).unwrap();
            let (platform, list) = (&mut random, &mut directory);
            let mut env = Env { platform, directory: list, peer: b"peer", source: b"", now_ms: 0 };
            let opened =
                server.open_request(&mut slots, &mut env, carrier, &sealed[..len], &mut out).unwrap();
            let theirs = slots[opened.slot].session_mut().unwrap();
            let len = theirs.seal_response(&opened.exchange, carrier, b"\x45", &mut out).unwrap();
            assert_eq!(session.open_response(&mut ours, carrier, &out[..len], &mut sealed), Ok(1));
            client.resume(&session).unwrap();
        }
    }
}

/// How many of `count` handshakes of one moment are let in at once; the others are when they have shown their address.
fn let_in(rate: u32, count: usize) -> usize {
    let device = [5; 32];
    let mut server = fixture(&vectors::all().get(SIGNED[0])).server;
    let server_key = *server.public_key();
    server.set_retry_rate(rate);
    server.set_cids(0, &[], 64).unwrap();
    server.forced = None;
    let mut random = Numbers::from_seed(1);
    let mut slots: Vec<Slot> = (0..64).map(|_| Slot::default()).collect();
    let mut directory = Devices::everybody(public_key(&device).unwrap().compressed());
    let config = ClientConfig::new(b"d", &device, &server_key, Profile::Signed);
    let mut at_once = 0;
    for n in 0..count {
        let (mut m1, mut answer) = (Message::new(), Message::new());
        let mut client: Client = Client::new(&config).unwrap();
        client.step(&mut random, None, &mut m1).unwrap();
        let mut step = |message: &[u8], answer: &mut Message| {
            let (platform, directory) = (&mut random, &mut directory);
            let mut env = Env { platform, directory, peer: b"peer", source: b"one", now_ms: 0 };
            server.step(&mut slots, &mut env, message, answer).unwrap()
        };
        if step(&m1, &mut answer) == Status::Send {
            at_once += 1;
            continue;
        }
        assert_eq!(answer[0], Type::Retry.first_byte());
        let retried = [&[Type::Retried.first_byte()], &answer[1..], &m1].concat();
        assert_eq!(step(&retried, &mut answer), Status::Send, "{n}");
    }
    at_once
}

/// Who shows its address is let in where handshakes come too fast but there is room, whatever its source holds. Without
/// a rate of one's own, a quarter of what is free.
#[test]
fn a_good_cookie_where_there_is_room() {
    assert_eq!((let_in(1, 30), let_in(u32::MAX, 30)), (1, 30));
    // The 14th finds 51 slots free.
    assert_eq!(let_in(0, 30), 13);
}

/// Where room is short, whoever has shown its address is told before anything is computed whether it has a slot: nobody's
/// who holds a quarter of the room.
#[test]
fn a_good_cookie_where_room_is_short() {
    let v = vectors::all().get(SIGNED[0]);
    let key = public_key(&[5; 32]).unwrap().compressed();
    let mut server = fixture(&v).server;
    server.forced = None;
    server.set_cids(0, &[], 8).unwrap();
    let mut slots: [Slot; 8] = Default::default();
    let mut random = Numbers::from_seed(1);
    let server_key = *server.public_key();
    let mut n = 0;
    let mut hello = |server: &mut Server, source: &[u8], is_known: bool| {
        n += 1;
        let (id, mut m1, mut answer) = ([n], Message::new(), Message::new());
        let config = ClientConfig::new(&id, &[5; 32], &server_key, Profile::Signed);
        Client::<Software>::new(&config).unwrap().step(&mut random, None, &mut m1).unwrap();
        let mut directory = if is_known { Devices::everybody(key) } else { Devices::default() };
        let mut step = |message: &[u8], answer: &mut Message| {
            let (platform, directory) = (&mut random, &mut directory);
            let mut env = Env { platform, directory, peer: b"peer", source, now_ms: 0 };
            server.step(&mut slots, &mut env, message, answer).unwrap()
        };
        if step(&m1, &mut answer) == Status::Refused && answer[0] == Type::Retry.first_byte() {
            let retried = [&[Type::Retried.first_byte()], &answer[1..], &m1].concat();
            step(&retried, &mut answer);
        }
        answer.to_vec()
    };
    for _ in 0..5 {
        assert_eq!(hello(&mut server, b"one", true)[0], Type::M2.first_byte());
    }
    // Five of eight wait. "Busy", not "unknown device": the directory is not even asked.
    assert_eq!(hello(&mut server, b"one", false), [0x1f, 4]);
    assert_eq!(hello(&mut server, b"other", false), [0x1f, 1]);
    assert_eq!(hello(&mut server, b"other", true)[0], Type::M2.first_byte());
}

#[test]
fn how_slots_stand() {
    let v = vectors::all().get(SIGNED[0]);
    let mut f = fixture(&v);
    let stands = |f: &Fixture| {
        let Stats { half_open, unconfirmed, confirmed_now, slots, .. } = f.server.stats(1);
        [half_open, unconfirmed, confirmed_now, slots]
    };
    assert_eq!(stands(&f), [0, 0, 0, 1]);
    f.step(0, &v.bytes("M1")).unwrap();
    assert_eq!(stands(&f), [1, 0, 0, 1]);
    f.step(0, &v.bytes("M3")).unwrap();
    assert_eq!(stands(&f), [0, 1, 0, 1]);
    f.check_session(&v);
    assert_eq!(stands(&f), [0, 0, 1, 1]);
}

#[test]
fn what_is_wiped_does_nothing() {
    let v = vectors::all().get(SIGNED[0]);
    let mut f = fixture(&v);
    f.server.wipe(&mut f.slots, &mut f.directory);
    assert_eq!(step_from(&mut f, b"peer", b""), Err(Error::Uninitialised));
    assert_eq!(f.server.check_live(), Err(Error::Uninitialised));
    assert_eq!(fixture(&v).server.check_live(), Ok(()));
}

#[test]
fn refused_records_are_counted_and_named() {
    let mut f = fixture(&vectors::all().get(SIGNED[0]));
    let bad = [Error::Malformed, Error::UnknownSession, Error::Authentication];
    for error in bad.into_iter().chain([Error::Replay, Error::Capacity]) {
        f.server.note_refused_record(error);
    }
    let stats = f.server.stats(1);
    assert_eq!((stats.bad_records, stats.replays), (3, 1));
    assert_eq!(refusal_of_record(Error::UnknownSession), Alert::UnknownSession);
    assert_eq!(refusal_of_record(Error::Uninitialised), Alert::UnknownSession);
    for error in [Error::Malformed, Error::Replay, Error::Authentication] {
        assert_eq!(refusal_of_record(error), Alert::Authentication);
    }
}

/// A directory that says nothing of storage has none, and is not believed to have stored.
#[test]
fn a_directory_without_storage() {
    struct Nobody;
    impl Directory for Nobody {
        fn find(&mut self, _: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]> {
            None
        }
    }
    let mut record = heapless::Vec::new();
    assert!(!Nobody.stores() && Nobody.load_resume(b"c", &mut record) == Ok(false) && record.is_empty());
    assert_eq!(Nobody.save_resume(b"d", b"c", None), Err(Error::Storage));
}
