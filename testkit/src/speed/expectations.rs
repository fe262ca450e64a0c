//! What the project expects of these numbers, and whether they are so.

use super::measure::Results;
use super::peers::Peers;
use super::rows::{Host, Kind, Row};

/// An expectation beside what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is expected.
    pub promise: String,
    /// The ratio that was measured, and whether it is enough; `None` when it was not measured.
    pub measured: Option<(f64, bool)>,
}

impl Expectation {
    /// "met", "not met" or "not measured".
    pub fn verdict(&self) -> &'static str {
        match self.measured {
            Some((_, true)) => "met",
            Some((_, false)) => "**not met**",
            None => "not measured",
        }
    }
}

fn at_least(results: &Results, row: Row, limit: f64, of: Row) -> Expectation {
    let ratio = || results.speed(row)?.times(results.speed(of)?);
    let what = if row.warm { "warm requests" } else { "cold sessions" };
    Expectation {
        promise: format!(
            "{}: {what} a second of the server's core, at least {limit:.2} times those of {}",
            row.name(),
            of.name()
        ),
        measured: ratio().map(|ratio| (ratio, ratio >= limit)),
    }
}

/// How much longer a request may take where the plan's most peers are known, not its fewest.
fn at_most(results: &Results, row: Row, limit: f64) -> Expectation {
    let ratio = results.peers.iter().find(|peers| peers.row == row).and_then(Peers::ratio);
    let numbers = &results.plan.peers;
    let [few, many] = [numbers.first(), numbers.last()].map(|number| number.copied().unwrap_or_default());
    Expectation {
        promise: format!(
            "{}: the time of a request with {many} peers, at most {limit:.2} times that with {few}",
            row.name()
        ),
        measured: ratio.map(|ratio| (ratio, ratio <= limit)),
    }
}

/// All of them.
pub fn check(results: &Results) -> Vec<Expectation> {
    let certificates = Row::cold(Kind::Certificates);
    let (signed, resume) = (Row::cold(Kind::Signed), Row::cold(Kind::Resume));
    let (plain, sealed) = (Row::warm(Kind::Plain), Row::warm(Kind::Signed));
    vec![
        at_least(results, signed, 3.0, certificates),
        at_least(results, resume, 1.0, Row::cold(Kind::Psk)),
        at_least(results, sealed, 0.88, plain),
        at_least(results, sealed.at(Host::Gateway), 1.6, plain),
        at_least(results, sealed.at(Host::Gateway), 0.9, plain.at(Host::Gateway)),
        at_least(results, signed.at(Host::Gateway), 2.5, signed),
        at_least(results, signed.at(Host::Gateway), 8.0, certificates),
        at_least(results, resume.at(Host::GatewayRedis), 1.3, resume),
        at_most(results, sealed.at(Host::Gateway), 1.1),
    ]
}
