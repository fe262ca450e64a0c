//! Datagrams that are cut off, changed, or random: nothing panics, nobody's state changes, and devices go on.

use super::resuming::r1;
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
        let r1 = r1(device);
        let r1 = world.handshake(&r1);
        let retried = world.handshake(&[&[0x1a][..], &[7; 16], &[0x11, 7], b"stranger", &[1; 32]].concat());
        let x1 = world.handshake(&[&[0x15][..], &[1; 32], &[2; 24]].concat());
        let m3 = world.handshake(&[&[0x13, 0xa0, 0xb0, 1, 0, 0, 1][..], &[1; 72]].concat());
        let (long, _) = super::blocks::put(&mut world, device, 40);
        let block = super::blocks::blocks(&long, Some(b"request1"), 0).remove(0);
        let empty = [[0x40, 0, 1, 2], [0x60, 0, 1, 2], [0x70, 0, 1, 2]].map(Vec::from);
        let all = [m1, r1, retried, x1, m3, block, sealed.clone()].into_iter().chain(empty);
        for whole in all {
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
