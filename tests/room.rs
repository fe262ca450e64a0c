//! Who gets room at the server while somebody takes as much of it as can be had (protocol section 10), and what the
//! clock does to that. Time is passed by hand, and the curve is a toy.

#[path = "../src/testing.rs"]
mod testing;
#[path = "../fuzz/src/toy.rs"]
mod toy;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::server::{Env, Server, Slot};
use lscoap::session::Carrier;
use lscoap::{Error, Message, Status};
use testing::{Devices, Numbers, public_key};
use toy::Toy;

const SERVER_SECRET: [u8; 32] = [2; 32];
const DEVICE_SECRET: [u8; 32] = [1; 32];
const AAD: Carrier<'_> = Carrier::Payload(b"\xb5index");
/// Both ways together, in milliseconds.
const ROUND_TRIP: u64 = 200;
/// Max-Age of the answer that says busy.
const BUSY_MS: u64 = 5000;
const RETRY: u8 = 0x19;
const BUSY: &[u8] = &[0x1f, 4];

fn client(id: usize, profile: Profile) -> Client<Toy> {
    let id = format!("device-{id}");
    let server_key = public_key::<Toy>(&SERVER_SECRET);
    Client::new(&ClientConfig::new(id.as_bytes(), &DEVICE_SECRET, &server_key, profile)).unwrap()
}

struct Site {
    server: Server<Toy>,
    slots: Vec<Slot<Toy>>,
    random: Numbers,
    devices: Devices,
    /// What the server's clock shows.
    now_ms: u64,
}

impl Site {
    fn new(slots: usize, retry_rate: u32) -> Site {
        let mut server = Server::new(&SERVER_SECRET).unwrap();
        server.set_retry_rate(retry_rate);
        let devices = Devices::everybody(public_key::<Toy>(&DEVICE_SECRET));
        let slots = (0..slots).map(|_| Slot::default()).collect();
        Site { server, slots, random: Numbers::from_seed(7), devices, now_ms: 0 }
    }

    fn ask(&mut self, client: &mut Client<Toy>, answer: Option<&[u8]>) -> Result<(Status, Vec<u8>), Error> {
        let mut out = Message::new();
        let status = client.step(&mut self.random, answer, &mut out)?;
        Ok((status, out.to_vec()))
    }

    fn serve(&mut self, source: &[u8], message: &[u8]) -> Vec<u8> {
        let (platform, directory) = (&mut self.random, &mut self.devices);
        let mut env = Env { platform, directory, peer: source, source, now_ms: self.now_ms };
        let mut out = Message::new();
        self.server.step(&mut self.slots, &mut env, message, &mut out).unwrap();
        out.to_vec()
    }

    /// The first message of a handshake that goes no further, from whoever follows a RETRY. Gives the answer.
    fn begin(&mut self, source: &[u8], id: usize, profile: Profile) -> Vec<u8> {
        let mut client = client(id, profile);
        let (_, first) = self.ask(&mut client, None).unwrap();
        let answer = self.serve(source, &first);
        if answer[0] != RETRY {
            return answer;
        }
        let (_, retried) = self.ask(&mut client, Some(&answer)).unwrap();
        self.serve(source, &retried)
    }

    /// The first request in a session.
    fn confirm(&mut self, client: &mut Client<Toy>) -> Result<(), Error> {
        let mut session = client.finish().unwrap();
        let (mut object, mut plain) = ([0; 32], [0; 32]);
        let (len, _) = session.seal_request(AAD, b"\x01", &mut object).unwrap();
        let (platform, directory) = (&mut self.random, &mut self.devices);
        let mut env = Env { platform, directory, peer: b"", source: b"", now_ms: self.now_ms };
        self.server.open_request(&mut self.slots, &mut env, AAD, &object[..len], &mut plain).map(drop)
    }
}

/// What a device has on its way to the server.
enum Next {
    /// A message; `None`: its first, which is still to be made.
    Message(Option<Vec<u8>>),
    Record,
}

/// Devices that want a session each, from their sources, and a stranger who takes what there is.
struct Storm<'a> {
    site: Site,
    devices: Vec<(Client<Toy>, &'a [u8])>,
    /// By the time at which it reaches the server: which device's.
    queue: BinaryHeap<Reverse<(u64, usize)>>,
    next: Vec<Next>,
    served: usize,
}

impl<'a> Storm<'a> {
    fn new(site: Site, sources: &[&'a [u8]], profile: Profile) -> Self {
        let devices: Vec<_> =
            sources.iter().enumerate().map(|(n, source)| (client(n, profile), *source)).collect();
        let next = devices.iter().map(|_| Next::Message(None)).collect();
        Storm { site, devices, queue: BinaryHeap::new(), next, served: 0 }
    }

    /// Every device begins anew, at a time of its own within so many milliseconds.
    fn begin(&mut self, within_ms: u64) {
        self.served = 0;
        for (n, (device, _)) in self.devices.iter_mut().enumerate() {
            let _ = device.restart(); // unless it has never begun
            self.next[n] = Next::Message(None);
            self.queue.push(Reverse((self.site.now_ms + self.site.random.below(within_ms), n)));
        }
    }

    /// What is to be done until a time. A device that is told to wait waits, and one that is refused begins anew.
    fn run_until(&mut self, until: u64) {
        while let Some(Reverse((at, n))) = self.queue.peek().copied().filter(|Reverse((at, _))| *at <= until)
        {
            self.queue.pop();
            self.site.now_ms = at;
            let (device, source) = &mut self.devices[n];
            let message = match std::mem::replace(&mut self.next[n], Next::Message(None)) {
                Next::Message(Some(message)) => message,
                Next::Message(None) => self.site.ask(device, None).unwrap().1,
                Next::Record => {
                    match self.site.confirm(device) {
                        Ok(()) => self.served += 1,
                        Err(_) => self.queue.push(Reverse((at + ROUND_TRIP, n))),
                    }
                    continue;
                }
            };
            let answer = self.site.serve(source, &message);
            let mut wait = ROUND_TRIP;
            self.next[n] = match self.site.ask(device, Some(&answer)) {
                Ok((Status::Ready, _)) => Next::Record,
                Ok((_, message)) => Next::Message(Some(message)),
                Err(_) => {
                    wait += if answer == BUSY { BUSY_MS + self.site.random.below(1000) } else { 0 };
                    device.restart().unwrap();
                    Next::Message(None)
                }
            };
            self.queue.push(Reverse((at + wait, n)));
        }
        self.site.now_ms = until;
    }
}

/// Ten devices at ten addresses, and one stranger at another, who has an enrolled id but no key and sends so many first
/// messages a second for as long. How many devices got a session within 8 s.
fn served_beside(stranger: &[u8], profile: Profile, rate: u64) -> usize {
    let sources: Vec<[u8; 4]> = (1..=10).map(|n| [10, 0, 0, n]).collect();
    let sources: Vec<&[u8]> = match stranger {
        [] => vec![b""; 10],
        _ => sources.iter().map(|source| source.as_slice()).collect(),
    };
    let mut storm = Storm::new(Site::new(64, 10), &sources, Profile::Signed);
    storm.begin(3000);
    for n in 0..8 * rate {
        storm.run_until(n * 1000 / rate);
        storm.site.begin(stranger, n as usize % 10, profile);
    }
    let stats = storm.site.server.stats(64);
    assert!(stats.half_open + stats.unconfirmed >= 16, "the stranger takes what there is: {stats:?}");
    storm.served
}

#[test]
fn one_stranger_with_one_address_stops_nobody() {
    assert_eq!(served_beside(b"", Profile::Signed, 700), 0, "where nothing is known of sources");
    assert_eq!(served_beside(&[192, 0, 2, 1], Profile::Signed, 700), 10);
    assert_eq!(served_beside(&[192, 0, 2, 1], Profile::Express, 400), 10);
}

/// A source has a quarter of a room that is short, then waits for itself: RETRY, busy, and after two seconds its oldest.
#[test]
fn a_source_evicts_only_its_own() {
    for profile in [Profile::Signed, Profile::Express] {
        let mut site = Site::new(8, u32::MAX);
        let held = |site: &Site| {
            site.slots.iter().filter(|slot| slot.phase() != lscoap::server::Phase::Free).count()
        };
        for n in 0..5 {
            assert_ne!(site.begin(b"one", n, profile), BUSY);
            site.now_ms += 100;
        }
        // More than half of the room is taken, all by one.
        let (_, first) = site.ask(&mut client(5, profile), None).unwrap();
        assert_eq!(site.serve(b"one", &first)[0], RETRY);
        assert_eq!(site.begin(b"one", 6, profile), BUSY);
        for n in 10..12 {
            assert_ne!(site.begin(b"two", n, profile), BUSY, "there is room for others");
        }
        assert_eq!(site.begin(b"two", 12, profile), BUSY, "a quarter each");
        assert_ne!(site.begin(b"three", 20, profile), BUSY);
        assert_eq!((held(&site), site.server.stats(8).evicted), (8, 0));
        assert_ne!(site.begin(b"four", 30, profile), BUSY, "for whom the oldest goes, as ever");
        assert_eq!((held(&site), site.server.stats(8).evicted), (8, 1));

        site.now_ms = 2099; // the oldest of the first is one that was begun at 100
        assert_eq!(site.begin(b"one", 7, profile), BUSY);
        site.now_ms = 2100;
        assert_ne!(site.begin(b"one", 7, profile), BUSY);
        assert_eq!(site.begin(b"one", 8, profile), BUSY, "the next is younger");
        assert_eq!((held(&site), site.server.stats(8).evicted), (8, 2));
    }
}

/// Two hundred devices behind one address, with as many slots as `secure_server` makes for them: all get in, and again when
/// all begin anew at once.
#[test]
fn a_crowd_behind_one_address_gets_in() {
    for profile in [Profile::Signed, Profile::Express] {
        let mut storm = Storm::new(Site::new(250, 0), &[&b"198.51.100.1"[..]; 200], profile);
        for _ in 0..3 {
            storm.begin(500);
            let end = storm.site.now_ms + 120_000;
            storm.run_until(end);
            assert_eq!(storm.served, 200, "{profile:?}");
            assert_eq!(storm.site.server.stats(250).confirmed_now, 200);
        }
    }
}

/// X1 that do not verify, from forged addresses: eight of them cost curve arithmetic in a second, whatever room there is.
#[test]
fn forged_x1_are_asked_for_a_cookie() {
    for slots in [1, 64, 1000] {
        let mut site = Site::new(slots, 0);
        for second in 0..3 {
            site.now_ms = second * 1000;
            let answers = (0..100).map(|n: u8| {
                let (_, mut x1) = site.ask(&mut client(n.into(), Profile::Express), None).unwrap();
                *x1.last_mut().unwrap() ^= 1;
                site.serve(&[n], &x1)[0]
            });
            assert_eq!(answers.filter(|first| *first != RETRY).count(), 8, "{slots} slots");
        }
        assert_eq!(site.server.stats(slots).refused[2], 24);
    }
    let mut site = Site::new(64, u32::MAX);
    for n in 0..100 {
        let (_, mut x1) = site.ask(&mut client(n, Profile::Express), None).unwrap();
        *x1.last_mut().unwrap() ^= 1;
        assert_ne!(site.serve(b"", &x1)[0], RETRY, "never, as it was told");
    }
}

/// A 32-bit clock wraps, or is set back: handshakes that are under way go on and those that are not go, nobody is asked for a
/// cookie for ever, and a cookie of before is good for no longer than it should be.
#[test]
fn a_clock_that_goes_back_harms_nothing() {
    for (before, after) in [(u64::from(u32::MAX), 0), (1_000_000, 999_000), (u64::MAX, 0)] {
        let mut site = Site::new(8, 2);
        site.now_ms = before - 100;
        // One half way, one that never goes on, and the rate is used up.
        let mut device = client(0, Profile::Signed);
        let (_, m1) = site.ask(&mut device, None).unwrap();
        let m2 = site.serve(b"a", &m1);
        assert_ne!(site.begin(b"b", 1, Profile::Signed)[0], RETRY);
        let mut other = client(2, Profile::Signed);
        let (_, first) = site.ask(&mut other, None).unwrap();
        let retry = site.serve(b"c", &first);
        assert_eq!(retry[0], RETRY);

        site.now_ms = after;
        let (_, m3) = site.ask(&mut device, Some(&m2)).unwrap();
        let m4 = site.serve(b"a", &m3);
        assert_eq!(site.ask(&mut device, Some(&m4)).unwrap().0, Status::Ready);
        site.confirm(&mut device).unwrap();
        let (_, retried) = site.ask(&mut other, Some(&retry)).unwrap();
        assert_eq!(site.serve(b"c", &retried)[0], 0x12, "the cookie is still good");

        site.now_ms = after + 1000;
        let (_, first) = site.ask(&mut client(3, Profile::Signed), None).unwrap();
        assert_ne!(site.serve(b"d", &first)[0], RETRY, "a second later the rate is a new one");
        site.now_ms = after + 30_000;
        site.begin(b"e", 4, Profile::Signed);
        assert_eq!(site.server.stats(8).expired, 2, "{before} to {after}");
        site.now_ms = after + 120_000;
        for n in 0..2 {
            site.begin(b"f", n, Profile::Signed); // up to the rate
        }
        assert_eq!(site.serve(b"c", &retried)[0], RETRY, "the cookie has become stale");
    }
}
