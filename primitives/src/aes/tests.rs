//! Against published examples and the `aes` crate. The same tests run on microcontrollers, where the assembly is:
//! c-examples/firmware/selftest/case_assembly.c.

extern crate std;

use super::with_key;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

/// Of the first block, by itself and then with the second.
fn encrypted(key: &[u8; 16], pair: [[u8; 16]; 2]) -> [[u8; 16]; 2] {
    let (mut first, mut both) = ([pair[0], [7; 16]], pair);
    with_key(key, &mut first, &mut |encrypt, first| {
        let mut alone = both;
        encrypt(&mut both, true);
        assert_eq!(*first, [both[0], [0; 16]]);
        encrypt(&mut alone, false);
        assert_eq!(alone[0], both[0]);
    });
    assert_eq!(first, [[0; 16]; 2]);
    both
}

/// FIPS 197, appendices B and C.1.
#[test]
fn published_examples() {
    for (key, plain, expected) in [
        (
            0x2b7e151628aed2a6abf7158809cf4f3c,
            0x3243f6a8885a308d313198a2e0370734,
            0x3925841d02dc09fbdc118597196a0b32,
        ),
        (
            0x000102030405060708090a0b0c0d0e0f,
            0x00112233445566778899aabbccddeeff,
            0x69c4e0d86a7b0430d8cdb78070b4c55a_u128,
        ),
    ] {
        let [key, plain, expected] = [key, plain, expected].map(u128::to_be_bytes);
        assert_eq!(encrypted(&key, [plain, [0; 16]])[0], expected);
        assert_eq!(encrypted(&key, [[0; 16], plain])[1], expected);
    }
}

/// Each key is one block that was encrypted under the key before, each block what became of it. The microcontrollers
/// have to end with the same blocks.
#[test]
fn a_chain_of_keys() {
    let (mut key, mut pair) = ([0_u8; 16], [[0_u8; 16], [1; 16]]);
    for _ in 0..1000 {
        let mut expected = pair;
        let reference = aes::Aes128::new(&key.into());
        expected.iter_mut().for_each(|block| reference.encrypt_block(block.into()));
        pair = encrypted(&key, pair);
        assert_eq!(pair, expected);
        key.iter_mut().zip(pair[0]).for_each(|(key, byte)| *key ^= byte);
    }
    let firmware = include_str!("../../../c-examples/firmware/selftest/case_assembly.c");
    let hex: std::string::String = pair.concat().iter().map(|byte| std::format!("{byte:02x}")).collect();
    assert!(firmware.contains(&hex), "the firmware expects another end than {hex}");
}
