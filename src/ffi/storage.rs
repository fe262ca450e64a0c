//! A client's session in storage.

use super::blob::{lscoap_write_blob, writer};
use super::platform::lscoap_platform;
use super::pointers::{behind_mut, bytes, object};
use super::session::lscoap_session;
use super::status::{LSCOAP_OK, lscoap_status, merge};
use core::ffi::c_void;

/// The longest stored session, in bytes.
pub const LSCOAP_SESSION_BLOB_MAX: usize = 99;

const _: () = assert!(LSCOAP_SESSION_BLOB_MAX == crate::limits::SESSION_BLOB_MAX);

/// Reserves sequence numbers for a client's session and has it written to storage, at most LSCOAP_SESSION_BLOB_MAX
/// bytes with secrets in them. The session then seals `block` more requests, and no more (LSCOAP_ERR_UNSTORED) until it
/// is stored again; 0 before a long sleep, which wastes none. A device that loses power at any moment and restores
/// what was stored last never uses a number twice, if storage never gives an older blob than the last one that
/// `write` accepted. A copy of the lscoap_session object is not a stored session.
/// LSCOAP_ERR_STATE: not a client's session. LSCOAP_ERR_STORAGE: `write` failed; the session goes on as far as both the
/// older and the newer blob allow.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_store(
    session: *mut lscoap_session,
    block: u32,
    write: lscoap_write_blob,
    context: *mut c_void,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        session.store(block, writer(write, context)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Makes a session of what lscoap_session_store() wrote, over whatever `session` held before. `platform` may be
/// null: it is for AES in hardware. The session has to be stored again before it seals (LSCOAP_ERR_UNSTORED), and
/// opens only answers to its own requests: no requests of the server's (LSCOAP_ERR_STATE) before it has been resumed
/// with lscoap_client_resume().
/// LSCOAP_ERR_MALFORMED: damaged, or of another version; nothing has changed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_restore(
    session: *mut lscoap_session,
    platform: *const lscoap_platform,
    blob: *const u8,
    blob_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let engine = if platform.is_null() { Default::default() } else { object(platform)?.engine() };
        session.restore_from(engine, bytes(blob, blob_len)?)?;
        Ok(LSCOAP_OK)
    })())
}
