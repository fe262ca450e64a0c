//! Points times scalars, in constant time.
//!
//! An odd scalar is a sum of all powers of 2 below 2^256, each with a sign: plus for 2^255, and for 2^t what bit t + 1 of the
//! scalar says. So no digit is 0, the running sum never is the identity, and doubling is always right. Four signs at a time
//! are a digit: an index into a table of eight points, and the sign of that point.
//!
//! **The exceptions of the addition are absent.** It goes wrong where the running sum is plus or minus what is added. Both are
//! odd multiples of one point, and before the last addition, of magnitude below n together: no sum or difference of them
//! is a multiple of n. At the last addition the sum is the scalar, which is in 1..n−1; the difference can be a multiple
//! of n only for the scalar that one gets from the digits of n by turning those of the last addition round, n − 2d. That is
//! no scalar where d is negative. It is for the comb, the digits of whose last addition have the sign of bit 193 of n; and
//! for the window because its last digit has three bits, and is n modulo 16, which is 1, less 8. With four bits it would be
//! 1, and 2 a scalar to go wrong.

use crate::constants::{COMB, N, OPERANDS, P};
use crate::file::{File, R2P, S, Step, X1, Y2, Z1, mul, sub};
use crate::words::{Words, add_times, assign, bit, mask};

/// Digits of a scalar: columns of the comb, windows of four bits.
const DIGITS: usize = 64;

/// An odd scalar, and what to do with its digits.
struct Odd {
    /// With a bit 256, which is set.
    words: [u32; 9],
    /// All ones where it stands for its negative modulo n.
    flip: u32,
}

impl Odd {
    /// Digit of four bits, one for each tooth of the comb.
    fn of_comb(&self, place: usize) -> u32 {
        let signs = [193, 129, 65, 1].map(|tooth| bit(&self.words, place.wrapping_add(tooth)));
        signs.iter().fold(0, |digit, sign| digit << 1 | sign) ^ self.flip
    }

    /// Digit of four bits in a row; of three at the end.
    fn of_window(&self, place: usize) -> u32 {
        let word = self.words.get(place / 8).map_or(0, |word| word >> ((place % 8) << 2));
        self.flip ^ if place == 0 { (word >> 1 & 7).wrapping_add(4) } else { word }
    }
}

/// `S = −X1`, a scalar.
static NEGATE_SCALAR: [Step; 2] = [sub(S, S, S), sub(S, S, X1)];
/// `S = −Y2`.
static NEGATE_POINT: [Step; 2] = [sub(S, S, S), sub(S, S, Y2)];

impl File {
    /// The first point becomes the generator times a scalar in 1..n−1.
    #[inline(never)]
    pub fn multiply_generator(&mut self, scalar: &Words) {
        let odd = self.odd(scalar);
        let table = COMB.as_flattened();
        self.select(table, odd.of_comb(DIGITS - 1));
        let [_, _, _, x, y, ..] = self.0;
        self.load(&x, &y);
        for place in (0..DIGITS - 1).rev() {
            self.double();
            self.select(table, odd.of_comb(place));
            self.add_affine();
        }
    }

    /// The first point becomes this one times a scalar in 1..n−1.
    #[inline(never)] // its table is on the stack of this function alone
    pub fn multiply_point(&mut self, x: &Words, y: &Words, scalar: &Words) {
        let odd = self.odd(scalar);
        // Entry `i` is 2i + 1 times the point; the last one is 2 times it until it is made.
        let mut table = [[[0; 8]; 3]; 8];
        let [entries @ .., last] = &mut table;
        self.load(x, y);
        self.double();
        let [twice @ .., _, _, _, _, _] = &self.0;
        *last = *twice;
        self.load(x, y);
        for entry in entries {
            let [sum @ .., x_2, y_2, z_2, _, _] = &mut self.0;
            *entry = *sum;
            [*x_2, *y_2, *z_2] = *last;
            self.add();
        }
        let [sum @ .., _, _, _, _, _] = &self.0;
        *last = *sum;
        let table = table.as_flattened();
        self.select(table, 8 ^ odd.flip);
        let [_, _, _, x, y, ..] = self.0;
        self.load(&x, &y);
        for place in (0..DIGITS).rev() {
            for _ in 0..if place == 0 { 3 } else { 4 } {
                self.double();
            }
            self.select(table, odd.of_window(place));
            self.add();
        }
    }

    /// Makes an affine point the first one.
    fn load(&mut self, x: &Words, y: &Words) {
        let ([_, _, one, _], [x_1, y_1, z_1, ..]) = (&OPERANDS, &mut self.0);
        (*x_1, *y_1, *z_1) = (*x, *y, *one);
        self.run(&P, &[mul(Z1, Z1, R2P)]);
    }

    /// Writes over X1 and S.
    fn odd(&mut self, scalar: &Words) -> Odd {
        let [x_1, ..] = &mut self.0;
        *x_1 = *scalar;
        self.run(&N, &NEGATE_SCALAR);
        let [x_1, _, _, _, _, _, negative, _] = &mut self.0;
        let flip = mask(!bit(x_1, 0) & 1);
        assign(x_1, negative, flip);
        let mut odd = Odd { words: [1; 9], flip };
        odd.words.iter_mut().zip(x_1).for_each(|(word, odd)| *word = *odd);
        odd
    }

    /// The second point becomes the one that the low four bits of a digit stand for. A table has eight points, in two or in three
    /// coordinates.
    fn select(&mut self, mut table: &[Words], digit: u32) {
        let is_negative = mask(!digit >> 3 & 1);
        let index = (digit ^ is_negative) & 7;
        let [_, _, _, second @ .., _, _] = &mut self.0;
        *second = [[0; 8]; 3];
        let row_len = table.len() / 8;
        for place in 0..8 {
            let Some((row, rest)) = table.split_at_checked(row_len) else { return };
            let is_it = mask((place ^ index).wrapping_sub(1) >> 31) & 1;
            for (to, from) in second.iter_mut().zip(row) {
                add_times(to, from, is_it);
            }
            table = rest;
        }
        self.run(&P, &NEGATE_POINT);
        let [_, _, _, _, y_2, _, negative, _] = &mut self.0;
        assign(y_2, negative, is_negative);
    }
}
