use super::*;
use std::collections::{HashMap, HashSet};

const LARGE: &[(u16, &[u8])] = &[(11, b"large")];

fn block(number: u32, more: bool) -> Vec<u8> {
    let value = number << 4 | u32::from(more) << 3 | 2;
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

fn upload(number: u32, more: bool) -> Vec<u8> {
    inner(PUT, &[(11, b"up"), (27, &block(number, more))], &[b'x'; 64])
}

fn download(number: u32) -> Vec<u8> {
    inner(GET, &[LARGE[0], (23, &block(number, false))], b"")
}

fn with_ports(ports: u16) -> World {
    World::new(|backend| backend.ports = ports)
}

#[test]
fn devices_upload_at_once_each_through_a_port_of_its_own() {
    let mut world = World::default();
    let mut ports = HashMap::new();
    for number in 0..4 {
        for device in 0..8 {
            let more = number < 3;
            let seen = world.asks(device, &upload(number, more));
            assert_eq!(*ports.entry(device).or_insert(seen.port), seen.port);
            let code = if more { CONTINUE } else { CHANGED };
            assert!(answer(&world.answers(&seen, code, &[(27, &block(number, more))])).2);
            // What others ask meanwhile goes elsewhere.
            let other = world.get(100 + device);
            assert!(ports.iter().all(|(_, port)| number == 3 || *port != other.port));
            world.answers(&other, CONTENT, &[]);
        }
    }
    assert_eq!(ports.values().collect::<HashSet<_>>().len(), 8);
}

#[test]
fn a_download_stays_on_its_port_until_its_last_block() {
    let mut world = World::default();
    let first = world.asks(1, &inner(GET, LARGE, b""));
    world.answers(&first, CONTENT, &[(23, &block(0, true))]);
    for number in 1..4 {
        for device in 2..40 {
            let other = world.asks(device, &inner(GET, LARGE, b""));
            assert_ne!(other.port, first.port);
            world.answers(&other, CONTENT, &[]);
        }
        world.now_ms += 90_000;
        let next = world.asks(1, &download(number));
        assert_eq!(next.port, first.port);
        world.answers(&next, CONTENT, &[(23, &block(number, number < 3))]);
    }
    let others = (0..64).map(|_| {
        let other = world.get(50);
        world.answers(&other, CONTENT, &[]);
        other.port
    });
    assert!(others.collect::<HashSet<_>>().contains(&first.port), "it is for all again");
}

/// With answers that do not come, requests meet on shared ports. A first block that comes there could be another device's, and so could
/// the next ones: it is asked for anew.
#[test]
fn a_download_that_begins_on_a_shared_port_begins_anew_on_its_own() {
    let mut world = with_ports(4); // one is shared
    let seen: Vec<_> = (1..=6).map(|device| world.asks(device, &inner(GET, LARGE, b""))).collect();
    let ports: Vec<_> = seen.iter().map(|seen| seen.port).collect();
    assert_eq!(ports[2..], [0; 4], "two had a port to spare");
    assert!(ports[0] != 0 && ports[1] != 0 && ports[0] != ports[1]);
    assert!(world.answers(&seen[5], CONTENT, &[(23, &block(0, true))]).is_empty());
    let sent = world.sent();
    let [again] = &sent[..] else { panic!("{sent:?}") };
    assert!(again.port != 0 && again.port != ports[0] && again.port != ports[1]);
    assert_ne!((again.id, &again.token), (seen[5].id, &seen[5].token));
    assert_eq!((&again.options, again.code, again.kind), (&seen[5].options, GET, Type::Confirmable));
    assert_eq!(answer(&world.answers(again, CONTENT, &[(23, &block(0, true))])), (6, CONTENT, true));
    assert_eq!(world.asks(6, &download(1)).port, again.port);
    // All are taken: there is no room for another one.
    let events = world.answers(&seen[4], CONTENT, &[(23, &block(0, true))]);
    assert_eq!(answer(&events), (5, code(5, 3), true));
    assert_eq!(answer(&world.answers(&seen[3], CONTENT, &[])), (4, CONTENT, true), "a whole one is good");
}

#[test]
fn what_changes_something_is_not_asked_twice() {
    let mut world = with_ports(4);
    (1..=4).for_each(|device| drop(world.get(device)));
    let post = world.asks(9, &inner(POST, LARGE, b"x"));
    assert_eq!(post.port, 0);
    let events = world.answers(&post, CHANGED, &[(23, &block(0, true))]);
    assert_eq!(failure(&events), (5, code(5, 2)));
    assert_eq!(world.sent(), []);
}

impl World {
    /// The first block of a body.
    fn begins(&mut self, of: u8) -> Seen {
        let seen = self.asks(of, &upload(0, true));
        self.answers(&seen, CONTINUE, &[(27, &block(0, true))]);
        seen
    }

    /// A block of a long answer.
    fn downloads(&mut self, of: u8, number: u32) -> Seen {
        let options = [LARGE[0], (23, &block(number, false)[..])];
        let count = if number == 0 { 1 } else { 2 };
        let mut seen = self.asks(of, &inner(GET, &options[..count], b""));
        self.answers(&seen, CONTENT, &[(23, &block(number, true))]);
        if let Some(again) = self.sent().pop() {
            seen = again; // through a port of its own
            self.answers(&seen, CONTENT, &[(23, &block(number, true))]);
        }
        seen
    }
}

#[test]
fn there_is_no_port_for_one_transfer_too_many_and_always_one_for_others() {
    let mut world = with_ports(4);
    (1..=3).for_each(|device| drop(world.begins(device)));
    assert_eq!(world.ask_again(4, &upload(0, true), None), Asked::Busy);
    assert_eq!(world.ask_again(4, &inner(GET, &[(6, b"")], b""), None), Asked::Busy, "an observation");
    assert_eq!(world.get(4).port, 0);
    assert!(matches!(world.ask_again(3, &upload(1, true), None), Asked::Passed(_)));
}

#[test]
fn a_download_that_was_left_lying_gives_way_where_ports_are_wanted() {
    let mut world = with_ports(4);
    let ports = [1, 2, 3].map(|device| world.downloads(device, 0).port);
    assert!(ports.iter().all(|port| *port != 0), "{ports:?}");
    world.now_ms += 9000;
    world.downloads(1, 1);
    assert_eq!(world.ask_again(4, &upload(0, true), None), Asked::Busy);
    world.now_ms += 1000;
    assert_eq!(world.begins(4).port, ports[1], "the one that has lain longest");
    assert_eq!(world.downloads(1, 2).port, ports[0]);
    assert_eq!(world.ask_again(2, &download(1), None), Asked::Refused(code(4, 8)), "it has to begin anew");
}

#[test]
fn an_abandoned_transfer_gives_its_port_back() {
    let mut world = with_ports(2);
    let seen = world.downloads(1, 0);
    assert_eq!(world.get(2).port, 0);
    assert_eq!(world.get(1).port, seen.port, "the device's own requests go through it");
    world.runs(92_999);
    assert_eq!(world.get(2).port, 0);
    world.runs(100_000);
    let other = world.get(2);
    assert_eq!(other.port, seen.port);
    world.answers(&other, CONTENT, &[]);
    assert_eq!(world.ask_again(1, &download(1), None), Asked::Refused(code(4, 8)));
}

/// The back-end keeps what it has of a body for some time: another device's must not meet it.
#[test]
fn an_unfinished_upload_keeps_its_port_until_it_is_forgotten() {
    let begun = |world: &mut World| world.begins(1);
    let failed = |world: &mut World| {
        let seen = world.begins(1);
        let next = world.asks(1, &upload(1, true));
        assert_eq!(failure(&world.empty(&next, Type::Reset)), (2, code(5, 2)));
        seen
    };
    let ended = |world: &mut World| {
        let seen = world.asks(1, &upload(0, true));
        world.proxy.session_ended(world.now_ms, session(1));
        assert!(world.answers(&seen, CONTINUE, &[(27, &block(0, true))]).is_empty());
        seen
    };
    let own_blocks = |world: &mut World| {
        let seen = world.asks(1, &inner(PUT, &[(11, b"up")], &[b'x'; 3000]));
        assert_eq!(failure(&world.empty(&seen, Type::Reset)), (1, code(5, 2)));
        seen
    };
    let cases: [fn(&mut World) -> Seen; 4] = [begun, failed, ended, own_blocks];
    for begin in cases {
        let mut world = with_ports(2);
        let seen = begin(&mut world);
        world.now_ms += 246_999;
        assert_eq!(world.ask_again(2, &upload(0, true), None), Asked::Busy);
        world.now_ms += 1;
        assert_eq!(world.asks(2, &upload(0, true)).port, seen.port);
    }
    for code in [CHANGED, code(4, 8), code(4, 13), code(5, 0)] {
        let mut world = with_ports(2);
        let seen = world.begins(1);
        let last = world.asks(1, &upload(1, false));
        world.answers(&last, code, &[(27, &block(1, false))]);
        assert_eq!(world.asks(2, &upload(0, true)).port, seen.port, "it is over");
    }
}

#[test]
fn a_device_goes_on_in_another_session() {
    let mut world = with_ports(2);
    let seen = world.begins(1);
    world.proxy.session_ended(world.now_ms, session(1));
    let (message, device_id) = (upload(1, false), [b'd', 1]);
    let session = session(9);
    let request = Request {
        ticket: 99,
        session,
        device_id: &device_id,
        message: &message,
        observation: None,
        in_one: false,
    };
    assert_eq!(world.proxy.request(world.now_ms, &request, &mut Vec::new()), Reply::Later);
    assert_eq!(world.sent()[0].port, seen.port);
}

/// What the back-end keeps by endpoint could be another device's.
#[test]
fn nobody_goes_on_with_what_he_has_not_begun() {
    let mut world = with_ports(2);
    let next = inner(PUT, &[(11, b"up"), (27, &block(1, false))], b"x");
    for message in [&download(1), &next] {
        assert_eq!(world.ask_again(2, message, None), Asked::Refused(code(4, 8)));
    }
    let seen = world.downloads(1, 0);
    assert_eq!(world.ask_again(2, &download(1), None), Asked::Refused(code(4, 8)), "another's");
    assert_eq!(world.ask_again(1, &next, None), Asked::Refused(code(4, 8)), "another one of its own");
    let last = world.asks(1, &download(1));
    assert_eq!(last.port, seen.port);
    world.answers(&last, CONTENT, &[(23, &block(1, false))]);
    assert_eq!(world.ask_again(1, &download(1), None), Asked::Refused(code(4, 8)), "it is over");
    let other = world.get(2);
    assert_eq!(other.port, seen.port);
}

#[test]
fn a_download_that_nobody_wants_any_more_holds_no_port() {
    let mut world = with_ports(2);
    let seen = world.asks(1, &inner(GET, LARGE, b""));
    world.proxy.cancel(world.now_ms, 1);
    assert!(world.answers(&seen, CONTENT, &[(23, &block(0, true))]).is_empty());
    assert_eq!(world.asks(2, &upload(0, true)).port, seen.port);
}

#[test]
fn a_device_has_so_many_transfers() {
    let mut world = with_ports(2);
    let first = |path: u8| inner(PUT, &[(11, &[path]), (27, &block(0, true))], &[b'x'; 64]);
    for path in 0..8 {
        let seen = world.asks(1, &first(path));
        world.answers(&seen, CONTINUE, &[(27, &block(0, true))]);
    }
    assert_eq!(world.ask_again(1, &first(8), None), Asked::Busy);
    assert!(matches!(world.ask_again(1, &first(3), None), Asked::Passed(_)), "one that is there");
    for path in 0..20 {
        let seen = world.asks(1, &inner(GET, &[(11, &[path])], b""));
        world.answers(&seen, CONTENT, &[(23, &block(0, true))]);
    }
    assert!(matches!(
        world.ask_again(1, &inner(PUT, &[(11, &[1]), (27, &block(1, true))], &[b'x'; 64]), None),
        Asked::Passed(_)
    ));
}

#[test]
fn no_id_is_used_again_within_the_lifetime_of_an_exchange() {
    let mut world = with_ports(2);
    let mut last = HashMap::new();
    let get = inner(GET, &[], b"");
    let (mut passed, mut busy) = (0, 0);
    for turn in 0..300_000_u64 {
        world.now_ms += 1;
        match world.ask_again((turn % 7) as u8, &get, None) {
            Asked::Passed(seen) => {
                passed += 1;
                if let Some(before) = last.insert((seen.port, seen.id), world.now_ms) {
                    assert!(world.now_ms - before >= 247_000, "{}", world.now_ms - before);
                }
                world.answers(&seen, CONTENT, &[]);
            }
            Asked::Busy => busy += 1,
            Asked::Refused(code) => panic!("{code}"),
        }
    }
    assert!(passed >= 2 * 65_536 && busy > 0, "{passed} {busy}: all ids of both ports, and no more");
}
