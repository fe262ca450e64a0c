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
