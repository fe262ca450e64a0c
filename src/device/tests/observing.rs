//! Observations.

use super::world::*;
use crate::client::Profile;
use crate::coap::Carrier;
use crate::coap::message::{Frame, code};
use crate::coap::option::{BLOCK2, ETAG, MAX_AGE, OBSERVE, Reader};
use crate::device::Observation;
use crate::error::Error;

/// Answers GET as an observable resource does.
fn observable(request: &[u8]) -> Vec<u8> {
    let frame = Frame::read(request).unwrap();
    let observe = frame.find(request, OBSERVE).unwrap();
    match observe.map(|option| option.len) {
        Some(0) => answer(request, CONTENT, &[(OBSERVE, &[1]), (MAX_AGE, &[30])], b"now"),
        _ => answer(request, CONTENT, &[], b"plain"),
    }
}

fn world(carrier: Carrier) -> World {
    let mut world = World::with(&config(carrier, Profile::Express));
    world.observations.resize_with(2, Observation::default);
    world.site.handler = Box::new(observable);
    world
}

fn observe() -> Ask {
    Ask { observe: true, ..get("r") }
}

fn payloads(world: &World) -> Vec<&[u8]> {
    world.app.pieces.iter().map(|piece| &piece.payload[..]).collect()
}

fn has_observe(message: &[u8], value: &[u8]) -> bool {
    let frame = Frame::read(message).unwrap();
    let mut reader = Reader::new(frame.options);
    std::iter::from_fn(|| reader.next(message).unwrap())
        .any(|found| found.number == OBSERVE && &message[found.at..found.at + found.len] == value)
}

#[test]
fn notifications_come_and_are_acknowledged() {
    for carrier in [Carrier::Oscore, Carrier::Payload] {
        let mut world = world(carrier);
        assert_eq!(world.exchange(observe()), Ok(CONTENT));
        for news in [&b"one"[..], b"two"] {
            let notification = world.site.notify(&[(OBSERVE, &[])], news);
            world.give(&notification);
            world.give(&notification);
            assert_eq!(world.run_until(world.now_ms), None);
            assert_eq!(world.sent.last().unwrap().1, [&[0x60, 0], &notification[2..4]].concat());
        }
        assert_eq!(payloads(&world), [&b"now"[..], b"one", b"two"]);
        assert!(world.app.pieces.iter().all(|piece| piece.notification && !piece.more));
        // A request beside it.
        assert_eq!(world.exchange(get("other")), Ok(CONTENT));
        assert_eq!(world.ask(observe()).map(|_| ()), Ok(()));
    }
}

#[test]
fn an_older_notification_is_dropped() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    let older = world.site.notify(&[(OBSERVE, &[])], b"older");
    let newer = world.site.notify(&[(OBSERVE, &[])], b"newer");
    world.give(&newer);
    world.give(&older);
    assert_eq!(payloads(&world), [&b"now"[..], b"newer"]);
}

/// Max-Age and 5 to 15 s after the last news it is registered anew, under the same token.
#[test]
fn a_registration_is_renewed() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    let deadline = world.device.deadline(&world.observations);
    assert!((35_000..45_000).contains(&(deadline - world.now_ms)), "{deadline}");
    world.now_ms += 20_000;
    let news = world.site.notify(&[(OBSERVE, &[]), (MAX_AGE, &[100])], b"news");
    world.give(&news);
    let next = world.device.deadline(&world.observations);
    assert_eq!(next, world.now_ms); // the acknowledgement
    world.run_until(world.now_ms);
    let next = world.device.deadline(&world.observations);
    assert!((105_000..115_000).contains(&(next - world.now_ms)), "{next}");
    let token = world.sent[1].1[4..8].to_vec();
    assert_eq!(world.run_until(next), None);
    assert_eq!(world.sent.last().unwrap().1[4..8], token);
    assert_eq!(payloads(&world), [&b"now"[..], b"news", b"now"]);
    // The older registration's notifications do not open any more, the newer one's do.
    let news = world.site.notify(&[(OBSERVE, &[])], b"again");
    world.give(&news);
    assert_eq!(payloads(&world).last(), Some(&&b"again"[..]));
}

#[test]
fn refreshing_is_independent_of_news() {
    let refreshed = crate::device::Config { refresh_s: 25, ..config(Carrier::Oscore, Profile::Express) };
    let mut world = World::with(&refreshed);
    world.observations.resize_with(1, Observation::default);
    world.site.handler = Box::new(observable);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    let registered = world.now_ms;
    world.now_ms += 10_000;
    let news = world.site.notify(&[(OBSERVE, &[])], b"news");
    world.give(&news);
    world.run_until(world.now_ms);
    assert_eq!(world.device.deadline(&world.observations), registered + 25_000);
}

#[test]
fn observations_outlive_sessions() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    assert_eq!(world.exchange(Ask { path: "s", ..observe() }), Ok(CONTENT));
    world.site.restart();
    world.sent.clear();
    assert_eq!(world.exchange(get("other")), Ok(CONTENT));
    assert_eq!(world.run_until(world.now_ms), None);
    assert_eq!(world.story(), "0 0 R1 0 0 0"); // the request, and then one after the other
    assert!(world.site.executed.iter().rev().take(2).all(|request| has_observe(request, &[])));
    assert_eq!(payloads(&world), [&b"now"[..], b"now", b"plain", b"now", b"now"]);
}

#[test]
fn moved_observations_are_registered_anew() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    world.call(|device, env| device.moved(env)).unwrap();
    assert_eq!(world.run_until(world.now_ms), None);
    assert_eq!(payloads(&world), [&b"now"[..], b"now"]);
}

/// Deregistered by a message with a token of its own.
#[test]
fn cancelling() {
    let mut world = world(Carrier::Oscore);
    let name = {
        assert_eq!(world.exchange(observe()), Ok(CONTENT));
        world.app.asks.len()
    };
    let token = world.sent[1].1[4..8].to_vec();
    world.call(|device, env| device.cancel(env, name)).unwrap();
    let late = world.site.notify(&[(OBSERVE, &[])], b"late");
    assert_eq!(world.run_until(world.now_ms), None);
    assert!(has_observe(world.site.executed.last().unwrap(), &[1]));
    assert_ne!(world.sent.last().unwrap().1[4..8], token);
    let last = world.app.pieces.last().unwrap();
    assert_eq!((last.ended, last.name, last.payload.len()), (Some(Error::Cancelled), name, 0));
    world.give(&late);
    world.run_until(world.now_ms);
    assert_eq!(world.sent.last().unwrap().1[0], 0x70); // a token that nobody knows
    assert_eq!(world.app.pieces.len(), 2);
    assert_eq!(world.call(|device, env| device.cancel(env, name)), Err(Error::State));
}

#[test]
fn what_is_not_observable_ends_at_once() {
    let mut world = world(Carrier::Oscore);
    world.site.handler = Box::new(|request| answer(request, CONTENT, &[], b"plain"));
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    let [answer, end] = &world.app.pieces[..] else { panic!() };
    assert_eq!((&answer.payload[..], answer.notification), (&b"plain"[..], false));
    assert_eq!(end.ended, Some(Error::Unexpected));
    assert_eq!(world.device.deadline(&world.observations), u64::MAX);
}

/// By an error, which has no Observe (RFC 7641 section 4.2), or has one all the same.
#[test]
fn the_server_ends_an_observation() {
    for (options, news) in [(&[][..], 0), (&[], 2), (&[(OBSERVE, &[][..])], 0)] {
        let mut world = world(Carrier::Oscore);
        assert_eq!(world.exchange(observe()), Ok(CONTENT));
        for _ in 0..news {
            let notification = world.site.notify(&[(OBSERVE, &[])], b"news");
            world.give(&notification);
        }
        let (exchange, slot, token) = world.site.last.clone().unwrap();
        let gone = message(0x40, code(4, 4), 0x7777, &token, options, b"");
        let gone = world.site.seal(slot, &exchange, &gone);
        world.give(&gone);
        let last = world.app.pieces.last().unwrap();
        assert_eq!((last.ended, last.code), (Some(Error::Unexpected), code(4, 4)));
        assert_eq!(world.app.pieces.len(), 2 + news);
        world.run_until(world.now_ms);
        assert_eq!(world.last(), [0x60, 0, 0x77, 0x77]);
        assert_eq!(world.device.deadline(&world.observations), u64::MAX);
    }
}

/// What is being done for an observation waits while a request is out.
#[test]
fn a_request_comes_before_a_renewal() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    world.up = Box::new(|_, _| 0);
    let due = world.device.deadline(&world.observations);
    assert_eq!(world.run_until(due), None);
    assert_eq!(world.story(), "X1 0 0"); // the renewal, which is lost
    world.up = Box::new(|_, _| 1);
    assert_eq!(world.exchange(get("other")), Ok(CONTENT));
    assert_eq!(payloads(&world), [&b"now"[..], b"plain"]);
    assert_eq!(world.run_until(world.now_ms), None);
    assert_eq!(payloads(&world), [&b"now"[..], b"plain", b"now"]);
    assert_eq!(world.now_ms, due);
}

/// Nothing of an observation ends because there is no randomness: news comes, and it is renewed once there is.
#[test]
fn a_random_source_that_fails_meanwhile() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    world.dice.fails = true;
    let news = world.site.notify(&[(OBSERVE, &[]), (MAX_AGE, &[100])], b"news");
    world.give(&news);
    assert_eq!(world.run_until(world.now_ms), None);
    let due = world.device.deadline(&world.observations);
    assert!((105_000..115_000).contains(&(due - world.now_ms)), "{due}");
    for _ in 0..3 {
        let due = world.device.deadline(&world.observations);
        assert_eq!(world.run_until(due), Some(Err(Error::Random)));
        assert_eq!(world.device.deadline(&world.observations), world.now_ms + 1_000);
    }
    world.dice.fails = false;
    assert_eq!(world.run_until(world.now_ms + 1_000), None);
    assert_eq!(payloads(&world), [&b"now"[..], b"news", b"now"]);
}

#[test]
fn there_is_room_for_so_many() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    assert_eq!(world.ask(observe()), Err(Error::Capacity));
    assert_eq!(world.ask(Ask { code: 2, ..observe() }), Err(Error::Argument));
    // A name that is observed cannot ask anything else.
    assert_eq!(world.call(|device, env| device.request(env, Some(1))), Err(Error::State));
}

/// The rest of a long notification comes by GETs without Observe; a newer one begins at offset 0.
#[test]
fn long_notifications() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    world.site.handler = Box::new(|request| {
        let frame = Frame::read(request).unwrap();
        assert!(frame.find(request, OBSERVE).unwrap().is_none());
        let block = frame.find(request, BLOCK2).unwrap().unwrap();
        let number = request[block.at] >> 4;
        let value = [number << 4 | u8::from(number < 2) << 3];
        let payload = if number < 2 { &[b'a' + number; 16][..] } else { b"end" };
        answer(request, CONTENT, &[(ETAG, b"v1"), (BLOCK2, &value)], payload)
    });
    let registration = world.site.last.clone();
    let long = [(ETAG, &b"v1"[..]), (OBSERVE, &[]), (BLOCK2, &[8])];
    let news = world.site.notify(&long, &[b'a'; 16]);
    world.give(&news);
    assert_eq!(world.run_until(world.now_ms), None);
    let got: Vec<(u32, bool, usize)> = world
        .app
        .pieces
        .iter()
        .skip(1)
        .map(|piece| (piece.offset, piece.more, piece.payload.len()))
        .collect();
    assert_eq!(got, [(0, true, 16), (16, true, 16), (32, false, 3)]);
    // A newer one in between.
    world.app.pieces.clear();
    world.site.last = registration;
    let news = world.site.notify(&long, &[b'a'; 16]);
    world.give(&news);
    world.poll(); // acknowledges it and asks for the second block
    let newer = world.site.notify(&[(OBSERVE, &[])], b"short");
    world.give(&newer);
    assert_eq!(world.run_until(world.now_ms), None);
    let got: Vec<&[u8]> = payloads(&world);
    assert_eq!(got, [&[b'a'; 16][..], b"short"]);
}

/// Nothing is lost of an observation that cannot be renewed for a while.
#[test]
fn a_server_that_is_silent_for_a_while() {
    let mut world = world(Carrier::Oscore);
    assert_eq!(world.exchange(observe()), Ok(CONTENT));
    world.up = Box::new(|_, _| 0);
    assert_eq!(world.run_until(world.now_ms + 400_000), None);
    world.up = Box::new(|_, _| 1);
    let before = world.app.pieces.len();
    assert_eq!(world.run_until(world.now_ms + 200_000), None);
    assert!(world.app.pieces.len() > before);
    assert!(world.app.pieces.iter().all(|piece| piece.ended.is_none()));
}
