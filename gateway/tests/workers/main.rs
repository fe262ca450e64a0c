//! A gateway in this process, with real sockets and the library's devices: which worker they meet, and what becomes of them when one
//! of them panics.

mod device;
mod gateway;

use device::{Device, ask, hear};
use gateway::*;
use lscoap::client::Profile;
use lscoap::coap::Carrier;
use lscoap_testkit::coap::*;
use std::time::Duration;

const CARRIERS: [Carrier; 2] = [Carrier::Oscore, Carrier::Payload];

#[test]
fn devices_are_served_over_both_families_in_both_carriers() {
    let site = Site::start(&["127.0.0.1:0", "[::1]:0", "[::]:0"], 1);
    for (number, to) in site.gateway.addresses().iter().enumerate() {
        for profile in [Profile::Signed, Profile::Express] {
            let mut device = site.device(number as u8, number, profile);
            assert_eq!(device.to, *to);
            device.connects();
            for carrier in CARRIERS {
                let answer = device.asks(carrier, POST, "echo", b"hello");
                assert_eq!((answer.code, &*answer.payload), (CHANGED, &b"hello"[..]));
            }
        }
    }
}

/// Whatever the port, a session's worker gets its requests; devices meet all workers.
#[test]
fn a_device_that_moves_keeps_its_session() {
    let site = Site::start(&["[::]:0"], 4);
    let mut workers = std::collections::BTreeSet::new();
    for number in 0..16 {
        let mut device = site.device(number, 0, Profile::Signed);
        device.connects();
        let worker = device.asks(Carrier::Oscore, GET, "worker", b"").payload;
        for carrier in CARRIERS.into_iter().cycle().take(8) {
            device.moves();
            assert_eq!(device.asks(carrier, GET, "worker", b"").payload, worker);
        }
        workers.extend(worker);
    }
    assert_eq!(workers.len(), 4);
}

/// And each message of a handshake may come from another port.
#[test]
fn a_device_that_moves_all_the_time_resumes() {
    let site = Site::start(&["127.0.0.1:0"], 4);
    let mut device = site.device(0, 0, Profile::Signed);
    device.connects();
    for _ in 0..8 {
        assert_eq!(device.asks(Carrier::Payload, POST, "echo", b"x").payload, b"x");
        device.moves();
        device.resumes();
        device.moves();
    }
}

/// The devices of a worker that panics resume; the others do not notice.
#[test]
fn devices_resume_after_a_panic() {
    let site = Site::start(&["127.0.0.1:0"], 3);
    let mut devices: Vec<(Device, u8)> = (0..12)
        .map(|number| {
            let mut device = site.device(number, 0, Profile::Signed);
            device.connects();
            let worker = device.asks(Carrier::Oscore, GET, "worker", b"").payload[0];
            (device, worker)
        })
        .collect();
    let unlucky = devices[0].1;
    let (request, _) = devices[0].0.seals(Carrier::Oscore, POST, "panic", b"");
    devices[0].0.socket.send(&request.bytes()).unwrap();
    for (device, worker) in &mut devices {
        assert_eq!(device.is_known(), *worker != unlucky);
        if *worker == unlucky {
            device.resumes();
        }
        assert_eq!(device.asks(Carrier::Payload, POST, "echo", b"again").payload, b"again");
    }
    let restarts: Vec<u64> = (0..3).map(|worker| site.metrics.worker(worker).restarts.get()).collect();
    assert_eq!(restarts.iter().sum::<u64>(), 1);
    assert_eq!(restarts[usize::from(unlucky)], 1);
}

/// A device's newer session ends the older one, though another worker has that.
#[test]
fn one_session_a_device() {
    let site = Site::start(&["127.0.0.1:0"], 4);
    let mut met_two = false;
    for number in 0..8 {
        let (mut old, mut new) =
            (site.device(number, 0, Profile::Signed), site.device(number, 0, Profile::Express));
        old.connects();
        let first = old.asks(Carrier::Oscore, GET, "worker", b"").payload;
        new.connects();
        assert!(old.is_known(), "until the new one is confirmed");
        let second = new.asks(Carrier::Oscore, GET, "worker", b"").payload;
        assert!(!old.is_known() && new.is_known());
        met_two |= first != second;
    }
    assert!(met_two);
}

/// An answer that comes later is confirmable; its acknowledgement has no connection id, and the device has moved since its handshake.
#[test]
fn acknowledgements_find_the_worker_that_waits_for_them() {
    let site = Site::start(&["127.0.0.1:0"], 4);
    let one = |number| {
        let mut device = site.device(number, 0, Profile::Signed);
        device.connects();
        device.moves();
        let (request, mut exchange) = device.seals(Carrier::Oscore, GET, "later", b"");
        device.socket.send(&request.bytes()).unwrap();
        let answer = loop {
            let message = hear(&device.socket, Duration::from_secs(60)).unwrap();
            if message.code != 0 {
                break message;
            }
        };
        assert_eq!((answer.kind, &answer.token), (CON, &request.token));
        let acknowledgement = Message { kind: ACK, id: answer.id, ..Message::default() };
        device.socket.send(&acknowledgement.bytes()).unwrap();
        assert_eq!(device.opens(&mut exchange, &answer).unwrap().payload, b"late");
        assert_eq!(
            hear(&device.socket, Duration::from_secs(4)),
            None,
            "sent again though it was acknowledged"
        );
    };
    std::thread::scope(|scope| {
        (0..8).for_each(|number| drop(scope.spawn(move || one(number))));
    });
}

/// An upload in blocks outside the seal, each block from another port.
#[test]
fn blocks_from_anywhere_come_to_the_session() {
    let site = Site::start(&["127.0.0.1:0"], 4);
    for number in 0..8 {
        let mut device = site.device(number, 0, Profile::Signed);
        device.connects();
        let body: Vec<u8> = (0..3000).map(|n| n as u8 ^ number).collect();
        let (sealed, mut exchange) = device.seals(Carrier::Payload, POST, "length", &body);
        let tag = [number; 8];
        let chunks: Vec<&[u8]> = sealed.payload.chunks(512).collect();
        let mut answer = Message::default();
        for (block, chunk) in chunks.iter().enumerate() {
            let more = block + 1 < chunks.len();
            let mut request = sealed
                .clone()
                .option(BLOCK1, &[(block << 4 | usize::from(more) << 3 | 5) as u8])
                .option(REQUEST_TAG, &tag);
            request.payload = chunk.to_vec();
            request.id = request.id.wrapping_add(block as u16);
            request.token = vec![number, block as u8, 7, 7];
            device.moves();
            answer = ask(&device.socket, &request);
            assert_eq!(answer.code == CONTINUE, more, "{answer:?}");
        }
        assert_eq!(device.opens(&mut exchange, &answer).unwrap().payload, b"3000");
    }
}

#[test]
fn a_gateway_stops_when_nothing_is_under_way() {
    let site = Site::start(&["127.0.0.1:0"], 2);
    let mut device = site.device(0, 0, Profile::Signed);
    device.connects();
    assert_eq!(device.asks(Carrier::Oscore, POST, "echo", b"x").payload, b"x");
    assert!(site.gateway.stop(Duration::from_secs(60)));
    assert!(std::net::UdpSocket::bind(device.to).is_ok());
}
