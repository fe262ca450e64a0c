//! What a server needs to resume a session (protocol sections 6 and 8), and nothing more.

use super::slot::Counts;
use crate::crypto::Hash;
use crate::error::Error;
use crate::limits::{CID_MAX, DEVICE_ID_MAX, PUBLIC_KEY_LEN, RESUME_RECORD_MAX};
use crate::stored::{Kind, Stored, fields, string};
use crate::wire::{Cid, DeviceId};
use zeroize::Zeroize;

/// Room for a stored record.
pub type ResumeRecordBytes = heapless::Vec<u8, RESUME_RECORD_MAX>;

/// Wipes all of the room: storage may have written more than it says.
pub fn wipe(record: &mut ResumeRecordBytes) {
    let _ = record.resize_default(RESUME_RECORD_MAX);
    record.as_mut_slice().zeroize();
}

/// How many R1 were answered for a stored record's secret: what a store that several servers share compares, so that two of them do not
/// answer the same one (protocol section 6). [`Error::Malformed`]: it is no record.
pub fn resumptions_answered(record: &[u8]) -> Result<u32, Error> {
    let mut read = ResumeRecord::EMPTY;
    read.load::<crate::crypto::Software>(record)?;
    Ok(read.counts.answered)
}

/// A session as far as resumption goes.
pub struct ResumeRecord {
    pub cid_s: Cid,
    pub cid_c: Cid,
    pub device_id: DeviceId,
    /// The identity key that the directory gave: resumption ends when it no longer does.
    pub public_key: [u8; PUBLIC_KEY_LEN],
    pub rms: [u8; 32],
    pub counts: Counts,
}

wiped!(ResumeRecord { cid_s, cid_c, device_id, public_key, rms; but counts } on drop);

impl ResumeRecord {
    /// Room for one.
    pub const EMPTY: Self = Self {
        cid_s: Cid::EMPTY,
        cid_c: Cid::EMPTY,
        device_id: DeviceId::EMPTY,
        public_key: [0; PUBLIC_KEY_LEN],
        rms: [0; 32],
        counts: Counts { answered: 0, in_a_row: 0 },
    };

    /// As it is stored.
    pub fn store<H: Hash>(&self, blob: &mut Stored<RESUME_RECORD_MAX>) {
        blob.begin(Kind::ResumeRecord);
        blob.put_string(&self.cid_s);
        blob.put_string(&self.cid_c);
        blob.put_string(&self.device_id);
        blob.put(&self.public_key);
        blob.put(&self.rms);
        blob.put(&self.counts.answered.to_be_bytes());
        blob.put(&self.counts.in_a_row.to_be_bytes());
        blob.finish::<H>();
    }

    /// Of a stored blob: [`Error::Malformed`] if it is none.
    pub fn load<H: Hash>(&mut self, blob: &[u8]) -> Result<(), Error> {
        let mut reader = fields::<H>(Kind::ResumeRecord, blob)?;
        self.cid_s = string::<CID_MAX>(&mut reader)?;
        self.cid_c = string::<CID_MAX>(&mut reader)?;
        self.device_id = string::<DEVICE_ID_MAX>(&mut reader)?;
        self.public_key = *reader.array()?;
        self.rms = *reader.array()?;
        self.counts.answered = u32::from_be_bytes(*reader.array()?);
        self.counts.in_a_row = u16::from_be_bytes(*reader.array()?);
        reader.end(())
    }
}
