//! The relay at work: one thread for what clients send, one for each client's answers, one for what is delayed.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::config::{Direction, Impairment, RelayConfig, Verdict};
use super::counters::{Counters, Traffic};
use super::fate::Fate;
use super::links::{Link, Links};
use super::queue::Queue;

const DATAGRAM_MAX: usize = 65_536;
/// How often a thread that waits for datagrams looks whether it should end.
const LOOK_UP: Duration = Duration::from_millis(50);
const STACK: usize = 128 << 10;

struct Delayed {
    link: Arc<Link>,
    direction: Direction,
    bytes: Box<[u8]>,
}

struct Shared {
    config: RelayConfig,
    listen: UdpSocket,
    links: Mutex<Links>,
    counters: Mutex<Counters>,
    queue: Queue<Delayed>,
    stop: AtomicBool,
    readers: Mutex<Vec<JoinHandle<()>>>,
}

/// A relay that runs until it is dropped.
pub struct Relay {
    shared: Arc<Shared>,
    addr: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Listens, and starts to relay.
    pub fn start(config: RelayConfig) -> io::Result<Relay> {
        let listen = UdpSocket::bind(config.listen)?;
        listen.set_read_timeout(Some(LOOK_UP))?;
        let addr = listen.local_addr()?;
        let shared = Arc::new(Shared {
            links: Mutex::new(Links::new(config.max_clients)),
            counters: Mutex::default(),
            queue: Queue::new(config.max_queued_bytes),
            stop: AtomicBool::new(false),
            readers: Mutex::default(),
            listen,
            config,
        });
        let mut relay = Relay { shared, addr, threads: Vec::new() };
        for work in [read_clients, send_delayed] {
            let shared = relay.shared.clone();
            relay.threads.push(Builder::new().stack_size(STACK).spawn(move || work(&shared))?);
        }
        Ok(relay)
    }

    /// Where clients send to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        *lock(&self.shared.counters)
    }

    /// Every client appears to the server from a new port from now on, as after a NAT forgot it.
    pub fn rebind(&self) {
        lock(&self.shared.links).clear();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        for thread in std::mem::take(&mut *lock(&self.shared.readers)) {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn way(&self, direction: Direction) -> &Impairment {
        match direction {
            Direction::Up => &self.config.up,
            Direction::Down => &self.config.down,
        }
    }

    fn count(&self, direction: Direction, change: impl FnOnce(&mut Traffic)) {
        let mut counters = lock(&self.counters);
        change(match direction {
            Direction::Up => &mut counters.up,
            Direction::Down => &mut counters.down,
        });
    }

    /// Lets a datagram that has just arrived meet its fate.
    fn relay(&self, link: &Arc<Link>, direction: Direction, datagram: &mut [u8]) {
        let now = Instant::now();
        let way = self.way(direction);
        let verdict = self.config.watch.as_ref().map_or(Verdict::Pass, |watch| watch(direction, datagram));
        let mut number = 0;
        self.count(direction, |traffic| {
            number = traffic.received.datagrams;
            traffic.received.add(datagram.len());
        });
        let fate = Fate::of(self.config.seed, direction, number, way);
        if fate.lost || verdict == Verdict::Drop {
            self.count(direction, |traffic| traffic.lost += 1);
            return;
        }
        let corrupted = fate.corrupt(datagram);
        self.count(direction, |traffic| {
            traffic.corrupted += u64::from(corrupted);
            traffic.duplicated += u64::from(fate.duplicated);
            traffic.reordered += u64::from(fate.reordered);
        });
        let delay = way.delay + if fate.reordered { way.hold_back } else { Duration::ZERO };
        for _ in 0..1 + usize::from(fate.duplicated) {
            if delay.is_zero() {
                self.send(link, direction, datagram);
            } else {
                let delayed = Delayed { link: link.clone(), direction, bytes: (&*datagram).into() };
                if !self.queue.push(now + delay, datagram.len(), delayed) {
                    self.count(direction, |traffic| traffic.overflowed += 1);
                }
            }
        }
    }

    fn send(&self, link: &Link, direction: Direction, datagram: &[u8]) {
        // Counted first: whoever has received it must find it counted. One that cannot be sent is as good as
        // lost on the way, which is nothing to stop for.
        self.count(direction, |traffic| traffic.sent.add(datagram.len()));
        let _ = match direction {
            Direction::Up => link.upstream.send(datagram),
            Direction::Down => self.listen.send_to(datagram, link.client),
        };
    }

    /// The client's link; a new client gets one.
    fn link_of(self: &Arc<Self>, client: SocketAddr) -> io::Result<Arc<Link>> {
        if let Some(link) = lock(&self.links).find(client) {
            return Ok(link);
        }
        let any = if self.config.to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let upstream = UdpSocket::bind(any)?;
        upstream.connect(self.config.to)?;
        upstream.set_read_timeout(Some(LOOK_UP))?;
        let link = Arc::new(Link::new(client, upstream));
        lock(&self.links).insert(link.clone());
        let (shared, reader) = (self.clone(), link.clone());
        let thread = Builder::new().stack_size(STACK).spawn(move || read_server(&shared, &reader))?;
        let mut readers = lock(&self.readers);
        readers.retain(|reader| !reader.is_finished());
        readers.push(thread);
        Ok(link)
    }
}

/// Reads one datagram; `None` when there is none, for whatever reason: the server may be down for a moment.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    match socket.recv_from(buffer) {
        Ok(received) => Some(received),
        Err(error) => {
            use io::ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
            if !matches!(error.kind(), ConnectionRefused | Interrupted | TimedOut | WouldBlock) {
                std::thread::sleep(LOOK_UP); // a lasting error must not keep the processor busy
            }
            None
        }
    }
}

fn read_clients(shared: &Arc<Shared>) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    while !shared.stopped() {
        if let Some((length, client)) = receive(&shared.listen, &mut buffer)
            && let Ok(link) = shared.link_of(client)
        {
            shared.relay(&link, Direction::Up, &mut buffer[..length]);
        }
    }
}

fn read_server(shared: &Arc<Shared>, link: &Arc<Link>) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    while !shared.stopped() && !link.is_closed() {
        if let Some((length, _)) = receive(&link.upstream, &mut buffer) {
            shared.relay(link, Direction::Down, &mut buffer[..length]);
        }
    }
}

fn send_delayed(shared: &Arc<Shared>) {
    while let Some(delayed) = shared.queue.pop() {
        shared.send(&delayed.link, delayed.direction, &delayed.bytes);
    }
}
