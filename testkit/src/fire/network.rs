//! Many devices through a relay that loses, repeats, reorders and changes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use lscoap::client::Profile;

use super::device::{Device, Failure};
use super::results::{NetworkCell, NetworkResult};
use super::site::Site;
use crate::relay::{Relay, RelayConfig};

/// How the cold exchanges get their sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a signed handshake.
    Signed,
    /// By an express handshake.
    Express,
    /// By resuming.
    Resume,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Signed, Self::Express, Self::Resume];

    /// As the tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Express => "express",
            Self::Resume => "resume",
        }
    }

    fn profile(self) -> Profile {
        if self == Self::Signed { Profile::Signed } else { Profile::Express }
    }
}

/// Devices that are at work at the same time.
const DEVICES: usize = 50;

/// What one device did.
#[derive(Default)]
struct Tally {
    cold: BTreeMap<Option<Failure>, u64>,
    warm: BTreeMap<Option<Failure>, u64>,
    sealed: u64,
}

/// One cell of the table: `cold` cold exchanges and `warm` warm ones, among the devices.
pub fn run(programs: &Path, cell: &NetworkCell) -> io::Result<NetworkResult> {
    let site = Site::start(programs, &["env"], DEVICES, &[])?;
    let config = RelayConfig::new(site.addr()).loss(cell.loss).duplicate(cell.other).reorder(cell.other);
    let relay = Relay::start(config.corrupt(cell.corrupt).seed(cell.seed))?;
    let value = AtomicU64::new(1);
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let workers: Vec<_> = site
            .devices
            .iter()
            .map(|keys| {
                let (value, server, relay) = (&value, site.addr(), relay.addr());
                scope.spawn(move || -> Result<Tally, Failure> {
                    let mut tally = Tally::default();
                    let mut device = Device::new(keys, cell.way.profile(), server)?;
                    if cell.way == Way::Resume {
                        // The session to begin with does not come over the bad network.
                        device.connect()?;
                        device.get()?;
                    }
                    device.move_to(relay)?;
                    for _ in 0..cell.cold / DEVICES {
                        let connected = match cell.way {
                            Way::Resume => device.resume(),
                            _ => device.connect(),
                        };
                        let next = || value.fetch_add(1, Ordering::Relaxed);
                        let done = connected.and_then(|()| device.post(next()));
                        *tally.cold.entry(done.clone().err()).or_default() += 1;
                        if done.is_err() {
                            continue;
                        }
                        for _ in 0..cell.warm / cell.cold {
                            let done = device.post(next());
                            *tally.warm.entry(done.err()).or_default() += 1;
                        }
                    }
                    tally.sealed = device.sealed;
                    Ok(tally)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect::<Result<_, _>>()
    })
    .map_err(|error: Failure| io::Error::other(error.to_string()))?;

    let stats = site.stats().map_err(|error| io::Error::other(error.to_string()))?;
    let mut result = NetworkResult { relay: relay.counters(), ..NetworkResult::default() };
    for tally in tallies {
        result.sealed += tally.sealed;
        tally.cold.into_iter().for_each(|(failure, count)| *result.cold.entry(failure).or_default() += count);
        tally.warm.into_iter().for_each(|(failure, count)| *result.warm.entry(failure).or_default() += count);
    }
    result.executed = stats.get("records").copied().unwrap_or(u64::MAX);
    result.replays = stats.get("replays").copied().unwrap_or_default();
    Ok(result)
}
