//! Which slot is whose. A connection id is a number that leaves the slot's index when divided by the number
//! of slots, so that a record's session is found without a search.

use super::slot::{Phase, Slot};
use crate::crypto::Backend;
use crate::error::Error;
use crate::limits::CID_MAX;
use crate::wire::Cid;

/// How many ids each slot should have to choose from: one that has just ended should not return at once.
const IDS_PER_SLOT: u64 = 4;

/// The shortest length of id that gives every slot its choice.
pub fn cid_len(slots: usize) -> usize {
    (1..CID_MAX).find(|len| numbers(*len) >= wide(slots).saturating_mul(IDS_PER_SLOT)).unwrap_or(CID_MAX)
}

/// Whether there are enough ids of a length: two for each slot, as one may be the client's own.
pub fn suffices(len: usize, slots: usize) -> bool {
    (1..=CID_MAX).contains(&len) && numbers(len) >= wide(slots).saturating_mul(2)
}

fn wide(slots: usize) -> u64 {
    u64::try_from(slots).unwrap_or(u64::MAX)
}

/// How many ids of a length there are.
fn numbers(len: usize) -> u64 {
    u32::try_from(len).ok().and_then(|len| 1_u64.checked_shl(len.saturating_mul(8))).unwrap_or(u64::MAX)
}

/// The slot that an id belongs to. Byte by byte, since a division of 64-bit numbers is long on a small processor;
/// memory has no room for so many slots that a remainder and a byte would not fit into a word.
pub fn index(cid: &[u8], slots: usize) -> Option<usize> {
    cid.iter().try_fold(0_usize, |rest, byte| {
        rest.checked_mul(256)?.checked_add((*byte).into())?.checked_rem(slots)
    })
}

/// An id for a slot, chosen by a random number; never `other`.
pub fn cid_for(slot: usize, slots: usize, len: usize, random: u64, other: &[u8]) -> Option<Cid> {
    let numbers = numbers(len);
    let (slot, step) = (u64::try_from(slot).ok()?, u64::try_from(slots).ok()?);
    // Down to the next number of the first slot, up to this slot's.
    let random = random & numbers.checked_sub(1)?;
    let rest = index(random.to_be_bytes().get(8_usize.checked_sub(len)?..)?, slots)?;
    let mut value = random.checked_sub(u64::try_from(rest).ok()?)?.checked_add(slot)?;
    if value >= numbers {
        value = value.checked_sub(step)?;
    }
    let id = |value: u64| {
        let bytes = value.to_be_bytes();
        Cid::copy_of(bytes.get(8_usize.checked_sub(len)?..)?, Error::Argument).ok()
    };
    let chosen = id(value)?;
    if *chosen != *other {
        return Some(chosen);
    }
    // A neighbour of the same slot.
    id(value.checked_sub(step).or_else(|| value.checked_add(step).filter(|next| *next < numbers))?)
}

/// A slot for a new handshake: a free one, else the oldest half-open one, else the oldest unconfirmed one. A
/// confirmed session never makes room.
pub fn place<B: Backend>(slots: &[Slot<B>]) -> Option<usize> {
    let candidates = slots.iter().enumerate().filter(|(_, slot)| slot.phase() != Phase::Confirmed);
    candidates.min_by_key(|(_, slot)| (slot.phase(), slot.begun)).map(|(index, _)| index)
}

/// A session was confirmed: the device's older session goes, and everything of that device that began earlier.
pub fn supersede<B: Backend>(slots: &mut [Slot<B>], confirmed: usize) {
    let Some((begun, device_id)) = slots.get(confirmed).map(|slot| (slot.begun, slot.device_id)) else {
        return;
    };
    for slot in slots.iter_mut().filter(|slot| slot.phase() != Phase::Free && slot.begun < begun) {
        if slot.device_id.as_slice() == device_id.as_slice() {
            slot.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_lead_back() {
        assert_eq!([1, 64, 65, 16_384, 16_385, 1 << 22].map(cid_len), [1, 1, 2, 2, 3, 3]);
        assert!(
            suffices(1, 128)
                && !suffices(1, 129)
                && suffices(7, 1 << 20)
                && !suffices(8, 1)
                && !suffices(0, 1)
        );
        for slots in [1, 2, 3, 64, 65, 1000, 100_000] {
            let len = cid_len(slots);
            for place in [0, slots / 2, slots - 1] {
                for random in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
                    let cid = cid_for(place, slots, len, random, &[]).unwrap();
                    assert_eq!((cid.len(), index(&cid, slots)), (len, Some(place)));
                    // The client's own id is avoided, and the other choice leads back too.
                    let other = cid_for(place, slots, len, random, &cid).unwrap();
                    assert_ne!(*other, *cid);
                    assert_eq!(index(&other, slots), Some(place));
                }
            }
        }
    }
}
