//! When a member asks (group section 7), and what its question was.

/// The least time between two ASKs, in ms, if nothing else is set.
const INTERVAL_MS: u32 = 60_000;
/// For so long after an ASK that showed that a hint was false, hints are not believed.
const DISBELIEF_MS: u64 = 600_000;
/// So often a member asks that checks ages.
const DAY_MS: u64 = 86_400_000;

/// A member's questions. Zeroes are those of one that has none.
#[derive(Default)]
pub(super) struct Asking {
    /// When the last ASK was written.
    asked_ms: u64,
    /// From when on hints are believed.
    believed_ms: u64,
    /// The highest epoch of a NOTICE.
    noticed: u32,
    /// The group that was asked for.
    asked: u16,
    has_asked: bool,
    /// Its answer is awaited.
    is_out: bool,
    /// There is a reason to ask that no hint gave.
    is_wanted: bool,
    /// A hint gave one.
    is_hinted: bool,
    /// The ASK that is out will tell whether a hint was true.
    is_tested: bool,
    /// A SYNC came of an older epoch than that of a NOTICE.
    is_doubted: bool,
}

impl Asking {
    /// A member that has just started.
    pub fn begin(&mut self) {
        *self = Self { is_wanted: true, ..Self::default() };
    }

    /// Something that an ASK may mend. One that is out may mend it too.
    pub fn want(&mut self) {
        self.is_wanted |= !self.is_out;
    }

    /// An object of a newer epoch came, which anybody can have made. False: hints are not believed.
    pub fn hint(&mut self, now_ms: u64) -> bool {
        let is_believed = now_ms >= self.believed_ms;
        self.is_hinted |= is_believed;
        is_believed
    }

    /// The owner says that there is this epoch.
    pub fn notice(&mut self, epoch: u32) {
        (self.noticed, self.is_doubted) = (self.noticed.max(epoch), false);
    }

    /// When the next ASK is to go out; `u64::MAX`: there is no reason for one. `held` is the epoch that the member holds, `synced_ms` when it
    /// asked for its floor if it checks ages, `interval_ms` the least time between two ASKs (0: a minute).
    pub fn due(&self, held: u32, synced_ms: Option<u64>, interval_ms: u32) -> u64 {
        let has_reason = self.is_out || self.is_wanted || self.is_hinted || self.noticed > held;
        let reason_ms = match synced_ms {
            _ if has_reason => 0,
            Some(synced_ms) => synced_ms.saturating_add(DAY_MS),
            None => u64::MAX,
        };
        reason_ms.max(self.earliest(interval_ms))
    }

    fn earliest(&self, interval_ms: u32) -> u64 {
        let interval_ms = if interval_ms == 0 { INTERVAL_MS } else { interval_ms };
        if self.has_asked { self.asked_ms.saturating_add(interval_ms.into()) } else { 0 }
    }

    /// Whether an ASK may go out.
    pub fn may(&self, now_ms: u64, interval_ms: u32) -> bool {
        (self.earliest(interval_ms)..u64::MAX).contains(&now_ms)
    }

    /// An ASK goes out; an earlier one has no answer any more.
    pub fn ask(&mut self, group: u16, now_ms: u64) {
        self.is_tested = self.is_hinted || (self.is_out && self.is_tested);
        (self.asked, self.asked_ms, self.has_asked, self.is_out) = (group, now_ms, true, true);
        (self.is_wanted, self.is_hinted) = (false, false);
    }

    /// Which group was asked for, where an answer is awaited, and when.
    pub fn outstanding(&self) -> Option<(u16, u64)> {
        self.is_out.then_some((self.asked, self.asked_ms))
    }

    /// A JOIN came, for the same group or another one.
    pub fn joined(&mut self, is_same: bool) {
        (self.is_out, self.is_tested, self.is_hinted, self.is_doubted) = (false, false, false, false);
        self.believed_ms = 0;
        if !is_same {
            self.noticed = 0;
        }
    }

    /// A SYNC of this epoch came. The owner tells of a new one before it begins it: the next ASK finds it, unless the owner lost its power
    /// in between, and there is none.
    pub fn synced(&mut self, held: u32) {
        if self.noticed > held {
            if self.is_doubted {
                self.noticed = 0;
            }
            self.is_doubted = !self.is_doubted;
        }
        if self.is_tested {
            self.believed_ms = self.asked_ms.saturating_add(DISBELIEF_MS);
            self.is_hinted = false;
        }
        (self.is_out, self.is_tested) = (false, false);
    }

    /// A LEAVE came: there is nothing to ask, and still not too often.
    pub fn left(&mut self) {
        let Self { asked_ms, has_asked, .. } = *self;
        *self = Self { asked_ms, has_asked, ..Self::default() };
    }
}
