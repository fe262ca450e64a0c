use super::*;

const REGISTER: &[(u16, &[u8])] = &[(6, b""), (11, b"a")];
const DEREGISTER: &[(u16, &[u8])] = &[(6, b"\x01"), (11, b"a")];

impl World {
    fn observes(&mut self, of: u8) -> Seen {
        let seen = self.asks(of, &inner(GET, REGISTER, b""));
        assert_eq!(seen.options[0], (6, vec![]));
        assert!(!answer(&self.answers(&seen, CONTENT, &[(6, b"\x0a")])).2);
        seen
    }

    fn notifies(&mut self, to: &Seen, id: u16, number: u32) -> Vec<Event> {
        self.tells(to, Type::Confirmable, id, CONTENT, &[(6, &number.to_be_bytes()[1..])])
    }

    #[track_caller]
    fn sent_only(&mut self, kind: Type, id: u16) {
        let sent = self.sent();
        assert!(sent.len() == 1 && sent[0].is_empty(kind, id), "{sent:?}");
    }
}

#[test]
fn notifications_come_until_the_last() {
    let mut world = World::default();
    let seen = world.observes(1);
    assert_eq!((world.proxy.pending(), world.proxy.next_ms()), (0, None));
    for (id, number) in [(1, 11), (2, 12), (3, 900)] {
        world.now_ms += 1_000_000;
        let events = world.notifies(&seen, id, number);
        assert!(matches!(
            events[..],
            [Event::Answer { ticket: 1, is_last: false, is_confirmable: true, .. }]
        ));
        world.sent_only(Type::Acknowledgement, id);
    }
    let events = world.tells(&seen, Type::NonConfirmable, 4, CONTENT, &[(6, b"\x10\0")]);
    assert!(matches!(events[..], [Event::Answer { is_last: false, is_confirmable: false, .. }]));
    assert_eq!(world.sent(), []);
    assert_eq!(answer(&world.tells(&seen, Type::Confirmable, 5, code(4, 4), &[])), (1, code(4, 4), true));
    world.sent_only(Type::Acknowledgement, 5);
    assert!(world.notifies(&seen, 6, 5000).is_empty());
    world.sent_only(Type::Reset, 6);
}

#[test]
fn an_error_ends_it_even_with_the_option_and_so_does_an_answer_without_it() {
    let mut world = World::default();
    let seen = world.observes(1);
    assert!(answer(&world.tells(&seen, Type::Confirmable, 5, code(5, 0), &[(6, b"\x0b")])).2);
    let seen = world.observes(1);
    assert!(answer(&world.tells(&seen, Type::Confirmable, 6, CONTENT, &[])).2);
    let seen = world.asks(1, &inner(GET, REGISTER, b""));
    assert!(answer(&world.answers(&seen, CONTENT, &[])).2, "not observed at all");
    let seen = world.asks(1, &inner(PUT, REGISTER, b""));
    assert!(answer(&world.answers(&seen, CONTENT, &[(6, b"\x01")])).2, "a PUT does not observe");
}

#[test]
fn late_notifications_are_acknowledged_and_dropped() {
    let mut world = World::default();
    let seen = world.observes(1); // number 10
    assert_eq!(world.notifies(&seen, 1, 20).len(), 1);
    world.sent_only(Type::Acknowledgement, 1);
    for (id, number) in [(2, 19), (3, 20), (4, 20 + (1 << 23))] {
        assert!(world.notifies(&seen, id, number).is_empty(), "{number}");
        world.sent_only(Type::Acknowledgement, id);
    }
    assert_eq!(world.notifies(&seen, 5, 19 + (1 << 23)).len(), 1);
    assert_eq!(world.notifies(&seen, 6, 5).len(), 1, "the numbers go round");
    assert!(world.notifies(&seen, 6, 5).is_empty(), "the same datagram");
    world.now_ms += 128_000;
    assert!(world.notifies(&seen, 7, 4).is_empty());
    world.now_ms += 1;
    assert_eq!(world.notifies(&seen, 8, 4).len(), 1, "after 128 s any is newer");
}

#[test]
fn what_nobody_wants_is_reset_at_its_next_notification() {
    let mut world = World::default();
    let (one, two) = (world.observes(1), world.observes(1));
    world.proxy.cancel(world.now_ms, 1);
    assert_eq!(world.sent(), []);
    assert!(world.notifies(&one, 1, 11).is_empty());
    world.sent_only(Type::Reset, 1);
    assert_eq!(world.notifies(&two, 2, 11).len(), 1);
    world.sent_only(Type::Acknowledgement, 2);
    world.proxy.session_ended(world.now_ms, session(1));
    assert!(world.notifies(&two, 3, 12).is_empty());
    world.sent_only(Type::Reset, 3);
    // One that was given up before its first answer.
    let three = world.asks(2, &inner(GET, REGISTER, b""));
    world.proxy.session_ended(world.now_ms, session(2));
    assert!(world.answers(&three, CONTENT, &[(6, b"\x01")]).is_empty());
    assert!(world.notifies(&three, 4, 12).is_empty());
    world.sent_only(Type::Reset, 4);
    assert_eq!(world.runs(300_000).1, []);
}

#[test]
fn the_devices_own_end_goes_on_with_the_same_token_and_port() {
    let mut world = World::default();
    let seen = world.observes(1);
    let Asked::Passed(end) = world.ask_again(1, &inner(GET, DEREGISTER, b""), Some(1)) else { panic!() };
    assert_eq!((&end.token, end.port, end.options[0].clone()), (&seen.token, seen.port, (6, vec![1])));
    assert_ne!(end.id, seen.id);
    assert!(world.notifies(&seen, 1, 11).is_empty(), "it was under way, and is not the answer");
    world.sent_only(Type::Acknowledgement, 1);
    assert_eq!(answer(&world.answers(&end, CONTENT, &[])), (2, CONTENT, true));
    assert!(world.notifies(&seen, 2, 12).is_empty());
    world.sent_only(Type::Reset, 2);
    assert_eq!(world.runs(300_000).1, []);
}

#[test]
fn a_renewal_takes_over() {
    let mut world = World::default();
    let seen = world.observes(1);
    world.notifies(&seen, 1, 5000);
    let Asked::Passed(again) = world.ask_again(1, &inner(GET, REGISTER, b""), Some(1)) else { panic!() };
    assert_eq!((&again.token, again.port), (&seen.token, seen.port));
    // The back-end has forgotten, and counts from the beginning.
    assert_eq!(answer(&world.answers(&again, CONTENT, &[(6, b"\x01")])), (2, CONTENT, false));
    assert_eq!(answer(&world.notifies(&again, 2, 2)), (2, CONTENT, false));
    // A third one is not answered: it is over.
    let Asked::Passed(_) = world.ask_again(1, &inner(GET, REGISTER, b""), Some(2)) else { panic!() };
    let (events, _) = world.runs(200_000);
    assert!(matches!(&events[..], [(_, Event::Failed { ticket: 3, .. })]), "{events:?}");
    world.sent();
    assert!(world.notifies(&again, 3, 3).is_empty());
    world.sent_only(Type::Reset, 3);
}

#[test]
fn another_sessions_observation_is_not_taken_over() {
    let mut world = World::default();
    let seen = world.observes(1);
    let Asked::Passed(other) = world.ask_again(2, &inner(GET, DEREGISTER, b""), Some(1)) else { panic!() };
    assert_ne!((&other.token, other.port), (&seen.token, seen.port));
    assert_eq!(world.notifies(&seen, 1, 11).len(), 1);
}

#[test]
fn a_session_has_so_many_observations() {
    let mut world = World::default();
    (0..16).for_each(|_| drop(world.observes(1)));
    assert_eq!(world.ask_again(1, &inner(GET, REGISTER, b""), None), Asked::Busy);
    assert!(matches!(world.ask_again(1, &inner(GET, REGISTER, b""), Some(3)), Asked::Passed(_)), "a renewal");
    assert!(matches!(world.ask_again(1, &inner(GET, &[], b""), None), Asked::Passed(_)));
}

/// The device takes 5.03 for the end of it.
#[test]
fn a_renewal_that_finds_no_room_ends_it() {
    let mut world = World::new(|backend| backend.max_outstanding = 1);
    let seen = world.observes(1);
    world.get(2);
    assert_eq!(world.ask_again(1, &inner(GET, REGISTER, b""), Some(1)), Asked::Busy);
    assert!(world.notifies(&seen, 1, 11).is_empty());
    world.sent_only(Type::Reset, 1);
}
