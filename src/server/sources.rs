//! How many waiting slots each source holds (protocol section 10), in a time that does not depend on how many there
//! are: the slots of one source are a list, the oldest first, and the oldest knows how many there are and stands under
//! the source's hash.

use super::chains::{Link, List, Neighbours, enter, head, insert, leave, remove};
use super::slot::Slot;
use crate::crypto::Backend;

/// A slot's part in it.
#[derive(Default)]
pub struct Share {
    /// A keyed hash of the source; 0 while nothing is known of it.
    pub source: u32,
    /// Of the oldest slot of a source: how many slots there are, and which is the newest.
    count: u32,
    newest: Link,
}

/// Where the sources with the same hash are listed.
fn hash_of(source: u32, slots: usize) -> usize {
    usize::try_from(source).ok().and_then(|source| source.checked_rem(slots)).unwrap_or(0)
}

/// The oldest slot of a source, and how many there are.
pub fn oldest_of<B: Backend>(slots: &mut [Slot<B>], source: u32) -> Option<(usize, usize)> {
    let mut next = head(slots, List::Source, hash_of(source, slots.len()));
    while let Some((index, slot)) = next.index().and_then(|index| Some((index, slots.get(index)?))) {
        if slot.share.source == source {
            return Some((index, usize::try_from(slot.share.count).unwrap_or(usize::MAX)));
        }
        next = slot.links.after(List::Source);
    }
    None
}

/// Makes a slot the oldest of its source.
fn lead<B: Backend>(slots: &mut [Slot<B>], index: usize, count: u32, newest: Link) {
    let hash = slots.get(index).map_or(0, |slot| hash_of(slot.share.source, slots.len()));
    enter(slots, List::Source, hash, index);
    if let Some(slot) = slots.get_mut(index) {
        (slot.share.count, slot.share.newest) = (count, newest);
    }
}

/// Enters a slot as its source's newest.
pub fn join<B: Backend>(slots: &mut [Slot<B>], index: usize) {
    let source = slots.get(index).map_or(0, |slot| slot.share.source);
    if source == 0 {
        return;
    }
    let Some((oldest, _)) = oldest_of(slots, source) else {
        return lead(slots, index, 1, Link::to(index));
    };
    if let Some(share) = slots.get_mut(oldest).map(|slot| &mut slot.share) {
        let before = core::mem::replace(&mut share.newest, Link::to(index));
        share.count = share.count.saturating_add(1);
        insert(slots, List::Kin, index, Neighbours { before, after: Link::NONE });
    }
}

/// Takes a slot out from among its source's.
pub fn part<B: Backend>(slots: &mut [Slot<B>], index: usize) {
    let source = slots.get(index).map_or(0, |slot| slot.share.source);
    let Some((oldest, _)) = oldest_of(slots, source) else { return };
    let neighbours = remove(slots, List::Kin, index);
    let Some(share) = slots.get_mut(oldest).map(|slot| &mut slot.share) else { return };
    share.count = share.count.saturating_sub(1);
    if neighbours.after == Link::NONE {
        share.newest = neighbours.before;
    }
    if index == oldest {
        let (count, newest) = (share.count, share.newest);
        leave(slots, List::Source, hash_of(source, slots.len()), index);
        if let Some(next) = neighbours.after.index() {
            lead(slots, next, count, newest);
        }
    }
}
