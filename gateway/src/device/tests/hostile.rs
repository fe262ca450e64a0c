//! Datagrams that are cut off, changed, or random: nothing panics, nobody's state changes, and devices go on.

use super::*;
use lscoap_testkit::testing::Numbers;

#[test]
fn nothing_that_comes_disturbs_a_session() {
    let mut world = World::new(true);
    world.front.upstream.at_once = Some(answer(0x45, &[], b"ok"));
    let mut devices: Vec<_> = BOTH
        .iter()
        .zip(1..)
        .map(|(carrier, number)| Device::connect(&mut world, number, Profile::Express, *carrier))
        .collect();
    let mut numbers = Numbers::from_seed(lscoap_testkit::testing::random());
    for device in &mut devices {
        let peer = device.peer;
        let m1 = world.handshake(&[&[0x11, 7][..], b"stranger", &[1; 32]].concat());
        let (sealed, mut exchange) = device.get(&mut world, b"toke", &[(6, &[])]);
        for whole in [m1, sealed.clone()] {
            for len in 0..whole.len() {
                world.send(at(9), &whole[..len]);
            }
            for bit in 0..whole.len() * 8 {
                let mut changed = whole.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                world.send(at(9), &changed);
            }
        }
        for _ in 0..2000 {
            let len = numbers.below(80) as usize;
            let mut garbage: Vec<u8> = (0..len).map(|_| numbers.draw() as u8).collect();
            if let Some(first) = garbage.first_mut().filter(|_| numbers.below(2) == 0) {
                *first = 0x40 | *first & 0x34;
            }
            world.send(at(9), &garbage);
        }
        assert!(world.front.upstream.asked.iter().all(|asked| asked.2.starts_with(b"d")));
        let sent = world.send(peer, &sealed);
        // A change outside of what is authenticated may have let it through already; then its answer is kept.
        assert_eq!(device.unprotect(&mut exchange, &sent[0]).map(|message| message[1]), Ok(0x45));
    }
    assert_eq!(world.front.stats().confirmed_now, 2);
}
