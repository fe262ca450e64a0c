//! Fuzz targets, for libFuzzer and for replay.
pub mod targets;
pub mod toy;
