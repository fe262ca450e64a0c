//! Objects whose calls run callbacks. What a callback calls on the object that runs it is refused: the call has it for itself.

use super::pointers::{Handle, check};
use crate::error::Error;

/// Such an object.
pub struct Calling<P> {
    /// [`NOW`] during a call that may run callbacks.
    calling: u32,
    /// What such a call has for itself: nobody else looks at it meanwhile.
    parts: P,
}

/// Not 1, for memory that was not zeroed.
const NOW: u32 = 0x4c53_4341;

/// An object that no call is using, to read. [`Error::State`]: one is.
pub unsafe fn idle<'a, P: 'a, H: Handle<Object = Calling<P>>>(pointer: *const H) -> Result<&'a P, Error> {
    check(pointer)?;
    let object = pointer.cast::<Calling<P>>();
    // SAFETY: the contract. Of an object that a call is using nothing but `calling` is looked at.
    unsafe {
        match (&raw const (*object).calling).read() {
            NOW => Err(Error::State),
            _ => Ok(&(*object).parts),
        }
    }
}

/// A call that has an object for itself until it is dropped.
pub struct Call<'a, P> {
    calling: *mut u32,
    pub parts: &'a mut P,
}

impl<P> Call<'_, P> {
    pub unsafe fn of<H: Handle<Object = Calling<P>>>(pointer: *mut H) -> Result<Self, Error> {
        // SAFETY: the contract. Any bytes are a valid object.
        unsafe {
            idle(pointer)?;
            let object = pointer.cast::<Calling<P>>();
            let calling = &raw mut (*object).calling;
            calling.write(NOW);
            Ok(Self { calling, parts: &mut (*object).parts })
        }
    }
}

impl<P> Drop for Call<'_, P> {
    fn drop(&mut self) {
        // SAFETY: the same object, and not of its parts.
        unsafe { self.calling.write(0) }
    }
}
