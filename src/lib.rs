//! Secure CoAP for devices too small for DTLS: a mutual handshake of one or two round trips over P-256 and
//! sealed CoAP requests (RFC 8613 objects), `no_std`, without a heap.
//!
//! A device uses [`client::Client`], a server [`server::Server`]; each takes one datagram and gives the next.
//! What they end in is a [`session::Session`], which seals and opens. The same interface for C is in
//! `include/lscoap.h`; `docs/protocol.md` describes the bytes.
//!
//! ```
//! use lscoap::{Error, Message, Status, client::*, enrolment, server::*, session::Carrier};
//! # struct Os(u8);
//! # impl lscoap::platform::Platform for Os {
//! #     fn random(&mut self, out: &mut [u8]) -> Result<(), Error> { self.0 += 1; out.fill(self.0); Ok(()) }
//! # }
//! # struct One([u8; 33]);
//! # impl Directory for One {
//! #     fn find(&mut self, id: &[u8]) -> Option<[u8; 33]> { (id == b"sensor-7").then_some(self.0) }
//! # }
//! # fn main() -> Result<(), Error> {
//! # let (mut device_os, mut server_os) = (Os(0), Os(100));
//! # let (device_secret, server_secret) = ([1; 32], [2; 32]);
//! # let mut directory = One(enrolment::public_key(&device_secret)?);
//! let mut server: Server = Server::new(&server_secret)?;
//! let mut slots: [Slot; 4] = Default::default();
//! let config = ClientConfig::new(b"sensor-7", &device_secret, server.public_key(), Profile::Signed);
//! let mut client: Client = Client::new(&config)?;
//!
//! let mut message = Message::new();
//! let mut answer = Message::new();
//! let mut status = client.step(&mut device_os, None, &mut message)?;
//! while status == Status::Send {
//!     let mut env = Env { platform: &mut server_os, directory: &mut directory, peer: b"", source: b"", now_ms: 0 };
//!     server.step(&mut slots, &mut env, &message, &mut answer)?; // over CoAP in real life
//!     status = client.step(&mut device_os, Some(&answer), &mut message)?;
//! }
//! let mut session = client.finish()?;
//!
//! let mut sealed = [0; 64];
//! let (len, mut exchange) = session.seal_request(Carrier::Payload(b"\xb5index"), b"\x01", &mut sealed)?;
//! let mut plain = [0; 64];
//! let mut env = Env { platform: &mut server_os, directory: &mut directory, peer: b"", source: b"", now_ms: 0 };
//! let opened = server.open_request(&mut slots, &mut env, Carrier::Payload(b"\xb5index"), &sealed[..len], &mut plain)?;
//! assert_eq!(&plain[..opened.len], b"\x01");
//! # let _ = &mut exchange;
//! # Ok(())
//! # }
//! ```
#![no_std]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
#![forbid(clippy::undocumented_unsafe_blocks)]
// What a part of the crate leaves unused is used by the whole, which is where this is checked.
#![cfg_attr(
    not(all(
        feature = "client",
        feature = "server",
        feature = "signed",
        feature = "express",
        feature = "resume",
        feature = "coap",
        feature = "device",
        feature = "group",
        feature = "group-delegate",
        feature = "ffi"
    )),
    allow(dead_code, unused_imports)
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(not(any(feature = "client", feature = "server")))]
compile_error!("choose a role: feature `client` or `server`, or both");
#[cfg(all(feature = "p256-cm4", not(target_arch = "arm")))]
compile_error!("feature `p256-cm4` is for Cortex-M4, M7 and M33 with DSP");
#[cfg(all(feature = "p256-cm4", feature = "p256-small"))]
compile_error!("choose who computes on P-256: feature `p256-cm4` or `p256-small`, not both");
#[cfg(all(feature = "openssl", target_os = "none"))]
compile_error!("feature `openssl` is for hosts, where there is a libcrypto and std");
#[cfg(all(feature = "ffi-openssl", feature = "p256-small"))]
compile_error!("choose who computes on P-256 for C: feature `ffi-openssl` or `p256-small`, not both");
#[cfg(not(any(feature = "signed", feature = "express")))]
compile_error!("choose a profile: feature `signed` or `express`, or both");

#[macro_use]
#[forbid(unsafe_code)]
mod wiped;

#[forbid(unsafe_code)]
mod bytes;
#[cfg(feature = "client")]
#[forbid(unsafe_code)]
pub mod client;
#[cfg(feature = "coap")]
#[forbid(unsafe_code)]
pub mod coap;
#[forbid(unsafe_code)]
pub mod crypto;
#[cfg(feature = "device")]
#[forbid(unsafe_code)]
pub mod device;
#[forbid(unsafe_code)]
pub mod enrolment;
#[forbid(unsafe_code)]
mod entropy;
#[forbid(unsafe_code)]
pub mod error;
#[cfg(feature = "ffi")]
pub mod ffi;
#[cfg(feature = "group")]
#[forbid(unsafe_code)]
pub mod group;
#[forbid(unsafe_code)]
pub mod identity;
#[forbid(unsafe_code)]
pub mod limits;
#[forbid(unsafe_code)]
pub mod platform;
#[forbid(unsafe_code)]
mod schedule;
#[cfg(feature = "server")]
#[forbid(unsafe_code)]
pub mod server;
#[forbid(unsafe_code)]
pub mod session;
#[forbid(unsafe_code)]
mod stored;
#[forbid(unsafe_code)]
pub mod wire;

// With OpenSSL there is std, which has one.
#[cfg(all(feature = "panic-handler", not(feature = "openssl"), not(test)))]
mod panic;

#[cfg(test)]
extern crate self as lscoap; // for `testing`, which others include
#[cfg(any(test, feature = "openssl"))]
extern crate std;
#[cfg(all(test, feature = "client", feature = "server", feature = "resume"))]
mod power_cuts;
#[cfg(all(test, feature = "server"))]
mod testing;
#[cfg(test)]
mod vectors;

pub use error::{Alert, Error, Status};
pub use wire::Message;
