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

use crate::constants::{COMB, N, P};
use crate::file::{File, ONE, R2P, S, Step, T, X1, X2, Y1, Y2, Z1, add, mul, sub};
use crate::words::{Words, add_times, assign, bit, mask};

/// How many digits a scalar has: columns of the comb, or windows.
const DIGITS: usize = 64;

/// `S = −T`, a scalar.
static NEGATE_SCALAR: [Step; 2] = [sub(S, S, S), sub(S, S, T)];
/// `S = −Y2`.
static NEGATE_POINT: [Step; 2] = [sub(S, S, S), sub(S, S, Y2)];
/// The first point becomes the second one, of which Z2 would be 1.
static BEGIN: [Step; 5] = [sub(S, S, S), add(X1, X2, S), add(Y1, Y2, S), add(Z1, S, ONE), mul(Z1, Z1, R2P)];

impl File {
    /// The first point becomes the generator times T, a scalar in 1..n−1. Changes T.
    #[inline(never)]
    pub fn multiply_generator(&mut self) {
        self.multiply(COMB.as_flattened());
    }

    /// The first point becomes this one times T, a scalar in 1..n−1. Changes T.
    #[inline(never)] // its table is on the stack of this function alone
    pub fn multiply_point(&mut self, x: &Words, y: &Words) {
        let [_, _, _, x_2, y_2, ..] = &mut self.0;
        (*x_2, *y_2) = (*x, *y);
        self.run(&P, &BEGIN);
        // Entry `i` is 2i + 1 times the point; the last one is 2 times it until it is made.
        let mut table = [[[0; 8]; 3]; 8];
        let [entries @ .., last] = &mut table;
        let [once @ .., _, _, _, _, _] = self.0;
        self.double();
        let [sum @ .., _, _, _, _, _] = &mut self.0;
        *last = *sum;
        *sum = once;
        for entry in entries {
            let [sum @ .., x_2, y_2, z_2, _, _] = &mut self.0;
            *entry = *sum;
            [*x_2, *y_2, *z_2] = *last;
            self.add();
        }
        let [sum @ .., _, _, _, _, _] = &self.0;
        *last = *sum;
        self.multiply(table.as_flattened());
    }

    /// Goes through the digits of T. A table has eight points: of the comb in affine coordinates, of the window in Jacobian ones.
    fn multiply(&mut self, table: &[Words]) {
        let is_comb = table.len() == COMB.as_flattened().len();
        self.run(&N, &NEGATE_SCALAR);
        let [.., negative, scalar] = &mut self.0;
        let is_even = mask(!bit(scalar, 0) & 1);
        assign(scalar, negative, is_even);
        // The sign of 2^255 is plus: it is the first digit of the comb's, and the window's by itself.
        let mut place = if is_comb { DIGITS - 1 } else { DIGITS };
        let first = if is_comb { self.of_comb(place) } else { 8 };
        self.select(table, first ^ is_even);
        self.run(&P, &BEGIN);
        while place > 0 {
            place = place.wrapping_sub(1);
            let (digit, bits) = if is_comb { (self.of_comb(place), 1) } else { self.of_window(place) };
            for _ in 0..bits {
                self.double();
            }
            self.select(table, digit ^ is_even);
            if is_comb {
                self.add_affine();
            } else {
                self.add();
            }
        }
    }

    /// Digit of four bits, one for each tooth of the comb.
    fn of_comb(&self, place: usize) -> u32 {
        let [.., scalar] = &self.0;
        let (mut digit, mut at) = (0, place.wrapping_add(193));
        for _ in 0..4 {
            digit = digit << 1 | bit(scalar, at);
            at = at.wrapping_sub(64);
        }
        digit
    }

    /// Digit of four bits in a row, of three at the end; and how many there are.
    fn of_window(&self, place: usize) -> (u32, u32) {
        let [.., scalar] = &self.0;
        let word = scalar.get(place / 8).map_or(0, |word| word >> ((place % 8) << 2));
        if place == 0 { ((word >> 1 & 7).wrapping_add(4), 3) } else { (word, 4) }
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
