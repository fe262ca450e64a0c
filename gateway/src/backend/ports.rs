//! The ports that the back-end is spoken to from. A message id is not used again on a port within EXCHANGE_LIFETIME (RFC 7252 section 4.4),
//! and, as back-ends know transfers by endpoints, most ports belong to one session for as long as it needs them: while a request of its is
//! under way there, a transfer or an observation. On the others, the shared ones, requests of many meet that need nothing of the kind.

use super::{Port, SessionKey};
use std::collections::{HashMap, VecDeque};

/// A transfer that has not been gone on with for so long is given up: MAX_TRANSMIT_WAIT, in ms.
pub const TRANSFER_IDLE_MS: u64 = 93_000;
/// Where another session needs the port, so long is enough.
const TRANSFER_YIELDS_MS: u64 = 10_000;
/// How often it is looked for such ones while there are few free ports.
const EXPIRES_MS: u64 = 1000;
/// Transfers of a session at once; further ones take the place of the oldest.
const TRANSFERS: usize = 4;

/// Which message ids of a port were used lately: they are given in turn, so it is enough to count them by the second.
struct MessageIds {
    next: u16,
    used: u32,
    seconds: VecDeque<(u64, u32)>,
}

impl MessageIds {
    fn new(first: u16) -> Self {
        Self { next: first, used: 0, seconds: VecDeque::new() }
    }

    fn take(&mut self, now_ms: u64, lifetime_ms: u64) -> Option<u16> {
        let second = now_ms / 1000;
        while let Some((then, count)) = self.seconds.front().copied() {
            if (then + 1) * 1000 + lifetime_ms > now_ms {
                break;
            }
            self.used -= count;
            self.seconds.pop_front();
        }
        if self.used > u32::from(u16::MAX) {
            return None;
        }
        self.used += 1;
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.seconds.push_back((second, 1)),
        }
        let id = self.next;
        self.next = id.wrapping_add(1);
        Some(id)
    }
}

/// Whose a port is.
struct Owner {
    session: SessionKey,
    /// Its requests and observations there.
    exchanges: usize,
    /// Transfers between two blocks, and until when the next one may come.
    transfers: Vec<(u64, u64)>,
}

/// All ports of a worker.
pub struct Ports {
    lifetime_ms: u64,
    ids: Vec<MessageIds>,
    /// Ports below this number are shared.
    shared: usize,
    next_shared: usize,
    owners: HashMap<Port, Owner>,
    of_sessions: HashMap<SessionKey, Port>,
    /// Those that nobody owns, the one that has waited longest first.
    free: VecDeque<Port>,
    expired_ms: u64,
}

/// A port and an id that are free.
pub struct Place {
    /// Through which port.
    pub port: Port,
    /// The message id.
    pub id: u16,
    /// Whether the port is the session's own until the exchange ends.
    pub is_own: bool,
}

impl Ports {
    /// So many; `first_id` gives the first id of each.
    pub fn new(count: usize, lifetime_ms: u64, mut first_id: impl FnMut() -> u16) -> Self {
        let shared = (count / 4).max(1);
        Self {
            lifetime_ms,
            ids: (0..count).map(|_| MessageIds::new(first_id())).collect(),
            shared,
            next_shared: 0,
            owners: HashMap::new(),
            of_sessions: HashMap::new(),
            free: (shared..count).collect(),
            expired_ms: 0,
        }
    }

    /// A free id on a port, for an exchange that is there already.
    pub fn id(&mut self, port: Port, now_ms: u64) -> Option<u16> {
        self.ids.get_mut(port)?.take(now_ms, self.lifetime_ms)
    }

    /// The port that a session owns.
    pub fn of(&self, session: SessionKey) -> Option<Port> {
        self.of_sessions.get(&session).copied()
    }

    /// Another exchange on the port that the session owns.
    pub fn again(&mut self, now_ms: u64, session: SessionKey) -> Option<Place> {
        let port = self.of(session)?;
        let id = self.id(port, now_ms)?;
        self.owners.get_mut(&port)?.exchanges += 1;
        Some(Place { port, id, is_own: true })
    }

    /// A port of the session's own: the one that it has, or one that is free, or one whose owner has left a transfer lying.
    pub fn own(&mut self, now_ms: u64, session: SessionKey) -> Option<Place> {
        if self.of(session).is_some() {
            return self.again(now_ms, session);
        }
        if self.free.is_empty() {
            self.expire(now_ms);
        }
        if self.free.is_empty() {
            self.evict(now_ms);
        }
        for _ in 0..self.free.len() {
            let port = self.free.pop_front()?;
            if let Some(id) = self.id(port, now_ms) {
                self.owners.insert(port, Owner { session, exchanges: 1, transfers: Vec::new() });
                self.of_sessions.insert(session, port);
                return Some(Place { port, id, is_own: true });
            }
            self.free.push_back(port);
        }
        None
    }

    /// A place for a request that needs no port of its own, if there is one to spare: half of them are kept for those that do.
    pub fn any(&mut self, now_ms: u64, session: SessionKey) -> Option<Place> {
        if self.of(session).is_some() {
            return self.again(now_ms, session);
        }
        let has_spare = self.has_spare() || {
            if now_ms >= self.expired_ms + EXPIRES_MS {
                self.expire(now_ms);
            }
            self.has_spare()
        };
        let own = if has_spare { self.own(now_ms, session) } else { None };
        own.or_else(|| self.shared(now_ms))
            .or_else(|| if has_spare { None } else { self.own(now_ms, session) })
    }

    fn has_spare(&self) -> bool {
        self.free.len() * 2 > self.ids.len().saturating_sub(self.shared)
    }

    fn shared(&mut self, now_ms: u64) -> Option<Place> {
        let shared = self.shared.min(self.ids.len());
        (0..shared).find_map(|_| {
            let port = self.next_shared;
            self.next_shared = (port + 1) % shared;
            self.id(port, now_ms).map(|id| Place { port, id, is_own: false })
        })
    }

    fn evict(&mut self, now_ms: u64) {
        let until = |owner: &Owner| owner.transfers.iter().map(|(_, until)| *until).max();
        let lying = self.owners.iter().filter(|(_, owner)| owner.exchanges == 0);
        let oldest = lying.filter_map(|(port, owner)| Some((until(owner)?, *port))).min();
        if let Some((until, port)) = oldest
            && until.saturating_sub(TRANSFER_IDLE_MS) + TRANSFER_YIELDS_MS <= now_ms
        {
            self.release(port);
        }
    }

    fn release(&mut self, port: Port) {
        if let Some(owner) = self.owners.remove(&port) {
            self.of_sessions.remove(&owner.session);
            self.free.push_back(port);
        }
    }

    /// An exchange on a port has ended. `transfer` says of a transfer that it was part of whether there is more to come.
    pub fn ended(&mut self, now_ms: u64, port: Port, transfer: Option<(u64, bool)>) {
        let Some(owner) = self.owners.get_mut(&port) else { return };
        owner.exchanges = owner.exchanges.saturating_sub(1);
        if let Some((key, more)) = transfer {
            note(owner, now_ms, key, more);
        }
        if owner.exchanges == 0 && owner.transfers.is_empty() {
            self.release(port);
        }
    }

    /// A transfer begins with an answer of an exchange that has not ended: a notification.
    pub fn goes_on(&mut self, now_ms: u64, port: Port, key: u64) {
        if let Some(owner) = self.owners.get_mut(&port) {
            note(owner, now_ms, key, true);
        }
    }

    /// The session goes on with no transfer.
    pub fn forget_transfers(&mut self, session: SessionKey) {
        let Some(port) = self.of(session) else { return };
        let Some(owner) = self.owners.get_mut(&port) else { return };
        owner.transfers.clear();
        if owner.exchanges == 0 {
            self.release(port);
        }
    }

    /// Gives back what was left lying for too long: where ports are wanted, so that it takes no timer.
    fn expire(&mut self, now_ms: u64) {
        self.expired_ms = now_ms;
        let mut over = Vec::new();
        for (port, owner) in &mut self.owners {
            owner.transfers.retain(|(_, until)| *until > now_ms);
            if owner.exchanges == 0 && owner.transfers.is_empty() {
                over.push(*port);
            }
        }
        over.into_iter().for_each(|port| self.release(port));
    }
}

fn note(owner: &mut Owner, now_ms: u64, key: u64, more: bool) {
    owner.transfers.retain(|(other, until)| *other != key && *until > now_ms);
    if more {
        if owner.transfers.len() == TRANSFERS {
            owner.transfers.remove(0);
        }
        owner.transfers.push((key, now_ms + TRANSFER_IDLE_MS));
    }
}
