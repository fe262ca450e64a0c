//! One thread for each core: its sockets, its clock, and what stands between the two sides.
//!
//! All sockets of an address are bound in order and kept for the life of the process, since the program that steers counts them
//! ([`crate::steer`]). A worker that panics begins again on its sockets with nothing in memory: its devices resume.

mod front;
mod mailbox;
mod plain;
#[cfg(test)]
mod tests;
mod threads;
mod transfers;
mod turn;

pub use mailbox::{Mailboxes, Word};
pub use plain::Plain;
pub use threads::{Gateway, Make, Place, Setup};

use crate::backend::Port;
use crate::net::{Outbox, Peer};

/// What a worker runs: the two sides, without sockets or clocks. Times are ms of one clock, which does not go back.
pub trait Service {
    /// A datagram of a device's.
    fn received(&mut self, now_ms: u64, peer: Peer, datagram: &[u8]);
    /// A datagram of the back-end's.
    fn backend_said(&mut self, now_ms: u64, port: Port, datagram: &[u8]);
    /// Nobody listens at the back-end.
    fn unreachable(&mut self, now_ms: u64, port: Port);
    /// The worker was woken: there may be outcomes of the store's.
    fn woken(&mut self, now_ms: u64);
    /// Something from outside; neither [`Word::Datagram`] nor [`Word::Stop`].
    fn told(&mut self, now_ms: u64, word: Word);
    /// Does what is due.
    fn poll(&mut self, now_ms: u64);
    /// When something is due next.
    fn next_ms(&self) -> Option<u64>;
    /// What is to be sent to devices.
    fn to_devices(&mut self) -> &mut Outbox<Peer>;
    /// What is to be sent to the back-end.
    fn to_backend(&mut self) -> &mut Outbox<Port>;
    /// Devices whose sessions were confirmed since the last call, and when those sessions were made, in ms.
    fn take_confirmed(&mut self) -> Vec<(Vec<u8>, u64)>;
    /// Hands jobs over to the store, those of a turn together.
    fn hand_over(&mut self);
    /// Whether nothing is under way.
    fn is_idle(&self) -> bool;
}
