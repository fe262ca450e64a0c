//! What a request costs at a server that many know: libcoap goes through its list of them.

use std::io;

use lscoap::client::Profile;

use super::device::Device;
use super::lockstep;
use super::plain::Plain;
use super::plan::Plan;
use super::processor::time_used_asleep;
use super::rows::{Host, Kind, Row};
use super::station::{Setup, handshakes};
use crate::bench::stats::Stats;
use crate::process::Server;

/// Whose requests are measured.
pub const ROWS: [Row; 4] = [
    Row::warm(Kind::Plain),
    Row::warm(Kind::Signed),
    Row::warm(Kind::Plain).at(Host::Gateway),
    Row::warm(Kind::Signed).at(Host::Gateway),
];
/// Who of them ask.
const CALLERS: usize = 10;

/// A server's figures.
#[derive(Clone, Debug)]
pub struct Peers {
    /// Whose.
    pub row: Row,
    /// Microseconds of CPU a request in each round, for each number of peers of the plan.
    pub each: Vec<Vec<f64>>,
}

impl Peers {
    /// The median for a number of peers.
    pub fn median(&self, at: usize) -> Option<f64> {
        Stats::of(self.each.get(at)?).map(|stats| stats.median)
    }

    /// How many times as long with the most peers as with the fewest: the median over the rounds.
    pub fn ratio(&self) -> Option<f64> {
        let (few, many) = (self.each.first()?, self.each.last()?);
        let ratios: Vec<f64> = few.iter().zip(many).map(|(few, many)| many / few).collect();
        Stats::of(&ratios).map(|stats| stats.median)
    }
}

enum Callers {
    Plain(Vec<Plain>),
    Devices(Vec<Device>),
}

/// A server that so many have talked to, every one from a port of its own.
struct Known {
    server: Server,
    callers: Callers,
}

impl Known {
    fn make(setup: &Setup, plan: &Plan, row: Row, peers: usize) -> io::Result<Known> {
        let server = setup.server(row, peers + peers.div_ceil(4))?;
        let ports = plan.at_once.max(CALLERS);
        let callers = if row.kind.is_lscoap() {
            let mut devices = setup.fleet.load(peers, Profile::Express)?;
            for some in devices.chunks_mut(ports) {
                handshakes(some, server.addr, plan.at_once)?;
                some.iter_mut().for_each(Device::hang_up); // ports are few
            }
            devices.truncate(CALLERS);
            Callers::Devices(devices)
        } else {
            for count in (0..peers).step_by(ports).map(|done| ports.min(peers - done)) {
                let mut some: Vec<Plain> = (0..count).map(|_| Plain::default()).collect();
                some.iter_mut().for_each(|caller| caller.prepare_requests(1));
                lockstep::run(server.addr, plan.at_once, &mut some)?;
            }
            Callers::Plain((0..CALLERS).map(|_| Plain::default()).collect())
        };
        Ok(Known { server, callers })
    }

    /// Microseconds a request.
    fn batch(&mut self, requests: usize) -> io::Result<f64> {
        let each = requests.div_ceil(CALLERS);
        let process = self.server.program.id();
        let before = time_used_asleep(process)?;
        match &mut self.callers {
            Callers::Plain(callers) => {
                callers.iter_mut().for_each(|caller| caller.prepare_requests(each));
                lockstep::run(self.server.addr, CALLERS, callers)?;
            }
            Callers::Devices(devices) => {
                devices.iter_mut().for_each(|device| device.prepare_requests(each));
                lockstep::run(self.server.addr, CALLERS, devices)?;
            }
        }
        let used = time_used_asleep(process)?.saturating_sub(before);
        Ok(used.as_secs_f64() * 1e6 / (each * CALLERS) as f64)
    }
}

/// Measures all of them, by turns.
pub fn measure(setup: &Setup, plan: &Plan) -> io::Result<Vec<Peers>> {
    let (mut known, mut results) = (vec![], vec![]);
    for row in ROWS.into_iter().filter(|row| setup.has(*row)) {
        let of = |peers: &usize| Known::make(setup, plan, row, *peers);
        known.push(plan.peers.iter().map(of).collect::<io::Result<Vec<_>>>()?);
        results.push(Peers { row, each: vec![vec![]; plan.peers.len()] });
    }
    for round in 0..=plan.rounds {
        for (known, result) in known.iter_mut().zip(&mut results) {
            for (known, each) in known.iter_mut().zip(&mut result.each) {
                let took = known.batch(plan.requests)?;
                if round > 0 {
                    each.push(took); // the first round is not counted
                }
            }
        }
    }
    Ok(results)
}
