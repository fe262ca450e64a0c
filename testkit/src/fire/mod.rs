//! What `make robustness` measures: a server under a bad network, under floods and over a long time. Devices are made
//! of the Rust library and hand-made CoAP, so that there can be thousands of them; the server is the C program.

pub mod device;
pub mod flood;
pub mod network;
pub mod plan;
pub mod report;
pub mod results;
pub mod site;
pub mod soak;
