//! Confirmable messages of our own, separate answers and notifications, until they are acknowledged (RFC 7252 section 4.2); and the
//! message ids of all messages of our own.

use crate::backend::Ticket;
use crate::net::{Outbox, Peer};
use ahash::{HashMap, HashMapExt};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;

/// ACK_TIMEOUT, in ms; each message waits up to half as long again.
const ACK_TIMEOUT_MS: u64 = 2000;
/// MAX_RETRANSMIT.
const RETRANSMIT_MAX: u8 = 4;
/// How many may be under way at most: one more than that is sent once, ...
const UNDER_WAY_MAX: usize = 65_536 / 8;
/// ... and so is one more than these to one peer: one that acknowledges nothing takes no room from others.
const OF_PEER: u8 = 16;

struct Sent {
    peer: Peer,
    message: Vec<u8>,
    attempts: u8,
    timeout_ms: u64,
    next_ms: u64,
    observation: Option<Ticket>,
}

/// What became of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It arrived.
    Acknowledged,
    /// The device does not know what it is about.
    Reset,
}

/// Messages of our own.
pub struct Confirmables {
    next_id: u16,
    step: u16,
    /// How many may be under way: half of the ids, so that there is always another one.
    most: usize,
    sent: HashMap<u16, Sent>,
    /// How many of them are each peer's.
    of_peer: HashMap<SocketAddr, u8>,
    due: BinaryHeap<Reverse<(u64, u16)>>,
    /// Non-confirmable notifications that a reset may name: the newest with each id.
    notifications: HashMap<u16, (Peer, Ticket)>,
}

impl Confirmables {
    /// Of a worker: its ids leave its number when divided by the number of workers, so that an acknowledgement finds it.
    pub fn new(worker: u16, workers: u16, random: u16) -> Self {
        let step = workers.max(1);
        let next_id = (random / step).saturating_mul(step).checked_add(worker).unwrap_or(worker);
        let most = UNDER_WAY_MAX.min(65_536 / usize::from(step) / 2);
        Self {
            next_id,
            step,
            most,
            sent: HashMap::new(),
            of_peer: HashMap::new(),
            due: BinaryHeap::new(),
            notifications: HashMap::new(),
        }
    }

    /// The id of another message, not that of one under way. Ids go round in some 65,536 / workers messages.
    pub fn id(&mut self) -> u16 {
        loop {
            let id = self.next_id;
            let worker = id % self.step;
            self.next_id = id.checked_add(self.step).unwrap_or(worker);
            if !self.sent.contains_key(&id) {
                return id;
            }
        }
    }

    /// Sends a confirmable message, with this id, and goes on until it is acknowledged. `spread` is random, from 0 up to 1. `false`: there
    /// are too many under way, and nothing will be heard of this one.
    pub fn send(
        &mut self,
        now_ms: u64,
        to: (Peer, u16),
        message: Vec<u8>,
        observation: Option<Ticket>,
        spread: f64,
        out: &mut Outbox<Peer>,
    ) -> bool {
        let (peer, id) = to;
        out.put(peer, &message);
        let of_peer = self.of_peer.get(&peer.address).copied().unwrap_or(0);
        if self.sent.len() >= self.most || of_peer >= OF_PEER || self.sent.contains_key(&id) {
            return false;
        }
        self.of_peer.insert(peer.address, of_peer + 1);
        let timeout_ms = ACK_TIMEOUT_MS + (ACK_TIMEOUT_MS as f64 / 2.0 * spread) as u64;
        let next_ms = now_ms.saturating_add(timeout_ms);
        self.due.push(Reverse((next_ms, id)));
        self.sent.insert(id, Sent { peer, message, attempts: 0, timeout_ms, next_ms, observation });
        true
    }

    /// One is over.
    fn end(&mut self, id: u16) -> Option<Sent> {
        let sent = self.sent.remove(&id)?;
        if let Entry::Occupied(mut count) = self.of_peer.entry(sent.peer.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some(sent)
    }

    /// Remembers whose a notification was that nobody acknowledges.
    pub fn remember(&mut self, id: u16, peer: Peer, observation: Ticket) {
        self.notifications.insert(id, (peer, observation));
    }

    /// An acknowledgement or a reset of this peer's. The observation that it was about.
    pub fn take(&mut self, peer: Peer, id: u16, end: End) -> Option<Ticket> {
        let is_from = |other: &Peer| other.address == peer.address;
        if self.sent.get(&id).is_some_and(|sent| is_from(&sent.peer)) {
            return self.end(id)?.observation;
        }
        if end != End::Reset {
            return None;
        }
        self.notifications.get(&id).filter(|(to, _)| is_from(to))?;
        self.notifications.remove(&id).map(|(_, ticket)| ticket)
    }

    /// Sends again what is due. The observations whose notification nobody acknowledged.
    pub fn poll(&mut self, now_ms: u64, out: &mut Outbox<Peer>) -> Vec<Ticket> {
        let mut over = Vec::new();
        while let Some(Reverse((due, id))) = self.due.peek().copied()
            && due <= now_ms
        {
            self.due.pop();
            let Some(sent) = self.sent.get_mut(&id).filter(|sent| sent.next_ms == due) else { continue };
            if sent.attempts == RETRANSMIT_MAX {
                over.extend(self.end(id).and_then(|sent| sent.observation));
                continue;
            }
            sent.attempts += 1;
            sent.timeout_ms = sent.timeout_ms.saturating_mul(2);
            sent.next_ms = now_ms.saturating_add(sent.timeout_ms);
            self.due.push(Reverse((sent.next_ms, id)));
            out.put(sent.peer, &sent.message);
        }
        over
    }

    /// Gives up a message of an observation that is over.
    pub fn forget(&mut self, id: u16) {
        self.end(id);
    }

    /// When something is due.
    pub fn next_ms(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.sent.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> Peer {
        Peer { address: ([127, 0, 0, 1], port).into(), local: None, socket: 0 }
    }

    #[test]
    fn ids_say_whose_they_are() {
        for (worker, workers) in [(0, 1), (0, 3), (2, 3), (6, 7)] {
            let mut own = Confirmables::new(worker, workers, u16::MAX);
            let ids: Vec<_> = (0..70_000).map(|_| own.id()).collect();
            assert!(ids.iter().all(|id| id % workers == worker), "{worker} of {workers}");
            let round = 65_536 / usize::from(workers);
            assert_ne!(ids[0], ids[1]);
            assert!(ids[..round - 1].iter().collect::<std::collections::HashSet<_>>().len() == round - 1);
        }
    }

    #[test]
    fn sent_five_times_then_given_up() {
        let (mut own, mut out) = (Confirmables::new(0, 1, 0), Outbox::new());
        let id = own.id();
        own.send(0, (peer(1), id), b"m".to_vec(), Some(9), 0.5, &mut out);
        let mut times = vec![0];
        let over = loop {
            let due = own.next_ms().unwrap();
            let before = out.len();
            let over = own.poll(due, &mut out);
            if out.len() > before {
                times.push(due);
            }
            if !over.is_empty() {
                break over;
            }
        };
        assert_eq!((over, times, out.len()), (vec![9], vec![0, 2500, 7500, 17_500, 37_500], 5));
        assert!(own.is_idle() && own.next_ms().is_none());
    }

    #[test]
    fn a_peer_that_acknowledges_nothing_takes_no_room() {
        let (mut own, mut out) = (Confirmables::new(0, 1, 0), Outbox::new());
        let mut send = |own: &mut Confirmables, port| {
            let id = own.id();
            own.send(0, (peer(port), id), b"m".to_vec(), None, 0.0, &mut out).then_some(id)
        };
        let sent: Vec<_> = (0..1000).filter_map(|_| send(&mut own, 1)).collect();
        assert_eq!(sent.len(), usize::from(OF_PEER));
        assert!(send(&mut own, 2).is_some());
        own.take(peer(1), sent[0], End::Acknowledged);
        own.forget(sent[1]);
        assert_eq!((0..9).filter(|_| send(&mut own, 1).is_some()).count(), 2);
        (1..7).for_each(|time| drop(own.poll(time << 20, &mut Outbox::new())));
        assert!(own.is_idle() && own.of_peer.is_empty());
    }

    #[test]
    fn acknowledged_by_the_one_who_got_it() {
        let (mut own, mut out) = (Confirmables::new(0, 1, 0), Outbox::new());
        own.send(0, (peer(1), 5), b"m".to_vec(), Some(9), 0.0, &mut out);
        assert_eq!(own.take(peer(2), 5, End::Acknowledged), None);
        assert_eq!(own.take(peer(1), 6, End::Acknowledged), None);
        assert!(!own.is_idle());
        assert_eq!(own.take(peer(1), 5, End::Acknowledged), Some(9));
        assert!(own.is_idle() && own.poll(1 << 20, &mut out).is_empty());
        assert_eq!(out.len(), 1);
        // A reset may name a notification that was not confirmable.
        own.remember(7, peer(1), 3);
        assert_eq!(own.take(peer(1), 7, End::Acknowledged), None);
        assert_eq!(own.take(peer(2), 7, End::Reset), None);
        assert_eq!(own.take(peer(1), 7, End::Reset), Some(3));
        assert_eq!(own.take(peer(1), 7, End::Reset), None);
    }

    #[test]
    fn ids_under_way_are_nobody_elses_and_there_is_always_another_one() {
        for workers in [1, 3, 255] {
            let (mut own, mut out) = (Confirmables::new(0, workers, 0), Outbox::new());
            let mut ids = std::collections::HashSet::new();
            loop {
                let id = own.id();
                assert!(ids.insert(id));
                if !own.send(0, (peer(id), id), b"m".to_vec(), None, 0.0, &mut out) {
                    break;
                }
            }
            assert!(ids.len() > 128);
            for _ in 0..70_000 {
                let id = own.id();
                assert!(!own.sent.contains_key(&id));
            }
        }
    }
}
