//! What surrounds a handshake message: its name, and the CoAP response that carries it.

use super::pointers::{Out, bytes};
use super::status::{LSCOAP_ERR_UNINITIALISED, LSCOAP_ERR_UNKNOWN_SESSION, lscoap_status};
use crate::error::Alert;
use crate::wire::{Parsed, Type, name, parse};
use core::ffi::c_char;

/// The longest handshake message, in bytes: RETRIED with the longest X1 inside.
pub const LSCOAP_MESSAGE_MAX: usize = 98;
/// The Content-Format of handshake messages, RETRY and ALERT included.
pub const LSCOAP_CONTENT_FORMAT_HANDSHAKE: u16 = 65001;
/// The Content-Format of sealed objects in a payload.
pub const LSCOAP_CONTENT_FORMAT_SEALED: u16 = 65002;

const _: () = assert!(LSCOAP_MESSAGE_MAX == crate::limits::MESSAGE_MAX);

const CHANGED: u8 = 2 << 5 | 4;
const BAD_REQUEST: u8 = 4 << 5;
const UNAUTHORIZED: u8 = 4 << 5 | 1;
const INTERNAL_SERVER_ERROR: u8 = 5 << 5;
const SERVICE_UNAVAILABLE: u8 = 5 << 5 | 3;

/// The CoAP response code (RFC 7252 section 3: class << 5 | detail) for an answer of lscoap_server_step(), after
/// protocol section 10: 2.04 for a message, 4.01 and 4.00 for refusals, 5.03 (to be sent with Max-Age 5) for a
/// busy server. 5.00 for anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_response_code(answer: *const u8, len: usize) -> u8 {
    // SAFETY: the contract.
    let Ok(answer) = (unsafe { bytes(answer, len) }) else { return INTERNAL_SERVER_ERROR };
    match parse(answer) {
        Ok(Parsed::Alert(Alert::Malformed)) => BAD_REQUEST,
        Ok(Parsed::Alert(Alert::Busy)) => SERVICE_UNAVAILABLE,
        Ok(Parsed::Alert(_) | Parsed::Retry { .. }) => UNAUTHORIZED,
        Ok(Parsed::M2 { .. } | Parsed::M4 { .. } | Parsed::X2 { .. } | Parsed::R2 { .. }) => CHANGED,
        Ok(
            Parsed::M1 { .. }
            | Parsed::M3 { .. }
            | Parsed::X1 { .. }
            | Parsed::R1 { .. }
            | Parsed::Retried { .. },
        )
        | Err(_) => INTERNAL_SERVER_ERROR,
    }
}

/// What to answer a sealed object with that did not open: the CoAP response code (4.01 where no session has
/// its id, else 4.00), and in `alert`, of 2 bytes, the payload, in the clear (protocol section 10).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_record_refusal(status: lscoap_status, alert: *mut u8) -> u8 {
    let (code, which) = match status {
        LSCOAP_ERR_UNKNOWN_SESSION | LSCOAP_ERR_UNINITIALISED => (UNAUTHORIZED, Alert::UnknownSession),
        _ => (BAD_REQUEST, Alert::Authentication),
    };
    if let Ok(place) = Out::new(alert.cast::<[u8; 2]>()) {
        // SAFETY: the contract: two bytes.
        unsafe { place.write([Type::Alert.first_byte(), which.code()]) };
    }
    code
}

/// The protocol's name of a message, by its first byte: "M1", ..., "ALERT", "sealed object"; "?" if it has none.
/// A string that lives for ever, never null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_message_name(message: *const u8, len: usize) -> *const c_char {
    // SAFETY: the contract.
    let named = unsafe { bytes(message, len) }.ok().and_then(name);
    named.unwrap_or(c"?").as_ptr()
}
