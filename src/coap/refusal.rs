//! What to answer a sealed request with that was not accepted.

use super::message::{Frame, code, put_marker, set_code};
use super::option::{CONTENT_FORMAT, MAX_AGE, Writer};
use super::unprotect::carrier_of;
use super::{Carrier, HANDSHAKE};
use crate::bytes::copy;
use crate::error::{Alert, Error};
use crate::wire::Type;

pub(super) const UNAUTHORIZED: u8 = code(4, 1);
const BAD_REQUEST: u8 = code(4, 0);
const BAD_OPTION: u8 = code(4, 2);

/// Replaces the request of `len` bytes at the front of `buffer`, as it was received or as a call that failed has left it,
/// by its refusal in the clear; the refusal's length. It has the request's
/// token, and answers a confirmable request in its acknowledgement (a non-confirmable one gets the same message id
/// back: give it one of your own).
///
/// An OSCORE request is refused as RFC 8613 section 8.2 says: 4.01 for an unknown session and a replay, 4.02 for what
/// is malformed, 4.00 for what does not verify, with Max-Age 0. One in a payload gets 4.01 with alert 5, 4.02, or 4.00
/// with alert 2 (protocol section 10). What was not sealed gets 4.01.
///
/// # Errors
/// [`Error::Malformed`]: not a request. [`Error::Capacity`]: no room.
pub fn refuse(error: Error, buffer: &mut [u8], len: usize) -> Result<usize, Error> {
    let message = buffer.get(..len).ok_or(Error::Argument)?;
    let frame = Frame::read(message)?;
    if !frame.is_request() {
        return Err(Error::Malformed);
    }
    let carrier = carrier_of(message, &frame)?;
    let (code, alert) = match (carrier, error) {
        (_, Error::BadOption) => (BAD_OPTION, None),
        (Some(Carrier::Oscore), Error::UnknownSession | Error::Uninitialised | Error::Replay) => {
            (UNAUTHORIZED, None)
        }
        (Some(Carrier::Oscore), Error::Malformed) => (BAD_OPTION, None),
        (Some(Carrier::Oscore), _) => (BAD_REQUEST, None),
        (Some(Carrier::Payload), Error::UnknownSession | Error::Uninitialised) => {
            (UNAUTHORIZED, Some(Alert::UnknownSession))
        }
        (Some(Carrier::Payload), _) => (BAD_REQUEST, Some(Alert::Authentication)),
        (None, _) => (UNAUTHORIZED, None),
    };
    acknowledge(buffer)?;
    set_code(buffer, code);
    let mut options = Writer::new(frame.options);
    if let Some(alert) = alert {
        options.put(buffer, CONTENT_FORMAT, &HANDSHAKE.to_be_bytes())?;
        let end = options.position();
        put_marker(buffer, end)?;
        let payload = end.saturating_add(1);
        let end = payload.saturating_add(2);
        copy(buffer.get_mut(payload..end).ok_or(Error::Capacity)?, &[Type::Alert.first_byte(), alert.code()]);
        return Ok(end);
    }
    if carrier == Some(Carrier::Oscore) {
        options.put(buffer, MAX_AGE, &[])?;
    }
    Ok(options.position())
}

/// A confirmable request (type 0) is answered in an acknowledgement (2), a non-confirmable one (1) by its like.
pub(super) fn acknowledge(message: &mut [u8]) -> Result<(), Error> {
    let first = message.first_mut().ok_or(Error::Malformed)?;
    *first = *first & !TYPE | if *first & TYPE == 0 { ACKNOWLEDGEMENT } else { NON_CONFIRMABLE };
    Ok(())
}

const TYPE: u8 = 0x30;
const ACKNOWLEDGEMENT: u8 = 0x20;
const NON_CONFIRMABLE: u8 = 0x10;
