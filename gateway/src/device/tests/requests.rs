//! Handshakes and requests.

use super::*;

#[test]
fn every_profile_and_carrier_to_an_answer() {
    for (profile, carrier) in [Profile::Signed, Profile::Express]
        .into_iter()
        .flat_map(|profile| BOTH.map(|carrier| (profile, carrier)))
    {
        let mut world = World::new(false);
        world.front.upstream.at_once = Some(answer(0x45, &[(12, &[50])], b"{}"));
        let mut device = Device::connect(&mut world, 3, profile, carrier);
        assert!(world.front.take_confirmed().is_empty());
        let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
        let sent = world.send(device.peer, &datagram);
        assert_eq!(sent.len(), 1);
        let header = Header::read(&sent[0]).unwrap();
        assert_eq!((header.kind, header.token), (Type::Acknowledgement, &b"toke"[..]));
        assert!(!sent[0].ends_with(b"{}"), "it is sealed");
        let opened = device.unprotect(&mut exchange, &sent[0]).unwrap();
        assert_eq!((parts(&opened), value(&opened, 12)), ((0x45, b"{}".to_vec()), Some(vec![50])));
        let (_, _, id, inner, observation) = &world.front.upstream.asked[0];
        assert_eq!((&**id, inner[1], *observation), (&[b'd', 3][..], 1, None));
        assert_eq!(value(inner, option::URI_PATH), Some(b"index".to_vec()));
        assert_eq!(world.front.take_confirmed(), [(vec![b'd', 3], 0)]);
    }
}

#[test]
fn a_request_that_comes_again_has_the_answer_that_it_had() {
    for carrier in BOTH {
        let mut world = World::new(false);
        world.front.upstream.at_once = Some(answer(0x45, &[], b"once"));
        let mut device = Device::connect(&mut world, 1, Profile::Express, carrier);
        let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
        let first = world.send(device.peer, &datagram);
        device.unprotect(&mut exchange, &first[0]).unwrap();
        // The same bytes; in another message, from another port.
        assert_eq!(world.send(device.peer, &datagram), first);
        let mut other = datagram.clone();
        other[2..8].copy_from_slice(b"idtoke");
        let again = world.send(at(7), &other);
        assert_eq!((&again[0][2..8], &again[0][8..]), (&b"idtoke"[..], &first[0][8..]));
        assert_eq!(world.front.upstream.asked.len(), 1);
        // Until nobody asks for it any more; then it is a replay.
        world.wait(kept::LIFETIME_MS, at(7));
        let refused = world.send(device.peer, &datagram);
        let expected = if carrier == Carrier::Oscore { 0x81 } else { 0x80 };
        assert_eq!(refused[0][1], expected);
        assert_eq!(world.front.upstream.asked.len(), 1);
    }
}

#[test]
fn what_takes_long_is_acknowledged_and_answered_later() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let peer = device.peer;
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
    assert!(world.send(peer, &datagram).is_empty());
    let ticket = world.front.upstream.asked[0].0;
    assert!(!world.front.is_idle());
    let acknowledged = world.wait(ACKNOWLEDGE_MS, peer);
    assert_eq!(acknowledged, [[0x60, 0, datagram[2], datagram[3]]]);
    // It comes again: still once at the back-end.
    assert_eq!(world.send(peer, &datagram), acknowledged);
    assert_eq!(world.front.upstream.asked.len(), 1);
    let sent = world.answered(ticket, true, answer(0x45, &[], b"late"), peer);
    assert_eq!(sent.len(), 1);
    let header = Header::read(&sent[0]).unwrap();
    assert_eq!((header.kind, header.token, header.id % 3), (Type::Confirmable, &b"toke"[..], 1));
    let own = header.id.to_be_bytes();
    assert_eq!(parts(&device.unprotect(&mut exchange, &sent[0]).unwrap()), (0x45, b"late".to_vec()));
    // Until the device has it.
    assert_eq!(world.wait(3000, peer), sent);
    assert!(world.send(at(9), &[0x60, 0, own[0], own[1]]).is_empty());
    assert!(!world.front.is_idle(), "somebody else's acknowledgement is none");
    world.send(peer, &[0x60, 0, own[0], own[1]]);
    assert!(world.front.is_idle() && world.wait(100_000, peer).is_empty());
    assert!(world.event(Event::Failed { ticket, code: 0xa4 }, peer).is_empty(), "it is over");
}

#[test]
fn a_request_from_two_places_is_answered_at_both() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    let (datagram, _) = device.get(&mut world, b"toke", &[]);
    world.send(device.peer, &datagram);
    let mut other = datagram.clone();
    other[2..8].copy_from_slice(b"idelse");
    assert_eq!(world.send(at(7), &other), [[0x60, 0, b'i', b'd']]);
    (8..30).for_each(|port| {
        world.send(at(port), &other);
    });
    let ticket = world.front.upstream.asked[0].0;
    let message = answer(0x45, &[], b"both");
    let event = Event::Answer { ticket, is_last: true, is_confirmable: false, message };
    world.front.take_event(0, event);
    let sent: Vec<_> = world.front.outbox().iter().map(|(to, bytes)| (to, bytes.to_vec())).collect();
    assert_eq!(sent.len(), 4, "and not everywhere");
    assert_eq!((sent[0].0, sent[1].0), (device.peer, at(7)));
    assert_eq!(sent[0].1[8..], sent[1].1[8..]);
}

#[test]
fn faults_are_said_under_seal() {
    for (carrier, refuses, expected) in [
        (Carrier::Oscore, Some(0xa5), 0xa5),
        (Carrier::Payload, Some(0x82), 0x82),
        (Carrier::Oscore, Some(0xa3), 0xa3),
    ] {
        let mut world = World::new(false);
        world.front.upstream.refuses = refuses;
        let mut device = Device::connect(&mut world, 1, Profile::Express, carrier);
        let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
        let sent = world.send(device.peer, &datagram);
        assert!(matches!(sent[0][1], 0x44 | 0x45), "outside nothing is said");
        let opened = device.unprotect(&mut exchange, &sent[0]).unwrap();
        assert_eq!(opened[1], expected);
        assert_eq!(value(&opened, option::MAX_AGE).is_some(), expected == 0xa3);
    }
}

/// The outer code of a payload says whether something changes; it is not authenticated.
#[test]
fn an_outer_code_that_does_not_fit_is_refused() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    let (mut datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
    assert_eq!(datagram[1], 5);
    datagram[1] = 2;
    let sent = world.send(device.peer, &datagram);
    let opened = device.unprotect(&mut exchange, &sent[0]);
    assert!(world.front.upstream.asked.is_empty());
    assert!(opened.is_err() || opened.unwrap()[1] == 0x80);
}

#[test]
fn what_is_not_sealed_and_what_nobody_knows() {
    let mut world = World::new(false);
    let peer = at(1);
    let clear = request(1, 5, b"toke", &[(11, b"index")], &[]);
    assert_eq!(world.send(peer, &clear)[0][..2], [0x64, 0x81]);
    let oscore = request(2, 6, b"toke", &[(9, &[0x09, 0, 0xb0, 1, 0, 0, 1])], &[0; 12]);
    let refused = world.send(peer, &oscore);
    assert_eq!((refused[0][1], value(&refused[0], option::MAX_AGE)), (0x81, Some(vec![])));
    let object = [&[0x09, 0, 0xb0, 1, 0, 0, 1][..], &[0; 12]].concat();
    let sealed = request(5, 7, b"toke", &[(11, b"index"), (12, &[0xfd, 0xea])], &object);
    let refused = world.send(peer, &sealed);
    assert_eq!(parts(&refused[0]), (0x81, vec![0x1f, 5]));
    // A non-confirmable one is answered by its like, with an id of our own.
    let mut non = clear;
    non[0] = 0x54;
    let refused = world.send(peer, &non);
    assert_eq!((refused[0][0], Header::read(&refused[0]).unwrap().id % 3), (0x54, 1));
    // A ping, and what nobody has asked for.
    assert_eq!(world.send(peer, &[0x40, 0, 1, 2]), [[0x70, 0, 1, 2]]);
    assert_eq!(world.send(peer, &[0x40, 0x45, 1, 2]), [[0x70, 0, 1, 2]]);
    // What is no message, if it is confirmable: a token that is cut off or too long, an empty message that is not.
    for malformed in [&[0x44, 1, 1, 2, 0][..], &[0x4f, 1, 1, 2], &[0x40, 0, 1, 2, 0]] {
        assert_eq!(world.send(peer, malformed), [[0x70, 0, 1, 2]], "{malformed:?}");
        let non = [&[malformed[0] | 0x10], &malformed[1..]].concat();
        assert!(world.send(peer, &non).is_empty());
    }
    let everybody = Peer { local: Some([224, 0, 1, 187].into()), ..peer };
    assert!(world.send(everybody, &request(1, 5, b"toke", &[(11, b"index")], &[])).is_empty());
    for ignored in [&[0x50, 0x45, 1, 2][..], &[0x60, 0, 1, 2], &[0x70, 0, 1, 2], &[0x80, 1, 1, 2], &[]] {
        assert!(world.send(peer, ignored).is_empty(), "{ignored:?}");
    }
    assert!(world.front.upstream.asked.is_empty());
}

#[test]
fn handshake_requests_that_are_none() {
    let mut world = World::new(false);
    let good = world.handshake(&[0x11, 0]);
    assert_eq!(parts(&world.send(at(1), &good)[0]), (0x80, vec![0x1f, 3]));
    let with = |code: u8, format: &[u8], more: &[(u16, &[u8])]| {
        let mut options = vec![(11, &b".well-known"[..]), (11, b"lscoap"), (12, format)];
        options.extend_from_slice(more);
        request(code, 9, b"toke", &options, &[0x11, 0])
    };
    let format = &HANDSHAKE.to_be_bytes()[..];
    for (datagram, expected) in [
        (with(1, format, &[]), 0x85),
        (with(2, &[0], &[]), 0x8f),
        (with(2, format, &[(27, &[0x08])]), 0x80),
        (with(2, format, &[(27, &[0x10])]), 0x80),
        (with(2, format, &[(27, &[0x07])]), 0x80),
        (with(2, format, &[(35, b"coap://x")]), 0x82),
    ] {
        assert_eq!(world.send(at(1), &datagram)[0][1], expected);
    }
    // Nothing answers an alert but the acknowledgement.
    let alert = world.handshake(&[0x1f, 5]);
    let sent = world.send(at(1), &alert);
    assert_eq!(sent, [[0x60, 0, alert[2], alert[3]]]);
    // An unknown device.
    let secret = key(0);
    let unknown = ClientConfig::new(b"x", &secret, world.front.public_key(), Profile::Signed);
    let mut client = Client::<lscoap::crypto::Software>::new(&unknown).unwrap();
    let mut m1 = Message::new();
    client.step(&mut Os, None, &mut m1).unwrap();
    let datagram = world.handshake(&m1);
    assert_eq!(parts(&world.send(at(1), &datagram)[0]), (0x81, vec![0x1f, 1]));
}

#[test]
fn under_load_a_cookie_is_asked_for() {
    let mut world = World::of(&FrontConfig { retry_rate: 1, ..config(false) });
    Device::connect(&mut world, 0, Profile::Express, Carrier::Oscore);
    world.front.upstream.at_once = Some(answer(0x45, &[], b"ok"));
    let mut device = Device::connect(&mut world, 1, Profile::Signed, Carrier::Oscore);
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
    let sent = world.send(device.peer, &datagram);
    device.unprotect(&mut exchange, &sent[0]).unwrap();
    assert!(world.front.stats().retries > 0);
}

#[test]
fn a_devices_newer_session_ends_its_older_one() {
    let mut world = World::new(false);
    let mut old = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let (observing, _) = old.get(&mut world, b"toke", &[(6, &[])]);
    world.send(old.peer, &observing);
    world.now_ms = 10;
    let mut new = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let (datagram, _) = new.get(&mut world, b"toke", &[]);
    world.send(new.peer, &datagram);
    let sessions: Vec<_> = world.front.upstream.asked.iter().map(|asked| asked.1).collect();
    assert_eq!(world.front.upstream.ended, [sessions[0]]);
    let (datagram, _) = old.get(&mut world, b"toke", &[]);
    assert_eq!(world.send(old.peer, &datagram)[0][1], 0x81);
    // In other workers too; a session that is newer than the other's stays, and is told of.
    let said = world.front.take_confirmed();
    assert_eq!(said, [(vec![b'd', 1], 0), (vec![b'd', 1], 10)]);
    world.front.confirmed_elsewhere(20, &[b'd', 1], 5);
    assert_eq!(world.front.take_confirmed(), [(vec![b'd', 1], 10)]);
    world.front.confirmed_elsewhere(20, &[b'd', 2], 30);
    assert_eq!(world.front.upstream.ended.len(), 1);
    world.front.confirmed_elsewhere(20, &[b'd', 1], 30);
    assert_eq!(world.front.upstream.ended, sessions);
    let (datagram, _) = new.get(&mut world, b"toke", &[]);
    assert_eq!(world.send(new.peer, &datagram)[0][1], 0x81);
    assert_eq!(world.front.stats().confirmed_now, 0);
}

#[test]
fn a_device_that_is_taken_out_has_no_session() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let mut other = Device::connect(&mut world, 2, Profile::Express, Carrier::Oscore);
    world.front.upstream.at_once = Some(answer(0x45, &[], b"ok"));
    for device in [&mut device, &mut other] {
        let (datagram, _) = device.get(&mut world, b"toke", &[]);
        world.send(device.peer, &datagram);
    }
    world.front.set_devices(5, devices(2..8));
    assert_eq!(world.front.upstream.ended.len(), 1);
    let (datagram, _) = device.get(&mut world, b"tok2", &[]);
    assert_eq!(world.send(device.peer, &datagram)[0][1], 0x81);
    let (datagram, mut exchange) = other.get(&mut world, b"tok2", &[]);
    let sent = world.send(other.peer, &datagram);
    other.unprotect(&mut exchange, &sent[0]).unwrap();
}

#[test]
fn draining_takes_nothing_new_on() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
    world.send(device.peer, &datagram);
    world.front.drain();
    let (later, mut later_exchange) = device.get(&mut world, b"tok2", &[]);
    let sent = world.send(device.peer, &later);
    assert_eq!(device.unprotect(&mut later_exchange, &sent[0]).unwrap()[1], 0xa3);
    let m1 = world.handshake(&[&[0x11, 7][..], &[0; 8], &[1; 32]].concat());
    assert_eq!(parts(&world.send(at(1), &m1)[0]), (0xa3, vec![0x1f, 4]));
    assert!(!world.front.is_idle());
    let ticket = world.front.upstream.asked[0].0;
    let sent = world.answered(ticket, true, answer(0x45, &[], b"ok"), device.peer);
    assert_eq!(device.unprotect(&mut exchange, &sent[0]).unwrap()[1], 0x45);
    assert!(world.front.is_idle());
}

#[test]
fn a_session_has_so_many_requests_under_way() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let answers = (0..40_u32).filter(|token| {
        let (datagram, mut exchange) = device.get(&mut world, &token.to_be_bytes(), &[]);
        let sent = world.send(device.peer, &datagram);
        assert!(sent.is_empty() || device.unprotect(&mut exchange, &sent[0]).unwrap()[1] == 0xa3);
        sent.is_empty()
    });
    assert_eq!(answers.count(), 16);
}

/// What the upstream says at once and cannot be sealed is said to have failed.
#[test]
fn an_answer_that_cannot_be_sealed_is_an_error() {
    let mut world = World::new(false);
    world.front.upstream.at_once = Some(answer(0x45, &[(option::URI_PATH, b"x")], b""));
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
    let sent = world.send(device.peer, &datagram);
    assert_eq!(device.unprotect(&mut exchange, &sent[0]).map(|message| message[1]), Ok(0xa2));
}

/// A worker that begins again may still be told what became of a request of before.
#[test]
fn tickets_of_an_earlier_life_are_nobodys() {
    let tickets = [(); 9].map(|()| {
        let mut world = World::new(false);
        let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
        let (datagram, _) = device.get(&mut world, b"toke", &[]);
        world.send(device.peer, &datagram);
        world.front.upstream.asked[0].0
    });
    assert!(tickets[0].abs_diff(tickets[1]) > 1 << 32);
    assert!(tickets.iter().all(|ticket| ticket >> 63 == 0), "that bit is the back-end's side's");
}
