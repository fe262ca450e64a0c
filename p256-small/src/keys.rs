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

/// `Z1 = x³ − 3x + b` of X1.
static CURVE: [Step; 6] =
    [mul(Z1, X1, X1), mul(Z1, Z1, X1), sub(Z1, Z1, X1), sub(Z1, Z1, X1), sub(Z1, Z1, X1), add(Z1, Z1, B)];

impl Point {
    /// Becomes the point with these coordinates; false if there is none, and then it is of no use. Takes no secrets.
    pub fn read(&mut self, x: &[u8; 32], y: &[u8; 32]) -> bool {
        let mut file = File::new();
        let [x_1, y_1, ..] = &mut file.0;
        read(x_1, x);
        read(y_1, y);
        let is_in_range = is_less(x_1, &P.words) & is_less(y_1, &P.words);
        file.run(&P, &[mul(X1, X1, R2P), mul(Y1, Y1, R2P)]);
        let [x_1, y_1, ..] = &file.0;
        (self.x, self.y) = (*x_1, *y_1);
        is_in_range & self.is_on_curve(&mut file)
    }

    fn is_on_curve(&self, file: &mut File) -> bool {
        let [x_1, y_1, ..] = &mut file.0;
        (*x_1, *y_1) = (self.x, self.y);
        file.run(&P, &CURVE);
        file.is_root(Y1)
    }

    /// The first point becomes this one times a scalar in 1..n−1.
    pub(crate) fn multiply(&self, file: &mut File, scalar: &Words) {
        file.multiply_point(&self.x, &self.y, scalar);
    }
}

impl File {
    /// Whether the square of a register is Z1. Writes over T.
    fn is_root(&mut self, register: u16) -> bool {
        self.run(&P, &[mul(T, register, register), sub(T, T, Z1)]);
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
    let (mut file, mut scalar) = (File::new(), [0; 8]);
    let is_valid = read_scalar(&mut scalar, secret);
    file.multiply_generator(&scalar);
    file.make_affine();
    let [x_1, y_1, ..] = &file.0;
    write(x_1, x);
    write(y_1, y);
    is_valid
}

/// The x-coordinate of a point times a secret; false if the secret is not in 1..n−1 or the point is none, and then it is of no use.
#[inline(never)] // what it leaves is below the caller's frame
pub fn diffie_hellman(secret: &[u8; 32], point: &Point, shared: &mut [u8; 32]) -> bool {
    let (mut file, mut scalar) = (File::new(), [0; 8]);
    let is_valid = read_scalar(&mut scalar, secret) & point.is_on_curve(&mut file);
    point.multiply(&mut file, &scalar);
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
    file.run(&P, &[mul(X1, X1, R2P)]);
    file.run(&P, &CURVE);
    file.power(&P, &P_PLUS_1, 2);
    let exists = file.is_root(S);
    file.run(&P, &[mul(S, S, ONE)]);
    let [.., root, _] = &file.0;
    if bit(root, 0) != u32::from(is_odd) {
        // No point has y = 0: the order of the curve is odd.
        file.run(&P, &[sub(T, T, T), sub(S, T, S)]);
    }
    let [.., root, _] = &file.0;
    write(root, y);
    exists
}
