//! Members of groups, who ask by the device.

use super::world::*;
use crate::client::Profile;
use crate::coap::Carrier;
use crate::coap::message::{Frame, code};
use crate::coap::option::{CONTENT_FORMAT, MAX_AGE, URI_PATH, uint_value};
use crate::crypto::Software;
use crate::error::Error;
use crate::group::tests::world::{Opens, Owner, member};
use crate::group::{Address, GroupConfig, Member, MemberConfig, Mode, flag, group_of_ask};
use std::cell::RefCell;
use std::rc::Rc;

const UNAVAILABLE: u8 = code(5, 3);
const FORMAT: &[u8] = &[0xfd, 0xeb];
const MINUTE: u64 = 60_000;

fn config_of(number: u16, flags: u8) -> GroupConfig {
    GroupConfig { number, flags, slots: 0, address: Address::default() }
}

/// What the server has answered ASKs with, by its first byte or its code.
type Log = Rc<RefCell<Vec<u8>>>;

/// A device with members of these groups, at a server that owns them.
fn world(
    config: crate::device::Config<'static>,
    groups: &[GroupConfig],
) -> (World, Rc<RefCell<Vec<Owner>>>, Log) {
    let mut world = World::with(&config);
    let member_config = MemberConfig { max_age_s: 30, ..MemberConfig::default() };
    world.members = groups.iter().map(|_| member(member_config)).collect();
    let owners: Vec<Owner> = groups.iter().map(|config| Owner::created(config, 2)).collect();
    let (owners, log) = (Rc::new(RefCell::new(owners)), Log::default());
    let (theirs, says) = (Rc::clone(&owners), Rc::clone(&log));
    world.site.handler = Box::new(move |request| {
        let frame = Frame::read(request).unwrap();
        let mut reader = crate::coap::option::Reader::new(frame.options);
        let (mut path, mut format) = (Vec::new(), 0);
        while let Some(found) = reader.next(request).unwrap() {
            let value = &request[found.at..found.at + found.len];
            match found.number {
                URI_PATH => path.push(value.to_vec()),
                CONTENT_FORMAT => format = uint_value(value).unwrap(),
                _ => {}
            }
        }
        if path == [b"r"] {
            return answer(request, CHANGED, &[], b"");
        }
        assert_eq!(path, [&b".well-known"[..], b"lscoap", b"group"]);
        assert_eq!((frame.code, format), (2, 65_003));
        let ask = frame.payload(request);
        let mut owners = theirs.borrow_mut();
        // A device that holds nothing is given the first group that has room for it.
        let asked = group_of_ask(ask).unwrap();
        for owner in owners.iter_mut().filter(|owner| asked == 0 || owner.group.number() == asked) {
            match owner.answer_ask(b"device", ask) {
                Ok(message) => {
                    says.borrow_mut().push(message[0]);
                    return answer(request, CHANGED, &[(CONTENT_FORMAT, FORMAT)], &message);
                }
                Err(error) => assert_eq!(error, Error::Budget),
            }
        }
        says.borrow_mut().push(UNAVAILABLE);
        answer(request, UNAVAILABLE, &[(MAX_AGE, &[10])], b"")
    });
    (world, owners, log)
}

fn oscore() -> crate::device::Config<'static> {
    config(Carrier::Oscore, Profile::Express)
}

fn epoch(member: &Member<Software>) -> u32 {
    member.group().map_or(0, |held| held.epoch)
}

#[test]
fn it_joins_by_itself_in_both_carriers() {
    for carrier in [Carrier::Oscore, Carrier::Payload] {
        let (mut world, _, log) = world(config(carrier, Profile::Express), &[config_of(7, flag::SIGNED)]);
        assert_eq!(world.run_until(world.now_ms + 2_000), None);
        assert_eq!((epoch(&world.members[0]), &log.borrow()[..]), (1, &[0x21][..]));
        assert_eq!(world.site.executed.len(), 1);
        let sent = world.sent.len();
        let end = world.now_ms + 7 * 24 * 60 * MINUTE;
        assert_eq!(world.run_until(end), None);
        assert_eq!(world.sent.len(), sent, "there is no reason to ask again");
    }
}

/// It waits for a random part of the leisure, in which others do too.
#[test]
fn asks_are_spread() {
    let mut at = Vec::new();
    for seed in 0..20 {
        let (mut world, ..) = world(oscore(), &[config_of(7, flag::SIGNED)]);
        world.dice.numbers.state = seed;
        assert_eq!(world.poll(), None);
        let begins = world.device.deadline(&[]);
        assert!((1_000..2_000).contains(&begins), "{begins}");
        at.push(begins);
    }
    at.sort_unstable();
    assert!(at[19] - at[0] > 500, "{at:?}");
}

#[test]
fn a_notice_a_hint_and_the_day() {
    let (mut world, owners, log) = world(oscore(), &[config_of(7, flag::SIGNED | flag::TIMED)]);
    world.run_until(world.now_ms + 2_000);
    let tick = |owners: &Rc<RefCell<Vec<Owner>>>, now_ms| owners.borrow_mut()[0].now_ms = now_ms;

    // In the session, where the program takes it; or opened in the group.
    let notice = owners.borrow_mut()[0].rekey(None);
    assert_eq!(world.members[0].notice(&notice), Err(Error::Ask));
    world.run_until(30_000);
    assert_eq!(epoch(&world.members[0]), 1, "once in a minute");
    tick(&owners, 2 * MINUTE);
    world.run_until(2 * MINUTE);
    assert_eq!(epoch(&world.members[0]), 2);

    // A request of an epoch that it missed.
    let object = {
        let mut owners = owners.borrow_mut();
        owners[0].rekey(None);
        owners[0].seal(Mode::Signed, crate::session::Carrier::Oscore, b"\x03").unwrap().0
    };
    let opened = world.members[0].open(world.now_ms, crate::session::Carrier::Oscore, &object);
    assert_eq!(opened.err(), Some(Error::Ask));
    tick(&owners, 4 * MINUTE);
    world.run_until(4 * MINUTE);
    assert_eq!(epoch(&world.members[0]), 3);
    assert_eq!(&log.borrow()[..], [0x21; 3]);

    // Once a day, since it checks ages.
    let day = 24 * 60 * MINUTE;
    tick(&owners, 2 * day);
    world.run_until(2 * day + 10 * MINUTE);
    assert_eq!(&log.borrow()[3..], [0x22; 2]);
}

#[test]
fn what_is_lost_or_refused_is_asked_again() {
    let (mut world, owners, log) = world(oscore(), &[config_of(7, flag::SIGNED)]);
    owners.borrow_mut()[0] = Owner::created(&GroupConfig { slots: 1, ..config_of(7, flag::TAGGED) }, 1);
    // Silence: it goes on asking, in one session.
    world.up = Box::new(|now_ms, _| usize::from(now_ms > 10 * MINUTE));
    assert_eq!(world.run_until(11 * MINUTE), None);
    assert_eq!(epoch(&world.members[0]), 1);
    // Refused inside the seal: once in a minute.
    owners.borrow_mut()[0].rekey(None);
    world.members[0].notice(&[0x23, 0, 7, 0, 0, 0, 2]).unwrap_err();
    let before = log.borrow().len();
    world.run_until(world.now_ms + 3 * MINUTE);
    let answers = log.borrow()[before..].to_vec();
    assert!(answers.len() <= 4 && answers.iter().all(|answer| *answer == UNAVAILABLE), "{answers:?}");
    owners.borrow_mut()[0].now_ms = MINUTE;
    world.run_until(world.now_ms + 2 * MINUTE);
    assert_eq!(epoch(&world.members[0]), 2);
}

/// Its request comes first, and the answer to an ASK that it interrupts is not waited for.
#[test]
fn the_application_comes_first() {
    let (mut world, _, log) = world(oscore(), &[config_of(7, flag::SIGNED)]);
    assert_eq!(world.exchange(post(b"x")), Ok(CHANGED));
    assert_eq!(world.poll(), None);
    let begins = world.device.deadline(&[]);
    world.now_ms = begins;
    assert_eq!(world.poll(), None); // the ASK is out
    world.ask(post(b"y")).unwrap();
    assert_eq!(world.run(), Some(Ok(CHANGED)));
    assert_eq!((epoch(&world.members[0]), log.borrow().len()), (0, 1));
    world.run_until(world.now_ms + 2 * MINUTE);
    assert_eq!(epoch(&world.members[0]), 1);
}

/// The server has lost the session: the ASK goes out again in a new one, where its answer is.
#[test]
fn in_a_session_that_was_lost() {
    let (mut world, owners, _) = world(oscore(), &[config_of(7, flag::SIGNED)]);
    world.run_until(10_000);
    owners.borrow_mut()[0].rekey(None);
    world.members[0].notice(&[0x23, 0, 7, 0, 0, 0, 2]).unwrap_err();
    world.site.restart();
    world.sent.clear();
    world.run_until(5 * MINUTE);
    assert_eq!(epoch(&world.members[0]), 2);
    assert!(world.story().contains("R1"), "{}", world.story());
}

#[test]
fn several_groups() {
    let groups = [config_of(7, flag::SIGNED), config_of(8, flag::SIGNED), config_of(9, flag::SIGNED)];
    let (mut world, owners, _) = world(oscore(), &groups);
    // Each of the device's members has been told of its group, as it is from storage.
    for (at, owner) in owners.borrow_mut().iter_mut().enumerate() {
        let join = owner.answer_ask(b"device", &[0x20, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        let mut member = crate::group::tests::world::joined(MemberConfig::default(), &join);
        let mut blob = Vec::new();
        member
            .store(|bytes| {
                blob.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
        member.restore((), &MemberConfig::default(), &blob).unwrap();
        world.members[at] = member;
        owner.rekey(None);
    }
    world.run_until(20_000);
    assert_eq!(world.members.iter().map(epoch).collect::<Vec<_>>(), [2, 2, 2]);
}

/// A device without groups has nothing to do.
#[test]
fn no_groups() {
    let mut world = World::new();
    assert_eq!(world.poll(), None);
    assert_eq!(world.device.deadline(&[]), u64::MAX);
    // Nor one whose members are zeroed memory.
    world.members.push(Member::new());
    assert_eq!(world.poll(), None);
    assert_eq!(world.device.deadline(&[]), u64::MAX);
}
