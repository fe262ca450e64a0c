//! What survives a restart and is shared by nodes: resume records, the directory of devices, group state. A store runs in a thread of
//! its own; workers hand it jobs through a bounded queue, and hear of the outcomes when they are woken. A job that finds the queue full
//! is refused at once.

use zeroize::Zeroizing;

/// A record with secrets in it, wiped when dropped.
pub type Secret = Zeroizing<Vec<u8>>;

/// What a worker wants of the store.
pub enum Job {
    /// The record of the session with this connection id.
    Load {
        /// The id.
        cid: Vec<u8>,
    },
    /// Stores a record as the device's only one.
    Save {
        /// The device.
        device_id: Vec<u8>,
        /// The connection id that it is found by.
        cid: Vec<u8>,
        /// The record.
        record: Secret,
        /// Where it counts R1 that were answered (protocol section 6): the record in the store has to be of the same id, with a
        /// count of one less; [`Outcome::Conflict`] otherwise, and nothing is changed. `None` replaces whatever is there.
        count: Option<u32>,
    },
    /// Deletes the device's record.
    Delete {
        /// The device.
        device_id: Vec<u8>,
    },
}

/// What became of a job.
pub enum Outcome {
    /// The record that was asked for, if there is one.
    Loaded(Option<Secret>),
    /// Stored, or deleted: it survives.
    Done,
    /// Somebody else has counted meanwhile.
    Conflict,
    /// The store cannot be reached, or failed.
    Down,
}

/// A job's outcome, for the worker that gave it.
pub struct Done {
    /// The number that the worker gave the job.
    pub number: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// A worker's end of the store.
pub trait Jobs {
    /// Hands a job over. `false`: the queue is full or the store has gone; there will be no outcome.
    fn submit(&mut self, number: u64, job: Job) -> bool;
}
