//! A device that sends in the owner's place.

use super::membership::{ASK, config, owner};
use super::world::{Opens, Owner, joined, member};
use crate::crypto::Software;
use crate::error::Error;
use crate::group::*;
use crate::limits::SEQUENCE_MAX;
use crate::session::Carrier;
use crate::vectors::{self, Vectors};
use std::vec::Vec;

pub const SWITCH: &[u8] = b"switch";
pub const LAMP: &[u8] = b"lamp-001";
const TICK: u64 = TICK_MS;
const HOUR: u64 = 3_600_000;

fn entry() -> Vectors {
    vectors::group().get("delegate")
}

/// The owner of the example, whose ticks are those of the example at 0 ms.
fn example() -> Owner {
    let entry = entry();
    let config = config(&entry, entry.number("flags") as u8, entry.number("slots") as u8, Address::default());
    let mut owner = owner(&entry, &config, entry.number("ticks"));
    owner.run(|group, env| group.set_delegate(env, Some(SWITCH))).unwrap();
    owner
}

pub fn delegate() -> Delegate<Software> {
    let mut delegate = Delegate::new();
    delegate.init((), 0);
    delegate
}

pub fn ask(delegate: &mut Delegate<Software>, now_ms: u64) -> Result<Vec<u8>, Error> {
    let mut out = GroupMessage::new();
    delegate.ask(now_ms, &mut out).map(|()| out.to_vec())
}

/// One that has asked an owner.
fn joined_delegate(owner: &mut Owner) -> Delegate<Software> {
    let mut delegate = delegate();
    let question = ask(&mut delegate, owner.now_ms).unwrap();
    let join = owner.answer_ask(SWITCH, &question).unwrap();
    delegate.answer(owner.now_ms, &join).unwrap();
    delegate
}

pub fn seal(
    delegate: &mut Delegate<Software>,
    mode: Mode,
    now_ms: u64,
    carrier: Carrier<'_>,
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let sealing = delegate.begin_request(mode, now_ms)?;
    let mut rest = [plaintext, &std::vec![0; sealing.tail_len()]].concat();
    delegate.seal_request_in_place(&sealing, carrier, &mut rest)?;
    Ok([sealing.header(), &rest[..]].concat())
}

fn number_of(object: &[u8]) -> u64 {
    super::super::form::RequestForm::parse(object).unwrap().number
}

/// What the delegate seals at this time is what the list has, and opens at the member.
fn converse(
    delegate: &mut Delegate<Software>,
    member: &mut Member<Software>,
    now_ms: u64,
    requests: &[Vectors],
) {
    for entry in requests {
        let mode = Mode::from_number(entry.number("mode") as u8).unwrap();
        let (options, plaintext) = (entry.bytes("options"), entry.bytes("plaintext"));
        let carrier = if options.is_empty() { Carrier::Oscore } else { Carrier::Payload(&options[1..]) };
        let object = seal(delegate, mode, now_ms, carrier, &plaintext).unwrap();
        assert_eq!(object, entry.bytes("object"), "{}", entry.text("name"));
        let mut opened = member.open(now_ms, carrier, &object).unwrap();
        assert_eq!(opened.plaintext, plaintext);
        assert_eq!(member.answer_to(&mut opened.exchange, b"\x45"), Err(Error::State), "nothing is answered");
    }
}

#[test]
fn the_example() {
    let entry = entry();
    let mut owner = example();
    assert_eq!(owner.group.epoch(), 1, "nothing was given out before it was named");
    let mut switch = delegate();
    assert_eq!(ask(&mut switch, 0).unwrap(), entry.bytes("ask_first"));
    let join = owner.answer_ask(SWITCH, &entry.bytes("ask_first")).unwrap();
    assert_eq!(join, entry.bytes("join_delegate"));
    switch.answer(0, &join).unwrap();
    let join = owner.answer_ask(LAMP, &ASK).unwrap();
    assert_eq!(join, entry.bytes("join_lamp_001"));
    let mut lamp = joined(MemberConfig::default(), &join);
    assert_eq!(lamp.held.other.compressed().as_slice(), entry.bytes("pk_delegate"));
    super::membership::check_contexts(&lamp, &entry.list("contexts"));
    assert_eq!(owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").err(), Some(Error::State));

    // What it seals in the first ten seconds is below the floor of who has just joined.
    let early = seal(&mut switch, Mode::Signed, 159 * TICK, Carrier::Oscore, b"\x03").unwrap();
    assert_eq!(lamp.open(159 * TICK, Carrier::Oscore, &early).err(), Some(Error::Replay));
    converse(&mut switch, &mut lamp, 160 * TICK, &entry.list("requests"));

    // Four hours later.
    owner.now_ms = (entry.number("ticks_again") - entry.number("ticks")) * TICK;
    assert_eq!(owner.now_ms, 4 * HOUR);
    assert_eq!(switch.begin_request(Mode::Signed, owner.now_ms).err(), Some(Error::Ask));
    assert_eq!(switch.begin_request(Mode::Signed, owner.now_ms - 1).err(), None);
    let question = ask(&mut switch, owner.now_ms).unwrap();
    assert_eq!(question, entry.bytes("ask_held"));
    let join = owner.answer_ask(SWITCH, &question).unwrap();
    assert_eq!(join, entry.bytes("join_again"));
    switch.answer(owner.now_ms, &join).unwrap();
    assert_eq!(number_of(&seal(&mut switch, Mode::Signed, 0, Carrier::Oscore, b"\x03").unwrap()), 227_000);

    // It has lost what it had: in the same epoch it could use a number twice.
    let lost = entry.get("lost");
    owner.now_ms = (lost.number("ticks") - entry.number("ticks")) * TICK;
    assert_ne!(owner.answer_ask(SWITCH, &ASK), Ok(lost.bytes("join_delegate")));
    assert_eq!(owner.group.epoch(), 2);
    owner.group.begin_epoch(2, &lost.array("ms"), &lost.array("vs"));
    owner.group.name_in(2).unwrap();
    let mut switch = joined_delegate(&mut owner);
    assert!(switch.group().unwrap().epoch == 2 && switch.group().unwrap().number == 3083);
    owner.group.name_in(2).unwrap();
    assert_eq!(owner.answer_ask(SWITCH, &lost.bytes("ask")).unwrap(), lost.bytes("join_delegate"));
    let question = lamp.ask_for(owner.now_ms).unwrap();
    let join = owner.answer_ask(LAMP, &question).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(join, lost.bytes("join_lamp_001"));
    lamp.answer(owner.now_ms, &join).unwrap();
    converse(&mut switch, &mut lamp, owner.now_ms + 160 * TICK, &lost.list("requests"));
}

#[test]
fn hostile_joins() {
    let mut count = 0;
    for entry in entry().list("hostile") {
        count += 1;
        let (name, message) = (entry.text("name"), entry.bytes("message"));
        let expected = match entry.text("refusal").as_str() {
            "malformed" => Error::Malformed,
            "unexpected" => Error::Unexpected,
            word => panic!("{word}"),
        };
        let mut lamp = member(MemberConfig::default());
        lamp.ask_for(0).unwrap();
        let mut switch = delegate();
        ask(&mut switch, 0).unwrap();
        if name != "a member's JOIN at the delegate" && !name.contains("sk_D") {
            assert_eq!(lamp.answer(0, &message), Err(expected), "{name}");
        }
        if name != "the delegate's JOIN at a member" && !name.contains("off the curve") {
            assert_eq!(switch.answer(0, &message), Err(expected), "{name}");
        }
        lamp.answer(0, &super::delegate::entry().bytes("join_lamp_001")).unwrap();
        switch.answer(0, &super::delegate::entry().bytes("join_delegate")).unwrap();
    }
    assert_eq!(count, 8);
}

#[test]
fn it_keeps_near_its_clock() {
    let mut owner = example();
    let mut switch = joined_delegate(&mut owner);
    let mut sealed = 0;
    let refusal = loop {
        match seal(&mut switch, Mode::Tagged, 0, Carrier::Oscore, b"\x03") {
            Ok(object) => assert_eq!(number_of(&object), 2_000 + sealed),
            Err(error) => break error,
        }
        sealed += 1;
    };
    assert_eq!((sealed, refusal), (129, Error::Budget), "its ticks, and 128 ahead of them");
    seal(&mut switch, Mode::Tagged, TICK, Carrier::Oscore, b"\x03").unwrap();
    assert_eq!(seal(&mut switch, Mode::Tagged, TICK, Carrier::Oscore, b"\x03"), Err(Error::Budget));
}

#[test]
fn a_restored_one_asks_and_goes_on_above_its_block() {
    let mut owner = example();
    let mut switch = joined_delegate(&mut owner);
    let mut blob = Vec::new();
    let store = |switch: &mut Delegate<Software>, now_ms, blob: &mut Vec<u8>| {
        switch.store(now_ms, 10, |bytes| {
            blob.clear();
            blob.extend_from_slice(bytes);
            Ok(())
        })
    };
    store(&mut switch, 0, &mut blob).unwrap();
    assert!(blob.len() <= DELEGATE_BLOB_MAX);
    for number in 2_000..2_010 {
        assert_eq!(number_of(&seal(&mut switch, Mode::Signed, 0, Carrier::Oscore, b"\x03").unwrap()), number);
    }
    assert_eq!(seal(&mut switch, Mode::Signed, 0, Carrier::Oscore, b"\x03"), Err(Error::Unstored));

    let mut restored = Delegate::<Software>::new();
    restored.restore((), 0, 0, &blob).unwrap();
    assert_eq!(restored.begin_request(Mode::Signed, 0).err(), Some(Error::Ask));
    let question = ask(&mut restored, 0).unwrap();
    assert_eq!(question, entry().bytes("ask_held"), "it holds the epoch");
    let join = owner.answer_ask(SWITCH, &question).unwrap();
    assert_eq!(owner.group.epoch(), 1);
    restored.answer(0, &join).unwrap();
    assert_eq!(restored.begin_request(Mode::Signed, 0).err(), Some(Error::Unstored));
    store(&mut restored, 0, &mut blob).unwrap();
    assert_eq!(number_of(&seal(&mut restored, Mode::Signed, 0, Carrier::Oscore, b"\x03").unwrap()), 2_010);

    for at in 0..blob.len() {
        let mut damaged = blob.clone();
        damaged[at] ^= 1;
        assert_eq!(restored.restore((), 0, 0, &damaged), Err(Error::Malformed));
        assert_eq!(restored.restore((), 0, 0, &blob[..at]), Err(Error::Malformed));
    }
}

#[test]
fn who_is_named_and_when_an_epoch_begins() {
    let mut owner = example();
    let name = |owner: &mut Owner, id: Option<&[u8]>| {
        owner.run(|group, env| group.set_delegate(env, id)).map(|()| owner.group.epoch())
    };
    assert_eq!(name(&mut owner, Some(b"another")), Ok(1), "nobody has been given anything");
    assert_eq!(name(&mut owner, Some(SWITCH)), Ok(1));
    owner.answer_ask(LAMP, &ASK).unwrap();
    assert_eq!(name(&mut owner, Some(SWITCH)), Ok(1), "it is that already");
    assert_eq!(name(&mut owner, Some(b"another")), Ok(2));
    owner.answer_ask(LAMP, &ASK).unwrap_err(); // within 10 s
    owner.now_ms = 10_000;
    owner.answer_ask(LAMP, &ASK).unwrap();
    assert_eq!(name(&mut owner, None), Ok(3));
    owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").unwrap();
    assert_eq!(name(&mut owner, Some(b"")), Err(Error::Argument));

    for flags in [flag::SIGNED, flag::SIGNED | flag::TIMED | flag::ANSWERS] {
        let config = GroupConfig { number: 1, flags, slots: 0, address: Address::default() };
        let mut owner = Owner::created(&config, 4);
        assert_eq!(name(&mut owner, Some(SWITCH)), Err(Error::State));
    }
}

/// A restart begins a new epoch, whether the delegate is named again or not.
#[test]
fn an_owner_that_restarts() {
    let mut owner = example();
    owner.saved = Some(Default::default());
    joined_delegate(&mut owner);
    let blob = owner.store(1_000).unwrap();
    let mut again = owner.restored(&blob).unwrap();
    assert_eq!(again.group.epoch(), 2);
    again.run(|group, env| group.set_delegate(env, Some(SWITCH))).unwrap();
    assert_eq!(again.group.epoch(), 2, "which nobody knows yet");
    assert_eq!(again.answer_ask(SWITCH, &ASK), Err(Error::Unstored));
    again.store(1_000).unwrap();
    let join = again.answer_ask(SWITCH, &ASK).unwrap();
    assert_eq!(join[4..8], [0, 0, 0, 2]);
}

/// Restarted over and over, or with a clock at the end of time.
#[test]
fn numbers_end() {
    let mut owner = example();
    owner.group.numbers.begin(SEQUENCE_MAX - 100, true, 0);
    assert_eq!(owner.answer_ask(LAMP, &ASK), Err(Error::Exhausted), "its floor would be none");
    joined_delegate(&mut owner);
    owner.now_ms = u64::MAX;
    assert_eq!(owner.answer_ask(SWITCH, &ASK), Err(Error::Exhausted));
}
