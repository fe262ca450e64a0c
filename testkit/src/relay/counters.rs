//! What a relay has seen and done.

use std::fmt;
use std::ops::Sub;

/// Datagrams, and the bytes of their UDP payloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub datagrams: u64,
    /// How long, all together.
    pub bytes: u64,
}

impl Count {
    pub(super) fn add(&mut self, bytes: usize) {
        self.datagrams += 1;
        self.bytes += bytes as u64;
    }
}

impl Sub for Count {
    type Output = Count;
    fn sub(self, earlier: Count) -> Count {
        Count { datagrams: self.datagrams - earlier.datagrams, bytes: self.bytes - earlier.bytes }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} datagrams, {} bytes", self.datagrams, self.bytes)
    }
}

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// As it arrived, before loss.
    pub received: Count,
    /// As it went on, after loss and duplication.
    pub sent: Count,
    /// Lost by chance, or dropped by the watch.
    pub lost: u64,
    /// Sent twice.
    pub duplicated: u64,
    /// Held back.
    pub reordered: u64,
    /// Changed.
    pub corrupted: u64,
    /// Dropped because too much was waiting.
    pub overflowed: u64,
}

impl Sub for Traffic {
    type Output = Traffic;
    fn sub(self, earlier: Traffic) -> Traffic {
        Traffic {
            received: self.received - earlier.received,
            sent: self.sent - earlier.sent,
            lost: self.lost - earlier.lost,
            duplicated: self.duplicated - earlier.duplicated,
            reordered: self.reordered - earlier.reordered,
            corrupted: self.corrupted - earlier.corrupted,
            overflowed: self.overflowed - earlier.overflowed,
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "received {}; sent {}; lost {}, duplicated {}, reordered {}, corrupted {}, overflowed {}",
            self.received,
            self.sent,
            self.lost,
            self.duplicated,
            self.reordered,
            self.corrupted,
            self.overflowed
        )
    }
}

/// Both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// From clients to the server.
    pub up: Traffic,
    /// From the server to clients.
    pub down: Traffic,
}

/// `later - earlier` is what happened between the two.
impl Sub for Counters {
    type Output = Counters;
    fn sub(self, earlier: Counters) -> Counters {
        Counters { up: self.up - earlier.up, down: self.down - earlier.down }
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up: {}\ndown: {}", self.up, self.down)
    }
}
