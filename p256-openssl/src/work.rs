//! What a thread computes with, made at its first use.

use crate::heap;
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
        heap::burn();
        // The only way to write over a point's coordinates: they become others.
        let Some(generator) = self.group.generator_opt() else { return Ok(()) };
        self.product.add(&self.group, generator, generator, &mut self.context)
    }
}
