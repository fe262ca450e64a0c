//! What a server counts.

use super::slot::Phase;
use crate::error::{Alert, Error};

/// What has happened since the server began, and how its slots stand. Counts start again at 0 after 2^64 - 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)] // it is C's, too
pub struct Stats {
    /// New handshakes answered with an M2.
    pub begun_signed: u64,
    /// New handshakes answered with an X2.
    pub begun_express: u64,
    /// New resumptions answered with an R2.
    pub begun_resume: u64,
    /// Sessions whose first record opened.
    pub confirmed: u64,
    /// Those among them that came of a resumption.
    pub confirmed_resume: u64,
    /// Handshake messages refused, by the code of the alert (protocol section 3); the first counts none.
    pub refused: [u64; 6],
    /// RETRY messages sent.
    pub retries: u64,
    /// Repeated handshake messages, answered with what was stored.
    pub duplicates: u64,
    /// Half-open handshakes and unconfirmed sessions that waited for too long.
    pub expired: u64,
    /// Half-open handshakes and unconfirmed sessions that were evicted for newer ones.
    pub evicted: u64,
    /// Records opened.
    pub records: u64,
    /// Records refused because they had been seen, or are too old to tell.
    pub replays: u64,
    /// Records refused for another reason.
    pub bad_records: u64,
    /// Resume records that could not be stored.
    pub store_failures: u64,
    /// Slots that hold a half-open handshake.
    pub half_open: u64,
    /// Slots that hold an unconfirmed session.
    pub unconfirmed: u64,
    /// Slots that hold a confirmed session.
    pub confirmed_now: u64,
    /// All slots.
    pub slots: u64,
}

/// The counts as they are kept.
#[derive(Default)]
pub(super) struct Counters {
    /// All but how the slots stand.
    pub stats: Stats,
    /// Slots that are half-open, unconfirmed and confirmed.
    pub phases: [usize; 3],
}

impl Counters {
    fn phase(&mut self, phase: Phase) -> Option<&mut usize> {
        let [half_open, unconfirmed, confirmed] = &mut self.phases;
        match phase {
            Phase::Free => None,
            Phase::HalfOpen => Some(half_open),
            Phase::Unconfirmed => Some(unconfirmed),
            Phase::Confirmed => Some(confirmed),
        }
    }

    pub fn enter(&mut self, phase: Phase) {
        if let Some(count) = self.phase(phase) {
            *count = count.saturating_add(1);
        }
    }

    pub fn leave(&mut self, phase: Phase) {
        if let Some(count) = self.phase(phase) {
            *count = count.saturating_sub(1);
        }
    }

    pub fn count(&mut self, which: impl FnOnce(&mut Stats) -> &mut u64) {
        let count = which(&mut self.stats);
        *count = count.wrapping_add(1);
    }

    pub fn refused(&mut self, alert: Alert) {
        if let Some(count) = self.stats.refused.get_mut(usize::from(alert.code())) {
            *count = count.wrapping_add(1);
        }
    }

    /// A record that did not open. Errors of the caller's are none of it.
    pub fn record_refused(&mut self, error: Error) {
        match error {
            Error::Replay => self.count(|stats| &mut stats.replays),
            Error::Malformed | Error::UnknownSession | Error::Authentication => {
                self.count(|stats| &mut stats.bad_records);
            }
            _ => {}
        }
    }

    pub fn snapshot(&self, slots: usize) -> Stats {
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let [half_open, unconfirmed, confirmed_now] = self.phases.map(wide);
        Stats { half_open, unconfirmed, confirmed_now, slots: wide(slots), ..self.stats }
    }
}
