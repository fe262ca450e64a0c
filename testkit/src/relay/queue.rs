//! Datagrams that wait for their time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// What one waiting datagram costs on top of its bytes.
const OVERHEAD: usize = 128;

/// Something to be done at a time; of two for the same time, the one that came first.
struct Waiting<T> {
    due: Instant,
    number: u64,
    bytes: usize,
    item: T,
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl<T> Eq for Waiting<T> {}
impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Waiting<T> {
    /// The heap gives its greatest first, and that has to be the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

struct State<T> {
    heap: BinaryHeap<Waiting<T>>,
    number: u64,
    bytes: usize,
    closed: bool,
}

/// Gives each item when it is due.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    max_bytes: usize,
}

impl<T> Queue<T> {
    pub fn new(max_bytes: usize) -> Self {
        let state = State { heap: BinaryHeap::new(), number: 0, bytes: 0, closed: false };
        Queue { state: Mutex::new(state), changed: Condvar::new(), max_bytes }
    }

    /// False when there is no room.
    pub fn push(&self, due: Instant, bytes: usize, item: T) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = bytes + OVERHEAD;
        if state.bytes + bytes > self.max_bytes {
            return false;
        }
        state.bytes += bytes;
        let number = state.number;
        state.number += 1;
        state.heap.push(Waiting { due, number, bytes, item });
        if state.heap.peek().is_some_and(|first| first.number == number) {
            self.changed.notify_one(); // the one who waits waits for a later item
        }
        true
    }

    /// The next item, once it is due; `None` when the queue is closed.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.closed {
                return None;
            }
            let now = Instant::now();
            let left = state.heap.peek().map(|first| first.due.saturating_duration_since(now));
            state = match left {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => {
                    let first = state.heap.pop()?;
                    state.bytes -= first.bytes;
                    return Some(first.item);
                }
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Whoever waits goes home; what is left is forgotten.
    pub fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn in_order_of_time_then_of_arrival() {
        let queue = Queue::new(10_000);
        let start = Instant::now();
        for (item, ms) in [('c', 4), ('a', 2), ('d', 4), ('b', 3)] {
            assert!(queue.push(start + Duration::from_millis(ms), 1, item));
        }
        let got: String = (0..4).filter_map(|_| queue.pop()).collect();
        assert_eq!(got, "abcd");
        assert!(start.elapsed() >= Duration::from_millis(4), "never early");
    }

    #[test]
    fn room_is_limited_and_comes_back() {
        let queue = Queue::new(2 * OVERHEAD + 10);
        let now = Instant::now();
        assert!(queue.push(now, 5, 1));
        assert!(queue.push(now, 5, 2));
        assert!(!queue.push(now, 5, 3));
        assert_eq!(queue.pop(), Some(1));
        assert!(queue.push(now, 5, 4));
    }

    #[test]
    fn closing_ends_the_wait() {
        let queue = std::sync::Arc::new(Queue::<()>::new(1000));
        let waiting = std::thread::spawn({
            let queue = queue.clone();
            move || queue.pop()
        });
        queue.close();
        assert_eq!(waiting.join().unwrap(), None);
    }
}
