//! R1 and R2, byte for byte, and what limits them.

use super::*;
use crate::limits::RESUMES_PER_SECRET;
use crate::server::handshake::ResumeDraws;
use crate::server::resume_record::ResumeRecord;
use crate::server::slot::Counts;
use crate::server::table::Table;
use crate::wire::Cid;
use std::vec;

const DEVICE: &[u8] = b"sensor-7";

struct Fixture {
    server: Server,
    slots: [Slot; 1],
    storage: Devices,
    v: Vectors,
}

/// A server that has restarted: the vectors' first session is in storage alone.
fn fixture(counts: Counts) -> Fixture {
    let (all, v) = (vectors::all(), vectors::all().get("resume"));
    let id = all.get("identity");
    let of = all.get(&v.text("of"));
    let mut record = ResumeRecord::EMPTY;
    record.cid_s = crate::wire::Cid::copy_of(&v.bytes("cid_S"), Error::Argument).unwrap();
    record.device_id = crate::wire::DeviceId::copy_of(&id.bytes("device_id"), Error::Argument).unwrap();
    record.public_key = id.array("pk_C");
    record.rms = of.get("session").array("resume_RMS");
    record.counts = counts;
    let mut blob = crate::stored::Stored::EMPTY;
    record.store::<Software>(&mut blob);
    let mut storage = Devices::one(DEVICE, id.array("pk_C")).stored();
    storage.records().insert(DEVICE, &v.bytes("cid_S"), blob.as_slice());
    let mut server = Server::new(&id.array("sk_S")).unwrap();
    server.set_retry_rate(u32::MAX); // no time passes here
    let n_s: [u8; 8] = v.array("N_S");
    let random = *n_s.last_chunk().unwrap();
    server.forced_resume = Some(ResumeDraws { random, number: v.bytes("new_cid_S")[0].into() });
    Fixture { server, slots: Default::default(), storage, v }
}

impl Fixture {
    fn env<'a>(platform: &'a mut NoRandom, storage: &'a mut Devices) -> Env<'a, NoRandom, Devices> {
        Env { platform, directory: storage, peer: b"peer", source: b"", now_ms: 0 }
    }

    fn step(&mut self, input: &[u8]) -> Result<(Status, Vec<u8>), Error> {
        let mut out = Message::new();
        let mut platform = NoRandom;
        let mut env = Self::env(&mut platform, &mut self.storage);
        let status = self.server.step(&mut self.slots, &mut env, input, &mut out)?;
        Ok((status, out.to_vec()))
    }

    /// The device's record in storage.
    fn stored(&mut self) -> Vec<u8> {
        self.storage.records().of(DEVICE).unwrap().1.to_vec()
    }

    /// Damages it.
    fn store(&mut self, record: &[u8]) {
        let cid_s = self.v.bytes("cid_S");
        self.storage.records().insert(DEVICE, &cid_s, record);
    }

    fn counts(&mut self) -> (u32, u16) {
        let mut record = ResumeRecord::EMPTY;
        record.load::<Software>(&self.stored()).unwrap();
        (record.counts.answered, record.counts.in_a_row)
    }
}

const FRESH: Counts = Counts { answered: 0, in_a_row: 0 };

#[test]
fn byte_for_byte_from_storage() {
    let mut f = fixture(FRESH);
    let (r1, r2) = (f.v.bytes("R1"), f.v.bytes("R2"));
    assert_eq!(f.step(&r1), Ok((Status::Send, r2.clone())));
    assert_eq!(f.counts(), (1, 0), "counted before anyone sees the answer");
    let retried = [&[0x1a][..], &[0; 16], &r1].concat();
    for again in [&r1, &retried] {
        assert_eq!(f.step(again), Ok((Status::Send, r2.clone())), "stored, not made again");
    }
    assert_eq!((f.counts(), f.server.stats(1).duplicates), ((1, 0), 2));
    assert_eq!(f.slots[0].phase(), Phase::Unconfirmed);

    let sealed = f.v.get("session").list("sealed").remove(0);
    let (aad, object) = (sealed.bytes("aad"), sealed.bytes("request_object"));
    let mut out = [0; 32];
    let mut platform = NoRandom;
    let mut env = Fixture::env(&mut platform, &mut f.storage);
    let carrier = Carrier::Payload(&aad);
    let opened = f.server.open_request(&mut f.slots, &mut env, carrier, &object, &mut out).unwrap();
    assert_eq!(out[..opened.len], sealed.bytes("request_plaintext"));
    assert_eq!(f.slots[0].phase(), Phase::Confirmed);
    let mut record = ResumeRecord::EMPTY;
    record.load::<Software>(&f.stored()).unwrap();
    assert_eq!(*record.cid_s, f.v.bytes("new_cid_S"));
    assert_eq!(record.rms, f.v.get("session").array("resume_RMS"));
    assert_eq!(f.counts(), (0, 1));
    let stats = f.server.stats(1);
    assert_eq!((stats.begun_resume, stats.confirmed, stats.confirmed_resume), (1, 1, 1));
}

#[test]
fn a_bad_r1_changes_nothing() {
    let mut f = fixture(FRESH);
    let good = f.v.bytes("R1");
    for bit in 8..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            1 => 3, // the length of the id, or a reserved bit
            2 => 5, // another id
            _ => 2,
        };
        assert_eq!(f.step(&bad), refused(expected), "bit {bit}");
    }
    for len in 0..good.len() {
        assert_eq!(f.step(&good[..len]), refused(3));
    }
    assert_eq!((f.counts(), f.slots[0].phase()), ((0, 0), Phase::Free));
    assert_eq!(f.step(&good), Ok((Status::Send, f.v.bytes("R2"))));
}

#[test]
fn limits() {
    let last = Counts { answered: RESUMES_PER_SECRET - 1, in_a_row: 999 };
    for (counts, is_answered) in [
        (last, true),
        (Counts { answered: RESUMES_PER_SECRET, ..FRESH }, false),
        (Counts { answered: u32::MAX, ..FRESH }, false),
        (Counts { in_a_row: 1000, ..FRESH }, false),
        (Counts { in_a_row: u16::MAX, ..FRESH }, false),
    ] {
        let mut f = fixture(counts);
        let (status, answer) = f.step(&f.v.bytes("R1")).unwrap();
        if is_answered {
            assert_eq!((status, &answer[..3]), (Status::Send, &[0x18, 0xff, 0xff][..]));
            assert_eq!(f.counts(), (RESUMES_PER_SECRET, 999));
        } else {
            assert_eq!((status, answer), (Status::Refused, vec![0x1f, 5]));
            assert_eq!(f.slots[0].phase(), Phase::Free);
        }
    }
    let mut f = fixture(FRESH);
    f.server.set_resume_limit(0);
    assert_eq!(f.step(&f.v.bytes("R1")), refused(5));
}

#[test]
fn the_directory_is_asked_again() {
    for key in [None, Some([3; PUBLIC_KEY_LEN])] {
        let mut f = fixture(FRESH);
        f.storage.keys = key.map(|key| (DEVICE.to_vec(), key)).into_iter().collect();
        assert_eq!(f.step(&f.v.bytes("R1")), refused(5));
        assert_eq!((f.counts(), f.slots[0].phase()), ((0, 0), Phase::Free));
    }
}

#[test]
fn without_storage_there_is_no_answer() {
    let mut f = fixture(FRESH);
    f.storage.is_broken = true;
    assert_eq!(f.step(&f.v.bytes("R1")), refused(4));
    assert_eq!((f.counts(), f.slots[0].phase()), ((0, 0), Phase::Free));
    assert_eq!(f.server.stats(1).store_failures, 1);
    assert_eq!(f.server.stats(1).refused, [0, 0, 0, 0, 1, 0]);
}

/// Every bit and every length of a stored record: none is taken for another.
#[test]
fn damaged_records_are_none() {
    let mut f = fixture(FRESH);
    let good = f.stored();
    let r1 = f.v.bytes("R1");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        f.store(&bad);
        assert_eq!(f.step(&r1), refused(5), "bit {bit}");
    }
    for len in 0..good.len() {
        f.store(&good[..len]);
        assert_eq!(f.step(&r1), refused(5));
    }
}

/// Storage gives a record that is whole, and another session's.
#[test]
fn another_sessions_record_is_none() {
    let mut f = fixture(FRESH);
    let (good, mut r1) = (f.stored(), f.v.bytes("R1"));
    r1[2] ^= 1;
    f.storage.records().insert(DEVICE, &r1[2..3], &good);
    assert_eq!(f.step(&r1), refused(5));
}

/// After a restart, connection ids that are in storage may belong to any slot.
#[test]
fn stored_ids_are_passed_over() {
    // Knows every id of some slots of eight.
    let knows = |known: usize| {
        let mut devices = Devices::default().stored();
        for cid in (0..=255).filter(|cid| usize::from(cid % 8) < known) {
            devices.records().insert(&[cid], &[cid], b"");
        }
        devices
    };

    let mut f = fixture(FRESH);
    let mut all: Vec<Devices> = (0..=8).map(knows).collect();
    for (number, known) in (0..=255).flat_map(|number| (0..=8).map(move |known| (number, known))) {
        let mut slots: [Slot; 8] = Default::default();
        f.server.table = Table::default();
        let mut choose = |slots: &mut [Slot]| {
            let chosen = f.server.table.choose(slots, &mut f.storage, b"").unwrap();
            let mut cid_s = Cid::EMPTY;
            let index = f.server.choose_cid(&mut all[known], slots, chosen, number, &[], &mut cid_s)?;
            Ok((index, cid_s))
        };
        // Four slots for each message, and the next message goes on with others.
        let busy = (0..10).take_while(|_| choose(&mut slots).err() == Some(Alert::Busy)).count();
        if known == 8 {
            assert_eq!(busy, 10);
            continue;
        }
        assert!(busy <= known / 3, "{busy} refused with {known} of 8 slots known");
        let (index, cid_s) = choose(&mut slots).unwrap();
        assert!(index >= known && usize::from(cid_s[0]) % 8 == index);
    }
    // None but the chosen slot could be had.
    let mut slots: [Slot; 8] = Default::default();
    f.server.table = Table::default();
    for index in 0..8 {
        f.server.table.empty(&mut slots, &mut f.storage, index);
        f.server.table.begin(&mut slots, index, Phase::HalfOpen, b"");
    }
    let mut cid_s = Cid::EMPTY;
    let chosen = f.server.choose_cid(&mut knows(1), &mut slots, 0, 0, &[], &mut cid_s);
    assert_eq!(chosen, Err(Alert::Busy));
}
