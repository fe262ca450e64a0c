//! Scalars as digits that are odd or zero, for a multiplication from the top, where digits are known only as they are needed.
//! That takes no room for them.

/// The digits of twice a scalar minus the scalar, bit by bit, in windows of five (Okeya, Schmidt-Samoa, Spahn and Takagi, "Signed
/// binary representations revisited", CRYPTO 2004): from -15 to 15, one in six is not zero. Not for secrets.
pub(super) struct Digits<'a> {
    scalar: &'a [u32; 8],
    /// The next digit that is not zero, and where it stands.
    digit: i32,
    place: i32,
    /// Where the window after it may begin.
    next: i32,
}

const WINDOW: i32 = 5;
/// The first place.
pub(super) const TOP: i32 = 256;

impl<'a> Digits<'a> {
    /// Of a scalar, the least significant word first.
    pub fn of(scalar: &'a [u32; 8]) -> Self {
        let mut digits = Self { scalar, digit: 0, place: 0, next: TOP };
        digits.advance();
        digits
    }

    /// The digit at a place, which is to be asked for each from [`TOP`] down to 0.
    pub fn at(&mut self, place: i32) -> i32 {
        if place != self.place {
            return 0;
        }
        let digit = self.digit;
        self.advance();
        digit
    }

    #[inline(never)]
    fn advance(&mut self) {
        let mut high = self.next;
        while high >= 0 && self.bit(high) == self.bit(high - 1) {
            high -= 1;
        }
        let low = high - (WINDOW - 1);
        let bits = (low - 1..=high).rev().fold(0, |bits, at| bits << 1 | self.bit(at));
        let value = (bits & ((1 << WINDOW) - 1)) as i32 - (bits >> 1) as i32;
        let zeroes = value.trailing_zeros() as i32 % 32;
        self.digit = value >> zeroes;
        self.place = low + zeroes;
        self.next = low - 1;
    }

    fn bit(&self, at: i32) -> u32 {
        let word = usize::try_from(at >> 5).ok().and_then(|word| self.scalar.get(word));
        word.map_or(0, |word| word >> (at & 31) & 1)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// What the digits add up to, and how many are not zero.
    fn sum(scalar: &[u32; 8]) -> ([u32; 8], usize) {
        let (mut sum, mut count) = ([0_i64; 8], 0);
        let mut digits = Digits::of(scalar);
        for place in (0..=TOP).rev() {
            let digit = digits.at(place);
            // Twice the sum, and the digit; what is beyond 256 bits is lost.
            let mut carry = i64::from(digit);
            for word in &mut sum {
                carry += *word * 2;
                *word = carry & 0xffff_ffff;
                carry >>= 32;
            }
            if digit != 0 {
                assert!(digit % 2 != 0 && digit.abs() <= 15, "{digit} at {place}");
                count += 1;
            }
        }
        (sum.map(|word| word as u32), count)
    }

    #[test]
    fn digits_add_up_to_the_scalar() {
        let mut random = 1_u64;
        let mut total = 0;
        let edges = [[0; 8], [u32::MAX; 8], [1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1 << 31]];
        for scalar in edges {
            assert_eq!(sum(&scalar).0, scalar);
        }
        for _ in 0..1000 {
            let scalar = core::array::from_fn(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 32) as u32
            });
            let (sum, count) = sum(&scalar);
            assert_eq!(sum, scalar);
            total += count;
        }
        // Of 256 digits one in six.
        assert!((42_000..44_000).contains(&total), "{total}");
    }
}
