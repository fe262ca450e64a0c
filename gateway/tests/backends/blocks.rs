//! Bodies in blocks. Back-ends know a transfer by the endpoint and the resource alone: so it matters which ports they come from.

use super::server::Backend;
use super::worker::{Device, Worker, block, put, put_block};
use lscoap_testkit::coap::*;

/// Blocks of 256 bytes.
const SZX: u8 = 4;
/// Bytes of a body; the last block is not a whole one.
const LEN: usize = 5000;

/// A body that is no other device's.
fn body_of(device: Device) -> Vec<u8> {
    (0..LEN).map(|at| (at / 100) as u8 ^ (device.0 as u8).wrapping_mul(37)).collect()
}

/// Each block of all of them before the next block of any.
#[test]
fn eight_devices_upload_and_download_at_once() {
    for backend in Backend::all("option") {
        let mut worker = Worker::new(&backend, "");
        let devices: Vec<_> = (0..8).map(Device).collect();
        let blocks = LEN.div_ceil(16 << SZX);
        for number in 0..blocks {
            let asked = devices.iter().map(|device| (device, put_block(&body_of(*device), number, SZX)));
            let tickets: Vec<_> =
                asked.map(|(device, message)| worker.ask(*device, &message, None)).collect();
            let expected = if number + 1 < blocks { CONTINUE } else { CHANGED };
            for ticket in tickets {
                assert_eq!(worker.next(ticket).message.code, expected, "block {number}");
            }
        }
        let get = Message::request(GET, "readings", 0);
        let mut got = vec![Vec::new(); devices.len()];
        for number in 0..blocks {
            let asked = get.clone().option(BLOCK2, &block(number, false, SZX));
            let tickets: Vec<_> = devices.iter().map(|device| worker.ask(*device, &asked, None)).collect();
            for (ticket, body) in tickets.into_iter().zip(&mut got) {
                let answer = worker.next(ticket).message;
                assert_eq!(answer.code, CONTENT, "block {number}");
                assert_eq!(answer.number(BLOCK2).map(|value| value & 8 != 0), Some(number + 1 < blocks));
                body.extend(answer.payload);
            }
        }
        for (device, body) in devices.iter().zip(got) {
            assert_eq!(body, body_of(*device));
        }
    }
}

/// Nobody asked for blocks, and the first one comes.
#[test]
fn eight_devices_are_given_blocks_at_once() {
    for backend in Backend::all("path") {
        let mut worker = Worker::new(&backend, "");
        let devices: Vec<_> = (0..8).map(Device).collect();
        for device in &devices {
            for number in 0..LEN.div_ceil(16 << SZX) {
                worker.exchange(*device, &put_block(&body_of(*device), number, SZX));
            }
        }
        let get = Message::request(GET, "readings", 0);
        let tickets: Vec<_> = devices.iter().map(|device| worker.ask(*device, &get, None)).collect();
        let firsts: Vec<_> = tickets.into_iter().map(|ticket| worker.next(ticket).message).collect();
        for (device, first) in devices.iter().zip(firsts) {
            assert!(first.payload.len() < LEN);
            assert_eq!(worker.download(*device, &get, first), body_of(*device));
        }
    }
}

/// What devices seal and open whole is longer than a back-end reads or writes at once.
#[test]
fn what_goes_in_one_is_not_cut() {
    for backend in Backend::all("query") {
        let mut worker = Worker::new(&backend, "");
        worker.in_one = true;
        let devices: Vec<_> = (0..8).map(Device).collect();
        let puts = devices.iter().map(|device| (*device, put(&body_of(*device))));
        let get = Message::request(GET, "readings", 0);
        let gets = devices.iter().map(|device| (*device, get.clone()));
        for (requests, code) in [(puts.collect::<Vec<_>>(), CHANGED), (gets.collect(), CONTENT)] {
            let asked = requests.iter().map(|(device, request)| (device, worker.ask(*device, request, None)));
            for (device, ticket) in asked.collect::<Vec<_>>() {
                let answer = worker.next(ticket).message;
                assert_eq!((answer.code, answer.number(BLOCK1), answer.number(BLOCK2)), (code, None, None));
                assert!(code == CHANGED || answer.payload == body_of(*device), "{}", backend.name());
            }
        }
    }
}

/// There is one port for transfers: the second device comes where the first one's lie.
#[test]
fn what_is_left_of_a_transfer_is_nobody_elses() {
    for backend in Backend::all("option") {
        let mut worker = Worker::new(&backend, "ports = 2\n");
        let (device, other) = (Device(1), Device(2));
        worker.in_one = true;
        assert_eq!(worker.exchange(device, &put(&body_of(device))).code, CHANGED);
        worker.in_one = false;
        let get = Message::request(GET, "readings", 0);
        let first = worker.exchange(device, &get.clone().option(BLOCK2, &block(0, false, SZX)));
        assert_eq!((first.code, first.number(BLOCK2)), (CONTENT, Some(u64::from(SZX | 8))));
        worker.exchange(device, &put_block(&body_of(device), 0, SZX));
        worker.end_session(device);
        let next = worker.exchange(other, &get.clone().option(BLOCK2, &block(1, false, SZX)));
        assert_eq!(next.code, INCOMPLETE, "{next:?}");
        let rest = worker.exchange(other, &put_block(&body_of(other), LEN.div_ceil(16 << SZX) - 1, SZX));
        assert_eq!(rest.code, INCOMPLETE, "{rest:?}");
        let got = worker.exchange(other, &get);
        assert_eq!(got.code, NOT_FOUND, "{got:?}");
    }
}
