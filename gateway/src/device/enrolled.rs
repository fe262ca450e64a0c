//! What the library asks of its surroundings while it answers a message: who the devices are, what is stored, and which sessions have
//! ended. Stores answer later: what was loaded is laid ready, and what is to be saved is taken down.

use crate::directory::Devices;
use crate::store::Secret;
use lscoap::Error;
use lscoap::limits::RESUME_RECORD_MAX;
use lscoap::platform::Platform;
use lscoap::server::{Directory, Ended, resumptions_answered};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The system's random source.
pub struct Os;

impl Platform for Os {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(out).map_err(|_| Error::Random)
    }
}

/// A record to be saved.
pub struct Save {
    /// The device.
    pub device_id: Vec<u8>,
    /// The connection id.
    pub cid: Vec<u8>,
    /// The record.
    pub record: Secret,
    /// How many R1 it says were answered.
    pub answered: u32,
}

/// A session that has ended.
pub struct Gone {
    /// Its slot.
    pub slot: usize,
    /// Its fingerprint.
    pub fingerprint: [u8; 8],
    /// Its device.
    pub device_id: Vec<u8>,
}

/// What a store said of a connection id.
pub enum Loaded {
    /// Nothing was asked.
    Nothing,
    /// There is a record.
    Record(Vec<u8>, Secret),
    /// There is none.
    NoRecord(Vec<u8>),
}

/// The surroundings.
pub struct Enrolled {
    /// The devices.
    pub devices: Arc<Devices>,
    /// Whether there is a store.
    pub stores: bool,
    /// What was loaded for the message that is about to be answered.
    pub loaded: Loaded,
    /// What the message asked for and was not laid ready.
    pub wanted: Option<Vec<u8>>,
    /// What is to be saved.
    pub saves: Vec<Save>,
    /// What is to be deleted.
    pub deletes: Vec<Vec<u8>>,
    /// Sessions that have ended.
    pub gone: Vec<Gone>,
}

impl Enrolled {
    /// With these devices.
    pub fn new(devices: Arc<Devices>, stores: bool) -> Self {
        Self {
            devices,
            stores,
            loaded: Loaded::Nothing,
            wanted: None,
            saves: Vec::new(),
            deletes: Vec::new(),
            gone: Vec::new(),
        }
    }
}

impl Directory for Enrolled {
    fn find(&mut self, device_id: &[u8]) -> Option<[u8; 33]> {
        self.devices.find(device_id)
    }

    fn stores(&self) -> bool {
        self.stores
    }

    fn load_resume(
        &mut self,
        cid_s: &[u8],
        record: &mut heapless::Vec<u8, RESUME_RECORD_MAX>,
    ) -> Result<bool, Error> {
        match &self.loaded {
            Loaded::Record(cid, stored) if cid == cid_s => {
                record.extend_from_slice(stored).map_err(|_| Error::Storage)?;
                Ok(true)
            }
            Loaded::NoRecord(cid) if cid == cid_s => Ok(false),
            _ => {
                self.wanted = Some(cid_s.to_vec());
                Err(Error::Storage)
            }
        }
    }

    fn save_resume(&mut self, device_id: &[u8], cid_s: &[u8], record: Option<&[u8]>) -> Result<(), Error> {
        match record {
            Some(record) => self.saves.push(Save {
                device_id: device_id.to_vec(),
                cid: cid_s.to_vec(),
                answered: resumptions_answered(record).map_err(|_| Error::Storage)?,
                record: Zeroizing::new(record.to_vec()),
            }),
            None => self.deletes.push(device_id.to_vec()),
        }
        Ok(())
    }

    fn session_ended(&mut self, ended: &Ended<'_>) {
        self.gone.push(Gone {
            slot: ended.slot,
            fingerprint: ended.fingerprint,
            device_id: ended.device_id.to_vec(),
        });
    }
}
