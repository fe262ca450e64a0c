//! What a relay is asked to do.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Which way a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a client to the server.
    Up,
    /// From the server to a client.
    Down,
}

/// What a [`Watch`] wants done with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on to meet its fate.
    Pass,
    /// It is dropped, and counted as lost.
    Drop,
}

/// Sees every datagram as it arrives, before anything happens to it.
pub type Watch = Arc<dyn Fn(Direction, &[u8]) -> Verdict + Send + Sync>;

/// What happens to the datagrams of one direction. Probabilities are 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairment {
    /// One way.
    pub delay: Duration,
    /// Probability that a datagram is lost.
    pub loss: f64,
    /// Probability that a datagram arrives twice.
    pub duplicate: f64,
    /// Probability that a datagram is held back, so that later ones overtake it.
    pub reorder: f64,
    /// Probability that one byte of a datagram is changed.
    pub corrupt: f64,
    /// For how long a reordered datagram is held back, on top of `delay`.
    pub hold_back: Duration,
}

impl Default for Impairment {
    fn default() -> Self {
        Impairment {
            delay: Duration::ZERO,
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            corrupt: 0.0,
            hold_back: Duration::from_millis(30),
        }
    }
}

/// Everything a relay needs to know. The methods set both directions; the fields are there to set one.
#[derive(Clone)]
pub struct RelayConfig {
    /// Where clients send to; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The server.
    pub to: SocketAddr,
    /// From clients to the server.
    pub up: Impairment,
    /// From the server to clients.
    pub down: Impairment,
    /// Two relays of one seed do the same to the same traffic.
    pub seed: u64,
    /// Sees, and may drop, every datagram.
    pub watch: Option<Watch>,
    /// How many clients are known at a time; the one that was silent longest makes room.
    pub max_clients: usize,
    /// How many bytes wait to be sent at a time; what comes on top is dropped, and counted as overflowed.
    pub max_queued_bytes: usize,
}

impl RelayConfig {
    /// A relay to `server` that changes nothing, on a loopback address of the server's family.
    pub fn new(server: SocketAddr) -> Self {
        let ip = match server.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        };
        RelayConfig {
            listen: SocketAddr::new(ip, 0),
            to: server,
            up: Impairment::default(),
            down: Impairment::default(),
            seed: 0,
            watch: None,
            max_clients: 256,
            max_queued_bytes: 16 << 20,
        }
    }

    fn both(mut self, change: impl Fn(&mut Impairment)) -> Self {
        change(&mut self.up);
        change(&mut self.down);
        self
    }

    /// Listens there.
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// Delays each datagram that long: half of what is added to the round-trip time.
    pub fn delay(self, delay: Duration) -> Self {
        self.both(|way| way.delay = delay)
    }

    /// Loses datagrams with this probability.
    pub fn loss(self, probability: f64) -> Self {
        self.both(|way| way.loss = probability)
    }

    /// Sends datagrams twice with this probability.
    pub fn duplicate(self, probability: f64) -> Self {
        self.both(|way| way.duplicate = probability)
    }

    /// Holds datagrams back with this probability.
    pub fn reorder(self, probability: f64) -> Self {
        self.both(|way| way.reorder = probability)
    }

    /// Changes one byte of a datagram with this probability.
    pub fn corrupt(self, probability: f64) -> Self {
        self.both(|way| way.corrupt = probability)
    }

    /// Chooses what happens to which datagram.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Shows every datagram to `watch`, which may drop it.
    pub fn watch(mut self, watch: impl Fn(Direction, &[u8]) -> Verdict + Send + Sync + 'static) -> Self {
        self.watch = Some(Arc::new(watch));
        self
    }
}
