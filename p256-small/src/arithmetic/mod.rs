//! Arithmetic modulo p or n. Operands and results are below the modulus unless said otherwise.

#[cfg(any(not(thumb2), test))]
mod portable;
#[cfg(thumb2)]
mod thumb2;

#[cfg(not(thumb2))]
pub use portable::run;
#[cfg(thumb2)]
pub use thumb2::run;

// What a step does: its highest digit.
/// Montgomery's product `a · b / 2^256`; `a` may be any integer of 256 bits.
pub const MULTIPLY: u16 = 0;
/// `a + b`.
pub const ADD: u16 = 1;
/// `a − b`.
pub const SUBTRACT: u16 = 2;
/// `a / 2`.
pub const HALVE: u16 = 3;
