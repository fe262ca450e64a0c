//! Which devices there are: a picture of the directory that all workers share, and that is replaced as a whole.

use std::collections::HashMap;

/// The enrolled devices: id to identity key, a compressed SEC1 point.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Devices {
    keys: HashMap<Vec<u8>, [u8; 33]>,
}

impl Devices {
    /// Of pairs of id and key; of several with one id the last counts.
    pub fn new(pairs: impl IntoIterator<Item = (Vec<u8>, [u8; 33])>) -> Self {
        Self { keys: pairs.into_iter().collect() }
    }

    /// The key of a device.
    pub fn find(&self, device_id: &[u8]) -> Option<[u8; 33]> {
        self.keys.get(device_id).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The devices that `newer` does not have, or with another key: their sessions end.
    pub fn gone_in<'a>(&'a self, newer: &'a Self) -> impl Iterator<Item = &'a [u8]> {
        self.keys.iter().filter(|(id, key)| newer.keys.get(*id) != Some(key)).map(|(id, _)| &**id)
    }
}
