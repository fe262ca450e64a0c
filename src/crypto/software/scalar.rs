//! Integers modulo n, the order of P-256, in Montgomery form: what ECDSA computes with. `p256`'s own scalars take
//! six times the flash. Constant time.

use crate::crypto::rfc6979::ORDER;
use p256::elliptic_curve::bigint::modular::ConstMontyForm;
use p256::elliptic_curve::bigint::{ArrayEncoding, U256, const_monty_params};
use subtle::ConstantTimeEq;

const_monty_params!(Order, U256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "n");

pub(super) type Scalar = ConstMontyForm<Order, { U256::LIMBS }>;

/// Whether a big-endian integer is in 1..n−1: a secret key, a nonce, half of a signature. Byte by byte, since an
/// integer made of a secret would be one more copy of it.
pub(super) fn is_valid(bytes: &[u8; 32]) -> bool {
    let (mut borrow, mut any) = (0_u16, 0);
    for (byte, order) in bytes.iter().zip(&ORDER).rev() {
        let difference = u16::from(*byte).wrapping_sub((*order).into()).wrapping_sub(borrow);
        borrow = difference >> 15;
        any |= byte;
    }
    bool::from(borrow.ct_eq(&1) & !any.ct_eq(&0))
}

/// Any big-endian integer, reduced.
pub(super) fn reduce(bytes: &[u8; 32]) -> Scalar {
    Scalar::new(&U256::from_be_byte_array((*bytes).into()))
}

/// Big-endian.
pub(super) fn to_bytes(scalar: &Scalar) -> [u8; 32] {
    scalar.retrieve().to_be_byte_array().into()
}
