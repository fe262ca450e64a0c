//! What was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use super::device::Failure;
use super::flood::Kind;
use super::network::Way;
use crate::relay::Counters;

/// One row of the network table.
#[derive(Clone, Copy, Debug)]
pub struct NetworkCell {
    /// How sessions are made.
    pub way: Way,
    /// Probability that a datagram is lost, each way.
    pub loss: f64,
    /// Probability that it is repeated, and that it is held back.
    pub other: f64,
    /// Probability that one of its bytes is changed.
    pub corrupt: f64,
    /// Cold exchanges: a new session and a POST in it.
    pub cold: usize,
    /// Warm exchanges: a further POST.
    pub warm: usize,
    /// Decides which datagrams meet which fate.
    pub seed: u64,
}

/// How many exchanges ended in which way; `None` is success.
pub type Ends = BTreeMap<Option<Failure>, u64>;

/// What came of a row.
#[derive(Clone, Default)]
pub struct NetworkResult {
    /// Cold exchanges.
    pub cold: Ends,
    /// Warm exchanges.
    pub warm: Ends,
    /// Requests that devices sealed.
    pub sealed: u64,
    /// Requests that the server opened and carried out.
    pub executed: u64,
    /// Copies that the server refused as replays.
    pub replays: u64,
    /// What the relay did.
    pub relay: Counters,
}

impl NetworkResult {
    /// How many succeeded.
    pub fn succeeded(ends: &Ends) -> u64 {
        ends.get(&None).copied().unwrap_or_default()
    }

    /// Nothing was carried out twice: there are at least as many sealed requests as were carried out, and whatever
    /// the device was told of was carried out.
    pub fn is_sound(&self) -> bool {
        let told = Self::succeeded(&self.cold) + Self::succeeded(&self.warm);
        self.executed <= self.sealed && told <= self.executed
    }
}

/// What a legitimate device met during a flood.
#[derive(Clone, Default)]
pub struct Met {
    /// Times of handshake and first answer.
    pub times: Vec<Duration>,
    /// What ended otherwise.
    pub failures: Vec<String>,
}

impl Met {
    /// The median.
    pub fn median(&self) -> Option<Duration> {
        let mut times = self.times.clone();
        times.sort();
        times.get(times.len() / 2).copied()
    }

    /// The longest.
    pub fn longest(&self) -> Option<Duration> {
        self.times.iter().max().copied()
    }
}

/// What a flood did to one server.
pub struct Attacked {
    /// Datagrams that were sent to it.
    pub datagrams: u64,
    /// How long that took.
    pub took: Duration,
    /// Resident memory of the server before and after, in kB.
    pub memory_kb: [u64; 2],
    /// Its devices.
    pub met: Met,
    /// RETRY messages that it sent; none with DTLS.
    pub retries: Option<u64>,
}

/// One flood.
pub struct FloodResult {
    /// Of what.
    pub kind: Kind,
    /// In the order of the idle ones.
    pub attacked: Vec<Attacked>,
}

/// Everything about floods.
pub struct FloodResults {
    /// What each server is called, and how its devices do while it is idle. DTLS is the last.
    pub idle: Vec<(&'static str, Met)>,
    /// Under each flood.
    pub floods: Vec<FloodResult>,
}

/// The long runs.
pub struct SoakResult {
    /// Sealed exchanges with the real server.
    pub exchanges: u64,
    /// How many devices made them, at the same time.
    pub devices: usize,
    /// How long they took.
    pub took: Duration,
    /// Resident memory of the server when a tenth was done, and at the end, in kB.
    pub memory_kb: [u64; 2],
    /// What the server opened.
    pub records: u64,
    /// Devices that resumed each day.
    pub daily_devices: usize,
    /// For how many days.
    pub days: u32,
    /// Resumptions that led to a confirmed session; full handshakes.
    pub resumed: u64,
    /// Full handshakes among them, the first of each device included.
    pub handshakes: u64,
    /// Confirmed sessions at the end.
    pub sessions: u64,
    /// Resident memory of this program after the first day and after the last, in kB.
    pub daily_memory_kb: [u64; 2],
    /// Exchanges of the run under valgrind, and what it said; `None` without valgrind.
    pub valgrind: Option<(u64, String)>,
}
