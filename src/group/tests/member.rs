//! A member's floor, its questions, hints and ages.

use super::world::{Opens, Owner, joined, member};
use crate::crypto::Software;
use crate::error::Error;
use crate::group::message::Emit;
use crate::group::*;
use crate::session::Carrier;
use std::vec::Vec;

const LAMP: &[u8] = b"lamp";
const CONFIG: GroupConfig = GroupConfig {
    number: 7,
    flags: flag::SIGNED,
    slots: 0,
    address: Address { bytes: crate::bytes::Bytes::EMPTY, port: 0 },
};
const TIMED: GroupConfig = GroupConfig { flags: flag::TAGGED | flag::TIMED, slots: 4, ..CONFIG };
const MINUTE: u64 = 60_000;
const PLAINTEXT: &[u8] = b"\x03\xb5light\xffon";

fn sync(group: u16, epoch: u32, floor: u64) -> Vec<u8> {
    let mut out = GroupMessage::new();
    out.put_sync(group, epoch, floor);
    out.to_vec()
}

fn leave(group: u16) -> Vec<u8> {
    let mut out = GroupMessage::new();
    write_leave(group, &mut out);
    out.to_vec()
}

/// An owner and a member that has asked it at this time.
fn pair(config: &GroupConfig, member_config: MemberConfig, now_ms: u64) -> (Owner, Member<Software>) {
    let mut owner = Owner::created(config, 4);
    let mut member = member(member_config);
    owner.now_ms = now_ms;
    exchange(&mut owner, &mut member).unwrap();
    (owner, member)
}

/// The member asks, and takes the answer.
fn exchange(owner: &mut Owner, member: &mut Member<Software>) -> Result<(), Error> {
    let ask = member.ask_for(owner.now_ms)?;
    let answer = owner.answer_ask(LAMP, &ask)?;
    member.answer(owner.now_ms, &answer)
}

fn signed(owner: &mut Owner) -> Vec<u8> {
    owner.seal(Mode::Signed, Carrier::Oscore, PLAINTEXT).unwrap().0
}

fn open(member: &mut Member<Software>, now_ms: u64, object: &[u8]) -> Result<(), Error> {
    member.open(now_ms, Carrier::Oscore, object).map(|opened| assert_eq!(opened.plaintext, PLAINTEXT))
}

#[test]
fn nothing_is_taken_that_was_not_asked_for() {
    let (mut owner, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    let join = owner.answer_ask(LAMP, &super::membership::ASK).unwrap();
    for answer in [join.clone(), sync(7, 1, 0), leave(7)] {
        assert_eq!(member.answer(0, &answer), Err(Error::Unexpected), "answered already");
    }
    assert_eq!(member.group().unwrap().epoch, 1);
    let mut fresh = super::world::member(MemberConfig::default());
    for answer in [join, sync(7, 1, 0), leave(0)] {
        assert_eq!(fresh.answer(0, &answer), Err(Error::Unexpected), "never asked");
    }
    fresh.ask_for(0).unwrap();
    assert_eq!(fresh.answer(0, &sync(7, 1, 0)), Err(Error::Unexpected), "it holds nothing");
    assert_eq!(fresh.answer(0, &sync(0, 0, 0)), Err(Error::Malformed));

    let mut zeroed = Member::<Software>::new();
    let mut out = GroupMessage::new();
    assert_eq!(zeroed.ask(0, &mut out), Err(Error::Uninitialised));
    assert_eq!(zeroed.answer(0, &sync(7, 1, 0)), Err(Error::Uninitialised));
    assert_eq!(zeroed.notice(&[0x23, 0, 7, 0, 0, 0, 2]), Err(Error::Uninitialised));
    assert_eq!((zeroed.ask_due(), zeroed.group().err()), (u64::MAX, Some(Error::Uninitialised)));
}

#[test]
fn a_floor_never_falls_within_an_epoch() {
    let (mut owner, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    let old = owner.answer_ask(LAMP, &super::membership::ASK).unwrap();
    let requests: Vec<_> = (0..4).map(|_| signed(&mut owner)).collect();
    open(&mut member, 0, &requests[1]).unwrap();
    assert_eq!(open(&mut member, 0, &requests[0]), Err(Error::Replay), "overtaken");
    assert_eq!(open(&mut member, 0, &requests[1]), Err(Error::Replay));

    // Answers that have been under way for long do not lower it; newer ones raise it.
    member.ask_for(MINUTE).unwrap();
    member.answer(MINUTE, &sync(7, 1, 0)).unwrap();
    assert_eq!(open(&mut member, MINUTE, &requests[1]), Err(Error::Replay));
    member.ask_for(2 * MINUTE).unwrap();
    member.answer(2 * MINUTE, &old).unwrap();
    assert_eq!(open(&mut member, 2 * MINUTE, &requests[1]), Err(Error::Replay));
    member.ask_for(3 * MINUTE).unwrap();
    member.answer(3 * MINUTE, &sync(7, 1, 3)).unwrap();
    assert_eq!(open(&mut member, 3 * MINUTE, &requests[2]), Err(Error::Replay));
    open(&mut member, 3 * MINUTE, &requests[3]).unwrap();
    assert_eq!(member.stats().replays, 5);
    assert_eq!(member.stats().opened_signed, 2);
}

/// A higher epoch has new keys, another owner another group: the floor is the one given.
#[test]
fn a_floor_is_the_given_one_under_other_keys() {
    let (mut owner, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    (0..5).for_each(|_| open(&mut member, 0, &signed(&mut owner)).unwrap());
    let mut other = Owner::new(0);
    other.platform.state = 99;
    other.run(|group, env| group.create((), env, &CONFIG)).unwrap();
    let join = other.answer_ask(LAMP, &super::membership::ASK).unwrap();
    member.ask_for(MINUTE).unwrap();
    member.answer(MINUTE, &join).unwrap();
    open(&mut member, MINUTE, &signed(&mut other)).unwrap();

    owner.rekey(None);
    owner.group.numbers.begin(2, false, 0);
    member.ask_for(2 * MINUTE).unwrap();
    let join = owner.answer_ask(LAMP, &super::membership::ASK).unwrap();
    member.answer(2 * MINUTE, &join).unwrap();
    open(&mut member, 2 * MINUTE, &signed(&mut owner)).unwrap();
}

#[test]
fn who_is_told_to_leave_holds_nothing() {
    let (mut owner, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    let object = signed(&mut owner);
    member.ask_for(MINUTE).unwrap();
    assert_eq!(member.answer(MINUTE, &leave(7)), Err(Error::UnknownSession));
    assert_eq!(member.group().err(), Some(Error::Uninitialised));
    assert_eq!(member.held.keys[0].key, [0; 16]);
    assert_eq!(open(&mut member, MINUTE, &object), Err(Error::UnknownSession));
    assert_eq!(member.ask_due(), u64::MAX, "there is nothing to ask for");
    // It may, if the application thinks so, and not too soon.
    assert_eq!(member.ask_for(2 * MINUTE - 1), Err(Error::State));
    // Or if the owner lets it in again, and says so.
    assert_eq!(member.notice(&owner.rekey(None)), Err(Error::Ask));
    assert_eq!(member.ask_due(), 2 * MINUTE);
    assert_eq!(member.ask_for(2 * MINUTE).unwrap(), super::membership::ASK);
    assert_eq!(member.answer(2 * MINUTE, &leave(0)), Err(Error::UnknownSession));
}

#[test]
fn it_asks_once_in_a_minute_until_it_is_answered() {
    let mut member = member(MemberConfig::default());
    assert_eq!(member.ask_due(), 0, "it has just started");
    member.ask_for(5_000).unwrap();
    assert_eq!(member.ask_due(), 65_000, "in case no answer comes");
    assert_eq!(member.ask_for(64_999), Err(Error::State));
    member.ask_for(65_000).unwrap();
    let (mut owner, _) = pair(&CONFIG, MemberConfig::default(), 0);
    let join = owner.answer_ask(LAMP, &super::membership::ASK).unwrap();
    member.answer(66_000, &join).unwrap();
    assert_eq!(member.ask_due(), u64::MAX);
    // It has slept: before it listens.
    member.wake();
    assert_eq!(member.ask_due(), 65_000 + MINUTE);
    // A clock that goes back stands still.
    assert_eq!(member.ask_for(3_000), Err(Error::State));

    let mut quick = super::world::member(MemberConfig { ask_ms: 10, ..MemberConfig::default() });
    quick.ask_for(0).unwrap();
    assert_eq!(quick.ask_for(9), Err(Error::State));
    quick.ask_for(10).unwrap();
}

/// An object that names a newer epoch: anybody can make one.
fn forged(epoch: u8) -> Vec<u8> {
    let mut object = std::vec![0x39, 0x50, 3, 0, 7, 0x40 | epoch];
    object.extend([0; 9 + 64]);
    object
}

#[test]
fn a_false_hint_is_not_believed_again_for_ten_minutes() {
    let (mut owner, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    assert_eq!(open(&mut member, 100, &forged(2)), Err(Error::Ask));
    assert_eq!(member.ask_due(), MINUTE);
    let ask = member.ask_for(70_000).unwrap();
    assert_eq!(open(&mut member, 70_100, &forged(2)), Err(Error::Ask), "not yet known to be false");
    owner.now_ms = 70_200;
    let answer = owner.answer_ask(LAMP, &ask).unwrap();
    assert_eq!(answer, sync(7, 1, 0));
    member.answer(70_200, &answer).unwrap();
    assert_eq!(member.ask_due(), u64::MAX);
    assert_eq!(open(&mut member, 669_999, &forged(2)), Err(Error::UnknownSession));
    assert_eq!(member.ask_due(), u64::MAX);
    assert_eq!(open(&mut member, 670_000, &forged(2)), Err(Error::Ask), "ten minutes after that ASK");
    assert!(member.ask_due() <= 670_000);

    // What the owner says itself is no hint.
    owner.now_ms = 670_000;
    exchange(&mut owner, &mut member).unwrap();
    let notice = owner.rekey(None);
    assert_eq!(open(&mut member, 700_000, &forged(2)), Err(Error::UnknownSession));
    assert_eq!(member.notice(&notice), Err(Error::Ask));
    assert_eq!(member.ask_due(), 670_000 + MINUTE);
    owner.now_ms = 730_000;
    exchange(&mut owner, &mut member).unwrap();
    assert_eq!((member.group().unwrap().epoch, member.ask_due()), (2, u64::MAX));
    // After a JOIN hints are believed.
    assert_eq!(open(&mut member, 730_000, &forged(3)), Err(Error::Ask));
    assert_eq!(open(&mut member, 730_000, &forged(1)), Err(Error::UnknownSession), "an older one");
}

/// A hint that comes while an answer is under way is not what that answer is about.
#[test]
fn a_hint_after_the_ask_waits_for_the_next() {
    let (mut owner, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    let ask = member.ask_for(MINUTE).unwrap(); // of its own accord
    owner.now_ms = MINUTE;
    let answer = owner.answer_ask(LAMP, &ask).unwrap();
    owner.rekey(None);
    let object = signed(&mut owner);
    assert_eq!(open(&mut member, MINUTE, &object), Err(Error::Ask));
    member.answer(MINUTE + 1, &answer).unwrap();
    assert_eq!(member.ask_due(), 2 * MINUTE);
    owner.now_ms = 2 * MINUTE;
    exchange(&mut owner, &mut member).unwrap();
    assert_eq!(member.group().unwrap().epoch, 2);
}

#[test]
fn notices() {
    let (_, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    let notice = |group: u16, epoch: u32| {
        let mut out = GroupMessage::new();
        out.put_notice(group, epoch);
        out.to_vec()
    };
    assert_eq!(member.notice(&notice(7, 1)), Ok(()));
    assert_eq!(member.notice(&notice(8, 2)), Err(Error::UnknownSession));
    assert_eq!(member.notice(&sync(7, 2, 0)), Err(Error::Malformed));
    assert_eq!(member.ask_due(), u64::MAX);
    assert_eq!(member.notice(&notice(7, 2)), Err(Error::Ask));
    assert_eq!(member.ask_due(), MINUTE);
    // The owner tells before it begins: the answer may still be of the old epoch.
    member.ask_for(MINUTE).unwrap();
    member.answer(MINUTE, &sync(7, 1, 0)).unwrap();
    assert_eq!(member.ask_due(), 2 * MINUTE);
    // It never began: that is not asked for over and over, until it is told again.
    member.ask_for(2 * MINUTE).unwrap();
    member.answer(2 * MINUTE, &sync(7, 1, 0)).unwrap();
    assert_eq!(member.ask_due(), u64::MAX);
    assert_eq!(member.notice(&notice(7, 2)), Err(Error::Ask));
    assert_eq!(member.ask_due(), 3 * MINUTE);
}

#[test]
fn ages() {
    let age = MemberConfig { max_age_s: 2, ..MemberConfig::default() };
    let (mut owner, mut member) = pair(&TIMED, age, 1_000_000);
    assert_eq!(member.ask_due(), 1_000_000 + 86_400_000, "once a day");
    let n0 = 1_000_000 / TICK_MS;
    let seal = |owner: &mut Owner, number: u64| {
        owner.group.numbers.begin(number, false, 0);
        owner.seal(Mode::Tagged, Carrier::Oscore, PLAINTEXT).unwrap().0
    };
    // Two seconds count as 32 numbers, on either side.
    for (number, elapsed, expected) in [
        (n0 + 33, 0, Err(Error::Ask)),
        (n0 + 32, 0, Ok(())),
        (n0 + 33, 66 * TICK_MS, Err(Error::Ask)),
        (n0 + 34, 66 * TICK_MS, Ok(())),
        (n0 + 99, 66 * TICK_MS, Err(Error::Ask)),
        (n0 + 98, 66 * TICK_MS, Ok(())),
    ] {
        let object = seal(&mut owner, number);
        assert_eq!(open(&mut member, 1_000_000 + elapsed, &object), expected, "{number} {elapsed}");
    }
    assert_eq!((member.stats().too_old, member.stats().opened_tagged), (3, 3));
    assert_eq!(member.ask_due(), 1_000_000 + MINUTE);

    // The estimate begins when the ASK was sent, not when the answer came.
    let now_ms = 1_000_000 + MINUTE;
    member.ask_for(now_ms).unwrap();
    member.answer(now_ms + 10_000, &sync(7, 1, 50_000)).unwrap();
    let estimate = 50_000 + 10_000 / TICK_MS;
    let object = seal(&mut owner, estimate - 33);
    assert_eq!(open(&mut member, now_ms + 10_000, &object), Err(Error::Ask));
    let object = seal(&mut owner, estimate - 32);
    open(&mut member, now_ms + 10_000, &object).unwrap();
    // Of a group that is not timed, or with no greatest age, none is checked.
    let (mut owner, mut member) = pair(&TIMED, MemberConfig::default(), 1_000_000);
    let object = seal(&mut owner, 1 << 39);
    open(&mut member, 1_000_000, &object).unwrap();
    assert_eq!(member.ask_due(), u64::MAX);
}

/// An owner's numbers follow its clock, so that what it seals is of the right age for as long as both clocks agree.
#[test]
fn a_timed_group_for_a_week() {
    let age = MemberConfig { max_age_s: 5, ..MemberConfig::default() };
    let (mut owner, mut member) = pair(&TIMED, age, 50);
    let mut hour = 0;
    while hour < 7 * 24 {
        hour += 1;
        owner.now_ms = 50 + hour * 3_600_000;
        if owner.now_ms >= member.ask_due() {
            exchange(&mut owner, &mut member).unwrap();
        }
        for _ in 0..3 {
            let (object, _) = owner.seal(Mode::Tagged, Carrier::Oscore, PLAINTEXT).unwrap();
            open(&mut member, owner.now_ms + 4_000, &object).unwrap();
        }
        let (object, _) = owner.seal(Mode::Tagged, Carrier::Oscore, PLAINTEXT).unwrap();
        assert_eq!(open(&mut member, owner.now_ms + 6_000, &object), Err(Error::Ask), "held back");
        owner.now_ms += 6_000;
    }
    assert_eq!(member.stats().opened_tagged, 3 * 7 * 24);
}

#[test]
fn a_restored_member_opens_nothing_before_it_has_asked() {
    for config in [
        CONFIG,
        TIMED,
        GroupConfig { flags: flag::SIGNED | flag::TAGGED | flag::ANSWERS, slots: 3, ..CONFIG },
        GroupConfig {
            address: Address {
                bytes: crate::bytes::Bytes::copy_of(&[239, 192, 0, 1], Error::Argument).unwrap(),
                port: 5683,
            },
            ..CONFIG
        },
    ] {
        let mode = if config.flags & flag::SIGNED != 0 { Mode::Signed } else { Mode::Tagged };
        let (mut owner, mut member) = pair(&config, MemberConfig::default(), 0);
        let (before, _) = owner.seal(mode, Carrier::Oscore, PLAINTEXT).unwrap();
        open(&mut member, 0, &before).unwrap();
        let mut blob = Vec::new();
        member
            .store(|bytes| {
                blob.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
        assert!(blob.len() <= MEMBER_BLOB_MAX);
        assert_eq!(member.store(|_| Err(Error::Storage)), Err(Error::Storage));

        let mut restored = Member::<Software>::new();
        restored.restore((), &MemberConfig::default(), &blob).unwrap();
        assert_eq!(open(&mut restored, 0, &before), Err(Error::Ask));
        assert_eq!(restored.ask_due(), 0);
        let ask = restored.ask_for(0).unwrap();
        let answer = owner.answer_ask(LAMP, &ask).unwrap();
        assert_eq!(answer[0], 0x22, "a SYNC does");
        restored.answer(0, &answer).unwrap();
        assert_eq!(open(&mut restored, 0, &before), Err(Error::Replay));
        let (after, mut ours) = owner.seal(mode, Carrier::Oscore, PLAINTEXT).unwrap();
        let mut opened = restored.open(0, Carrier::Oscore, &after).unwrap();
        if config.flags & flag::ANSWERS != 0 {
            let answer = restored.answer_to(&mut opened.exchange, b"\x45").unwrap();
            assert_eq!(owner.open_answer(&mut ours, &answer).unwrap().0, LAMP);
        } else {
            assert_eq!(restored.answer_to(&mut opened.exchange, b"\x45"), Err(Error::State));
        }
        let (one, other) = (member.group().unwrap(), restored.group().unwrap());
        assert_eq!(
            (one.number, one.epoch, one.flags, one.slots),
            (other.number, other.epoch, other.flags, other.slots)
        );
        assert_eq!(
            (one.address.bytes.as_slice(), one.address.port),
            (other.address.bytes.as_slice(), other.address.port)
        );

        for at in 0..blob.len() {
            let mut damaged = blob.clone();
            damaged[at] ^= 0x10;
            assert_eq!(restored.restore((), &MemberConfig::default(), &damaged), Err(Error::Malformed));
            assert_eq!(restored.restore((), &MemberConfig::default(), &blob[..at]), Err(Error::Malformed));
        }
        assert!(restored.group().is_ok(), "nothing has changed");
    }
    let nothing = member(MemberConfig::default());
    assert_eq!(nothing.store(|_| Ok(())), Err(Error::Uninitialised));
}

/// Of an older epoch, restored: it gets a JOIN.
#[test]
fn a_restored_member_that_missed_a_rekeying() {
    let (mut owner, member) = pair(&CONFIG, MemberConfig::default(), 0);
    let mut blob = Vec::new();
    member
        .store(|bytes| {
            blob.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
    owner.rekey(None);
    let mut restored = Member::<Software>::new();
    restored.restore((), &MemberConfig::default(), &blob).unwrap();
    exchange(&mut owner, &mut restored).unwrap();
    assert_eq!(restored.group().unwrap().epoch, 2);
    open(&mut restored, 0, &signed(&mut owner)).unwrap();
}

/// 64 rekeyings look like none: the group's tag tells.
#[test]
fn an_epoch_that_looks_the_same() {
    let (mut owner, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    for epoch in 2..=65 {
        owner.rekey(None);
        let expected = match epoch - 1 {
            1..=31 => Error::Ask,
            64 => Error::Authentication,
            _ => Error::UnknownSession,
        };
        assert_eq!(open(&mut member, 0, &signed(&mut owner)), Err(expected), "{epoch}");
    }
    assert_eq!(member.stats().bad_group_tags, 1);
}

#[test]
fn floods() {
    let config = GroupConfig { flags: flag::SIGNED | flag::TAGGED, slots: 4, ..CONFIG };
    let (mut owner, mut member) = pair(&config, MemberConfig::default(), 0);
    let checks = |member: &Member<Software>| member.stats().bad_signatures + member.stats().bad_tags;
    // An outsider's: a thousand garbled copies of a missed request in a second.
    open(&mut member, 0, &signed(&mut owner)).unwrap();
    let missed = signed(&mut owner);
    let mut garbled = missed.clone();
    for at in 0..1_000 {
        let len = garbled.len();
        garbled[len - 1 - at % 64] ^= 1 << (at / 64 % 8);
        if garbled != missed {
            member.open(at as u64, Carrier::Oscore, &garbled).err().unwrap();
        }
    }
    assert_eq!((checks(&member), member.stats().bad_signatures), (3, 3));
    open(&mut member, 1_000, &signed(&mut owner)).unwrap();

    // A captured member's: it has the group's key, and seals what it likes.
    let mut captured = Owner::created(&config, 4);
    captured.group.load((), &config, 1, &[9; 32], &owner.group.ms, &[9; 32]).unwrap();
    captured.group.owner = owner.group.owner;
    let before = checks(&member);
    for at in 0..600 {
        captured.group.numbers.begin(100 + at, false, 0);
        let mode = if at % 30 == 0 { Mode::Signed } else { Mode::Tagged };
        let (object, _) = captured.seal(mode, Carrier::Oscore, PLAINTEXT).unwrap();
        assert!(open(&mut member, 10_000 + at * 100, &object).is_err());
    }
    let spent = checks(&member) - before;
    assert!((60..=66).contains(&spent), "{spent}");
    assert_eq!(member.stats().refused_unchecked, 1_000 - 3 + 600 - spent);
    // Who floods with ever higher numbers leaves the other bucket to the genuine ones.
    open(&mut member, 70_000, &signed(&mut owner)).unwrap();
}

/// Over zeroed memory and over an older member alike; 480 bytes of a C object.
#[test]
fn room() {
    assert!(size_of::<Member<Software>>() <= 464, "{}", size_of::<Member<Software>>());
    assert!(size_of::<Place>() <= 144, "{}", size_of::<Place>());
    let (mut owner, mut member) = pair(&CONFIG, MemberConfig::default(), 0);
    open(&mut member, 0, &signed(&mut owner)).unwrap();
    member.init((), &MemberConfig::default());
    assert_eq!((member.stats(), member.ask_due()), (MemberStats::default(), 0));
    assert_eq!(open(&mut member, 0, &signed(&mut owner)), Err(Error::UnknownSession));
    member.wipe();
    assert_eq!(open(&mut member, 0, &signed(&mut owner)), Err(Error::Uninitialised));
    let _ = joined(MemberConfig::default(), &owner.answer_ask(LAMP, &super::membership::ASK).unwrap());
}
