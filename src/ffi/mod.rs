//! The C interface, from which `include/lscoap.h` is generated. One file for each C type; every `unsafe` of the
//! crate is here, and every pointer becomes a reference in [`pointers`].
//!
//! The calling contract stands at the top of the header (`cbindgen.toml`). Each `unsafe` block relies on it:
//! a pointer that is not null points to a live object of its type or to as many bytes as the length says.
#![allow(non_camel_case_types)]
#![allow(clippy::missing_safety_doc)] // the contract is the header's, one for all functions

pub mod enrolment;
pub mod exchange;
pub mod message;
pub mod platform;
pub mod session;
pub mod status;
pub mod version;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "coap")]
pub mod coap;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod slot;
#[cfg(feature = "server")]
pub mod stats;
#[cfg(feature = "resume")]
pub mod storage;

mod backend;
mod pointers;
mod records;
