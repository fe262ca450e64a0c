//! Messages: retransmission, separate answers, duplicates, paths, clocks.

use super::world::*;
use crate::client::Profile;
use crate::coap::Carrier;
use crate::coap::message::{Frame, code};
use crate::coap::option::{Reader, URI_PATH, URI_QUERY};
use crate::device::*;
use crate::error::Error;

const ACK: u8 = 0x60;
const RESET: u8 = 0x70;

#[test]
fn what_is_lost_is_sent_again() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    let mut left = 2;
    world.up = Box::new(move |_, _| {
        left -= 1;
        usize::from(left < 0)
    });
    world.sent.clear();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    let at: Vec<u64> = world.sent.iter().map(|(at, _)| *at).collect();
    let first = at[1] - at[0];
    assert!((2_000..=3_000).contains(&first));
    assert_eq!(at[2] - at[1], 2 * first);
    assert!(world.sent.iter().all(|(_, bytes)| *bytes == world.sent[0].1));
    assert_eq!(world.site.executed.len(), 2);
}

#[test]
fn answers_that_are_lost_or_repeated_execute_nothing_twice() {
    let mut world = World::new();
    let mut count = 0;
    world.up = Box::new(|_, _| 2);
    world.down = Box::new(move |_, _| {
        count += 1;
        [0, 2, 1][count % 3]
    });
    for _ in 0..5 {
        assert_eq!(world.exchange(post(b"1")), Ok(CHANGED));
    }
    assert_eq!(world.site.executed.len(), 5);
    assert_eq!(world.app.pieces.len(), 5);
}

#[test]
fn separate_answers_are_acknowledged_and_so_are_their_duplicates() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.site.separate = true;
    world.sent.clear();
    world.ask(get("r")).unwrap();
    world.down = Box::new(|_, bytes| if bytes[1] == 0 { 1 } else { 2 });
    assert_eq!(world.run(), Some(Ok(CONTENT)));
    let id = [0x70, 0x01];
    assert_eq!(world.sent.last().unwrap().1, [&[ACK, 0], &id[..]].concat());
    world.run();
    assert_eq!(world.sent.len(), 3);
    assert_eq!(world.sent.last().unwrap().1, [&[ACK, 0], &id[..]].concat());
    // A token that nobody knows.
    world.give(&message(0x40, CONTENT, 5, b"abcd", &[], b"x"));
    world.run();
    assert_eq!(world.sent.last().unwrap().1, [RESET, 0, 0, 5]);
    // A ping.
    world.give(&[0x40, 0, 0, 6]);
    world.run();
    assert_eq!(world.sent.last().unwrap().1, [RESET, 0, 0, 6]);
    assert_eq!(world.sent.len(), 5);
}

/// A forged separate answer is neither acknowledged nor refused: the true one may still come.
#[test]
fn what_does_not_open_is_not_acknowledged() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.ask(get("r")).unwrap();
    world.poll();
    let token = world.sent.last().unwrap().1[4..8].to_vec();
    let sent = world.sent.len();
    world.give(&message(0x40, CHANGED, 9, &token, &[(9, &[])], &[0x55; 20]));
    assert_eq!((world.poll(), world.sent.len()), (None, sent));
    assert_eq!(world.run(), Some(Ok(CONTENT)));
}

/// Neither an empty acknowledgement nor a Reset ends anything: both have 16 bits to show.
#[test]
fn empty_messages_are_hints() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    for message_type in [ACK, RESET] {
        world.sent.clear();
        let mut lost = true;
        world.up = Box::new(move |_, _| usize::from(!core::mem::take(&mut lost)));
        world.ask(get("r")).unwrap();
        world.poll();
        let (at, request) = world.sent[0].clone();
        world.give(&[message_type, 0, request[2], request[3]]);
        assert_eq!(world.run(), Some(Ok(CONTENT)));
        let waited = world.sent[1].0 - at;
        assert!(if message_type == ACK { waited == 46_500 } else { waited <= 3_000 }, "{waited}");
    }
}

#[test]
fn a_non_confirmable_request_is_sent_once() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.sent.clear();
    let non = Ask { non: true, ..get("r") };
    assert_eq!(world.exchange(non.clone()), Ok(CONTENT));
    assert_eq!(world.sent[0].1[0], 0x54);
    world.up = Box::new(|_, _| 0);
    assert_eq!(world.exchange(Ask { timeout_ms: 5_000, ..non }), Err(Error::NoAnswer));
    assert_eq!(world.sent.len(), 2);
}

/// A hint has it sent once more, as what it was.
#[test]
fn a_non_confirmable_request_that_is_refused_in_the_clear() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.up = Box::new(|_, _| 0);
    world.ask(Ask { non: true, ..get("r") }).unwrap();
    world.poll();
    let first = world.last();
    world.give(&message(0x50, code(4, 1), 5, &first[4..8], &[], b""));
    world.up = Box::new(|_, _| 1);
    assert_eq!(world.run(), Some(Ok(CONTENT)));
    let second = world.last();
    assert_eq!((world.sent.len(), second[0], &second[8..]), (4, 0x54, &first[8..]));
    assert_ne!(second[4..8], first[4..8]);
}

#[test]
fn the_numbers_of_the_configuration() {
    let numbers =
        Config { ack_timeout_ms: 500, max_retransmit: 1, ..config(Carrier::Oscore, Profile::Express) };
    let mut world = World::with(&numbers);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.up = Box::new(|_, _| 0);
    world.sent.clear();
    assert_eq!(world.exchange(get("r")), Err(Error::NoAnswer));
    let [(first, _), (second, _)] = &world.sent[..] else { panic!() };
    assert!((500..=750).contains(&(second - first)));
}

#[test]
fn the_time_of_a_request_includes_connecting() {
    let mut world = World::new();
    world.up = Box::new(|_, _| 0);
    let began = world.now_ms;
    assert_eq!(world.exchange(Ask { timeout_ms: 7_000, ..get("r") }), Err(Error::NoAnswer));
    assert_eq!(world.now_ms - began, 7_000);
}

#[test]
fn clocks_that_stand_still_or_jump() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.up = Box::new(|_, _| 0);
    world.ask(get("r")).unwrap();
    world.poll();
    let due = world.device.deadline(&[]);
    let sent = world.sent.len();
    for earlier in [world.now_ms, world.now_ms - 500, 0] {
        world.now_ms = earlier;
        assert_eq!((world.poll(), world.sent.len(), world.device.deadline(&[])), (None, sent, due));
    }
    // A sleep of an hour: the request is over, and nothing is sent any more.
    world.now_ms = due + 3_600_000;
    assert_eq!((world.poll(), world.sent.len()), (Some(Err(Error::NoAnswer)), sent));
    let mut last = 0;
    let times = [0xffff_fff0_u32, 0x10, 0x20].map(|ms| extend_ms(&mut last, ms));
    assert_eq!(times, [0xffff_fff0, 0x1_0000_0010, 0x1_0000_0020]);
}

#[test]
fn what_moved_goes_out_again_at_once() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.up = Box::new(|_, _| 0);
    world.ask(get("r")).unwrap();
    world.poll();
    world.up = Box::new(|_, _| 1);
    world.call(|device, env| device.moved(env)).unwrap();
    let at = world.now_ms;
    assert_eq!(world.run(), Some(Ok(CONTENT)));
    assert_eq!(world.now_ms, at);
}

#[test]
fn a_request_that_is_given_up() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.down = Box::new(|_, _| 0);
    let name = world.ask(get("r")).unwrap();
    assert_eq!(world.ask(get("r")), Err(Error::State));
    world.poll();
    let late = world.site.receive(world.now_ms, &world.sent.last().unwrap().1.clone());
    world.call(|device, env| device.cancel(env, name)).unwrap();
    world.give(&late[0]);
    assert_eq!(world.run(), Some(Err(Error::Cancelled)));
    assert_eq!(world.app.pieces.len(), 1);
    assert_eq!(world.call(|device, env| device.cancel(env, name)), Err(Error::State));
    world.down = Box::new(|_, _| 1);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
}

fn values(message: &[u8], number: u16) -> Vec<Vec<u8>> {
    let frame = Frame::read(message).unwrap();
    let mut reader = Reader::new(frame.options);
    std::iter::from_fn(|| reader.next(message).unwrap())
        .filter(|found| found.number == number)
        .map(|found| message[found.at..found.at + found.len].to_vec())
        .collect()
}

#[test]
fn paths_and_queries() {
    let mut world = World::new();
    let cases: [(&str, &[&str], &[&str]); 7] = [
        ("/a/b?c=d&e", &["a", "b"], &["c=d", "e"]),
        ("led", &["led"], &[]),
        ("/led", &["led"], &[]),
        ("/", &[], &[]),
        ("", &[], &[]),
        ("/a%2Fb/%20?%26=%3d", &["a/b", " "], &["&=="]),
        ("/a//b/?", &["a", "", "b", ""], &[""]),
    ];
    for (path, segments, query) in cases {
        assert_eq!(world.exchange(get(path)), Ok(CONTENT));
        let request = world.site.executed.last().unwrap();
        let strings =
            |list: &[&str]| -> Vec<Vec<u8>> { list.iter().map(|s| s.as_bytes().to_vec()).collect() };
        assert_eq!(values(request, URI_PATH), strings(segments), "{path}");
        assert_eq!(values(request, URI_QUERY), strings(query), "{path}");
    }
    for path in ["/a%", "/a%2", "/%zz", "/a#b", "/a%+1"] {
        assert_eq!(world.ask(get(path)), Err(Error::Argument), "{path}");
    }
    assert_eq!(world.ask(Ask { code: 0, ..get("r") }), Err(Error::Argument));
    assert_eq!(world.ask(Ask { code: code(2, 5), ..get("r") }), Err(Error::Argument));
    // Nothing of that stays under way.
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.call(|device, env| device.request(env, Some(99))), Err(Error::Argument));
}

#[test]
fn what_does_not_fit_is_said_at_once() {
    let mut world = World::new();
    let long: &'static str = Box::leak("x".repeat(250).into_boxed_str());
    world.buffer = std::vec![0; 160];
    assert_eq!(world.ask(get(long)), Err(Error::TooLong));
    assert!(world.sent.is_empty());
    world.buffer = std::vec![0; 159];
    assert_eq!(world.ask(get("r")), Err(Error::Argument));
}

#[test]
fn requests_of_the_server_are_left_alone() {
    let mut world = World::new();
    let mut request = message(0x40, 1, 7, b"abcd", &[(URI_PATH, b"r")], b"");
    let before = request.clone();
    assert_eq!(world.call(|device, env| device.receive(env, &mut request)), Err(Error::Unexpected));
    assert_eq!(request, before);
}
