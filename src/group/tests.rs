//! The worked examples of `tests/group-vectors.json`, and what is hostile.

#[cfg(all(feature = "server", feature = "group-delegate"))]
mod delegate;
mod keys;
#[cfg(feature = "server")]
mod member;
#[cfg(feature = "server")]
mod membership;
mod objects;
#[cfg(feature = "server")]
mod owner;
#[cfg(feature = "server")]
mod simulation;
#[cfg(all(feature = "server", feature = "group-delegate"))]
mod switches;
#[cfg(feature = "server")]
pub(crate) mod world;
