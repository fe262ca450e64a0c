//! `lscoap_answers`.

use super::pointers::{Out, all_behind_mut, array, behind, bytes, bytes_mut, object};
use super::session::lscoap_session;
use super::status::{LSCOAP_OK, lscoap_status, merge};
use crate::error::Error;
use crate::server::{Answers, Kept};

/// A place for one kept answer. Its contents are the library's; zeroed it is free.
#[repr(C)]
pub struct lscoap_kept {
    opaque_: [u64; 4],
}

handle!(lscoap_kept => Kept);
same_size!(Kept, lscoap_kept);

/// Answers that are kept for requests that come again: a sealed request opens once, so that one whose answer was lost is to get that
/// answer (protocol section 10). The caller fills the fields in and keeps the memory; each answer has an equal part of the bytes. It is
/// searched from end to end: meant for tens of places.
#[repr(C)]
pub struct lscoap_answers {
    /// The places, zeroed at first.
    pub places: *mut lscoap_kept,
    /// How many there are.
    pub count: usize,
    /// Room for the answers.
    pub bytes: *mut u8,
    /// Its length, in bytes: `count` times the longest answer that is to be kept.
    pub bytes_len: usize,
}

impl lscoap_answers {
    unsafe fn table<'a>(&self) -> Result<Answers<'a>, Error> {
        // SAFETY: the contract: the memory is this table's alone.
        unsafe {
            let places = all_behind_mut(self.places, self.count)?;
            Ok(Answers::new(places, bytes_mut(self.bytes, self.bytes_len)?))
        }
    }
}

/// The answer that a request had, with its length; null if none is kept, or it is older than 247 s. `request` is the sealed object, or the
/// CoAP message whose payload it ends: type, token and message id may be others. To be called before the request is opened. The
/// answer is as it was kept, and stays where it is until the next call.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_answers_find(
    answers: *const lscoap_answers,
    now_ms: u64,
    request: *const u8,
    request_len: usize,
    answer_len: *mut usize,
) -> *const u8 {
    // SAFETY: the contract.
    let found = (|| unsafe {
        let table = object(answers).ok()?.table().ok()?;
        let place = Out::new(answer_len).ok()?;
        let answer = table.find(now_ms, bytes(request, request_len).ok()?)?;
        place.write(answer.len());
        Some(answer.as_ptr())
    })();
    found.unwrap_or(core::ptr::null())
}

/// Keeps the answer to a request of `session`'s: whatever the caller wants to send again, such as the sealed object, or the message from
/// its code on. A place is taken that is free, else the oldest: of the session's own where it holds a quarter of them.
/// LSCOAP_ERR_CAPACITY: longer than the room for one; it is not kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_answers_keep(
    answers: *mut lscoap_answers,
    session: *const lscoap_session,
    now_ms: u64,
    request: *const u8,
    request_len: usize,
    answer: *const u8,
    answer_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let mut table = object(answers)?.table()?;
        let session = behind(session)?;
        let fingerprint = session.fingerprint()?;
        let (request, answer) = (bytes(request, request_len)?, bytes(answer, answer_len)?);
        if table.keep(&fingerprint, now_ms, request, answer) { Ok(LSCOAP_OK) } else { Err(Error::Capacity) }
    })())
}

/// Gives back the places of a session that ends, by its fingerprint: see lscoap_server_config.session_ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_answers_forget(
    answers: *mut lscoap_answers,
    fingerprint: *const u8,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        object(answers)?.table()?.forget(array(fingerprint)?);
        Ok(LSCOAP_OK)
    })())
}
