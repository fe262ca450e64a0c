//! The numbers of a sender's requests (group section 6): one counter over modes and epochs that never goes back, in blocks that
//! are reserved in storage before they are used.

use super::TICK_MS;
use crate::error::Error;
use crate::limits::SEQUENCE_MAX;

/// Of a counter that was never stored: the numbers end with [`Error::Exhausted`].
const NO_LIMIT: u64 = u64::MAX;

/// A sender's counter. Zeroes are one that may use no number.
#[derive(Default)]
pub(super) struct Numbers {
    /// The lowest number that may be used: above all that were, and not below a floor that was given out.
    next: u64,
    /// The first number that may not be used: what storage says.
    limit: u64,
    /// Nothing may be used or given out before it has been stored.
    is_unstored: bool,
    /// Numbers follow the clock.
    is_timed: bool,
    /// Where ticks began, and when.
    began_at: u64,
    began_ms: u64,
}

impl Numbers {
    /// Begins at a number; ticks go on from it.
    pub fn begin(&mut self, next: u64, is_timed: bool, now_ms: u64) {
        *self =
            Self { next, limit: NO_LIMIT, is_unstored: false, is_timed, began_at: next, began_ms: now_ms };
    }

    /// The same of a counter that comes from storage: it is to be stored again before it is used.
    pub fn restore(&mut self, next: u64, is_timed: bool, now_ms: u64) {
        self.begin(next, is_timed, now_ms);
        self.limit = next;
        self.is_unstored = true;
    }

    /// The clock of timed groups.
    pub fn ticks(&self, now_ms: u64) -> u64 {
        self.began_at.saturating_add(now_ms.saturating_sub(self.began_ms) / TICK_MS)
    }

    /// The lowest number that can come next.
    pub fn lowest(&self, now_ms: u64) -> u64 {
        if self.is_timed { self.next.max(self.ticks(now_ms)) } else { self.next }
    }

    /// The same to be given out as a floor: nothing lower will be used. [`Error::Unstored`]: beyond what is reserved, so that
    /// after a restart something would be.
    pub fn floor(&mut self, now_ms: u64) -> Result<u64, Error> {
        let floor = self.lowest(now_ms);
        if floor > SEQUENCE_MAX {
            return Err(Error::Exhausted);
        }
        if self.is_unstored || floor > self.limit {
            return Err(Error::Unstored);
        }
        self.next = floor;
        Ok(floor)
    }

    /// The number of the next request. It is used once [`Numbers::mark`] has been called.
    pub fn peek(&self, now_ms: u64) -> Result<u64, Error> {
        let number = self.lowest(now_ms);
        if number > SEQUENCE_MAX {
            return Err(Error::Exhausted);
        }
        if number < self.limit && !self.is_unstored { Ok(number) } else { Err(Error::Unstored) }
    }

    /// Uses a number that was [`Numbers::peek`]ed at. [`Error::State`]: it was used, or left out, since.
    pub fn mark(&mut self, number: u64) -> Result<(), Error> {
        if number < self.next || number >= self.limit || self.is_unstored {
            return Err(Error::State);
        }
        self.next = number.saturating_add(1);
        Ok(())
    }

    /// Nothing may be used or given out before it has been stored again; one that never was goes on.
    pub fn suspend(&mut self) {
        self.is_unstored = self.limit != NO_LIMIT;
    }

    /// The end of a block that is about to be reserved in storage. Until [`Numbers::complete_store`] no number is used that
    /// either end does not allow.
    pub fn prepare_store(&mut self, block: u32, now_ms: u64) -> u64 {
        let end = self.lowest(now_ms).saturating_add(block.into()).min(SEQUENCE_MAX.saturating_add(1));
        self.limit = self.limit.min(end);
        end
    }

    /// The numbers below `end` are reserved.
    pub fn complete_store(&mut self, end: u64) {
        (self.limit, self.is_unstored) = (end, false);
    }

    /// Ticks go on from another number, and so does the counter where it is lower.
    #[cfg(feature = "group-delegate")]
    pub fn go_on(&mut self, at: u64, now_ms: u64) {
        self.next = self.next.max(at);
        (self.began_at, self.began_ms) = (at, now_ms);
    }

    /// Begins at another number, under new keys. One that was stored is to be stored again.
    #[cfg(feature = "group-delegate")]
    pub fn begin_anew(&mut self, at: u64, now_ms: u64) {
        let was_stored = self.limit != NO_LIMIT;
        self.begin(at, true, now_ms);
        self.is_unstored = was_stored;
    }
}
