//! What failed proofs cost: signatures and tags lie outside the group's tag, so that whoever garbles them, and whoever has the group's
//! key, could keep a member busy.

use crate::error::Error;

/// Failures at once for numbers above every one that failed, and for the others.
const NEW_AT_ONCE: u32 = 4;
const OLD_AT_ONCE: u32 = 2;
/// How much longer the latter take to be forgiven.
const OLD_PRICE: u32 = 4;
/// What makes every sum fit.
const PERIOD_MAX: u32 = u32::MAX / (OLD_AT_ONCE * OLD_PRICE) / 2;

/// Two buckets, each as the time in which it would be full again. Only failures cost.
#[derive(Clone, Copy, Default)]
pub(crate) struct Budget {
    /// The highest number that failed since the last success.
    highest: u64,
    /// When the rest was true, in milliseconds.
    at_ms: u64,
    /// For one new failure, in milliseconds.
    period_ms: u32,
    new_ms: u32,
    old_ms: u32,
}

impl Budget {
    /// Full buckets, for a failure in every `period_ms`.
    pub fn full(period_ms: u32, now_ms: u64) -> Self {
        Self { at_ms: now_ms, period_ms: period_ms.clamp(1, PERIOD_MAX), ..Self::default() }
    }

    /// Whether there is enough to check the proof of a request. [`Error::Budget`]: it is to be dropped unchecked.
    pub fn check(&mut self, number: u64, now_ms: u64) -> Result<(), Error> {
        // A clock that goes back stands still.
        let passed = u32::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(u32::MAX);
        self.at_ms = self.at_ms.max(now_ms);
        self.new_ms = self.new_ms.saturating_sub(passed);
        self.old_ms = self.old_ms.saturating_sub(passed);
        let (owed, price, at_once) = self.bucket(number);
        let is_enough = owed.saturating_add(price) <= price.saturating_mul(at_once);
        if is_enough { Ok(()) } else { Err(Error::Budget) }
    }

    /// The proof of a request that [`Budget::check`] let pass was bad.
    pub fn failed(&mut self, number: u64) {
        let (owed, price, _) = self.bucket(number);
        *owed = owed.saturating_add(price);
        self.highest = self.highest.max(number);
    }

    /// A request was genuine.
    pub fn succeeded(&mut self) {
        self.highest = 0;
    }

    /// Which one pays: what it owes, what a failure costs, and how many of those there may be at once.
    fn bucket(&mut self, number: u64) -> (&mut u32, u32, u32) {
        if number > self.highest {
            (&mut self.new_ms, self.period_ms, NEW_AT_ONCE)
        } else {
            (&mut self.old_ms, self.period_ms.saturating_mul(OLD_PRICE), OLD_AT_ONCE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `tries` failures are paid for, a number each, at these times.
    fn paid(budget: &mut Budget, tries: impl Iterator<Item = (u64, u64)>) -> usize {
        tries
            .filter(|(number, now_ms)| {
                let paid = budget.check(*number, *now_ms).is_ok();
                if paid {
                    budget.failed(*number);
                }
                paid
            })
            .count()
    }

    #[test]
    fn garbled_copies_cost_three_checks_for_each_request() {
        let mut budget = Budget::full(1_000, 5_000);
        assert_eq!(paid(&mut budget, (0..1_000).map(|at| (20, 5_000 + at))), 3);
        // A later one still passes; once it has, nothing is held against its like.
        assert_eq!(budget.check(21, 6_000), Ok(()));
        budget.succeeded();
        assert_eq!(paid(&mut budget, [(20, 6_000), (20, 6_000)].into_iter()), 1);
    }

    #[test]
    fn ever_higher_numbers_are_checked_four_at_once_and_one_in_a_period() {
        let mut budget = Budget::full(1_000, 0);
        assert_eq!(paid(&mut budget, (1..10).map(|number| (number, 0))), 4);
        assert_eq!(paid(&mut budget, (10..20).map(|number| (number, 999))), 0);
        assert_eq!(paid(&mut budget, (10..20).map(|number| (number, 1_000))), 1);
        assert_eq!(paid(&mut budget, (20..30).map(|number| (number, 5_000))), 4);
        // They leave the other bucket alone.
        assert_eq!(paid(&mut budget, (1..4).map(|number| (number, 5_000))), 2);
        assert_eq!(paid(&mut budget, (1..4).map(|number| (number, 8_999))), 0);
        assert_eq!(paid(&mut budget, (1..4).map(|number| (number, 9_000))), 1);
    }

    #[test]
    fn at_most_66_in_a_minute() {
        let mut budget = Budget::full(1_000, 0);
        let flood = (0..600).map(|at| (100 + at, at * 100));
        assert!((60..=66).contains(&paid(&mut budget, flood)));
    }

    #[test]
    fn time_does_not_run_backwards_nor_over() {
        for period in [0, 1, u32::MAX] {
            let mut budget = Budget::full(period, u64::MAX);
            assert_eq!(paid(&mut budget, (1..9).map(|number| (number, 0))), 4);
            assert_eq!(paid(&mut budget, (1..9).map(|number| (number, 0))), 2);
            let mut budget = Budget::full(period, 0);
            assert_eq!(paid(&mut budget, (1..9).map(|number| (number, 0))), 4);
            assert_eq!(paid(&mut budget, (11..19).map(|number| (number, u64::MAX))), 4);
        }
    }
}
