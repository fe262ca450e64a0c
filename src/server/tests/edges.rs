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
    assert!(!Nobody.stores() && !Nobody.load_resume(b"c", &mut record) && record.is_empty());
    assert_eq!(Nobody.save_resume(b"d", b"c", None), Err(Error::Storage));
}
