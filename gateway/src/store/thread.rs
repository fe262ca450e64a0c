//! The thread of a store: batches, and what becomes of them while the store is down.

use super::{Connect, Counts, Database, Done, Error, Outcome, Request};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The most jobs of a batch: how long the last of them waits is bounded.
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
pub(super) fn run(requests: &Receiver<Request>, connect: &Connect, counts: &Counts) {
    let mut state = attempt(connect, counts, PAUSE.0);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let limit = match &state {
            State::Up(_) => IDLE,
            State::Down { next, .. } => next.saturating_duration_since(Instant::now()),
        };
        match requests.recv_timeout(limit) {
            Ok(first) => batch.push(first),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        batch.extend(requests.try_iter().take(BATCH.saturating_sub(batch.len())));
        state = match state {
            State::Down { next, pause } if next <= Instant::now() => attempt(connect, counts, pause),
            other => other,
        };
        if let State::Up(database) = &mut state {
            let result = if batch.is_empty() {
                database.ping()
            } else {
                carry_out(&mut **database, &mut batch, counts)
            };
            if let Err(error) = result {
                tracing::warn!(%error, "the store is down");
                counts.up.set(0);
                state = State::Down { next: Instant::now() + PAUSE.0, pause: PAUSE.0 };
            }
        }
        let left = batch.drain(..).map(|request| (request, Outcome::Down)).collect();
        give_back(left, counts);
    }
}

fn attempt(connect: &Connect, counts: &Counts, pause: Duration) -> State {
    match connect() {
        Ok(database) => {
            tracing::info!("the store is there");
            counts.up.set(1);
            State::Up(database)
        }
        Err(error) => {
            tracing::debug!(%error, "the store is down");
            counts.up.set(0);
            State::Down { next: Instant::now() + pause, pause: (pause * 2).min(PAUSE.1) }
        }
    }
}

/// Empties `batch` if it succeeds.
fn carry_out(database: &mut dyn Database, batch: &mut Vec<Request>, counts: &Counts) -> Result<(), Error> {
    counts.batches.inc();
    let jobs: Vec<_> = batch.iter().map(|request| &request.job).collect();
    let outcomes = database.run(&jobs)?;
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
