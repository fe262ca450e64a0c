//! A server's directory: C's callbacks.

use super::server::lscoap_server_config;
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, RESUME_RECORD_MAX};
use crate::server::{Directory, Ended};
use core::ffi::{c_int, c_void};

/// Looks a device up: writes its identity key (LSCOAP_PUBLIC_KEY_LEN bytes, as enrolled) and gives 0, or gives
/// another value to refuse the device.
pub type lscoap_find_device = Option<
    unsafe extern "C" fn(context: *mut c_void, id: *const u8, id_len: usize, public_key: *mut u8) -> c_int,
>;

/// Finds the stored resume record of the session with this connection id: writes it to `record`
/// (LSCOAP_RESUME_RECORD_MAX bytes) with its length, and gives 0, or gives another value if there is none.
pub type lscoap_load_resume = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        cid: *const u8,
        cid_len: usize,
        record: *mut u8,
        record_len: *mut usize,
    ) -> c_int,
>;

/// Stores a resume record, to be found by its connection id, in place of any that the device had; a null `record`
/// only deletes that. 0 once it will survive. Records hold secrets: whoever reads one can be the device.
pub type lscoap_save_resume = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        device_id: *const u8,
        device_id_len: usize,
        cid: *const u8,
        cid_len: usize,
        record: *const u8,
        record_len: usize,
    ) -> c_int,
>;

/// A session that has ended.
#[repr(C)]
pub struct lscoap_ended {
    /// What lscoap_server_slot_index() gave for it. The slot is free now.
    pub slot: usize,
    /// The kid of its requests: what lscoap_session_recipient_id() gave.
    pub kid: *const u8,
    /// Its length: at most LSCOAP_CID_MAX bytes.
    pub kid_len: usize,
    /// The device's id.
    pub device_id: *const u8,
    /// Its length: at most LSCOAP_DEVICE_ID_MAX bytes.
    pub device_id_len: usize,
    /// What lscoap_session_fingerprint() gave, LSCOAP_FINGERPRINT_LEN bytes: for lscoap_answers_forget().
    pub fingerprint: *const u8,
}

/// Hears that a session has ended. `ended` and what it points to are valid during the call.
pub type lscoap_session_ended =
    Option<unsafe extern "C" fn(context: *mut c_void, ended: *const lscoap_ended)>;

/// The callbacks of a configuration.
#[derive(Clone, Copy)]
pub(super) struct Callbacks {
    find: lscoap_find_device,
    find_context: *mut c_void,
    load: lscoap_load_resume,
    save: lscoap_save_resume,
    resume_context: *mut c_void,
    ended: lscoap_session_ended,
    ended_context: *mut c_void,
}

impl Callbacks {
    pub(super) fn of(config: &lscoap_server_config) -> Self {
        Self {
            find: config.find_device,
            find_context: config.find_device_context,
            load: config.load_resume,
            save: config.save_resume,
            resume_context: config.resume_context,
            ended: config.session_ended,
            ended_context: config.session_ended_context,
        }
    }
}

impl Directory for Callbacks {
    fn find(&mut self, device_id: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]> {
        let mut key = [0; PUBLIC_KEY_LEN];
        // SAFETY: the callback is C's own; it reads the id and writes one key.
        let found =
            unsafe { self.find?(self.find_context, device_id.as_ptr(), device_id.len(), key.as_mut_ptr()) };
        (found == 0).then_some(key)
    }

    fn stores(&self) -> bool {
        self.save.is_some()
    }

    fn load_resume(
        &mut self,
        cid_s: &[u8],
        record: &mut heapless::Vec<u8, RESUME_RECORD_MAX>,
    ) -> Result<bool, Error> {
        let Some(load) = self.load else { return Ok(false) };
        let mut len = 0;
        if record.resize_default(RESUME_RECORD_MAX).is_err() {
            return Ok(false);
        }
        // SAFETY: the callback is C's own; it reads the id and writes a record, which has room.
        let found = unsafe {
            load(self.resume_context, cid_s.as_ptr(), cid_s.len(), record.as_mut_ptr(), &raw mut len)
        };
        record.truncate(len);
        Ok(found == 0)
    }

    fn save_resume(&mut self, device_id: &[u8], cid_s: &[u8], record: Option<&[u8]>) -> Result<(), Error> {
        let save = self.save.ok_or(Error::Storage)?;
        let (bytes, len) = record.map_or((core::ptr::null(), 0), |record| (record.as_ptr(), record.len()));
        let (id, id_len) = (device_id.as_ptr(), device_id.len());
        // SAFETY: the callback is C's own, and reads as many bytes as it is told.
        let saved = unsafe { save(self.resume_context, id, id_len, cid_s.as_ptr(), cid_s.len(), bytes, len) };
        if saved == 0 { Ok(()) } else { Err(Error::Storage) }
    }

    fn session_ended(&mut self, ended: &Ended<'_>) {
        let Some(call) = self.ended else { return };
        let ended = lscoap_ended {
            slot: ended.slot,
            kid: ended.kid.as_ptr(),
            kid_len: ended.kid.len(),
            device_id: ended.device_id.as_ptr(),
            device_id_len: ended.device_id.len(),
            fingerprint: ended.fingerprint.as_ptr(),
        };
        // SAFETY: the callback is C's own, and reads as many bytes as it is told.
        unsafe { call(self.ended_context, &raw const ended) }
    }
}
