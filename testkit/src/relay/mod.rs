//! A UDP relay between many clients and one server that delays, loses, duplicates, reorders and corrupts datagrams.
//!
//! Each client address gets an upstream socket of its own, as a NAT gives it, so that the server tells clients apart.
//! What happens to the n-th datagram of a direction depends on the seed, the direction and n alone: the same traffic
//! meets the same fate again.
//!
//! ```no_run
//! use lscoap_testkit::relay::{Relay, RelayConfig};
//! let server = "127.0.0.1:5683".parse().unwrap();
//! let relay = Relay::start(RelayConfig::new(server).loss(0.1).seed(7)).unwrap();
//! println!("clients go to {}", relay.addr());
//! println!("{}", relay.counters()); // dropping the relay stops it
//! ```

mod config;
mod counters;
mod fate;
mod links;
mod queue;
mod run;

pub use config::{Direction, Impairment, RelayConfig, Verdict, Watch};
pub use counters::{Count, Counters, Traffic};
pub use run::Relay;
