//! What writes to storage.

use crate::error::Error;
use core::ffi::{c_int, c_void};

/// Writes an object's blob to storage, in place of its older one: 0 once it will survive.
pub type lscoap_write_blob =
    Option<unsafe extern "C" fn(context: *mut c_void, blob: *const u8, blob_len: usize) -> c_int>;

/// The callback as the library calls it.
pub(super) fn writer(
    write: lscoap_write_blob,
    context: *mut c_void,
) -> Result<impl FnOnce(&[u8]) -> Result<(), Error>, Error> {
    let write = write.ok_or(Error::Null)?;
    // SAFETY: the callback is C's own, and reads as many bytes as it is told.
    Ok(move |blob: &[u8]| match unsafe { write(context, blob.as_ptr(), blob.len()) } {
        0 => Ok(()),
        _ => Err(Error::Storage),
    })
}
