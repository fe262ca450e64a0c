//! Resumption with a store.

use super::*;

/// A device with a confirmed session at a front that has begun anew since; what the store has.
fn before_restart(world: &mut World) -> (Device, Vec<u8>, zeroize::Zeroizing<Vec<u8>>) {
    let mut device = Device::connect(world, 1, Profile::Express, Carrier::Oscore);
    world.front.upstream.at_once = Some(answer(0x45, &[], b"ok"));
    let (datagram, _) = device.get(world, b"toke", &[]);
    assert_eq!(world.send(device.peer, &datagram).len(), 1, "the answer does not wait for the store");
    let jobs = world.jobs();
    let [(_, Job::Save { device_id, cid, record, count: None })] = &jobs[..] else { panic!("one save") };
    assert_eq!(&**device_id, &[b'd', 1]);
    assert!(cid.starts_with(&[0xb0, 1]));
    let (cid, record) = (cid.clone(), record.clone());
    *world = World::new(true);
    world.front.upstream.at_once = Some(answer(0x45, &[], b"ok"));
    (device, cid, record)
}

/// A device whose session was confirmed by a request; what is to be saved is among the jobs.
fn confirmed(world: &mut World) -> Device {
    let mut device = Device::connect(world, 1, Profile::Express, Carrier::Oscore);
    world.front.upstream.at_once = Some(answer(0x45, &[], b"ok"));
    let (datagram, _) = device.get(world, b"toke", &[]);
    world.send(device.peer, &datagram);
    device
}

pub fn r1(device: &mut Device) -> Message {
    let mut message = Message::new();
    device.client.resume(&device.session).unwrap();
    device.client.step(&mut Os, None, &mut message).unwrap();
    message
}

/// Begins to resume; the job that loads the record.
fn load(world: &mut World, device: &mut Device, cid: &[u8]) -> (Vec<u8>, u64) {
    let message = r1(device);
    let datagram = world.handshake(&message);
    assert!(world.send(device.peer, &datagram).is_empty());
    let jobs = world.jobs();
    let [(number, Job::Load { cid: wanted })] = &jobs[..] else { panic!("one load") };
    assert_eq!(wanted, cid);
    (datagram, *number)
}

fn saved(world: &mut World, count: u32) -> u64 {
    let jobs = world.jobs();
    let [(number, Job::Save { count: Some(found), .. })] = &jobs[..] else { panic!("one save") };
    assert_eq!(*found, count);
    *number
}

#[test]
fn an_r1_waits_for_the_store_and_its_r2_for_the_count() {
    let mut world = World::new(true);
    let (mut device, cid, record) = before_restart(&mut world);
    let (datagram, number) = load(&mut world, &mut device, &cid);
    assert!(world.send(device.peer, &datagram).is_empty(), "it asks once");
    assert!(world.jobs().is_empty() && !world.front.is_idle());
    assert!(world.done(number, Outcome::Loaded(Some(record)), device.peer).is_empty());
    let number = saved(&mut world, 1);
    assert!(world.send(device.peer, &datagram).is_empty(), "not before it is counted");
    let sent = world.done(number, Outcome::Done, device.peer);
    let (code, r2) = parts(&sent[0]);
    assert_eq!(code, 0x44);
    let mut unused = Message::new();
    device.client.step(&mut Os, Some(&r2), &mut unused).unwrap();
    device.session = device.client.finish().unwrap();
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
    let sent = world.send(device.peer, &datagram);
    device.unprotect(&mut exchange, &sent[0]).unwrap();
    assert!(matches!(&world.jobs()[..], [(_, Job::Save { count: None, .. })]));
    // Repeated, it has the answer that it had.
    assert!(world.front.is_idle());
}

#[test]
fn what_the_store_does_not_have_is_unknown() {
    let mut world = World::new(true);
    let (mut device, cid, _) = before_restart(&mut world);
    let (_, number) = load(&mut world, &mut device, &cid);
    let sent = world.done(number, Outcome::Loaded(None), device.peer);
    assert_eq!(parts(&sent[0]), (0x81, vec![0x1f, 5]));
    assert!(world.front.is_idle());
}

#[test]
fn a_store_that_is_down_is_busy_and_full_handshakes_go_on() {
    let mut world = World::new(true);
    let (mut device, cid, record) = before_restart(&mut world);
    let busy = (0xa3, vec![0x1f, 4]);
    let (_, number) = load(&mut world, &mut device, &cid);
    let sent = world.done(number, Outcome::Down, device.peer);
    assert_eq!(parts(&sent[0]), busy);
    // When it does not count: the R2 is taken back, with its session.
    let (datagram, number) = load(&mut world, &mut device, &cid);
    world.done(number, Outcome::Loaded(Some(record.clone())), device.peer);
    let number = saved(&mut world, 1);
    assert_eq!(parts(&world.done(number, Outcome::Down, device.peer)[0]), busy);
    assert_eq!(world.front.stats().unconfirmed, 0);
    // The same R1 again is a new one for the library.
    assert!(world.send(device.peer, &datagram).is_empty());
    let jobs = world.jobs();
    let [(number, Job::Load { .. })] = &jobs[..] else { panic!("one load") };
    // When another node has counted it, it is known to nobody.
    world.done(*number, Outcome::Loaded(Some(record.clone())), device.peer);
    let number = saved(&mut world, 1);
    let sent = world.done(number, Outcome::Conflict, device.peer);
    assert_eq!(parts(&sent[0]), (0x81, vec![0x1f, 5]));
    assert_eq!(world.front.stats().unconfirmed, 0);
    // When the queue is full: at either step.
    world.front.jobs.is_full = true;
    let message = r1(&mut device);
    let datagram = world.handshake(&message);
    assert_eq!(parts(&world.send(device.peer, &datagram)[0]), busy);
    world.front.jobs.is_full = false;
    let (_, number) = load(&mut world, &mut device, &cid);
    world.front.jobs.is_full = true;
    assert_eq!(parts(&world.done(number, Outcome::Loaded(Some(record)), device.peer)[0]), busy);
    assert_eq!(world.front.stats().unconfirmed, 0);
    // Full handshakes and their requests do without.
    let mut other = Device::connect(&mut world, 2, Profile::Signed, Carrier::Payload);
    let (datagram, mut exchange) = other.get(&mut world, b"toke", &[]);
    let sent = world.send(other.peer, &datagram);
    other.unprotect(&mut exchange, &sent[0]).unwrap();
    assert!(world.front.is_idle());
}

#[test]
fn live_sessions_resume_without_a_load() {
    for has_store in [false, true] {
        let mut world = World::new(has_store);
        let mut device = confirmed(&mut world);
        world.jobs();
        let message = r1(&mut device);
        let datagram = world.handshake(&message);
        let mut sent = world.send(device.peer, &datagram);
        if has_store {
            assert!(sent.is_empty());
            let number = saved(&mut world, 1);
            sent = world.done(number, Outcome::Done, device.peer);
        }
        let mut unused = Message::new();
        device.client.step(&mut Os, Some(&parts(&sent[0]).1), &mut unused).unwrap();
        assert_eq!(world.send(device.peer, &datagram), sent, "once more the same");
    }
}

#[test]
fn a_session_that_another_node_replaced_ends() {
    let mut world = World::new(true);
    let device = confirmed(&mut world);
    let jobs = world.jobs();
    let [(number, Job::Save { cid, .. })] = &jobs[..] else { panic!("one save") };
    // Before it is stored nobody asks about it.
    world.wait(1000, device.peer);
    assert!(world.jobs().is_empty());
    world.done(*number, Outcome::Done, device.peer);
    world.wait(1000, device.peer);
    let jobs = world.jobs();
    let [(number, Job::Still { cids })] = &jobs[..] else { panic!("one question") };
    assert_eq!(cids, std::slice::from_ref(cid));
    world.done(*number, Outcome::Gone(vec![]), device.peer);
    assert!(world.front.upstream.ended.is_empty());
    world.done(*number, Outcome::Gone(cids.clone()), device.peer);
    assert_eq!(world.front.upstream.ended.len(), 1);
    assert!(world.jobs().is_empty(), "the device's record is another node's");
}

#[test]
fn a_device_that_is_taken_out_has_no_record() {
    let mut world = World::new(true);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Oscore);
    let (datagram, _) = device.get(&mut world, b"toke", &[]);
    world.send(device.peer, &datagram);
    world.jobs();
    world.front.set_devices(0, devices(2..8));
    let is_own = |job: &Job| matches!(job, Job::Delete { device_id } if **device_id == [b'd', 1]);
    assert!(world.jobs().iter().any(|(_, job)| is_own(job)));
}

/// While the store counts, the session that waits for it may be late, and its slot another device's.
#[test]
fn what_is_taken_back_is_nobody_elses() {
    for outcome in [Outcome::Down, Outcome::Conflict] {
        let mut world = World::new(true);
        let (mut device, cid, record) = before_restart(&mut world);
        world = World::of(&FrontConfig { slots: 1, ..config(true) });
        world.front.upstream.at_once = Some(answer(0x45, &[], b"ok"));
        let (_, number) = load(&mut world, &mut device, &cid);
        world.done(number, Outcome::Loaded(Some(record)), device.peer);
        let number = saved(&mut world, 1);
        world.now_ms += 60_000;
        let mut other = Device::connect(&mut world, 2, Profile::Express, Carrier::Oscore);
        world.done(number, outcome, device.peer);
        let (datagram, mut exchange) = other.get(&mut world, b"toke", &[]);
        let sent = world.send(other.peer, &datagram);
        assert_eq!(other.unprotect(&mut exchange, &sent[0]).map(|message| message[1]), Ok(0x45));
    }
}

/// A first request with a fault inside is refused, and confirms its session like any other: its record is stored, other workers hear of it,
/// and whoever comes next is not disturbed.
#[test]
fn a_first_request_with_a_fault_inside_confirms() {
    let mut world = World::new(true);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    let (mut sealed, path) = ([0; 64], b"\xb5index");
    let plain = b"\x01\xb1x"; // Uri-Path is outside
    let carrier = lscoap::session::Carrier::Payload(path);
    let (len, _) = device.session.seal_request(carrier, plain, &mut sealed).unwrap();
    let datagram = request(5, 1, b"toke", &[(11, b"index"), (12, &[0xfd, 0xea])], &sealed[..len]);
    assert_eq!(world.send(device.peer, &datagram)[0][1], 0x82);
    assert!(matches!(&world.jobs()[..], [(_, Job::Save { count: None, .. })]));
    assert_eq!(world.front.take_confirmed(), [(vec![b'd', 1], 0)]);
    Device::connect(&mut world, 2, Profile::Signed, Carrier::Oscore);
    assert!(world.jobs().is_empty());
    world.send(device.peer, &datagram);
    assert!(world.jobs().is_empty() && world.front.take_confirmed().is_empty());
}

/// Whoever has seen an R1 and sends it again does not get its R2 instead of the device.
#[test]
fn an_r1_that_others_send_as_well_is_answered_where_it_came_from() {
    let mut world = World::new(true);
    let (mut device, cid, record) = before_restart(&mut world);
    let (datagram, number) = load(&mut world, &mut device, &cid);
    (2..20).for_each(|port| assert!(world.send(at(port), &datagram).is_empty()));
    assert!(world.send(device.peer, &datagram).is_empty());
    world.front.stored(0, Done { number, outcome: Outcome::Loaded(Some(record)) });
    let number = saved(&mut world, 1);
    (2..20).for_each(|port| assert!(world.send(at(port), &datagram).is_empty()));
    world.front.stored(0, Done { number, outcome: Outcome::Done });
    let sent = world.all();
    assert_eq!(sent.iter().filter(|(to, _)| *to == device.peer).count(), 1);
    assert!(sent.len() <= ASKERS_MAX, "others have few answers");
    assert!(sent.iter().all(|(_, bytes)| parts(bytes) == parts(&sent[0].1) && bytes[1] == 0x44));
}

/// While the store is slow, the slot of a session that waits for it may go to another one.
#[test]
fn an_r2_whose_session_had_to_make_room_is_not_sent() {
    for outcome in [Outcome::Down, Outcome::Conflict, Outcome::Done] {
        let mut world = World::new(true);
        let (mut device, cid, record) = before_restart(&mut world);
        world = World::of(&FrontConfig { slots: 1, ..config(true) });
        world.front.upstream.at_once = Some(answer(0x45, &[], b"ok"));
        let (_, number) = load(&mut world, &mut device, &cid);
        world.done(number, Outcome::Loaded(Some(record)), device.peer);
        let number = saved(&mut world, 1);
        world.wait(61_000, device.peer);
        let mut other = Device::connect(&mut world, 2, Profile::Express, Carrier::Oscore);
        let is_r2 = |answer: &[u8]| answer[1] == 0x44;
        assert!(!is_r2(&world.done(number, outcome, device.peer)[0]), "its session is gone");
        let (datagram, mut exchange) = other.get(&mut world, b"toke", &[]);
        let sent = world.send(other.peer, &datagram);
        assert!(other.unprotect(&mut exchange, &sent[0]).is_ok());
    }
}

/// Where a flood of R1 waits for a slow store: who goes on has proved his address, and nobody has more than a quarter.
#[test]
fn r1_that_wait_leave_room_for_others() {
    let mut world = World::new(true);
    let (mut device, _, _) = before_restart(&mut world);
    let ask = |world: &mut World, device: &mut Device, from: Peer| {
        let message = r1(device);
        let datagram = world.handshake(&message);
        world.send(from, &datagram)
    };
    let waiting = (0..1024).take_while(|_| ask(&mut world, &mut device, at(9)).is_empty()).count();
    assert!((512..600).contains(&waiting), "{waiting}");
    let retry = |world: &mut World, device: &mut Device, from: Peer| {
        let sent = ask(world, device, from);
        let (code, retry) = parts(&sent[0]);
        assert_eq!((code, retry[0]), (0x81, 0x19));
        let mut message = Message::new();
        device.client.step(&mut Os, Some(&retry), &mut message).unwrap();
        let datagram = world.handshake(&message);
        world.send(from, &datagram)
    };
    let busy = retry(&mut world, &mut device, at(9));
    assert_eq!(parts(&busy[0]), (0xa3, vec![0x1f, 4]));
    let elsewhere = Peer { address: ([198, 51, 100, 1], 9).into(), ..at(9) };
    let jobs = world.front.jobs.jobs.len();
    assert!(retry(&mut world, &mut device, elsewhere).is_empty());
    assert_eq!(world.front.jobs.jobs.len(), jobs + 1);
    // Full handshakes do without the store.
    Device::connect(&mut world, 2, Profile::Express, Carrier::Oscore);
}

/// What the store did not count, a live session has not either: once the store is there again, the device resumes.
#[test]
fn what_was_not_counted_does_not_count() {
    let mut world = World::new(true);
    let mut device = confirmed(&mut world);
    world.jobs();
    let message = r1(&mut device);
    let datagram = world.handshake(&message);
    for _ in 0..3 {
        assert!(world.send(device.peer, &datagram).is_empty());
        let number = saved(&mut world, 1);
        assert_eq!(parts(&world.done(number, Outcome::Down, device.peer)[0]), (0xa3, vec![0x1f, 4]));
    }
    world.front.jobs.is_full = true;
    assert_eq!(parts(&world.send(device.peer, &datagram)[0]).0, 0xa3);
    world.front.jobs.is_full = false;
    world.send(device.peer, &datagram);
    let number = saved(&mut world, 1);
    assert_eq!(parts(&world.done(number, Outcome::Done, device.peer)[0]).0, 0x44);
    let message = r1(&mut device);
    let datagram = world.handshake(&message);
    world.send(device.peer, &datagram);
    saved(&mut world, 2);
}
