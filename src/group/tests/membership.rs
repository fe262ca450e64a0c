//! The messages of membership, the keys that they bring, and what is hostile of them.

use super::world::{Opens, Owner, address, joined, member};
use crate::crypto::Software;
use crate::error::Error;
use crate::group::message::{Ask, Emit, Kind, Short, parse, parse_ask, parse_join};
use crate::group::*;
use crate::session::Carrier;
use crate::vectors::{self, Vectors};
use std::vec::Vec;

const LAMPS: [&[u8]; 3] = [b"lamp-001", b"lamp-002", b"lamp-003"];
/// An ASK of somebody who holds nothing.
pub const ASK: [u8; 8] = [0x20, 0, 0, 0, 0, 0, 0, 0];

pub fn config(entry: &Vectors, flags: u8, slots: u8, address: Address) -> GroupConfig {
    GroupConfig { number: entry.number("group") as u16, flags, slots, address }
}

/// The owner of an entry, with its secrets, before its next number.
pub fn owner(entry: &Vectors, config: &GroupConfig, number: u64) -> Owner {
    let mut owner = Owner::new(16);
    let (gos, ms, vs) = (entry.array("gos"), entry.array("ms"), entry.array("vs"));
    owner.group.load((), config, entry.number("epoch") as u32, &gos, &ms, &vs).unwrap();
    owner.group.numbers.begin(number, config.flags & flag::TIMED != 0, 0);
    owner
}

/// The group of the examples.
fn created() -> Owner {
    let create = vectors::group().get("create");
    let config =
        config(&create, create.number("flags") as u8, create.number("slots") as u8, address(&create));
    owner(&create, &config, create.number("number"))
}

/// The same with its members.
fn with_members() -> Owner {
    let mut owner = created();
    for lamp in LAMPS {
        owner.answer_ask(lamp, &ASK).unwrap();
    }
    owner
}

#[test]
fn every_message_both_ways() {
    let mut seen = Vec::new();
    for entry in vectors::group().list("messages") {
        let (name, bytes) = (entry.text("name"), entry.bytes("message"));
        let mut out = GroupMessage::new();
        let Short { kind, group, epoch, floor } = parse(&bytes).unwrap();
        match kind {
            Kind::Ask => out.put_ask(&Ask { group, epoch }),
            Kind::Sync => out.put_sync(group, epoch, floor),
            Kind::Notice => out.put_notice(group, epoch),
            Kind::Leave => out.put_leave(group),
            Kind::Join => panic!("{name}"),
        }
        assert_eq!(out.as_slice(), bytes, "{name}");
        for len in 0..bytes.len() {
            assert_eq!(parse(&bytes[..len]), Err(Error::Malformed), "{name}");
        }
        seen.push(bytes[0]);
    }
    assert_eq!(seen, [0x20, 0x20, 0x22, 0x23, 0x24, 0x24]);
    assert_eq!(group_of_ask(&ASK), Ok(0));
    assert_eq!(parse_ask(&ASK), Ok(Ask::default()));
}

#[test]
fn joins_of_every_kind_of_group() {
    let create = vectors::group().get("create");
    for entry in vectors::group().list("joins") {
        let (name, join) = (entry.text("name"), entry.bytes("join"));
        let (flags, slots) = (entry.number("flags") as u8, entry.number("slots") as u8);
        let config = config(&create, flags, slots, address(&entry));
        let mut owner = owner(&create, &config, entry.number("number"));
        assert_eq!(owner.answer_ask(LAMPS[0], &ASK).unwrap(), join, "{name}");

        let held = joined(MemberConfig::default(), &join).group().unwrap();
        let expected = (config.number, 1, flags, slots, entry.number("kid") as u8);
        assert_eq!((held.number, held.epoch, held.flags, held.slots, held.kid), expected, "{name}");
        assert_eq!(held.address.bytes.as_slice(), entry.bytes("address"), "{name}");
        assert_eq!(u64::from(held.address.port), entry.number("port"), "{name}");
        for len in 0..join.len() {
            assert_eq!(parse_join(&join[..len]), Err(Error::Malformed), "{name}, {len}");
        }
    }
}

#[test]
fn members_and_their_keys() {
    let all = vectors::group();
    let mut owner = created();
    for (at, entry) in all.list("members").iter().enumerate() {
        let (device, join) = (entry.bytes("device"), entry.bytes("join"));
        assert_eq!(owner.answer_ask(&device, &ASK).unwrap(), join);
        let place = &owner.places[at];
        assert_eq!(place.device_id(), Some(&device[..]));
        assert_eq!(place.member.compressed().as_slice(), entry.bytes("pk"));
        let member = joined(MemberConfig::default(), &join);
        assert_eq!(member.held.tag_key.as_slice(), entry.bytes("vk"));
        assert_eq!(member.held.answer_keys, place.answer_keys);
        assert_eq!(member.held.other.compressed(), place.member.compressed());
    }
    let member = joined(MemberConfig::default(), &all.list("members")[0].bytes("join"));
    check_contexts(&member, &all.list("contexts"));
}

pub fn check_contexts(member: &Member<Software>, contexts: &[Vectors]) {
    assert_eq!(contexts.len(), 2);
    for entry in contexts {
        let mode = Mode::from_number(entry.number("mode") as u8).unwrap();
        let keys = mode.of(&member.held.keys);
        assert_eq!(keys.key.as_slice(), entry.bytes("sender_key"));
        assert_eq!(keys.signature_key.as_slice(), entry.bytes("signature_encryption_key"));
        assert_eq!(keys.iv.as_slice(), entry.bytes("common_iv"));
        let answer_key = entry.bytes("answer_key_lamp_001");
        if !answer_key.is_empty() {
            assert_eq!(mode.of(&member.held.answer_keys).as_slice(), answer_key);
        }
    }
}

fn carrier(options: &[u8]) -> Carrier<'_> {
    match options {
        [] => Carrier::Oscore,
        [_, aad @ ..] => Carrier::Payload(aad),
    }
}

/// Seals every request of a list, has every member open it, and gives the exchanges of both sides by its name.
fn converse(
    owner: &mut Owner,
    members: &mut [Member<Software>],
    requests: &[Vectors],
) -> Vec<(std::string::String, GroupExchange, Vec<GroupExchange>)> {
    let mut exchanges = Vec::new();
    for entry in requests {
        let mode = Mode::from_number(entry.number("mode") as u8).unwrap();
        let (options, plaintext) = (entry.bytes("options"), entry.bytes("plaintext"));
        owner.group.numbers.begin(entry.number("number"), true, owner.now_ms);
        let (object, exchange) = owner.seal(mode, carrier(&options), &plaintext).unwrap();
        assert_eq!(object, entry.bytes("object"), "{}", entry.text("name"));
        let mut theirs = Vec::new();
        for member in &mut *members {
            let opened = member.open(0, carrier(&options), &object).unwrap();
            assert_eq!((opened.plaintext, opened.mode), (plaintext.clone(), mode));
            assert_eq!(member.open(0, carrier(&options), &object).err(), Some(Error::Replay));
            theirs.push(opened.exchange);
        }
        exchanges.push((entry.text("name"), exchange, theirs));
    }
    exchanges
}

#[test]
fn requests_and_answers() {
    let all = vectors::group();
    let mut owner = with_members();
    let mut members: Vec<_> = all
        .list("members")
        .iter()
        .map(|entry| joined(MemberConfig::default(), &entry.bytes("join")))
        .collect();
    let mut exchanges = converse(&mut owner, &mut members, &all.list("requests"));
    for entry in all.list("answers") {
        let to = entry.text("to");
        let (_, ours, theirs) = exchanges.iter_mut().find(|(name, ..)| *name == to).unwrap();
        let at = entry.number("kid") as usize - 1;
        let (plaintext, object) = (entry.bytes("plaintext"), entry.bytes("object"));
        assert_eq!(members[at].answer_to(&mut theirs[at], &plaintext).unwrap(), object);
        assert_eq!(members[at].answer_to(&mut theirs[at], &plaintext), Err(Error::Answered));
        assert_eq!(owner.open_answer(ours, &object).unwrap(), (entry.bytes("device"), plaintext));
        assert_eq!(owner.open_answer(ours, &object), Err(Error::Replay));
    }
}

/// Without lamp-003: who stays keeps its kid, nothing of the new epoch follows from the old one.
#[test]
fn rekeying() {
    let all = vectors::group();
    let rekey = all.get("rekey");
    let mut owner = with_members();
    let mut lamps: Vec<_> = all
        .list("members")
        .iter()
        .map(|entry| joined(MemberConfig::default(), &entry.bytes("join")))
        .collect();
    converse(&mut owner, &mut lamps, &all.list("requests"));
    let last = converse(&mut owner, &mut lamps, &[rekey.get("notice")]);

    let mut notice = GroupMessage::new();
    owner.group.write_notice(2, &mut notice).unwrap();
    assert!(rekey.get("notice").bytes("plaintext").ends_with(&notice));
    assert_eq!(owner.rekey(Some(&rekey.bytes("without"))), notice.as_slice());
    owner.group.begin_epoch(2, &rekey.array("ms"), &rekey.array("vs"));
    owner.now_ms = 10_000;
    let requests = rekey.list("requests");
    let missed = converse(&mut owner, &mut [], &requests[..1]);
    assert_eq!(missed.len(), 1);
    for (at, name) in ["join_lamp_001", "join_lamp_002"].iter().enumerate() {
        assert_eq!(lamps[at].notice(&notice), Err(Error::Ask));
        assert_eq!(lamps[at].ask_due(), 60_000);
        let ask = lamps[at].ask_for(60_000).unwrap();
        assert_eq!(ask, rekey.bytes("ask"));
        let join = rekey.bytes(name);
        assert_eq!(owner.answer_ask(LAMPS[at], &ask).unwrap(), join);
        lamps[at].answer(60_000, &join).unwrap();
        let before = lamps[at].open(60_000, Carrier::Oscore, &requests[0].bytes("object"));
        assert_eq!(before.err(), Some(Error::Replay), "sealed before the JOIN");
        assert_eq!(lamps[at].notice(&notice), Ok(()));
    }
    check_contexts(&lamps[0], &rekey.list("contexts"));
    let (stay, left) = lamps.split_at_mut(2);
    let mut exchanges = converse(&mut owner, stay, &requests[1..]);
    for entry in &requests {
        let opened = left[0].open(60_000, Carrier::Oscore, &entry.bytes("object"));
        assert_eq!(opened.err(), Some(Error::Ask), "it asks, and is answered LEAVE");
    }

    let answer = rekey.get("answer_lamp_001");
    let (_, ours, theirs) = exchanges.last_mut().unwrap();
    let object = stay[0].answer_to(&mut theirs[0], &answer.bytes("plaintext")).unwrap();
    assert_eq!(object, answer.bytes("object"));
    assert_eq!(owner.open_answer(ours, &object).unwrap().0, LAMPS[0]);
    // Of the old epoch neither answers nor is answered.
    let (_, mut ours, mut theirs) = last.into_iter().next().unwrap();
    assert_eq!(owner.open_answer(&mut ours, &object), Err(Error::UnknownSession));
    assert_eq!(stay[0].answer_to(&mut theirs[0], b"\x45"), Err(Error::State));
}

fn error(word: &str) -> Error {
    match word {
        "malformed" => Error::Malformed,
        "authentication" => Error::Authentication,
        "unknown" => Error::UnknownSession,
        "unexpected" => Error::Unexpected,
        "ask" => Error::Ask,
        "replay" => Error::Replay,
        "budget" => Error::Budget,
        _ => panic!("{word}"),
    }
}

#[test]
fn hostile_messages() {
    let join = vectors::group().get("hostile_base").bytes("join");
    let (mut joins, mut messages) = (0, 0);
    for entry in vectors::group().list("hostile") {
        let (name, refusal) = (entry.text("name"), error(&entry.text("refusal")));
        if entry.has("join") {
            joins += 1;
            let bytes = entry.bytes("join");
            if cfg!(feature = "group-delegate") && name.contains("without the feature") {
                continue;
            }
            let mut member = member(MemberConfig::default());
            member.ask_for(0).unwrap();
            assert_eq!(member.answer(0, &bytes), Err(refusal), "{name}");
            // Nothing has changed: the answer is still awaited.
            member.answer(0, &join).unwrap();
        } else if entry.has("message") {
            messages += 1;
            let bytes = entry.bytes("message");
            let mut member = joined(MemberConfig::default(), &join);
            match entry.text("to").as_str() {
                "answer" => {
                    member.ask_for(60_000).unwrap();
                    assert_eq!(member.answer(60_000, &bytes), Err(refusal), "{name}");
                    assert_eq!(member.group().unwrap().epoch, 1);
                    member.answer(60_000, &join).unwrap();
                }
                "notice" => assert_eq!(member.notice(&bytes), Err(refusal), "{name}"),
                "owner" => assert_eq!(created().answer_ask(LAMPS[0], &bytes), Err(refusal), "{name}"),
                to => panic!("{to}"),
            }
        }
    }
    assert_eq!((joins, messages), (19, 16));
}

/// As a member meets them, with what was computed before each was refused.
#[test]
fn hostile_objects() {
    let base = vectors::group().get("hostile_base");
    let mut count = 0;
    for entry in vectors::group().list("hostile").iter().filter(|entry| entry.has("object")) {
        count += 1;
        let name = entry.text("name");
        let max_age_s = entry.number("max_age_s") as u32;
        let mut member = joined(MemberConfig { max_age_s, ..MemberConfig::default() }, &base.bytes("join"));
        for object in entry.all_bytes("opened") {
            member.open(0, Carrier::Oscore, &object).unwrap();
        }
        for object in entry.all_bytes("failed") {
            let opened = member.open(0, Carrier::Oscore, &object);
            assert_eq!(opened.err(), Some(Error::Authentication), "{name}");
        }
        let before = member.stats();
        let aad = entry.has("aad").then(|| entry.bytes("aad"));
        let carrier = aad.as_deref().map_or(Carrier::Oscore, Carrier::Payload);
        let now_ms = entry.number("now_ms");
        let opened = member.open(now_ms, carrier, &entry.bytes("object"));
        assert_eq!(opened.err(), Some(error(&entry.text("refusal"))), "{name}");
        let after = member.stats();
        let proofs = |stats: MemberStats| stats.bad_signatures + stats.bad_tags;
        let spent = match () {
            () if proofs(after) > proofs(before) => "proof",
            () if after.bad_group_tags > before.bad_group_tags => "aead",
            () => "none",
        };
        let expected = match entry.text("spent").as_str() {
            "none" => "none",
            "aead" => "aead",
            _ => "proof",
        };
        assert_eq!(spent, expected, "{name}");
        assert_eq!((after.opened_signed, after.opened_tagged), (before.opened_signed, before.opened_tagged));
    }
    assert_eq!(count, 43);
}

#[test]
fn hostile_answers() {
    let base = vectors::group().get("hostile_base");
    let mut count = 0;
    for entry in vectors::group().list("hostile").iter().filter(|entry| entry.has("answer")) {
        count += 1;
        let mut owner = with_members();
        let mut exchange = None;
        for (name, mode, number) in
            [("tagged", Mode::Tagged, 21), ("get", Mode::Signed, 65), ("get_2", Mode::Signed, 66)]
        {
            owner.group.numbers.begin(number, true, 0);
            let plaintext: &[u8] = if name == "tagged" { b"\x03\xb5light\xffon" } else { b"\x01\xb4temp" };
            let (object, ours) = owner.seal(mode, Carrier::Oscore, plaintext).unwrap();
            assert_eq!(object, base.bytes(name), "{name}");
            if entry.text("to") == name {
                exchange = Some(ours);
            }
        }
        let mut exchange = exchange.unwrap();
        let opened = owner.open_answer(&mut exchange, &entry.bytes("answer"));
        assert_eq!(opened, Err(error(&entry.text("refusal"))), "{}", entry.text("name"));
        if entry.text("to") == "get" {
            let genuine = base.bytes("answer_lamp_001");
            assert_eq!(owner.open_answer(&mut exchange, &genuine).unwrap().0, LAMPS[0]);
        }
    }
    assert_eq!(count, 9);
}

/// Of one number each length, of both modes, in the last of 16 slots.
#[test]
fn numbers_of_every_length() {
    let entry = vectors::group().get("numbers");
    let config = config(&entry, entry.number("flags") as u8, entry.number("slots") as u8, Address::default());
    let mut owner = owner(&entry, &config, 0);
    for at in 1..16_u8 {
        owner.answer_ask(&[at], &ASK).unwrap();
    }
    let join = owner.answer_ask(b"lamp-015", &ASK).unwrap();
    assert_eq!(join, entry.bytes("join_lamp_15"));
    let mut member = joined(MemberConfig::default(), &join);
    for request in entry.list("requests") {
        owner.group.numbers.begin(request.number("number"), false, 0);
        let mode = Mode::from_number(request.number("mode") as u8).unwrap();
        let (object, _) = owner.seal(mode, Carrier::Oscore, &request.bytes("plaintext")).unwrap();
        assert_eq!(object, request.bytes("object"));
        assert_eq!(member.open(0, Carrier::Oscore, &object).unwrap().plaintext, request.bytes("plaintext"));
    }
    assert_eq!(owner.seal(Mode::Signed, Carrier::Oscore, b"\x01").err(), Some(Error::Exhausted));
}

#[test]
fn slots() {
    for entry in vectors::group().list("slots") {
        let slots = entry.number("slots") as u8;
        let config = config(&entry, flag::TAGGED, slots, Address::default());
        let mut owner = owner(&entry, &config, entry.number("number"));
        let mut joins = Vec::new();
        for kid in 1..=slots {
            let id = std::format!("lamp-{kid:03}");
            joins.push(owner.answer_ask(id.as_bytes(), &ASK).unwrap());
        }
        // The example's floor is above its request's number.
        let expected = entry.bytes("last_join");
        let mut last = joins.last().unwrap().clone();
        last[8..13].copy_from_slice(&expected[8..13]);
        assert_eq!(last, expected);
        assert_eq!(owner.answer_ask(b"one more", &ASK), Err(Error::Full));
        let (object, _) = owner.seal(Mode::Tagged, Carrier::Oscore, &entry.bytes("plaintext")).unwrap();
        assert_eq!(object, entry.bytes("object"));
        for join in joins {
            joined(MemberConfig::default(), &join).open(0, Carrier::Oscore, &object).unwrap();
        }
    }
}
