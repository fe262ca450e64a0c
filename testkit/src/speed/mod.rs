//! What `make bench-server` measures: how much one core of a server carries, with every kind of security; what a
//! device costs in memory; whether the server's table takes the same time at every size; and, by simulation from
//! these figures, how long a million devices take to come back after an outage.
//!
//! The server has a core for itself and the load another. How busy the server's core is the kernel tells
//! (`schedstat`): sessions by the second of the server's own time do not depend on the load being fast enough.

pub mod curves;
pub mod device;
pub mod dtls;
pub mod expectations;
pub mod fleet;
pub mod lockstep;
pub mod measure;
pub mod memory;
pub mod no_curve;
pub mod peers;
pub mod plain;
pub mod plan;
pub mod processor;
pub mod proxied;
pub mod report;
pub mod rows;
pub mod station;
pub mod storm;
pub mod table;
