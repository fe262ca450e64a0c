//! A file of registers, each an integer of 256 bits, and the programs that compute with them.

use crate::arithmetic::{self, ADD, HALVE, MULTIPLY, SUBTRACT};
use crate::constants::{Modulus, P};
use crate::words::{Words, bit};

/// Registers. The first three are a point in Jacobian coordinates, (X1 / Z1², Y1 / Z1³), and so are the next three.
pub const X1: u16 = 0;
pub const Y1: u16 = 1;
pub const Z1: u16 = 2;
pub const X2: u16 = 3;
pub const Y2: u16 = 4;
pub const Z2: u16 = 5;
pub const S: u16 = 6;
pub const T: u16 = 7;
/// The last operand can also be one of [`crate::constants::OPERANDS`]: 2^512 modulo p, the same modulo n, 1, and b.
pub const R2P: u16 = 8;
pub const R2N: u16 = 9;
pub const ONE: u16 = 10;
pub const B: u16 = 11;

/// One step: what is done, where the result goes, and two operands, a hexadecimal digit each.
pub type Step = u16;

/// `to = a · b / 2^256`. `b` has to be below the modulus, and `a` may be anything.
pub const fn mul(to: u16, a: u16, b: u16) -> Step {
    MULTIPLY << 12 | to << 8 | a << 4 | b
}

/// `to = a + b`.
pub const fn add(to: u16, a: u16, b: u16) -> Step {
    ADD << 12 | to << 8 | a << 4 | b
}

/// `to = a − b`.
pub const fn sub(to: u16, a: u16, b: u16) -> Step {
    SUBTRACT << 12 | to << 8 | a << 4 | b
}

/// `to = a / 2`.
pub const fn halve(to: u16, a: u16) -> Step {
    HALVE << 12 | to << 8 | a << 4
}

/// "dbl-2001-b" of the Explicit-Formulas Database, for a = −3, with half of its z: the first point doubled. Takes the room of X2 and
/// S. Right for every point but the identity, since none has y = 0: the order of the curve is odd.
static DOUBLED: [Step; 17] = [
    mul(S, Z1, Z1),
    sub(X2, X1, S),
    add(S, X1, S),
    mul(S, S, X2),
    add(X2, S, S),
    add(S, S, X2),
    halve(S, S), // α = 3/2 (x − z²) (x + z²)
    mul(Z1, Z1, Y1),
    mul(Y1, Y1, Y1), // γ = y²
    mul(X2, X1, Y1), // β = xγ
    mul(X1, S, S),
    sub(X1, X1, X2),
    sub(X1, X1, X2),
    sub(X2, X2, X1),
    mul(X2, X2, S),
    mul(Y1, Y1, Y1),
    sub(Y1, X2, Y1),
];

/// "add-1998-cmo-2" there: the first point becomes the sum of both. Takes the room of X2, Y2 and S. Where the points have the same
/// x, Z1 becomes 0, and Y2 too where they are the same point.
static ADDED: [Step; 23] = [
    // The first and the last lines are for a Z2 that is not 1.
    mul(S, Z2, Z2),
    mul(X1, X1, S),
    mul(S, S, Z2),
    mul(Y1, Y1, S),
    mul(S, Z1, Z1),
    mul(X2, X2, S),
    mul(S, S, Z1),
    mul(Y2, Y2, S),
    sub(X2, X2, X1), // h
    sub(Y2, Y2, Y1), // r
    mul(Z1, Z1, X2),
    mul(S, X2, X2),
    mul(X2, X2, S), // h³
    mul(S, S, X1),  // v
    mul(X1, Y2, Y2),
    sub(X1, X1, X2),
    sub(X1, X1, S),
    sub(X1, X1, S),
    sub(S, S, X1),
    mul(S, S, Y2),
    mul(X2, X2, Y1),
    sub(Y1, S, X2),
    mul(Z1, Z1, Z2),
];

/// The first point, of which S is the inverse of z, in affine coordinates and out of Montgomery form.
static AFFINE: [Step; 6] =
    [mul(T, S, S), mul(X1, X1, T), mul(T, T, S), mul(Y1, Y1, T), mul(X1, X1, ONE), mul(Y1, Y1, ONE)];

/// `S = S² · Z1`; the first step by itself is for a bit that is 0.
static POWER: [Step; 2] = [mul(S, S, S), mul(S, S, Z1)];

/// The registers.
pub struct File(pub [Words; 8]);

impl File {
    /// All zeroes.
    pub fn new() -> Self {
        Self([[0; 8]; 8])
    }

    /// Goes through a program.
    pub fn run(&mut self, modulus: &Modulus, program: &[Step]) {
        arithmetic::run(&mut self.0, program, modulus);
    }

    /// Doubles the first point.
    pub fn double(&mut self) {
        self.run(&P, &DOUBLED);
    }

    /// Adds the second point to the first.
    pub fn add(&mut self) {
        self.run(&P, &ADDED);
    }

    /// The same for a Z2 of 1, which is not read.
    pub fn add_affine(&mut self) {
        let [_, _, _, _, affine @ .., _] = &ADDED;
        self.run(&P, affine);
    }

    /// `S = Z1^exponent`, the exponent without its last `without` bits. Its first bit is set, and it is no secret.
    pub fn power(&mut self, modulus: &Modulus, exponent: &Words, without: usize) {
        let [_, _, base, _, _, _, power, _] = &mut self.0;
        *power = *base;
        for at in (without..255).rev() {
            let [square @ .., _] = &POWER;
            self.run(modulus, if bit(exponent, at) == 1 { &POWER } else { square });
        }
    }

    /// `S = 1 / Z1`, by Fermat's little theorem; 0 for 0.
    pub fn invert(&mut self, modulus: &Modulus) {
        let mut exponent = modulus.words;
        let [least, ..] = &mut exponent;
        *least = least.wrapping_sub(2); // of neither modulus it borrows
        self.power(modulus, &exponent, 0);
    }

    /// The first point in affine coordinates and out of Montgomery form: X1 and Y1.
    pub fn make_affine(&mut self) {
        self.invert(&P);
        self.run(&P, &AFFINE);
    }
}
