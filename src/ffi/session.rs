//! `lscoap_session`.

use super::backend::Session;
use super::exchange::lscoap_exchange;
use super::handshake::give;
use super::io::lscoap_io;
use super::pointers::{Out, behind, behind_mut, bytes, bytes_mut};
use super::status::{LSCOAP_OK, lscoap_status, merge};
use crate::limits::FINGERPRINT_LEN;
use crate::session::Carrier;

/// The most that sealing adds to a request, in bytes.
pub const LSCOAP_REQUEST_OVERHEAD: usize = 21;
/// The most that sealing adds to a response or a notification, in bytes.
pub const LSCOAP_RESPONSE_OVERHEAD: usize = 14;
/// The most additional data that can be bound to a sealed object, in bytes.
pub const LSCOAP_AAD_MAX: usize = 256;
/// The length of a session's fingerprint, in bytes.
pub const LSCOAP_FINGERPRINT_LEN: usize = 8;

const _: () = assert!(LSCOAP_REQUEST_OVERHEAD == crate::limits::REQUEST_OVERHEAD);
const _: () = assert!(LSCOAP_RESPONSE_OVERHEAD == crate::limits::RESPONSE_OVERHEAD);
const _: () = assert!(LSCOAP_AAD_MAX == crate::limits::AAD_MAX);
const _: () = assert!(LSCOAP_FINGERPRINT_LEN == FINGERPRINT_LEN);

/// The length of `lscoap_session`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_SESSION_WORDS: usize = 26;
/// The length of `lscoap_session`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_SESSION_WORDS: usize = 24;

/// A session: the keys of both directions. Place it in zeroed memory and never copy it: a copy that goes on
/// sending uses nonces twice.
#[repr(C)]
pub struct lscoap_session {
    opaque_: [u64; LSCOAP_SESSION_WORDS],
}

handle!(lscoap_session => Session);
same_size!(Session, lscoap_session);

/// Seals a request as an object for a CoAP payload: `input` is the plaintext of RFC 8613 section 5.3 (code, inner options, FF
/// and payload), bound to `aad`; the object is at most LSCOAP_REQUEST_OVERHEAD bytes longer. `*exchange` is what the answers belong
/// to. For whole messages, and for the OSCORE option, there is lscoap_protect_request().
/// LSCOAP_ERR_EXHAUSTED: make a new session.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_seal_request(
    session: *mut lscoap_session,
    io: *mut lscoap_io,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let io = lscoap_io::of(io)?;
        let carrier = io.carrier()?;
        let place = Out::behind(exchange)?;
        let sealing = session.begin_request()?;
        let exchange = session.request_exchange(&sealing);
        let status = io.seal(session, &sealing, carrier)?;
        place.write(exchange);
        Ok(status)
    })())
}

/// Opens a request of the peer's that was sealed for `aad`; `out` has room for the plaintext. A server opens requests with
/// lscoap_server_open_request() instead, which also confirms the session.
/// LSCOAP_ERR_MALFORMED, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: answer with
/// lscoap_record_refusal(); the place of the plaintext in `out` may have been zeroed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_open_request(
    session: *mut lscoap_session,
    io: *mut lscoap_io,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let io = lscoap_io::of(io)?;
        let carrier = io.carrier()?;
        let place = Out::behind(exchange)?;
        session.check_confirmed()?;
        let opening = session.begin_open_request(io.input())?;
        io.check_room(&opening)?;
        io.open(session, &opening, carrier)?;
        place.write(session.complete_open_request(&opening));
        Ok(LSCOAP_OK)
    })())
}

/// Seals the answer to a request, at most LSCOAP_RESPONSE_OVERHEAD bytes longer: 9 if the session still
/// remembers the request, which it does for the last 64. Possible once for each request; an answer with Observe is for
/// lscoap_seal_notification().
/// LSCOAP_ERR_ANSWERED: use lscoap_seal_notification().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_seal_response(
    session: *mut lscoap_session,
    io: *mut lscoap_io,
    exchange: *const lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let (io, exchange) = (lscoap_io::of(io)?, behind(exchange)?);
        let sealing = session.begin_response(exchange)?;
        io.seal(session, &sealing, Carrier::Payload(&[]))
    })())
}

/// Seals a further answer to a request, or one with Observe, which may be the first, under a number of its own.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_seal_notification(
    session: *mut lscoap_session,
    io: *mut lscoap_io,
    exchange: *const lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let (io, exchange) = (lscoap_io::of(io)?, behind(exchange)?);
        let sealing = session.begin_notification(exchange)?;
        io.seal(session, &sealing, Carrier::Payload(&[]))
    })())
}

/// Opens an answer to `exchange`'s request: the first one, or a later notification.
/// LSCOAP_ERR_MALFORMED, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: not the peer's answer; drop it and keep
/// waiting. The place of the plaintext in `out` may have been zeroed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_open_response(
    session: *mut lscoap_session,
    io: *mut lscoap_io,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let exchange = behind_mut(exchange)?;
        let io = lscoap_io::of(io)?;
        let opening = session.begin_open_response(exchange, io.input())?;
        io.check_room(&opening)?;
        io.open(session, &opening, Carrier::Payload(&[]))?;
        session.complete_open_response(&opening, exchange);
        Ok(LSCOAP_OK)
    })())
}

/// The id of the device at the client's end: at most LSCOAP_DEVICE_ID_MAX bytes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_device_id(
    session: *const lscoap_session,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let id = behind(session)?.device_id()?;
        give(id, bytes_mut(out, out_cap)?, Out::new(out_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// The id by which the peer's requests name the session (their kid): at most LSCOAP_CID_MAX bytes, often none at a client.
#[cfg(feature = "coap")]
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_recipient_id(
    session: *const lscoap_session,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind(session)?;
        session.check_live()?;
        give(session.recipient_id(), bytes_mut(out, out_cap)?, Out::new(out_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// LSCOAP_FINGERPRINT_LEN bytes that are equal at both ends, differ between sessions and tell nothing about the
/// keys: for a log.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_fingerprint(
    session: *const lscoap_session,
    out: *mut u8,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let fingerprint = behind(session)?.fingerprint()?;
        Out::new(out.cast())?.write(fingerprint);
        Ok(LSCOAP_OK)
    })())
}

/// A key for the application's own use, the same at both ends: 1 to 255 bytes of output, at most 255 of label
/// (protocol section 8). A shorter output is the beginning of a longer one. On the server the client is proved
/// once a request has opened: not before, with a session from lscoap_server_find().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_export_key(
    session: *const lscoap_session,
    label: *const u8,
    label_len: usize,
    context: *const u8,
    context_len: usize,
    out: *mut u8,
    out_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind(session)?;
        let (label, context) = (bytes(label, label_len)?, bytes(context, context_len)?);
        session.export_key(label, context, bytes_mut(out, out_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Wipes the session. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_wipe(session: *mut lscoap_session) {
    // SAFETY: the contract.
    if let Ok(session) = unsafe { behind_mut(session) } {
        session.wipe();
    }
}
