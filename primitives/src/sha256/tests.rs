//! The same chain ends as on microcontrollers, where the assembly is: c-examples/firmware/selftest/case_assembly.c. What
//! is hashed is compared with published examples there and in the crate `lscoap`.

extern crate std;

use super::compress;

/// Each state goes into half of the next block.
#[test]
fn a_chain_of_blocks() {
    let (mut state, mut block) = ([0; 8], core::array::from_fn(|byte| byte as u8));
    for round in 0..1000 {
        compress(&mut state, &block);
        let halves = block.as_chunks_mut::<32>().0;
        halves[round % 2].copy_from_slice(state.map(u32::to_le_bytes).as_flattened());
    }
    let firmware = include_str!("../../../c-examples/firmware/selftest/case_assembly.c");
    let hex: std::string::String = state.iter().map(|word| std::format!("{word:08x}")).collect();
    assert!(firmware.contains(&hex), "the firmware expects another end than {hex}");
}
