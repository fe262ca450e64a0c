//! Groups (docs/group.md): a node owns those that it holds by a lease. A thread of their own has them; workers hand over what devices ask in
//! their sessions and what members answer, the operator what `lscoap group` says over a Unix socket.

mod command;
mod control;
mod held;
mod message;
mod owner;
mod record;
mod shelf;
mod stored;
#[cfg(test)]
mod tests;
mod thread;
mod upstream;

pub use owner::{Caller, Groups, LEASE_MS, Word, World};
pub use shelf::{Fault, Shelf};
pub use stored::Stored;
pub use thread::{Handle, Running, start};
pub use upstream::Grouped;
