//! What a worker does, turn by turn.

use super::Service;
use super::mailbox::{Inbox, Mailboxes, Word};
use super::transfers::{Name, Transfers};
use crate::backend::Port;
use crate::coap::{Frame, Options, is_response, option};
use crate::groups;
use crate::log;
use crate::metrics::Counts;
use crate::net::Peer;
use crate::steer::{Kind, kind};
use crate::sys::{Receiver, Sender, memory};
use lscoap::coap::option::uint_value;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The token of the waker; those of sockets are below, devices' first.
pub const WAKE: Token = Token(usize::MAX);

/// How many datagrams a turn takes at most: what the sockets have waiting at full load.
const TURN: usize = 512;
/// More than so many in a turn are too many: devices that have begun something go first.
const CROWD: usize = 64;
/// How many are answered before the answers are sent.
const ANSWERED: usize = 32;
/// How many of the back-end's are taken at once.
const BACKEND: usize = 64;
/// How often datagrams are counted that found no room.
const LOOK_MS: u64 = 1000;

/// A worker, whatever it runs.
pub struct Worker {
    pub number: u8,
    /// How a connection id of one of this node's workers begins, without the worker's number.
    pub node_prefix: Vec<u8>,
    pub poll: Poll,
    /// Those of devices, in the order of the addresses.
    pub sockets: Vec<UdpSocket>,
    pub inbox: Inbox,
    pub mailboxes: Mailboxes,
    pub transfers: Arc<Transfers>,
    pub groups: Option<groups::Handle>,
    pub counts: Counts,
    pub clock: Instant,
    /// Where the back-end is, and from how many ports it is spoken to.
    pub backend: Option<(SocketAddr, usize)>,
}

/// Why a worker has stopped.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Told,
    /// It was told to come to an end, and has.
    Drained,
}

/// A worker that runs.
pub struct Turns<'a> {
    worker: &'a mut Worker,
    service: &'a mut dyn Service,
    /// To the back-end, each from when it is used first.
    ports: Vec<Option<UdpSocket>>,
    /// Which devices' sockets may have more.
    readable: Vec<bool>,
    receiver: Receiver,
    from_backend: Receiver,
    sender: Sender,
    is_draining: bool,
    looked_ms: u64,
    lost: Vec<u32>,
}

impl Worker {
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Runs until it is told to stop.
    pub fn run(&mut self, service: &mut dyn Service) -> io::Result<End> {
        let count = self.sockets.len();
        let turns = Turns {
            ports: (0..self.backend.map_or(0, |(_, count)| count)).map(|_| None).collect(),
            worker: self,
            service,
            readable: vec![true; count],
            receiver: Receiver::new(TURN),
            from_backend: Receiver::new(BACKEND),
            sender: Sender::default(),
            is_draining: false,
            looked_ms: 0,
            lost: vec![0; count],
        };
        turns.run()
    }
}

impl Turns<'_> {
    fn run(mut self) -> io::Result<End> {
        let mut events = Events::with_capacity(128);
        if let Some(end) = self.read_words() {
            return Ok(end); // a panic may have lost the wake that said so
        }
        loop {
            let wait = self.wait();
            if let Err(error) = self.worker.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            self.worker.counts.turns.inc();
            let count = self.worker.sockets.len();
            for event in &events {
                match event.token() {
                    WAKE => {
                        if let Some(end) = self.read_words() {
                            return Ok(end);
                        }
                    }
                    Token(number) if number < count => {
                        if let Some(readable) = self.readable.get_mut(number) {
                            *readable = true;
                        }
                    }
                    Token(number) => self.receive_from_backend(number - count),
                }
            }
            self.receive();
            self.answer();
            let now_ms = self.worker.now_ms();
            if self.service.next_ms().is_some_and(|due| due <= now_ms) {
                self.service.poll(now_ms);
            }
            self.flush();
            self.service.hand_over();
            self.look(now_ms);
            if self.is_draining && self.service.is_idle() {
                return Ok(End::Drained);
            }
        }
    }

    /// How long there is nothing to do.
    fn wait(&self) -> Option<Duration> {
        if self.readable.contains(&true) {
            return Some(Duration::ZERO);
        }
        let due = self.service.next_ms()?;
        Some(Duration::from_millis(due.saturating_sub(self.worker.now_ms())))
    }

    fn read_words(&mut self) -> Option<End> {
        let now_ms = self.worker.now_ms();
        while let Some(word) = self.worker.inbox.take() {
            match word {
                Word::Stop => return Some(End::Told),
                Word::Datagram(peer, datagram) => self.service.received(now_ms, peer, &datagram),
                word => {
                    self.is_draining |= matches!(word, Word::Drain);
                    self.service.told(now_ms, word);
                }
            }
        }
        self.service.woken(now_ms);
        None
    }

    /// Takes what has come, from each socket in turn.
    fn receive(&mut self) {
        self.receiver.clear();
        while self.readable.contains(&true) && !self.receiver.is_full() {
            for ((socket, readable), number) in self.worker.sockets.iter().zip(&mut self.readable).zip(0..) {
                if *readable {
                    *readable = self.receiver.receive(socket.as_fd(), number).unwrap_or(false);
                }
            }
        }
        self.worker.counts.received.inc_by(self.receiver.len() as u64);
    }

    /// Answers what has come: where that is too much, those first who have begun something. What opens a handshake comes again.
    fn answer(&mut self) {
        let receiver = std::mem::replace(&mut self.receiver, Receiver::new(0));
        let count = receiver.len();
        if count <= CROWD {
            self.answer_those(&receiver, |_| true);
        } else {
            let opens = |datagram: &[u8]| matches!(kind(datagram), Kind::Opens | Kind::Other);
            self.answer_those(&receiver, |datagram| !opens(datagram));
            self.answer_those(&receiver, opens);
        }
        self.receiver = receiver;
    }

    fn answer_those(&mut self, receiver: &Receiver, takes: impl Fn(&[u8]) -> bool) {
        let mut now_ms = self.worker.now_ms();
        let mut answered = 0;
        for received in (0..receiver.len()).filter_map(|index| receiver.get(index)) {
            let (Some(peer), datagram) = (received.peer, received.datagram) else { continue };
            if !takes(datagram) || self.is_for_others(peer, datagram) {
                continue;
            }
            self.service.received(now_ms, peer, datagram);
            answered += 1;
            if answered % ANSWERED == 0 {
                self.flush();
                now_ms = self.worker.now_ms();
            }
        }
    }

    /// Hands over what is not for this worker.
    fn is_for_others(&mut self, peer: Peer, datagram: &[u8]) -> bool {
        let worker = &mut *self.worker;
        if let Some(groups) = worker.groups.as_ref().filter(|groups| groups.is_answer(datagram)) {
            groups.answer(datagram);
            return true;
        }
        if worker.mailboxes.count() < 2 {
            return false;
        }
        let Kind::Block { tag, cid } = kind(datagram) else { return false };
        let name = name(tag, peer);
        let owner = match cid.and_then(|cid| worker.owner(cid)) {
            Some(owner) => {
                worker.transfers.note(name, owner);
                Some(owner)
            }
            None => worker.transfers.find(name),
        };
        match owner {
            Some(owner) if owner != worker.number => {
                worker.mailboxes.tell(owner.into(), Word::Datagram(peer, datagram.into()));
                true
            }
            _ => false,
        }
    }

    fn receive_from_backend(&mut self, port: Port) {
        let now_ms = self.worker.now_ms();
        loop {
            let Some(Some(socket)) = self.ports.get(port) else { return };
            self.from_backend.clear();
            let more = match self.from_backend.receive(socket.as_fd(), 0) {
                Ok(more) => more,
                Err(error) if is_of_icmp(&error) => {
                    self.service.unreachable(now_ms, port);
                    true // there may be something behind it
                }
                Err(_) => false,
            };
            for received in (0..self.from_backend.len()).filter_map(|index| self.from_backend.get(index)) {
                self.service.backend_said(now_ms, port, received.datagram);
            }
            if !more {
                return;
            }
            self.flush();
        }
    }

    /// Sends what there is to send.
    fn flush(&mut self) {
        self.send_to_backend();
        for (device, made_ms) in self.service.take_confirmed() {
            let word = || Word::Confirmed(device.clone(), made_ms);
            self.worker.mailboxes.tell_others(self.worker.number.into(), word);
        }
        let outbox = self.service.to_devices();
        if outbox.is_empty() {
            return;
        }
        if self.worker.mailboxes.count() > 1 {
            for (peer, _) in outbox.iter().filter(|(_, datagram)| goes_on_in_blocks(datagram)) {
                self.worker.transfers.note(Name::Address(peer.address), self.worker.number);
            }
        }
        for (socket, number) in self.worker.sockets.iter().zip(0..) {
            let sent = self.sender.send(socket.as_fd(), number, outbox);
            self.worker.counts.sent.inc_by(sent.sent);
            self.worker.counts.unsent.inc_by(sent.failed);
        }
        outbox.clear();
    }

    fn send_to_backend(&mut self) {
        while !self.service.to_backend().is_empty() {
            let mut outbox = std::mem::take(self.service.to_backend());
            let now_ms = self.worker.now_ms();
            let mut dead = Vec::new();
            for (port, datagram) in outbox.iter() {
                if dead.contains(&port) {
                    continue; // it has been given up
                }
                match self.worker.port(&mut self.ports, port) {
                    // An error is about an earlier one. This one has not been sent, and is given up with all that went there.
                    Ok(socket) if socket.send(datagram).is_err_and(|error| is_of_icmp(&error)) => {
                        dead.push(port);
                        self.service.unreachable(now_ms, port);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        log::say(
                            log::Kind::BackendDown,
                            None,
                            None,
                            format_args!("no port to the back-end: {error}"),
                        );
                        dead.push(port);
                        self.service.unreachable(now_ms, port);
                    }
                }
            }
            outbox.clear();
            if self.service.to_backend().is_empty() {
                *self.service.to_backend() = outbox; // its memory is used again
            }
        }
    }

    /// Counts what found no room, or was dropped by the filter.
    fn look(&mut self, now_ms: u64) {
        if now_ms < self.looked_ms + LOOK_MS {
            return;
        }
        self.looked_ms = now_ms;
        for (socket, lost) in self.worker.sockets.iter().zip(&mut self.lost) {
            if let Ok(memory) = memory(socket.as_fd()) {
                self.worker.counts.lost.inc_by(memory.dropped.wrapping_sub(*lost).into());
                *lost = memory.dropped;
            }
        }
    }
}

impl Worker {
    /// A port to the back-end, which is opened where it is not.
    fn port<'a>(&self, ports: &'a mut [Option<UdpSocket>], number: Port) -> io::Result<&'a mut UdpSocket> {
        let ((backend, _), place) =
            (self.backend.zip(ports.get_mut(number))).ok_or(io::ErrorKind::NotFound)?;
        match place {
            Some(socket) => Ok(socket),
            None => {
                let any: IpAddr = if backend.is_ipv4() {
                    Ipv4Addr::UNSPECIFIED.into()
                } else {
                    Ipv6Addr::UNSPECIFIED.into()
                };
                let mut socket = UdpSocket::bind((any, 0).into())?;
                socket.connect(backend)?;
                let token = Token(self.sockets.len() + number);
                self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
                Ok(place.insert(socket))
            }
        }
    }

    /// The worker that made a connection id, if it is of this node.
    fn owner(&self, cid: &[u8]) -> Option<u8> {
        let (number, _) = cid.strip_prefix(&*self.node_prefix)?.split_first()?;
        u8::try_from(usize::from(*number) % self.mailboxes.count().max(1)).ok()
    }
}

/// Nobody listens there, or there is no way to go there.
fn is_of_icmp(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

fn name(tag: Option<&[u8]>, peer: Peer) -> Name<'_> {
    tag.map_or(Name::Address(peer.address), Name::Tag)
}

/// Whether an answer is the first of several blocks: the next ones are asked for without a connection id.
fn goes_on_in_blocks(datagram: &[u8]) -> bool {
    let Ok(frame) = Frame::read(datagram) else { return false };
    is_response(frame.code)
        && Options::of(datagram, &frame).any(|(number, value)| {
            number == option::BLOCK2 && uint_value(value).is_ok_and(|block| block & 8 != 0)
        })
}

impl Worker {
    /// Waits, and forgets what it is told meanwhile. Whether it was told to stop.
    pub fn rests(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10).min(pause));
            while let Some(word) = self.inbox.take() {
                if matches!(word, Word::Drain | Word::Stop) {
                    return true;
                }
            }
        }
        false
    }
}
