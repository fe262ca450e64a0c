//! By `thumb2.s`, which keeps values in registers.
#![allow(unsafe_code)] // assembly

use crate::constants::{Modulus, OPERANDS};
use crate::file::Step;
use crate::words::Words;

#[cfg(umaal)]
core::arch::global_asm!(".set lscoap_p256_has_umaal, 1", include_str!("thumb2.s"), options(raw));
#[cfg(not(umaal))]
core::arch::global_asm!(".set lscoap_p256_has_umaal, 0", include_str!("thumb2.s"), options(raw));

unsafe extern "C" {
    fn lscoap_p256_run(
        registers: *mut [Words; 8],
        program: *const Step,
        end: *const Step,
        modulus: *const Modulus,
        operands: *const [Words; 4],
    );
}

/// Goes through a program.
pub fn run(registers: &mut [Words; 8], program: &[Step], modulus: &Modulus) {
    let steps = program.as_ptr_range();
    // SAFETY: the function reads the program up to its end, the modulus, registers and operands, and writes registers: whatever a
    // step is, it has three bits for a register and two for an operand.
    unsafe { lscoap_p256_run(registers, steps.start, steps.end, modulus, &OPERANDS) };
}
