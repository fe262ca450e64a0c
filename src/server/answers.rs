//! Answers that are kept for requests that come again. A sealed request opens once: one whose answer was lost is sent again as it
//! was, perhaps in another message or from another port, and is to get the answer that it had (protocol section 10).

use crate::bytes::copy;
use crate::limits::{FINGERPRINT_LEN, TAG_LEN};

/// How long an answer is kept, in ms: EXCHANGE_LIFETIME (RFC 7252 section 4.8.2).
pub const ANSWER_MS: u64 = 247_000;
/// What a request is known again by: its tag, with which it ends in either carrier.
const END_LEN: usize = TAG_LEN;
/// The share of a full table that a session can hold without displacing its own: one in so many.
const SHARE: usize = 4;

/// One answer. All zeroes is none.
#[derive(Clone, Copy, Default)]
pub struct Kept {
    session: [u8; FINGERPRINT_LEN],
    end: [u8; END_LEN],
    /// 0 is none.
    expires_ms: u64,
    len: u32,
    /// Later ones have higher numbers: several may be kept in one millisecond.
    number: u32,
}

impl Kept {
    fn is_live(&self, now_ms: u64) -> bool {
        self.expires_ms > now_ms
    }
}

/// A table of answers in memory of the caller's, with equal room for each: an N-th of the bytes for N places.
pub struct Answers<'a> {
    places: &'a mut [Kept],
    bytes: &'a mut [u8],
}

impl<'a> Answers<'a> {
    /// The table in this memory; of places that are zeroed it is empty.
    pub fn new(places: &'a mut [Kept], bytes: &'a mut [u8]) -> Self {
        Self { places, bytes }
    }

    /// The longest answer that can be kept, in bytes.
    pub fn room(&self) -> usize {
        self.bytes.len().checked_div(self.places.len()).unwrap_or(0)
    }

    /// The answer that this request had: the sealed object, or the message that it is in, whatever stands before the object.
    pub fn find(&self, now_ms: u64, request: &[u8]) -> Option<&[u8]> {
        let (end, room) = (end_of(request), self.room());
        let (kept, bytes) = self
            .places
            .iter()
            .zip(self.bytes.chunks_exact(room.max(1)))
            .find(|(kept, _)| kept.is_live(now_ms) && kept.end == end)?;
        bytes.get(..usize::try_from(kept.len).ok()?)
    }

    /// Keeps the answer to a request of the session with this fingerprint, in a place that is free, else in that of the oldest:
    /// of the session's own where it holds a quarter of them, so that a busy device does not push out the others'. Whether it
    /// was kept: one that is longer than the room is not.
    pub fn keep(
        &mut self,
        session: &[u8; FINGERPRINT_LEN],
        now_ms: u64,
        request: &[u8],
        answer: &[u8],
    ) -> bool {
        let room = self.room();
        if answer.len() > room || room == 0 {
            return false;
        }
        let newest = self.places.iter().map(|kept| kept.number).max();
        let number = newest.unwrap_or(0).saturating_add(1);
        let is_own = |kept: &Kept| kept.is_live(now_ms) && kept.session == *session;
        let own = self.places.iter().filter(|kept| is_own(kept)).count();
        let is_full = own >= self.places.len().div_ceil(SHARE);
        let places = self.places.iter_mut().zip(self.bytes.chunks_exact_mut(room));
        let place = places
            .filter(|(kept, _)| !is_full || is_own(kept))
            .min_by_key(|(kept, _)| kept.is_live(now_ms).then_some(kept.number));
        let Some((kept, bytes)) = place else { return false };
        copy(bytes, answer);
        *kept = Kept {
            session: *session,
            end: end_of(request),
            expires_ms: now_ms.saturating_add(ANSWER_MS),
            len: u32::try_from(answer.len()).unwrap_or(0),
            number,
        };
        true
    }

    /// Gives back the places of a session that has ended.
    pub fn forget(&mut self, session: &[u8; FINGERPRINT_LEN]) {
        for kept in self.places.iter_mut().filter(|kept| kept.session == *session) {
            *kept = Kept::default();
        }
    }
}

/// The last bytes of a request; of a shorter one all, behind zeroes.
fn end_of(request: &[u8]) -> [u8; END_LEN] {
    let mut end = [0; END_LEN];
    let from = request.len().saturating_sub(END_LEN);
    let last = request.get(from..).unwrap_or(&[]);
    let at = END_LEN.saturating_sub(last.len());
    copy(end.get_mut(at..).unwrap_or(&mut []), last);
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 8] = [1; 8];
    const B: [u8; 8] = [2; 8];

    #[test]
    fn found_by_the_object_until_it_expires() {
        let (mut places, mut bytes) = ([Kept::default(); 4], [0; 40]);
        let mut answers = Answers::new(&mut places, &mut bytes);
        assert_eq!(answers.room(), 10);
        assert_eq!(answers.find(0, &[0; 16]), None);
        assert!(answers.keep(&A, 5, b"header-1 ciphertext and tag", b"answer"));
        assert!(!answers.keep(&A, 5, b"another ciphertext", b"eleven byte"));
        assert_eq!(answers.find(5 + ANSWER_MS - 1, b"header-2 ciphertext and tag"), Some(&b"answer"[..]));
        assert_eq!(answers.find(5 + ANSWER_MS, b"header-1 ciphertext and tag"), None);
        assert!(answers.keep(&A, 5, b"another", b"")); // a quarter of four is one: its own is displaced
        assert_eq!(answers.find(5, b"another"), Some(&b""[..]));
        assert_eq!(answers.find(5, b"header-1 ciphertext and tag"), None);
        assert_eq!(answers.find(0, b""), None);
    }

    #[test]
    fn a_busy_session_displaces_its_own() {
        let (mut places, mut bytes) = ([Kept::default(); 8], [0; 8]);
        let mut answers = Answers::new(&mut places, &mut bytes);
        assert!(answers.keep(&B, 0, b"b", b"b"));
        for request in 0..100 {
            assert!(answers.keep(&A, 1, &[request; 16], &[request]));
        }
        assert_eq!(answers.find(2, b"b"), Some(&b"b"[..]));
        assert_eq!(answers.find(2, &[99; 16]), Some(&[99][..]));
        assert_eq!(answers.find(2, &[98; 16]), Some(&[98][..]));
        assert_eq!(answers.find(2, &[97; 16]), None);
        answers.forget(&A);
        assert_eq!(answers.find(2, &[99; 16]), None);
        assert_eq!(answers.find(2, b"b"), Some(&b"b"[..]));
        // Many sessions: the oldest of all goes.
        for session in 10..18 {
            assert!(answers.keep(&[session; 8], 3, &[session; 16], &[session]));
        }
        assert_eq!(answers.find(3, b"b"), None);
        assert_eq!(answers.find(3, &[10; 16]), Some(&[10][..]));
    }

    #[test]
    fn no_memory_keeps_nothing() {
        let mut answers = Answers::new(&mut [], &mut []);
        assert!(!answers.keep(&A, 0, b"r", b"a"));
        assert_eq!(answers.find(0, b"r"), None);
        let mut places = [Kept::default()];
        let mut answers = Answers::new(&mut places, &mut []);
        assert!(!answers.keep(&A, 0, b"r", b""));
    }
}
