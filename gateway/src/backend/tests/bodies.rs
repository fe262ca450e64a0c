use super::*;

fn body(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 3) as u8).collect()
}

fn put(len: usize) -> Vec<u8> {
    inner(PUT, &[(11, b"up"), (12, b"")], &body(len))
}

fn options_of(seen: &Seen, number: u16) -> Vec<u32> {
    let of = seen.options.iter().filter(|(other, _)| *other == number);
    of.map(|(_, value)| value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))).collect()
}

fn value(block: u32) -> Vec<u8> {
    block.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

impl World {
    fn whole() -> Self {
        let mut world = World::default();
        world.in_one = true;
        world
    }

    /// The next message of a request, after an answer that was no event.
    #[track_caller]
    fn goes_on(&mut self, events: &[Event]) -> Seen {
        assert!(events.is_empty(), "{events:?}");
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    /// A back-end that takes an upload, whatever its parts: what it has got, and the last part.
    fn takes(&mut self, mut seen: Seen, szx: u32) -> (Vec<u8>, Seen) {
        let (mut got, mut used) = (Vec::new(), std::collections::HashSet::new());
        loop {
            let [block] = options_of(&seen, 27)[..] else { panic!("{seen:?}") };
            let size = 16 << (block & 7);
            assert_eq!((block >> 4) as usize * size, got.len());
            assert!(used.insert((seen.id, seen.token.clone())));
            got.extend_from_slice(&seen.payload);
            if block & 8 == 0 {
                return (got, seen);
            }
            assert_eq!(seen.payload.len(), size);
            let reply = block & !7 | szx.min(block & 7);
            let events = self.answers(&seen, CONTINUE, &[(27, &value(reply))]);
            let port = seen.port;
            seen = self.goes_on(&events);
            assert_eq!(seen.port, port);
        }
    }

    /// A block of `body` that a request asks for.
    fn gives(
        &mut self,
        to: &Seen,
        body: &[u8],
        etag: &[u8],
        szx: u32,
        options: &[(u16, &[u8])],
    ) -> Vec<Event> {
        let asked = options_of(to, 23).first().copied().unwrap_or(szx);
        let size = 16 << (asked & 7);
        let at = (asked >> 4) as usize * size;
        let part = &body[at..body.len().min(at + size)];
        let block = asked & !8 | u32::from(at + size < body.len()) << 3;
        let (block, mut all) = (value(block), vec![(4, etag)]);
        all.extend_from_slice(options);
        all.push((23, &block));
        let datagram = message(Type::Acknowledgement, CONTENT, to.id, &to.token, &all, part);
        self.says(to.port, &datagram)
    }

    /// A back-end that gives `body` in blocks until something happens.
    fn gives_all(&mut self, mut seen: Seen, body: &[u8], szx: u32) -> Vec<Event> {
        loop {
            let events = self.gives(&seen, body, b"e", szx, &[]);
            if !events.is_empty() {
                return events;
            }
            let port = seen.port;
            seen = self.goes_on(&[]);
            assert_eq!((seen.port, &seen.payload[..]), (port, &b""[..]));
        }
    }
}

fn whole(events: &[Event]) -> Seen {
    let [Event::Answer { message, .. }] = events else { panic!("{events:?}") };
    read(0, message)
}

#[test]
fn what_is_too_long_for_a_datagram_goes_in_blocks_and_what_is_not_does_not() {
    for szx in [6, 4, 0] {
        for len in [1025, 2048, 2049, 5000, 65_000] {
            let mut world = World::default();
            let seen = world.asks(1, &put(len.max(1150)));
            assert_eq!(options_of(&seen, 60), [len.max(1150) as u32]);
            assert_eq!(seen.payload.len(), 1024);
            let (got, last) = world.takes(seen, szx);
            assert!(got == body(len.max(1150)), "{szx} {len}");
            assert_eq!(options_of(&last, 65_010).len(), 1);
            assert_eq!(world.proxy.pending(), 1);
            let block = value(options_of(&last, 27)[0]);
            let events = world.answers(&last, CHANGED, &[(12, b""), (27, &block)]);
            assert_eq!(answer(&events), (1, CHANGED, true));
            assert_eq!(whole(&events).options, [(12, vec![])], "the device has sent no block");
            assert_eq!(world.proxy.holds(), (0, 0));
        }
    }
    let mut world = World::default();
    let seen = world.asks(1, &put(1024));
    assert_eq!((options_of(&seen, 27), seen.payload.len()), (vec![], 1024));
}

#[test]
fn blocks_of_the_devices_own_stay_as_they_are() {
    let mut world = World::default();
    let options: [(u16, &[u8]); 3] = [(11, b"up"), (27, b"\x0e"), (292, b"tag")];
    let seen = world.asks(1, &inner(PUT, &options, &body(1024)));
    assert_eq!((options_of(&seen, 27), seen.payload.len()), (vec![0x0e], 1024));
    assert_eq!(answer(&world.answers(&seen, CONTINUE, &[(27, b"\x0e")])), (1, CONTINUE, true));
    let refused = world.ask_again(1, &inner(PUT, &options, &body(1472)), None);
    assert_eq!(refused, Asked::Refused(code(4, 13)), "no server reads that");
}

#[test]
fn options_that_are_long_leave_room_for_smaller_blocks_or_none() {
    let mut world = World::default();
    let long = [b'q'; 250];
    let seen = world.asks(1, &inner(PUT, &[(15, &long), (15, &long), (15, &long)], &body(900)));
    assert!(seen.payload.len() == 256, "{}", seen.payload.len());
    assert!(world.takes(seen, 6).0 == body(900));
    let options = [(15, &long[..]); 6];
    assert_eq!(world.ask_again(1, &inner(PUT, &options, &body(10)), None), Asked::Refused(code(4, 13)));
    assert_eq!(world.ask_again(1, &inner(GET, &options, b""), None), Asked::Refused(code(4, 13)));
}

#[test]
fn an_upload_ends_with_any_other_answer() {
    for code in [code(4, 13), code(4, 8), code(4, 4), code(5, 0), CHANGED] {
        let mut world = World::default();
        let seen = world.asks(1, &put(5000));
        let events = world.answers(&seen, code, &[]);
        assert_eq!(answer(&events), (1, code, true));
        assert_eq!((world.sent(), world.proxy.holds()), (vec![], (0, 0)));
    }
    for block in [&b"\x1e"[..], b"\x0f"] {
        let mut world = World::default();
        let seen = world.asks(1, &put(5000));
        assert_eq!(
            failure(&world.answers(&seen, CONTINUE, &[(27, block)])),
            (1, code(5, 2)),
            "another block"
        );
    }
    let mut world = World::default();
    let seen = world.asks(1, &put(5000));
    assert_eq!(failure(&world.answers(&seen, CONTINUE, &[])), (1, code(5, 2)), "no block");
}

/// A server that takes each block as it comes says 2.04 to each (RFC 7959 section 2.3).
#[test]
fn each_block_may_be_taken_for_itself() {
    let mut world = World::default();
    let seen = world.asks(1, &put(1200));
    let events = world.answers(&seen, CHANGED, &[(27, b"\x06")]);
    let next = world.goes_on(&events);
    assert_eq!(options_of(&next, 27), [0x16]);
    assert_eq!(answer(&world.answers(&next, CHANGED, &[(27, b"\x16")])), (1, CHANGED, true));
}

#[test]
fn a_block_that_is_lost_is_sent_again_and_one_that_is_not_answered_is_the_end() {
    let mut world = World::default();
    let seen = world.asks(1, &put(5000));
    let events = world.answers(&seen, CONTINUE, &[(27, b"\x0e")]);
    let next = world.goes_on(&events);
    assert!(world.answers(&seen, CONTINUE, &[(27, b"\x0e")]).is_empty(), "the first once more");
    assert_eq!(world.sent(), []);
    let (events, sent) = world.runs(100_000);
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|(_, seen)| *seen == next));
    assert!(matches!(events[..], [(_, Event::Failed { ticket: 1, code })] if code == super::code(5, 4)));
    assert_eq!(world.proxy.holds(), (0, 0));
}

#[test]
fn two_bodies_to_one_place_are_one_after_the_other() {
    let mut world = World::default();
    let seen = world.asks(1, &put(5000));
    assert_eq!(world.ask_again(1, &put(5000), None), Asked::Busy);
    let elsewhere = world.asks(1, &inner(PUT, &[(11, b"other")], &body(5000)));
    assert_eq!(elsewhere.port, seen.port);
    assert_ne!(world.asks(2, &put(5000)).port, seen.port);
    let (_, last) = world.takes(seen, 6);
    world.answers(&last, CHANGED, &[]);
    world.asks(1, &put(5000));
}

#[test]
fn bodies_take_no_more_than_so_much_memory() {
    let mut world = World::new(|backend| backend.ports = 1024);
    let mut uploads = 0_u16;
    let upload = |number: u16| inner(PUT, &[(11, &number.to_be_bytes())], &body(60_000));
    while let Asked::Passed(_) = world.ask_again((uploads % 200) as u8, &upload(uploads), None) {
        uploads += 1;
    }
    let (exchanges, held) = world.proxy.holds();
    assert_eq!(exchanges, usize::from(uploads));
    assert!(held <= 16 << 20 && held + 61_000 > 16 << 20, "{held}");
    world.get(201);
}

#[test]
fn an_answer_in_blocks_is_put_together_for_a_device_that_takes_it_in_one() {
    for szx in [6, 2, 0] {
        for len in [17_usize, 1025, 2048, 2049, 5000] {
            let mut world = World::whole();
            let seen = world.get(1);
            assert!(options_of(&seen, 23).is_empty());
            let events = world.gives_all(seen, &body(len), szx);
            assert_eq!(answer(&events), (1, CONTENT, true));
            let got = whole(&events);
            assert!(got.payload == body(len), "{szx} {len}");
            if len > 16 << szx {
                assert_eq!(got.options, [(4, b"e".to_vec())]);
            }
            assert_eq!(world.proxy.holds(), (0, 0));
        }
    }
}

#[test]
fn a_device_that_asks_for_blocks_gets_blocks_and_so_does_one_that_knows_them() {
    for (in_one, options) in [(true, &[(23, &b"\x02"[..])][..]), (false, &[])] {
        let mut world = World::default();
        world.in_one = in_one;
        let seen = world.asks(1, &inner(GET, options, b""));
        let events = world.gives(&seen, &body(100), b"e", 2, &[]);
        assert_eq!(answer(&events), (1, CONTENT, true));
        assert_eq!(whole(&events).options, [(4, b"e".to_vec()), (23, vec![0x0a])]);
    }
}

#[test]
fn an_answer_that_changes_on_its_way_begins_anew_some_times() {
    let mut world = World::whole();
    let mut seen = world.get(1);
    for turn in 0..4 {
        let events = world.gives(&seen, &body(100), &[turn], 2, &[]);
        seen = world.goes_on(&events);
        let events = world.gives(&seen, &body(100), &[turn + 1], 2, &[]);
        seen = world.goes_on(&events);
        assert_eq!((options_of(&seen, 23), options_of(&seen, 11)), (vec![], vec![u32::from(b'a')]));
    }
    let events = world.gives(&seen, &body(100), b"a", 2, &[]);
    seen = world.goes_on(&events);
    assert_eq!(failure(&world.gives(&seen, &body(100), b"b", 2, &[])), (1, code(5, 2)));
    assert_eq!(world.proxy.holds(), (0, 0));
}

#[test]
fn blocks_that_make_no_sense_are_bad_and_errors_are_passed_on() {
    for (block, len) in [(0x2a, 64), (0x1a, 63), (0x1b, 64), (0x13, 65)] {
        let mut world = World::whole();
        let seen = world.get(1);
        let events = world.gives(&seen, &body(200), b"", 2, &[]);
        let next = world.goes_on(&events);
        let options: [(u16, &[u8]); 2] = [(4, b""), (23, &[block])];
        let datagram = message(Type::Acknowledgement, CONTENT, next.id, &next.token, &options, &body(len));
        assert_eq!(failure(&world.says(next.port, &datagram)), (1, code(5, 2)), "{block:x}");
    }
    let mut world = World::whole();
    let seen = world.get(1);
    let events = world.gives(&seen, &body(200), b"", 2, &[]);
    let next = world.goes_on(&events);
    assert_eq!(answer(&world.answers(&next, code(4, 4), &[])), (1, code(4, 4), true));
    let mut world = World::whole();
    let seen = world.get(1);
    assert_eq!(failure(&world.gives_all(seen, &body(70_000), 6)), (1, code(5, 2)), "too long");
    assert_eq!(world.proxy.holds(), (0, 0));
}

#[test]
fn an_upload_with_a_long_answer() {
    let mut world = World::whole();
    let seen = world.asks(1, &put(3000));
    let (got, last) = world.takes(seen, 6);
    assert!(got == body(3000));
    let block = value(options_of(&last, 27)[0]);
    let first = value(8 | 2);
    let options: [(u16, &[u8]); 2] = [(23, &first), (27, &block)];
    let datagram = message(Type::Acknowledgement, CHANGED, last.id, &last.token, &options, &body(64));
    let events = world.says(last.port, &datagram);
    let next = world.goes_on(&events);
    assert_eq!(
        (options_of(&next, 23), options_of(&next, 27), &next.payload[..]),
        (vec![0x12], vec![], &b""[..])
    );
    assert_eq!(next.code, PUT);
    let datagram =
        message(Type::Acknowledgement, CHANGED, next.id, &next.token, &[(23, b"\x12")], &body(80)[64..]);
    let events = world.says(next.port, &datagram);
    assert_eq!(answer(&events), (1, CHANGED, true));
    assert_eq!((whole(&events).payload, whole(&events).options), (body(80), vec![]));
}

#[test]
fn notifications_in_blocks_are_put_together() {
    const REGISTER: &[(u16, &[u8])] = &[(6, b""), (11, b"a")];
    let mut world = World::whole();
    let seen = world.asks(1, &inner(GET, REGISTER, b""));
    let events = world.gives(&seen, &body(100), b"e", 2, &[(6, b"\x01")]);
    let next = world.goes_on(&events);
    assert_eq!((next.port, options_of(&next, 6), options_of(&next, 23)), (seen.port, vec![], vec![0x12]));
    assert_ne!(next.token, seen.token);
    let events = world.gives(&next, &body(100), b"e", 2, &[]);
    assert_eq!(answer(&events), (1, CONTENT, false));
    assert_eq!((whole(&events).payload, whole(&events).options[1].0), (body(100), 6));
    assert_eq!(world.proxy.pending(), 0);
    // One that is overtaken by a newer one is left out; a short one comes as it is.
    let notify = |world: &mut World, id: u16, number: u8, part: &[u8], block: &[u8]| {
        let options: [(u16, &[u8]); 3] = [(4, &[number]), (6, &[number]), (23, block)];
        let datagram = message(Type::Confirmable, CONTENT, id, &seen.token, &options, part);
        let events = world.says(seen.port, &datagram);
        let mut sent = world.sent();
        assert!(sent.remove(0).is_empty(Type::Acknowledgement, id));
        (events, sent)
    };
    let (events, second) = notify(&mut world, 1, 2, &body(64), b"\x0a");
    assert!(events.is_empty());
    let (events, third) = notify(&mut world, 2, 3, &body(64), b"\x0a");
    assert!(events.is_empty());
    assert!(world.gives(&second[0], &body(100), b"\x02", 2, &[]).is_empty());
    assert_eq!(answer(&world.gives(&third[0], &body(90), b"\x03", 2, &[])), (1, CONTENT, false));
    let (events, sent) = notify(&mut world, 3, 4, b"short", b"\x02");
    assert_eq!((answer(&events), sent.len()), ((1, CONTENT, false), 0));
    // One that cannot be had ends it: it is not left out silently.
    let (_, fourth) = notify(&mut world, 4, 5, &body(64), b"\x0a");
    assert_eq!(failure(&world.answers(&fourth[0], code(4, 4), &[])), (1, code(5, 2)));
    assert_eq!(world.proxy.holds(), (0, 0));
}

#[test]
fn a_notification_that_changes_on_its_way_begins_anew_beside_the_observation() {
    let mut world = World::whole();
    let seen = world.asks(1, &inner(GET, &[(6, b""), (11, b"a")], b""));
    let events = world.gives(&seen, &body(100), b"e", 2, &[(6, b"\x01")]);
    let next = world.goes_on(&events);
    let events = world.gives(&next, &body(100), b"f", 2, &[]);
    let again = world.goes_on(&events);
    assert_eq!((options_of(&again, 6), options_of(&again, 23)), (vec![], vec![]));
    // It has become short.
    assert_eq!(answer(&world.answers(&again, CONTENT, &[])), (1, CONTENT, false));
    assert_eq!(world.proxy.pending(), 0);
}

#[test]
fn an_observation_that_ends_takes_what_it_was_putting_together_along() {
    let mut world = World::whole();
    let seen = world.asks(1, &inner(GET, &[(6, b"")], b""));
    let events = world.gives(&seen, &body(100), b"e", 2, &[(6, b"\x01")]);
    let next = world.goes_on(&events);
    world.proxy.session_ended(world.now_ms, session(1));
    assert!(world.gives(&next, &body(100), b"e", 2, &[]).is_empty());
    assert_eq!(world.proxy.holds(), (0, 0));
    assert_eq!(world.runs(300_000).1, []);
}
