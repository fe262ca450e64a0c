//! Time that only goes on, whatever the caller's clock does.

/// Time since the first reading was taken. Zeroed memory is one.
#[derive(Default)]
pub struct Clock {
    /// The caller's last reading.
    reading: u64,
    now: u64,
}

impl Clock {
    /// Takes a reading of the caller's clock, in milliseconds. One that is behind the last, because the clock was set
    /// or is a 32-bit one that has wrapped, is no time gone by: nothing waits until the clock has caught up.
    #[inline(never)] // called from many places
    pub fn advance(&mut self, reading: u64) {
        let elapsed = reading.wrapping_sub(self.reading);
        if elapsed.leading_zeros() != 0 {
            self.now = self.now.saturating_add(elapsed);
        }
        self.reading = reading;
    }

    /// Milliseconds gone by.
    pub fn now(&self) -> u64 {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_goes_back() {
        let mut clock = Clock::default();
        let mut now = |reading| {
            clock.advance(reading);
            clock.now()
        };
        assert_eq!([5, 5, 105].map(&mut now), [5, 5, 105]);
        // Set back, and a 32-bit clock that wraps.
        assert_eq!([3, 13, 12, 12, 22].map(&mut now), [105, 115, 115, 115, 125]);
        let start = now(u64::from(u32::MAX) - 1);
        assert_eq!([0, 2].map(&mut now), [start, start + 2]);
        // From one end of its range to the other.
        let mut clock = Clock::default();
        let readings = [u64::MAX - 1, u64::MAX, 0, 7];
        let times = readings.map(|reading| {
            clock.advance(reading);
            clock.now()
        });
        assert_eq!(times, [0, 1, 2, 9]);
    }
}
