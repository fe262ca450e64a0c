//! Sessions: how they come about, are kept, lost and resumed.

use super::world::*;
use crate::client::Profile;
use crate::coap::message::{Frame, code};
use crate::coap::option::{CONTENT_FORMAT, MAX_AGE};
use crate::coap::{Carrier, HANDSHAKE};
use crate::device::Config;
use crate::error::{Alert, Error};

const BOTH: [Carrier; 2] = [Carrier::Oscore, Carrier::Payload];

#[test]
fn a_first_request_connects_and_later_ones_do_not() {
    for carrier in BOTH {
        for (profile, story) in [(Profile::Express, "X1 0 0"), (Profile::Signed, "M1 M3 0 0")] {
            let mut world = World::with(&config(carrier, profile));
            assert_eq!(world.exchange(get("/r")), Ok(CONTENT));
            assert_eq!(world.exchange(post(b"21.5")), Ok(CHANGED));
            assert_eq!(world.story(), story);
            assert_eq!(world.app.pieces[1].payload, b"21.5");
            assert_eq!(world.device.code(), CHANGED);
        }
    }
}

#[test]
fn connecting_alone() {
    let mut world = World::new();
    assert!(world.device.session().is_none());
    world.call(|device, env| device.request(env, None)).unwrap();
    assert_eq!(world.run(), Some(Ok(0)));
    assert_eq!(world.story(), "X1");
    assert!(world.device.session().is_some());
    world.call(|device, env| device.request(env, None)).unwrap();
    assert_eq!(world.run(), Some(Ok(0)));
    assert_eq!(world.story(), "X1");
}

#[test]
fn silence_never_causes_a_handshake() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    let fingerprint = world.device.session().unwrap().fingerprint();
    world.up = Box::new(|_, _| 0);
    let began = world.now_ms;
    assert_eq!(world.exchange(get("r")), Err(Error::NoAnswer));
    assert_eq!(world.now_ms - began, 93_000);
    assert_eq!(world.story(), "X1 0 0 0 0 0 0"); // MAX_RETRANSMIT
    world.up = Box::new(|_, _| 1);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.device.session().unwrap().fingerprint(), fingerprint);
}

/// A server that has lost its sessions says so twice; then R1, and the old session is wiped by the first answer.
#[test]
fn a_lost_session_is_resumed() {
    for carrier in BOTH {
        let mut world = World::with(&config(carrier, Profile::Express));
        assert_eq!(world.exchange(get("r")), Ok(CONTENT));
        world.site.restart();
        world.sent.clear();
        assert_eq!(world.exchange(get("r")), Ok(CONTENT));
        assert_eq!(world.story(), "0 0 R1 0");
        // The first two are the same sealed bytes under another token and message id.
        let [(_, first), (_, second), ..] = &world.sent[..] else { panic!() };
        assert_eq!((&first[..2], &first[8..]), (&second[..2], &second[8..]));
        assert!(first[2..4] != second[2..4] && first[4..8] != second[4..8]);
        assert!(!world.device.held[usize::from(!world.device.second)].session.is_live());
    }
}

#[test]
fn where_resuming_is_refused_a_full_handshake_follows() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.site.restart();
    world.site.devices = crate::testing::Devices { records: Some(Default::default()), ..world.site.devices };
    world.sent.clear();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.story(), "0 0 R1 R1 X1 0");
}

#[test]
fn one_hint_changes_nothing() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.ask(get("r")).unwrap();
    world.poll();
    let request = world.sent.last().unwrap().1.clone();
    for code in [code(4, 0), code(4, 1), code(4, 2)] {
        let refusal = answer(&request, code, &[], b"");
        world.give(&refusal); // the second and third have a token of before the hint
    }
    assert_eq!(world.run(), Some(Ok(CONTENT)));
    assert_eq!(world.story(), "X1 0 0 0");
    assert_eq!(world.site.executed.len(), 2);
}

/// Other answers in the clear are none at all.
#[test]
fn other_clear_answers_are_none() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.up = Box::new(|_, _| 0);
    world.ask(get("r")).unwrap();
    world.poll();
    let request = world.sent.last().unwrap().1.clone();
    for code in [code(2, 5), code(4, 4), code(5, 0)] {
        world.give(&answer(&request, code, &[], b"junk"));
    }
    assert_eq!(world.run(), Some(Err(Error::NoAnswer)));
    assert_eq!(world.story(), "X1 0 0 0 0 0 0");
}

/// The true answer is taken after a hint too, under the token before it.
#[test]
fn the_answer_to_the_message_before_the_hint_counts() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.ask(get("r")).unwrap();
    world.poll();
    let request = world.sent.last().unwrap().1.clone();
    world.give(&answer(&request, code(4, 1), &[], b""));
    world.up = Box::new(|_, _| 0);
    world.poll(); // under the new token, and lost
    assert_eq!(world.run(), Some(Ok(CONTENT)));
}

#[test]
fn a_post_is_not_repeated_in_a_new_session() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.site.restart();
    assert_eq!(world.exchange(post(b"1")), Err(Error::Uncertain));
    assert_eq!(world.site.executed.len(), 1);
    assert_eq!(world.exchange(post(b"1")), Ok(CHANGED));
    world.site.restart();
    world.sent.clear();
    let twice = Ask { at_least_once: true, ..post(b"1") };
    assert_eq!(world.exchange(twice), Ok(CHANGED));
    assert_eq!(world.story(), "0 0 R1 0");
}

/// A device that the server does not know: three rounds, with pauses that double.
#[test]
fn an_unknown_device() {
    let mut world = World::new();
    world.site.devices.keys.clear();
    assert_eq!(world.exchange(get("r")), Err(Error::Alert(Alert::UnknownDevice)));
    assert_eq!(world.story(), "X1 X1 X1 X1 X1 X1");
    let at: Vec<u64> = world.sent.iter().map(|(at, _)| *at).collect();
    assert_eq!((at[0], at[2], at[4]), (at[1], at[3], at[5]));
    assert!((1_000..=1_500).contains(&(at[2] - at[0])));
    assert!((2_000..=3_000).contains(&(at[4] - at[2])));
}

#[test]
fn a_busy_server_is_asked_again_when_it_said() {
    for (max_age, pause) in [(5, 5_000), (200, 60_000)] {
        let mut world = World::new();
        world.up = Box::new(|_, _| 0);
        world.ask(get("r")).unwrap();
        world.poll();
        let began = world.now_ms;
        let request = world.sent.last().unwrap().1.clone();
        let format = HANDSHAKE.to_be_bytes();
        let options = [(CONTENT_FORMAT, &format[..]), (MAX_AGE, &[max_age])];
        world.give(&answer(&request, code(5, 3), &options, &[0x1f, 4]));
        world.up = Box::new(|_, _| 1);
        assert_eq!(world.run(), Some(Ok(CONTENT)));
        assert_eq!(world.sent[1].0 - began, pause);
        assert_eq!(world.story(), "X1 X1 0");
    }
}

/// M2 of somebody else: M3 is refused, and all begins anew.
#[test]
fn a_handshake_that_was_spoilt_is_begun_anew() {
    let mut world = World::with(&config(Carrier::Oscore, Profile::Signed));
    let mut first = true;
    world.down = Box::new(move |_, _| usize::from(!core::mem::take(&mut first)));
    world.ask(get("r")).unwrap();
    world.poll();
    let request = world.sent[0].1.clone();
    let mut other = Site::new();
    other.numbers = crate::testing::Numbers::from_seed(5);
    let m2 = other.receive(world.now_ms, &request).remove(0);
    world.give(&m2);
    assert_eq!(world.run(), Some(Ok(CONTENT)));
    assert_eq!(world.story(), "M1 M3 M3 M1 M3 0");
}

#[test]
fn an_m3_that_is_not_answered_for_30_s_begins_anew() {
    let mut world = World::with(&config(Carrier::Oscore, Profile::Signed));
    world.up = Box::new(|at, bytes| {
        let is_m3 = bytes.len() > 75 && bytes[bytes.len() - 75] == 0x13;
        usize::from(at >= 31_000 || !is_m3)
    });
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.story(), "M1 M3 M3 M3 M3 M1 M3 0");
    let anew = world.sent.iter().rev().nth(2).unwrap().0;
    assert_eq!(anew, world.sent[1].0 + 30_000);
}

#[test]
fn a_retry_is_followed() {
    let mut world = World::new();
    world.site.server.set_retry_rate(1);
    let mut other = World::new();
    core::mem::swap(&mut other.site, &mut world.site);
    assert_eq!(other.exchange(get("r")), Ok(CONTENT));
    core::mem::swap(&mut other.site, &mut world.site);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.story(), "X1 RETRIED 0");
}

/// Three times; what is out then goes out again as it is.
#[test]
fn a_retry_is_followed_three_times() {
    let mut world = World::new();
    world.up = Box::new(|_, _| 0);
    world.ask(get("r")).unwrap();
    let format = HANDSHAKE.to_be_bytes();
    for cookie in 1..=4 {
        assert_eq!(world.poll(), None);
        let retry = [&[0x19][..], &[cookie; 16]].concat();
        world.give(&answer(&world.last(), code(4, 1), &[(CONTENT_FORMAT, &format)], &retry));
    }
    assert_eq!(world.poll(), None);
    assert_eq!(world.story(), "X1 RETRIED RETRIED RETRIED");
    for (cookie, (_, bytes)) in (1..).zip(&world.sent[1..]) {
        let frame = Frame::read(bytes).unwrap();
        assert_eq!(frame.payload(bytes)[..17], [&[0x1a][..], &[cookie; 16]].concat());
    }
    let third = world.last();
    assert_eq!(world.run(), Some(Err(Error::NoAnswer)));
    assert_eq!(world.sent.len(), 8);
    assert!(world.sent[4..].iter().all(|(_, bytes)| *bytes == third));
}

/// Methods whose repetition changes nothing go again in the new session; the others may have been executed.
#[test]
fn which_methods_are_repeated_in_a_new_session() {
    for (method, ends) in [
        (1, Ok(CONTENT)),
        (2, Err(Error::Uncertain)),
        (3, Ok(CHANGED)),
        (4, Ok(CHANGED)),
        (5, Ok(CHANGED)),
        (6, Err(Error::Uncertain)),
        (7, Ok(CHANGED)),
    ] {
        let mut world = World::new();
        assert_eq!(world.exchange(get("r")), Ok(CONTENT));
        world.site.restart();
        world.sent.clear();
        assert_eq!(world.exchange(Ask { code: method, ..post(b"1") }), ends, "{method}");
        assert_eq!(world.story(), if ends.is_ok() { "0 0 R1 0" } else { "0 0 R1" });
        assert_eq!(world.site.executed.len(), 1 + usize::from(ends.is_ok()));
    }
}

/// A server, or somebody, that refuses everything sealed: so many rounds, and the session that has worked stays.
#[test]
fn hints_without_end() {
    // In the third round three of four slots are taken, so that a cookie is asked for.
    for (attempts, story) in [(0, "0 0 R1 0 0 R1 0 0 R1 RETRIED 0 0"), (1, "0 0 R1 0 0")] {
        let mut world = World::with(&Config { attempts, ..config(Carrier::Oscore, Profile::Express) });
        assert_eq!(world.exchange(get("r")), Ok(CONTENT));
        let old = world.device.session().unwrap().fingerprint();
        world.up = Box::new(|_, bytes| usize::from(bytes[bytes.len() - 19] == 0x17));
        world.sent.clear();
        world.ask(get("r")).unwrap();
        let mut refused = 0;
        let end = loop {
            if let Some(end) = world.run_until(world.now_ms) {
                break end;
            }
            if world.sent.len() > refused {
                refused = world.sent.len();
                world.give(&answer(&world.last(), code(4, 1), &[], b""));
            } else {
                world.now_ms = world.device.deadline(&[]);
            }
        };
        assert_eq!((end, &world.story()[..]), (Err(Error::NoAnswer), story));
        assert_eq!(world.device.session().unwrap().fingerprint(), old);
        assert_eq!(world.site.executed.len(), 1);
        world.up = Box::new(|_, _| 1);
        assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    }
}

/// "Busy" to a sealed request, which anybody can say: the same bytes after its Max-Age, and no hint.
#[test]
fn a_busy_answer_in_the_clear_is_waited_for() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.up = Box::new(|_, _| 0);
    world.ask(get("r")).unwrap();
    for _ in 0..3 {
        assert_eq!(world.run_until(world.now_ms), None);
        world.give(&answer(&world.last(), code(5, 3), &[(MAX_AGE, &[5])], b""));
        world.now_ms += 5_000;
    }
    world.up = Box::new(|_, _| 1);
    assert_eq!(world.run(), Some(Ok(CONTENT)));
    assert_eq!(world.story(), "X1 0 0 0 0 0");
    let [.., (first_ms, first), (second_ms, second), _, _] = &world.sent[..] else { panic!() };
    assert_eq!((second_ms - first_ms, &first[8..]), (5_000, &second[8..]));
}

#[test]
fn a_handshake_that_moved_goes_out_again_at_once() {
    let mut world = World::new();
    world.up = Box::new(|_, _| 0);
    world.ask(get("r")).unwrap();
    world.poll();
    world.now_ms += 100;
    world.call(|device, env| device.moved(env)).unwrap();
    world.up = Box::new(|_, _| 1);
    let at = world.now_ms;
    assert_eq!(world.run(), Some(Ok(CONTENT)));
    assert_eq!((world.now_ms, &world.story()[..]), (at, "X1 X1 0"));
    assert_eq!(world.sent[0].1, world.sent[1].1);
}

/// The old session goes on where the new one never gets anywhere.
#[test]
fn the_old_session_is_kept_until_the_new_one_is_confirmed() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    let old = world.device.session().unwrap().fingerprint();
    // Two forged hints, and then an R1 that the server answers; everything sealed in the new session is lost.
    world.ask(get("r")).unwrap();
    world.up = Box::new(|_, _| 0);
    for _ in 0..2 {
        world.poll();
        let request = world.sent.last().unwrap().1.clone();
        world.give(&answer(&request, code(4, 1), &[], b""));
    }
    world.up = Box::new(|_, bytes| usize::from(bytes[bytes.len() - 19] == 0x17));
    assert_eq!(world.run(), Some(Err(Error::NoAnswer)));
    let new = world.device.session().unwrap().fingerprint();
    assert_ne!(new, old);
    // The server has forgotten it by now: two hints bring the old one back, which resumes.
    world.up = Box::new(|_, _| 1);
    world.now_ms += 61_000;
    world.sent.clear();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.story(), "0 0 R1 0");
}

#[test]
fn a_random_source_that_fails_is_tried_again() {
    let mut world = World::new();
    world.dice.fails = true;
    world.ask(get("r")).unwrap();
    assert_eq!(world.run(), Some(Err(Error::Random)));
    let deadline = world.device.deadline(&[]);
    assert_eq!(deadline, world.now_ms + 1_000);
    assert_eq!(world.poll(), None);
    world.now_ms = deadline;
    assert_eq!(world.run(), Some(Err(Error::Random)));
    world.dice.fails = false;
    assert_eq!(world.run(), Some(Ok(CONTENT)));
    world.dice.fails = true;
    world.ask(get("r")).unwrap();
    assert_eq!(world.run(), Some(Err(Error::Random)));
    world.dice.fails = false;
    assert_eq!(world.run(), Some(Ok(CONTENT)));
}

#[test]
fn wiped_and_never_initialised() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.device.wipe();
    assert_eq!(world.ask(get("r")), Err(Error::Uninitialised));
    assert_eq!(world.poll(), Some(Err(Error::Uninitialised)));
    assert_eq!(world.device.deadline(&[]), u64::MAX);
    assert!(world.device.session().is_none());
}
