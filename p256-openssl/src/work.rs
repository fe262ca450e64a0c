//! What a thread computes with, made at its first use.

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use std::cell::RefCell;
use zeroize::Zeroizing;

/// An integer of 256 bits. Its room is there from the beginning, so that none is left behind when it grows.
pub struct Integer(pub BigNum);

impl Integer {
    fn new() -> Result<Self, ErrorStack> {
        let mut integer = Self(BigNum::new()?);
        integer.0.set_const_time();
        integer.read(&[0; 32])?;
        Ok(integer)
    }

    /// libcrypto passes over zeroes in front, byte by byte, whose number would show in the time: there are none in front of a one, which
    /// is cut off afterwards.
    pub fn read(&mut self, bytes: &[u8; 32]) -> Result<(), ErrorStack> {
        let mut after_one = Zeroizing::new([1; 33]);
        let (_, rest) = after_one.split_at_mut(1);
        rest.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.0.copy_from_slice(&*after_one)?;
        self.0.mask_bits(256)
    }

    /// The copy in between is needed, and of use: libcrypto has a scalar in 33 bytes of the heap and frees them as they are, and this is
    /// the next that gets a piece of that size.
    fn write(&self, bytes: &mut [u8; 32]) -> Result<(), ErrorStack> {
        let written = Zeroizing::new(self.0.to_vec_padded(32)?);
        bytes.iter_mut().zip(written.iter()).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

/// The curve and room.
pub struct Work {
    pub group: EcGroup,
    pub context: BigNumContext,
    pub first: Integer,
    pub second: Integer,
    pub product: EcPoint,
    x: Integer,
    y: Integer,
}

thread_local! {
    static WORK: RefCell<Option<Work>> = const { RefCell::new(None) };
}

impl Work {
    fn new() -> Result<Self, ErrorStack> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        Ok(Self {
            product: EcPoint::new(&group)?,
            group,
            context: BigNumContext::new()?,
            first: Integer::new()?,
            second: Integer::new()?,
            x: Integer::new()?,
            y: Integer::new()?,
        })
    }

    /// Lends this thread's. `None` if it fails, or has none any more since the thread ends.
    pub fn borrow<T>(act: impl FnOnce(&mut Self) -> Result<T, ErrorStack>) -> Option<T> {
        WORK.try_with(|cell| {
            let mut work = cell.try_borrow_mut().ok()?;
            if work.is_none() {
                *work = Some(Self::new().ok()?);
            }
            act(work.as_mut()?).ok()
        })
        .ok()?
    }

    /// The coordinates of the product, which the identity does not have.
    pub fn coordinates(&mut self, x: &mut [u8; 32], y: Option<&mut [u8; 32]>) -> Result<(), ErrorStack> {
        self.product.affine_coordinates(&self.group, &mut self.x.0, &mut self.y.0, &mut self.context)?;
        self.x.write(x)?;
        y.map_or(Ok(()), |y| self.y.write(y))
    }

    /// Writes over the secret and what followed from it.
    pub fn forget(&mut self) -> Result<(), ErrorStack> {
        for integer in [&mut self.first, &mut self.x, &mut self.y] {
            integer.0.clear();
        }
        // The only way to write over a point's coordinates: they become others.
        let Some(generator) = self.group.generator_opt() else { return Ok(()) };
        self.product.add(&self.group, generator, generator, &mut self.context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Point, diffie_hellman, public_key};

    /// Neither integers nor the product, of which nobody could search memory for all forms.
    #[test]
    fn secrets_do_not_stay() {
        let (mut x, mut y, mut point) = ([0; 32], [0; 32], Point::default());
        let is_forgotten = || {
            Work::borrow(|work| {
                let two = BigNum::from_u32(2)?;
                let mut double = EcPoint::new(&work.group)?;
                double.mul_generator2(&work.group, &two, &mut work.context)?;
                assert!(work.product.eq(&work.group, &double, &mut work.context)?);
                assert!([&work.first, &work.x, &work.y].iter().all(|integer| integer.0.num_bits() == 0));
                Ok(())
            })
            .unwrap();
        };
        assert!(public_key(&[7; 32], &mut x, &mut y));
        is_forgotten();
        assert!(point.read(&x, &y) && diffie_hellman(&[9; 32], &point, &mut x));
        is_forgotten();
        assert!(!public_key(&[0; 32], &mut x, &mut y));
        is_forgotten();
    }

    #[test]
    fn no_point_has_no_products() {
        let (mut point, mut x) = (Point::default(), [0; 32]);
        for _ in 0..2 {
            assert!(!diffie_hellman(&[1; 32], &point, &mut x));
            assert!(!crate::combination(&[1; 32], &[1; 32], &point, &mut x));
            assert!(!point.read(&[1; 32], &[1; 32]), "not on the curve");
        }
    }

    /// However many zeroes are in front.
    #[test]
    fn integers() {
        let mut integer = Integer::new().unwrap();
        for zeroes in 0..=32 {
            let (mut bytes, mut back) = ([0xa5; 32], [0; 32]);
            bytes[..zeroes].fill(0);
            integer.read(&bytes).unwrap();
            assert_eq!(integer.0.to_vec(), bytes[zeroes..]);
            integer.write(&mut back).unwrap();
            assert_eq!(back, bytes);
        }
    }
}
