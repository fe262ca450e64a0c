//! A device against a real server, over a network and a clock that the tests make.

mod blocks;
mod connecting;
#[cfg(feature = "group")]
mod groups;
mod observing;
mod sending;
mod storing;
mod world;
