//! Sockets, threads, and what happens when one of them panics.

use super::Service;
use super::mailbox::{Inbox, Mailboxes, Word};
use super::transfers::Transfers;
use super::turn::{End, WAKE, Worker};
use crate::backend::Ticket;
use crate::groups;
use crate::log::{self, Kind};
use crate::metrics::{Counts, Metrics};
use crate::{steer, sys};
use mio::{Interest, Poll, Token, Waker};
use socket2::SockRef;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A worker that panicked begins again after so long, twice as long each time in a row, ...
const PAUSE: Duration = Duration::from_millis(10);
/// ... at most so long; what has run for longer begins at the shortest.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Of which worker something is.
#[derive(Clone)]
pub struct Place {
    /// Its number, from 0. Message ids of confirmable messages of its own leave this when divided by `workers`.
    pub number: u8,
    /// How many there are.
    pub workers: u8,
    /// What its connection ids begin with.
    pub cid_prefix: Vec<u8>,
    /// What it counts.
    pub counts: Counts,
}

/// Makes what a worker runs, in its thread; again after a panic.
pub type Make = Arc<dyn Fn(&Place) -> Result<Box<dyn Service>, String> + Send + Sync>;

/// Sockets that are bound, and workers that do not run yet.
pub struct Setup {
    node_prefix: Vec<u8>,
    /// For each address those of the workers, in their order.
    sockets: Arc<[Vec<UdpSocket>]>,
    parts: Vec<(Poll, Inbox)>,
    mailboxes: Mailboxes,
    wakers: Vec<Arc<Waker>>,
}

impl Setup {
    /// Binds the sockets of all workers. `node_prefix` is what the node's connection ids begin with, in front of the worker's number.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::InvalidInput`] for no address, more than 64, or no worker.
    pub fn bind(listen: &[SocketAddr], workers: u8, node_prefix: &[u8]) -> io::Result<Self> {
        if listen.is_empty() || listen.len() > 64 || workers == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // Where an IPv4 address has the port as well, `[::]` leaves IPv4 to it.
        let only_v6 = |address: &SocketAddr| {
            listen
                .iter()
                .any(|other| other.is_ipv4() && other.port() == address.port() && address.port() != 0)
        };
        let sockets = listen
            .iter()
            .map(|address| group(*address, only_v6(address), workers, node_prefix))
            .collect::<io::Result<Vec<_>>>()?;
        let polls = (0..workers).map(|_| Poll::new()).collect::<io::Result<Vec<_>>>()?;
        let wakers = (polls.iter().map(|poll| Ok(Arc::new(Waker::new(poll.registry(), WAKE)?))))
            .collect::<io::Result<Vec<_>>>()?;
        let (mailboxes, inboxes) = Mailboxes::new(wakers.iter().cloned());
        let parts = polls.into_iter().zip(inboxes).collect();
        Ok(Self { node_prefix: node_prefix.to_vec(), sockets: sockets.into(), parts, mailboxes, wakers })
    }

    /// The addresses that are listened on, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets
            .iter()
            .flatten()
            .step_by(self.parts.len())
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }

    /// Tells workers something.
    pub fn mailboxes(&self) -> Mailboxes {
        self.mailboxes.clone()
    }

    /// What wakes a worker: its outcomes of the store have come.
    pub fn waker(&self, worker: u8) -> Option<Arc<Waker>> {
        self.wakers.get(usize::from(worker)).cloned()
    }

    /// What groups do to the world through these sockets.
    pub fn world(&self) -> Box<dyn groups::World> {
        Box::new(World { sockets: self.sockets.clone(), mailboxes: self.mailboxes.clone() })
    }

    /// Starts the workers. The back-end is spoken to from as many ports a worker as it says.
    ///
    /// # Errors
    /// Those of the system, and of `make`: nothing runs then.
    pub fn start(
        self,
        backend: Option<(SocketAddr, usize)>,
        groups: Option<groups::Handle>,
        metrics: &Metrics,
        make: &Make,
    ) -> io::Result<Gateway> {
        let (addresses, workers) = (self.addresses(), self.parts.len());
        let (transfers, clock) = (Arc::new(Transfers::default()), Instant::now());
        let mut gateway = Gateway {
            addresses,
            mailboxes: self.mailboxes.clone(),
            threads: Vec::new(),
            _sockets: self.sockets.clone(),
        };
        let (ready, outcomes) = sync_channel(workers);
        for ((poll, inbox), number) in self.parts.into_iter().zip(0..) {
            let mut sockets = Vec::new();
            for (socket, token) in
                self.sockets.iter().filter_map(|group| group.get(usize::from(number))).zip(0..)
            {
                let mut socket = mio::net::UdpSocket::from_std(socket.try_clone()?);
                poll.registry().register(&mut socket, Token(token), Interest::READABLE)?;
                sockets.push(socket);
            }
            let counts = metrics.worker(number);
            let worker = Worker {
                number,
                node_prefix: self.node_prefix.clone(),
                poll,
                sockets,
                inbox,
                mailboxes: self.mailboxes.clone(),
                transfers: transfers.clone(),
                groups: groups.clone(),
                counts: counts.clone(),
                clock,
                backend,
            };
            let place = Place {
                number,
                workers: u8::try_from(workers).unwrap_or(u8::MAX),
                cid_prefix: [&self.node_prefix[..], &[number]].concat(),
                counts,
            };
            let (make, ready) = (make.clone(), ready.clone());
            let thread = std::thread::Builder::new()
                .name(format!("worker {number}"))
                .spawn(move || keep_running(worker, &place, &make, ready))?;
            gateway.threads.push(thread);
        }
        drop(ready);
        outcomes.iter().collect::<Result<(), String>>().map_err(io::Error::other)?;
        Ok(gateway)
    }
}

/// The sockets of an address, in the order of the workers.
fn group(address: SocketAddr, only_v6: bool, workers: u8, node_prefix: &[u8]) -> io::Result<Vec<UdpSocket>> {
    sys::check_is_free(address, only_v6)?;
    let first = sys::bind(address, only_v6)?;
    let address = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(sys::bind(address, only_v6)?);
    }
    if let [first, _, ..] = &*sockets {
        sys::attach_steering(first, &steer::workers(node_prefix, workers))?;
    }
    let early = steer::early();
    sockets.iter().try_for_each(|socket| sys::attach_filter(socket, &early))?;
    Ok(sockets)
}

/// A worker's thread: runs what `make` makes, and again after a panic.
fn keep_running(mut worker: Worker, place: &Place, make: &Make, ready: SyncSender<Result<(), String>>) {
    let mut ready = Some(ready);
    let mut pause = PAUSE;
    loop {
        let began = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let service = make(place);
            if let Some(ready) = ready.take() {
                let outcome = service.as_ref().map(|_| ()).map_err(Clone::clone);
                let has_failed = outcome.is_err();
                let _ = ready.send(outcome);
                if has_failed {
                    return Ok(End::Told);
                }
            }
            worker.run(&mut *service?).map_err(|error| error.to_string())
        }));
        match ended {
            Ok(Ok(end)) => {
                tracing::debug!(worker = place.number, ?end, "worker ended");
                return;
            }
            Ok(Err(error)) => {
                log::say(Kind::Worker, None, None, format_args!("worker {} failed: {error}", place.number))
            }
            // What it said is on stderr.
            Err(_) => log::say(Kind::Worker, None, None, format_args!("worker {} panicked", place.number)),
        }
        worker.counts.restarts.inc();
        if began.elapsed() > LONGEST_PAUSE {
            pause = PAUSE;
        }
        if worker.rests(pause) {
            return;
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// The workers, running.
pub struct Gateway {
    addresses: Vec<SocketAddr>,
    mailboxes: Mailboxes,
    threads: Vec<JoinHandle<()>>,
    /// Each socket keeps its place while this is here.
    _sockets: Arc<[Vec<UdpSocket>]>,
}

impl Gateway {
    /// The addresses that are listened on, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Tells workers something.
    pub fn mailboxes(&self) -> &Mailboxes {
        &self.mailboxes
    }

    /// Has the workers take no more on, waits until nothing is under way, at most so long, and ends them. Whether nothing was cut off.
    pub fn stop(mut self, at_most: Duration) -> bool {
        let end = Instant::now() + at_most;
        self.mailboxes.tell_all(|| Word::Drain);
        while Instant::now() < end && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(PAUSE);
        }
        let is_done = self.threads.iter().all(JoinHandle::is_finished);
        self.end();
        is_done
    }

    fn end(&mut self) {
        self.mailboxes.tell_all(|| Word::Stop);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end();
    }
}

/// What groups do to the world.
struct World {
    sockets: Arc<[Vec<UdpSocket>]>,
    mailboxes: Mailboxes,
}

impl groups::World for World {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        let sockets = self.sockets.iter().filter_map(|group| group.first());
        let address =
            |socket: &UdpSocket| socket.local_addr().ok().filter(|here| here.is_ipv4() == to.is_ipv4());
        let Some((socket, here)) = sockets.filter_map(|socket| Some((socket, address(socket)?))).next()
        else {
            return tracing::warn!(%to, "no address of this family is listened on");
        };
        if let SocketAddr::V4(here) = here
            && to.ip().is_multicast()
            && !here.ip().is_unspecified()
        {
            let _ = SockRef::from(socket).set_multicast_if_v4(here.ip());
        }
        if let Err(error) = socket.send_to(datagram, to) {
            tracing::warn!(%to, %error, "a datagram to a group could not be sent");
        }
    }

    fn reply(&mut self, worker: usize, ticket: Ticket, message: Vec<u8>) {
        self.mailboxes.tell(worker, Word::Reply(ticket, message));
    }
}
