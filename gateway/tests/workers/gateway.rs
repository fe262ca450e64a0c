//! A gateway in this process around a back-end of the tests'.

use super::device::Device;
use lscoap::client::Profile;
use lscoap_gateway::backend::{Event, Port, Reply, Request, SessionKey, Ticket, Upstream};
use lscoap_gateway::coap::{Frame, Options, option};
use lscoap_gateway::device::{Front, FrontConfig};
use lscoap_gateway::directory::Devices;
use lscoap_gateway::metrics::Metrics;
use lscoap_gateway::net::Outbox;
use lscoap_gateway::store;
use lscoap_gateway::worker::{Gateway, Make, Place, Setup};
use lscoap_testkit::coap::{CHANGED, CONTENT, NOT_FOUND};
use lscoap_testkit::testing::public_key;
use std::net::SocketAddr;
use std::sync::Arc;

const SERVER: [u8; 32] = [9; 32];
/// Devices that are enrolled, by number.
const DEVICES: u8 = 32;
/// How long /later waits, in ms: longer than a request waits for its acknowledgement.
const LATER_MS: u64 = 1500;

/// Resources that answer at once, later, or not at all.
struct Resources {
    worker: u8,
    later: Vec<(u64, Ticket)>,
    outbox: Outbox<Port>,
}

fn message(code: u8, payload: &[u8]) -> Vec<u8> {
    let marker: &[u8] = if payload.is_empty() { &[] } else { &[0xff] };
    [&[0x40, code, 0, 0][..], marker, payload].concat()
}

impl Upstream for Resources {
    fn request(&mut self, now_ms: u64, request: &Request<'_>, answer: &mut Vec<u8>) -> Reply {
        let frame = Frame::read(request.message).unwrap();
        let payload = frame.payload(request.message);
        let path = Options::of(request.message, &frame).find(|(number, _)| *number == option::URI_PATH);
        *answer = match path.unwrap().1 {
            b"echo" => message(CHANGED, payload),
            b"length" => message(CHANGED, payload.len().to_string().as_bytes()),
            b"worker" => message(CONTENT, &[self.worker]),
            b"index" => message(CONTENT, b"{}"),
            b"panic" => panic!("as the device wanted"),
            b"later" => {
                self.later.push((now_ms + LATER_MS, request.ticket));
                return Reply::Later;
            }
            _ => message(NOT_FOUND, b""),
        };
        Reply::Now
    }

    fn cancel(&mut self, _: u64, ticket: Ticket) {
        self.later.retain(|(_, other)| *other != ticket);
    }

    fn session_ended(&mut self, _: u64, _: SessionKey) {}

    fn received(&mut self, _: u64, _: Port, _: &[u8], _: &mut Vec<Event>) {}

    fn unreachable(&mut self, _: u64, _: Port, _: &mut Vec<Event>) {}

    fn poll(&mut self, now_ms: u64, events: &mut Vec<Event>) {
        let due = self.later.extract_if(.., |(due, _)| *due <= now_ms);
        events.extend(due.map(|(_, ticket)| Event::Answer {
            ticket,
            is_last: true,
            is_confirmable: true,
            message: message(CONTENT, b"late"),
        }));
    }

    fn next_ms(&self) -> Option<u64> {
        self.later.iter().map(|(due, _)| *due).min()
    }

    fn outbox(&mut self) -> &mut Outbox<Port> {
        &mut self.outbox
    }

    fn pending(&self) -> usize {
        self.later.len()
    }
}

/// A gateway, and the devices that it knows.
pub struct Site {
    pub gateway: Gateway,
    pub metrics: Metrics,
}

fn id(number: u8) -> String {
    format!("device-{number}")
}

impl Site {
    pub fn start(listen: &[&str], workers: u8) -> Self {
        let listen: Vec<SocketAddr> = listen.iter().map(|address| address.parse().unwrap()).collect();
        let keys = (0..DEVICES).map(|number| {
            (id(number).into_bytes(), public_key::<lscoap::crypto::Software>(&[number + 1; 32]))
        });
        let devices = Arc::new(Devices::new(keys));
        let store = Arc::new(store::open("none", &store::Options::default()).unwrap());
        let metrics = Metrics::new();
        let setup = Setup::bind(&listen, workers, &[0x5a]).unwrap();
        let wakers: Vec<_> = (0..workers).map(|worker| setup.waker(worker).unwrap()).collect();
        let make: Make = Arc::new(move |place: &Place| {
            let config = FrontConfig {
                slots: 64,
                cid_prefix: place.cid_prefix.clone(),
                worker: (place.number, place.workers),
                retry_rate: u32::MAX,
                resume_limit: 1000,
                has_store: true,
                answers_bytes: 1 << 20,
            };
            let waker = wakers[usize::from(place.number)].clone();
            let jobs = store.worker(Box::new(move || waker.wake().unwrap()));
            let upstream = Resources { worker: place.number, later: Vec::new(), outbox: Outbox::new() };
            let front = Front::new(&config, &SERVER, devices.clone(), upstream, jobs, place.counts.clone());
            Ok(Box::new(front.map_err(|error| format!("{error:?}"))?))
        });
        let gateway = setup.start(None, None, &metrics, &make).unwrap();
        Self { gateway, metrics }
    }

    /// A device, and which of the addresses it goes to.
    pub fn device(&self, number: u8, address: usize, profile: Profile) -> Device {
        let to = self.gateway.addresses()[address];
        Device::new(&id(number), number + 1, &SERVER, to, profile)
    }
}
