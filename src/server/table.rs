//! Which slot is whose. A connection id is a number that leaves the slot's index when divided by the number
//! of slots, so that a record's session is found without a search.

use super::slot::{Phase, Slot};
use crate::crypto::Backend;
use crate::limits::CID_MAX;
use crate::wire::Cid;

/// How many ids each slot should have to choose from: one that has just ended should not return at once.
const IDS_PER_SLOT: u64 = 4;

/// The shortest length of id that gives every slot its choice.
pub fn cid_len(slots: usize) -> usize {
    let slots = u64::try_from(slots).unwrap_or(u64::MAX);
    let wanted = slots.saturating_mul(IDS_PER_SLOT);
    (1..CID_MAX).find(|len| numbers(*len) >= wanted).unwrap_or(CID_MAX)
}

/// Whether there are enough ids of a length: two for each slot, as one may be the client's own.
pub fn suffices(len: usize, slots: usize) -> bool {
    let slots = u64::try_from(slots).unwrap_or(u64::MAX);
    (1..=CID_MAX).contains(&len) && numbers(len) >= slots.saturating_mul(2)
}

/// How many ids of a length there are.
fn numbers(len: usize) -> u64 {
    u32::try_from(len).ok().and_then(|len| 256_u64.checked_pow(len)).unwrap_or(u64::MAX)
}

/// The slot that an id belongs to.
pub fn index(cid: &[u8], slots: usize) -> Option<usize> {
    let value = cid.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    let slots = u64::try_from(slots).ok()?;
    usize::try_from(value.checked_rem(slots)?).ok()
}

/// An id for a slot, chosen by a random number; never `other`.
pub fn cid_for(index: usize, slots: usize, len: usize, random: u64, other: &[u8]) -> Option<Cid> {
    let (index, slots) = (u64::try_from(index).ok()?, u64::try_from(slots).ok()?);
    let choices = numbers(len).checked_sub(index)?.div_ceil(slots.max(1));
    (0..2).find_map(|next: u64| {
        let choice = random.checked_rem(choices)?.checked_add(next)?.checked_rem(choices)?;
        let value = choice.checked_mul(slots)?.checked_add(index)?.to_be_bytes();
        let cid = value.get(value.len().checked_sub(len)?..)?;
        if cid == other { None } else { Cid::copy_of(cid, crate::Error::Argument).ok() }
    })
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
