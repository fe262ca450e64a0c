//! Fuzz targets, for libFuzzer and for replay.
mod script;
pub mod targets;
pub mod toy;
mod world;
