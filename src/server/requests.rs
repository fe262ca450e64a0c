//! Sealed requests: whose they are, and what follows when one opens (protocol sections 8 and 10).

use super::{Directory, Env, Phase, Server, Slot};
use crate::crypto::Backend;
use crate::error::{Alert, Error};
use crate::platform::Platform;
use crate::session::{Carrier, Exchange, Opening};
use crate::wire::object::parse_request;

/// A request that opened.
pub struct Opened {
    /// The plaintext's length.
    pub len: usize,
    /// What to answer it with.
    pub exchange: Exchange,
    /// Which slot holds its session: see [`Slot::session_mut`].
    pub slot: usize,
}

impl<B: Backend> Server<B> {
    /// Finds the session of a sealed request by the connection id in it, in a time that does not depend on
    /// the number of sessions, and opens it. The first record that opens confirms the session: it wipes the
    /// device's older session and every handshake of that device that began earlier (section 8).
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::UnknownSession`], [`Error::Authentication`], [`Error::Replay`] by what
    /// came; [`Error::Capacity`]. See [`refusal_of_record`] for what to answer.
    pub fn open_request<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        carrier: Carrier<'_>,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<Opened, Error> {
        let opened = self.open_counted(slots, env.directory, env.now_ms, carrier, object, out);
        opened.inspect_err(|error| self.note_refused_record(*error))
    }

    fn open_counted<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        now_ms: u64,
        carrier: Carrier<'_>,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<Opened, Error> {
        let slot = self.find(slots, directory, now_ms, object)?;
        let session = slots.get_mut(slot).and_then(Slot::session_mut).ok_or(Error::UnknownSession)?;
        let opening = session.begin_open_request(object)?;
        session.open_copy(&opening, carrier, object, out)?;
        let exchange = self.complete_open_request(slots, directory, slot, &opening)?;
        Ok(Opened { len: opening.data_len(), exchange, slot })
    }

    /// Which slot holds the session of a sealed request. A slot that has waited for too long is wiped on the way.
    pub fn find<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        now_ms: u64,
        object: &[u8],
    ) -> Result<usize, Error> {
        self.check_live()?;
        let header = parse_request(object, self.kid_len(slots.len()))?;
        self.session_of(slots, directory, now_ms, header.kid)
    }

    /// The length of the ids that clients put into their requests.
    pub(crate) fn kid_len(&self, slots: usize) -> usize {
        self.cids.len(slots)
    }

    /// The same by the id in its requests, their kid.
    pub fn session_of<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        now_ms: u64,
        kid: &[u8],
    ) -> Result<usize, Error> {
        self.check_live()?;
        let index = self.cids.index(kid, slots.len()).ok_or(Error::UnknownSession)?;
        self.table.clock.advance(now_ms);
        self.table.expire(slots, directory, index);
        let slot = slots.get(index).ok_or(Error::UnknownSession)?;
        if slot.is_session(kid) { Ok(index) } else { Err(Error::UnknownSession) }
    }

    /// Takes note of a request whose tag has verified, and confirms its session.
    pub(crate) fn complete_open_request<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        index: usize,
        opening: &Opening,
    ) -> Result<Exchange, Error> {
        let session = slots.get_mut(index).and_then(Slot::session_mut).ok_or(Error::UnknownSession)?;
        let exchange = session.complete_open_request(opening);
        self.table.counters.count(|stats| &mut stats.records);
        self.confirm(slots, directory, index)?;
        Ok(exchange)
    }

    /// Confirms the session in a slot: a request of the client's has opened, in this library or, where the session was handed
    /// over, in another. The first one wipes the device's older session and every handshake of that device that began
    /// earlier (section 8); after that nothing changes. [`Error::UnknownSession`]: the slot holds none.
    pub fn confirm<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        index: usize,
    ) -> Result<(), Error> {
        let slot = slots.get_mut(index).ok_or(Error::UnknownSession)?;
        let is_first = slot.phase() == Phase::Unconfirmed;
        let is_resumed = slot.resume.in_a_row != 0;
        let session = slot.session_mut().ok_or(Error::UnknownSession)?;
        if is_first {
            session.confirm();
            let counters = &mut self.table.counters;
            counters.count(|stats| &mut stats.confirmed);
            if is_resumed {
                counters.count(|stats| &mut stats.confirmed_resume);
            }
            self.table.confirm(slots, directory, index);
            self.store_confirmed(slots, directory, index);
        }
        Ok(())
    }

    #[cfg(not(feature = "resume"))]
    fn store_confirmed<D: Directory + ?Sized>(&mut self, _: &[Slot<B>], _: &mut D, _: usize) {}

    /// Counts a record that did not open.
    pub(crate) fn note_refused_record(&mut self, error: Error) {
        self.table.counters.record_refused(error);
    }
}

/// What to answer a sealed object with that did not open (section 10).
pub fn refusal_of_record(error: Error) -> Alert {
    match error {
        Error::UnknownSession | Error::Uninitialised => Alert::UnknownSession,
        _ => Alert::Authentication,
    }
}
