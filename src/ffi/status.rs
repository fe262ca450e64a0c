//! `lscoap_status`.

use crate::error::{Alert, Error, Status};
use core::ffi::c_char;

/// The result of a call: 0 done, positive "done, and something happened", negative an error, after which
/// nothing has changed unless the function says otherwise.
pub type lscoap_status = i32;

/// Done.
pub const LSCOAP_OK: lscoap_status = 0;
/// Done: send the message in `out`.
pub const LSCOAP_SEND: lscoap_status = 1;
/// The client's session is ready: take it with lscoap_client_finish().
pub const LSCOAP_READY: lscoap_status = 2;
/// The server refuses: send the message in `out`, which says why.
pub const LSCOAP_REFUSED: lscoap_status = 3;

/// A device has bytes for storage: write them in place of the older ones, then call lscoap_device_stored().
pub const LSCOAP_STORE: lscoap_status = 5;
/// A device's request was answered: lscoap_device_code() says with what.
pub const LSCOAP_DONE: lscoap_status = 6;

/// A null pointer where a value is needed. Mend the call.
pub const LSCOAP_ERR_NULL: lscoap_status = -1;
/// A length, an alignment or a value is outside its range. Mend the call.
pub const LSCOAP_ERR_ARGUMENT: lscoap_status = -2;
/// The object was never initialised, or has been wiped. Initialise it.
pub const LSCOAP_ERR_UNINITIALISED: lscoap_status = -3;
/// The call does not fit what was done before it. Mend the order of the calls.
pub const LSCOAP_ERR_STATE: lscoap_status = -4;
/// The output buffer is too small. Call again with a larger one.
pub const LSCOAP_ERR_CAPACITY: lscoap_status = -5;
/// A secret key that is not in 1..n-1, or a public key that is not a point of P-256. Enrol again.
pub const LSCOAP_ERR_KEY: lscoap_status = -6;
/// The random source failed. Call again when it works.
pub const LSCOAP_ERR_RANDOM: lscoap_status = -7;
/// A callback of lscoap_platform for hardware failed. Call again when it works; where a record was being sealed, `out` has been
/// zeroed, and with it the plaintext if that was there.
pub const LSCOAP_ERR_HARDWARE: lscoap_status = -15;
/// Bytes that are no message, object or string of this protocol. Drop them.
pub const LSCOAP_ERR_MALFORMED: lscoap_status = -8;
/// A well-formed message that is not awaited now. Drop it and keep waiting.
pub const LSCOAP_ERR_UNEXPECTED: lscoap_status = -9;
/// A tag or a signature does not verify. Drop the message and keep waiting.
pub const LSCOAP_ERR_AUTHENTICATION: lscoap_status = -10;
/// The record was opened before, or is too old to tell. Drop it.
pub const LSCOAP_ERR_REPLAY: lscoap_status = -11;
/// No session has the connection id in this record. Answer with lscoap_record_refusal().
pub const LSCOAP_ERR_UNKNOWN_SESSION: lscoap_status = -12;
/// The session's sequence numbers are used up. Make a new session.
pub const LSCOAP_ERR_EXHAUSTED: lscoap_status = -13;
/// The request has had its one answer. Send further ones with lscoap_seal_notification().
pub const LSCOAP_ERR_ANSWERED: lscoap_status = -14;
/// A callback that writes to storage failed, so that what is stored may be old or new. Store again when it works.
pub const LSCOAP_ERR_STORAGE: lscoap_status = -16;
/// The sequence numbers that were reserved in storage are used up. Store the session with lscoap_session_store().
pub const LSCOAP_ERR_UNSTORED: lscoap_status = -17;
/// A whole message has a critical option where it may not be (RFC 7252 section 5.4.1). Answer with lscoap_refusal().
pub const LSCOAP_ERR_BAD_OPTION: lscoap_status = -18;

/// The server does not know the device id, or says so: anyone could have sent this. Keep waiting, or report.
pub const LSCOAP_ALERT_UNKNOWN_DEVICE: lscoap_status = -21;
/// The peer could not verify a tag or signature, or says so. Keep waiting, or begin anew.
pub const LSCOAP_ALERT_AUTHENTICATION: lscoap_status = -22;
/// The peer could not parse the message, or says so. Keep waiting, or begin anew.
pub const LSCOAP_ALERT_MALFORMED: lscoap_status = -23;
/// The peer has no room, or says so. Begin anew after some seconds.
pub const LSCOAP_ALERT_BUSY: lscoap_status = -24;
/// The peer has no such session, or says so. Keep waiting, or begin anew.
pub const LSCOAP_ALERT_UNKNOWN_SESSION: lscoap_status = -25;

/// Nothing came in time but silence, Resets and refusals in the clear. The session is kept: try again.
pub const LSCOAP_ERR_NO_ANSWER: lscoap_status = -26;
/// The session was lost while a POST or PATCH was out: it may have been executed. Ask, or send it anew.
pub const LSCOAP_ERR_UNCERTAIN: lscoap_status = -27;
/// A request does not fit the device's buffer, not even in blocks. Make it shorter, or the buffer longer.
pub const LSCOAP_ERR_TOO_LONG: lscoap_status = -28;
/// The request was given up, by lscoap_device_cancel() or by one of its callbacks.
pub const LSCOAP_ERR_CANCELLED: lscoap_status = -29;

/// The member is out of date. Drop the object, and ask: at most once a minute, after a random delay.
pub const LSCOAP_ERR_ASK: lscoap_status = -30;
/// Too many signatures or tags failed lately, or a device asks too often. Nothing was computed: drop the object, or answer 5.03.
pub const LSCOAP_ERR_BUDGET: lscoap_status = -31;
/// No place of the group is free. Answer 5.03.
pub const LSCOAP_ERR_FULL: lscoap_status = -32;

/// The status of an error.
pub(super) fn of_error(error: Error) -> lscoap_status {
    match error {
        Error::Alert(alert) => of_alert(alert),
        _ => of_fault(error),
    }
}

#[inline(never)] // by itself it is a table
fn of_fault(error: Error) -> lscoap_status {
    match error {
        Error::Null => LSCOAP_ERR_NULL,
        Error::Argument => LSCOAP_ERR_ARGUMENT,
        Error::Uninitialised => LSCOAP_ERR_UNINITIALISED,
        Error::State => LSCOAP_ERR_STATE,
        Error::Capacity => LSCOAP_ERR_CAPACITY,
        Error::Key => LSCOAP_ERR_KEY,
        Error::Random => LSCOAP_ERR_RANDOM,
        Error::Malformed => LSCOAP_ERR_MALFORMED,
        Error::Unexpected => LSCOAP_ERR_UNEXPECTED,
        Error::Authentication => LSCOAP_ERR_AUTHENTICATION,
        Error::Replay | Error::Stale => LSCOAP_ERR_REPLAY,
        Error::UnknownSession => LSCOAP_ERR_UNKNOWN_SESSION,
        Error::Exhausted => LSCOAP_ERR_EXHAUSTED,
        Error::Answered => LSCOAP_ERR_ANSWERED,
        Error::Hardware => LSCOAP_ERR_HARDWARE,
        Error::Storage => LSCOAP_ERR_STORAGE,
        Error::Unstored => LSCOAP_ERR_UNSTORED,
        Error::BadOption => LSCOAP_ERR_BAD_OPTION,
        Error::NoAnswer => LSCOAP_ERR_NO_ANSWER,
        Error::Uncertain => LSCOAP_ERR_UNCERTAIN,
        Error::TooLong => LSCOAP_ERR_TOO_LONG,
        Error::Cancelled => LSCOAP_ERR_CANCELLED,
        Error::Ask => LSCOAP_ERR_ASK,
        Error::Budget => LSCOAP_ERR_BUDGET,
        Error::Full => LSCOAP_ERR_FULL,
        Error::Alert(_) => LSCOAP_ALERT_UNKNOWN_DEVICE,
    }
}

fn of_alert(alert: Alert) -> lscoap_status {
    match alert {
        Alert::UnknownDevice => LSCOAP_ALERT_UNKNOWN_DEVICE,
        Alert::Authentication => LSCOAP_ALERT_AUTHENTICATION,
        Alert::Malformed => LSCOAP_ALERT_MALFORMED,
        Alert::Busy => LSCOAP_ALERT_BUSY,
        Alert::UnknownSession => LSCOAP_ALERT_UNKNOWN_SESSION,
    }
}

pub(super) fn of_status(status: Status) -> lscoap_status {
    match status {
        Status::Send => LSCOAP_SEND,
        Status::Ready => LSCOAP_READY,
        Status::Refused => LSCOAP_REFUSED,
    }
}

/// What C sees.
#[inline(never)]
pub(super) fn merge(result: Result<lscoap_status, Error>) -> lscoap_status {
    result.unwrap_or_else(of_error)
}

/// Defines [`STATUSES`] and [`TEXTS`] from one table.
macro_rules! texts {
    ($($status:ident => $text:literal,)+) => {
        const STATUSES: &[lscoap_status] = &[$($status),+];
        /// One after the other, those of [`STATUSES`] first. One constant, which a linker leaves out where nobody asks: strings of
        /// their own it keeps.
        const TEXTS: &[u8] = concat!($($text, "\0",)+ "unknown status\0").as_bytes();
    };
}

texts! {
    LSCOAP_OK => "done",
    LSCOAP_SEND => "a message is to be sent",
    LSCOAP_READY => "the session is ready",
    LSCOAP_REFUSED => "refused; the refusal is to be sent",
    LSCOAP_STORE => "the session is to be stored",
    LSCOAP_DONE => "the request was answered",
    LSCOAP_ERR_NULL => "null pointer",
    LSCOAP_ERR_ARGUMENT => "argument out of range",
    LSCOAP_ERR_UNINITIALISED => "object not initialised",
    LSCOAP_ERR_STATE => "call out of order",
    LSCOAP_ERR_CAPACITY => "output buffer too small",
    LSCOAP_ERR_KEY => "not a valid key",
    LSCOAP_ERR_RANDOM => "random source failed",
    LSCOAP_ERR_HARDWARE => "hardware failed",
    LSCOAP_ERR_MALFORMED => "malformed",
    LSCOAP_ERR_UNEXPECTED => "message not expected now",
    LSCOAP_ERR_AUTHENTICATION => "does not verify",
    LSCOAP_ERR_REPLAY => "replayed",
    LSCOAP_ERR_UNKNOWN_SESSION => "no such session",
    LSCOAP_ERR_EXHAUSTED => "sequence numbers used up",
    LSCOAP_ERR_ANSWERED => "request already answered",
    LSCOAP_ERR_STORAGE => "storage failed",
    LSCOAP_ERR_UNSTORED => "no sequence numbers reserved in storage",
    LSCOAP_ERR_BAD_OPTION => "critical option where it may not be",
    LSCOAP_ERR_NO_ANSWER => "no answer",
    LSCOAP_ERR_UNCERTAIN => "the session was lost: the request may have been executed or not",
    LSCOAP_ERR_TOO_LONG => "the request does not fit",
    LSCOAP_ERR_CANCELLED => "cancelled",
    LSCOAP_ERR_ASK => "the member is out of date",
    LSCOAP_ERR_BUDGET => "too many failures lately",
    LSCOAP_ERR_FULL => "no place is free",
    LSCOAP_ALERT_UNKNOWN_DEVICE => "the server does not know this device",
    LSCOAP_ALERT_AUTHENTICATION => "the peer could not verify us",
    LSCOAP_ALERT_MALFORMED => "the peer could not parse the message",
    LSCOAP_ALERT_BUSY => "the server is busy",
    LSCOAP_ALERT_UNKNOWN_SESSION => "the peer has no such session",
}

/// A status in words: a string that lives for ever, never null.
#[unsafe(no_mangle)]
pub extern "C" fn lscoap_status_string(status: lscoap_status) -> *const c_char {
    let mut text = TEXTS;
    for _ in STATUSES.iter().take_while(|known| **known != status) {
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(0);
        text = text.get(end.saturating_add(1)..).unwrap_or(TEXTS);
    }
    text.as_ptr().cast()
}
