//! All of it, in turn.

use std::io;

use super::curves::{self, Comparison};
use super::memory::{self, Memory};
use super::peers::{self, Peers};
use super::plan::Plan;
use super::proxied::{self, Proxied};
use super::rows::{Kind, Row};
use super::station::{Batch, Setup, Station};
use super::storm::{self, Outcome, Way};
use super::table::{self, Times};
use crate::bench::stats::Stats;

/// What one row gave.
#[derive(Clone, Debug)]
pub struct Speed {
    /// Which row.
    pub row: Row,
    /// One for each round.
    pub batches: Vec<Batch>,
    /// The suite that DTLS agreed on.
    pub suite: Option<String>,
    /// RETRY messages that devices met.
    pub retries: usize,
}

/// A storm and how it went.
#[derive(Clone, Debug)]
pub struct StormRow {
    /// How the devices came back.
    pub way: String,
    /// Over how many seconds they began to.
    pub spread: f64,
    /// How it went.
    pub outcome: Outcome,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct Results {
    /// How much was to be measured.
    pub plan: Plan,
    /// Whether the server had a core for itself.
    pub two_cores: bool,
    /// In the order of [`Row::ALL`].
    pub speeds: Vec<Speed>,
    /// In the order of [`peers::ROWS`].
    pub peers: Vec<Peers>,
    /// By the gateway, for servers behind it.
    pub proxied: Vec<Proxied>,
    /// In the order of [`memory::ROWS`].
    pub memory: Vec<Memory>,
    /// In the order of the plan.
    pub table: Vec<Times>,
    /// Who computes on P-256.
    pub curves: Vec<Comparison>,
    /// All ways for each spread.
    pub storms: Vec<StormRow>,
}

impl Speed {
    fn rates(&self, seconds: impl Fn(&Batch) -> f64) -> Option<Stats> {
        let rates: Vec<f64> = self.batches.iter().map(|batch| batch.count as f64 / seconds(batch)).collect();
        Stats::of(&rates)
    }

    /// Sessions or requests in a second of the server's core.
    pub fn by_cpu(&self) -> Option<Stats> {
        self.rates(|batch| batch.cpu.as_secs_f64())
    }

    /// Sessions or requests in a second by the clock.
    pub fn by_wall(&self) -> Option<Stats> {
        self.rates(|batch| batch.wall.as_secs_f64())
    }

    /// The part of the time in which the server's core was busy.
    pub fn busy(&self) -> Option<f64> {
        let parts: Vec<f64> =
            self.batches.iter().map(|batch| batch.cpu.as_secs_f64() / batch.wall.as_secs_f64()).collect();
        Stats::of(&parts).map(|parts| parts.median)
    }

    /// How many times as many as another row, in a second of the server's core: the median over the batches, each with
    /// the other row's that came just before or after it.
    pub fn times(&self, other: &Speed) -> Option<f64> {
        let each = |batch: &Batch| batch.count as f64 / batch.cpu.as_secs_f64();
        let ratios: Vec<f64> =
            self.batches.iter().zip(&other.batches).map(|(a, b)| each(a) / each(b)).collect();
        Stats::of(&ratios).map(|ratios| ratios.median)
    }
}

impl Results {
    /// A row's speed.
    pub fn speed(&self, row: Row) -> Option<&Speed> {
        self.speeds.iter().find(|speed| speed.row == row)
    }

    /// Seconds of the server's core for one session or request of a row.
    pub fn cost(&self, row: Row) -> Option<f64> {
        Some(1.0 / self.speed(row)?.by_cpu()?.median)
    }
}

/// The ways of the storm, by what was measured. What a signed handshake costs is divided between its messages as the
/// library alone divides it, with what a datagram costs added to each.
fn ways(results: &Results, steps: [f64; 2]) -> Option<Vec<Way>> {
    let warm = results.cost(Row::warm(Kind::Signed))?;
    let signed = results.cost(Row::cold(Kind::Signed))? - warm;
    let [m1, m3] = steps.map(|step| step + warm);
    let signed = [signed * m1 / (m1 + m3), signed * m3 / (m1 + m3)];
    let express = [results.cost(Row::cold(Kind::Express))? - warm];
    let resume = [results.cost(Row::cold(Kind::Resume))? - warm];
    Some(vec![
        Way::new("signed", &signed, warm, false),
        Way::new("signed, with retry cookies", &signed, warm, true),
        Way::new("express", &express, warm, false),
        Way::new("resume", &resume, warm, false),
    ])
}

/// Measures all of it; `tell` is told what is being done.
pub fn measure(setup: &Setup, plan: &Plan, tell: &dyn Fn(&str)) -> io::Result<Results> {
    tell("starting servers");
    let rows = Row::ALL.iter().filter(|row| setup.has(**row));
    let stations = rows.map(|row| Station::open(setup, plan, *row));
    let mut stations: Vec<Station> = stations.collect::<io::Result<_>>()?;
    let mut batches = vec![Vec::with_capacity(plan.rounds); stations.len()];
    for round in 0..=plan.rounds {
        tell(&format!("speed, round {round} of {}", plan.rounds));
        for (warm, turns) in [(false, 1), (true, plan.warm_turns)] {
            for _ in 0..turns {
                let both = stations.iter_mut().zip(&mut batches);
                for (station, batches) in both.filter(|(station, _)| station.row.warm == warm) {
                    let batch = station.batch(setup)?;
                    if round > 0 {
                        batches.push(batch); // the first round is not counted
                    }
                }
            }
        }
    }
    let speeds = stations.iter().zip(batches).map(|(station, batches)| Speed {
        row: station.row,
        batches,
        suite: station.suite().map(str::to_owned),
        retries: station.retries(),
    });
    let mut results = Results {
        plan: plan.clone(),
        two_cores: setup.cores.are_two(),
        speeds: speeds.collect(),
        peers: vec![],
        proxied: vec![],
        memory: vec![],
        table: vec![],
        curves: vec![],
        storms: vec![],
    };
    drop(stations);
    tell("peers");
    results.peers = peers::measure(setup, plan)?;
    tell("servers behind the gateway");
    results.proxied = proxied::measure(setup, plan)?;
    for row in memory::ROWS.into_iter().filter(|row| setup.has(*row)) {
        tell(&format!("memory, {}", row.name()));
        results.memory.push(memory::measure(setup, plan, row)?);
    }
    for slots in &plan.slots {
        tell(&format!("table of {slots} slots"));
        results.table.push(table::measure(*slots)?);
    }
    tell("P-256");
    results.curves = curves::measure(plan.rounds, plan.curves)?;
    let ways = ways(&results, table::signed_steps(200)?).unwrap_or_default();
    tell("storms");
    setup.cores.release()?; // for the threads that begin from here on
    results.storms = std::thread::scope(|scope| {
        let pairs = plan.spreads.iter().flat_map(|spread| ways.iter().map(move |way| (way, *spread)));
        let simulate = |(way, spread): (&Way, f64)| StormRow {
            way: way.name.clone(),
            spread,
            outcome: storm::run(way, plan.storm, spread, 7),
        };
        let started: Vec<_> = pairs.map(|pair| scope.spawn(move || simulate(pair))).collect();
        started
            .into_iter()
            .map(|row| row.join().map_err(|_| io::Error::other("storm")))
            .collect::<io::Result<_>>()
    })?;
    Ok(results)
}
