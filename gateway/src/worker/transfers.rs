//! Which worker has the session of a transfer in blocks: only the first block has the connection id, and none is steered by it.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// Transfers that may hash alike.
const WAYS: usize = 8;
const BUCKETS: usize = 8192;

#[derive(Clone, Copy, Default)]
struct Entry {
    /// A hash that nobody outside can compute.
    name: u64,
    /// When it was used, in calls; 0: never.
    used: u64,
    worker: u8,
}

/// What names a transfer.
#[derive(Clone, Copy, Hash)]
pub enum Name<'a> {
    /// Its Request-Tag, wherever it comes from.
    Tag(&'a [u8]),
    /// Where it has none: address and port.
    Address(SocketAddr),
}

/// The transfers of all workers, the latest of them.
pub struct Transfers {
    hasher: RandomState,
    table: Mutex<(u64, Box<[[Entry; WAYS]]>)>,
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            table: Mutex::new((0, vec![[Entry::default(); WAYS]; BUCKETS].into())),
        }
    }
}

impl Transfers {
    /// The worker of a transfer, if it is known.
    pub fn find(&self, name: Name<'_>) -> Option<u8> {
        let name = self.hasher.hash_one(name);
        self.bucket(name, |bucket, now| {
            let entry = bucket.iter_mut().find(|entry| entry.used != 0 && entry.name == name)?;
            entry.used = now;
            Some(entry.worker)
        })
    }

    /// It is this one from now on. What has not been used for longest makes room.
    pub fn note(&self, name: Name<'_>, worker: u8) {
        let name = self.hasher.hash_one(name);
        self.bucket(name, |bucket, now| {
            let place =
                bucket.iter_mut().min_by_key(|entry| if entry.name == name { 0 } else { entry.used })?;
            *place = Entry { name, used: now, worker };
            Some(())
        });
    }

    fn bucket<T>(&self, name: u64, with: impl FnOnce(&mut [Entry; WAYS], u64) -> Option<T>) -> Option<T> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, buckets) = &mut *table;
        *now += 1;
        let index = usize::try_from(name % BUCKETS as u64).ok()?;
        with(buckets.get_mut(index)?, *now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known() {
        let transfers = Transfers::default();
        let address = "127.0.0.1:5683".parse().unwrap();
        assert_eq!(transfers.find(Name::Address(address)), None);
        transfers.note(Name::Address(address), 3);
        transfers.note(Name::Tag(&[1; 8]), 4);
        transfers.note(Name::Tag(&[1; 8]), 5);
        for n in 0..100_000_u64 {
            transfers.note(Name::Tag(&n.to_be_bytes()), 9);
            assert_eq!(transfers.find(Name::Tag(&[1; 8])), Some(5)); // what is used stays
        }
        let known =
            (0..100_000_u64).filter(|n| transfers.find(Name::Tag(&n.to_be_bytes())) == Some(9)).count();
        assert!((40_000..=WAYS * BUCKETS).contains(&known), "{known}");
    }
}
