//! Multiplication by a comb (Lim and Lee): the scalar's four quarters are read side by side, so that a prepared
//! point costs 64 doublings and 64 additions instead of 256 and 64. Preparing costs the other 192 doublings: a
//! point that is used once costs what it always does, every further use a third of it. Takes constant time.
#![allow(clippy::arithmetic_side_effects)] // of fields and groups: these do not overflow

use p256::elliptic_curve::Group;
use p256::elliptic_curve::PrimeField;
use p256::elliptic_curve::subtle::{ConditionallySelectable, ConstantTimeEq};
use p256::{ProjectivePoint, Scalar};
use zeroize::Zeroizing;

/// Teeth of the comb; the table has an entry for each combination of them.
const TEETH: usize = 4;
/// The distance between two teeth, in bits.
pub(super) const STEPS: usize = 256 / TEETH;
/// Sums of teeth.
pub(super) const ENTRIES: usize = 1 << TEETH;

/// A point made ready for several multiplications.
pub struct Comb([ProjectivePoint; ENTRIES]);

impl Comb {
    /// Prepares a point.
    pub fn new(point: &ProjectivePoint) -> Option<Self> {
        let mut table = [ProjectivePoint::IDENTITY; ENTRIES];
        let mut tooth = *point;
        for bit in 0..TEETH {
            if bit > 0 {
                for _ in 0..STEPS {
                    tooth = tooth.double();
                }
            }
            let (low, high) = table.split_at_mut_checked(1 << bit)?;
            for (sum, rest) in high.iter_mut().zip(low.iter()) {
                *sum = *rest + tooth;
            }
        }
        Some(Self(table))
    }

    /// `scalar · point`.
    pub fn multiply(&self, scalar: &Scalar) -> Option<ProjectivePoint> {
        multiply(&self.0, scalar, |sum, entry| sum + entry)
    }
}

/// Walks a table of sums of teeth: `table[0b0101]` is the sum of the first and the third.
pub(super) fn multiply<P: ConditionallySelectable + Default>(
    table: &[P; ENTRIES],
    scalar: &Scalar,
    add: impl Fn(ProjectivePoint, &P) -> ProjectivePoint,
) -> Option<ProjectivePoint> {
    let bytes = Zeroizing::new(<[u8; 32]>::from(scalar.to_repr()));
    let quarters = quarters(&bytes)?;
    let mut sum = ProjectivePoint::IDENTITY;
    for step in (0..STEPS).rev() {
        sum = sum.double();
        // The lowest quarter belongs to the first tooth.
        let index =
            quarters.iter().fold(0_u8, |index, quarter| index << 1 | u8::from(quarter >> step & 1 == 1));
        let mut entry = P::default();
        for (candidate, place) in table.iter().zip(0_u8..) {
            entry.conditional_assign(candidate, place.ct_eq(&index));
        }
        sum = add(sum, &entry);
    }
    Some(sum)
}

/// The scalar's quarters, the highest first.
fn quarters(bytes: &[u8; 32]) -> Option<Zeroizing<[u64; TEETH]>> {
    let mut quarters = Zeroizing::new([0; TEETH]);
    for (quarter, chunk) in quarters.iter_mut().zip(bytes.chunks_exact(8)) {
        *quarter = u64::from_be_bytes(chunk.try_into().ok()?);
    }
    Some(quarters)
}
