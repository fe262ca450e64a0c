//! The thread of a store: batches, and what becomes of them while the store is down.

use super::{Connect, Counts, Database, Done, Error, Outcome, Queue, Request};
use crate::log::{self, Kind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// No more jobs are added to a batch of so many: how long the last of them waits is bounded.
const BATCH: usize = 256;
/// How long after a failure the store is tried again, at first and at most; twice as long each time.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How often a store that nobody asks anything is looked at, so that the first job finds it.
const IDLE: Duration = Duration::from_secs(5);

/// The connection, or when to try next.
enum State {
    Up(Box<dyn Database>),
    Down { next: Instant, pause: Duration },
}

/// Carries out jobs until nobody can give any.
pub(super) fn run(requests: &Receiver<Vec<Request>>, queue: &Queue, connect: &Connect, counts: &Counts) {
    let mut state = attempt(connect, counts, PAUSE.0);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let limit = match &state {
            State::Up(_) => IDLE,
            State::Down { next, .. } => next.saturating_duration_since(Instant::now()),
        };
        match requests.recv_timeout(limit) {
            Ok(first) => batch.extend(first),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while batch.len() < BATCH
            && let Ok(more) = requests.try_recv()
        {
            batch.extend(more);
        }
        let count = batch.len();
        state = match state {
            State::Down { next, pause } if next <= Instant::now() => attempt(connect, counts, pause),
            other => other,
        };
        if let State::Up(database) = &mut state {
            let result = if batch.is_empty() {
                guarded(|| database.ping())
            } else {
                carry_out(&mut **database, &mut batch, counts)
            };
            if let Err(error) = result {
                log::say(Kind::StoreDown, None, None, format_args!("the store is down: {error}"));
                counts.up.set(0);
                state = State::Down { next: Instant::now() + PAUSE.0, pause: PAUSE.0 };
            }
        }
        let left = batch.drain(..).map(|request| (request, Outcome::Down)).collect();
        give_back(left, counts);
        queue.len.fetch_sub(count, Ordering::Relaxed);
    }
}

/// A client that panics is one that has lost its connection: nobody's job goes without an outcome.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::Down("its client panicked".into())))
}

fn attempt(connect: &Connect, counts: &Counts, pause: Duration) -> State {
    let start = Instant::now();
    match guarded(|| connect()) {
        Ok(database) => {
            log::say(Kind::StoreUp, None, None, format_args!("the store is there"));
            counts.up.set(1);
            State::Up(database)
        }
        Err(error) => {
            tracing::debug!(%error, "the store is down");
            counts.up.set(0);
            // Jobs wait for an attempt: for those that hang there is less of them.
            let next = Instant::now() + pause.max(start.elapsed() * 2);
            State::Down { next, pause: (pause * 2).min(PAUSE.1) }
        }
    }
}

/// Empties `batch` if it succeeds.
fn carry_out(database: &mut dyn Database, batch: &mut Vec<Request>, counts: &Counts) -> Result<(), Error> {
    counts.batches.inc();
    let jobs: Vec<_> = batch.iter().map(|request| &request.job).collect();
    let outcomes = guarded(|| database.run(&jobs))?;
    debug_assert_eq!(outcomes.len(), jobs.len(), "an outcome for each job");
    let more = std::iter::repeat_with(|| Outcome::Down);
    give_back(batch.drain(..).zip(outcomes.into_iter().chain(more)).collect(), counts);
    Ok(())
}

/// Gives the outcomes to their workers, and wakes each once.
fn give_back(outcomes: Vec<(Request, Outcome)>, counts: &Counts) {
    let mut to_wake = Vec::new();
    for (Request { number, back, .. }, outcome) in outcomes {
        match outcome {
            Outcome::Down => counts.failures.inc(),
            Outcome::Conflict => counts.conflicts.inc(),
            _ => 0,
        };
        counts.queue.dec();
        let _ = back.done.send(Done { number, outcome }); // a worker that has gone wants none
        if !to_wake.iter().any(|other| Arc::ptr_eq(other, &back)) {
            to_wake.push(back);
        }
    }
    for back in to_wake {
        (back.wake)();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Back, Job, Jobs, Worker};
    use super::*;
    use crate::directory::Devices;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    /// Panics at every other batch.
    struct Careless<'a>(&'a AtomicUsize);

    impl Database for Careless<'_> {
        fn run(&mut self, jobs: &[&Job]) -> Result<Vec<Outcome>, Error> {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) % 2 == 1, "a bug of the client");
            Ok(jobs.iter().map(|_| Outcome::Done).collect())
        }

        fn ping(&mut self) -> Result<(), Error> {
            Ok(())
        }

        fn devices(&mut self, _: Option<u64>) -> Result<Option<(u64, Devices)>, Error> {
            Ok(None)
        }

        fn put_devices(&mut self, _: &Devices) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn a_client_that_panics_loses_its_batch_and_nothing_else() {
        static BATCHES: AtomicUsize = AtomicUsize::new(0);
        let connect: Connect = Arc::new(|| Ok(Box::new(Careless(&BATCHES))));
        let (jobs, requests) = mpsc::channel();
        let queue = Arc::new(Queue { len: AtomicUsize::new(0), max: 8 });
        let (done, outcomes) = mpsc::channel();
        let counts = Counts::default();
        let (theirs, waiting) = (counts.clone(), queue.clone());
        let thread = std::thread::spawn(move || run(&requests, &waiting, &connect, &theirs));
        let back = Arc::new(Back { done, wake: Box::new(|| {}) });
        let mut worker =
            Worker { jobs, queue, given: Vec::new(), counts: counts.clone(), back, done: outcomes };
        let mut next = || {
            assert!(worker.submit(1, Job::GroupList));
            worker.wait(Duration::from_secs(60)).expect("an outcome").outcome
        };
        assert_eq!(next(), Outcome::Down, "panicked");
        assert_eq!(counts.up.get(), 0);
        while next() == Outcome::Down {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!((counts.up.get(), BATCHES.load(Ordering::SeqCst)), (1, 2));
        assert_eq!(counts.queue.get(), 0);
        drop(worker);
        thread.join().unwrap();
    }
}
