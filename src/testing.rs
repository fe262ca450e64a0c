//! What surrounds the library in tests, benchmarks and fuzzing: platforms, and devices with their storage. Unit tests have
//! it as `crate::testing`, testkit as `lscoap_testkit::testing`, the rest includes this file.

#![allow(dead_code)] // nobody uses all of it

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::vec::Vec;

use lscoap::Error;
use lscoap::crypto::{Curve, Point, Software};
use lscoap::limits::{FINGERPRINT_LEN, PUBLIC_KEY_LEN, RESUME_RECORD_MAX, SIGNATURE_LEN};
use lscoap::platform::Platform;

/// A number that nobody knows beforehand.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The system's randomness.
pub struct Os;

impl Platform for Os {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.iter_mut().for_each(|byte| *byte = random() as u8);
        Ok(())
    }
}

/// SplitMix64: numbers that are good enough to test and to measure with, and for nothing else.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// What the next number depends on.
    pub state: u64,
    /// How often the platform has started; 0 where it does not know.
    pub boots: u64,
}

impl Numbers {
    /// The same numbers for the same seed.
    pub fn from_seed(seed: u64) -> Self {
        Self { state: seed, boots: 0 }
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// One of 0 to `limit` - 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }

    /// From 0 up to 1, which it never is.
    pub fn fraction(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Platform for Numbers {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }

    fn unique(&mut self) -> u64 {
        self.boots
    }
}

/// A random source that says the same byte for ever.
pub struct Stuck {
    /// That byte.
    pub byte: u8,
    /// How often the platform has started; 0 where it does not know.
    pub boots: u64,
}

impl Platform for Stuck {
    fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(self.byte);
        Ok(())
    }

    fn unique(&mut self) -> u64 {
        self.boots
    }
}

/// A random source that does not work.
pub struct NoRandom;

impl Platform for NoRandom {
    fn random(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::Random)
    }
}

/// A secure element, which counts what it is asked for. Its random source does not work.
pub struct Element {
    secret: [u8; 32],
    /// Every use fails.
    pub is_broken: bool,
    /// How many it was asked for.
    pub signatures: usize,
    /// How many it was asked for.
    pub agreements: usize,
}

impl Element {
    /// One that holds this secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret, is_broken: false, signatures: 0, agreements: 0 }
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_broken { Err(Error::Hardware) } else { Ok(()) }
    }
}

impl Platform for Element {
    fn random(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::Random)
    }

    fn sign(&mut self, digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        self.signatures += 1;
        signature.fill(0xee);
        self.check()?;
        Software::sign(&self.secret, digest, signature)
    }

    fn diffie_hellman(&mut self, peer: &Point, shared: &mut [u8; 32]) -> Result<(), Error> {
        self.agreements += 1;
        shared.fill(0xee);
        self.check()?;
        let mut base = Default::default();
        Software::prepare(peer, &mut base)?;
        Software::diffie_hellman(&self.secret, &base, shared)
    }
}

/// The public key of a secret, on this curve.
pub fn public_key<C: Curve>(secret: &[u8; 32]) -> [u8; PUBLIC_KEY_LEN] {
    let mut point = Point::EMPTY;
    C::public_key(secret, &mut point).expect("a secret");
    point.compressed()
}

/// What a directory hears of a session that has ended.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub struct EndedSession {
    pub device_id: Vec<u8>,
    pub kid: Vec<u8>,
    pub slot: usize,
    pub fingerprint: [u8; FINGERPRINT_LEN],
}

/// The enrolled devices, and what is kept of their sessions.
#[derive(Clone, Default)]
pub struct Devices {
    /// By their ids.
    pub keys: BTreeMap<Vec<u8>, [u8; PUBLIC_KEY_LEN]>,
    /// The key of every device that is not among those.
    pub everybody: Option<[u8; PUBLIC_KEY_LEN]>,
    /// Where there is storage: what is in it.
    pub records: Option<ResumeRecords>,
    /// Storage does not write.
    pub is_broken: bool,
    /// Every session that has ended, in order.
    pub ended: Vec<EndedSession>,
}

impl Devices {
    /// One device.
    pub fn one(id: &[u8], key: [u8; PUBLIC_KEY_LEN]) -> Self {
        Self { keys: BTreeMap::from([(id.to_vec(), key)]), ..Self::default() }
    }

    /// Every id, with one key.
    pub fn everybody(key: [u8; PUBLIC_KEY_LEN]) -> Self {
        Self { everybody: Some(key), ..Self::default() }
    }

    /// With storage, which is empty.
    pub fn stored(self) -> Self {
        Self { records: Some(ResumeRecords::default()), ..self }
    }

    /// What is in storage.
    pub fn records(&mut self) -> &mut ResumeRecords {
        self.records.as_mut().expect("storage")
    }
}

/// The records in storage, one of each device.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ResumeRecords {
    /// By their connection ids: the device, and the record.
    by_cid: BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
    /// By their devices: the connection id.
    by_device: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl ResumeRecords {
    /// In place of the device's older one.
    pub fn insert(&mut self, device_id: &[u8], cid_s: &[u8], record: &[u8]) {
        self.remove(device_id);
        self.by_cid.insert(cid_s.to_vec(), (device_id.to_vec(), record.to_vec()));
        self.by_device.insert(device_id.to_vec(), cid_s.to_vec());
    }

    /// The device's.
    pub fn remove(&mut self, device_id: &[u8]) {
        if let Some(cid) = self.by_device.remove(device_id) {
            self.by_cid.remove(&cid);
        }
    }

    /// The record under a connection id.
    pub fn get(&self, cid_s: &[u8]) -> Option<&[u8]> {
        self.by_cid.get(cid_s).map(|(_, record)| &record[..])
    }

    /// The connection id and the record of a device.
    pub fn of(&self, device_id: &[u8]) -> Option<(&[u8], &[u8])> {
        let cid = self.by_device.get(device_id)?;
        Some((cid, self.get(cid)?))
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.by_cid.len()
    }
}

impl lscoap::server::Directory for Devices {
    fn find(&mut self, device_id: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]> {
        self.keys.get(device_id).copied().or(self.everybody)
    }

    fn stores(&self) -> bool {
        self.records.is_some()
    }

    fn load_resume(
        &mut self,
        cid_s: &[u8],
        record: &mut heapless::Vec<u8, RESUME_RECORD_MAX>,
    ) -> Result<bool, Error> {
        let stored = self.records.as_ref().and_then(|records| records.get(cid_s));
        Ok(stored.is_some_and(|stored| record.extend_from_slice(stored).is_ok()))
    }

    fn save_resume(&mut self, device_id: &[u8], cid_s: &[u8], record: Option<&[u8]>) -> Result<(), Error> {
        if self.is_broken {
            return Err(Error::Storage);
        }
        match record {
            Some(record) => self.records().insert(device_id, cid_s, record),
            None => self.records().remove(device_id),
        }
        Ok(())
    }

    fn session_ended(&mut self, ended: &lscoap::server::Ended<'_>) {
        let (device_id, kid) = (ended.device_id.to_vec(), ended.kid.to_vec());
        self.ended.push(EndedSession { slot: ended.slot, device_id, kid, fingerprint: ended.fingerprint });
    }
}
