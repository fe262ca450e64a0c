//! Back-ends that are not there, or say nothing.

use super::server::Backend;
use super::worker::{Device, Worker, put};
use lscoap_testkit::coap::*;

const BAD_GATEWAY: u8 = 0xA2;
const GATEWAY_TIMEOUT: u8 = 0xA4;
/// MAX_TRANSMIT_WAIT is less than half a second then.
const QUICK: &str = "ack_timeout_ms = 10\n";

#[test]
fn one_that_was_killed_gives_5_02_until_it_is_back() {
    for mut backend in Backend::all("option") {
        let mut worker = Worker::new(&backend, "");
        assert_eq!(worker.exchange(Device(1), &put(b"0")).code, CHANGED);
        let get = Message::request(GET, "readings", 0);
        let observation = worker.ask(Device(1), &get.clone().option(OBSERVE, &[]), None);
        assert!(!worker.next(observation).is_last);
        backend.kill();
        assert_eq!(worker.exchange(Device(1), &get).code, BAD_GATEWAY);
        // The observation went through the same port.
        let ended = worker.next(observation);
        assert!(ended.is_last && ended.message.code == BAD_GATEWAY, "{ended:?}");
        assert_eq!(worker.exchange(Device(2), &put(b"1")).code, BAD_GATEWAY);
        backend.start_again();
        assert_eq!(worker.exchange(Device(1), &get).code, NOT_FOUND);
        assert_eq!(worker.exchange(Device(2), &put(b"1")).code, CHANGED);
    }
}

#[test]
fn one_that_says_nothing_gives_5_04_and_late_answers_are_nobodys() {
    for backend in Backend::all("option") {
        let mut worker = Worker::new(&backend, QUICK);
        let get = Message::request(GET, "readings", 0);
        worker.wait("an answer", |worker| worker.exchange(Device(1), &put(b"0")).code == CHANGED);
        backend.signal("STOP");
        let ticket = worker.ask(Device(1), &put(b"1"), None);
        assert_eq!(worker.next(ticket).message.code, GATEWAY_TIMEOUT);
        backend.signal("CONT");
        // What it answers at last is not another request's answer.
        worker.wait("an answer", |worker| worker.exchange(Device(2), &put(b"2")).code == CHANGED);
        worker.wait("the last body", |worker| worker.exchange(Device(2), &get).payload == b"2");
        worker.wait("the last body", |worker| worker.exchange(Device(1), &get).payload == b"1");
        assert!(worker.heard(ticket).is_none());
    }
}
