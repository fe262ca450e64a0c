//! Places: an owner's room for members that have a kid, in memory of the caller's.

use crate::crypto::{KEY_LEN, Point};
use crate::error::Error;
use crate::wire::DeviceId;
use zeroize::Zeroize;

/// A device is given at most one JOIN in so much time, in ms.
const JOIN_MS: u64 = 10_000;

/// Room for one member; its kid is where it stands among the others, from 1. Zeroed memory is a free one. Wiped when it is dropped.
pub struct Place {
    device_id: DeviceId,
    /// The epoch that the keys are of; 0: there are none.
    pub(super) epoch: u32,
    /// The keys of its answers, one for each mode.
    pub(super) answer_keys: [[u8; KEY_LEN]; 2],
    /// Its public key.
    pub(super) member: Point,
    /// When it was given a JOIN.
    joined_ms: u64,
    has_joined: bool,
    /// Nobody's any more, and storage does not know yet.
    pub(super) is_left: bool,
}

wiped!(Place { device_id, epoch, answer_keys, member; but joined_ms, has_joined, is_left } on drop);

impl Default for Place {
    fn default() -> Self {
        Self {
            device_id: DeviceId::EMPTY,
            epoch: 0,
            answer_keys: [[0; KEY_LEN]; 2],
            member: Point::EMPTY,
            joined_ms: 0,
            has_joined: false,
            is_left: false,
        }
    }
}

impl Place {
    /// Whose it is.
    pub fn device_id(&self) -> Option<&[u8]> {
        Some(self.device_id.as_slice()).filter(|id| !id.is_empty())
    }

    /// Gives it to a device.
    pub(super) fn give(&mut self, device_id: &DeviceId) {
        self.zeroize();
        self.device_id = *device_id;
        (self.has_joined, self.is_left) = (false, false);
    }

    /// It is free.
    pub(super) fn leave(&mut self) {
        self.zeroize();
        (self.has_joined, self.is_left) = (false, true);
    }

    /// [`Error::Budget`]: the device was given a JOIN just now.
    pub(super) fn check_pause(&self, now_ms: u64) -> Result<(), Error> {
        let is_soon = self.has_joined && now_ms < self.joined_ms.saturating_add(JOIN_MS);
        if is_soon { Err(Error::Budget) } else { Ok(()) }
    }

    /// It is given one.
    pub(super) fn join(&mut self, now_ms: u64) {
        (self.joined_ms, self.has_joined) = (now_ms, true);
    }
}

/// Where a device's place is.
pub(super) fn find(places: &[Place], device_id: &[u8]) -> Option<usize> {
    places.iter().position(|place| place.device_id() == Some(device_id))
}

/// Where a free place is.
pub(super) fn find_free(places: &[Place]) -> Option<usize> {
    places.iter().position(|place| place.device_id().is_none())
}

/// The kid of a place.
pub(super) fn kid_of(at: usize) -> u8 {
    u8::try_from(at.saturating_add(1)).unwrap_or(u8::MAX)
}

/// The place of a kid.
pub(super) fn of_kid(places: &[Place], kid: u8) -> Option<&Place> {
    places.get(usize::from(kid).checked_sub(1)?)
}
