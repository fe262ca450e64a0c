//! The arithmetic by itself: at the edges against `crypto-bigint`, and in a chain that ends as on microcontrollers, where the
//! assembly is: c-examples/firmware/selftest/case_p256.c.

use super::agreement::Random;
use crate::constants::{Modulus, N, P};
use crate::file::{File, S, T, X1, Y1, add, halve, mul, sub};
use crate::words::{Words, read};
use p256::elliptic_curve::bigint::{NonZero, U256};
use std::string::String;
use std::vec::Vec;

fn integer(words: &Words) -> U256 {
    words.iter().rev().fold(U256::ZERO, |integer, word| integer.shl(32) | U256::from(*word))
}

fn words(integer: &U256) -> Words {
    let mut words = [0; 8];
    read(&mut words, &integer.to_be_bytes().into());
    words
}

fn check(a: &U256, b: &U256, modulus: &Modulus) {
    let m = NonZero::new(integer(&modulus.words)).unwrap();
    let mut file = File::new();
    (file.0[0], file.0[1]) = (words(a), words(b));
    file.run(modulus, &[mul(S, X1, Y1), mul(T, Y1, X1)]);
    // 2^256 times the product, by 256 doublings.
    let scaled = |words: &Words| (0..256).fold(integer(words), |sum, _| sum.add_mod(&sum, &m));
    let product = a.mul_mod(b, &m);
    assert_eq!(scaled(&file.0[6]), product);
    assert!(integer(&file.0[6]) < *m);
    if a < &*m {
        assert_eq!(file.0[7], file.0[6]);
        file.run(modulus, &[add(S, X1, Y1), sub(T, X1, Y1)]);
        assert_eq!(integer(&file.0[6]), a.add_mod(b, &m));
        assert_eq!(integer(&file.0[7]), a.sub_mod(b, &m));
        file.run(modulus, &[halve(S, X1), add(T, S, S)]);
        assert_eq!(file.0[7], file.0[0]);
        assert!(integer(&file.0[6]) < *m);
    }
}

#[test]
fn arithmetic_at_the_edges() {
    let mut random = Random(3);
    for modulus in [&P, &N] {
        let m = integer(&modulus.words);
        let near = |integer: U256| {
            (0..3_u32).map(move |i| integer.wrapping_add(&U256::from(i)).wrapping_sub(&U256::ONE))
        };
        let powers = (0..256).step_by(31).map(|bits| U256::ONE.shl(bits));
        let edges =
            powers.chain([U256::ZERO, m, m.shr(1), U256::MAX.shr(32), U256::MAX.shl(224)]).flat_map(near);
        let randoms = (0..20).map(|_| U256::from_be_slice(&random.integer()));
        let all: Vec<U256> = edges.chain(randoms).collect();
        for a in &all {
            for b in all.iter().filter(|b| **b < m) {
                check(a, b, modulus);
            }
        }
    }
}

/// Each result is an operand of the next steps, modulo p and then modulo n.
#[test]
fn a_chain_of_steps() {
    let mut file = File::new();
    file.0[0] = core::array::from_fn(|word| 0x0101_0101 * (word as u32 + 1));
    file.0[1] = file.0[0].map(|word| !word >> 1);
    let program =
        [mul(S, X1, Y1), add(X1, X1, S), halve(T, X1), sub(Y1, Y1, T), mul(X1, X1, 8), mul(Y1, Y1, Y1)];
    for modulus in [&P, &N] {
        for _ in 0..1000 {
            file.run(modulus, &program);
        }
    }
    let end: String = file.0[..2]
        .iter()
        .map(|words| words.map(|word| std::format!("{word:#010x}")).join(", ") + "\n")
        .collect();
    let firmware = include_str!("../../../c-examples/firmware/selftest/case_p256.c");
    assert!(end.lines().all(|words| firmware.contains(words)), "the firmware expects another end than {end}");
}
