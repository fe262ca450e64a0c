//! Who this process is.

/// The effective user id.
pub fn effective() -> u32 {
    // SAFETY: no arguments, and it always succeeds.
    unsafe { libc::geteuid() }
}
