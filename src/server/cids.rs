//! Connection ids. An id is a number that leaves its slot's index when divided by the number of slots, so that a
//! record's session is found without a search; a server that is one of several puts its own number in front.

use crate::error::Error;
use crate::limits::CID_MAX;
use crate::wire::Cid;

/// How many ids each slot should have to choose from: one that has just ended should not return at once.
const IDS_PER_SLOT: u64 = 4;

/// The form of a server's ids.
pub struct Cids {
    /// The length of the whole id; 0: by the number of slots.
    len: u8,
    /// What every id begins with.
    prefix: Cid,
}

impl Cids {
    /// Without a prefix, as short as the number of slots allows.
    pub const AUTOMATIC: Self = Self { len: 0, prefix: Cid::EMPTY };

    /// A length, 0 for as short as the number of slots allows, and a prefix. [`Error::Argument`] where there
    /// would be fewer ids than slots.
    pub fn new(len: usize, prefix: &[u8], slots: usize) -> Result<Self, Error> {
        let prefix = Cid::copy_of(prefix, Error::Argument)?;
        let cids = Self { len: u8::try_from(len).map_err(|_| Error::Argument)?, prefix };
        if suffices(cids.number_len(slots), slots) && cids.len(slots) <= CID_MAX {
            Ok(cids)
        } else {
            Err(Error::Argument)
        }
    }

    /// The length of every id.
    pub fn len(&self, slots: usize) -> usize {
        self.number_len(slots).saturating_add(self.prefix.len())
    }

    /// The length of the number alone.
    fn number_len(&self, slots: usize) -> usize {
        match self.len {
            0 => shortest(slots),
            len => usize::from(len).saturating_sub(self.prefix.len()),
        }
    }

    /// The slot that an id belongs to, if it is one of this server's.
    pub fn index(&self, cid: &[u8], slots: usize) -> Option<usize> {
        index(cid.strip_prefix(&*self.prefix)?, slots)
    }

    /// Writes an id for a slot, chosen by a random number; never `other`. `None` where there is none.
    pub fn choose(&self, slot: usize, slots: usize, random: u64, other: &[u8], cid: &mut Cid) -> Option<()> {
        let len = self.number_len(slots);
        let (numbers, step) = (numbers(len), wide(slots));
        // Down to the next number of the first slot, up to this slot's.
        let random = random & numbers.wrapping_sub(1);
        let rest = index(&random.to_be_bytes(), slots)?;
        let mut number = random.wrapping_sub(wide(rest)).wrapping_add(wide(slot));
        if number >= numbers {
            number = number.wrapping_sub(step);
        }
        self.write(number, len, cid)?;
        if **cid == *other {
            // A neighbour of the same slot.
            let neighbour = if number < step { number.wrapping_add(step) } else { number.wrapping_sub(step) };
            self.write(neighbour, len, cid)?;
        }
        Some(())
    }

    fn write(&self, number: u64, len: usize, cid: &mut Cid) -> Option<()> {
        if number >= numbers(len) {
            return None; // more slots than the form has ids for
        }
        cid.set(&self.prefix);
        cid.append(number.to_be_bytes().get(8_usize.wrapping_sub(len)..)?).ok()
    }
}

/// The shortest length of number that gives every slot its choice.
fn shortest(slots: usize) -> usize {
    (1..CID_MAX).find(|len| numbers(*len) >= wide(slots).saturating_mul(IDS_PER_SLOT)).unwrap_or(CID_MAX)
}

/// Whether there are enough numbers of a length: two for each slot, as one may be the client's own.
fn suffices(len: usize, slots: usize) -> bool {
    (1..=CID_MAX).contains(&len) && numbers(len) >= wide(slots).saturating_mul(2)
}

fn wide(slots: usize) -> u64 {
    u64::try_from(slots).unwrap_or(u64::MAX)
}

/// How many numbers of a length there are.
fn numbers(len: usize) -> u64 {
    u32::try_from(len).ok().and_then(|len| 1_u64.checked_shl(len.saturating_mul(8))).unwrap_or(u64::MAX)
}

/// Byte by byte, since a division of 64-bit numbers is long on a small processor; memory has no room for so many
/// slots that a remainder and a byte would not fit into a word.
fn index(number: &[u8], slots: usize) -> Option<usize> {
    number.iter().try_fold(0_usize, |rest, byte| {
        rest.wrapping_mul(256).wrapping_add((*byte).into()).checked_rem(slots)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_lead_back() {
        assert_eq!([1, 64, 65, 16_384, 16_385, 1 << 22].map(shortest), [1, 1, 2, 2, 3, 3]);
        assert!(
            suffices(1, 128)
                && !suffices(1, 129)
                && suffices(7, 1 << 20)
                && !suffices(8, 1)
                && !suffices(0, 1)
        );
        for slots in [1, 2, 3, 64, 65, 1000, 100_000] {
            for prefix in [&[][..], &[7], &[1, 2, 3]] {
                let cids = Cids::new(0, prefix, slots).unwrap();
                for slot in [0, slots / 2, slots - 1] {
                    for random in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
                        let mut cid = Cid::EMPTY;
                        cids.choose(slot, slots, random, &[], &mut cid).unwrap();
                        assert_eq!((cid.len(), cids.index(&cid, slots)), (cids.len(slots), Some(slot)));
                        assert!(cid.starts_with(prefix));
                        // The client's own id is avoided, and the other choice leads back too.
                        let mut other = Cid::EMPTY;
                        cids.choose(slot, slots, random, &cid, &mut other).unwrap();
                        assert_ne!(*other, *cid);
                        assert_eq!(cids.index(&other, slots), Some(slot));
                    }
                }
            }
        }
    }

    /// As few as there may be.
    #[test]
    fn two_ids_for_each_slot() {
        let cids = Cids::new(1, &[], 128).unwrap();
        for (slot, random) in [0, 1, 127].into_iter().flat_map(|slot| (0..=255).map(move |n| (slot, n))) {
            let (mut cid, mut other) = (Cid::EMPTY, Cid::EMPTY);
            cids.choose(slot, 128, random, &[], &mut cid).unwrap();
            cids.choose(slot, 128, random, &cid, &mut other).unwrap();
            assert_ne!(*other, *cid);
            assert_eq!([&cid, &other].map(|cid| cids.index(cid, 128)), [Some(slot); 2]);
        }
    }

    #[test]
    fn another_nodes_ids_are_nobodys() {
        let cids = Cids::new(3, &[9], 100).unwrap();
        assert_eq!(cids.index(&[8, 0, 1], 100), None);
        assert_eq!(cids.index(&[9, 0, 1], 100), Some(1));
        assert_eq!(cids.index(&[], 100), None);
    }

    #[test]
    fn forms_without_room() {
        for (len, prefix, slots) in [
            (1, &[][..], 129),
            (2, &[1], 129),
            (1, &[1], 1),
            (8, &[], 1),
            (0, &[1, 2, 3, 4, 5, 6, 7], 1),
            (0, &[1; 8], 1),
            (300, &[], 1),
        ] {
            assert_eq!(Cids::new(len, prefix, slots).err(), Some(Error::Argument), "{len} {prefix:?}");
        }
        assert_eq!(Cids::new(7, &[1; 6], 128).map(|cids| cids.len(128)), Ok(7));
    }
}
