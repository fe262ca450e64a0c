//! A client's session in storage (protocol section 8): the number that is stored is always ahead of every number
//! used, so that a device that loses power at any moment never uses one twice. A copy of live memory is not a
//! stored session.

use super::{Outcome, Role, Session, flag};
use crate::crypto::Backend;
use crate::error::Error;
use crate::limits::{SEQUENCE_MAX, SESSION_BLOB_MAX};
use crate::stored::{Kind, Stored, fields, string};
use crate::wire::{Cid, DeviceId};

impl<B: Backend> Session<B> {
    /// Reserves sequence numbers and has the session written: `write` gets the blob, at most [`SESSION_BLOB_MAX`]
    /// bytes with secrets in it, and returns once it will survive. Then the session seals `block` more requests or
    /// numbered answers, and no more ([`Error::Unstored`]) until it is stored again; 0 before a long sleep, which
    /// wastes none. Never give a session an older blob than its last one: numbers would be used twice.
    ///
    /// # Errors
    /// [`Error::State`]: not a client's. [`Error::Storage`], or whatever `write` gives: it may or may not be stored,
    /// so the session goes on only as far as both cases allow.
    pub fn store(&mut self, block: u32, write: impl FnOnce(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let mut blob = Stored::EMPTY;
        let end = self.prepare_store(block, &mut blob)?;
        write(blob.as_slice())?;
        self.complete_store(end);
        Ok(())
    }

    /// The first half of [`Session::store`]: the blob, and the end of the numbers that it reserves. Until
    /// [`Session::complete_store`] the session goes on only as far as both blobs allow.
    pub(crate) fn prepare_store(
        &mut self,
        block: u32,
        blob: &mut Stored<SESSION_BLOB_MAX>,
    ) -> Result<u64, Error> {
        self.check_client()?;
        let end = self.next.saturating_add(block.into()).min(SEQUENCE_MAX.saturating_add(1));
        blob.begin(Kind::Session);
        blob.put_string(&self.recipient_id);
        blob.put_string(&self.sender_id);
        blob.put_string(&self.device_id);
        blob.put(&self.out);
        blob.put(&end.to_be_bytes());
        self.limit = self.limit.min(end);
        blob.finish::<B>();
        Ok(end)
    }

    /// The blob that reserves the numbers below `end` will survive.
    pub(crate) fn complete_store(&mut self, end: u64) {
        self.limit = end;
    }

    /// The session of a stored blob. It is to be stored again before it seals ([`Error::Unstored`]), and opens
    /// only answers to its own requests: no requests of the server's ([`Error::State`]) before it has been resumed.
    /// [`Error::Malformed`] for a damaged blob, or one of another version.
    pub fn restore(blob: &[u8]) -> Result<Self, Error> {
        let mut session = Self::new();
        session.restore_from(B::Engine::default(), blob)?;
        Ok(session)
    }

    /// [`Session::restore`] where the session stays.
    pub(crate) fn restore_from(&mut self, engine: B::Engine, blob: &[u8]) -> Result<(), Error> {
        let mut reader = fields::<B>(Kind::Session, blob)?;
        let (cid_c, cid_s): (Cid, Cid) = (string(&mut reader)?, string(&mut reader)?);
        let device_id: DeviceId = string(&mut reader)?;
        let out = reader.array()?;
        let next = u64::from_be_bytes(*reader.array()?);
        reader.end(())?;
        if cid_s.is_empty()
            || *cid_c == *cid_s
            || device_id.is_empty()
            || next > SEQUENCE_MAX.saturating_add(1)
        {
            return Err(Error::Malformed);
        }
        let outcome =
            Outcome { role: Role::Client, out, cid_c: &cid_c, cid_s: &cid_s, device_id: &device_id };
        self.establish(engine, &outcome);
        self.flags |= flag::RESTORED;
        self.next = next;
        self.limit = next;
        Ok(())
    }
}
