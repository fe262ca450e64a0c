//! Limits, and what a changed line near them would let pass.

use super::*;
use crate::client::{Client, ClientConfig, Profile};
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

/// Who shows its address is let in where handshakes come too fast but there is room, whatever its source holds.
#[test]
fn a_good_cookie_where_there_is_room() {
    let mut f = fixture(&vectors::all().get(SIGNED[0]));
    f.server.set_retry_rate(1);
    let server_key = *f.server.public_key();
    f.server.set_cids(0, &[], 64).unwrap();
    f.server.forced = None;
    let mut numbers = crate::testing::Numbers::from_seed(1);
    let device = [5; 32];
    let mut slots: Vec<Slot> = (0..64).map(|_| Slot::default()).collect();
    let mut directory = Devices::everybody(public_key(&device).unwrap().compressed());
    let mut step = |message: &[u8]| {
        let mut env = Env {
            platform: &mut numbers,
            directory: &mut directory,
            peer: b"peer",
            source: b"one",
            now_ms: 0,
        };
        let mut out = Message::new();
        let status = f.server.step(&mut slots, &mut env, message, &mut out).unwrap();
        (status, out.to_vec())
    };
    let mut random = crate::testing::Numbers::from_seed(2);
    let config = ClientConfig::new(b"d", &device, &server_key, Profile::Signed);
    let mut m1 = || {
        let mut out = Message::new();
        let mut client: Client = Client::new(&config).unwrap();
        client.step(&mut random, None, &mut out).unwrap();
        out.to_vec()
    };
    let mut asked = 0;
    for n in 1..30 {
        let m1 = m1();
        let (status, answer) = step(&m1);
        if status == Status::Send {
            continue;
        }
        assert_eq!((status, answer[0]), (Status::Refused, Type::Retry.first_byte()));
        asked += 1;
        let retried = [&[Type::Retried.first_byte()], &answer[1..], &m1].concat();
        assert_eq!(step(&retried).0, Status::Send, "{n}");
    }
    assert!(asked > 20);
}

#[test]
fn what_is_wiped_does_nothing() {
    let v = vectors::all().get(SIGNED[0]);
    let mut f = fixture(&v);
    f.server.wipe(&mut f.slots);
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
