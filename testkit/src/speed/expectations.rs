//! What the project expects of these numbers, and whether they are so.

use super::measure::Results;
use super::rows::{Kind, Row};

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

fn at_least(results: &Results, what: &str, row: Row, limit: f64, of: Row) -> Expectation {
    let ratio = || results.speed(row)?.times(results.speed(of)?);
    Expectation {
        promise: format!("{} {what} {limit:.2} times those of {}", row.name(), of.name()),
        measured: ratio().map(|ratio| (ratio, ratio >= limit)),
    }
}

/// All of them.
pub fn check(results: &Results) -> Vec<Expectation> {
    let cold = "cold sessions a second of the server's core: at least";
    let warm = "warm requests a second of the server's core: at least";
    vec![
        at_least(results, cold, Row::cold(Kind::Signed), 3.0, Row::cold(Kind::Certificates)),
        at_least(results, cold, Row::cold(Kind::Resume), 1.0, Row::cold(Kind::Psk)),
        at_least(results, warm, Row::warm(Kind::Signed), 0.85, Row::warm(Kind::Plain)),
    ]
}
