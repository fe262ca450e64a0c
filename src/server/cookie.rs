//! The retry cookie (protocol section 7): who sends a first message must be reachable at its address, where
//! handshakes arrive faster than they should.

use crate::crypto::{Hash, extract};
use crate::entropy::Hedge;
use crate::error::Error;
use crate::limits::COOKIE_LEN;
use crate::platform::Platform;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How long an epoch lasts, in milliseconds. A cookie is good in its own and in the next.
const EPOCH_MS: u64 = 60_000;

/// The longest address of a peer, in bytes.
pub const PEER_MAX: usize = 255;

/// The keys, a new one for each epoch. Epochs are counted from the first cookie.
#[derive(Default)]
pub struct Cookies {
    /// When the epoch of `key` began, and its number.
    began_ms: u64,
    epoch: u64,
    /// Zeroes while there is none.
    key: [u8; 32],
    /// Of the epoch before; zeroes where there was none.
    key_before: [u8; 32],
}

wiped!(Cookies { began_ms, epoch, key, key_before });

/// Whom a cookie is for, and what it was asked for with.
pub struct Bearer<'a> {
    /// The address, at most [`PEER_MAX`] bytes.
    pub peer: &'a [u8],
    /// The M1, X1 or R1.
    pub message: &'a [u8],
}

/// No key.
const NONE: [u8; 32] = [0; 32];

impl Cookies {
    /// Moves on to the epoch of a time, whose key may still have to be drawn. Without a division of 64-bit numbers,
    /// which is long on a small processor.
    fn advance(&mut self, now_ms: u64) {
        let elapsed = now_ms.saturating_sub(self.began_ms);
        if elapsed < EPOCH_MS {
            return;
        }
        let is_next = elapsed < 2 * EPOCH_MS;
        self.key_before = if is_next { self.key } else { NONE };
        self.key = NONE;
        self.epoch = self.epoch.wrapping_add(if is_next { 1 } else { 2 });
        self.began_ms = if is_next { self.began_ms.saturating_add(EPOCH_MS) } else { now_ms };
    }

    #[cfg(test)]
    pub(super) fn has_keys(&self) -> bool {
        self.key != NONE || self.key_before != NONE
    }

    /// A cookie of this epoch.
    pub fn make<H: Hash, P: Platform + ?Sized>(
        &mut self,
        hedge: &mut Hedge<'_, P>,
        now_ms: u64,
        bearer: &Bearer<'_>,
    ) -> Result<[u8; COOKIE_LEN], Error> {
        self.advance(now_ms);
        if self.key == NONE {
            let mut key = Zeroizing::new(NONE);
            hedge.fill::<H>(&mut *key)?;
            self.key = *key;
        }
        cookie::<H>(&self.key, self.epoch, bearer)
    }

    /// Whether a cookie is one of this epoch's or of the one before.
    pub fn is_good<H: Hash>(&mut self, now_ms: u64, bearer: &Bearer<'_>, cookie: &[u8; COOKIE_LEN]) -> bool {
        self.advance(now_ms);
        let keys = [(&self.key, self.epoch), (&self.key_before, self.epoch.wrapping_sub(1))];
        keys.into_iter().filter(|(key, _)| **key != NONE).any(|(key, epoch)| {
            self::cookie::<H>(key, epoch, bearer).is_ok_and(|expected| bool::from(expected.ct_eq(cookie)))
        })
    }
}

/// The first bytes of HMAC-SHA-256 over epoch, peer and message.
fn cookie<H: Hash>(key: &[u8; 32], epoch: u64, bearer: &Bearer<'_>) -> Result<[u8; COOKIE_LEN], Error> {
    let peer_len = [u8::try_from(bearer.peer.len()).map_err(|_| Error::Argument)?];
    let mut mac = [0; 32];
    extract::<H>(key, &[&epoch.to_be_bytes(), &peer_len, bearer.peer, bearer.message], &mut mac);
    mac.first_chunk().copied().ok_or(Error::Argument)
}

/// How many handshakes may begin in a second before cookies are asked for.
#[derive(Default)]
pub struct Rate {
    /// 0: by the room there is; `u32::MAX`: as many as come.
    pub limit: u32,
    /// How many there were since.
    count: u32,
    /// How many of them were X1 that were refused.
    refused: u32,
    since_ms: u64,
}

/// Where no rate is set: a quarter of the free room, which a second's handshakes may take, and at least this. Whoever
/// refuses so many X1 has computed for nobody, and has this many.
const LEAST: u32 = 8;

impl Rate {
    /// Counts a handshake. Whether it is one too many, where so many slots are free.
    pub fn is_exceeded(&mut self, now_ms: u64, free: usize) -> bool {
        if now_ms.saturating_sub(self.since_ms) >= 1000 {
            (self.since_ms, self.count, self.refused) = (now_ms, 0, 0);
        }
        self.count = self.count.saturating_add(1);
        let limit = match self.limit {
            0 if self.refused >= LEAST => LEAST,
            0 => u32::try_from(free >> 2).unwrap_or(u32::MAX).max(LEAST),
            limit => limit,
        };
        self.count > limit
    }

    /// Takes note of an X1 that was refused: it took no room, and cost as much as one that did.
    pub fn note_refused(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Software;
    use crate::testing::Stuck;
    use crate::vectors;

    fn make(cookies: &mut Cookies, now_ms: u64, bearer: &Bearer<'_>) -> [u8; COOKIE_LEN] {
        let (identity, context, mut counter) = ([1; 32], [2; 32], 0);
        let platform = &mut Stuck { byte: (now_ms / EPOCH_MS) as u8, boots: 0 }; // another key in each epoch
        let mut hedge = Hedge { platform, identity: &identity, counter: &mut counter, context: &context };
        cookies.make::<Software, _>(&mut hedge, now_ms, bearer).unwrap()
    }

    fn is_good(cookies: &mut Cookies, now_ms: u64, bearer: &Bearer<'_>, cookie: &[u8; COOKIE_LEN]) -> bool {
        cookies.is_good::<Software>(now_ms, bearer, cookie)
    }

    #[test]
    fn as_in_the_vectors() {
        let v = vectors::all().get("retry");
        let epoch = v.number("epoch (8 bytes, big-endian)");
        let (peer, message) = (v.bytes("peer"), v.bytes("message"));
        let bearer = Bearer { peer: &peer, message: &message };
        let mut cookies = Cookies { began_ms: 9, epoch, key: v.array("cookie_key"), key_before: NONE };
        let cookie = make(&mut cookies, 9 + EPOCH_MS - 1, &bearer);
        assert_eq!([&[0x19][..], &cookie].concat(), v.bytes("RETRY"));
        assert!(is_good(&mut cookies, 9, &bearer, &cookie));
    }

    #[test]
    fn good_for_two_epochs_one_address_and_one_message() {
        let bearer = Bearer { peer: b"peer", message: b"message" };
        for start in [0, 17 * EPOCH_MS] {
            for now_ms in [start, start + EPOCH_MS - 1, start + 2 * EPOCH_MS - 1, start + 2 * EPOCH_MS] {
                let mut cookies = Cookies::default();
                assert!(!is_good(&mut cookies, start, &bearer, &[0; COOKIE_LEN]), "none was made yet");
                let cookie = make(&mut cookies, start, &bearer);
                assert_eq!(is_good(&mut cookies, now_ms, &bearer, &cookie), now_ms < start + 2 * EPOCH_MS);
                for other in [
                    Bearer { peer: b"peer", message: b"messagf" },
                    Bearer { peer: b"pees", message: b"message" },
                    Bearer { peer: b"peerm", message: b"essage" },
                    Bearer { peer: b"", message: b"peermessage" },
                ] {
                    assert!(!is_good(&mut cookies, now_ms, &other, &cookie));
                }
                for bit in 0..128 {
                    let mut other = cookie;
                    other[bit / 8] ^= 1 << (bit % 8);
                    assert!(!is_good(&mut cookies, now_ms, &bearer, &other));
                }
            }
        }
    }

    #[test]
    fn each_epoch_has_a_key_of_its_own() {
        let bearer = Bearer { peer: b"peer", message: b"message" };
        let mut cookies = Cookies::default();
        let made = [0, 1, 2, 9].map(|epoch| {
            let cookie = make(&mut cookies, epoch * EPOCH_MS, &bearer);
            (epoch, cookie)
        });
        for (epoch, cookie) in made {
            let others = made.iter().filter(|(other, _)| *other != epoch);
            assert!(others.clone().all(|(_, other)| *other != cookie));
            // After a pause nothing of before is good.
            assert_eq!(is_good(&mut cookies, 9 * EPOCH_MS, &bearer, &cookie), epoch == 9);
        }
        let next = make(&mut cookies, 10 * EPOCH_MS, &bearer);
        for (epoch, cookie) in made {
            assert_eq!(is_good(&mut cookies, 10 * EPOCH_MS, &bearer, &cookie), epoch == 9);
        }
        // No cookie is made in the next epoch, and this one's are still good in it.
        assert!(is_good(&mut cookies, 11 * EPOCH_MS, &bearer, &next));
        assert!(!is_good(&mut cookies, 12 * EPOCH_MS, &bearer, &next));
    }

    #[test]
    fn a_rate_is_of_a_second() {
        let mut rate = Rate { limit: 2, ..Rate::default() };
        let exceeded = [0, 500, 999, 999, 1000, 1000, 1999, 9000].map(|now_ms| rate.is_exceeded(now_ms, 0));
        assert_eq!(exceeded, [false, false, true, true, false, false, true, false]);
        let mut unlimited = Rate { limit: u32::MAX, count: u32::MAX - 9, ..Rate::default() };
        assert!((0..100).all(|_| !unlimited.is_exceeded(1, 0)));
    }

    /// How many pass in a second.
    fn passing(rate: &mut Rate, now_ms: u64, free: usize) -> usize {
        (0..10_000).filter(|_| !rate.is_exceeded(now_ms, free)).count()
    }

    #[test]
    fn a_rate_that_is_not_set_follows_the_free_room() {
        for (free, expected) in
            [(0, 8), (1, 8), (35, 8), (36, 9), (64, 16), (1000, 250), (usize::MAX, 10_000)]
        {
            assert_eq!(passing(&mut Rate::default(), 0, free), expected, "{free} slots free");
        }
    }

    #[test]
    fn refused_x1_press_however_much_room_there_is() {
        let mut rate = Rate::default();
        for n in 0..8 {
            assert!(!rate.is_exceeded(5, 1000), "{n} refused");
            rate.note_refused();
        }
        assert!(rate.is_exceeded(5, 1000));
        assert_eq!(passing(&mut rate, 1005, 1000), 250, "a second later");
        // What was set counts them as it counts everything.
        let mut rate = Rate { limit: 20, refused: 9, ..Rate::default() };
        assert_eq!(passing(&mut rate, 0, 1000), 20);
    }
}
