//! Workers with real sockets, around a service that says which worker it is in.

use super::*;
use crate::metrics::{Counts, Metrics};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const WORKERS: u8 = 3;
const NODE: u8 = 0xb0;
/// What a worker waits for that is told to.
static ALL_SENT: AtomicBool = AtomicBool::new(false);
/// Whether it waits.
static WAITS: AtomicBool = AtomicBool::new(false);

/// Answers each datagram with the worker's number, which life of a worker it is, what it was told, and how many it has received.
struct Echo {
    number: u8,
    life: u8,
    to_devices: Outbox<Peer>,
    to_backend: Outbox<Port>,
    confirmed: Vec<(Vec<u8>, u64)>,
    told: Vec<u8>,
    last: Option<Peer>,
    received: u8,
}

impl Service for Echo {
    fn received(&mut self, _: u64, peer: Peer, datagram: &[u8]) {
        self.last = Some(peer);
        self.received = self.received.wrapping_add(1);
        match datagram {
            [.., b'!'] => panic!("as it was told to"),
            [.., b's'] => {
                WAITS.store(true, Ordering::SeqCst);
                while !ALL_SENT.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            [.., b'c'] => self.confirmed.push((vec![self.number], 7)),
            [.., b'b'] => return self.to_backend.put(1, b"question"),
            [.., b'B'] => return (0..3).for_each(|_| self.to_backend.put(1, b"question")),
            _ => {}
        }
        let answer = [&[self.number, self.life, self.told.len() as u8, self.received][..], datagram].concat();
        self.to_devices.put(peer, &answer);
    }

    fn backend_said(&mut self, _: u64, port: Port, datagram: &[u8]) {
        let Some(peer) = self.last else { return };
        self.to_devices.put(peer, &[&[self.number, port as u8], datagram].concat());
    }

    fn unreachable(&mut self, _: u64, port: Port) {
        let Some(peer) = self.last else { return };
        self.to_devices.put(peer, &[self.number, port as u8]);
    }

    fn woken(&mut self, _: u64) {}

    fn told(&mut self, _: u64, word: Word) {
        match word {
            Word::Confirmed(device, 7) => self.told.extend(device),
            Word::Reply(ticket, message) => {
                let Some(peer) = self.last else { return };
                self.to_devices.put(peer, &[&[ticket as u8], &*message].concat());
            }
            _ => {}
        }
    }

    fn poll(&mut self, _: u64) {}

    fn next_ms(&self) -> Option<u64> {
        None
    }

    fn to_devices(&mut self) -> &mut Outbox<Peer> {
        &mut self.to_devices
    }

    fn to_backend(&mut self) -> &mut Outbox<Port> {
        &mut self.to_backend
    }

    fn take_confirmed(&mut self) -> Vec<(Vec<u8>, u64)> {
        std::mem::take(&mut self.confirmed)
    }

    fn hand_over(&mut self) {}

    fn is_idle(&self) -> bool {
        true
    }
}

fn start(listen: &[&str], workers: u8, backend: Option<SocketAddr>) -> (Gateway, Vec<Counts>) {
    let listen: Vec<SocketAddr> = listen.iter().map(|address| address.parse().unwrap()).collect();
    let lives = Arc::new(AtomicUsize::new(0));
    let make: Make = Arc::new(move |place: &Place| {
        assert_eq!((place.workers > place.number, &*place.cid_prefix), (true, &[NODE, place.number][..]));
        Ok(Box::new(Echo {
            number: place.number,
            life: lives.fetch_add(1, Ordering::Relaxed) as u8,
            to_devices: Outbox::new(),
            to_backend: Outbox::new(),
            confirmed: Vec::new(),
            told: Vec::new(),
            last: None,
            received: 0,
        }))
    });
    let metrics = Metrics::new();
    let setup = Setup::bind(&listen, workers, &[NODE]).unwrap();
    let gateway = setup.start(backend.map(|backend| (backend, 2)), None, &metrics, &make).unwrap();
    (gateway, (0..workers).map(|worker| metrics.worker(worker)).collect())
}

fn device(to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket
        .connect(SocketAddr::new(
            if to.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() },
            to.port(),
        ))
        .unwrap();
    socket
}

fn ask(device: &UdpSocket, datagram: &[u8]) -> Vec<u8> {
    device.send(datagram).unwrap();
    hear(device)
}

/// As devices do, for what is in the hands of a worker that panics is lost.
fn ask_again(device: &UdpSocket, datagram: &[u8]) -> Vec<u8> {
    device.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut bytes = [0; 2048];
    let len = (0..300)
        .find_map(|_| {
            device.send(datagram).unwrap();
            device.recv(&mut bytes).ok()
        })
        .unwrap();
    while device.recv(&mut [0; 2048]).is_ok() {}
    device.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    bytes[..len].to_vec()
}

fn hear(device: &UdpSocket) -> Vec<u8> {
    let mut bytes = [0; 2048];
    let len = device.recv(&mut bytes).unwrap();
    bytes[..len].to_vec()
}

/// A sealed request with a connection id of a worker's, and a last byte.
fn sealed(worker: u8, last: u8) -> Vec<u8> {
    let mut datagram = b"\x44\x02\x00\x01toke\x94\x09\x05".to_vec();
    datagram.extend([NODE, worker, 0xff, last]);
    datagram
}

#[test]
fn each_worker_gets_its_own_on_all_addresses() {
    let (gateway, counts) = start(&["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"], WORKERS, None);
    for address in gateway.addresses().to_vec() {
        for worker in 0..WORKERS {
            for _ in 0..3 {
                let datagram = sealed(worker, b'x');
                let answer = ask(&device(address), &datagram);
                assert_eq!((answer[0], &answer[4..]), (worker, &*datagram), "{address}");
            }
        }
    }
    assert!(gateway.stop(Duration::from_secs(60)));
    assert!(counts.iter().all(|counts| (counts.received.get(), counts.sent.get()) == (9, 9)));
}

/// One socket for both families, or one each.
#[test]
fn a_wildcard_takes_both_families() {
    let (gateway, _) = start(&["[::]:0"], WORKERS, None);
    let port = gateway.addresses()[0].port();
    for address in ["127.0.0.1", "::1"].map(|ip| SocketAddr::new(ip.parse().unwrap(), port)) {
        assert!(
            (0..WORKERS).all(|worker| ask(&device(address), &sealed(worker, b'x'))[0] == worker),
            "{address}"
        );
    }
    drop(gateway);
    let both = [format!("[::]:{port}"), format!("0.0.0.0:{port}")];
    let (gateway, _) = start(&both.each_ref().map(String::as_str), WORKERS, None);
    for address in gateway.addresses() {
        assert_eq!(ask(&device(*address), &sealed(2, b'x'))[0], 2);
    }
}

#[test]
fn a_worker_that_panics_begins_again_where_it_was() {
    let (gateway, counts) = start(&["127.0.0.1:0"], WORKERS, None);
    let device = device(gateway.addresses()[0]);
    let lives: Vec<u8> = (0..WORKERS).map(|worker| ask(&device, &sealed(worker, b'x'))[1]).collect();
    for round in 0..3 {
        device.send(&sealed(1, b'!')).unwrap();
        let answer = ask_again(&device, &sealed(1, b'x'));
        assert_eq!((answer[0], answer[1] >= WORKERS + round), (1, true));
        for worker in [0, 2] {
            assert_eq!(ask(&device, &sealed(worker, b'x'))[..2], [worker, lives[usize::from(worker)]]);
        }
    }
    assert_eq!(counts.iter().map(|counts| counts.restarts.get()).collect::<Vec<_>>(), [0, 3, 0]);
    assert!(gateway.stop(Duration::from_secs(60)));
}

#[test]
fn workers_hear_of_sessions_and_of_what_is_for_them() {
    let (gateway, _) = start(&["[::1]:0"], WORKERS, None);
    let device = device(gateway.addresses()[0]);
    ask(&device, &sealed(2, b'c'));
    // It told the others before it answered.
    assert_eq!([0, 1, 2].map(|worker| ask(&device, &sealed(worker, b'x'))[2]), [1, 1, 0]);
    assert!(gateway.mailboxes().tell(1, Word::Reply(9, b"reply".to_vec())));
    assert_eq!(hear(&device), b"\x09reply");
}

/// Blocks come to the worker of the session, with a Request-Tag from any port, without one from the same.
#[test]
fn blocks_come_to_the_session() {
    let (gateway, _) = start(&["127.0.0.1:0"], WORKERS, None);
    let first = |worker: u8| [&b"\xff\x09\x05"[..], &[NODE, worker], b"sealed"].concat();
    for n in 0..30_u8 {
        let owner = n % WORKERS;
        let tag = [n; 8];
        // Content-Format, Block1, Request-Tag; the later ones have anything in their payload.
        let block = |block1: u8, payload: &[u8]| {
            [b"\x44\x02\x00\x01toke\xc2\xfd\xea\xd1\x02", &[block1][..], b"\xd8\xfc", &tag, payload].concat()
        };
        assert_eq!(ask(&device(gateway.addresses()[0]), &block(0x0e, &first(owner)))[0], owner);
        for number in 1..5 {
            let answer = ask(&device(gateway.addresses()[0]), &block(number << 4 | 0x0e, &first(number)));
            assert_eq!(answer[0], owner);
        }
        let untagged = |block1: u8, payload: &[u8]| {
            [b"\x44\x02\x00\x01toke\xc2\xfd\xea\xd1\x02", &[block1][..], payload].concat()
        };
        let one = device(gateway.addresses()[0]);
        assert_eq!(ask(&one, &untagged(0x0e, &first(owner)))[0], owner);
        assert!((1..5).all(|number| ask(&one, &untagged(number << 4 | 0x0e, &first(number)))[0] == owner));
    }
}

#[test]
fn a_back_end_is_heard_and_missed() {
    let backend = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (gateway, _) = start(&["127.0.0.1:0"], 1, Some(backend.local_addr().unwrap()));
    let device = device(gateway.addresses()[0]);
    device.send(&sealed(0, b'b')).unwrap();
    let mut bytes = [0; 64];
    let (len, from) = backend.recv_from(&mut bytes).unwrap();
    assert_eq!(&bytes[..len], b"question");
    backend.send_to(b"one", from).unwrap();
    backend.send_to(b"two", from).unwrap();
    assert_eq!([hear(&device), hear(&device)], [b"\x00\x01one", b"\x00\x01two"]);
    drop(backend);
    device.send(&sealed(0, b'b')).unwrap();
    assert_eq!(hear(&device), [0, 1]);
    device.send(&sealed(0, b'b')).unwrap();
    assert_eq!(hear(&device), [0, 1]);
    // Of several, the first one tells the others: what has been given up is not sent after all.
    device.send(&sealed(0, b'B')).unwrap();
    assert_eq!(hear(&device), [0, 1]);
    assert_eq!(ask(&device, &sealed(0, 0))[4..], sealed(0, 0));
}

/// No way to it: nothing is sent, and a worker goes on.
#[test]
fn a_back_end_without_a_way_is_missed() {
    let multicast = "[ff02::1%999999]:5683".parse().unwrap(); // no such interface
    let (gateway, counts) = start(&["127.0.0.1:0"], 1, Some(multicast));
    let device = device(gateway.addresses()[0]);
    for _ in 0..2 {
        device.send(&sealed(0, b'b')).unwrap();
        assert_eq!(hear(&device), [0, 1]);
    }
    assert_eq!(counts[0].restarts.get(), 0);
}

/// Though sockets share it: a second gateway by mistake would get what is not for it.
#[test]
fn an_address_is_one_gateways() {
    for address in ["127.0.0.1:0", "[::]:0"] {
        let (first, _) = start(&[address], 2, None);
        let error = Setup::bind(first.addresses(), 2, &[NODE]).err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        assert_eq!(ask(&device(first.addresses()[0]), &sealed(1, b'x'))[0], 1);
    }
}

#[test]
fn what_cannot_be_made_does_not_start() {
    let setup = Setup::bind(&["127.0.0.1:0".parse().unwrap()], 2, &[]).unwrap();
    let make: Make = Arc::new(|place: &Place| Err(format!("no worker {}", place.number)));
    let error = setup.start(None, None, &Metrics::new(), &make).err().unwrap();
    assert!(error.to_string().starts_with("no worker"), "{error}");
    assert!(
        Setup::bind(&[], 2, &[]).is_err() && Setup::bind(&["127.0.0.1:0".parse().unwrap()], 0, &[]).is_err()
    );
}

/// Where more comes than can be answered, those are first who have begun something.
#[test]
fn in_a_crowd_sessions_come_first() {
    use lscoap_testkit::coap::{HANDSHAKE, HANDSHAKE_PATH, Message, POST};
    let (gateway, _) = start(&["127.0.0.1:0"], 1, None);
    let (strangers, known) = (device(gateway.addresses()[0]), device(gateway.addresses()[0]));
    strangers.send(&sealed(0, b's')).unwrap();
    while !WAITS.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(10)); // what it receives together with this comes before everything else
    }
    let m1 = Message::request(POST, HANDSHAKE_PATH, 1).body(HANDSHAKE, &[0x11, 7, 7, 7]).bytes();
    (0..100).for_each(|_| assert_eq!(strangers.send(&m1).unwrap(), m1.len()));
    known.send(&sealed(0, b'x')).unwrap();
    ALL_SENT.store(true, Ordering::SeqCst);
    assert_eq!(hear(&known)[3], 2, "the first after the one that took so long");
    hear(&strangers);
    assert!((3..=102).all(|count| hear(&strangers)[3] == count));
}
