//! What the project promises about these numbers, and whether they keep it.

use super::kinds::Kind;
use super::measure::Results;

/// The signed profile takes at most this part of CoAPS with certificates.
const SIGNED_TO_CERTIFICATES: f64 = 0.35;
/// The express profile takes at most this much of the signed one.
const EXPRESS_TO_SIGNED: f64 = 1.10;

/// A promise beside what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is promised.
    pub promise: String,
    /// What was measured; `None` when it was not.
    pub measured: Option<(String, bool)>,
}

impl Expectation {
    fn new(promise: String, measured: Option<(String, bool)>) -> Expectation {
        Expectation { promise, measured }
    }

    /// "met", "not met" or "not measured".
    pub fn verdict(&self) -> &'static str {
        match self.measured {
            Some((_, true)) => "met",
            Some((_, false)) => "**not met**",
            None => "not measured",
        }
    }
}

/// A ratio of two medians on loopback against its limit.
fn ratio(results: &Results, kind: Kind, to: Kind, limit: f64) -> Expectation {
    let measured = || {
        let ratio = results.direct_median(kind)? / results.direct_median(to)?;
        Some((format!("{ratio:.2}"), ratio <= limit))
    };
    let promise = format!("{} takes at most {limit:.2} of {} (medians on loopback)", kind.name(), to.name());
    Expectation::new(promise, measured())
}

fn round_trips(results: &Results, kind: Kind) -> Option<Expectation> {
    let (rtt, trips) = results.trips(kind)?;
    let expected = kind.expected_round_trips();
    let plural = if expected == 1 { "" } else { "s" };
    let promise =
        format!("{} needs {expected} round trip{plural}, at RTT {} ms", kind.name(), rtt.as_millis());
    Some(Expectation::new(promise, Some((format!("{trips:.2}"), trips.round() == f64::from(expected)))))
}

/// All of them.
pub fn check(results: &Results) -> Vec<Expectation> {
    let kinds = &results.plan.kinds;
    let mut expectations = vec![
        ratio(results, Kind::Signed, Kind::Certificates, SIGNED_TO_CERTIFICATES),
        ratio(results, Kind::Express, Kind::Signed, EXPRESS_TO_SIGNED),
    ];
    expectations.extend(kinds.iter().filter_map(|kind| round_trips(results, *kind)));
    for (kind, series) in kinds.iter().zip(&results.lossy) {
        let (good, all) = (series.ms.len(), results.plan.lossy);
        let promise =
            format!("{}: {all} of {all} succeed at {:.0} % loss", kind.name(), results.plan.loss * 100.0);
        expectations.push(Expectation::new(promise, Some((format!("{good} of {all}"), good == all))));
    }
    expectations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measure::Series;
    use crate::bench::plan::Plan;
    use std::time::Duration;

    fn results(direct: [f64; 5], trips: [f64; 5], good: usize) -> Results {
        let series = |ms: &[f64]| -> Vec<Series> {
            ms.iter().map(|ms| Series { ms: vec![*ms], failed: vec![] }).collect()
        };
        let mut plan = Plan::full(Kind::ALL.to_vec(), 0);
        plan.lossy = 2;
        Results {
            plan,
            direct: series(&direct),
            counted: vec![],
            round_trips: vec![(Duration::from_millis(500), series(&trips.map(|trips| trips * 500.0)))],
            lossy: vec![Series { ms: vec![1.0; good], failed: vec![] }; 5],
            loss_counters: vec![],
        }
    }

    #[test]
    fn all_met() {
        let expectations = check(&results([1.0, 2.0, 10.0, 3.5, 3.8], [1.01, 4.0, 4.1, 3.02, 2.01], 2));
        assert_eq!(expectations.len(), 2 + 5 + 5);
        assert!(expectations.iter().all(|expectation| expectation.verdict() == "met"), "{expectations:#?}");
    }

    #[test]
    fn none_met() {
        let expectations = check(&results([1.0, 2.0, 10.0, 3.6, 4.1], [2.0, 5.0, 5.0, 4.0, 3.0], 1));
        assert!(expectations.iter().all(|expectation| expectation.verdict() == "**not met**"));
    }

    #[test]
    fn what_is_not_measured_is_not_met() {
        let mut results = results([1.0; 5], [1.0; 5], 2);
        results.plan.kinds = vec![Kind::Plain];
        let verdicts: Vec<_> = check(&results).iter().map(Expectation::verdict).collect();
        assert_eq!(verdicts, ["not measured", "not measured", "met", "met"]);
    }
}
