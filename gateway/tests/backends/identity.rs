//! A back-end knows who asks, in each of the three forms, and nobody passes for another.

use super::server::Backend;
use super::worker::{Device, Worker, put};
use lscoap_testkit::coap::*;

const FORBIDDEN: u8 = 0x83;

#[test]
fn every_form_tells_devices_apart() {
    for form in ["option", "path", "query"] {
        for backend in Backend::all(form) {
            let mut worker = Worker::new(&backend, "");
            let get = Message::request(GET, "readings", 0);
            for device in [Device(1), Device(2)] {
                assert_eq!(worker.exchange(device, &get).code, NOT_FOUND, "{form}");
                assert_eq!(worker.exchange(device, &put(&device.id())).code, CHANGED, "{form}");
            }
            for device in [Device(1), Device(2)] {
                let got = worker.exchange(device, &get);
                assert_eq!((got.code, got.payload), (CONTENT, device.id()), "{form}");
            }
            // A query of the device's own stays behind the name.
            let asked = get.clone().option(URI_QUERY, b"n=1").option(URI_QUERY, b"m=2");
            assert_eq!(worker.exchange(Device(1), &asked).payload, Device(1).id(), "{form}");
        }
    }
}

#[test]
fn no_form_lets_one_pass_for_another() {
    let get = Message::request(GET, "readings", 0);
    let name = Device(1).id();
    let hex: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let forged = [
        ("option", get.clone().option(65_010, &name), BAD_OPTION),
        ("path", Message::request(GET, &format!("../{hex}/readings"), 0), BAD_REQUEST),
        ("path", Message::request(GET, &format!("%2e%2E/{hex}/readings"), 0), BAD_REQUEST),
        ("query", get.clone().option(URI_QUERY, format!("lscoap-id={hex}").as_bytes()), BAD_REQUEST),
        ("query", get.option(URI_QUERY, format!("LSCOAP%2did={hex}").as_bytes()), BAD_REQUEST),
    ];
    for form in ["option", "path", "query"] {
        for backend in Backend::all(form) {
            let mut worker = Worker::new(&backend, "");
            assert_eq!(worker.exchange(Device(1), &put(b"of 1")).code, CHANGED);
            assert_eq!(worker.exchange(Device(2), &put(b"of 2")).code, CHANGED);
            for (_, request, code) in forged.iter().filter(|(other, ..)| *other == form) {
                let got = worker.exchange(Device(2), request);
                assert_eq!((got.code, got.payload), (*code, vec![]), "{form}: {request:?}");
            }
            // One that begins like the gateway's own is a path below the device's.
            let below = Message::request(GET, &format!("d/{hex}/readings"), 0);
            let got = worker.exchange(Device(2), &below);
            assert!(matches!(got.code, NOT_FOUND | FORBIDDEN), "{form}: {got:?}");
            // What says nothing in this form is as good as not there.
            for (_, request, _) in forged.iter().filter(|(other, ..)| *other != form && *other != "path") {
                let got = worker.exchange(Device(2), request);
                assert_ne!(got.payload, b"of 1", "{form}: {request:?}");
            }
        }
    }
}
