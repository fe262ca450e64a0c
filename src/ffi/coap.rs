//! Whole CoAP messages.

use super::exchange::lscoap_exchange;
use super::io::lscoap_io;
use super::pointers::{Out, behind, behind_mut, bytes, objects};
use super::session::lscoap_session;
use super::status::{
    LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_BAD_OPTION, LSCOAP_ERR_MALFORMED, LSCOAP_ERR_REPLAY,
    LSCOAP_ERR_UNINITIALISED, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_OK, LSCOAP_REFUSED, lscoap_status, merge,
};
use crate::coap::{Carrier, PROTECT_OVERHEAD, check_options, refuse};
use crate::error::Error;

/// RFC 8613: Partial IV and kid in the OSCORE option, ciphertext in the payload. Any OSCORE stack reads it.
pub const LSCOAP_CARRIER_OSCORE: i32 = 1;
/// The sealed object in the payload, Uri-Path and Uri-Query outside and authenticated: for CoAP servers that know nothing of OSCORE.
pub const LSCOAP_CARRIER_PAYLOAD: i32 = 2;

/// The most that protecting makes a message longer, in bytes.
pub const LSCOAP_PROTECT_OVERHEAD: usize = 51;

const _: () = assert!(LSCOAP_PROTECT_OVERHEAD == PROTECT_OVERHEAD);

pub(super) fn carrier_of(number: i32) -> Result<Carrier, Error> {
    let number = u8::try_from(number).map_err(|_| Error::Argument)?;
    Carrier::from_number(number)
}

/// Protects a request, with room for LSCOAP_PROTECT_OVERHEAD bytes more: its options and payload are encrypted, except for what proxies and, in the payload carrier, the
/// server's own routing need (the table in docs/protocol.md). Token, type and message id stay. `*exchange` is for its answers.
/// LSCOAP_ERR_ARGUMENT: not a request, or with an OSCORE or Proxy-Uri option.
/// LSCOAP_ERR_EXHAUSTED, LSCOAP_ERR_UNSTORED as in lscoap_seal_request().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_protect_request(
    session: *mut lscoap_session,
    carrier: i32,
    io: *mut lscoap_io,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let carrier = carrier_of(carrier)?;
        let place = Out::behind(exchange)?;
        lscoap_io::of(io)?.run(|buffer, len| {
            let (len, exchange) = session.protect_request(carrier, buffer, len)?;
            place.write(exchange);
            Ok(len)
        })
    })())
}

/// Gives back the answer to `exchange`'s request as the server made it. In a notification, Observe is its number.
/// LSCOAP_ERR_UNEXPECTED: not sealed, or not in the request's carrier: a refusal in the clear, an alert, or nothing of
/// ours. LSCOAP_ERR_MALFORMED, LSCOAP_ERR_BAD_OPTION, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: not the server's
/// answer; drop it and keep waiting. LSCOAP_ERR_STATE: the request was not made by lscoap_protect_request().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_unprotect_response(
    session: *mut lscoap_session,
    io: *mut lscoap_io,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let exchange = behind_mut(exchange)?;
        lscoap_io::of(io)?.run(|buffer, len| session.unprotect_response(exchange, buffer, len))
    })())
}

/// Whether a request, in whichever carrier it comes, names this session: by its kid and, where it has one, its kid context. For a caller
/// with sessions that lscoap_session_take_over() made, which picks among them before lscoap_unprotect_request(), and takes
/// lscoap_server_unprotect_request() where none is named. Names prove nothing, and a request without a kid context is for each
/// session with its kid: where there are several, try copies of it.
/// LSCOAP_ERR_UNKNOWN_SESSION: it names another. LSCOAP_ERR_UNEXPECTED, LSCOAP_ERR_MALFORMED: not a sealed request.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_is_for(
    session: *const lscoap_session,
    message: *const u8,
    len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        behind(session)?.is_for(bytes(message, len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Gives back a request as the peer made it, for a session that is in no server: see lscoap_server_unprotect_request().
/// LSCOAP_REFUSED: the context was taken over without what it has received, and the request does not show that it is new. Send `out`, a
/// sealed 4.01 with an Echo, of at most LSCOAP_PROTECT_OVERHEAD + 11 bytes beside header and token; the peer asks again.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_unprotect_request(
    session: *mut lscoap_session,
    io: *mut lscoap_io,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let place = Out::behind(exchange)?;
        let mut status = LSCOAP_OK;
        lscoap_io::of(io)?.run(|buffer, len| match session.unprotect_request(buffer, len) {
            Ok((len, exchange)) => {
                place.write(exchange);
                Ok(len)
            }
            Err(Error::Stale) => {
                status = LSCOAP_REFUSED;
                session.challenge(buffer, len)
            }
            Err(error) => Err(error),
        })?;
        Ok(status)
    })())
}

/// Protects the response to a request that was unprotected, in the same carrier: the first one, or a notification or any
/// other further answer, which gets a number of its own, as does every answer with Observe.
/// LSCOAP_ERR_ARGUMENT: not a response, or with a Uri-, Proxy-, Hop-Limit or OSCORE option.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_protect_response(
    session: *mut lscoap_session,
    io: *mut lscoap_io,
    exchange: *const lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let exchange = behind(exchange)?;
        lscoap_io::of(io)?.run(|buffer, len| session.protect_response(exchange, buffer, len))
    })())
}

/// Whether a resource that reads the options in `known`, by their numbers, may carry out a request that was unprotected:
/// every critical option is one of those or Uri-Host, -Port, -Path or -Query, and none stands twice that may stand once
/// (RFC 7252 sections 5.4.1 and 5.4.5). LSCOAP_ERR_BAD_OPTION: answer 4.02 with lscoap_protect_response(), before anything is
/// done. LSCOAP_ERR_MALFORMED: not a message.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_check_options(
    message: *const u8,
    len: usize,
    known: *const u16,
    known_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        check_options(bytes(message, len)?, objects(known, known_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// What to answer a request with that was not accepted, in the clear: `input` is the request as it came, or what a call
/// that gave `status` has left of it. The answer has the request's token; that to a non-confirmable request has its message
/// id too: give it one of your own. In the OSCORE carrier as RFC 8613 section 8.2 says, with Max-Age 0; in the payload carrier
/// with an alert (protocol section 10); 4.02 for LSCOAP_ERR_BAD_OPTION; 4.01 for what was not sealed.
/// LSCOAP_ERR_MALFORMED: `input` is not a request.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_refusal(status: lscoap_status, io: *mut lscoap_io) -> lscoap_status {
    let error = match status {
        LSCOAP_ERR_UNKNOWN_SESSION => Error::UnknownSession,
        LSCOAP_ERR_UNINITIALISED => Error::Uninitialised,
        LSCOAP_ERR_REPLAY => Error::Replay,
        LSCOAP_ERR_MALFORMED => Error::Malformed,
        LSCOAP_ERR_BAD_OPTION => Error::BadOption,
        LSCOAP_ERR_AUTHENTICATION => Error::Authentication,
        _ => Error::Unexpected,
    };
    // SAFETY: the contract.
    merge((|| unsafe { lscoap_io::of(io)?.run(|buffer, len| refuse(error, buffer, len)) })())
}
