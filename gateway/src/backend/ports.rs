//! The ports that the back-end is spoken to from. A message id is not used again on a port within EXCHANGE_LIFETIME (RFC 7252 section 4.4),
//! and, as back-ends know transfers by endpoints, most ports belong to one device for as long as it needs them: while a request of its is
//! under way there, a transfer or an observation. On the others, the shared ones, requests of many meet that need nothing of the kind.

use super::Port;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A download that has not been gone on with for so long is given up: MAX_TRANSMIT_WAIT, in ms.
const DOWNLOAD_IDLE_MS: u64 = 93_000;
/// Where another device needs the port, so long is enough.
const DOWNLOAD_YIELDS_MS: u64 = 10_000;
/// How often it is looked for such ones while there are few free ports.
const EXPIRES_MS: u64 = 1000;
/// Transfers of a device at once. A download too many takes the place of the oldest; an upload finds no room.
const TRANSFERS: usize = 8;

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

/// A device's id.
pub type Device = Arc<[u8]>;

/// What is left of a transfer when an exchange ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// Nothing: it is complete, or the back-end will begin anew.
    Nothing,
    /// There are more blocks of the answer.
    Download,
    /// The back-end has a part of a body. Another one's must not meet it: the port stays with the device until it is forgotten.
    Upload,
}

/// A transfer between two blocks.
struct Transfer {
    key: u64,
    left: Left,
    /// When it was gone on with.
    at_ms: u64,
    until_ms: u64,
}

/// Whose a port is.
struct Owner {
    device: Device,
    /// Its requests and observations there.
    exchanges: usize,
    transfers: Vec<Transfer>,
}

/// All ports of a worker.
pub struct Ports {
    lifetime_ms: u64,
    ids: Vec<MessageIds>,
    /// Ports below this number are shared.
    shared: usize,
    next_shared: usize,
    owners: HashMap<Port, Owner>,
    of_devices: HashMap<Device, Port>,
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
    /// Whether the port is the device's own until the exchange ends.
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
            of_devices: HashMap::new(),
            free: (shared..count).collect(),
            expired_ms: 0,
        }
    }

    /// A free id on a port, for an exchange that is there already.
    pub fn id(&mut self, port: Port, now_ms: u64) -> Option<u16> {
        self.ids.get_mut(port)?.take(now_ms, self.lifetime_ms)
    }

    fn of(&self, device: &[u8]) -> Option<Port> {
        self.of_devices.get(device).copied()
    }

    /// Whether a device may go on with a transfer.
    pub fn has_transfer(&self, device: &[u8], key: u64) -> bool {
        let owner = self.of(device).and_then(|port| self.owners.get(&port));
        owner.is_some_and(|owner| owner.transfers.iter().any(|it| it.key == key))
    }

    /// Whether a device may begin to send a body.
    pub fn may_upload(&self, device: &[u8], key: u64) -> bool {
        let owner = self.of(device).and_then(|port| self.owners.get(&port));
        let others = |it: &&Transfer| it.left == Left::Upload && it.key != key;
        owner.is_none_or(|owner| owner.transfers.iter().filter(others).count() < TRANSFERS)
    }

    /// Another exchange on the port that the device owns.
    pub fn again(&mut self, now_ms: u64, device: &Device) -> Option<Place> {
        let port = self.of(device)?;
        let id = self.id(port, now_ms)?;
        self.owners.get_mut(&port)?.exchanges += 1;
        Some(Place { port, id, is_own: true })
    }

    /// A port of the device's own: the one that it has, or one that is free, or one whose owner has left a download lying.
    pub fn own(&mut self, now_ms: u64, device: &Device) -> Option<Place> {
        if self.of(device).is_some() {
            return self.again(now_ms, device);
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
                let owner = Owner { device: device.clone(), exchanges: 1, transfers: Vec::new() };
                self.owners.insert(port, owner);
                self.of_devices.insert(device.clone(), port);
                return Some(Place { port, id, is_own: true });
            }
            self.free.push_back(port);
        }
        None
    }

    /// A place for a request that needs no port of its own, if there is one to spare: half of them are kept for those that do.
    pub fn any(&mut self, now_ms: u64, device: &Device) -> Option<Place> {
        if self.of(device).is_some() {
            return self.again(now_ms, device);
        }
        let has_spare = self.has_spare() || {
            if now_ms >= self.expired_ms + EXPIRES_MS {
                self.expire(now_ms);
            }
            self.has_spare()
        };
        let own = if has_spare { self.own(now_ms, device) } else { None };
        own.or_else(|| self.shared(now_ms))
            .or_else(|| if has_spare { None } else { self.own(now_ms, device) })
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
        let yields = |owner: &&Owner| {
            owner.exchanges == 0 && owner.transfers.iter().all(|transfer| transfer.left == Left::Download)
        };
        let at_ms = |owner: &Owner| owner.transfers.iter().map(|transfer| transfer.at_ms).max();
        let lying = self.owners.iter().filter(|(_, owner)| yields(owner));
        let oldest = lying.filter_map(|(port, owner)| Some((at_ms(owner)?, *port))).min();
        if let Some((at_ms, port)) = oldest
            && at_ms + DOWNLOAD_YIELDS_MS <= now_ms
        {
            self.release(port);
        }
    }

    fn release(&mut self, port: Port) {
        if let Some(owner) = self.owners.remove(&port) {
            self.of_devices.remove(&owner.device);
            self.free.push_back(port);
        }
    }

    /// An exchange on a port has ended. What is left of the transfer that it was part of.
    pub fn ended(&mut self, now_ms: u64, port: Port, transfer: Option<(u64, Left)>) {
        if let Some((key, left)) = transfer {
            self.note(now_ms, port, key, left);
        }
        let Some(owner) = self.owners.get_mut(&port) else { return };
        owner.exchanges = owner.exchanges.saturating_sub(1);
        if owner.exchanges == 0 && owner.transfers.is_empty() {
            self.release(port);
        }
    }

    /// How far a transfer is.
    pub fn note(&mut self, now_ms: u64, port: Port, key: u64, left: Left) {
        let Some(owner) = self.owners.get_mut(&port) else { return };
        owner.transfers.retain(|transfer| transfer.key != key && transfer.until_ms > now_ms);
        let idle_ms = match left {
            Left::Nothing => return,
            Left::Download => DOWNLOAD_IDLE_MS,
            Left::Upload => self.lifetime_ms,
        };
        if left == Left::Download && owner.transfers.len() >= TRANSFERS {
            let Some(oldest) = owner.transfers.iter().position(|it| it.left == Left::Download) else {
                return;
            };
            owner.transfers.remove(oldest);
        }
        owner.transfers.push(Transfer { key, left, at_ms: now_ms, until_ms: now_ms + idle_ms });
    }

    /// Gives back what was left lying for too long: where ports are wanted, so that it takes no timer.
    fn expire(&mut self, now_ms: u64) {
        self.expired_ms = now_ms;
        let mut over = Vec::new();
        for (port, owner) in &mut self.owners {
            owner.transfers.retain(|transfer| transfer.until_ms > now_ms);
            if owner.exchanges == 0 && owner.transfers.is_empty() {
                over.push(*port);
            }
        }
        over.into_iter().for_each(|port| self.release(port));
    }
}
