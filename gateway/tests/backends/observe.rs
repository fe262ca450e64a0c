//! Observing through the gateway.

use super::server::Backend;
use super::worker::{Device, Worker, put};
use lscoap_testkit::coap::*;

const RST: u8 = 3;

fn observe(value: &[u8]) -> Message {
    Message::request(GET, "readings", 0).option(OBSERVE, value)
}

#[test]
fn notifications_come_until_they_are_not_wanted() {
    for form in ["option", "path", "query"] {
        for backend in Backend::all(form) {
            let mut worker = Worker::new(&backend, "");
            worker.in_one = true;
            let (device, other) = (Device(1), Device(2));
            assert_eq!(worker.exchange(device, &put(b"0")).code, CHANGED);
            assert_eq!(worker.exchange(other, &put(b"of another")).code, CHANGED);
            let observation = worker.ask(device, &observe(&[]), None);
            let first = worker.next(observation);
            assert!(!first.is_last && first.message.number(OBSERVE).is_some(), "{first:?}");
            for body in (b'a'..=b'p').map(|byte| [byte]) {
                assert_eq!(worker.exchange(device, &put(&body)).code, CHANGED);
                let mut last = 0;
                worker.wait(&format!("{form} {:?}: notification {body:?}", backend.address), |worker| {
                    while let Some(heard) = worker.heard(observation) {
                        assert!(!heard.is_last && heard.message.code == CONTENT, "{heard:?}");
                        assert_ne!(heard.message.payload, b"of another");
                        last = heard.message.payload[0];
                    }
                    last == body[0]
                });
            }
            // By Observe 1, with the token of the registration.
            let ended = worker.ask(device, &observe(&[1]), Some(observation));
            let ended = worker.next(ended);
            assert!(ended.is_last && ended.message.number(OBSERVE).is_none(), "{ended:?}");
            let resets = worker.empty.iter().filter(|kind| **kind == RST).count();
            while worker.heard(observation).is_some() {}
            assert_eq!(worker.exchange(device, &put(b"4")).code, CHANGED);
            assert_eq!(worker.exchange(device, &Message::request(GET, "readings", 0)).payload, b"4");
            assert!(worker.heard(observation).is_none());
            assert_eq!(
                worker.empty.iter().filter(|kind| **kind == RST).count(),
                resets,
                "it has forgotten us"
            );
        }
    }
}

#[test]
fn an_observation_that_nobody_wants_is_reset() {
    for backend in Backend::all("option") {
        let mut worker = Worker::new(&backend, "");
        let device = Device(1);
        assert_eq!(worker.exchange(device, &put(b"0")).code, CHANGED);
        let observation = worker.ask(device, &observe(&[]), None);
        assert!(!worker.next(observation).is_last);
        worker.cancel(observation);
        assert_eq!(worker.exchange(Device(2), &put(b"1")).code, CHANGED);
        worker.wait("a reset", |worker| worker.empty.contains(&RST));
        assert!(worker.heard(observation).is_none());
    }
}
