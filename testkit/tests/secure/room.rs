//! Who gets in while somebody with one true address takes as much room as can be had, and how many behind one address do.

use std::fmt::Write;
use std::net::UdpSocket;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::error::Alert;
use lscoap::session::Carrier;
use lscoap::{Error, Status};
use lscoap_testkit::identities::Identity;
use lscoap_testkit::testing::Os;

use super::coap::*;
use super::site::*;

const ROUND_TRIP: Duration = Duration::from_millis(200);
const RETRY: u8 = 0x19;

/// A server that knows so many devices, all with one key.
fn site(count: usize, more: &[&str]) -> (Site, Identity) {
    let mut site = Site::start(&[&["--quiet"], more].concat());
    let meter = Identity::generate().unwrap();
    let mut list = site.devices();
    for n in 0..count {
        writeln!(list, "{}", meter.device_string(&format!("meter-{n}"))).unwrap();
    }
    site.kill();
    std::fs::write(site.enrolment.devices(), &list).unwrap();
    site.start_again(); // which makes room for them
    (site, meter)
}

struct Device {
    client: Client,
    socket: UdpSocket,
    id: u16,
}

impl Device {
    fn new(site: &Site, key: &Identity, n: usize, from: &str, cid: &[u8], profile: Profile) -> Device {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        socket.connect(site.addr()).unwrap();
        let id = format!("meter-{n}");
        let config = ClientConfig::new(id.as_bytes(), &key.private, &site.enrolment.server.public, profile);
        Device { client: Client::new(&ClientConfig { cid, ..config }).unwrap(), socket, id: 0 }
    }

    fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.id += 1;
        let request = Message::request(POST, HANDSHAKE_PATH, self.id).body(HANDSHAKE, message);
        ask(&self.socket, &request).payload
    }

    /// A handshake and the first request, each answer underway for as long; told to wait it waits, refused it begins anew.
    /// Whether it had a session in time.
    fn get_in(&mut self, underway: Duration, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            let _ = self.client.restart();
            match self.shake_hands(underway) {
                Ok(()) => return true,
                Err(Error::Alert(Alert::Busy)) => sleep(Duration::from_secs(5)), // Max-Age
                Err(_) => {}
            }
        }
        false
    }

    fn shake_hands(&mut self, underway: Duration) -> Result<(), Error> {
        let (mut message, mut answer) = (lscoap::Message::new(), None);
        while self.client.step(&mut Os, answer.as_deref(), &mut message)? == Status::Send {
            answer = Some(self.ask(&message));
            sleep(underway);
        }
        let mut session = self.client.finish()?;
        let mut sealed = [0; 32];
        let (len, _) = session.seal_request(Carrier::Payload(INDEX_PATH), &[GET], &mut sealed)?;
        self.id += 1;
        let request = Message::request(FETCH, "index", self.id).body(SEALED, &sealed[..len]);
        if ask(&self.socket, &request).is_sealed() { Ok(()) } else { Err(Error::UnknownSession) }
    }
}

/// So many first messages a second of enrolled devices from one address, following each RETRY, until it is told to stop.
fn take_room(stranger: &UdpSocket, first: impl Fn(u32) -> Vec<u8>, rate: u32, stop: &AtomicBool) -> usize {
    stranger.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let (began, mut answered, mut buffer) = (Instant::now(), 0, [0; 2048]);
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return answered;
        }
        sleep((began + Duration::from_secs(1) * n / rate).saturating_duration_since(Instant::now()));
        let mut message = first(n);
        for turn in 0..2 {
            let request =
                Message::request(POST, HANDSHAKE_PATH, (2 * n + turn) as u16).body(HANDSHAKE, &message);
            stranger.send(&request.bytes()).unwrap();
            let Ok(len) = stranger.recv(&mut buffer) else { continue };
            let answer = Message::parse(&buffer[..len]).unwrap().payload;
            if answer.first() != Some(&RETRY) {
                answered += usize::from(answer.len() > 2);
                break;
            }
            message = [&[0x1A], &answer[1..], &message].concat();
        }
    }
    answered
}

/// Ten devices get in beside that, at addresses of their own.
fn ten_of_ten(rate: u32, first: impl Fn(u32) -> Vec<u8> + Sync, site: &Site, meter: &Identity) {
    let stop = AtomicBool::new(false);
    let served = scope(|scope| {
        let (first, stop) = (&first, &stop);
        let stranger = UdpSocket::bind("127.0.0.2:0").unwrap();
        stranger.connect(site.addr()).unwrap();
        let stranger = scope.spawn(move || take_room(&stranger, first, rate, stop));
        sleep(Duration::from_millis(300)); // it has what it can have
        let devices: Vec<_> = (0..10)
            .map(|n| {
                let from = format!("127.0.1.{}", n + 1);
                let mut device = Device::new(site, meter, n, &from, b"", Profile::Signed);
                scope.spawn(move || device.get_in(ROUND_TRIP, Duration::from_secs(20)))
            })
            .collect();
        let served = devices.into_iter().map(|device| device.join().unwrap());
        let served = served.filter(|served| *served).count();
        stop.store(true, Ordering::Relaxed);
        assert!(stranger.join().unwrap() >= 16, "the stranger took nothing");
        served
    });
    assert_eq!(served, 10);
}

#[test]
fn one_stranger_with_m1_stops_nobody() {
    let (site, meter) = site(20, &["-n", "64", "--retry-rate", "10"]);
    let mut template = lscoap::Message::new();
    let mut client = Device::new(&site, &meter, 15, "127.0.0.1", b"", Profile::Signed).client;
    client.step(&mut Os, None, &mut template).unwrap();
    let x = template[template.len() - 32..].to_vec();
    // The same key under another connection id is another M1, and costs nothing to make.
    let m1 = |n: u32| [&[0x11, 4 << 5 | 7][..], &n.to_be_bytes(), b"meter-15", &x].concat();
    ten_of_ten(700, m1, &site, &meter);
    site.end();
}

#[test]
fn one_stranger_with_x1_stops_nobody() {
    let (site, meter) = site(20, &["-n", "64", "--retry-rate", "10"]);
    let first = |n: u32| {
        let mut device = Device::new(&site, &meter, 15, "127.0.0.1", &n.to_be_bytes(), Profile::Express);
        let mut x1 = lscoap::Message::new();
        device.client.step(&mut Os, None, &mut x1).unwrap();
        x1.to_vec()
    };
    ten_of_ten(400, first, &site, &meter);
    site.end();
}

/// With default options: two hundred devices behind one address, all at once, and again when all of them begin anew.
#[test]
fn two_hundred_behind_one_address_get_in() {
    const COUNT: usize = 200;
    let (site, meter) = site(COUNT, &[]);
    let together = Barrier::new(COUNT);
    let served: usize = scope(|scope| {
        let devices: Vec<_> = (0..COUNT)
            .map(|n| {
                let (site, meter, together) = (&site, &meter, &together);
                scope.spawn(move || {
                    let mut device = Device::new(site, meter, n, "127.0.0.1", b"", Profile::Express);
                    let turn = |device: &mut Device| {
                        together.wait();
                        device.get_in(Duration::ZERO, LONG)
                    };
                    usize::from(turn(&mut device)) + usize::from(turn(&mut device))
                })
            })
            .collect();
        devices.into_iter().map(|device| device.join().unwrap()).sum()
    });
    assert_eq!(served, 2 * COUNT);
    site.end();
}
