//! Groups in the gateway's store.

use super::shelf::{Fault, Shelf};
use crate::store::{Job, Jobs, Outcome, Store, Worker};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long an outcome is awaited: longer than any store takes, which answers in its own time that it is down.
const PATIENCE: Duration = Duration::from_secs(30);

/// A [`Shelf`] that the store is.
pub struct Stored {
    store: Worker,
    /// Random: what an earlier process held is another one's.
    holder: String,
    last: u64,
}

impl Stored {
    /// As one more worker of the store's.
    pub fn new(store: &Store) -> Result<Self, getrandom::Error> {
        let mut holder = [0; 16];
        getrandom::fill(&mut holder)?;
        Ok(Self { store: store.worker(Box::new(|| {})), holder: hex::encode(holder), last: 0 })
    }

    fn ask(&mut self, job: Job) -> Outcome {
        self.last += 1;
        if !self.store.submit(self.last, job) {
            return Outcome::Down;
        }
        let end = Instant::now() + PATIENCE;
        while let Some(done) = self.store.wait(end.saturating_duration_since(Instant::now())) {
            if done.number == self.last {
                return done.outcome; // others are of jobs that were given up
            }
        }
        Outcome::Down
    }
}

/// Of an outcome that is not the one for which there is an answer.
fn fault<T>(outcome: &Outcome) -> Result<T, Fault> {
    Err(if *outcome == Outcome::Conflict { Fault::Lost } else { Fault::Down })
}

impl Shelf for Stored {
    fn list(&mut self) -> Result<Vec<u16>, Fault> {
        match self.ask(Job::GroupList) {
            Outcome::Groups(numbers) => Ok(numbers),
            other => fault(&other),
        }
    }

    fn number(&mut self) -> Result<u16, Fault> {
        match self.ask(Job::GroupNew) {
            Outcome::Group(number) => Ok(number),
            other => fault(&other),
        }
    }

    fn lease(&mut self, number: u16, token: Option<u64>, ms: u64) -> Result<u64, Fault> {
        let ms = u32::try_from(ms).unwrap_or(u32::MAX);
        match self.ask(Job::GroupLease { number, holder: self.holder.clone(), ms }) {
            Outcome::Leased { token: new } if token.is_none_or(|old| old == new) => Ok(new),
            Outcome::Leased { .. } => Err(Fault::Lost), // somebody else has held it meanwhile
            other => fault(&other),
        }
    }

    fn release(&mut self, number: u16, _token: u64) {
        let _ = self.ask(Job::GroupLease { number, holder: self.holder.clone(), ms: 0 });
    }

    fn load(&mut self, number: u16, _token: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        match self.ask(Job::GroupLoad { number }) {
            Outcome::Loaded(state) => Ok(state),
            other => fault(&other),
        }
    }

    fn save(&mut self, number: u16, token: u64, record: Zeroizing<Vec<u8>>) -> Result<(), Fault> {
        match self.ask(Job::GroupSave { number, token, state: record }) {
            Outcome::Done => Ok(()),
            other => fault(&other),
        }
    }
}
