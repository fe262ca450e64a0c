//! System calls that the standard library does not have: several datagrams a call, and the choice of a socket by a classic BPF program.
//! The only unsafe code of the gateway.

pub mod user;
