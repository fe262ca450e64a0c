//! Fuzz targets, for libFuzzer and for replay.
mod script;
pub mod targets;
#[path = "../../src/testing.rs"]
mod testing;
pub mod toy;
mod world;
