//! Minimum, average, median and maximum.

/// Of at least one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    /// The smallest.
    pub min: f64,
    /// The arithmetic mean.
    pub average: f64,
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Stats {
    /// `None` of nothing.
    pub fn of(numbers: &[f64]) -> Option<Stats> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Some(Stats { min, average: sorted.iter().sum::<f64>() / sorted.len() as f64, median, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_odd_even_one_and_none() {
        let stats = Stats::of(&[3.0, 1.0, 8.0]).unwrap();
        assert_eq!(stats, Stats { min: 1.0, average: 4.0, median: 3.0, max: 8.0 });
        assert_eq!(Stats::of(&[4.0, 1.0, 2.0, 9.0]).unwrap().median, 3.0);
        assert_eq!(Stats::of(&[7.0]).unwrap(), Stats { min: 7.0, average: 7.0, median: 7.0, max: 7.0 });
        assert_eq!(Stats::of(&[]), None);
    }
}
