//! What is counted.

use prometheus_client::metrics::counter::Counter;

/// What a worker counts. Clones count together.
#[derive(Clone, Default)]
pub struct Counts {
    /// Datagrams that came from devices.
    pub received: Counter,
    /// Datagrams that went to devices.
    pub sent: Counter,
    /// Requests that opened and were passed on.
    pub requests: Counter,
    /// Requests that were answered from what was kept.
    pub repeated: Counter,
    /// Sealed requests that were refused.
    pub refused: Counter,
    /// Answers under seal, notifications too.
    pub answers: Counter,
    /// Requests that the back-end did not answer: 5.02, 5.04.
    pub failed: Counter,
    /// R1 that waited for the store.
    pub loads: Counter,
    /// R1 that the store would not let be answered.
    pub store_refusals: Counter,
}
