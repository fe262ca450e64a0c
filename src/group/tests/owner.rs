//! An owner's places, epochs and numbers.

use super::membership::ASK;
use super::world::{Opens, Owner, joined, member};
use crate::bytes::Bytes;
use crate::crypto::Software;
use crate::error::Error;
use crate::group::*;
use crate::limits::SEQUENCE_MAX;
use crate::session::Carrier;
use crate::testing::NoRandom;
use std::vec::Vec;

const CONFIG: GroupConfig = GroupConfig {
    number: 7,
    flags: flag::SIGNED | flag::TAGGED | flag::ANSWERS,
    slots: 3,
    address: Address { bytes: Bytes::EMPTY, port: 0 },
};
const SIGNED: GroupConfig = GroupConfig { flags: flag::SIGNED, slots: 0, ..CONFIG };
const NOW: [Mode; 2] = [Mode::Signed, Mode::Tagged];

/// With its places in storage.
fn stored(config: &GroupConfig, places: usize) -> Owner {
    let mut owner = Owner::created(config, places);
    owner.saved = Some(Default::default());
    owner
}

fn ids(owner: &Owner) -> Vec<Option<Vec<u8>>> {
    owner.places.iter().map(|place| place.device_id().map(Vec::from)).collect()
}

#[test]
fn what_is_no_group() {
    let long = Address { bytes: Bytes::copy_of(&[1; 5], Error::Argument).unwrap(), port: 1 };
    for config in [
        GroupConfig { number: 0, ..CONFIG },
        GroupConfig { flags: flag::ANSWERS, slots: 0, ..CONFIG },
        GroupConfig { flags: flag::SIGNED | 4, slots: 0, ..CONFIG },
        GroupConfig { flags: flag::SIGNED | 0x80, slots: 0, ..CONFIG },
        GroupConfig { flags: flag::SIGNED | flag::TIMED | flag::DELEGATED, slots: 0, ..CONFIG },
        GroupConfig { flags: flag::SIGNED | flag::DELEGATE, slots: 0, ..CONFIG },
        GroupConfig { slots: 0, ..CONFIG },
        GroupConfig { slots: 17, ..CONFIG },
        GroupConfig { slots: 1, ..SIGNED },
        GroupConfig { address: long, ..CONFIG },
    ] {
        let mut owner = Owner::new(3);
        assert_eq!(owner.run(|group, env| group.create((), env, &config)), Err(Error::Argument));
        assert_eq!(owner.answer_ask(b"a", &ASK), Err(Error::Uninitialised));
        assert_eq!((owner.group.number(), owner.group.epoch()), (0, 0));
    }
}

#[test]
fn without_randomness_nothing_changes() {
    let mut owner = Owner::created(&CONFIG, 3);
    owner.answer_ask(b"a", &ASK).unwrap();
    let before = (owner.group.epoch(), owner.group.ms, owner.group.gos);
    let mut env = Env { platform: &mut NoRandom, places: &mut owner.places, now_ms: 0, save: None };
    let mut notice = GroupMessage::new();
    assert_eq!(owner.group.rekey(&mut env, Some(b"a"), &mut notice), Err(Error::Random));
    assert_eq!(owner.group.create((), &mut env, &SIGNED), Err(Error::Random));
    assert_eq!((owner.group.epoch(), owner.group.ms, owner.group.gos), before);
    assert_eq!(ids(&owner)[0].as_deref(), Some(&b"a"[..]));
}

#[test]
fn fresh_keys_every_time() {
    let mut owner = Owner::created(&CONFIG, 3);
    let mut seen = std::collections::BTreeSet::new();
    assert!(seen.insert(owner.group.gos));
    for epoch in 1..20 {
        assert_eq!(owner.group.epoch(), epoch);
        assert!(seen.insert(owner.group.ms) && seen.insert(owner.group.vs));
        owner.rekey(None);
    }
    // Even where the source repeats.
    let mut stuck = crate::testing::Stuck { byte: 1, boots: 0 };
    let mut group = Group::<Software>::new();
    let mut env = Env { platform: &mut stuck, places: &mut [], now_ms: 0, save: None };
    group.create((), &mut env, &SIGNED).unwrap();
    assert!(group.gos != group.ms && group.ms != group.vs && group.gos != group.vs);
}

#[test]
fn places_and_kids() {
    let mut owner = stored(&CONFIG, 5);
    for (at, id) in [b"a", b"b", b"c"].into_iter().enumerate() {
        let join = owner.answer_ask(id, &ASK).unwrap();
        assert_eq!(usize::from(joined(MemberConfig::default(), &join).group().unwrap().kid), at + 1);
    }
    assert_eq!(owner.answer_ask(b"d", &ASK), Err(Error::Full), "three slots, however many places");
    assert_eq!(ids(&owner)[3..], [None, None]);
    assert_eq!(owner.answer_ask(b"", &ASK), Err(Error::Argument));
    assert_eq!(owner.answer_ask(&[1; 33], &ASK), Err(Error::Argument));

    // One JOIN in ten seconds; a SYNC whenever it is asked for.
    assert_eq!(owner.answer_ask(b"a", &ASK), Err(Error::Budget));
    let holds = [0x20, 0, 7, 0, 0, 0, 1, 0];
    assert_eq!(owner.answer_ask(b"a", &holds).unwrap()[0], 0x22);
    owner.now_ms = 9_999;
    assert_eq!(owner.answer_ask(b"a", &ASK), Err(Error::Budget));
    owner.now_ms = 10_000;
    assert_eq!(owner.answer_ask(b"a", &ASK).unwrap()[0], 0x21);
    // Who claims to hold what it was never given gets it.
    let mut fresh = stored(&CONFIG, 3);
    assert_eq!(fresh.answer_ask(b"a", &holds).unwrap()[0], 0x21);
    assert_eq!(fresh.answer_ask(b"a", &[0x20, 0, 8, 0, 0, 0, 1, 0]), Err(Error::UnknownSession));

    // Who stays keeps its kid; a free one is given away in the new epoch.
    owner.rekey(Some(b"b"));
    owner.now_ms = 30_000;
    let kid = |owner: &mut Owner, id: &[u8]| {
        let join = owner.answer_ask(id, &ASK).unwrap();
        let held = joined(MemberConfig::default(), &join).group().unwrap();
        (held.epoch, held.kid)
    };
    assert_eq!(
        [kid(&mut owner, b"d"), kid(&mut owner, b"c"), kid(&mut owner, b"a")],
        [(2, 2), (2, 3), (2, 1)]
    );
}

#[test]
fn members_without_a_kid_have_no_place() {
    let mut owner = Owner::created(&SIGNED, 0);
    for at in 0..1_000_u32 {
        assert_eq!(owner.answer_ask(&at.to_be_bytes(), &ASK).unwrap().len(), 79);
    }
    assert_eq!(owner.answer_ask(b"a", &[0x20, 0, 7, 0, 0, 0, 1, 0]).unwrap()[0], 0x22);
    assert_eq!(owner.answer_ask(b"a", &[0x20, 0, 0, 0, 0, 0, 1, 0]).unwrap()[0], 0x21, "of which group?");
    owner.rekey(Some(b"a"));
    assert_eq!(owner.answer_ask(b"a", &[0x20, 0, 7, 0, 0, 0, 1, 0]).unwrap()[0], 0x21);
}

#[test]
fn leaving() {
    let mut owner = stored(&CONFIG, 3);
    owner.answer_ask(b"a", &ASK).unwrap();
    let take = |owner: &mut Owner, id: &[u8], input: &[u8]| {
        let mut notice = GroupMessage::new();
        owner.run(|group, env| group.take_leave(env, id, input, &mut notice)).map(|()| notice.to_vec())
    };
    assert_eq!(take(&mut owner, b"a", &[0x24, 0]), Err(Error::Malformed));
    assert_eq!(take(&mut owner, b"a", &ASK), Err(Error::Malformed));
    assert_eq!(take(&mut owner, b"a", &[0x24, 0, 8]), Err(Error::UnknownSession));
    assert_eq!(take(&mut owner, b"a", &[0x24, 0, 0]), Err(Error::UnknownSession));
    assert_eq!(take(&mut owner, b"z", &[0x24, 0, 7]), Err(Error::UnknownSession), "no member");
    assert_eq!(owner.group.epoch(), 1, "which begins no epoch");
    assert_eq!(take(&mut owner, b"a", &[0x24, 0, 7]).unwrap(), [0x23, 0, 7, 0, 0, 0, 2]);
    assert_eq!((owner.group.epoch(), ids(&owner)[0].clone()), (2, None));
}

/// Section 6: one counter over modes and epochs.
#[test]
fn numbers_over_modes_and_epochs() {
    let mut owner = Owner::created(&CONFIG, 3);
    for number in 0..30_u64 {
        let (object, _) = owner.seal(NOW[number as usize % 2], Carrier::Oscore, b"\x01").unwrap();
        assert_eq!(super::super::form::RequestForm::parse(&object).unwrap().number, number);
        if number % 7 == 6 {
            owner.rekey(None);
        }
    }
    // A number that was used, or left out, since it was looked at.
    let sealing = owner.group.begin_request(Mode::Signed, 0).unwrap();
    owner.seal(Mode::Tagged, Carrier::Oscore, b"\x01").unwrap();
    let mut rest = [1; 1 + 8 + 64];
    assert_eq!(
        owner.group.seal_request_in_place(&sealing, Carrier::Oscore, &mut rest).err(),
        Some(Error::State)
    );
    let sealing = owner.group.begin_request(Mode::Signed, 0).unwrap();
    owner.rekey(None);
    assert_eq!(
        owner.group.seal_request_in_place(&sealing, Carrier::Oscore, &mut rest).err(),
        Some(Error::State)
    );
    assert_eq!(
        Owner::created(&SIGNED, 0).seal(Mode::Tagged, Carrier::Oscore, b"\x01").err(),
        Some(Error::State)
    );

    owner.group.numbers.begin(SEQUENCE_MAX, false, 0);
    owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    assert_eq!(owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").err(), Some(Error::Exhausted));
    owner.group.epoch = u32::MAX;
    let mut notice = GroupMessage::new();
    assert_eq!(owner.run(|group, env| group.rekey(env, None, &mut notice)), Err(Error::Exhausted));
}

#[test]
fn timed_numbers() {
    let config = GroupConfig { flags: flag::SIGNED | flag::TIMED, slots: 0, ..CONFIG };
    let mut owner = Owner::new(0);
    owner.now_ms = 1_000;
    owner.run(|group, env| group.create((), env, &config)).unwrap();
    let number = |owner: &mut Owner, now_ms: u64| {
        owner.now_ms = now_ms;
        let (object, _) = owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
        super::super::form::RequestForm::parse(&object).unwrap().number
    };
    assert_eq!([number(&mut owner, 1_000), number(&mut owner, 1_000), number(&mut owner, 1_000)], [0, 1, 2]);
    assert_eq!([number(&mut owner, 1_000 + 64 * 3), number(&mut owner, 1_000 + 64 * 10 + 63)], [3, 10]);
    assert_eq!(
        [number(&mut owner, 0), number(&mut owner, 1_000)],
        [11, 12],
        "a clock that goes back stands still"
    );
    // A floor that was given out is not gone below, whatever the clock does.
    owner.now_ms = 1_000 + 64 * 100;
    let join = owner.answer_ask(b"a", &ASK).unwrap();
    assert_eq!(join[8..13], [0, 0, 0, 0, 100]);
    assert_eq!(number(&mut owner, 0), 100);
}

#[test]
fn blocks_of_numbers() {
    let mut owner = stored(&SIGNED, 0);
    owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    let blob = owner.store(3).unwrap();
    (1..4).for_each(|_| _ = owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap());
    assert_eq!(owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").err(), Some(Error::Unstored));

    let mut again = owner.restored(&blob).unwrap();
    assert_eq!(again.group.epoch(), 1);
    assert_eq!(again.seal(Mode::Signed, Carrier::Oscore, b"\x01").err(), Some(Error::Unstored));
    again.store(3).unwrap();
    let (object, _) = again.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    assert_eq!(super::super::form::RequestForm::parse(&object).unwrap().number, 4);

    // Storage that fails: no number that either blob does not allow.
    let failed = again.run(|group, env| group.store(env, 100, |_| Err(Error::Storage)));
    assert_eq!(failed, Err(Error::Storage));
    again.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    again.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    assert_eq!(again.seal(Mode::Signed, Carrier::Oscore, b"\x01").err(), Some(Error::Unstored));
}

/// What a timed group gives out as a floor it must not go below after a restart.
#[test]
fn floors_within_the_block() {
    let config = GroupConfig { flags: flag::SIGNED | flag::TIMED, slots: 0, ..CONFIG };
    let mut owner = stored(&config, 0);
    let blob = owner.store(10).unwrap();
    owner.now_ms = 10 * TICK_MS;
    let join = owner.answer_ask(b"a", &ASK).unwrap();
    assert_eq!(join[8..13], [0, 0, 0, 0, 10], "where a restored one begins");
    assert_eq!(owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").err(), Some(Error::Unstored));
    owner.now_ms = 11 * TICK_MS;
    assert_eq!(owner.answer_ask(b"a", &ASK), Err(Error::Unstored));
    let mut again = owner.restored(&blob).unwrap();
    again.store(10).unwrap();
    let mut member = joined(MemberConfig::default(), &join);
    let (object, _) = again.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    member.open(0, Carrier::Oscore, &object).unwrap();
}

/// A new epoch is stored before it is used or given out; the place of who has left is deleted after that.
#[test]
fn a_new_epoch_is_stored_first() {
    let mut owner = stored(&CONFIG, 3);
    let old = owner.store(10).unwrap();
    owner.answer_ask(b"a", &ASK).unwrap();
    owner.answer_ask(b"b", &ASK).unwrap();
    owner.rekey(Some(b"a"));
    assert_eq!(owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").err(), Some(Error::Unstored));
    assert_eq!(owner.answer_ask(b"c", &ASK), Err(Error::Unstored));
    assert_eq!(owner.saved.as_ref().unwrap().len(), 2, "in the old epoch its kid is its own");

    // The power goes here: the old epoch, with its members.
    let mut before = owner.restored(&old).unwrap();
    assert_eq!((before.group.epoch(), ids(&before)[0].as_deref()), (1, Some(&b"a"[..])));
    before.store(10).unwrap();
    assert_eq!(before.answer_ask(b"a", &[0x20, 0, 7, 0, 0, 0, 1, 0]).unwrap()[0], 0x22);

    let new = owner.store(10).unwrap();
    assert_eq!(owner.saved.as_ref().unwrap().keys().collect::<Vec<_>>(), [&2]);
    let join = owner.answer_ask(b"c", &ASK).unwrap();
    assert_eq!(joined(MemberConfig::default(), &join).group().unwrap().kid, 1);
    let mut after = owner.restored(&new).unwrap();
    assert_eq!(after.group.epoch(), 2);
    assert_eq!(ids(&after), [Some(b"c".to_vec()), Some(b"b".to_vec()), None]);
    after.store(10).unwrap();

    // Their answers open, though they have not asked since.
    let mut lamp = joined(MemberConfig::default(), &join);
    let (object, mut ours) = after.seal(Mode::Tagged, Carrier::Oscore, b"\x01").unwrap();
    let mut opened = lamp.open(0, Carrier::Oscore, &object).unwrap();
    let answer = lamp.answer_to(&mut opened.exchange, b"\x45").unwrap();
    assert_eq!(after.open_answer(&mut ours, &answer).unwrap(), (b"c".to_vec(), b"\x45".to_vec()));
}

#[test]
fn a_place_is_saved_before_it_is_given() {
    let mut owner = Owner::created(&CONFIG, 3);
    let mut out = GroupMessage::new();
    let mut fails = |_: u8, _: Option<&[u8]>| Err(Error::Storage);
    let Owner { group, places, platform, .. } = &mut owner;
    let mut env = Env { platform, places, now_ms: 0, save: Some(&mut fails) };
    assert_eq!(group.answer_ask(&mut env, b"a", &ASK, &mut out), Err(Error::Storage));
    assert!(out.is_empty());
    assert_eq!(ids(&owner)[0], None);
    owner.answer_ask(b"a", &ASK).unwrap();
}

#[test]
fn restored_without_its_places_it_begins_a_new_epoch() {
    let mut owner = Owner::created(&CONFIG, 3);
    let blob = owner.store(10).unwrap();
    let mut again = owner.restored(&blob).unwrap();
    assert_eq!(again.group.epoch(), 2);
    assert_eq!(again.answer_ask(b"a", &ASK), Err(Error::Unstored));
    // Without randomness there is none, and nothing has changed.
    let seals = again.seal(Mode::Signed, Carrier::Oscore, b"\x01").err();
    let Owner { group, places, .. } = &mut again;
    let mut env = Env { platform: &mut NoRandom, places, now_ms: 0, save: None };
    assert_eq!(group.restore((), &mut env, &CONFIG, &blob), Err(Error::Random));
    assert_eq!((again.group.epoch(), seals), (2, Some(Error::Unstored)));
    again.store(10).unwrap();
    again.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    // Where there are none, there is nothing to lose.
    let mut owner = Owner::created(&SIGNED, 0);
    let blob = owner.store(10).unwrap();
    assert_eq!(owner.restored(&blob).unwrap().group.epoch(), 1);
}

#[test]
fn what_is_no_blob_of_the_group() {
    let mut owner = stored(&CONFIG, 3);
    owner.answer_ask(b"a", &ASK).unwrap();
    let blob = owner.store(10).unwrap();
    for at in 0..blob.len() {
        let mut damaged = blob.clone();
        damaged[at] ^= 1;
        assert_eq!(owner.restored(&damaged).err(), Some(Error::Malformed));
        assert_eq!(owner.restored(&blob[..at]).err(), Some(Error::Malformed));
    }
    for config in [
        GroupConfig { number: 8, ..CONFIG },
        GroupConfig { slots: 4, ..CONFIG },
        GroupConfig { flags: CONFIG.flags | flag::TIMED, ..CONFIG },
    ] {
        let restored = owner.run(|group, env| group.restore((), env, &config, &blob));
        assert_eq!(restored, Err(Error::State));
    }
    assert_eq!(ids(&owner)[0].as_deref(), Some(&b"a"[..]), "nothing has changed");

    let mut again = owner.restored(&blob).unwrap();
    let Owner { group, places, .. } = &mut again;
    assert_eq!(group.restore_place(places, 2, b"a"), Err(Error::State), "it has another");
    assert_eq!(group.restore_place(places, 1, b"b"), Err(Error::State), "it is taken");
    assert_eq!(group.restore_place(places, 0, b"b"), Err(Error::Argument));
    assert_eq!(group.restore_place(places, 4, b"b"), Err(Error::Argument));
    assert_eq!(group.restore_place(places, 2, b""), Err(Error::Argument));
    group.restore_place(places, 3, b"b").unwrap();
}

/// A second answer is a replay, in whatever order they come; nobody's kid and who has not joined this epoch are unknown.
#[test]
fn answers() {
    let mut owner = Owner::created(&CONFIG, 3);
    let mut lamps: Vec<_> = [b"a", b"b", b"c"]
        .iter()
        .map(|id| joined(MemberConfig::default(), &owner.answer_ask(*id, &ASK).unwrap()))
        .collect();
    let (object, mut ours) = owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    let answers: Vec<_> = lamps
        .iter_mut()
        .map(|lamp| {
            let mut opened = lamp.open(0, Carrier::Oscore, &object).unwrap();
            lamp.answer_to(&mut opened.exchange, b"\x45").unwrap()
        })
        .collect();
    for at in [2, 0, 1] {
        assert_eq!(owner.open_answer(&mut ours, &answers[at]).unwrap().0, [[b"a", b"b", b"c"][at][0]]);
        assert_eq!(owner.open_answer(&mut ours, &answers[at]), Err(Error::Replay));
    }
    owner.rekey(None);
    owner.now_ms = 10_000;
    lamps[0].ask_for(60_000).unwrap();
    lamps[0].answer(60_000, &owner.answer_ask(b"a", &ASK).unwrap()).unwrap();
    let (object, mut ours) = owner.seal(Mode::Tagged, Carrier::Oscore, b"\x01").unwrap();
    let mut opened = lamps[0].open(60_000, Carrier::Oscore, &object).unwrap();
    let answer = lamps[0].answer_to(&mut opened.exchange, b"\x45").unwrap();
    let mut of_another = answer.clone();
    of_another[1] = 2;
    assert_eq!(owner.open_answer(&mut ours, &of_another), Err(Error::UnknownSession), "b has not asked yet");
    assert_eq!(owner.open_answer(&mut GroupExchange::default(), &answer), Err(Error::Uninitialised));
    owner.open_answer(&mut ours, &answer).unwrap();
    let _ = member(MemberConfig::default());
}
