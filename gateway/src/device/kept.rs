//! Answers that are kept for requests that come again. A sealed request opens once: one whose answer was lost is sent again as it
//! was, perhaps in another message or from another port, and gets the answer that it had (protocol section 10). A session has
//! few places, so that none pushes out another's, and all of them together have a number of bytes.

use crate::backend::SessionKey;
use ahash::{HashMap, HashMapExt, RandomState};
use std::collections::VecDeque;

/// EXCHANGE_LIFETIME (RFC 7252 section 4.8.2), in ms.
pub const LIFETIME_MS: u64 = 247_000;
/// The places of a session.
const OF_ONE: usize = 8;
/// The part of all bytes that a session's answers may take: one in so many.
const SHARE: usize = 32;
/// By how many transfers an answer is known: a copy of a request takes none from the request itself.
const TRANSFERS: usize = 4;

/// Which request a transfer was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Latest {
    /// What the request is known by.
    pub name: u64,
    /// What its last block is known by, if it came in blocks.
    pub last: Option<u64>,
}

/// A sealed answer as it goes out, but for header and token.
pub struct Kept {
    /// The outer code.
    pub code: u8,
    /// Options, and the payload behind its marker.
    pub rest: Vec<u8>,
    /// Where the payload begins; the length where there is none.
    pub payload_at: usize,
    /// What its blocks are told apart by.
    pub etag: u64,
    session: SessionKey,
    ends_ms: u64,
    /// The transfers that its blocks are asked for by.
    transfers: Vec<u64>,
}

impl Kept {
    /// What it takes, about.
    fn len(&self) -> usize {
        self.rest.len() + OVERHEAD
    }
}

/// What a session has.
#[derive(Default)]
struct Own {
    /// Its requests, the oldest first.
    requests: VecDeque<u64>,
    /// What their answers take.
    bytes: usize,
}

/// The answers of a worker.
pub struct Answers {
    hasher: RandomState,
    by_request: HashMap<u64, Kept>,
    /// Which request a transfer was, as long as its answer is here.
    by_transfer: HashMap<u64, Latest>,
    of_session: HashMap<SessionKey, Own>,
    /// All of them, the oldest first; some are no longer there, and some stand twice.
    by_age: VecDeque<(u64, u64)>,
    bytes: usize,
    bytes_max: usize,
    etag: u64,
}

/// What one takes beside its bytes, about.
const OVERHEAD: usize = 160;

impl Answers {
    /// None; with room for so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        let hasher = RandomState::new();
        let etag = hasher.hash_one(0_u8);
        Self {
            hasher,
            by_request: HashMap::new(),
            by_transfer: HashMap::new(),
            of_session: HashMap::new(),
            by_age: VecDeque::new(),
            bytes: 0,
            bytes_max,
            etag,
        }
    }

    /// What a sealed request is known by: nobody outside can choose two that share it.
    pub fn name(&self, lasting: u64, code: u8, body: &[u8]) -> u64 {
        self.hasher.hash_one((lasting, code, body))
    }

    /// As [`Answers::name`], of options.
    pub fn name_options(&self, options: &[(u16, &[u8])]) -> u64 {
        self.hasher.hash_one(options)
    }

    /// The answer that a request had.
    pub fn find(&self, now_ms: u64, request: u64) -> Option<&Kept> {
        self.by_request.get(&request).filter(|kept| kept.ends_ms > now_ms)
    }

    /// Notes that blocks of a request's answer are asked for by this transfer.
    pub fn note_transfer(&mut self, transfer: u64, request: u64, last: Option<u64>) {
        let Some(kept) = self.by_request.get_mut(&request) else { return };
        if !kept.transfers.contains(&transfer) {
            if kept.transfers.len() == TRANSFERS {
                return;
            }
            kept.transfers.push(transfer);
        }
        let before = self.by_transfer.get(&transfer).filter(|before| before.name == request);
        let last = last.or(before.and_then(|before| before.last));
        self.by_transfer.insert(transfer, Latest { name: request, last });
    }

    /// The request that a transfer was.
    pub fn of_transfer(&self, transfer: u64) -> Option<Latest> {
        self.by_transfer.get(&transfer).copied()
    }

    /// Keeps a request's answer; the session's oldest makes room where it has its share, the oldest of all where there is none left.
    pub fn keep(&mut self, now_ms: u64, request: u64, session: SessionKey, message: Sealed<'_>) {
        self.forget_one(request); // a notification in blocks has the name of its registration
        let len = message.rest.len() + OVERHEAD;
        let own = self.of_session.entry(session).or_default();
        own.requests.push_back(request);
        own.bytes += len;
        while let Some(own) = self.of_session.get_mut(&session)
            && own.requests.len() > 1
            && (own.requests.len() > OF_ONE || own.bytes > self.bytes_max / SHARE)
            && let Some(oldest) = own.requests.pop_front()
        {
            own.bytes -= self.by_request.get(&oldest).map_or(0, Kept::len);
            self.drop_one(oldest);
        }
        self.bytes += len;
        while self.bytes > self.bytes_max
            && let Some((oldest, ends_ms)) = self.by_age.pop_front()
        {
            if self.by_request.get(&oldest).is_some_and(|kept| kept.ends_ms == ends_ms) {
                self.forget_one(oldest);
            }
        }
        self.etag = self.etag.wrapping_add(1);
        let ends_ms = now_ms.saturating_add(LIFETIME_MS);
        self.by_age.push_back((request, ends_ms));
        let kept = Kept {
            code: message.code,
            rest: message.rest.to_vec(),
            payload_at: message.payload_at,
            etag: self.etag,
            session,
            ends_ms,
            transfers: Vec::new(),
        };
        self.by_request.insert(request, kept);
    }

    /// Forgets those that are too old to be asked for.
    pub fn expire(&mut self, now_ms: u64) {
        while let Some((request, ends_ms)) = self.by_age.front().copied()
            && ends_ms <= now_ms
        {
            self.by_age.pop_front();
            if self.by_request.get(&request).is_some_and(|kept| kept.ends_ms <= now_ms) {
                self.forget_one(request);
            }
        }
    }

    /// Forgets those of a session that has ended.
    pub fn end(&mut self, session: SessionKey) {
        for request in self.of_session.remove(&session).unwrap_or_default().requests {
            self.drop_one(request);
        }
    }

    /// Forgets one, in its session's list too.
    fn forget_one(&mut self, request: u64) {
        let Some((session, len)) = self.drop_one(request) else { return };
        if let Some(own) = self.of_session.get_mut(&session) {
            own.requests.retain(|other| *other != request);
            own.bytes -= len;
            if own.requests.is_empty() {
                self.of_session.remove(&session);
            }
        }
    }

    /// Whose it was, and what it took.
    fn drop_one(&mut self, request: u64) -> Option<(SessionKey, usize)> {
        let kept = self.by_request.remove(&request)?;
        for transfer in &kept.transfers {
            if self.by_transfer.get(transfer).is_some_and(|latest| latest.name == request) {
                self.by_transfer.remove(transfer);
            }
        }
        self.bytes = self.bytes.saturating_sub(kept.len());
        // What was forgotten before its time would fill the list of ages.
        if self.by_age.len() > 2 * self.by_request.len() + 64 {
            let alive = &self.by_request;
            self.by_age
                .retain(|(request, ends_ms)| alive.get(request).is_some_and(|kept| kept.ends_ms == *ends_ms));
        }
        Some((kept.session, kept.len()))
    }
}

/// A sealed answer, but for header and token.
#[derive(Clone, Copy)]
pub struct Sealed<'a> {
    /// The outer code.
    pub code: u8,
    /// Options, and the payload behind its marker.
    pub rest: &'a [u8],
    /// Where the payload begins.
    pub payload_at: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SessionKey = SessionKey { slot: 1, fingerprint: [1; 8] };
    const B: SessionKey = SessionKey { slot: 2, fingerprint: [2; 8] };

    fn keep(answers: &mut Answers, now_ms: u64, request: u64, session: SessionKey, rest: &[u8]) {
        answers.keep(now_ms, request, session, Sealed { code: 0x45, rest, payload_at: 0 });
    }

    #[test]
    fn found_until_it_expires() {
        let mut answers = Answers::new(1 << 20);
        keep(&mut answers, 5, 7, A, b"answer");
        assert_eq!(answers.find(5, 7).map(|kept| &*kept.rest), Some(&b"answer"[..]));
        assert!(answers.find(5 + LIFETIME_MS, 7).is_none() && answers.find(5, 8).is_none());
        answers.expire(5 + LIFETIME_MS);
        assert_eq!((answers.by_request.len(), answers.of_session.len(), answers.bytes), (0, 0, 0));
    }

    #[test]
    fn a_busy_session_pushes_out_its_own() {
        let mut answers = Answers::new(1 << 20);
        keep(&mut answers, 0, 1000, B, b"b");
        (0..500).for_each(|request| keep(&mut answers, 1, request, A, b"a"));
        assert!(answers.find(1, 1000).is_some());
        assert_eq!((0..500).filter(|request| answers.find(1, *request).is_some()).count(), OF_ONE);
        assert!(answers.by_age.len() < 100, "what is gone leaves nothing behind");
        answers.end(A);
        assert_eq!((answers.by_request.len(), answers.bytes), (1, 1 + OVERHEAD));
    }

    #[test]
    fn long_answers_of_a_session_push_out_its_own() {
        let mut answers = Answers::new(SHARE * 4 * (1000 + OVERHEAD));
        keep(&mut answers, 0, 1000, B, b"b");
        (0..500).for_each(|request| keep(&mut answers, 1, request, A, &[0; 1000]));
        let kept = |answers: &Answers| (0..500).filter(|request| answers.find(1, *request).is_some()).count();
        assert_eq!((kept(&answers), answers.find(1, 1000).is_some()), (4, true));
        // One that is longer than that alone.
        keep(&mut answers, 2, 501, A, &[0; 5000]);
        assert_eq!((kept(&answers), answers.find(2, 501).is_some()), (0, true));
        assert_eq!(answers.of_session[&A].bytes, 5000 + OVERHEAD);
        answers.end(A);
        assert_eq!(answers.bytes, 1 + OVERHEAD);
    }

    #[test]
    fn transfers_are_known_as_long_as_the_answer_is_there() {
        let mut answers = Answers::new(1 << 20);
        keep(&mut answers, 0, 7, A, b"a");
        (1..1000).for_each(|transfer| answers.note_transfer(transfer, 7, None));
        answers.note_transfer(5, 8, None);
        let name = |transfer| answers.of_transfer(transfer).map(|latest| latest.name);
        assert_eq!((name(1), name(5)), (Some(7), None));
        assert_eq!(answers.by_transfer.len(), TRANSFERS);
        answers.end(A);
        assert!(answers.by_transfer.is_empty());
    }

    #[test]
    fn bytes_are_bounded() {
        let mut answers = Answers::new(10 * (1000 + OVERHEAD));
        for request in 0..100 {
            let session = SessionKey { slot: request as u32, ..A };
            keep(&mut answers, request, request, session, &[0; 1000]);
            assert!(answers.bytes <= answers.bytes_max);
        }
        assert_eq!((0..100).filter(|request| answers.find(99, *request).is_some()).count(), 10);
        assert_eq!(answers.of_session.len(), 10);
        // Another answer to the same request takes the place of the first.
        keep(&mut answers, 100, 99, SessionKey { slot: 99, ..A }, &[0; 10]);
        assert_eq!(answers.find(100, 99).unwrap().rest.len(), 10);
    }

    #[test]
    fn another_answer_to_the_same_request_pushes_out_nothing() {
        let mut answers = Answers::new(1 << 20);
        (0..OF_ONE as u64).for_each(|request| keep(&mut answers, 0, request, A, b"a"));
        (1..100).for_each(|now_ms| keep(&mut answers, now_ms, 0, A, b"b"));
        assert_eq!(
            (0..OF_ONE as u64).filter(|request| answers.find(100, *request).is_some()).count(),
            OF_ONE
        );
        keep(&mut answers, 100, 1000, A, b"c");
        assert!(answers.find(100, 0).is_some() && answers.find(100, 1).is_none(), "the oldest goes");
        answers.end(A);
        assert_eq!((answers.by_request.len(), answers.bytes), (0, 0));
    }
}
