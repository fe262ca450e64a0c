//! Integers of 256 bits.

/// The least significant word first.
pub type Words = [u32; 8];

/// Repeats a statement for each word, unrolled: an index that is a constant costs neither a check nor a loop.
macro_rules! each_word {
    (|$i:ident| $body:expr) => {
        each_word!(@ $i, $body, 0 1 2 3 4 5 6 7)
    };
    (@ $i:ident, $body:expr, $($at:literal)*) => {
        $({ const $i: usize = $at; $body; })*
    };
}

/// Reads a big-endian integer.
pub fn read(words: &mut Words, bytes: &[u8; 32]) {
    for (word, bytes) in words.iter_mut().rev().zip(bytes.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
}

/// Writes a big-endian integer.
pub fn write(words: &Words, bytes: &mut [u8; 32]) {
    for (word, bytes) in words.iter().rev().zip(bytes.as_chunks_mut().0) {
        *bytes = word.to_be_bytes();
    }
}

/// Whether `a < b`. Constant time.
pub fn is_less(a: &Words, b: &Words) -> bool {
    let mut borrow = 0;
    for (a, b) in a.iter().zip(b) {
        let difference = u64::from(*a).wrapping_sub((*b).into()).wrapping_sub(borrow);
        borrow = difference >> 63;
    }
    borrow != 0
}

/// Constant time.
pub fn is_zero(words: &Words) -> bool {
    words.iter().fold(0, |all, word| all | word) == 0
}

/// Bit `at`, 1 beyond the end.
pub fn bit(words: &Words, at: usize) -> u32 {
    words.get(at / 32).map_or(1, |word| word >> (at % 32) & 1)
}

/// All ones for a 1, else zeroes; the compiler does not know that it is one of the two, and makes no branch of it.
pub fn mask(bit: u32) -> u32 {
    core::hint::black_box(bit.wrapping_neg())
}

/// `to = from` where the mask is all ones.
pub fn assign(to: &mut Words, from: &Words, mask: u32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= (*to ^ from) & mask;
    }
}

/// Adds a factor of 0 or 1 times an integer to another, which then is 0 or has been. Unrolled, since points are chosen with it.
pub fn add_times(to: &mut Words, from: &Words, factor: u32) {
    each_word!(|I| to[I] = to[I].wrapping_add(from[I].wrapping_mul(factor)));
}
