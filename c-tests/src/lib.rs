//! The C tests of `c/`, each as a Rust test.

use lscoap as _; // linked for C's sake

#[cfg(test)]
mod cases {
    use std::ffi::{CStr, c_char, c_uint};

    unsafe extern "C" {
        fn check_run(name: *const c_char, checks: *mut c_uint) -> c_uint;
    }

    /// Runs one case of c/cases.h.
    fn run(name: &CStr) {
        let mut checks = 0;
        // SAFETY: a string, and a place for a number; cases share nothing.
        let failures = unsafe { check_run(name.as_ptr(), &mut checks) };
        assert_eq!(failures, 0, "of {checks} checks; see above");
    }

    include!(concat!(env!("OUT_DIR"), "/cases.rs"));
}
