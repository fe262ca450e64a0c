//! A session in storage: numbers are reserved there before they are used (protocol section 8).

use super::{Device, End, Stage, Storing};
use crate::crypto::Backend;
use crate::error::Error;

impl<B: Backend> Device<B> {
    /// The stored blob, before the first request.
    ///
    /// # Errors
    /// [`Error::Malformed`]: damaged, or of another version. [`Error::State`]: of another device, a session is there
    /// already, or nothing is ever stored. Go on in any case: a full handshake follows.
    pub fn restore(&mut self, blob: &[u8]) -> Result<(), Error> {
        self.check_idle()?;
        if self.settings.store_block == 0 || self.held().session.is_live() {
            return Err(Error::State);
        }
        let engine = self.client.engine();
        self.held().session.restore_from(engine, blob)?;
        let [first, second] = &self.held;
        if !self.client.owns(if self.second { &second.session } else { &first.session }) {
            self.held().wipe();
            return Err(Error::State);
        }
        (self.held().proven, self.held().stored) = (true, true);
        Ok(())
    }

    /// After [`super::Poll::Store`]: whether the bytes are in storage. Where they are not, or may not be, a session that was
    /// never stored goes on within the numbers of the blob and is tried again at its next answer; a request for which
    /// there are no numbers ends with [`Error::Storage`], unsent.
    ///
    /// # Errors
    /// [`Error::State`]: nothing was to be stored.
    pub fn stored(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.check_live()?;
        if self.storing != Storing::Out {
            return Err(Error::State);
        }
        self.storing = Storing::Not;
        self.blob.wipe();
        let end = self.store_end;
        match result {
            Ok(()) => {
                self.held().session.complete_store(end);
                self.held().stored = true;
            }
            Err(_) if self.is_unstored && self.stage == Stage::Prepare => self.finish(End::Storage),
            Err(_) => {}
        }
        self.is_unstored = false;
        Ok(())
    }

    /// Before the power goes: the next [`Device::poll`] gives a blob that wastes no numbers.
    ///
    /// # Errors
    /// [`Error::State`]: nothing is ever stored.
    pub fn suspend(&mut self) -> Result<(), Error> {
        self.check_live()?;
        if self.settings.store_block == 0 {
            return Err(Error::State);
        }
        if self.held().proven {
            (self.storing, self.suspends) = (Storing::Wanted, true);
        }
        Ok(())
    }

    /// Makes the blob that is wanted, or is still out. False: there is none.
    pub(super) fn make_blob(&mut self) -> bool {
        if self.storing == Storing::Wanted {
            let block = if self.suspends { 0 } else { self.settings.store_block };
            self.suspends = false;
            let [first, second] = &mut self.held;
            let held = if self.second { second } else { first };
            self.storing = match held.session.prepare_store(block, &mut self.blob) {
                Ok(end) => {
                    self.store_end = end;
                    Storing::Out
                }
                Err(_) => Storing::Not,
            };
        }
        self.storing == Storing::Out
    }

    /// The server has shown that it has the session in use.
    pub(super) fn prove(&mut self) {
        if !self.held().proven {
            self.held().proven = true;
            self.other().wipe();
        }
        if self.settings.store_block != 0 && !self.held().stored && self.storing == Storing::Not {
            self.storing = Storing::Wanted;
        }
    }
}
