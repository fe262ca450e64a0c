//! lakers behind a C interface, to be measured by the same program as lscoap: EDHOC (RFC 9528) with method 3
//! (static Diffie-Hellman on both sides), suite 2, and credentials by reference to a key id of one byte.
//!
//! An end lives in memory of the caller's, of as many bytes as its `..._size()` says and aligned to 8. So does the
//! message on its way, which a step takes and replaces by its answer. A function gives 0, or -1 where lakers refuses.
#![no_std]

mod credentials;
mod initiator;
mod random;
mod responder;

use core::ffi::c_void;
use credentials::Credentials;
use initiator::Initiator;
use lakers::{EDHOCError, EdhocMessageBuffer};
use responder::Responder;

/// lakers' primitives by RustCrypto.
type Crypto = lakers_crypto_rustcrypto::Crypto<random::Counter>;

/// Labels of RFC 9528 section A.1.
const OSCORE_SECRET: u8 = 0;
const OSCORE_SALT: u8 = 1;

/// Leaves what the OSCORE context is made of in the message's place, so that both ends can be compared.
fn export(message: &mut EdhocMessageBuffer, secret: &[u8], salt: &[u8]) -> Result<(), EDHOCError> {
    message.len = 0;
    for part in [secret.get(..16), salt.get(..8)] {
        let part = part.ok_or(EDHOCError::EncodingError)?;
        message.extend_from_slice(part).map_err(|_| EDHOCError::EncodingError)?;
    }
    Ok(())
}

fn result(result: Result<(), EDHOCError>) -> i32 {
    if result.is_ok() { 0 } else { -1 }
}

/// Runs a step on what C's pointers point to.
macro_rules! step {
    ($name:ident, $end:ty, $step:path) => {
        /// One step of an end.
        ///
        /// # Safety
        /// `end` is one that has been initialised, `message` is the message on its way.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(end: *mut c_void, message: *mut c_void) -> i32 {
            // SAFETY: as this function's.
            let (end, message) =
                unsafe { (&mut *end.cast::<$end>(), &mut *message.cast::<EdhocMessageBuffer>()) };
            result($step(end, message))
        }
    };
}

/// What an end needs of memory, and how it is loaded.
macro_rules! end {
    ($size:ident, $init:ident, $end:ty) => {
        /// The bytes of an end.
        #[unsafe(no_mangle)]
        pub extern "C" fn $size() -> usize {
            size_of::<$end>()
        }

        /// Loads the identities.
        ///
        /// # Safety
        /// `end` has as many bytes as the end needs.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $init(end: *mut c_void) -> i32 {
            let made = <$end>::new().map(|new| {
                // SAFETY: as this function's.
                unsafe { end.cast::<$end>().write(new) }
            });
            result(made)
        }
    };
}

end!(lakers_initiator_size, lakers_initiator_init, Initiator);
step!(lakers_initiator_message_1, Initiator, Initiator::message_1);
step!(lakers_initiator_message_3, Initiator, Initiator::message_3);
step!(lakers_initiator_finish, Initiator, Initiator::finish);

end!(lakers_responder_size, lakers_responder_init, Responder);
step!(lakers_responder_message_2, Responder, Responder::message_2);
step!(lakers_responder_message_4, Responder, Responder::message_4);
step!(lakers_responder_finish, Responder, Responder::finish);

/// The bytes of a message on its way.
#[unsafe(no_mangle)]
pub extern "C" fn lakers_message_size() -> usize {
    size_of::<EdhocMessageBuffer>()
}

/// The length of the message in it.
///
/// # Safety
/// `message` is the message on its way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lakers_message_len(message: *const c_void) -> usize {
    // SAFETY: as this function's.
    unsafe { (*message.cast::<EdhocMessageBuffer>()).len }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
