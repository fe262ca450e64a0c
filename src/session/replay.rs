//! The replay window (RFC 8613 section 7.4) and, beside it, which requests have had their one answer without
//! a number: a nonce is then never used twice, whatever the caller does with its copies of an exchange.

use crate::error::Error;

/// How many sequence numbers the window remembers.
const WIDTH: u64 = 64;

/// The highest number received and the 63 below it.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// The highest number received, plus one; 0 while there is none.
    end: u64,
    /// Bit `i`: `end - 1 - i` was received.
    seen: u64,
    /// Bit `i`: that request has been answered under its own nonce.
    answered: u64,
}

/// Whether a request's own nonce may protect an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// Yes.
    Free,
    /// It has done so.
    Used,
    /// The window has moved on and no longer knows.
    Forgotten,
}

impl Window {
    pub const EMPTY: Self = Self { end: 0, seen: 0, answered: 0 };

    /// That of a context that another implementation used. What it received it may have answered, too.
    #[cfg(feature = "coap")]
    pub const fn taken_over(end: u64, seen: u64) -> Self {
        Self { end, seen, answered: seen }
    }

    /// What [`Window::taken_over`] begins with.
    #[cfg(feature = "coap")]
    pub const fn received(&self) -> super::Received {
        super::Received::Known { end: self.end, seen: self.seen }
    }

    /// The bit of a number inside the window; 0 of one that is older, or above.
    #[inline(never)] // 64 bits are long on a small processor
    fn bit(&self, sequence: u64) -> u64 {
        match self.end.checked_sub(1).and_then(|highest| highest.checked_sub(sequence)) {
            Some(age) => shifted(1, age),
            None => 0,
        }
    }

    /// Refuses a number that was received before, or is too old to tell.
    pub fn check(&self, sequence: u64) -> Result<(), Error> {
        let bit = self.bit(sequence);
        let is_new = sequence >= self.end || bit != 0 && self.seen & bit == 0;
        if is_new { Ok(()) } else { Err(Error::Replay) }
    }

    /// Remembers a number, once its record's tag has verified.
    pub fn mark(&mut self, sequence: u64) {
        if sequence >= self.end {
            let end = sequence.saturating_add(1);
            let forward = end.wrapping_sub(self.end);
            (self.seen, self.answered) = (shifted(self.seen, forward), shifted(self.answered, forward));
            self.end = end;
        }
        self.seen |= self.bit(sequence);
    }

    /// Whether the request `sequence` can still be answered under its own nonce.
    pub fn answer(&self, sequence: u64) -> Answer {
        match self.bit(sequence) {
            bit if self.seen & bit == 0 => Answer::Forgotten, // or never received: not answerable so
            bit if self.answered & bit == 0 => Answer::Free,
            _ => Answer::Used,
        }
    }

    /// Remembers that it has been.
    pub fn mark_answered(&mut self, sequence: u64) {
        self.answered |= self.bit(sequence);
    }
}

/// Bits, moved up; none of them is left after 64 places.
#[inline(never)] // the same
fn shifted(bits: u64, places: u64) -> u64 {
    if places < WIDTH { bits.wrapping_shl(places as u32) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    #[test]
    fn edges() {
        let mut w = Window::EMPTY;
        assert_eq!(w.answer(0), Answer::Forgotten);
        w.mark(100);
        assert_eq!(w.check(100), Err(Error::Replay));
        assert_eq!(w.check(37), Ok(())); // 63 below the highest
        assert_eq!(w.check(36), Err(Error::Replay)); // 64 below
        assert_eq!(w.check(101), Ok(()));
        w.mark(37);
        assert_eq!(w.check(37), Err(Error::Replay));
        w.mark_answered(100);
        assert_eq!((w.answer(100), w.answer(37)), (Answer::Used, Answer::Free));
        assert_eq!(w.answer(99), Answer::Forgotten); // in the window, and never received
        w.mark(101);
        assert_eq!((w.answer(100), w.answer(37)), (Answer::Used, Answer::Forgotten));
        w.mark(crate::limits::SEQUENCE_MAX);
        assert_eq!(w.check(101), Err(Error::Replay));
    }

    proptest::proptest! {
        /// Against a model that remembers everything.
        #[test]
        fn agrees_with_a_set(numbers in proptest::collection::vec(0_u64..300, 1..400)) {
            let mut window = Window::EMPTY;
            let mut set = BTreeSet::new();
            let numbers: Vec<u64> = numbers;
            for n in numbers {
                let highest = set.last().copied().unwrap_or(0);
                let fresh = !set.contains(&n) && n + 63 >= highest;
                proptest::prop_assert_eq!(window.check(n).is_ok(), fresh);
                if fresh {
                    window.mark(n);
                    set.insert(n);
                }
            }
        }
    }
}
