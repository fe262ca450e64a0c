//! How much is measured.

use super::rows::Kind;

/// Numbers of repetitions.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rounds, in each of which every row has its turn.
    pub rounds: usize,
    /// Enrolled devices.
    pub devices: usize,
    /// Handshakes under way at a time.
    pub at_once: usize,
    /// New sessions in a batch, for what takes a millisecond each, ...
    pub slow: usize,
    /// ... and for what takes less.
    pub fast: usize,
    /// Sessions of warm requests, each with one request under way.
    pub warm_sessions: usize,
    /// Warm requests in a batch, which is short, and ...
    pub requests: usize,
    /// ... how many batches each warm row has in a round, by turns with the other warm rows.
    pub warm_turns: usize,
    /// Numbers of peers, ascending.
    pub peers: Vec<usize>,
    /// Numbers of sessions for which memory is measured, ascending.
    pub memory: Vec<usize>,
    /// Numbers of slots for which the table is measured, ascending.
    pub slots: Vec<usize>,
    /// How often each operation on the curve is done in a round.
    pub curves: usize,
    /// Devices of the storm.
    pub storm: usize,
    /// Over how many seconds they begin to come back.
    pub spreads: Vec<f64>,
}

impl Plan {
    /// What the tables of the documentation are made from.
    pub fn full() -> Plan {
        Plan {
            rounds: 11,
            devices: 500,
            at_once: 32,
            slow: 250,
            fast: 2000,
            warm_sessions: 64,
            requests: 1000,
            warm_turns: 32,
            peers: vec![10, 10_000],
            memory: vec![1000, 10_000],
            slots: vec![100, 10_000, 1_000_000],
            curves: 100,
            storm: 1_000_000,
            spreads: vec![60.0, 600.0],
        }
    }

    /// Enough to see that everything works.
    pub fn quick() -> Plan {
        Plan {
            rounds: 1,
            devices: 20,
            at_once: 8,
            slow: 20,
            fast: 40,
            warm_sessions: 8,
            requests: 40,
            warm_turns: 2,
            peers: vec![2, 20],
            memory: vec![10, 20],
            slots: vec![10, 100, 1000],
            curves: 2,
            storm: 2000,
            spreads: vec![1.0],
        }
    }

    /// New sessions in a batch of that kind.
    pub fn cold(&self, kind: Kind) -> usize {
        match kind {
            Kind::Plain | Kind::Psk | Kind::PskOnly | Kind::Resume => self.fast,
            Kind::Certificates | Kind::Signed | Kind::Express => self.slow,
        }
    }
}
