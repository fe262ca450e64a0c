//! Who sent a datagram, and datagrams to be sent.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

/// The other end of the devices' socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Which of our addresses it wrote to: the answer comes from there. `None` where the socket has one address only.
    pub local: Option<IpAddr>,
    /// Through which of the worker's sockets, in the order of the addresses that it listens on.
    pub socket: u8,
}

/// Datagrams to be sent, in one piece of memory that is used again.
#[derive(Default)]
pub struct Outbox<To> {
    bytes: Vec<u8>,
    entries: Vec<(To, Range<usize>)>,
}

impl<To: Copy> Outbox<To> {
    /// None so far.
    pub fn new() -> Self {
        Self { bytes: Vec::new(), entries: Vec::new() }
    }

    /// Adds a datagram.
    pub fn put(&mut self, to: To, datagram: &[u8]) {
        self.write(to, |bytes| bytes.extend_from_slice(datagram));
    }

    /// Adds a datagram that is what `write` appends; nothing where it appends nothing.
    pub fn write(&mut self, to: To, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() > from {
            self.entries.push((to, from..self.bytes.len()));
        }
    }

    /// Whom each goes to, and what it is.
    pub fn iter(&self) -> impl Iterator<Item = (To, &[u8])> {
        self.entries.iter().map(|(to, range)| (*to, self.bytes.get(range.clone()).unwrap_or_default()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}
