//! Multiplication by a comb (Lim and Lee): the scalar's four quarters are read side by side, so that a prepared
//! point costs 64 doublings and 64 additions instead of 256 and 64. Preparing costs the other 192 doublings, of a
//! public point and therefore cheaper ones. Multiplication by a secret takes constant time.
//!
//! A table is filled where it stays: moving one would need the room twice.
#![allow(clippy::arithmetic_side_effects)] // of fields and groups: these do not overflow

use super::jacobian::Jacobian;
use p256::elliptic_curve::Group;
use p256::{AffinePoint, ProjectivePoint};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// Teeth of the comb; the table has an entry for each combination of them.
pub(super) const TEETH: usize = 4;
/// The distance between two teeth, in bits.
pub(super) const STEPS: usize = 256 / TEETH;
/// Sums of teeth: entry `0b0101` is the sum of the first and the third.
pub(super) const ENTRIES: usize = 1 << TEETH;

/// A scalar's quarters, the highest first.
pub(super) type Quarters = Zeroizing<[u64; TEETH]>;

/// A point made ready for several multiplications.
pub struct Comb([ProjectivePoint; ENTRIES]);

impl Default for Comb {
    /// Ready for nothing: every product is the identity.
    #[inline(never)] // inlined, it is made in one place and moved to another
    fn default() -> Self {
        Self([ProjectivePoint::IDENTITY; ENTRIES])
    }
}

impl Comb {
    /// Prepares a public point, which is not the identity.
    pub fn prepare(&mut self, point: &AffinePoint) -> Option<()> {
        let mut teeth = [AffinePoint::IDENTITY; TEETH];
        multiples(point, &mut teeth)?;
        for (number, tooth) in teeth.iter().enumerate() {
            let (low, high) = self.0.split_at_mut_checked(1 << number)?;
            for (sum, rest) in high.iter_mut().zip(low.iter()) {
                *sum = rest + tooth;
            }
        }
        Some(())
    }

    /// `scalar · point`, the scalar as a big-endian integer.
    pub fn multiply(&self, scalar: &[u8; 32]) -> ProjectivePoint {
        multiply(&self.0, scalar, |sum, entry| sum + entry)
    }

    /// An entry of the table, found by an index that is no secret.
    pub(super) fn public_entry(&self, index: u8) -> Option<&ProjectivePoint> {
        self.0.get(usize::from(index))
    }
}

/// The point multiplied by 1, 2^64, 2^128 and 2^192.
#[inline(never)] // its frame is not needed below the additions that follow
fn multiples(point: &AffinePoint, teeth: &mut [AffinePoint; TEETH]) -> Option<()> {
    let mut current = Jacobian::from_affine(point)?;
    let mut doubled = [current; TEETH];
    for tooth in doubled.iter_mut().skip(1) {
        for _ in 0..STEPS {
            current = current.double();
        }
        *tooth = current;
    }
    Jacobian::to_affine(&doubled, teeth)
}

/// Walks a table of sums of teeth, in a time that does not depend on the scalar.
pub(super) fn multiply<P: ConditionallySelectable + Default>(
    table: &[P; ENTRIES],
    scalar: &[u8; 32],
    add: impl Fn(ProjectivePoint, &P) -> ProjectivePoint,
) -> ProjectivePoint {
    let quarters = quarters(scalar);
    let mut sum = ProjectivePoint::IDENTITY;
    for step in (0..STEPS).rev() {
        sum = sum.double();
        let index = index(&quarters, step);
        let mut entry = P::default();
        for (candidate, place) in table.iter().zip(0_u8..) {
            entry.conditional_assign(candidate, place.ct_eq(&index));
        }
        sum = add(sum, &entry);
    }
    sum
}

/// Which entry a step adds: the lowest quarter belongs to the first tooth.
pub(super) fn index(quarters: &Quarters, step: usize) -> u8 {
    quarters.iter().fold(0, |index, quarter| index << 1 | u8::from(quarter >> step & 1 == 1))
}

/// Splits a scalar.
pub(super) fn quarters(scalar: &[u8; 32]) -> Quarters {
    let mut quarters = Zeroizing::new([0; TEETH]);
    for (quarter, chunk) in quarters.iter_mut().zip(scalar.as_chunks().0) {
        *quarter = u64::from_be_bytes(*chunk);
    }
    quarters
}
