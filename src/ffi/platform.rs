//! `lscoap_platform`.

use crate::entropy::Platform;
use crate::error::Error;
use core::ffi::{c_int, c_void};

/// What the library needs from the platform. It is copied; `context` must outlive the object.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lscoap_platform {
    /// Passed to the callbacks.
    pub context: *mut c_void,
    /// Fills `out` with `len` random bytes; 0 on success. Must not be null.
    pub random: Option<unsafe extern "C" fn(context: *mut c_void, out: *mut u8, len: usize) -> c_int>,
    /// A value that never repeats on this platform, such as a boot count (an uptime alone repeats). Null if there is none.
    pub unique: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
}

impl Platform for lscoap_platform {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        let random = self.random.ok_or(Error::Random)?;
        // SAFETY: the callback is C's own, and gets as many bytes as it is told.
        match unsafe { random(self.context, out.as_mut_ptr(), out.len()) } {
            0 => Ok(()),
            _ => Err(Error::Random),
        }
    }

    fn unique(&mut self) -> u64 {
        // SAFETY: the callback is C's own.
        self.unique.map_or(0, |unique| unsafe { unique(self.context) })
    }
}
