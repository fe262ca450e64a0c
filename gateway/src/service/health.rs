//! Whether all is well: each worker turns, and the store was there lately.

use crate::http::Answer;
use crate::metrics::Counts;
use crate::store;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a worker may take for a turn.
const WORKER_PATIENCE: Duration = Duration::from_secs(5);
/// How long a store that was there counts as there.
const STORE_PATIENCE: Duration = Duration::from_secs(30);

/// A worker as it was seen last.
struct Worker {
    counts: Counts,
    waker: Arc<mio::Waker>,
    turns: u64,
    seen: Instant,
}

/// How requests fare at the back-end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Backend {
    /// None was sent yet.
    Unknown,
    Answers,
    Fails,
}

impl Backend {
    const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Answers => "answers",
            Self::Fails => "fails",
        }
    }
}

struct State {
    workers: Vec<Worker>,
    store: Option<(store::Counts, Instant)>,
    backend: Backend,
    /// Answers and failures at the last look.
    answered: (u64, u64),
    is_stopping: bool,
}

/// What is known of the parts.
pub struct Health(Mutex<State>);

impl Health {
    /// Of workers that have just begun, and of a store if there is one.
    pub fn new(workers: Vec<(Counts, Arc<mio::Waker>)>, store: Option<store::Counts>) -> Self {
        let now = Instant::now();
        let worker = |(counts, waker)| Worker { counts, waker, turns: 0, seen: now };
        Self(Mutex::new(State {
            workers: workers.into_iter().map(worker).collect(),
            store: store.map(|counts| (counts, now)),
            backend: Backend::Unknown,
            answered: (0, 0),
            is_stopping: false,
        }))
    }

    /// Looks at all, and wakes the workers for the next time. Whether all of them turn.
    pub fn look(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).look(Instant::now())
    }

    /// No more is taken on.
    pub fn stopping(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_stopping = true;
    }

    /// The page: 200 when all is well. How the back-end does is said, and counts for nothing: it may be away and come back.
    pub fn page(&self) -> Answer {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).page(Instant::now())
    }
}

impl State {
    fn look(&mut self, now: Instant) -> bool {
        for worker in &mut self.workers {
            let turns = worker.counts.turns.get();
            if turns != worker.turns {
                (worker.turns, worker.seen) = (turns, now);
            }
            let _ = worker.waker.wake();
        }
        if let Some((counts, seen)) = &mut self.store
            && counts.up.get() == 1
        {
            *seen = now;
        }
        let sum = |which: fn(&Counts) -> u64| self.workers.iter().map(|worker| which(&worker.counts)).sum();
        let answered = (sum(|counts| counts.answers.get()), sum(|counts| counts.failed.get()));
        if answered.0 > self.answered.0 {
            self.backend = Backend::Answers;
        } else if answered.1 > self.answered.1 {
            self.backend = Backend::Fails;
        }
        self.answered = answered;
        self.workers.iter().all(|worker| worker.is_alive(now))
    }

    fn page(&self, now: Instant) -> Answer {
        let alive = self.workers.iter().filter(|worker| worker.is_alive(now)).count();
        let store = self.store.as_ref().map(|(_, seen)| now.duration_since(*seen) < STORE_PATIENCE);
        let is_well = alive == self.workers.len() && store != Some(false) && !self.is_stopping;
        let mut body = String::new();
        let store = store.map_or("none", |is_up| if is_up { "up" } else { "down" });
        // Writing to a String does not fail.
        let _ = writeln!(
            body,
            "{{\"ok\":{is_well},\"stopping\":{},\"workers\":{},\"workers_alive\":{alive},\"store\":\"{store}\",\"backend\":\"{}\"}}",
            self.is_stopping,
            self.workers.len(),
            self.backend.name()
        );
        Answer { status: if is_well { 200 } else { 503 }, content_type: "application/json", body }
    }
}

impl Worker {
    fn is_alive(&self, now: Instant) -> bool {
        now.duration_since(self.seen) < WORKER_PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(store: bool) -> (State, Counts, store::Counts, mio::Poll) {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (counts, of_store) = (Counts::default(), store::Counts::default());
        of_store.up.set(1);
        let health = Health::new(vec![(counts.clone(), waker)], store.then(|| of_store.clone()));
        (health.0.into_inner().unwrap(), counts, of_store, poll)
    }

    #[test]
    fn a_worker_that_does_not_turn_is_not_well() {
        let (mut state, counts, _, _poll) = state(false);
        let now = Instant::now();
        counts.turns.inc();
        assert!(state.look(now));
        assert!(!state.look(now + WORKER_PATIENCE));
        let page = state.page(now + WORKER_PATIENCE);
        assert_eq!(page.status, 503);
        assert!(
            page.body.contains("\"ok\":false") && page.body.contains("\"workers_alive\":0"),
            "{}",
            page.body
        );
        counts.turns.inc();
        assert!(state.look(now + WORKER_PATIENCE));
        assert_eq!(state.page(now + WORKER_PATIENCE).status, 200);
    }

    #[test]
    fn a_store_may_be_away_for_a_moment() {
        let (mut state, counts, store, _poll) = state(true);
        let now = Instant::now();
        let mut look = |at: Duration| {
            counts.turns.inc();
            state.look(now + at);
            state.page(now + at)
        };
        assert_eq!(look(Duration::ZERO).status, 200);
        store.up.set(0);
        assert_eq!(look(STORE_PATIENCE / 2).status, 200);
        let page = look(STORE_PATIENCE);
        assert_eq!(page.status, 503);
        assert!(page.body.contains("\"store\":\"down\"") && page.body.contains("\"workers_alive\":1"));
        store.up.set(1);
        assert_eq!(look(STORE_PATIENCE).status, 200);
    }

    #[test]
    fn how_the_back_end_does_is_said_and_counts_for_nothing() {
        let (mut state, counts, _, _poll) = state(false);
        let now = Instant::now();
        for (what, which) in [
            ("unknown", None),
            ("fails", Some(&counts.failed)),
            ("answers", Some(&counts.answers)),
            ("answers", None),
        ] {
            if let Some(counter) = which {
                counter.inc();
            }
            state.look(now);
            let page = state.page(now);
            assert_eq!(page.status, 200);
            assert!(page.body.contains(&format!("\"backend\":\"{what}\"")), "{} {what}", page.body);
        }
        state.is_stopping = true;
        assert_eq!(state.page(now).status, 503);
    }
}
