//! Which of the back-end's messages have been taken, so that the same one again is acknowledged and dropped (RFC 7252 section 4.5).

use super::random::Token;
use std::collections::{HashSet, VecDeque};

/// How many are remembered at most; what comes again after that is taken for unknown, and reset.
const SEEN: usize = 16_384;

/// Message ids and tokens of separate answers and notifications, for as long as they may come again.
#[derive(Default)]
pub struct Seen {
    all: HashSet<(Token, u16)>,
    order: VecDeque<(u64, (Token, u16))>,
}

impl Seen {
    /// Notes a message; whether it is new.
    pub fn is_new(&mut self, now_ms: u64, lifetime_ms: u64, token: Token, id: u16) -> bool {
        while let Some((then, key)) = self.order.front() {
            if self.order.len() < SEEN && then + lifetime_ms > now_ms {
                break;
            }
            self.all.remove(key);
            self.order.pop_front();
        }
        let is_new = self.all.insert((token, id));
        if is_new {
            self.order.push_back((now_ms, (token, id)));
        }
        is_new
    }

    /// Whether a message has been taken.
    pub fn has(&self, token: Token, id: u16) -> bool {
        self.all.contains(&(token, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_remembered_for_so_long() {
        let mut seen = Seen::default();
        assert!(seen.is_new(0, 100, [0; 8], 7) && !seen.is_new(99, 100, [0; 8], 7));
        assert!(seen.is_new(100, 100, [0; 8], 8) && !seen.has([0; 8], 7));
        for number in 0..100_000_u64 {
            assert!(seen.is_new(150, 100, number.to_be_bytes(), 9));
            assert!(seen.has(number.to_be_bytes(), 9));
        }
        assert!(!seen.has([0; 8], 8), "the oldest went");
        assert_eq!((seen.all.len(), seen.order.len()), (SEEN, SEEN));
    }
}
