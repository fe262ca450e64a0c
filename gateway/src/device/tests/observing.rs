//! Observations.

use super::*;

const OBSERVE: (u16, &[u8]) = (6, &[]);
const CANCEL: (u16, &[u8]) = (6, &[1]);

fn notification(number: u8, payload: &[u8]) -> Vec<u8> {
    answer(0x45, &[(6, &[number])], payload)
}

/// A device that observes, and the ticket.
fn observing(world: &mut World, carrier: Carrier) -> (Device, Ticket, Exchange) {
    let mut device = Device::connect(world, 1, Profile::Express, carrier);
    let (datagram, mut exchange) = device.get(world, b"toke", &[OBSERVE]);
    world.send(device.peer, &datagram);
    let ticket = world.front.upstream.asked[0].0;
    let sent = world.answered(ticket, false, notification(1, b"one"), device.peer);
    let opened = device.unprotect(&mut exchange, &sent[0]).unwrap();
    assert!(value(&opened, 6).is_some() && value(&sent[0], 6).is_some());
    assert!(world.front.is_idle(), "observations do not count");
    (device, ticket, exchange)
}

#[test]
fn notifications_go_to_whoever_observes() {
    for carrier in BOTH {
        let mut world = World::new(false);
        let (mut device, ticket, mut exchange) = observing(&mut world, carrier);
        for number in 2..5 {
            let sent = world.answered(ticket, false, notification(number, &[number]), device.peer);
            let header = Header::read(&sent[0]).unwrap();
            assert_eq!((sent.len(), header.kind, header.token), (1, Type::NonConfirmable, &b"toke"[..]));
            let opened = device.unprotect(&mut exchange, &sent[0]).unwrap();
            assert_eq!(parts(&opened), (0x45, vec![number]));
        }
        // The last one says that it is over, and is sent until it has arrived.
        let sent = world.answered(ticket, true, answer(0x84, &[], &[]), device.peer);
        assert_eq!(Header::read(&sent[0]).unwrap().kind, Type::Confirmable);
        assert_eq!(device.unprotect(&mut exchange, &sent[0]).unwrap()[1], 0x84);
        assert!(world.answered(ticket, false, notification(9, b""), device.peer).is_empty());
        assert!(world.front.observations.is_empty() && world.front.requests.is_empty());
        assert!(world.front.of_session.is_empty() && world.front.by_name.is_empty());
    }
}

#[test]
fn one_confirmable_notification_is_under_way() {
    let mut world = World::new(false);
    let (mut device, ticket, mut exchange) = observing(&mut world, Carrier::Oscore);
    let confirmable = |number: u8| Event::Answer {
        ticket,
        is_last: false,
        is_confirmable: true,
        message: notification(number, &[number]),
    };
    let first = world.event(confirmable(2), device.peer);
    assert_eq!(Header::read(&first[0]).unwrap().kind, Type::Confirmable);
    assert!(world.event(confirmable(3), device.peer).is_empty());
    assert!(world.event(confirmable(4), device.peer).is_empty());
    let acknowledged = [0x60, 0, first[0][2], first[0][3]];
    let next = world.send(device.peer, &acknowledged);
    device.unprotect(&mut exchange, &first[0]).unwrap();
    assert_eq!(parts(&device.unprotect(&mut exchange, &next[0]).unwrap()).1, [4], "the newest state");
    // After a while one is confirmable whatever the back-end says.
    world.now_ms += 600_000;
    let sent = world.answered(ticket, false, notification(5, b""), device.peer);
    assert_eq!(Header::read(&sent[0]).unwrap().kind, Type::Confirmable);
}

#[test]
fn an_observer_that_has_gone_is_given_up() {
    let mut world = World::new(false);
    let (device, ticket, _) = observing(&mut world, Carrier::Payload);
    let event = Event::Answer { ticket, is_last: false, is_confirmable: true, message: notification(2, b"") };
    world.event(event, device.peer);
    (0..40).for_each(|_| {
        world.wait(10_000, device.peer);
    });
    assert_eq!(world.front.upstream.cancelled, [ticket]);
    // By a reset of a notification, whatever its type.
    let mut world = World::new(false);
    let (device, ticket, _) = observing(&mut world, Carrier::Payload);
    let sent = world.answered(ticket, false, notification(2, b""), device.peer);
    assert!(world.send(at(9), &[0x70, 0, sent[0][2], sent[0][3]]).is_empty());
    assert!(world.front.upstream.cancelled.is_empty());
    world.send(device.peer, &[0x70, 0, sent[0][2], sent[0][3]]);
    assert_eq!(world.front.upstream.cancelled, [ticket]);
    assert!(world.front.observations.is_empty());
}

#[test]
fn registrations_are_renewed_and_cancelled() {
    let mut world = World::new(false);
    let (mut device, ticket, _) = observing(&mut world, Carrier::Oscore);
    let (datagram, _) = device.get(&mut world, b"toke", &[OBSERVE]);
    world.send(device.peer, &datagram);
    assert_eq!(world.front.upstream.asked[1].4, Some(ticket));
    let renewed = world.front.upstream.asked[1].0;
    // What is refused changes nothing.
    world.front.upstream.refuses = Some(0x82);
    let (datagram, _) = device.get(&mut world, b"toke", &[CANCEL]);
    world.send(device.peer, &datagram);
    world.front.upstream.refuses = None;
    assert_eq!(world.front.observations.values().copied().collect::<Vec<_>>(), [renewed]);
    let (datagram, _) = device.get(&mut world, b"else", &[CANCEL]);
    world.send(device.peer, &datagram);
    assert_eq!(world.front.upstream.asked[2].4, None, "another token");
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[CANCEL]);
    world.send(device.peer, &datagram);
    assert_eq!(world.front.upstream.asked[3].4, Some(renewed));
    assert!(world.front.observations.is_empty());
    assert_eq!(value(&world.front.upstream.asked[3].3, 6), Some(vec![1]));
    let ticket = world.front.upstream.asked[3].0;
    let sent = world.answered(ticket, true, answer(0x45, &[], b"last"), device.peer);
    assert_eq!(parts(&device.unprotect(&mut exchange, &sent[0]).unwrap()).1, b"last");
    assert!(world.front.observations.is_empty());
}

/// Observe outside is not authenticated: taken away, or of another value, it makes an ordinary request.
#[test]
fn observe_counts_when_both_say_the_same() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let (datagram, _) = device.get(&mut world, b"toke", &[OBSERVE]);
    let at = datagram.iter().position(|byte| *byte == 0x60).unwrap();
    let changed = [&datagram[..at], &[0x61, 1], &datagram[at + 1..]].concat();
    world.send(device.peer, &changed);
    assert_eq!(value(&world.front.upstream.asked[0].3, 6), None);
    assert!(world.front.observations.is_empty());
}

/// Whoever copies a registration on its way has its answer, and nothing of what comes later. Where the device itself has sent it again, its
/// newest token counts.
#[test]
fn a_copied_registration_takes_no_notifications_away() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let (datagram, _) = device.get(&mut world, b"toke", &[OBSERVE]);
    world.send(device.peer, &datagram);
    let mut again = datagram.clone();
    again[2..8].copy_from_slice(b"idnewt");
    world.send(device.peer, &again);
    let mut copied = datagram.clone();
    copied[2..8].copy_from_slice(b"idevil");
    world.send(at(9), &copied);
    let ticket = world.front.upstream.asked[0].0;
    let message = notification(1, b"");
    world.front.take_event(0, Event::Answer { ticket, is_last: false, is_confirmable: false, message });
    assert_eq!(world.front.outbox().len(), 3);
    world.front.outbox().clear();
    let sent = world.answered(ticket, false, notification(2, b""), device.peer);
    assert_eq!(Header::read(&sent[0]).unwrap().token, b"newt");
    let (datagram, _) = device.get(&mut world, b"newt", &[CANCEL]);
    world.send(device.peer, &datagram);
    assert_eq!(world.front.upstream.asked[1].4, Some(ticket));
    assert!(world.front.observations.is_empty());
}

/// One more confirmable message than is followed is sent once, and the observation goes on.
#[test]
fn observations_go_on_where_too_much_is_under_way() {
    let mut world = World::new(false);
    let (device, ticket, _) = observing(&mut world, Carrier::Oscore);
    let front = &mut world.front;
    loop {
        let id = front.own.id();
        if !front.own.send(0, (at(id), id), b"m".to_vec(), None, 0.0, &mut front.out) {
            break;
        }
    }
    front.out.clear();
    for number in 2..5 {
        let message = notification(number, b"");
        let event = Event::Answer { ticket, is_last: false, is_confirmable: true, message };
        assert_eq!(world.event(event, device.peer).len(), 1);
    }
    let message = notification(9, b"");
    let event = Event::Answer { ticket, is_last: false, is_confirmable: true, message };
    let sent = world.event(event, device.peer);
    world.send(device.peer, &[0x70, 0, sent[0][2], sent[0][3]]);
    assert_eq!(world.front.upstream.cancelled, [ticket], "a reset still ends it");
}

#[test]
fn an_observation_that_is_over_is_not_sent_again() {
    let mut world = World::new(false);
    let (mut device, ticket, _) = observing(&mut world, Carrier::Oscore);
    let message = notification(2, b"");
    world.event(Event::Answer { ticket, is_last: false, is_confirmable: true, message }, device.peer);
    let (datagram, _) = device.get(&mut world, b"toke", &[CANCEL]);
    world.send(device.peer, &datagram);
    let ticket = world.front.upstream.asked[1].0;
    world.answered(ticket, true, answer(0x45, &[], b"ok"), device.peer);
    assert!(world.wait(100_000, device.peer).is_empty() && world.front.is_idle());
}

/// A device that observes all that it may still asks, and another observation ends its oldest.
#[test]
fn the_oldest_observation_gives_way() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    for number in 0..28_u8 {
        let (datagram, _) = device.get(&mut world, &[number; 4], &[OBSERVE]);
        world.send(device.peer, &datagram);
        let ticket = world.front.upstream.asked[usize::from(number)].0;
        world.answered(ticket, false, notification(1, b""), device.peer);
    }
    let tickets: Vec<_> = world.front.upstream.asked.iter().map(|asked| asked.0).collect();
    assert_eq!(world.front.upstream.cancelled, tickets[..12]);
    assert_eq!(world.front.observations.len(), 16);
    // Its own again, and requests that do not observe, end none.
    let (datagram, _) = device.get(&mut world, &[27; 4], &[OBSERVE]);
    world.send(device.peer, &datagram);
    assert_eq!(world.front.upstream.asked[28].4, Some(tickets[27]));
    for number in 0..20_u8 {
        let (datagram, _) = device.get(&mut world, &[100 + number; 4], &[]);
        world.send(device.peer, &datagram);
    }
    assert_eq!(world.front.upstream.asked.len(), 29 + 15, "so many at a time");
    assert_eq!(world.front.upstream.cancelled.len(), 12);
}

/// Where a renewal finds no room, whoever answers that, the observation is over on both sides.
#[test]
fn a_renewal_that_is_answered_at_once_ends_the_observation_everywhere() {
    let mut world = World::new(false);
    let (mut device, ticket, _) = observing(&mut world, Carrier::Oscore);
    world.front.upstream.at_once = Some(answer(0xa3, &[], b""));
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[OBSERVE]);
    let sent = world.send(device.peer, &datagram);
    assert_eq!(device.unprotect(&mut exchange, &sent[0]).unwrap()[1], 0xa3);
    assert_eq!(world.front.upstream.cancelled, [ticket]);
    assert!(world.front.observations.is_empty() && world.front.requests.is_empty());
}
