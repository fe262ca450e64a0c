//! Pointers from C become references and slices here and nowhere else.

use crate::error::Error;

/// A pointer that is neither null nor misaligned.
pub fn check<T>(pointer: *const T) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(Error::Null);
    }
    if pointer.is_aligned() { Ok(()) } else { Err(Error::Argument) }
}

/// A length that a slice can have.
fn check_len<T>(pointer: *const T, len: usize) -> Result<(), Error> {
    if pointer.is_null() && len != 0 {
        return Err(Error::Null);
    }
    match len.checked_mul(size_of::<T>()) {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(()),
        _ => Err(Error::Argument),
    }
}

/// An object to read.
pub unsafe fn object<'a, T>(pointer: *const T) -> Result<&'a T, Error> {
    check(pointer)?;
    // SAFETY: not null, aligned, and by the contract a live object that nobody changes during the call.
    Ok(unsafe { &*pointer })
}

/// An object to change. Any bytes are a valid value of the types behind the C handles.
pub unsafe fn object_mut<'a, T>(pointer: *mut T) -> Result<&'a mut T, Error> {
    check(pointer)?;
    // SAFETY: not null, aligned, and by the contract a live object that only this call uses.
    Ok(unsafe { &mut *pointer })
}

/// A C type behind which is one of ours, of the same size (`same_size!`). Zeroed memory is an object that is not initialised.
pub trait Handle {
    /// What is behind it.
    type Object;
}

/// The object behind a C type, to read.
pub unsafe fn behind<'a, H: Handle>(pointer: *const H) -> Result<&'a H::Object, Error>
where
    H::Object: 'a,
{
    // SAFETY: the same contract.
    unsafe { object(pointer.cast()) }
}

/// The object behind a C type, to change.
pub unsafe fn behind_mut<'a, H: Handle>(pointer: *mut H) -> Result<&'a mut H::Object, Error>
where
    H::Object: 'a,
{
    // SAFETY: the same contract.
    unsafe { object_mut(pointer.cast()) }
}

/// The objects behind an array of a C type, to change. Null with length 0 is none.
pub unsafe fn all_behind_mut<'a, H: Handle>(pointer: *mut H, len: usize) -> Result<&'a mut [H::Object], Error>
where
    H::Object: 'a,
{
    // SAFETY: the same contract.
    unsafe { objects_mut(pointer.cast(), len) }
}

/// Where a value will be written.
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Checks the pointer.
    pub fn new(pointer: *mut T) -> Result<Self, Error> {
        check(pointer).map(|()| Self(pointer))
    }

    /// A place for the object behind a C type.
    pub fn behind<H: Handle<Object = T>>(pointer: *mut H) -> Result<Self, Error> {
        Self::new(pointer.cast())
    }

    /// Writes the value over whatever was there.
    pub unsafe fn write(self, value: T) {
        // SAFETY: checked in `new`; by the contract the memory is the caller's to have written.
        unsafe { self.0.write(value) }
    }
}

/// Bytes to read. Null with length 0 is no bytes.
pub unsafe fn bytes<'a>(pointer: *const u8, len: usize) -> Result<&'a [u8], Error> {
    // SAFETY: the same contract.
    unsafe { objects(pointer, len) }
}

/// Exactly `N` bytes to read.
pub unsafe fn array<'a, const N: usize>(pointer: *const u8) -> Result<&'a [u8; N], Error> {
    // SAFETY: the same contract.
    unsafe { object(pointer.cast()) }
}

/// Bytes to write. Null with length 0 is no bytes.
pub unsafe fn bytes_mut<'a>(pointer: *mut u8, len: usize) -> Result<&'a mut [u8], Error> {
    // SAFETY: the same contract.
    unsafe { objects_mut(pointer, len) }
}

/// Bytes to read, of which [`bytes`] has said that they may be read.
pub unsafe fn checked<'a>(pointer: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: checked, and by the contract that many bytes that nobody changes.
    if len == 0 { &[] } else { unsafe { core::slice::from_raw_parts(pointer, len) } }
}

/// Bytes to write, of which [`bytes`] has said that they may be.
pub unsafe fn checked_mut<'a>(pointer: *mut u8, len: usize) -> &'a mut [u8] {
    // SAFETY: checked, and by the contract that many bytes for this call only.
    if len == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(pointer, len) } }
}

/// Objects to read. Null with length 0 is none.
pub unsafe fn objects<'a, T>(pointer: *const T, len: usize) -> Result<&'a [T], Error> {
    check_len(pointer, len)?;
    if len == 0 {
        return Ok(&[]);
    }
    check(pointer)?;
    // SAFETY: not null, aligned, a possible length, and by the contract that many objects that nobody changes.
    Ok(unsafe { core::slice::from_raw_parts(pointer, len) })
}

/// Objects to change. Null with length 0 is none.
pub unsafe fn objects_mut<'a, T>(pointer: *mut T, len: usize) -> Result<&'a mut [T], Error> {
    check_len(pointer, len)?;
    if len == 0 {
        return Ok(&mut []);
    }
    check(pointer)?;
    // SAFETY: not null, aligned, a possible length, and by the contract that many objects for this call only.
    Ok(unsafe { core::slice::from_raw_parts_mut(pointer, len) })
}

/// Moves bytes between two buffers that may overlap in any way.
pub unsafe fn move_bytes(from: *const u8, to: *mut u8, len: usize) {
    if len != 0 {
        // SAFETY: the caller has checked both pointers and lengths.
        unsafe { core::ptr::copy(from, to, len) }
    }
}
