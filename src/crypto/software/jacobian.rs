//! Points in Jacobian coordinates, for doubling and nothing else: this takes half the field operations of
//! `p256`'s complete formulas. Only points that are not the identity come here; doubling one never gives the
//! identity, since the order of P-256 is an odd prime.
#![allow(clippy::arithmetic_side_effects)] // of fields: these do not overflow

use crate::crypto::field::{Field, parse};
use p256::AffinePoint;
use p256::elliptic_curve::PrimeField;
use p256::elliptic_curve::point::AffineCoordinates;

/// The point (x / z², y / z³).
#[derive(Clone, Copy)]
pub(super) struct Jacobian {
    x: Field,
    y: Field,
    z: Field,
}

impl Jacobian {
    /// A point that is not the identity.
    pub fn from_affine(point: &AffinePoint) -> Option<Self> {
        if *point == AffinePoint::IDENTITY {
            return None;
        }
        Some(Self { x: parse(point.x())?, y: parse(point.y())?, z: Field::ONE })
    }

    /// "dbl-2001-b" of the Explicit-Formulas Database, for a = −3, but z by a product: a square costs as much here, and
    /// is followed by two subtractions there.
    pub fn double(&self) -> Self {
        let delta = self.z.square();
        let gamma2 = self.y.square().double();
        let beta4 = (self.x * gamma2).double();
        let difference = (self.x - delta) * (self.x + delta);
        let alpha = difference.double() + difference;
        let x = alpha.square() - beta4.double();
        let gamma8 = gamma2.square().double();
        Self { x, y: alpha * (beta4 - x) - gamma8, z: (self.y * self.z).double() }
    }

    /// Writes the points in affine coordinates, at the price of one inversion (Montgomery's trick). They are
    /// checked to be on the curve.
    pub fn to_affine<const N: usize>(points: &[Self; N], affine: &mut [AffinePoint; N]) -> Option<()> {
        let mut product = Field::ONE;
        let before = points.map(|point| {
            let before = product;
            product *= point.z;
            before
        });
        let mut inverse = Option::<Field>::from(product.invert())?;
        for ((out, point), before) in
            affine.iter_mut().rev().zip(points.iter().rev()).zip(before.iter().rev())
        {
            let z_inverse = inverse * before;
            inverse *= point.z;
            let square = z_inverse.square();
            let (x, y) = (point.x * square, point.y * square * z_inverse);
            *out = AffinePoint::from_coordinates(&x.to_repr(), &y.to_repr()).into_option()?;
        }
        Some(())
    }
}
