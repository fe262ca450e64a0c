//! Sessions in storage.

use super::world::*;
use crate::client::Profile;
use crate::coap::Carrier;
use crate::coap::message::Frame;
use crate::coap::option::OSCORE;
use crate::device::*;
use crate::error::Error;

fn stored(block: u32) -> Config<'static> {
    Config { store_block: block, ..config(Carrier::Oscore, Profile::Express) }
}

#[test]
fn a_session_survives_the_power() {
    let config = stored(4);
    let mut world = World::with(&config);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.writes, 1); // the first answer opened
    for _ in 0..4 {
        assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    }
    assert_eq!(world.writes, 1);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.writes, 2); // the numbers of the first are used up
    world.lose_power(&config);
    world.sent.clear();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!((world.writes, &world.story()[..]), (3, "0"));
    assert_eq!(world.site.executed.len(), 7);
}

/// The stored session is resumed where the server has lost it; the newer one is stored once an answer has opened in it.
#[test]
fn a_stored_session_is_resumed() {
    let config = stored(4);
    let mut world = World::with(&config);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    let old = world.storage.clone();
    world.lose_power(&config);
    world.site.restart();
    // Everything in the newer session is lost, and so is that session when the power goes.
    world.sent.clear();
    let mut is_resumed = false;
    world.up = Box::new(move |_, bytes| {
        let is_r1 = bytes[bytes.len() - 19] == 0x17;
        is_resumed |= is_r1;
        usize::from(is_r1 || !is_resumed)
    });
    assert_eq!(world.exchange(get("r")), Err(Error::NoAnswer));
    assert_eq!(world.story(), "0 0 R1 0 0 0 0 0");
    world.lose_power(&config);
    world.up = Box::new(|_, _| 1);
    world.sent.clear();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.story(), "0 0 R1 0");
    assert_ne!(world.storage, old);
    world.lose_power(&config);
    world.sent.clear();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.story(), "0");
}

#[test]
fn nothing_is_stored_where_it_is_not_wanted() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.writes, 0);
    assert_eq!(world.device.suspend(), Err(Error::State));
    assert_eq!(world.device.stored(Ok(())), Err(Error::State));
    assert_eq!(world.device.restore(&[1, 2, 3]), Err(Error::State));
}

#[test]
fn blobs_of_others() {
    let mut world = World::with(&stored(4));
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    let blob = world.storage.clone().unwrap();
    let mut device = Device::new(&stored(4)).unwrap();
    let device: &mut Device = &mut device;
    assert_eq!(device.restore(&blob[1..]), Err(Error::Malformed));
    let mut other = stored(4);
    other.client.device_id = b"other";
    let mut stranger: Device = Device::new(&other).unwrap();
    assert_eq!(stranger.restore(&blob), Err(Error::State));
    assert!(stranger.session().is_none());
    assert_eq!(device.restore(&blob), Ok(()));
    assert_eq!(device.restore(&blob), Err(Error::State));
}

/// Never stored: it goes on within the numbers of the blob, and is tried again at the next answer.
#[test]
fn a_session_that_cannot_be_stored_goes_on() {
    let mut world = World::with(&stored(3));
    world.storage_fails = true;
    for _ in 0..3 {
        assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    }
    assert_eq!(world.writes, 3);
    world.storage_fails = false;
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!((world.writes, world.storage.is_some()), (4, true));
}

/// Stored: it never passes the older blob.
#[test]
fn numbers_that_are_not_reserved_are_not_used() {
    let config = stored(1);
    let mut world = World::with(&config);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.storage_fails = true;
    let sent = world.sent.len();
    assert_eq!(world.exchange(get("r")), Err(Error::Storage));
    assert_eq!(world.exchange(get("r")), Err(Error::Storage));
    assert_eq!(world.sent.len(), sent);
    world.storage_fails = false;
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
}

#[test]
fn suspending_wastes_no_numbers() {
    let config = stored(100);
    let mut world = World::with(&config);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    world.device.suspend().unwrap();
    assert_eq!(world.poll(), None);
    assert_eq!(world.writes, 2);
    world.lose_power(&config);
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    let numbers: Vec<u8> = world.sent.iter().filter_map(|(_, bytes)| number(bytes)).collect();
    assert_eq!(numbers, [0, 1]);
}

/// The Partial IV of a sealed request.
fn number(bytes: &[u8]) -> Option<u8> {
    let frame = Frame::read(bytes).unwrap();
    frame.find(bytes, OSCORE).unwrap().map(|option| bytes[option.at + 1])
}

/// Power that goes at any moment: no number is used twice.
#[test]
fn whenever_the_power_goes() {
    let config = stored(2);
    let mut world = World::with(&config);
    for at in 0..30 {
        world.ask(get("r")).unwrap();
        for _ in 0..at % 4 {
            if world.poll().is_some() {
                break;
            }
        }
        if at % 3 == 0 {
            world.lose_power(&config);
        } else {
            assert_eq!(world.run(), Some(Ok(CONTENT)));
        }
    }
    assert_eq!(world.site.server.stats(4).replays, 0);
}
