//! How much is measured.

use std::time::Duration;

use super::kinds::Kind;

/// Numbers of repetitions, and what the relay does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is compared.
    pub kinds: Vec<Kind>,
    /// Cold exchanges of each kind on loopback.
    pub direct: usize,
    /// Cold exchanges of each kind through the counting relay.
    pub counted: usize,
    /// Round-trip times, and how many cold exchanges of each kind over each.
    pub round_trips: Vec<(Duration, usize)>,
    /// Cold exchanges of each kind under loss.
    pub lossy: usize,
    /// Probability that a datagram is lost, each way.
    pub loss: f64,
    /// Decides which datagrams are lost.
    pub seed: u64,
}

impl Plan {
    /// What the tables of the documentation are made from.
    pub fn full(kinds: Vec<Kind>, seed: u64) -> Plan {
        let round_trips = vec![(Duration::from_millis(50), 10), (Duration::from_millis(500), 5)];
        Plan { kinds, direct: 20, counted: 5, round_trips, lossy: 50, loss: 0.1, seed }
    }

    /// Enough to see that everything works.
    pub fn quick(kinds: Vec<Kind>, seed: u64) -> Plan {
        let round_trips = vec![(Duration::from_millis(50), 3)];
        Plan { kinds, direct: 3, counted: 3, round_trips, lossy: 3, loss: 0.1, seed }
    }

    /// How many exchanges that is, the one included that is not counted before each interleaved series.
    pub fn exchanges(&self) -> usize {
        let series: usize = self.round_trips.iter().map(|(_, count)| 1 + count).sum();
        self.kinds.len() * (1 + self.direct + self.counted + series + self.lossy)
    }
}
