//! R2 (protocol section 6), and what is kept for it.

use super::handshake::{ResumeDraws, of_seal};
use super::resume_record::{ResumeRecord, ResumeRecordBytes, wipe};
use super::slot::{Body, Phase};
use super::{Directory, Refusal, Server, Slot, Turn};
use crate::crypto::Backend;
use crate::error::{Alert, Error};
use crate::limits::{RESUMES_PER_SECRET, TAG_LEN};
use crate::platform::Platform;
use crate::schedule::{OnceKey, resume, secret};
use crate::stored::Stored;
use crate::wire::{Cid, ClientNames, Emit, Type};

/// The fields of an R1.
pub(super) struct R1<'a> {
    pub aad: &'a [u8],
    pub cid_s: &'a [u8],
    pub n_c: &'a [u8; 8],
    pub t1: &'a [u8; TAG_LEN],
}

/// Where a session was found.
#[derive(Clone, Copy)]
enum Source {
    Slot(usize),
    Storage,
}

impl<B: Backend> Server<B> {
    #[inline(never)] // its frame is large
    pub(super) fn resume_r2<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        turn: &mut Turn<'_, '_, B, P, D>,
        r1: &R1<'_>,
    ) -> Result<(), Refusal> {
        let env = &mut *turn.env;
        let mut record = ResumeRecord::EMPTY;
        let source = self.find_resumable(turn.slots, env.directory, r1.cid_s, &mut record)?;
        let source = source.ok_or(Alert::UnknownSession)?;
        let mut once = OnceKey::EMPTY;
        resume::k_r1::<B>(&record.rms, r1.n_c, &mut once);
        once.open::<B>(self.engine, r1.aad, r1.t1, &mut []).map_err(of_seal)?;

        let counts = record.counts;
        let answered = u16::try_from(counts.answered).map_err(|_| Alert::UnknownSession)?;
        if counts.answered >= RESUMES_PER_SECRET || counts.in_a_row >= self.resume_limit {
            return Err(Alert::UnknownSession.into());
        }
        if env.directory.find(&record.device_id) != Some(record.public_key) {
            return Err(Alert::UnknownSession.into());
        }
        let index = self.table.choose(turn.slots, env.directory, env.source).ok_or(Alert::Busy)?;
        let (mut draws, mut cid_s) = (ResumeDraws::default(), Cid::EMPTY);
        self.draw_resume(env.platform, turn.digest, &mut draws)?;
        let index =
            self.choose_cid(env.directory, turn.slots, index, draws.number, &record.cid_c, &mut cid_s)?;

        // The number is used up before anyone sees it.
        record.counts.answered = counts.answered.saturating_add(1);
        self.note_answered(turn.slots, env.directory, source, &record)?;

        let [high, low] = answered.to_be_bytes();
        let [a, b, c, d, e, f] = draws.random;
        let n_s = [high, low, a, b, c, d, e, f];
        let th = resume::th::<B>(turn.message, &n_s);
        let (mut prk_r2, mut out) = (secret(), secret());
        resume::prk_r2::<B>(&record.rms, &th, &mut prk_r2);
        let r2 = &mut *turn.out;
        r2.put_type(Type::R2);
        r2.put(&n_s);
        let head = r2.len();
        r2.put(&cid_s);
        resume::k_r2::<B>(&prk_r2, &mut once);
        once.seal_tail::<B>(self.engine, r2, head, head)?;
        resume::out::<B>(&prk_r2, &th, r2.get(head..).unwrap_or(&[]), &mut out);

        let names = ClientNames { cid_c: &record.cid_c, device_id: &record.device_id };
        self.begin(turn, index, &cid_s, names, &record.public_key)?;
        let slot = turn.slots.get_mut(index).ok_or(Error::Argument)?;
        slot.resume.in_a_row = counts.in_a_row.saturating_add(1);
        self.establish(turn.slots, index, &out)?;
        self.table.counters.count(|stats| &mut stats.begun_resume);
        Ok(())
    }

    /// Takes back that an R1 was counted for the live session with this connection id: to be called where its R2 goes to nobody,
    /// because storage that answers later than [`Directory::save_resume`] returns has not counted it.
    pub fn uncount_resumption(&mut self, slots: &mut [Slot<B>], cid_s: &[u8]) {
        if let Some(index) = self.cids.index(cid_s, slots.len())
            && let Some(slot) = slots.get_mut(index).filter(|slot| slot.is_session(cid_s))
        {
            slot.resume.answered = slot.resume.answered.saturating_sub(1);
        }
    }

    /// The session with a connection id: a live one first, else one in storage.
    fn find_resumable<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        cid_s: &[u8],
        record: &mut ResumeRecord,
    ) -> Result<Option<Source>, Error> {
        if let Some(index) = self.cids.index(cid_s, slots.len()) {
            self.table.expire(slots, directory, index);
            let slot = slots.get(index).filter(|slot| slot.is_session(cid_s));
            if slot.is_some_and(|slot| slot.resume_record(record).is_ok()) {
                return Ok(Some(Source::Slot(index)));
            }
        }
        if !directory.stores() {
            return Ok(None);
        }
        let mut blob = ResumeRecordBytes::new();
        let loaded = directory.load_resume(cid_s, &mut blob);
        let is_it = loaded == Ok(true) && record.load::<B>(&blob).is_ok() && *record.cid_s == *cid_s;
        wipe(&mut blob);
        loaded.map(|_| is_it.then_some(Source::Storage))
    }

    /// Counts an answered R1 where its session is.
    fn note_answered<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        source: Source,
        record: &ResumeRecord,
    ) -> Result<(), Alert> {
        let is_stored = match source {
            Source::Storage => true,
            // An unconfirmed session is not in storage, where the device's confirmed one may be.
            Source::Slot(index) => slots.get(index).is_some_and(|slot| slot.phase() == Phase::Confirmed),
        };
        if is_stored && directory.stores() && self.store_record(directory, record).is_err() {
            return Err(Alert::Busy);
        }
        if let Source::Slot(index) = source
            && let Some(slot) = slots.get_mut(index)
        {
            slot.resume.answered = record.counts.answered;
        }
        Ok(())
    }

    fn store_record<D: Directory + ?Sized>(
        &mut self,
        directory: &mut D,
        record: &ResumeRecord,
    ) -> Result<(), Error> {
        let mut blob = Stored::EMPTY;
        record.store::<B>(&mut blob);
        let result = directory.save_resume(&record.device_id, &record.cid_s, Some(blob.as_slice()));
        if result.is_err() {
            self.table.counters.count(|stats| &mut stats.store_failures);
        }
        result
    }

    /// A session was confirmed: from now on it is the device's one in storage.
    pub(super) fn store_confirmed<D: Directory + ?Sized>(
        &mut self,
        slots: &[Slot<B>],
        directory: &mut D,
        index: usize,
    ) {
        let mut record = ResumeRecord::EMPTY;
        if directory.stores() && slots.get(index).is_some_and(|slot| slot.resume_record(&mut record).is_ok())
        {
            // What fails here is counted; the session itself is none the worse.
            let _ = self.store_record(directory, &record);
        }
    }
}

impl<B: Backend> Slot<B> {
    fn resume_record(&self, record: &mut ResumeRecord) -> Result<(), Error> {
        let Body::Session(session) = &self.body else { return Err(Error::State) };
        session.resume_secret(&mut record.rms)?;
        record.cid_s = self.cid_s;
        record.cid_c = self.cid_c;
        record.device_id = self.device_id;
        record.public_key = self.public_key;
        record.counts = self.resume;
        Ok(())
    }
}
