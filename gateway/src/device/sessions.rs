//! The lives of sessions: confirmed here or in another worker, ended, replaced at another node.

use super::Front;
use crate::backend::{SessionKey, Upstream};
use crate::directory::Devices;
use crate::log::{self, Kind};
use crate::store::{Done, Job, Jobs, Outcome};
use lscoap::limits::DEVICE_ID_MAX;
use lscoap::server::Phase;
use std::sync::Arc;

/// How many sessions are asked about at a time.
const SWEPT: usize = 64;
/// Each session is asked about once in so many turns.
const ROUND: usize = 120;

/// The newest confirmed session of a device.
#[derive(Clone, Copy)]
pub(super) struct Newest {
    key: SessionKey,
    made_ms: u64,
}

impl<U: Upstream, J: Jobs> Front<U, J> {
    /// The session of a slot.
    pub(super) fn key_of(&mut self, slot: usize) -> Option<SessionKey> {
        let fingerprint = self.slots.get_mut(slot)?.session_mut()?.fingerprint().ok()?;
        Some(SessionKey { slot: u32::try_from(slot).ok()?, fingerprint })
    }

    /// The device of a slot's session.
    pub(super) fn device_of(&mut self, slot: usize) -> heapless::Vec<u8, DEVICE_ID_MAX> {
        let session = self.slots.get_mut(slot).and_then(|slot| slot.session_mut());
        let device_id = session.and_then(|session| session.device_id().ok()).unwrap_or_default();
        heapless::Vec::from_slice(device_id).unwrap_or_default()
    }

    /// Notes that a session's first request has opened, and has its record stored.
    pub(super) fn note_confirmed(&mut self, from: std::net::SocketAddr, key: SessionKey, device_id: &[u8]) {
        let Some(note) = self.notes.get_mut(key.slot as usize) else { return };
        if note.told == key.fingerprint {
            return;
        }
        note.told = key.fingerprint;
        let newest = Newest { key, made_ms: note.made_ms };
        let kind = if note.is_resumed { Kind::Resumed } else { Kind::Handshake };
        self.by_device.insert(device_id.to_vec(), newest);
        self.confirmed.push((device_id.to_vec(), newest.made_ms));
        log::say(kind, Some(from), Some(device_id), "a session begins");
        for save in std::mem::take(&mut self.enrolled.saves) {
            let number = self.job();
            let job =
                Job::Save { device_id: save.device_id, cid: save.cid, record: save.record, count: None };
            if self.jobs.submit(number, job) {
                self.saving.insert(number, key);
            } else {
                self.counts.store_refusals.inc(); // the session itself is none the worse
            }
        }
    }

    /// The devices whose sessions were confirmed since the last call, and when those sessions were made, in ms.
    pub fn take_confirmed(&mut self) -> Vec<(Vec<u8>, u64)> {
        std::mem::take(&mut self.confirmed)
    }

    /// A session of a device, made at that time, was confirmed in another worker: an older one ends. A newer one is told of in its turn.
    pub fn confirmed_elsewhere(&mut self, now_ms: u64, device_id: &[u8], made_ms: u64) {
        let Some(newest) = self.by_device.get(device_id).copied() else { return };
        if newest.made_ms > made_ms {
            self.confirmed.push((device_id.to_vec(), newest.made_ms));
        } else {
            self.end_session(now_ms, newest.key);
        }
    }

    /// The directory is another one: sessions of devices that are gone, or have another key, end.
    pub fn set_devices(&mut self, now_ms: u64, devices: Arc<Devices>) {
        let before = std::mem::replace(&mut self.enrolled.devices, devices);
        let now = Arc::clone(&self.enrolled.devices);
        for device_id in before.gone_in(&now) {
            let _ = self.server.forget(&mut self.slots, &mut self.enrolled, device_id);
        }
        for device_id in std::mem::take(&mut self.enrolled.deletes) {
            let number = self.job();
            self.jobs.submit(number, Job::Delete { device_id });
        }
        self.ended(now_ms);
    }

    /// Ends a session that is still the one in its slot.
    pub(super) fn end_session(&mut self, now_ms: u64, key: SessionKey) {
        if self.key_of(key.slot as usize) == Some(key) {
            self.end_slot(now_ms, key.slot as usize);
        }
    }

    /// Ends what is in a slot.
    pub(super) fn end_slot(&mut self, now_ms: u64, slot: usize) {
        let Some(place) = self.slots.get_mut(slot) else { return };
        let kid = place.kid().to_vec();
        if let Some(session) = place.session_mut() {
            session.wipe();
        }
        // Whoever looks for a wiped session gives its slot back.
        let _ = self.server.session_of(&mut self.slots, &mut self.enrolled, now_ms, &kid);
        self.ended(now_ms);
    }

    /// Gives up everything of sessions that have ended.
    pub(super) fn ended(&mut self, now_ms: u64) {
        if self.enrolled.gone.is_empty() {
            return;
        }
        for gone in std::mem::take(&mut self.enrolled.gone) {
            let Ok(slot) = u32::try_from(gone.slot) else { continue };
            let key = SessionKey { slot, fingerprint: gone.fingerprint };
            self.answers.end(key);
            for ticket in self.of_session.remove(&key).unwrap_or_default() {
                self.remove(ticket);
            }
            self.upstream.session_ended(now_ms, key);
            if self.by_device.get(&gone.device_id).is_some_and(|newest| newest.key == key) {
                self.by_device.remove(&gone.device_id);
            }
            log::say(Kind::SessionEnded, None, Some(&gone.device_id), "a session has ended");
        }
    }

    /// The outcome of any job.
    pub(super) fn job_done(&mut self, now_ms: u64, done: Done) {
        let Done { number, mut outcome } = done;
        if self.resuming_done(now_ms, number, &mut outcome).is_some() {
            return;
        }
        if let Some(key) = self.saving.remove(&number) {
            if outcome == Outcome::Done
                && self.key_of(key.slot as usize) == Some(key)
                && let Some(note) = self.notes.get_mut(key.slot as usize)
            {
                note.is_stored = true;
            }
            return;
        }
        let Outcome::Gone(gone) = outcome else { return };
        for kid in gone {
            let found = self.server.session_of(&mut self.slots, &mut self.enrolled, now_ms, &kid);
            // One that was stored meanwhile is another session.
            if let Ok(slot) = found
                && self.notes.get(slot).is_some_and(|note| note.is_stored)
            {
                self.end_slot(now_ms, slot);
            }
        }
        self.ended(now_ms);
    }

    /// Asks the store about some sessions: one whose record has gone was replaced at another node.
    pub(super) fn sweep(&mut self) {
        let count = self.slots.len().div_ceil(ROUND).max(SWEPT).min(self.slots.len());
        if !self.enrolled.stores || count == 0 {
            return;
        }
        let mut cids = Vec::new();
        for _ in 0..count {
            self.swept = (self.swept + 1) % self.slots.len();
            let (Some(slot), Some(note)) = (self.slots.get(self.swept), self.notes.get(self.swept)) else {
                break;
            };
            if note.is_stored && slot.phase() == Phase::Confirmed {
                cids.push(slot.kid().to_vec());
            }
        }
        if !cids.is_empty() {
            let number = self.job();
            self.jobs.submit(number, Job::Still { cids });
        }
    }
}
