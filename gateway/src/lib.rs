//! `lscoap-gateway`: devices on one side, which speak lscoap, and any CoAP server on the other, which knows nothing of it.
//!
//! Imports point downward only:
//!
//! ```text
//!       cli, check, service the program: command line, threads, signals, draining
//!       worker              one thread for each core: its sockets, its clock, and what stands between the two sides
//!       groups              one request to many devices: a thread of their own
//!       device | backend    the two sides, without sockets or clocks: datagrams in, datagrams out
//!       store, directory    what survives: resume records, the directory of devices
//!       config, metrics, log   what the operator says and sees
//!       steer               which of several sockets a datagram comes to, and which it does not come to at all
//!       http                pages for monitors
//!       coap, net, sys      messages, addresses, system calls
//! ```
#![deny(missing_docs, unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

#[forbid(unsafe_code)]
pub mod backend;
#[forbid(unsafe_code)]
pub mod check;
#[forbid(unsafe_code)]
pub mod cli;
#[forbid(unsafe_code)]
pub mod coap;
#[forbid(unsafe_code)]
pub mod config;
#[forbid(unsafe_code)]
pub mod device;
#[forbid(unsafe_code)]
pub mod directory;
#[forbid(unsafe_code)]
pub mod groups;
#[forbid(unsafe_code)]
pub mod http;
#[forbid(unsafe_code)]
pub mod log;
#[forbid(unsafe_code)]
pub mod metrics;
#[forbid(unsafe_code)]
pub mod net;
#[forbid(unsafe_code)]
pub mod service;
#[forbid(unsafe_code)]
pub mod steer;
#[forbid(unsafe_code)]
pub mod store;
pub mod sys;
#[forbid(unsafe_code)]
pub mod worker;

/// What handshakes and records are computed with.
#[cfg(feature = "openssl")]
pub type Primitives = lscoap::crypto::OpenSsl;
/// What handshakes and records are computed with.
#[cfg(not(feature = "openssl"))]
pub type Primitives = lscoap::crypto::Software;
