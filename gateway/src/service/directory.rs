//! The list of devices, which is read again when it has changed, and when the operator says so.

use crate::config::DevicesSource;
use crate::directory::Devices;
use crate::groups;
use crate::store::{Error, Job, Jobs, Store, Worker};
use crate::worker::{Mailboxes, Word};
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long records of devices that are gone may take to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a list looks like from outside: of the same look it is the same list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mark {
    /// Device, inode, size, and when it was changed, in s and ns.
    File(u64, u64, u64, i64, i64),
    Version(u64),
}

/// Why there is no list.
pub enum Fault {
    /// The store cannot be reached: it may be back.
    Down(String),
    /// The operator has to do something.
    Bad(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(why) | Self::Bad(why) => f.write_str(why),
        }
    }
}

/// Where the list is, and what was read of it last.
pub struct Reader {
    source: DevicesSource,
    store: Arc<Store>,
    mark: Option<Mark>,
}

impl Reader {
    /// Nothing read yet.
    pub fn new(source: DevicesSource, store: Arc<Store>) -> Self {
        Self { source, store, mark: None }
    }

    /// Reads the list; `None`: it looks as it did. `always` reads a file whatever it looks like. A file with a fault in it is read again when
    /// it has changed.
    pub fn read(&mut self, always: bool) -> Result<Option<Devices>, Fault> {
        match &self.source {
            DevicesSource::File(path) => {
                let about = fs::metadata(path).map_err(|error| {
                    self.mark = None;
                    Fault::Bad(format!("{}: {error}", path.display()))
                })?;
                let mark = Some(Mark::File(
                    about.dev(),
                    about.ino(),
                    about.size(),
                    about.ctime(),
                    about.ctime_nsec(),
                ));
                if !always && mark == self.mark {
                    return Ok(None);
                }
                self.mark = mark;
                Devices::read(path).map(Some).map_err(Fault::Bad)
            }
            DevicesSource::Store => {
                let known = match self.mark {
                    Some(Mark::Version(version)) => Some(version),
                    _ => None,
                };
                let read = self.store.devices(known).map_err(|error| match error {
                    Error::Down(why) => Fault::Down(why),
                    Error::Unusable(why) => Fault::Bad(why),
                })?;
                Ok(read.map(|(version, devices)| {
                    self.mark = Some(Mark::Version(version));
                    devices
                }))
            }
        }
    }
}

/// What of a list has changed.
#[derive(PartialEq, Eq, Debug)]
pub struct Change {
    /// How many there are now.
    pub count: usize,
    added: usize,
    removed: usize,
    /// Those with another key.
    changed: usize,
}

impl Change {
    /// From one list to the next.
    pub fn between(old: &Devices, new: &Devices) -> Self {
        let gone = old.gone_in(new).count();
        let changed = old.gone_in(new).filter(|id| new.find(id).is_some()).count();
        let added = new.iter().filter(|(id, _)| old.find(id).is_none()).count();
        Self { count: new.len(), added, removed: gone - changed, changed }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.count == 1 { "" } else { "s" };
        write!(
            f,
            "{} device{s}: {} added, {} removed, {} with another key",
            self.count, self.added, self.removed, self.changed
        )
    }
}

/// The list that holds at present: what a worker begins with.
pub type Current = Arc<Mutex<Arc<Devices>>>;

/// Those who are told of a new list.
pub struct Listeners {
    /// What a worker begins with.
    pub current: Current,
    /// The workers.
    pub mailboxes: Mailboxes,
    /// The groups.
    pub groups: Option<groups::Handle>,
    /// Where the records of devices go with them.
    pub store: Worker,
}

impl Listeners {
    /// Makes it the list that holds.
    fn tell(&mut self, devices: Devices) {
        let devices = Arc::new(devices);
        let old = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, devices.clone())
        };
        let change = Change::between(&old, &devices);
        tracing::info!(event = "devices", "{change}");
        if devices.is_empty() {
            tracing::warn!(event = "devices", "the list names no devices: nobody gets in");
        }
        self.mailboxes.tell_all(|| Word::Devices(devices.clone()));
        if let Some(groups) = &self.groups {
            groups.set_devices(devices.clone());
        }
        self.delete_records(&old, &devices);
    }

    /// What is left of devices that are gone. Nobody who is not in the list is let in by a record either: this is tidiness.
    fn delete_records(&mut self, old: &Devices, new: &Devices) {
        let end = Instant::now() + PATIENCE;
        for id in old.gone_in(new) {
            while !self.store.submit(0, Job::Delete { device_id: id.to_vec() }) {
                if Instant::now() > end {
                    return tracing::warn!(event = "devices", "the store is too busy to delete all records");
                }
                self.store.wait(Duration::from_millis(100));
            }
        }
        self.store.hand_over();
        while self.store.outcome().is_some() {}
    }
}

/// Reads the list whenever it is told to, and looks every `poll` whether it has changed, until nobody can tell it any more.
pub fn keep(mut reader: Reader, mut listeners: Listeners, poll: Option<Duration>, told: &Receiver<()>) {
    // Where nothing is asked for, a wait of any length will do.
    let poll_or_never = poll.unwrap_or(Duration::from_secs(86_400));
    let mut said = String::new();
    loop {
        let always = match told.recv_timeout(poll_or_never) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) if poll.is_some() => false,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        match reader.read(always) {
            Ok(Some(devices)) => listeners.tell(devices),
            Ok(None) if always => {
                let current = listeners.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tracing::info!(event = "devices", "{}", Change::between(&current, &current));
            }
            Ok(None) => {}
            Err(fault) => {
                let fault = fault.to_string();
                if always || fault != said {
                    tracing::error!(event = "devices", "{fault}; the old list stays");
                }
                said = fault;
                continue;
            }
        }
        said.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;

    fn devices(pairs: &[(&str, u8)]) -> Devices {
        Devices::new(pairs.iter().map(|(id, key)| (id.as_bytes().to_vec(), [*key; 33])))
    }

    #[test]
    fn changes_are_counted() {
        let old = devices(&[("a", 1), ("b", 2), ("c", 3)]);
        let new = devices(&[("a", 1), ("b", 9), ("d", 4), ("e", 5)]);
        let change = Change::between(&old, &new);
        assert_eq!(change.to_string(), "4 devices: 2 added, 1 removed, 1 with another key");
        assert_eq!(
            Change::between(&old, &devices(&[("b", 2)])).to_string(),
            "1 device: 0 added, 2 removed, 0 with another key"
        );
    }

    #[test]
    fn a_file_is_read_when_it_has_changed_or_always() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("devices.txt");
        let store = Arc::new(store::open("none", &store::Options::default()).unwrap());
        let mut reader = Reader::new(DevicesSource::File(path.clone()), store);
        assert!(reader.read(true).is_err());
        fs::write(&path, "# none\n").unwrap();
        assert!(matches!(reader.read(false), Ok(Some(devices)) if devices.is_empty()));
        assert!(matches!(reader.read(false), Ok(None)));
        assert!(matches!(reader.read(true), Ok(Some(_))));
        let fresh = dir.path().join("fresh");
        fs::write(&fresh, "# nine\n").unwrap();
        fs::rename(&fresh, &path).unwrap();
        assert!(matches!(reader.read(false), Ok(Some(_))), "of the same length");
        fs::write(&path, "LSC2:nonsense\n").unwrap();
        let fault = reader.read(false).err().unwrap().to_string();
        assert!(fault.contains("devices.txt:1:"), "{fault}");
        assert!(matches!(reader.read(false), Ok(None)), "until it changes");
        fs::remove_file(&path).unwrap();
        assert!(reader.read(false).is_err());
        fs::write(&path, "# back\n").unwrap();
        assert!(matches!(reader.read(false), Ok(Some(_))));
    }

    #[test]
    fn a_store_that_has_changed_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("state.db").display());
        let store = Arc::new(store::open(&url, &store::Options::default()).unwrap());
        let mut reader = Reader::new(DevicesSource::Store, store.clone());
        assert!(matches!(reader.read(false), Ok(Some(devices)) if devices.is_empty()));
        assert!(matches!(reader.read(false), Ok(None)));
        store.put_devices(&Devices::default()).unwrap();
        assert!(matches!(reader.read(false), Ok(Some(_))));
    }
}
