//! System calls that the standard library does not have: several datagrams a call, the address that a datagram was written to, and
//! classic BPF programs at a socket. The only unsafe code of the gateway.

mod batch;
mod name;
mod socket;
pub mod user;

pub use batch::{DATAGRAM_MAX, Received, Receiver, Sender, Sent};
pub use socket::{Memory, attach_filter, attach_steering, bind, check_is_free, memory};

/// An instruction of a classic BPF program.
pub use libc::sock_filter as Instruction;
