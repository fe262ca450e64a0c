//! What chance decides about one datagram.

use super::config::{Direction, Impairment};

/// Decided from seed, direction and number alone, whatever order threads run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub lost: bool,
    pub duplicated: bool,
    pub reordered: bool,
    /// Where, and with what the byte there is combined; both to be cut to size.
    pub corruption: Option<(u64, u8)>,
}

const DRAWS: u64 = 5; // of each datagram, whether it needs them or not

impl Fate {
    pub fn of(seed: u64, direction: Direction, number: u64, way: &Impairment) -> Fate {
        let stream = mix(seed ^ if direction == Direction::Up { 0x7570 } else { 0x646f_776e });
        let draw = |k| split_mix(stream, number.wrapping_mul(DRAWS).wrapping_add(k));
        let happens = |k, probability: f64| unit(draw(k)) < probability;
        let place = draw(4);
        Fate {
            lost: happens(0, way.loss),
            duplicated: happens(1, way.duplicate),
            reordered: happens(2, way.reorder),
            // 1 to 255, so that the byte does change
            corruption: happens(3, way.corrupt).then_some((place >> 8, (place % 255) as u8 + 1)),
        }
    }

    /// Changes one byte if that is its fate. Says whether it did.
    pub fn corrupt(&self, datagram: &mut [u8]) -> bool {
        match self.corruption {
            Some((place, with)) if !datagram.is_empty() => {
                let at = (place % datagram.len() as u64) as usize;
                datagram[at] ^= with;
                true
            }
            _ => false,
        }
    }
}

/// The n-th number of SplitMix64 from `seed`.
fn split_mix(seed: u64, n: u64) -> u64 {
    mix(seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 0 to 1, 1 excluded.
fn unit(x: u64) -> f64 {
    (x >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_64_gives_its_published_numbers() {
        let got: Vec<u64> = (0..3).map(|n| split_mix(1_234_567, n)).collect();
        assert_eq!(got, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn frequencies_are_the_probabilities() {
        let way = Impairment { loss: 0.1, duplicate: 0.2, reorder: 0.3, corrupt: 0.4, ..Default::default() };
        let fates: Vec<Fate> = (0..100_000).map(|n| Fate::of(1, Direction::Up, n, &way)).collect();
        let share = |f: fn(&Fate) -> bool| fates.iter().filter(|x| f(x)).count() as f64 / fates.len() as f64;
        assert!((share(|f| f.lost) - 0.1).abs() < 0.01);
        assert!((share(|f| f.duplicated) - 0.2).abs() < 0.01);
        assert!((share(|f| f.reordered) - 0.3).abs() < 0.01);
        assert!((share(|f| f.corruption.is_some()) - 0.4).abs() < 0.01);
    }

    #[test]
    fn never_and_always() {
        let always = Impairment { loss: 1.0, corrupt: 1.0, ..Default::default() };
        for n in 0..1000 {
            let fate = Fate::of(9, Direction::Down, n, &Impairment::default());
            assert!(!fate.lost && !fate.duplicated && !fate.reordered && fate.corruption.is_none());
            let fate = Fate::of(9, Direction::Down, n, &always);
            let mut datagram = *b"abc";
            assert!(fate.lost && fate.corrupt(&mut datagram));
            assert_eq!(datagram.iter().zip(b"abc").filter(|(a, b)| a != b).count(), 1);
            assert!(!fate.corrupt(&mut []));
        }
    }

    #[test]
    fn directions_and_seeds_differ() {
        let way = Impairment { loss: 0.5, ..Default::default() };
        let lost = |seed, direction| -> Vec<bool> {
            (0..64).map(|n| Fate::of(seed, direction, n, &way).lost).collect()
        };
        assert_eq!(lost(1, Direction::Up), lost(1, Direction::Up));
        assert_ne!(lost(1, Direction::Up), lost(1, Direction::Down));
        assert_ne!(lost(1, Direction::Up), lost(2, Direction::Up));
    }
}
