//! How much is measured.

use std::time::Duration;

use super::flood::FloodPlan;
use super::network::Way;
use super::results::NetworkCell;
use super::soak::SoakPlan;

/// All of it.
pub struct Plan {
    /// The bad networks.
    pub cells: Vec<NetworkCell>,
    /// The floods.
    pub flood: FloodPlan,
    /// The long runs.
    pub soak: SoakPlan,
}

fn cells(losses: &[f64], corrupt: f64, cold: usize, warm: usize) -> Vec<NetworkCell> {
    let cell = |way, loss| NetworkCell { way, loss, other: 0.05, corrupt, cold, warm, seed: 11 };
    losses.iter().flat_map(|&loss| Way::ALL.map(|way| cell(way, loss))).collect()
}

impl Plan {
    /// What docs/robustness.md is made from.
    pub fn full() -> Self {
        let (lasts, patience) = (Duration::from_secs(10), Duration::from_secs(40));
        let flood = FloodPlan { lasts, devices: 10, patience, retry_rate: 100 };
        let soak =
            SoakPlan { exchanges: 1_000_000, devices: 20, daily_devices: 10_000, days: 28, valgrind: 200 };
        Self { cells: cells(&[0.1, 0.3], 0.01, 200, 2000), flood, soak }
    }

    /// To see that it works.
    pub fn quick() -> Self {
        let (lasts, patience) = (Duration::from_millis(300), Duration::from_secs(2));
        let flood = FloodPlan { lasts, devices: 2, patience, retry_rate: 100 };
        let soak = SoakPlan { exchanges: 2000, devices: 10, daily_devices: 40, days: 9, valgrind: 4 };
        Self { cells: cells(&[0.05], 0.0, 50, 50), flood, soak }
    }
}
