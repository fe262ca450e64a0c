//! Integers modulo n, the order of P-256, in Montgomery form: what ECDSA computes with. `p256`'s own scalars take
//! six times the flash. Constant time.

use super::rfc6979::ORDER;
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

#[cfg(test)]
mod tests {
    use super::*;
    use p256::elliptic_curve::ops::Reduce;
    use p256::elliptic_curve::{Curve, PrimeField};
    use p256::{FieldBytes, NistP256, NonZeroScalar, Scalar};
    use proptest::prelude::*;

    /// The integers modulo n against `p256`'s.
    fn check_integers(a: [u8; 32], b: [u8; 32]) {
        let theirs = |bytes: [u8; 32]| <Scalar as Reduce<FieldBytes>>::reduce(&bytes.into());
        let (x, y) = (theirs(a), theirs(b));
        assert_eq!(to_bytes(&reduce(&a)), x.to_repr()[..]);
        assert_eq!(to_bytes(&(reduce(&a) + reduce(&b))), (x + y).to_repr()[..]);
        assert_eq!(to_bytes(&(reduce(&a) * reduce(&b))), (x * y).to_repr()[..]);
        let inverse = Option::<Scalar>::from(x.invert()).map(|inverse| inverse.to_repr().to_vec());
        assert_eq!(reduce(&a).invert().into_option().map(|inverse| to_bytes(&inverse).to_vec()), inverse);
        assert_eq!(is_valid(&a), NonZeroScalar::from_repr(a.into()).into_option().is_some());
    }

    #[test]
    fn integers_at_the_edges() {
        let edges = [U256::ZERO, *NistP256::ORDER, U256::ONE.shl(128), U256::MAX];
        let near = |edge: U256| {
            [edge.wrapping_sub(&U256::ONE), edge, edge.wrapping_add(&U256::ONE)]
                .map(|integer| <[u8; 32]>::from(integer.to_be_byte_array()))
        };
        for a in edges.into_iter().flat_map(near) {
            for b in edges.into_iter().flat_map(near) {
                check_integers(a, b);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn computes_modulo_n_like_p256(a: [u8; 32], b: [u8; 32]) {
            check_integers(a, b);
        }
    }
}
