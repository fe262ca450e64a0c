//! A million devices come back after an outage, simulated: what one core does with them by the costs that were measured.
//!
//! Each device begins at a time of its own within the spread. Requests are confirmable: sent again after 2 to 3 s
//! (ACK_TIMEOUT, ACK_RANDOM_FACTOR), then after twice as long each time, four times at most (MAX_RETRANSMIT); a device
//! that gives up begins anew at once. The server takes datagrams in their order, from a queue as long as a socket's
//! receive buffer; what does not fit is lost. A repeated message gets the stored answer again, for the price of a
//! warm request. A half-open handshake waits for 30 s and an unconfirmed session for 60 s; what comes later is
//! refused, and the device begins anew.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::testing::Numbers;

const ACK_TIMEOUT: f64 = 2.0;
const ACK_RANDOM_FACTOR: f64 = 1.5;
const MAX_RETRANSMIT: u8 = 4;
/// Both ways together.
const ROUND_TRIP: f64 = 0.1;
const HALF_OPEN: f64 = 30.0;
const UNCONFIRMED: f64 = 60.0;
/// Datagrams: Linux's default receive buffer of 212,992 bytes, in which a short one takes 768.
pub const QUEUE: usize = 277;

/// One request of the way back, and what the server pays for it.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Seconds of its core.
    pub cost: f64,
    /// How long the server remembers what came before.
    patience: f64,
}

/// A way back, of which the last stage is a request in the new session.
#[derive(Clone, Debug)]
pub struct Way {
    /// What tables call it.
    pub name: String,
    stages: Vec<Stage>,
    /// What a message costs whose answer is stored, or that is refused.
    again: f64,
}

impl Way {
    /// Of the cost of each message, the warm request at the end being what a repetition costs too. With `cookies`
    /// each first message is answered with a RETRY before.
    pub fn new(name: &str, handshake: &[f64], warm: f64, cookies: bool) -> Way {
        let mut stages = vec![];
        if cookies {
            stages.push(Stage { cost: warm, patience: f64::INFINITY });
        }
        for (number, cost) in handshake.iter().enumerate() {
            let patience = if number == 0 { f64::INFINITY } else { HALF_OPEN };
            stages.push(Stage { cost: *cost, patience });
        }
        stages.push(Stage { cost: warm, patience: UNCONFIRMED });
        Way { name: name.to_owned(), stages, again: warm }
    }

    /// Seconds of the server's core for one device to which nothing is repeated.
    pub fn cost(&self) -> f64 {
        self.stages.iter().map(|stage| stage.cost).sum()
    }
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Seconds until half of the devices were back, 99 %, and all.
    pub back: [f64; 3],
    /// Datagrams that a device sent, on average.
    pub sent: f64,
    /// The part of them that found the queue full.
    pub lost: f64,
    /// Times that a device began anew, on average.
    pub anew: f64,
}

#[derive(Clone, Copy, Default)]
struct Device {
    /// What it waits for an answer to.
    stage: u8,
    sent: u8,
    /// What the server has answered of this attempt.
    answered: u8,
    /// Changes with each message, so that older timers and answers count no more.
    turn: u16,
    timeout: f32,
    since: f64,
}

/// In the order of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    nanoseconds: u64,
    device: u32,
    turn: u16,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Send,
    Answer,
    Refusal,
}

struct Storm<'a> {
    way: &'a Way,
    numbers: Numbers,
    devices: Vec<Device>,
    events: BinaryHeap<Reverse<Event>>,
    /// When the server will have done with each datagram in its queue.
    queue: VecDeque<f64>,
    free_at: f64,
    back: Vec<f64>,
    sent: u64,
    lost: u64,
    anew: u64,
}

/// Lets so many devices come back, the first of them at time 0.
pub fn run(way: &Way, devices: usize, spread: f64, seed: u64) -> Outcome {
    let mut storm = Storm {
        way,
        numbers: Numbers::from_seed(seed),
        devices: vec![Device::default(); devices],
        events: BinaryHeap::with_capacity(2 * devices),
        queue: VecDeque::with_capacity(QUEUE),
        free_at: 0.0,
        back: Vec::with_capacity(devices),
        sent: 0,
        lost: 0,
        anew: 0,
    };
    for device in 0..devices {
        let at = storm.numbers.fraction() * spread;
        storm.schedule(at, device, What::Send);
    }
    while let Some(Reverse(event)) = storm.events.pop() {
        storm.happen(event);
    }
    let part = |part: f64| storm.back.get((devices as f64 * part).ceil() as usize - 1).copied();
    Outcome {
        back: [part(0.5), part(0.99), part(1.0)].map(|back| back.unwrap_or(f64::NAN)),
        sent: storm.sent as f64 / devices as f64,
        lost: storm.lost as f64 / storm.sent as f64,
        anew: storm.anew as f64 / devices as f64,
    }
}

impl Storm<'_> {
    fn schedule(&mut self, at: f64, device: usize, what: What) {
        let turn = self.devices[device].turn;
        let nanoseconds = (at * 1e9) as u64;
        self.events.push(Reverse(Event { nanoseconds, device: device as u32, turn, what }));
    }

    fn happen(&mut self, event: Event) {
        let (now, number) = (event.nanoseconds as f64 / 1e9, event.device as usize);
        let device = &mut self.devices[number];
        if event.turn != device.turn {
            return;
        }
        match event.what {
            What::Send if device.sent <= MAX_RETRANSMIT => return self.send(now, number),
            What::Send | What::Refusal => {
                self.anew += 1;
                *device = Device { turn: device.turn, ..Device::default() };
            }
            What::Answer => device.stage += 1,
        }
        device.turn = device.turn.wrapping_add(1);
        device.sent = 0;
        if usize::from(device.stage) == self.way.stages.len() {
            self.back.push(now);
        } else {
            self.send(now, number);
        }
    }

    /// Sends a message, for the first time or again, and lets the server have it.
    fn send(&mut self, now: f64, number: usize) {
        let random = 1.0 + self.numbers.fraction() * (ACK_RANDOM_FACTOR - 1.0);
        let device = &mut self.devices[number];
        device.timeout = if device.sent == 0 { (ACK_TIMEOUT * random) as f32 } else { 2.0 * device.timeout };
        device.sent += 1;
        self.sent += 1;
        let again = now + f64::from(device.timeout);
        self.schedule(again, number, What::Send);

        while self.queue.front().is_some_and(|done| *done <= now) {
            self.queue.pop_front();
        }
        if self.queue.len() == QUEUE {
            self.lost += 1;
            return;
        }
        let device = &mut self.devices[number];
        let stage = self.way.stages[usize::from(device.stage)];
        let begins = self.free_at.max(now);
        let (cost, what) = if device.answered > device.stage {
            (self.way.again, What::Answer)
        } else if begins - device.since > stage.patience {
            (self.way.again, What::Refusal)
        } else {
            device.answered = device.stage + 1;
            (stage.cost, What::Answer)
        };
        self.free_at = begins + cost;
        if cost == stage.cost {
            device.since = self.free_at;
        }
        self.queue.push_back(self.free_at);
        self.schedule(self.free_at + ROUND_TRIP, number, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_devices_are_back_at_once() {
        let way = Way::new("signed", &[1e-4, 5e-4], 1e-5, false);
        assert!((way.cost() - 6.1e-4).abs() < 1e-9);
        let outcome = run(&way, 10, 1.0, 1);
        assert!(outcome.back[2] < 1.0 + 3.0 * ROUND_TRIP + 0.01, "{outcome:?}");
        assert_eq!((outcome.sent, outcome.lost, outcome.anew), (3.0, 0.0, 0.0));
        assert_eq!(run(&Way::new("", &[1e-4], 1e-5, true), 10, 1.0, 1).sent, 3.0);
    }

    #[test]
    fn a_storm_takes_as_long_as_the_work_in_it() {
        let way = Way::new("express", &[1e-2], 1e-5, false);
        let outcome = run(&way, 3000, 1.0, 1);
        let work = 3000.0 * way.cost();
        assert!(outcome.back[2] >= work && outcome.back[2] < 8.0 * work, "{outcome:?}");
        assert!(outcome.lost > 0.0 && outcome.sent > 2.0, "{outcome:?}");
        assert!(outcome.back[0] < outcome.back[1] && outcome.back[1] < outcome.back[2]);
    }
}
