//! The measurements themselves.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::kinds::{Kind, Setup};
use super::plan::Plan;
use super::stats::Stats;
use crate::process::{Program, Server, run};
use crate::relay::{Count, Counters, Direction, Relay, RelayConfig, Verdict};

/// More than a message of CoAP takes to be given up, several times over.
const LIMIT: Duration = Duration::from_secs(400);

/// Elapsed milliseconds of the exchanges of one kind.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Of those that succeeded.
    pub ms: Vec<f64>,
    /// Why the others did not.
    pub failed: Vec<String>,
}

impl Series {
    /// `None` when nothing succeeded.
    pub fn stats(&self) -> Option<Stats> {
        Stats::of(&self.ms)
    }
}

/// What one exchange puts on the wire, one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OneWay {
    /// Everything until the client program has ended.
    pub all: Count,
    /// Those of them that only close the session.
    pub closing: Count,
}

/// What one exchange puts on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnWire {
    /// From the client.
    pub up: OneWay,
    /// From the server.
    pub down: OneWay,
}

/// Everything that was measured; the vectors go with the kinds of the plan.
#[derive(Clone, Debug)]
pub struct Results {
    /// What was asked for.
    pub plan: Plan,
    /// On loopback.
    pub direct: Vec<Series>,
    /// Through the counting relay, one entry for each exchange.
    pub counted: Vec<Vec<OnWire>>,
    /// Over longer round trips.
    pub round_trips: Vec<(Duration, Vec<Series>)>,
    /// Under loss.
    pub lossy: Vec<Series>,
    /// What the relays of the lossy runs did.
    pub loss_counters: Vec<Counters>,
}

impl Results {
    /// The median of a kind's exchanges on loopback.
    pub fn direct_median(&self, kind: Kind) -> Option<f64> {
        self.median_of(&self.direct, kind)
    }

    /// The median of a kind in one of the lists of series.
    pub fn median_of(&self, series: &[Series], kind: Kind) -> Option<f64> {
        let at = self.plan.kinds.iter().position(|other| *other == kind)?;
        Some(series.get(at)?.stats()?.median)
    }

    /// How long a kind's exchanges over the longest round trip took, in round trips.
    pub fn trips(&self, kind: Kind) -> Option<(Duration, f64)> {
        let (rtt, series) = self.round_trips.last()?;
        Some((*rtt, self.median_of(series, kind)? / (rtt.as_secs_f64() * 1e3)))
    }
}

/// The milliseconds in the line that a client prints after each exchange.
fn elapsed(line: &str) -> Option<f64> {
    line.strip_prefix("elapsed: ")?.strip_suffix(" ms")?.parse().ok()
}

/// One cold GET by a client of its own; its elapsed time in milliseconds.
fn cold_get(setup: &Setup, kind: Kind, to: SocketAddr) -> io::Result<f64> {
    let finished = run(&mut setup.cold_get(kind, to), LIMIT)?;
    let elapsed = finished.stdout.lines().find_map(elapsed);
    match (finished.code, elapsed) {
        (Some(0), Some(ms)) => Ok(ms),
        _ => Err(io::Error::other(format!("{}: no answer: {}", kind.name(), finished.stderr.trim()))),
    }
}

/// A client that does one cold GET at a time, when it is told to.
struct Stepped {
    kind: Kind,
    program: Program,
    exchanges: usize,
}

impl Stepped {
    fn start(setup: &Setup, kind: Kind, to: SocketAddr) -> io::Result<Stepped> {
        let program = Program::start_with_input(&mut setup.cold_gets(kind, to))?;
        Ok(Stepped { kind, program, exchanges: 0 })
    }

    /// One cold GET; its elapsed time in milliseconds.
    fn step(&mut self) -> io::Result<f64> {
        self.program.say("")?;
        self.exchanges += 1;
        let nth = |printed: &str| printed.lines().filter_map(elapsed).nth(self.exchanges - 1);
        self.program.wait_for_output(nth, LIMIT).ok_or_else(|| {
            let why = self.program.stderr();
            io::Error::other(format!("{}: no answer: {}", self.kind.name(), why.trim()))
        })
    }
}

/// Runs kind after kind, again and again, so that what else the machine does hits all of them alike. The first
/// round is not counted: what a program does once in its life is no part of an exchange.
fn interleaved(
    setup: &Setup,
    plan: &Plan,
    to: &[SocketAddr],
    count: usize,
    done: &(dyn Fn() + Sync),
) -> io::Result<Vec<Series>> {
    let start = |(kind, to): (&Kind, &SocketAddr)| Stepped::start(setup, *kind, *to);
    let mut clients = plan.kinds.iter().zip(to).map(start).collect::<io::Result<Vec<_>>>()?;
    let mut series = vec![Series::default(); plan.kinds.len()];
    for round in 0..=count {
        for (client, series) in clients.iter_mut().zip(&mut series) {
            let ms = client.step()?;
            if round > 0 {
                series.ms.push(ms);
            }
            done();
        }
    }
    Ok(series)
}

/// One relay before each server.
fn relays(servers: &[Server], config: impl Fn(RelayConfig) -> RelayConfig) -> io::Result<Vec<Relay>> {
    servers.iter().map(|server| Relay::start(config(RelayConfig::new(server.addr)))).collect()
}

fn addrs(relays: &[Relay]) -> Vec<SocketAddr> {
    relays.iter().map(Relay::addr).collect()
}

/// A DTLS 1.2 record of the content type "alert". A client that has its answer sends one to close the session.
fn is_alert(datagram: &[u8]) -> bool {
    matches!(datagram, [21, 0xfe, 0xfd, ..])
}

/// Waits until nothing has gone through for a while: what a client sends last may still be on its way.
fn settled(relay: &Relay) -> Counters {
    const QUIET: Duration = Duration::from_millis(30);
    let mut last = relay.counters();
    let mut since = Instant::now();
    while since.elapsed() < QUIET {
        thread::sleep(Duration::from_millis(2));
        let now = relay.counters();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last
}

/// What each of `plan.counted` exchanges of a kind puts on the wire.
fn count(
    setup: &Setup,
    plan: &Plan,
    kind: Kind,
    server: &Server,
    done: &dyn Fn(),
) -> io::Result<Vec<OnWire>> {
    let alerts = Arc::<Mutex<HashMap<Direction, Count>>>::default();
    let watch = alerts.clone();
    let relay = Relay::start(RelayConfig::new(server.addr).watch(move |direction, datagram| {
        if is_alert(datagram) {
            let mut alerts = watch.lock().unwrap_or_else(PoisonError::into_inner);
            let alerts = alerts.entry(direction).or_default();
            alerts.datagrams += 1;
            alerts.bytes += datagram.len() as u64;
        }
        Verdict::Pass
    }))?;
    let mut counted = Vec::new();
    for _ in 0..plan.counted {
        let before = relay.counters();
        cold_get(setup, kind, relay.addr())?;
        let passed = settled(&relay) - before;
        let closing = std::mem::take(&mut *alerts.lock().unwrap_or_else(PoisonError::into_inner));
        let closing = |direction| closing.get(&direction).copied().unwrap_or_default();
        counted.push(OnWire {
            up: OneWay { all: passed.up.received, closing: closing(Direction::Up) },
            down: OneWay { all: passed.down.received, closing: closing(Direction::Down) },
        });
        done();
    }
    Ok(counted)
}

/// The kinds at the same time, each through a relay of its own and one exchange after the other: nearly all of the
/// time is waiting for retransmissions.
fn under_loss(
    setup: &Setup,
    plan: &Plan,
    servers: &[Server],
    done: &(dyn Fn() + Sync),
) -> io::Result<(Vec<Series>, Vec<Counters>)> {
    let relays = relays(servers, |config| config.loss(plan.loss).seed(plan.seed))?;
    let one_kind = |kind: Kind, relay: &Relay| {
        let mut series = Series::default();
        for _ in 0..plan.lossy {
            match cold_get(setup, kind, relay.addr()) {
                Ok(ms) => series.ms.push(ms),
                Err(error) => series.failed.push(error.to_string()),
            }
            done();
        }
        series
    };
    let series = thread::scope(|scope| {
        let threads: Vec<_> = plan
            .kinds
            .iter()
            .zip(&relays)
            .map(|(kind, relay)| scope.spawn(|| one_kind(*kind, relay)))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    Ok((series, relays.iter().map(Relay::counters).collect()))
}

/// What a caller is told while it waits.
pub trait Progress: Sync {
    /// Something else begins.
    fn stage(&self, name: &str);
    /// One exchange is over.
    fn done(&self);
}

/// Measures everything that the plan asks for. Fails when an exchange does that must not: all of them, except under
/// loss.
pub fn measure(setup: &Setup, plan: &Plan, progress: &dyn Progress) -> io::Result<Results> {
    let done = || progress.done();
    let servers = plan.kinds.iter().map(|kind| setup.server(*kind)).collect::<io::Result<Vec<_>>>()?;
    let direct_addrs: Vec<SocketAddr> = servers.iter().map(|server| server.addr).collect();
    progress.stage("loopback");
    let direct = interleaved(setup, plan, &direct_addrs, plan.direct, &done)?;
    progress.stage("counting datagrams");
    let counted = plan
        .kinds
        .iter()
        .zip(&servers)
        .map(|(kind, server)| count(setup, plan, *kind, server, &done))
        .collect::<io::Result<_>>()?;
    let mut round_trips = Vec::new();
    for (rtt, count) in &plan.round_trips {
        progress.stage(&format!("round trip of {} ms", rtt.as_millis()));
        let relays = relays(&servers, |config| config.delay(*rtt / 2))?;
        round_trips.push((*rtt, interleaved(setup, plan, &addrs(&relays), *count, &done)?));
    }
    progress.stage("loss");
    let (lossy, loss_counters) = under_loss(setup, plan, &servers, &done)?;
    Ok(Results { plan: plan.clone(), direct, counted, round_trips, lossy, loss_counters })
}
