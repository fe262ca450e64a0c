//! What each worker runs, put together from its parts.

use super::Mode;
use super::directory::Current;
use crate::backend::Index;
use crate::config::{Config, Key};
use crate::directory::Devices;
use crate::groups;
use crate::store::Store;
use crate::worker::{Make, Place, Plain, Service};
use lscoap::Error;
use lscoap::platform::Platform;
use std::sync::{Arc, PoisonError};

/// The operating system's randomness.
pub struct SystemRandom;

impl Platform for SystemRandom {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(out).map_err(|_| Error::Random)
    }
}

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
    if parts.mode == Mode::PlainIndex {
        return Ok(Box::new(Plain::new(Index::new())));
    }
    let _ = (&parts.config, &parts.key, &parts.current, &parts.store, &parts.groups, &parts.wakers, place);
    Err("not yet".to_owned())
}
