//! No store: what is kept is forgotten when the process ends. What the others have to be like, in few words.

use super::{Connect, Database, Error, Job, Outcome, Secret, now_ms};
use crate::directory::Devices;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Default)]
struct Tables {
    resume: HashMap<Vec<u8>, Resume>,      // by device
    devices_of: HashMap<Vec<u8>, Vec<u8>>, // by connection id
    groups: BTreeMap<u16, Group>,
    last_group: u16,
    devices: (u64, Devices),
}

struct Resume {
    cid: Vec<u8>,
    count: u32,
    record: Secret,
}

#[derive(Default)]
struct Group {
    token: u64,
    holder: String,
    until_ms: u64,
    state: Option<Secret>,
}

struct Memory(Arc<Mutex<Tables>>);

pub(super) fn connector() -> Connect {
    let tables = Arc::<Mutex<Tables>>::default();
    Arc::new(move || Ok(Box::new(Memory(tables.clone()))))
}

impl Database for Memory {
    fn run(&mut self, jobs: &[&Job]) -> Result<Vec<Outcome>, Error> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(jobs.iter().map(|job| tables.run(job)).collect())
    }

    fn ping(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn devices(&mut self, known: Option<u64>) -> Result<Option<(u64, Devices)>, Error> {
        let (version, devices) = &self.0.lock().unwrap_or_else(PoisonError::into_inner).devices;
        Ok((known != Some(*version)).then(|| (*version, devices.clone())))
    }

    fn put_devices(&mut self, devices: &Devices) -> Result<(), Error> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.devices = (tables.devices.0.wrapping_add(1), devices.clone());
        Ok(())
    }
}

impl Tables {
    fn run(&mut self, job: &Job) -> Outcome {
        match job {
            Job::Load { cid } => Outcome::Loaded(self.find(cid).map(|found| found.record.clone())),
            Job::Save { device_id, cid, record, count } => self.save(device_id, cid, record, *count),
            Job::Delete { device_id } => {
                self.delete(device_id);
                Outcome::Done
            }
            Job::Still { cids } => {
                Outcome::Gone(cids.iter().filter(|cid| self.find(cid).is_none()).cloned().collect())
            }
            Job::GroupNew => match self.last_group.checked_add(1) {
                Some(number) => {
                    self.last_group = number;
                    Outcome::Group(number)
                }
                None => Outcome::Conflict,
            },
            Job::GroupList => {
                let stored = self.groups.iter().filter(|(_, group)| group.state.is_some());
                Outcome::Groups(stored.map(|(number, _)| *number).collect())
            }
            Job::GroupLease { number, holder, ms } => self.lease(*number, holder, *ms),
            Job::GroupLoad { number } => {
                Outcome::Loaded(self.groups.get(number).and_then(|group| group.state.clone()))
            }
            Job::GroupSave { number, token, state } => match self.groups.get_mut(number) {
                Some(group) if group.token == *token => {
                    group.state = Some(state.clone());
                    Outcome::Done
                }
                _ => Outcome::Conflict,
            },
        }
    }

    fn find(&self, cid: &[u8]) -> Option<&Resume> {
        self.resume.get(self.devices_of.get(cid)?)
    }

    fn delete(&mut self, device_id: &[u8]) {
        if let Some(old) = self.resume.remove(device_id) {
            self.devices_of.remove(&old.cid);
        }
    }

    fn save(&mut self, device_id: &[u8], cid: &[u8], record: &Secret, count: Option<u32>) -> Outcome {
        if let Some(count) = count {
            let stored = self.resume.get(device_id).filter(|stored| stored.cid == cid);
            if stored.is_none_or(|stored| stored.count.checked_add(1) != Some(count)) {
                return Outcome::Conflict;
            }
        }
        if let Some(other) = self.devices_of.get(cid).cloned() {
            self.delete(&other);
        }
        self.delete(device_id);
        self.devices_of.insert(cid.to_vec(), device_id.to_vec());
        let new = Resume { cid: cid.to_vec(), count: count.unwrap_or(0), record: record.clone() };
        self.resume.insert(device_id.to_vec(), new);
        Outcome::Done
    }

    fn lease(&mut self, number: u16, holder: &str, ms: u32) -> Outcome {
        let (group, now) = (self.groups.entry(number).or_default(), now_ms());
        if group.holder != holder || group.token == 0 {
            if group.until_ms > now {
                return Outcome::Conflict;
            }
            group.token = group.token.saturating_add(1);
            group.holder = holder.to_owned();
        }
        group.until_ms = now.saturating_add(ms.into());
        Outcome::Leased { token: group.token }
    }
}
