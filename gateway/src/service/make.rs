//! What each worker runs, put together from its parts.

use super::Mode;
use super::directory::Current;
use crate::backend::{Index, Proxy, Upstream};
use crate::config::{Config, Key};
use crate::device::{Front, FrontConfig};
use crate::directory::Devices;
use crate::groups::{self, Grouped};
use crate::store::Store;
use crate::worker::{Make, Place, Plain, Service};
use std::sync::{Arc, PoisonError};

/// How many bytes of answers are kept for repetitions, by all workers together.
const ANSWERS_BYTES: usize = 16 << 20;

/// What all workers share.
pub struct Parts {
    pub config: Config,
    pub mode: Mode,
    pub key: Key,
    pub current: Current,
    pub store: Arc<Store>,
    pub groups: Option<groups::Handle>,
    pub wakers: Vec<Arc<mio::Waker>>,
}

/// The list that holds now.
pub fn current(current: &Current) -> Arc<Devices> {
    current.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Makes what a worker runs.
pub fn maker(parts: Parts) -> Make {
    Arc::new(move |place| make(&parts, place))
}

fn make(parts: &Parts, place: &Place) -> Result<Box<dyn Service>, String> {
    match parts.mode {
        Mode::PlainIndex => Ok(Box::new(Plain::new(Index::new()))),
        Mode::Index => front(parts, place, Index::new()),
        Mode::Backend => front(parts, place, Proxy::new(&parts.config.backend)),
    }
}

fn front<U: Upstream + 'static>(
    parts: &Parts,
    place: &Place,
    upstream: U,
) -> Result<Box<dyn Service>, String> {
    let sessions = &parts.config.sessions;
    let config = FrontConfig {
        slots: parts.config.slots(),
        cid_prefix: place.cid_prefix.clone(),
        worker: (place.number, place.workers),
        retry_rate: sessions.retry_rate,
        resume_limit: sessions.resume_limit,
        has_store: true, // the one that is in memory gives a worker's devices back after a panic
        answers_bytes: ANSWERS_BYTES / usize::from(place.workers.max(1)),
    };
    let groups = parts.groups.clone().map(|handle| (handle, place.number.into()));
    let waker = parts.wakers.get(usize::from(place.number)).cloned();
    let wake = move || {
        let _ = waker.as_ref().map(|waker| waker.wake());
    };
    let jobs = parts.store.worker(Box::new(wake));
    let upstream = Grouped::new(upstream, groups);
    let devices = current(&parts.current);
    let front = Front::new(&config, &parts.key, devices, upstream, jobs, place.counts.clone());
    Ok(Box::new(front.map_err(|error| format!("worker {}: {error:?}", place.number))?))
}
