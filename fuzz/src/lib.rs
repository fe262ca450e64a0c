//! Fuzz targets, for libFuzzer and for replay.
pub mod device;
pub mod group;
pub mod messages;
mod script;
pub mod targets;
#[path = "../../src/testing.rs"]
mod testing;
pub mod toy;
mod world;
