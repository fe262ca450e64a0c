//! What `make bench` measures: cold `GET /index` with every kind of security, on loopback, over long round trips and
//! under loss.
//!
//! Every exchange is a client program of its own, started for it, so that nothing is warm in it: no session, no
//! context, no key schedule. The time is the client's own `elapsed:` line, which leaves out starting the program and
//! reading its keys and has everything else up to the delivery of the response in it.

pub mod expectations;
pub mod kinds;
pub mod machine;
pub mod markdown;
pub mod measure;
pub mod plan;
pub mod plots;
pub mod report;
pub mod stats;
