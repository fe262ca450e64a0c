//! The field of P-256, which is `p256`'s, and the points on a given x-coordinate.
#![allow(clippy::arithmetic_side_effects)] // of fields: these do not overflow

use super::Point;
use crate::error::Error;
use crate::limits::PUBLIC_KEY_LEN;
use p256::elliptic_curve::PrimeField;
use p256::elliptic_curve::bigint::U256;
use p256::elliptic_curve::hazmat::FieldArithmetic;
use p256::{FieldBytes, NistP256};

pub(super) type Field = <NistP256 as FieldArithmetic>::FieldElement;

/// The coefficient of y² = x³ − 3x + b.
const B: Field = Field::from_hex_vartime("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

/// (p + 1) / 4: a square to this power is one of its roots, since p is 3 modulo 4.
const ROOT: U256 = U256::from_be_hex("3fffffffc0000000400000000000000000000000400000000000000000000000");

/// A big-endian integer below p.
pub(super) fn parse(bytes: FieldBytes) -> Option<Field> {
    Field::from_repr(bytes).into_option()
}

/// The point of a compressed SEC1 encoding. Not for secrets.
pub(super) fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
    let [sign @ (2 | 3), x @ ..] = encoded else { return Err(Error::Key) };
    lift(x, *sign == 3, point)
}

/// The point with this x-coordinate and an even or odd y-coordinate. Not for secrets.
pub(super) fn lift(x: &[u8; 32], is_odd: bool, point: &mut Point) -> Result<(), Error> {
    let y = y_coordinate(x, is_odd).ok_or(Error::Key)?;
    point.x = *x;
    point.y = y.to_repr().into();
    Ok(())
}

/// The y-coordinate for an x-coordinate (SEC 1 section 2.3.4), if there is one. Not for secrets.
fn y_coordinate(x: &[u8; 32], is_odd: bool) -> Option<Field> {
    let x = parse((*x).into())?;
    let square = (x.square() - Field::from(3_u32)) * x + B;
    let y = square.pow_vartime(&ROOT);
    if y.square() != square {
        return None;
    }
    // No point has y = 0: the order of the curve is odd.
    Some(if bool::from(y.is_odd()) == is_odd { y } else { -y })
}
