use super::*;

#[test]
fn an_answer_in_the_acknowledgement() {
    let mut world = World::default();
    let seen = world.get(1);
    assert_eq!(world.proxy.pending(), 1);
    assert_eq!(answer(&world.answers(&seen, CONTENT, &[])), (1, CONTENT, true));
    assert_eq!((world.proxy.pending(), world.proxy.next_ms()), (0, None));
    assert!(world.answers(&seen, CONTENT, &[]).is_empty(), "it comes again");
    assert_eq!(world.sent(), [], "what acknowledges is neither acknowledged nor reset");
}

#[test]
fn a_request_is_sent_five_times_and_then_never_again() {
    for _ in 0..20 {
        let mut world = World::default();
        let first = world.get(1);
        let start_ms = world.now_ms;
        let (events, sent) = world.runs(200_000);
        let times: Vec<u64> = sent.iter().map(|(at, _)| at - start_ms).collect();
        let timeout = times[0];
        assert!((2000..=3000).contains(&timeout), "{timeout}");
        assert_eq!(times, [timeout, 3 * timeout, 7 * timeout, 15 * timeout]);
        assert!(sent.iter().all(|(_, seen)| *seen == first), "the same datagram");
        let [(at, event)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(at - start_ms, 31 * timeout, "at most MAX_TRANSMIT_WAIT");
        assert!(matches!(event, Event::Failed { ticket: 1, code } if *code == super::code(5, 4)));
        assert_eq!((world.proxy.pending(), world.proxy.next_ms()), (0, None));
        // What comes after all is not wanted.
        assert!(world.answers(&first, CONTENT, &[]).is_empty());
        assert!(world.tells(&first, Type::Confirmable, 9, CONTENT, &[]).is_empty());
        let sent = world.sent();
        assert!(sent.len() == 1 && sent[0].is_empty(Type::Reset, 9), "{sent:?}");
    }
}

#[test]
fn the_random_factor_differs() {
    let timeouts = (0..32).map(|_| {
        let mut world = World::default();
        world.get(1);
        world.proxy.next_ms().unwrap() - world.now_ms
    });
    assert!(timeouts.collect::<std::collections::HashSet<_>>().len() > 4);
}

#[test]
fn a_separate_answer() {
    for kind in [Type::Confirmable, Type::NonConfirmable] {
        let mut world = World::default();
        let seen = world.get(1);
        assert!(world.empty(&seen, Type::Acknowledgement).is_empty());
        let (events, sent) = world.runs(59_000);
        assert!(events.is_empty() && sent.is_empty(), "it was acknowledged: nothing is sent again");
        assert_eq!(answer(&world.tells(&seen, kind, 9, CONTENT, &[])), (1, CONTENT, true));
        let is_confirmable = kind == Type::Confirmable;
        let sent = world.sent();
        assert_eq!(sent.len(), usize::from(is_confirmable));
        assert!(sent.iter().all(|sent| sent.is_empty(Type::Acknowledgement, 9)));
        // The same once more, as the acknowledgement was lost.
        assert!(world.tells(&seen, kind, 9, CONTENT, &[]).is_empty());
        let sent = world.sent();
        assert_eq!(sent.len(), usize::from(is_confirmable));
        assert!(sent.iter().all(|sent| sent.is_empty(Type::Acknowledgement, 9)));
        // Another one is unknown.
        assert!(world.tells(&seen, kind, 10, CONTENT, &[]).is_empty());
        let sent = world.sent();
        assert!(sent.len() == 1 && sent[0].is_empty(Type::Reset, 10));
    }
}

#[test]
fn a_separate_answer_without_an_acknowledgement_is_one() {
    let mut world = World::default();
    let seen = world.get(1);
    assert_eq!(answer(&world.tells(&seen, Type::Confirmable, 9, CONTENT, &[])), (1, CONTENT, true));
    assert_eq!(world.runs(100_000).1, []);
}

#[test]
fn a_separate_answer_that_does_not_come() {
    let mut world = World::new(|backend| backend.answer_timeout_ms = 5000);
    let seen = world.get(1);
    world.now_ms += 1000;
    world.empty(&seen, Type::Acknowledgement);
    let acknowledged_ms = world.now_ms;
    let (events, sent) = world.runs(200_000);
    assert_eq!(sent, []);
    let [(at, Event::Failed { ticket: 1, code })] = &events[..] else { panic!("{events:?}") };
    assert_eq!((at - acknowledged_ms, *code), (5000, super::code(5, 4)));
}

#[test]
fn a_reset_or_an_unreachable_back_end_is_a_bad_gateway() {
    let mut world = World::default();
    let seen = world.get(1);
    assert_eq!(failure(&world.empty(&seen, Type::Reset)), (1, code(5, 2)));
    let (one, acknowledged) = (world.get(1), world.get(1));
    assert_eq!(one.port, acknowledged.port, "both of one session");
    world.empty(&acknowledged, Type::Acknowledgement);
    let elsewhere = world.get(2);
    assert_ne!(elsewhere.port, one.port);
    let mut events = Vec::new();
    world.proxy.unreachable(world.now_ms, one.port, &mut events);
    assert_eq!((failure(&events[..1]), failure(&events[1..])), ((2, code(5, 2)), (3, code(5, 2))));
    assert_eq!(world.runs(1999).1, [], "neither is sent again");
    assert_eq!(answer(&world.answers(&elsewhere, CONTENT, &[])), (4, CONTENT, true));
    // It is there again.
    let seen = world.get(1);
    assert_eq!(answer(&world.answers(&seen, CONTENT, &[])), (5, CONTENT, true));
}

#[test]
fn what_is_not_known_is_reset_or_ignored() {
    let mut world = World::default();
    let seen = world.get(1);
    let other = Seen { token: vec![0; 8], ..seen.clone() };
    assert!(world.answers(&other, CONTENT, &[]).is_empty(), "another token in an acknowledgement");
    assert_eq!(world.sent(), []);
    assert!(world.tells(&other, Type::Confirmable, 9, CONTENT, &[]).is_empty());
    assert!(world.sent()[0].is_empty(Type::Reset, 9));
    let elsewhere = Seen { port: seen.port + 1, ..seen.clone() };
    assert!(world.tells(&elsewhere, Type::Confirmable, 9, CONTENT, &[]).is_empty(), "another port");
    assert!(world.sent()[0].is_empty(Type::Reset, 9));
    assert!(world.answers(&elsewhere, CONTENT, &[]).is_empty());
    assert_eq!(world.sent(), []);
    assert!(world.tells(&seen, Type::Confirmable, 9, GET, &[]).is_empty(), "a request");
    assert!(world.sent()[0].is_empty(Type::Reset, 9));
    let ping = Seen { id: 77, ..seen.clone() };
    assert!(world.empty(&ping, Type::Confirmable).is_empty());
    assert!(world.sent()[0].is_empty(Type::Reset, 77));
    for bad in [&b""[..], b"\x40", b"\x00\x45\x00\x01", b"\x4f\x45\x00\x01", b"\x48\x45\x00\x01abc"] {
        assert!(world.says(seen.port, bad).is_empty());
    }
    assert_eq!(world.sent(), []);
    assert_eq!(world.proxy.pending(), 1);
    assert_eq!(answer(&world.answers(&seen, CONTENT, &[])), (1, CONTENT, true));
}

#[test]
fn tokens_differ_and_are_not_the_devices() {
    let mut world = World::new(|backend| backend.max_outstanding = 65_536);
    let tokens = (0..1000).map(|_| {
        let seen = world.get(1);
        world.answers(&seen, CONTENT, &[]);
        seen.token
    });
    assert_eq!(tokens.collect::<std::collections::HashSet<_>>().len(), 1000);
}

#[test]
fn there_is_room_for_so_many_and_for_so_many_of_one_session() {
    let mut world = World::new(|backend| backend.max_outstanding = 20);
    let get = inner(GET, &[], b"");
    let first = world.get(1);
    (1..16).for_each(|_| drop(world.get(1)));
    assert_eq!(world.ask_again(1, &get, None), Asked::Busy, "a session's 17th");
    (0..4).for_each(|_| drop(world.get(2)));
    assert_eq!(world.ask_again(2, &get, None), Asked::Busy, "a worker's 21st");
    assert_eq!(world.proxy.pending(), 20);
    world.answers(&first, CONTENT, &[]);
    world.get(2);
    assert_eq!(world.ask_again(1, &get, None), Asked::Busy);
}

#[test]
fn what_nobody_wants_any_more_goes_to_its_end_unheard() {
    let mut world = World::default();
    let (one, two) = (world.get(1), world.get(1));
    world.proxy.cancel(world.now_ms, 1);
    assert!(world.answers(&one, CONTENT, &[]).is_empty());
    world.proxy.session_ended(world.now_ms, session(1));
    let (events, sent) = world.runs(200_000);
    assert!(events.is_empty());
    assert_eq!(sent.len(), 4, "it was passed on: it is sent until it has arrived");
    assert!(sent.iter().all(|(_, seen)| *seen == two));
    assert_eq!(world.proxy.pending(), 0);
}
