//! Bytes that are meant to break a server.

use std::net::UdpSocket;
use std::time::Duration;

use lscoap_testkit::relay::Direction;

use super::coap::*;
use super::middle::{Middle, pass};
use super::site::*;

/// SplitMix64: the same datagrams each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Changes some bytes, or the length.
fn mutate(random: &mut Random, datagram: &mut Vec<u8>) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(datagram.len());
        match random.below(6) {
            0 => datagram[at] = random.next() as u8,
            1 => datagram[at] ^= 1 << random.below(8),
            2 => datagram.truncate(at.max(1)),
            3 => datagram.insert(at, random.next() as u8),
            4 => drop(datagram.remove(at)),
            _ => datagram.extend_from_within(at..),
        }
        if datagram.is_empty() {
            datagram.push(0x40);
        }
        datagram.truncate(1400);
    }
}

/// All that a client sends, changed in thousands of ways, from its own address and from elsewhere.
#[test]
fn changed_datagrams_do_no_harm() {
    let site = Site::start(&["-n", "4"]);
    let middle = Middle::start(site.addr(), pass);
    let large = format!("{{\"Data\":[{}]}}", vec![r#"{"timeStamp":1000000,"value":1}"#; 60].join(","));
    for profile in PROFILES {
        site.good(middle.addr(), &["--profile", profile, "POST", "/index", "5"]);
        site.good(middle.addr(), &["--profile", profile, "PUT", "/index", &large]);
        site.good(middle.addr(), &["--profile", profile, "GET", "/index?readings=100"]);
        site.good(middle.addr(), &["--profile", profile, "--observe", "1", "GET", "/index"]);
    }
    let seeds: Vec<Vec<u8>> = middle
        .seen()
        .iter()
        .filter(|(direction, _)| *direction == Direction::Up)
        .map(|(_, message)| message.bytes())
        .collect();
    let mut random = Random(1);
    let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
    elsewhere.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut buffer = [0; 2048];
    for round in 0..6000 {
        let mut datagram = seeds[random.below(seeds.len())].clone();
        mutate(&mut random, &mut datagram);
        if round % 2 == 0 {
            elsewhere.send_to(&datagram, site.addr()).unwrap();
        } else {
            middle.send_raw(&datagram);
        }
        if round % 64 == 0 {
            while elsewhere.recv(&mut buffer).is_ok() {}
        }
    }
    let before = site.stored(5.0);
    site.good(site.addr(), &["POST", "/index", "5"]);
    assert_eq!(site.stored(5.0), before + 1);
    site.end();
}

/// Blocks that do not make a body.
#[test]
fn odd_blocks_do_no_harm() {
    let site = Site::start(&[]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(site.addr()).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    let mut id = 0;
    for path in ["index", HANDSHAKE_PATH] {
        for code in [FETCH, POST] {
            for format in [HANDSHAKE, SEALED] {
                for size in [vec![], vec![1], vec![4, 0], vec![255, 255, 255, 255]] {
                    // Number, more to come, size exponent.
                    for block in [
                        &[][..],
                        &[0x06],
                        &[0x0E],
                        &[0x1E],
                        &[0x16],
                        &[0x07],
                        &[0xFF, 0xFE],
                        &[0xFF, 0xFF, 0xF6],
                    ] {
                        for option in [BLOCK1, BLOCK2] {
                            id += 1;
                            let request = Message::request(code, path, id)
                                .option(option, block)
                                .option(SIZE1, &size)
                                .option(OBSERVE, &[])
                                .body(format, &[8; 64]);
                            socket.send(&request.bytes()).unwrap();
                            let mut buffer = [0; 2048];
                            if let Ok(len) = socket.recv(&mut buffer) {
                                let answer = Message::parse(&buffer[..len]).unwrap();
                                assert!(
                                    !answer.is_sealed() && answer.number(OBSERVE).is_none(),
                                    "{answer:?}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
    site.good(site.addr(), &["GET", "/index"]);
    site.end();
}
