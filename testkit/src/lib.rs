//! Development and test helpers of lscoap: a lossy UDP relay, a runner for server and client programs, key material
//! for both, and the benchmarks behind `make bench` and `make bench-server`.

pub mod bench;
pub mod captured;
pub mod certificates;
pub mod coap;
pub mod fire;
pub mod gateway;
pub mod identities;
pub mod nodes;
pub mod process;
pub mod programs;
pub mod relay;
pub mod speed;
pub mod stores;
#[path = "../../src/testing.rs"]
pub mod testing;
