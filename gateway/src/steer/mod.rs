//! Which worker a datagram is for, and which datagrams are for nobody: as classic BPF programs that the kernel runs for each one, and
//! in Rust for what a program cannot do.

mod assembler;
mod early;
mod kind;
#[cfg(test)]
mod tests;
mod workers;

pub use early::program as early;
pub use kind::{Kind, kind};
pub use workers::program as workers;

/// The length of a Request-Tag that names a transfer wherever its blocks come from, in bytes.
pub const TAG_LEN: usize = 8;
