//! Whether the server's table takes the same time at every size: the library alone, in this process. So that a million
//! sessions are there in seconds, and so that the table is not lost beside curve arithmetic, the curve is [`NoCurve`];
//! hashes and AES are the real ones.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::crypto::{Backend, Software};
use lscoap::server::{Env, Server, Slot};
use lscoap::session::{Carrier, Session};
use lscoap::{Message, Status};

use super::device::failed;
use super::no_curve::NoCurve;
use crate::coap::{GET, INDEX_PATH};
use crate::testing::{Devices, Numbers, public_key};

const SERVER: [u8; 32] = [7; 32];
const DEVICE: [u8; 32] = [9; 32];
/// How many of them are measured at each size.
const FINDS: usize = 200_000;
const HANDSHAKES: usize = 20_000;
/// Measured in so many parts, of which the median counts.
const PARTS: usize = 20;

/// Times at one size, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Times {
    /// Slots, all but a few with a confirmed session.
    pub slots: usize,
    /// To read a byte of any slot: what the memory takes, whatever is done with it.
    pub read: f64,
    /// To find the session of a record, any one of them.
    pub find: f64,
    /// A handshake of an enrolled device that has a session, P-256 not counted: the server's two steps and the record
    /// that confirms the new session and ends the old one.
    pub handshake: f64,
    /// An M1 that comes again.
    pub repeated: f64,
}

struct World<B: Backend> {
    server: Server<B>,
    slots: Vec<Slot<B>>,
    devices: Devices,
    server_key: [u8; 33],
    numbers: Numbers,
    now_ms: u64,
}

/// A session's first record, and what the server took for M1, M3 and that record.
struct Connected {
    record: Vec<u8>,
    took: [Duration; 3],
}

impl<B: Backend> World<B> {
    fn new(slots: usize) -> io::Result<Self> {
        let mut server = Server::new(&SERVER).map_err(failed)?;
        server.set_retry_rate(u32::MAX); // the table's time is wanted, not the cookies'
        let server_key = *server.public_key();
        Ok(World {
            server,
            slots: std::iter::repeat_with(Slot::default).take(slots).collect(),
            devices: Devices::everybody(public_key::<B>(&DEVICE)),
            server_key,
            numbers: Numbers::from_seed(slots as u64),
            now_ms: 0,
        })
    }

    fn step(&mut self, message: &Message, answer: &mut Message) -> io::Result<()> {
        let World { server, slots, devices, numbers, now_ms, .. } = self;
        let mut env = Env { platform: numbers, directory: devices, peer: b"", source: b"", now_ms: *now_ms };
        match server.step(slots, &mut env, message, answer) {
            Ok(Status::Send) => Ok(()),
            other => Err(io::Error::other(format!("the table's server: {other:?}"))),
        }
    }

    fn open(&mut self, record: &[u8]) -> io::Result<()> {
        let World { server, slots, devices, numbers, now_ms, .. } = self;
        let mut env = Env { platform: numbers, directory: devices, peer: b"", source: b"", now_ms: *now_ms };
        let mut plain = [0; 16];
        let carrier = Carrier::Payload(INDEX_PATH);
        server.open_request(slots, &mut env, carrier, record, &mut plain).map(drop).map_err(failed)
    }

    /// A device with its M1.
    fn device(&mut self, number: usize) -> io::Result<(Client<B>, Numbers, Message)> {
        let id = format!("{number:08}");
        let config = ClientConfig::new(id.as_bytes(), &DEVICE, &self.server_key, Profile::Signed);
        let mut client = Client::new(&config).map_err(failed)?;
        let mut numbers = Numbers::from_seed(self.numbers.draw());
        let mut message = Message::new();
        client.step(&mut numbers, None, &mut message).map_err(failed)?;
        Ok((client, numbers, message))
    }

    /// A handshake of a device, and the record that confirms it.
    fn connect(&mut self, number: usize) -> io::Result<Connected> {
        let (mut client, mut device, mut message) = self.device(number)?;
        let mut answer = Message::new();
        let mut took = [Duration::ZERO; 3];
        for took in took.iter_mut().take(2) {
            let start = Instant::now();
            self.step(&message, &mut answer)?;
            *took = start.elapsed();
            client.step(&mut device, Some(&answer), &mut message).map_err(failed)?;
        }
        let mut session: Session<B> = client.finish().map_err(failed)?;
        let mut record = vec![0; 64];
        let carrier = Carrier::Payload(INDEX_PATH);
        let (len, _) = session.seal_request(carrier, &[GET], &mut record).map_err(failed)?;
        record.truncate(len);
        let start = Instant::now();
        self.open(&record)?;
        took[2] = start.elapsed();
        self.now_ms += 1;
        Ok(Connected { record, took })
    }
}

/// Signed handshakes of one device with a server that has few slots.
pub struct Handshakes<B: Backend>(World<B>);

impl<B: Backend> Handshakes<B> {
    /// Of none so far.
    pub fn new() -> io::Result<Self> {
        World::new(10).map(Self)
    }

    /// One more: what the server took for M1, M3 and the first record.
    pub fn once(&mut self) -> io::Result<Duration> {
        Ok(self.0.connect(1)?.took.iter().sum())
    }
}

/// What the real library takes for the two messages of a signed handshake, in seconds: M1, M3.
pub fn signed_steps(handshakes: usize) -> io::Result<[f64; 2]> {
    let mut world = World::<Software>::new(10)?;
    let mut times = [vec![], vec![]];
    for _ in 0..handshakes {
        let took = world.connect(1)?.took;
        times.iter_mut().zip(took).for_each(|(times, took)| times.push(took.as_secs_f64()));
    }
    Ok(times.map(median))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}

/// Runs `work` for each of so many numbers, in parts. The median of the parts' nanoseconds for one.
fn parts(count: usize, mut work: impl FnMut(usize) -> io::Result<Duration>) -> io::Result<f64> {
    let each = (count / PARTS).max(1);
    let mut times = vec![];
    for part in 0..PARTS {
        let mut sum = Duration::ZERO;
        for number in part * each..(part + 1) * each {
            sum += work(number)?;
        }
        times.push(sum.as_nanos() as f64 / each as f64);
    }
    Ok(median(times))
}

/// The same for what is too short to be timed one by one.
fn all_of(chosen: &[usize], mut work: impl FnMut(usize) -> io::Result<()>) -> io::Result<f64> {
    let mut times = vec![];
    for part in chosen.chunks((chosen.len() / PARTS).max(1)) {
        let start = Instant::now();
        part.iter().try_for_each(|number| work(*number))?;
        times.push(start.elapsed().as_nanos() as f64 / part.len() as f64);
    }
    Ok(median(times))
}

/// Fills a server of so many slots with sessions, and measures.
pub fn measure(slots: usize) -> io::Result<Times> {
    // Old and new session of a device are there at the same time.
    let devices = slots - slots.div_ceil(100).min(1000);
    let mut world = World::<NoCurve>::new(slots)?;
    let mut records = Vec::with_capacity(devices);
    for number in 0..devices {
        records.push(world.connect(number)?.record);
    }
    let mut draws = Numbers::from_seed(1);
    let mut any = move || (draws.draw() % devices as u64) as usize;

    let chosen: Vec<usize> = (0..FINDS).map(|_| any()).collect();
    let read = all_of(&chosen, |number| {
        black_box(world.slots[number].phase());
        Ok(())
    })?;
    let find = all_of(&chosen, |number| {
        let found = world.server.find(&mut world.slots, &mut world.devices, world.now_ms, &records[number]);
        black_box(found.map_err(failed)?);
        Ok(())
    })?;
    let handshake = parts(HANDSHAKES, |_| world.connect(any()).map(|connected| connected.took.iter().sum()))?;

    let (_, _, first) = world.device(any())?;
    let mut answer = Message::new();
    world.step(&first, &mut answer)?;
    let repeated = parts(HANDSHAKES, |_| {
        let start = Instant::now();
        world.step(&first, &mut answer)?;
        Ok(start.elapsed())
    })?;
    Ok(Times { slots, read, find, handshake, repeated })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_table_is_full_of_sessions() {
        let mut world = World::<NoCurve>::new(10).unwrap();
        for number in 0..9 {
            world.connect(number).unwrap();
        }
        let connected = world.connect(3).unwrap();
        let stats = world.server.stats(10);
        assert_eq!((stats.confirmed_now, stats.confirmed), (9, 10), "the older session of a device is gone");
        assert!(world.server.find(&mut world.slots, &mut world.devices, 0, &connected.record).is_ok());
    }
}
