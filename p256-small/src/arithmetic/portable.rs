//! In Rust. Constant time where products of 32-bit integers are.
#![allow(clippy::arithmetic_side_effects)] // (2^32 − 1)² + 2 (2^32 − 1) is below 2^64: nothing overflows that is not meant to

use super::{ADD, MULTIPLY, SUBTRACT};
use crate::constants::{Modulus, OPERANDS};
use crate::file::Step;
use crate::words::{Words, mask};

/// Goes through a program.
pub fn run(registers: &mut [Words; 8], program: &[Step], modulus: &Modulus) {
    for step in program {
        operate(registers, *step, modulus);
    }
}

fn operate(registers: &mut [Words; 8], step: Step, modulus: &Modulus) {
    let index = |shift: u16| usize::from(step >> shift & 7);
    let (to, a, b) = (index(8), index(4), index(0));
    let operands = if step & 8 == 0 { registers.as_slice() } else { &OPERANDS };
    let (Some(a), Some(b)) = (registers.get(a), operands.get(b)) else { return };
    let result = match step >> 12 {
        MULTIPLY => multiply(a, b, modulus),
        ADD => add(a, b, modulus),
        SUBTRACT => subtract(a, b, modulus),
        _ => halve(a, modulus),
    };
    if let Some(to) = registers.get_mut(to) {
        *to = result;
    }
}

/// The low word of `a · b + c + d`, and the high one.
fn step(a: u32, b: u32, c: u32, d: u32) -> (u32, u32) {
    let sum = u64::from(a) * u64::from(b) + u64::from(c) + u64::from(d);
    (sum as u32, (sum >> 32) as u32)
}

/// Word by word, each followed by a reduction ("CIOS"): what is added up stays below twice the modulus.
fn multiply(a: &Words, b: &Words, modulus: &Modulus) -> Words {
    let (mut sum, mut top) = ([0_u32; 8], 0_u32);
    for a in a {
        let mut carry = 0;
        each_word!(|I| (sum[I], carry) = step(*a, b[I], sum[I], carry));
        let high = u64::from(top) + u64::from(carry);
        let factor = sum[0].wrapping_mul(modulus.negative_inverse);
        // The lowest word becomes 0 and falls out.
        (_, carry) = step(factor, modulus.words[0], sum[0], 0);
        each_word!(@ I, (sum[I - 1], carry) = step(factor, modulus.words[I], sum[I], carry), 1 2 3 4 5 6 7);
        let high = high + u64::from(carry);
        (sum[7], top) = (high as u32, (high >> 32) as u32);
    }
    reduce(&sum, top, modulus)
}

/// The sum of two words and a carry, and the next carry.
fn add_carrying(a: u32, b: u32, carry: u32) -> (u32, u32) {
    let sum = u64::from(a) + u64::from(b) + u64::from(carry);
    (sum as u32, (sum >> 32) as u32)
}

/// The difference, and the next borrow.
fn subtract_borrowing(a: u32, b: u32, borrow: u32) -> (u32, u32) {
    let difference = u64::from(a).wrapping_sub(u64::from(b)).wrapping_sub(u64::from(borrow));
    (difference as u32, (difference >> 63) as u32)
}

fn add(a: &Words, b: &Words, modulus: &Modulus) -> Words {
    let (mut sum, mut carry) = ([0; 8], 0);
    for (sum, (a, b)) in sum.iter_mut().zip(a.iter().zip(b)) {
        (*sum, carry) = add_carrying(*a, *b, carry);
    }
    reduce(&sum, carry, modulus)
}

fn subtract(a: &Words, b: &Words, modulus: &Modulus) -> Words {
    let (mut difference, mut borrow) = ([0; 8], 0);
    for (difference, (a, b)) in difference.iter_mut().zip(a.iter().zip(b)) {
        (*difference, borrow) = subtract_borrowing(*a, *b, borrow);
    }
    add_masked(&mut difference, modulus, borrow);
    difference
}

/// An integer below twice the modulus, whose highest bit is `top`.
fn reduce(sum: &Words, top: u32, modulus: &Modulus) -> Words {
    let (mut difference, mut borrow) = ([0; 8], 0);
    for (difference, (sum, word)) in difference.iter_mut().zip(sum.iter().zip(&modulus.words)) {
        (*difference, borrow) = subtract_borrowing(*sum, *word, borrow);
    }
    add_masked(&mut difference, modulus, borrow & !top);
    difference
}

/// An odd integer becomes even first.
fn halve(a: &Words, modulus: &Modulus) -> Words {
    let mut half = *a;
    let mut high = add_masked(&mut half, modulus, a[0] & 1);
    for word in half.iter_mut().rev() {
        (*word, high) = (*word >> 1 | high << 31, *word & 1);
    }
    half
}

/// Adds the modulus once or not at all; the carry.
fn add_masked(words: &mut Words, modulus: &Modulus, times: u32) -> u32 {
    let (mask, mut carry) = (mask(times), 0);
    for (word, modulus) in words.iter_mut().zip(&modulus.words) {
        (*word, carry) = add_carrying(*word, modulus & mask, carry);
    }
    carry
}
