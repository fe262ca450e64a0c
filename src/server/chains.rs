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

/// The lists that a slot can be in at the same time: first those that are by a hash.
#[derive(Clone, Copy)]
pub enum List {
    /// Waiting slots whose first message has the same hash.
    First,
    /// Slots of devices whose ids have the same hash.
    Device,
    /// The oldest waiting slots of sources with the same hash.
    Source,
    /// Waiting slots of one source, the oldest first.
    Kin,
    /// Slots of one phase, the oldest first; released slots.
    Queue,
}

/// A slot's part in the lists.
#[derive(Default)]
pub struct Links {
    neighbours: [Neighbours; List::Queue as usize + 1],
    /// The heads of the lists whose hash is this slot's index.
    heads: [Link; List::Source as usize + 1],
}

impl Links {
    /// What comes after this slot.
    pub fn after(&self, list: List) -> Link {
        self.neighbours.get(list as usize).map_or(Link::NONE, |neighbours| neighbours.after)
    }
}

/// Where a slot stands in a list.
fn neighbours<B: Backend>(slots: &mut [Slot<B>], list: List, link: Link) -> Option<&mut Neighbours> {
    slots.get_mut(link.index()?)?.links.neighbours.get_mut(list as usize)
}

/// The head of the list with this hash.
fn head_mut<B: Backend>(slots: &mut [Slot<B>], list: List, hash: usize) -> Option<&mut Link> {
    slots.get_mut(hash)?.links.heads.get_mut(list as usize)
}

/// Puts a slot, which is not in the list, between two neighbours.
pub fn insert<B: Backend>(slots: &mut [Slot<B>], list: List, index: usize, between: Neighbours) {
    let link = Link::to(index);
    if let Some(before) = neighbours(slots, list, between.before) {
        before.after = link;
    }
    if let Some(after) = neighbours(slots, list, between.after) {
        after.before = link;
    }
    if let Some(own) = neighbours(slots, list, link) {
        *own = between;
    }
}

/// Takes a slot, which is in the list, out of it. Gives the neighbours that it had.
pub fn remove<B: Backend>(slots: &mut [Slot<B>], list: List, index: usize) -> Neighbours {
    let own = neighbours(slots, list, Link::to(index)).map(core::mem::take).unwrap_or_default();
    if let Some(before) = neighbours(slots, list, own.before) {
        before.after = own.after;
    }
    if let Some(after) = neighbours(slots, list, own.after) {
        after.before = own.before;
    }
    own
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
    head_mut(slots, list, hash).map_or(Link::NONE, |head| *head)
}

/// Enters a slot under its hash.
pub fn enter<B: Backend>(slots: &mut [Slot<B>], list: List, hash: usize, index: usize) {
    let after = head(slots, list, hash);
    insert(slots, list, index, Neighbours { before: Link::NONE, after });
    if let Some(head) = head_mut(slots, list, hash) {
        *head = Link::to(index);
    }
}

/// Takes a slot out from under its hash.
pub fn leave<B: Backend>(slots: &mut [Slot<B>], list: List, hash: usize, index: usize) {
    let neighbours = remove(slots, list, index);
    if neighbours.before == Link::NONE
        && let Some(head) = head_mut(slots, list, hash)
    {
        *head = neighbours.after;
    }
}
