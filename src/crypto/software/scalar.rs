//! Integers modulo n, the order of P-256, in Montgomery form: what ECDSA computes with. `p256`'s own scalars take
//! six times the flash. Constant time.

use p256::elliptic_curve::bigint::modular::{ConstMontyForm, ConstMontyParams};
use p256::elliptic_curve::bigint::{ArrayEncoding, CtLt, U256, const_monty_params};

const_monty_params!(Order, U256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "n");

pub(super) type Scalar = ConstMontyForm<Order, { U256::LIMBS }>;

/// Whether a big-endian integer is in 1..n−1: a secret key, a nonce, half of a signature.
pub(super) fn is_valid(bytes: &[u8; 32]) -> bool {
    let integer = U256::from_be_byte_array((*bytes).into());
    let below = integer.ct_lt(Order::PARAMS.modulus().as_ref());
    (integer.is_nonzero() & below).to_bool()
}

/// Any big-endian integer, reduced.
pub(super) fn reduce(bytes: &[u8; 32]) -> Scalar {
    Scalar::new(&U256::from_be_byte_array((*bytes).into()))
}

/// Big-endian.
pub(super) fn to_bytes(scalar: &Scalar) -> [u8; 32] {
    scalar.retrieve().to_be_byte_array().into()
}
