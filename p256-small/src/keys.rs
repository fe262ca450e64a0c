//! Key pairs, Diffie-Hellman, and points of the curve. Coordinates and scalars are big-endian integers.

use crate::constants::{N, P, P_PLUS_1};
use crate::file::{B, File, ONE, R2P, S, Step, T, X1, Y1, Z1, add, mul, sub};
use crate::words::{Words, bit, is_less, is_zero, read, write};

/// A point that was found to be on the curve, in Montgomery form. The default is none, and of no use.
#[derive(Clone, Default)]
pub struct Point {
    x: Words,
    y: Words,
}

/// X1 and Y1 into Montgomery form; then `Z1 = x³ − 3x + b` of X1.
static CURVE: [Step; 8] = [
    mul(X1, X1, R2P),
    mul(Y1, Y1, R2P),
    mul(Z1, X1, X1),
    mul(Z1, Z1, X1),
    sub(Z1, Z1, X1),
    sub(Z1, Z1, X1),
    sub(Z1, Z1, X1),
    add(Z1, Z1, B),
];

/// `Y1 = S`; then `T = Y1² − Z1`, which is 0 for a point of the curve.
static ROOT: [Step; 4] = [sub(T, T, T), add(Y1, S, T), mul(T, Y1, Y1), sub(T, T, Z1)];

/// Y1 and its negative, in S, out of Montgomery form.
static ROOTS: [Step; 3] = [sub(S, S, S), mul(Y1, Y1, ONE), sub(S, S, Y1)];

impl Point {
    /// Becomes the point with these coordinates; false if there is none, and then it is of no use. Takes no secrets.
    pub fn read(&mut self, x: &[u8; 32], y: &[u8; 32]) -> bool {
        let mut file = File::new();
        let [x_1, y_1, ..] = &mut file.0;
        read(x_1, x);
        read(y_1, y);
        let is_in_range = is_less(x_1, &P.words) & is_less(y_1, &P.words);
        file.run(&P, &CURVE);
        let [x_1, y_1, ..] = &file.0;
        (self.x, self.y) = (*x_1, *y_1);
        is_in_range & file.is_on_curve()
    }

    /// The first point becomes this one times T.
    pub(crate) fn multiply(&self, file: &mut File) {
        file.multiply_point(&self.x, &self.y);
    }
}

impl File {
    /// Reads a scalar into T, which is what points are multiplied by; whether it is in 1..n−1. Constant time.
    pub(crate) fn read_factor(&mut self, scalar: &[u8; 32]) -> bool {
        let [.., t] = &mut self.0;
        read_scalar(t, scalar)
    }

    /// Whether the square of Y1 is Z1. Writes over T.
    fn is_on_curve(&mut self) -> bool {
        let [_, _, check @ ..] = &ROOT;
        self.run(&P, check);
        let [.., difference] = &self.0;
        is_zero(difference)
    }
}

/// Reads an integer; whether it is in 1..n−1: a secret key, a nonce, half of a signature. Constant time.
pub(crate) fn read_scalar(words: &mut Words, integer: &[u8; 32]) -> bool {
    read(words, integer);
    is_less(words, &N.words) & !is_zero(words)
}

/// Whether an integer is in 1..n−1. Constant time.
pub fn is_scalar(integer: &[u8; 32]) -> bool {
    read_scalar(&mut [0; 8], integer)
}

/// The public key of a secret; false if that is not in 1..n−1, and then the key is none.
#[inline(never)] // what it leaves is below the caller's frame
pub fn public_key(secret: &[u8; 32], x: &mut [u8; 32], y: &mut [u8; 32]) -> bool {
    let mut file = File::new();
    let is_valid = file.read_factor(secret);
    file.multiply_generator();
    file.make_affine();
    let [x_1, y_1, ..] = &file.0;
    write(x_1, x);
    write(y_1, y);
    is_valid
}

/// The x-coordinate of a point times a secret; false if the secret is not in 1..n−1 or the point is none, and then it is of no use.
#[inline(never)] // what it leaves is below the caller's frame
pub fn diffie_hellman(secret: &[u8; 32], point: &Point, shared: &mut [u8; 32]) -> bool {
    let mut file = File::new();
    let [x_1, y_1, ..] = &mut file.0;
    (*x_1, *y_1) = (point.x, point.y);
    let [_, _, curve @ ..] = &CURVE;
    file.run(&P, curve);
    let is_valid = file.is_on_curve() & file.read_factor(secret);
    point.multiply(&mut file);
    file.make_affine();
    let [x_1, ..] = &file.0;
    write(x_1, shared);
    is_valid
}

/// The y-coordinate, odd or even, of the point with this x-coordinate (SEC 1 section 2.3.4); false if there is none. Takes no secrets.
pub fn decompress(x: &[u8; 32], is_odd: bool, y: &mut [u8; 32]) -> bool {
    let mut file = File::new();
    let [x_1, ..] = &mut file.0;
    read(x_1, x);
    if !is_less(x_1, &P.words) {
        return false;
    }
    file.run(&P, &CURVE);
    file.power(&P, &P_PLUS_1, 2);
    file.run(&P, &ROOT);
    let [.., difference] = &file.0;
    let exists = is_zero(difference);
    file.run(&P, &ROOTS);
    let [_, root, .., negative, _] = &file.0;
    // No point has y = 0: the order of the curve is odd.
    write(if bit(root, 0) == u32::from(is_odd) { root } else { negative }, y);
    exists
}
