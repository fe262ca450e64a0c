//! Lists that run through the slots themselves, so that nothing about a server grows or is searched as its table
//! does: waiting slots in the order in which they are evicted, and slots with the same hash.

use super::slot::Slot;
use crate::crypto::Backend;

/// A slot's index, or none. Zeroed memory is none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Link(u32);

impl Link {
    pub const NONE: Self = Self(0);

    /// To a slot; there is no memory for as many as would not fit.
    pub fn to(index: usize) -> Self {
        Self(u32::try_from(index.saturating_add(1)).unwrap_or(0))
    }

    pub fn index(self) -> Option<usize> {
        usize::try_from(self.0).ok()?.checked_sub(1)
    }
}

/// Where a slot stands in a list.
#[derive(Clone, Copy, Default)]
pub struct Neighbours {
    pub before: Link,
    pub after: Link,
}

/// The lists that a slot can be in at the same time.
#[derive(Clone, Copy)]
pub enum List {
    /// Slots of one phase, the oldest first; released slots.
    Queue,
    /// Waiting slots whose first message has the same hash.
    First,
    /// Slots of devices whose ids have the same hash.
    Device,
    /// The oldest waiting slots of sources with the same hash.
    Source,
    /// Waiting slots of one source, the oldest first.
    Kin,
}

/// A slot's part in the lists.
#[derive(Default)]
pub struct Links {
    queue: Neighbours,
    first: Neighbours,
    device: Neighbours,
    source: Neighbours,
    kin: Neighbours,
    /// The heads of the three lists whose hash is this slot's index.
    first_head: Link,
    device_head: Link,
    source_head: Link,
}

impl Links {
    fn neighbours(&mut self, list: List) -> &mut Neighbours {
        match list {
            List::Queue => &mut self.queue,
            List::First => &mut self.first,
            List::Device => &mut self.device,
            List::Source => &mut self.source,
            List::Kin => &mut self.kin,
        }
    }

    fn head(&mut self, list: List) -> &mut Link {
        match list {
            List::Device => &mut self.device_head,
            List::Source => &mut self.source_head,
            _ => &mut self.first_head,
        }
    }

    /// What comes after this slot.
    pub fn after(&self, list: List) -> Link {
        match list {
            List::Queue => self.queue.after,
            List::First => self.first.after,
            List::Device => self.device.after,
            List::Source => self.source.after,
            List::Kin => self.kin.after,
        }
    }
}

fn links<B: Backend>(slots: &mut [Slot<B>], link: Link) -> Option<&mut Links> {
    slots.get_mut(link.index()?).map(|slot| &mut slot.links)
}

/// Puts a slot, which is not in the list, between two neighbours.
pub fn insert<B: Backend>(slots: &mut [Slot<B>], list: List, index: usize, neighbours: Neighbours) {
    let link = Link::to(index);
    if let Some(before) = links(slots, neighbours.before) {
        before.neighbours(list).after = link;
    }
    if let Some(after) = links(slots, neighbours.after) {
        after.neighbours(list).before = link;
    }
    if let Some(own) = links(slots, link) {
        *own.neighbours(list) = neighbours;
    }
}

/// Takes a slot, which is in the list, out of it. Gives the neighbours that it had.
pub fn remove<B: Backend>(slots: &mut [Slot<B>], list: List, index: usize) -> Neighbours {
    let Some(own) = links(slots, Link::to(index)) else { return Neighbours::default() };
    let neighbours = core::mem::take(own.neighbours(list));
    if let Some(before) = links(slots, neighbours.before) {
        before.neighbours(list).after = neighbours.after;
    }
    if let Some(after) = links(slots, neighbours.after) {
        after.neighbours(list).before = neighbours.before;
    }
    neighbours
}

/// The ends of a [`List::Queue`].
#[derive(Default)]
pub struct Queue {
    pub oldest: Link,
    newest: Link,
}

impl Queue {
    pub fn append<B: Backend>(&mut self, slots: &mut [Slot<B>], index: usize) {
        insert(slots, List::Queue, index, Neighbours { before: self.newest, after: Link::NONE });
        self.newest = Link::to(index);
        if self.oldest == Link::NONE {
            self.oldest = self.newest;
        }
    }

    pub fn remove<B: Backend>(&mut self, slots: &mut [Slot<B>], index: usize) {
        let neighbours = remove(slots, List::Queue, index);
        if neighbours.before == Link::NONE {
            self.oldest = neighbours.after;
        }
        if neighbours.after == Link::NONE {
            self.newest = neighbours.before;
        }
    }
}

/// The first of the slots with this hash.
pub fn head<B: Backend>(slots: &mut [Slot<B>], list: List, hash: usize) -> Link {
    slots.get_mut(hash).map_or(Link::NONE, |slot| *slot.links.head(list))
}

/// Enters a slot under its hash.
pub fn enter<B: Backend>(slots: &mut [Slot<B>], list: List, hash: usize, index: usize) {
    let after = head(slots, list, hash);
    insert(slots, list, index, Neighbours { before: Link::NONE, after });
    if let Some(slot) = slots.get_mut(hash) {
        *slot.links.head(list) = Link::to(index);
    }
}

/// Takes a slot out from under its hash.
pub fn leave<B: Backend>(slots: &mut [Slot<B>], list: List, hash: usize, index: usize) {
    let neighbours = remove(slots, list, index);
    if neighbours.before == Link::NONE
        && let Some(slot) = slots.get_mut(hash)
    {
        *slot.links.head(list) = neighbours.after;
    }
}
