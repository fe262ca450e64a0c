//! The worked examples of `tests/group-vectors.json`, and what is hostile.

mod keys;
#[cfg(feature = "server")]
mod membership;
mod objects;
#[cfg(feature = "server")]
mod world;
