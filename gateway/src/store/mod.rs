//! What survives a restart and is shared by nodes: resume records, the directory of devices, group state. A store runs in a thread of
//! its own; workers hand it jobs through a bounded queue, and hear of the outcomes when they are woken. A job that finds the queue full
//! is refused at once.
//!
//! Jobs that wait together are carried out as one batch, in their order. An outcome is true: where it is not known whether a job was
//! carried out, it is [`Outcome::Down`]. A store that cannot be reached answers so at once, and is tried again in the background.

mod memory;
#[cfg(feature = "postgresql")]
mod postgresql;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
mod thread;

use crate::directory::Devices;
use crate::log::{self, Kind};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;
use zeroize::Zeroizing;

/// A record with secrets in it, wiped when dropped.
pub type Secret = Zeroizing<Vec<u8>>;

/// The version of what is stored. A store of another one is refused.
#[cfg_attr(not(any(feature = "sqlite", feature = "redis", feature = "postgresql")), allow(dead_code))]
const VERSION: u32 = 2; // 1 is the file of secure_server, which counts nowhere but in the record

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
        /// count of one less; [`Outcome::Conflict`] otherwise, and nothing is changed. `None` replaces whatever is there, and its count
        /// is 0.
        count: Option<u32>,
    },
    /// Deletes the device's record.
    Delete {
        /// The device.
        device_id: Vec<u8>,
    },
    /// Which of these connection ids have no record: [`Outcome::Gone`]. A confirmed session whose record was saved and is gone has been
    /// replaced by one at another node.
    Still {
        /// The ids.
        cids: Vec<Vec<u8>>,
    },
    /// A number for a new group, which nobody has been given before: [`Outcome::Group`], or [`Outcome::Conflict`] when there are no more.
    GroupNew,
    /// The groups that have a state: [`Outcome::Groups`].
    GroupList,
    /// Holds a group, or goes on holding it: [`Outcome::Leased`], or [`Outcome::Conflict`] while another holder does. Time is the
    /// store's.
    GroupLease {
        /// The group.
        number: u16,
        /// Who asks: a name that no other process has, nor this one after a restart.
        holder: String,
        /// For how long from now; 0 gives it back.
        ms: u32,
    },
    /// The state of a group: [`Outcome::Loaded`].
    GroupLoad {
        /// The group.
        number: u16,
    },
    /// Stores the state of a group: [`Outcome::Conflict`] where somebody else has held it since the lease with this token.
    GroupSave {
        /// The group.
        number: u16,
        /// Of the lease.
        token: u64,
        /// The state.
        state: Secret,
    },
}

/// What became of a job.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The record that was asked for, if there is one.
    Loaded(Option<Secret>),
    /// Stored, or deleted: it survives.
    Done,
    /// Somebody else has counted meanwhile, or holds the group.
    Conflict,
    /// These have no record.
    Gone(Vec<Vec<u8>>),
    /// The number of a new group.
    Group(u16),
    /// The numbers of all groups, rising.
    Groups(Vec<u16>),
    /// The group is held.
    Leased {
        /// Higher than that of whoever held it before; the same as long as nobody else did.
        token: u64,
    },
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
    /// Takes a job. `false`: the queue is full or the store has gone; there will be no outcome.
    fn submit(&mut self, number: u64, job: Job) -> bool;
}

/// Why a store is of no use.
#[derive(Debug)]
pub enum Error {
    /// It cannot be reached, or failed: it may be back.
    Down(String),
    /// It is not one that this program can use: the operator has to do something.
    Unusable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(why) | Self::Unusable(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

/// A connection to a database.
trait Database {
    /// Carries out a batch, one outcome for each job. An error: the connection is of no use any more, and of no job is known whether
    /// it was carried out.
    fn run(&mut self, jobs: &[&Job]) -> Result<Vec<Outcome>, Error>;
    /// Whether it is still there.
    fn ping(&mut self) -> Result<(), Error>;
    /// The directory and its version; `None` where that is `known`.
    fn devices(&mut self, known: Option<u64>) -> Result<Option<(u64, Devices)>, Error>;
    /// Makes these the directory.
    fn put_devices(&mut self, devices: &Devices) -> Result<(), Error>;
}

/// Makes connections.
type Connect = Arc<dyn Fn() -> Result<Box<dyn Database>, Error> + Send + Sync>;

/// How a store is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// What keys begin with in Redis.
    pub prefix: String,
    /// How many jobs may wait.
    pub queue: usize,
    /// How long a batch, or a connection to be made, may take.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { prefix: "lscoap:".into(), queue: 4096, timeout: Duration::from_secs(2) }
    }
}

/// What is counted of a store. Clones count together.
#[derive(Clone, Default)]
pub struct Counts {
    /// Jobs that were taken.
    pub jobs: Counter,
    /// Batches that they were carried out in.
    pub batches: Counter,
    /// Jobs that found the queue full.
    pub refused: Counter,
    /// Jobs whose outcome was [`Outcome::Down`].
    pub failures: Counter,
    /// Jobs whose outcome was [`Outcome::Conflict`].
    pub conflicts: Counter,
    /// Jobs that wait or are being carried out.
    pub queue: Gauge,
    /// 1 while the store is there.
    pub up: Gauge,
}

impl Counts {
    /// Makes them part of what /metrics shows.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("store");
        registry.register("jobs", "Jobs handed to the store", self.jobs.clone());
        registry.register("batches", "Batches that they were carried out in", self.batches.clone());
        registry.register("refused", "Jobs that found the queue full", self.refused.clone());
        registry.register("failures", "Jobs that the store failed at, or was down", self.failures.clone());
        registry.register("conflicts", "Jobs that another node was ahead of", self.conflicts.clone());
        registry.register("queue", "Jobs that wait or are being carried out", self.queue.clone());
        registry.register("up", "Whether the store is there", self.up.clone());
    }
}

/// Wakes a worker for whom there are outcomes.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// Where the outcomes of a worker's jobs go.
struct Back {
    done: Sender<Done>,
    wake: Wake,
}

/// A job on its way.
struct Request {
    number: u64,
    job: Job,
    back: Arc<Back>,
}

/// How many jobs wait or are being carried out, and how many may.
struct Queue {
    len: AtomicUsize,
    max: usize,
}

/// A store: a thread that ends when the store and all ends of its workers have been dropped.
pub struct Store {
    jobs: Sender<Vec<Request>>,
    queue: Arc<Queue>,
    connect: Connect,
    counts: Counts,
    thread: Option<JoinHandle<()>>,
}

/// A worker's end of a store. Jobs are handed over together, so that the store is woken once for them.
pub struct Worker {
    jobs: Sender<Vec<Request>>,
    queue: Arc<Queue>,
    given: Vec<Request>,
    counts: Counts,
    back: Arc<Back>,
    done: Receiver<Done>,
}

/// Opens `sqlite:PATH`, `redis://...`, `redis+unix:///SOCKET`, `postgresql://...`, or `none`, which forgets when the process ends. A
/// database without what is ours gets it. One that is down is not an error: it may be back; [`Error::Unusable`] for a URL that is none
/// of these, a database that refuses us, and one of another version.
pub fn open(url: &str, options: &Options) -> Result<Store, Error> {
    let connect = connector(url, options)?;
    let first = match connect() {
        Err(error @ Error::Unusable(_)) => return Err(error),
        other => other.map(|_| ()),
    };
    if let Err(error) = first {
        log::say(Kind::StoreDown, None, None, format_args!("the store is down: {error}"));
    }
    let (jobs, requests) = mpsc::channel();
    let queue = Arc::new(Queue { len: AtomicUsize::new(0), max: options.queue.max(1) });
    let counts = Counts::default();
    let (theirs, connects, waiting) = (counts.clone(), connect.clone(), queue.clone());
    let thread = std::thread::Builder::new()
        .name("store".into())
        .spawn(move || thread::run(&requests, &waiting, &connects, &theirs))
        .map_err(|error| Error::Down(error.to_string()))?;
    Ok(Store { jobs, queue, connect, counts, thread: Some(thread) })
}

fn connector(url: &str, options: &Options) -> Result<Connect, Error> {
    let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
    let _ = options;
    match scheme {
        "none" => Ok(memory::connector()),
        #[cfg(feature = "sqlite")]
        "sqlite" => sqlite::connector(url, options),
        #[cfg(feature = "redis")]
        "redis" | "redis+unix" => redis::connector(url, options),
        #[cfg(feature = "postgresql")]
        "postgresql" | "postgres" => postgresql::connector(url, options),
        _ => Err(Error::Unusable(format!(
            "no store {scheme:?}: there are sqlite:PATH, redis://..., redis+unix:///SOCKET, postgresql://... and none"
        ))),
    }
}

impl Store {
    /// An end for a worker, which `wake` wakes.
    pub fn worker(&self, wake: Wake) -> Worker {
        let (done, outcomes) = mpsc::channel();
        let back = Arc::new(Back { done, wake });
        let (jobs, queue, counts) = (self.jobs.clone(), self.queue.clone(), self.counts.clone());
        Worker { jobs, queue, given: Vec::new(), counts, back, done: outcomes }
    }

    /// What is counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The directory in the store, and its version; `None` where that is `known`, as the directory has not changed. Over a connection
    /// of its own: it may take a while, and workers do not wait for it. [`Error::Unusable`] where what is there is not a directory.
    pub fn devices(&self, known: Option<u64>) -> Result<Option<(u64, Devices)>, Error> {
        (self.connect)()?.devices(known)
    }

    /// Makes `devices` the directory in the store, as a whole.
    pub fn put_devices(&self, devices: &Devices) -> Result<(), Error> {
        (self.connect)()?.put_devices(devices)
    }

    /// Waits until all that was handed over has been carried out. All workers' ends have to be dropped before.
    pub fn close(mut self) {
        let thread = self.thread.take();
        drop(self);
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Worker {
    /// The next outcome, if there is one.
    pub fn outcome(&mut self) -> Option<Done> {
        self.done.try_recv().ok()
    }

    /// Hands over what was submitted since the last call.
    pub fn hand_over(&mut self) {
        if !self.given.is_empty() {
            let _ = self.jobs.send(std::mem::take(&mut self.given)); // its thread lives as long as this
        }
    }

    /// Hands over what was submitted, and waits for the next outcome: `None` when `limit` passes without one.
    pub fn wait(&mut self, limit: Duration) -> Option<Done> {
        self.hand_over();
        self.done.recv_timeout(limit).ok()
    }
}

impl Jobs for Worker {
    fn submit(&mut self, number: u64, job: Job) -> bool {
        if self.queue.len.fetch_add(1, Ordering::Relaxed) >= self.queue.max {
            self.queue.len.fetch_sub(1, Ordering::Relaxed);
            self.counts.refused.inc();
            return false;
        }
        self.counts.jobs.inc();
        self.counts.queue.inc();
        self.given.push(Request { number, job, back: self.back.clone() });
        true
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// The milliseconds since 1970 by this machine's clock, for the stores that have none.
fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What a list of devices in a store has: each has to be an id and a key that enrolment would take.
#[cfg_attr(not(any(feature = "sqlite", feature = "redis", feature = "postgresql")), allow(dead_code))]
fn device(id: &[u8], key: &[u8]) -> Result<(Vec<u8>, [u8; 33]), Error> {
    let good = <[u8; 33]>::try_from(key).ok().filter(|key| lscoap::enrolment::format_device(id, key).is_ok());
    match good {
        Some(key) => Ok((id.to_vec(), key)),
        None => Err(Error::Unusable(format!(
            "the directory in the store: device {} has no id of 1 to 32 bytes, or no key that is a point",
            hex::encode(id)
        ))),
    }
}
