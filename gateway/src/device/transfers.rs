//! Sealed requests that come in blocks outside, until all of them are there (RFC 7959). No block is authentic before the last one has
//! come: so what a stranger begins takes no room from a transfer that moves, and what does not fit into one leaves it as it was.

use crate::coap::{Block, code};
use std::collections::HashMap;

/// The longest object.
pub const OBJECT_MAX: usize = 65_535;
/// The most that come in at a time from where their sessions are known to be, and as many from elsewhere, ...
const TRANSFERS_MAX: usize = 64;
/// ... and those of one session.
const OF_ONE: usize = 2;
/// MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2), in ms: no further block comes after that.
const OVER_MS: u64 = 93_000;
/// So long a transfer that moves may pause, in ms; one whose second block has not come, ...
const PATIENCE_MS: u64 = 24_000;
/// ... so long: it comes sooner, even when it is lost once.
const SECOND_MS: u64 = 5_000;

struct Transfer {
    slot: usize,
    is_known: bool,
    bytes: Vec<u8>,
    moves: bool,
    used_ms: u64,
}

impl Transfer {
    fn is_idle(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.used_ms) > if self.moves { PATIENCE_MS } else { SECOND_MS }
    }
}

/// What comes of a block.
#[derive(PartialEq, Eq, Debug)]
pub enum Progress {
    /// All of the object.
    Whole(Vec<u8>),
    /// The next one, please: 2.31.
    Continue,
    /// There is no room now: 5.03.
    Busy,
    /// It is of no session.
    NoSession,
    /// It is refused with this code.
    Refused(u8),
}

/// A block.
pub struct Part<'a> {
    /// Of which transfer.
    pub name: u64,
    /// Whether nobody else has that name.
    pub is_named: bool,
    /// Which block.
    pub block: Block,
    /// What is in it.
    pub bytes: &'a [u8],
    /// The session that the first one says it is of.
    pub slot: Option<usize>,
    /// Whether it comes from where that session's last request came from. What strangers begin takes no room from such ones.
    pub is_known: bool,
}

/// The transfers of a worker.
#[derive(Default)]
pub struct Transfers {
    by_name: HashMap<u64, Transfer>,
}

impl Transfers {
    /// Takes a block.
    pub fn take(&mut self, now_ms: u64, part: &Part<'_>) -> Progress {
        let (block, bytes) = (part.block, part.bytes);
        if bytes.is_empty() || bytes.len() > block.size() || block.more && bytes.len() != block.size() {
            return Progress::Refused(code(4, 0));
        }
        self.by_name.retain(|_, transfer| now_ms.saturating_sub(transfer.used_ms) <= OVER_MS);
        let begins_anew =
            |transfer: &Transfer| block.number == 0 && !part.is_named && !transfer.bytes.starts_with(bytes);
        if self.by_name.get(&part.name).is_some_and(begins_anew) {
            self.by_name.remove(&part.name);
        }
        if !self.by_name.contains_key(&part.name) {
            if block.number > 0 {
                return Progress::Refused(code(4, 8));
            }
            let Some(slot) = part.slot else { return Progress::NoSession };
            if !self.make_room(now_ms, slot, part.is_known) {
                return Progress::Busy;
            }
            let begun =
                Transfer { slot, is_known: part.is_known, bytes: Vec::new(), moves: false, used_ms: now_ms };
            self.by_name.insert(part.name, begun);
        }
        let Some(transfer) = self.by_name.get_mut(&part.name) else { return Progress::Busy };
        let at = block.offset();
        if at.saturating_add(bytes.len()) <= transfer.bytes.len() {
            // Once more; what differs is not of this transfer.
            let is_same = transfer.bytes.get(at..at + bytes.len()) == Some(bytes);
            if !block.more || !is_same {
                return Progress::Refused(code(4, 8));
            }
        } else if at != transfer.bytes.len() {
            return Progress::Refused(code(4, 8));
        } else if at + bytes.len() > OBJECT_MAX {
            return Progress::Refused(code(4, 13));
        } else {
            transfer.moves = at > 0;
            transfer.bytes.extend_from_slice(bytes);
        }
        transfer.used_ms = now_ms;
        if block.more {
            return Progress::Continue;
        }
        self.by_name.remove(&part.name).map_or(Progress::Busy, |transfer| Progress::Whole(transfer.bytes))
    }

    /// Room for another one of a session: of those that may make it the one that has been idle for longest.
    fn make_room(&mut self, now_ms: u64, slot: usize, is_known: bool) -> bool {
        let alike = || self.by_name.iter().filter(|(_, transfer)| transfer.is_known == is_known);
        let own = alike().filter(|(_, transfer)| transfer.slot == slot).count();
        if own < OF_ONE && alike().count() < TRANSFERS_MAX {
            return true;
        }
        let may_go =
            |transfer: &Transfer| transfer.is_idle(now_ms) && (own < OF_ONE || transfer.slot == slot);
        let idle = alike().filter(|(_, transfer)| may_go(transfer));
        let oldest = idle.min_by_key(|(_, transfer)| transfer.used_ms).map(|(name, _)| *name);
        oldest.is_some_and(|oldest| self.by_name.remove(&oldest).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(
        transfers: &mut Transfers,
        now_ms: u64,
        name: u64,
        number: u32,
        more: bool,
        bytes: &[u8],
    ) -> Progress {
        let block = Block { number, more, szx: 0 };
        let slot = Some(name as usize / 10);
        transfers.take(now_ms, &Part { name, is_named: true, block, bytes, slot, is_known: true })
    }

    const FULL: [u8; 16] = [7; 16];

    #[test]
    fn blocks_make_an_object() {
        let mut transfers = Transfers::default();
        assert_eq!(take(&mut transfers, 0, 1, 0, true, &FULL), Progress::Continue);
        assert_eq!(take(&mut transfers, 1, 1, 0, true, &FULL), Progress::Continue, "once more");
        assert_eq!(take(&mut transfers, 2, 1, 1, true, &FULL), Progress::Continue);
        assert_eq!(take(&mut transfers, 2, 1, 0, true, &[8; 16]), Progress::Refused(0x88), "another's");
        assert_eq!(take(&mut transfers, 3, 1, 3, true, &FULL), Progress::Refused(0x88), "one is missing");
        assert_eq!(
            take(&mut transfers, 4, 1, 2, false, b"end"),
            Progress::Whole([&[7; 32][..], b"end"].concat())
        );
        assert_eq!(take(&mut transfers, 5, 1, 2, false, b"end"), Progress::Refused(0x88));
    }

    #[test]
    fn blocks_that_are_none() {
        let mut transfers = Transfers::default();
        for (more, bytes) in [(true, &b"short"[..]), (true, b""), (false, b""), (false, &[0; 17])] {
            assert_eq!(take(&mut transfers, 0, 1, 0, more, bytes), Progress::Refused(0x80));
        }
        let block = Block { number: 0, more: true, szx: 0 };
        let part = Part { name: 1, is_named: true, block, bytes: &FULL, slot: None, is_known: true };
        assert_eq!(transfers.take(0, &part), Progress::NoSession);
        assert!(transfers.by_name.is_empty());
    }

    #[test]
    fn what_is_without_a_name_begins_anew() {
        let mut transfers = Transfers::default();
        let block = Block { number: 0, more: true, szx: 0 };
        for bytes in [&FULL, &[8; 16]] {
            let part = Part { name: 1, is_named: false, block, bytes, slot: Some(0), is_known: true };
            assert_eq!(transfers.take(0, &part), Progress::Continue);
        }
        assert_eq!(transfers.by_name[&1].bytes, [8; 16]);
    }

    #[test]
    fn those_that_move_keep_their_room() {
        let mut transfers = Transfers::default();
        // A session has two; the third waits until one is idle.
        take(&mut transfers, 0, 1, 0, true, &FULL);
        take(&mut transfers, 0, 2, 0, true, &FULL);
        take(&mut transfers, 1, 2, 1, true, &FULL);
        assert_eq!(take(&mut transfers, SECOND_MS, 3, 0, true, &FULL), Progress::Busy);
        assert_eq!(take(&mut transfers, SECOND_MS + 1, 3, 0, true, &FULL), Progress::Continue);
        assert_eq!(take(&mut transfers, SECOND_MS + 1, 2, 2, true, &FULL), Progress::Continue, "it moves");
        // All of them together have a bound.
        let begun = (1..100).filter(|session| {
            take(&mut transfers, SECOND_MS + 1, session * 10, 0, true, &FULL) == Progress::Continue
        });
        assert_eq!(begun.count(), TRANSFERS_MAX - 2);
        let mut at = SECOND_MS + 2;
        for number in 3..OBJECT_MAX as u32 / 16 {
            at += 1;
            assert_eq!(take(&mut transfers, at, 2, number, true, &FULL), Progress::Continue);
        }
        assert_eq!(take(&mut transfers, at, 2, OBJECT_MAX as u32 / 16, true, &FULL), Progress::Refused(0x8d));
    }
}
