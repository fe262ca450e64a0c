//! The retry cookie (protocol section 7): who sends a first message must be reachable at its address, where
//! handshakes arrive faster than they should.

use crate::crypto::{Hash, extract};
use crate::entropy::Hedge;
use crate::error::Error;
use crate::limits::COOKIE_LEN;
use crate::platform::Platform;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// How long an epoch lasts, in milliseconds. A cookie is good in its own and in the next.
const EPOCH_MS: u64 = 60_000;

/// The longest address of a peer, in bytes.
pub const PEER_MAX: usize = 255;

/// The keys, a new one for each epoch in which one is needed.
#[derive(Default, Zeroize)]
pub struct Cookies {
    /// Of the epoch that `key` is for; 0 while there is none, else one more.
    epoch_plus_one: u64,
    key: [u8; 32],
    /// Of the epoch before; zeroes where there was none.
    key_before: [u8; 32],
}

/// Whom a cookie is for, and what it was asked for with.
pub struct Bearer<'a> {
    /// The address, at most [`PEER_MAX`] bytes.
    pub peer: &'a [u8],
    /// The M1, X1 or R1.
    pub message: &'a [u8],
}

impl Cookies {
    /// A cookie of this epoch.
    pub fn make<H: Hash, P: Platform + ?Sized>(
        &mut self,
        hedge: &mut Hedge<'_, P>,
        now_ms: u64,
        bearer: &Bearer<'_>,
    ) -> Result<[u8; COOKIE_LEN], Error> {
        let epoch = now_ms / EPOCH_MS;
        let epoch_plus_one = epoch.saturating_add(1);
        if self.epoch_plus_one != epoch_plus_one {
            let mut key = Zeroizing::new([0; 32]);
            hedge.fill::<H>(&mut *key)?;
            let follows = self.epoch_plus_one != 0 && self.epoch_plus_one == epoch;
            self.key_before = if follows { self.key } else { [0; 32] };
            self.key = *key;
            self.epoch_plus_one = epoch_plus_one;
        }
        cookie::<H>(&self.key, epoch, bearer)
    }

    /// Whether a cookie is one of this epoch's or of the one before.
    pub fn is_good<H: Hash>(&self, now_ms: u64, bearer: &Bearer<'_>, cookie: &[u8; COOKIE_LEN]) -> bool {
        let epoch = now_ms / EPOCH_MS;
        let Some(newest) = self.epoch_plus_one.checked_sub(1) else { return false };
        // What the newest key is for, and the one before it, as far as they are not too old.
        let keys = [(Some(newest), &self.key), (newest.checked_sub(1), &self.key_before)];
        let good = keys
            .into_iter()
            .filter_map(|(of, key)| Some((of?, key)))
            .filter(|(of, key)| epoch.saturating_sub(*of) <= 1 && **key != [0; 32]);
        good.into_iter().any(|(of, key)| {
            self::cookie::<H>(key, of, bearer).is_ok_and(|expected| bool::from(expected.ct_eq(cookie)))
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
    /// 0: as many as come.
    pub limit: u32,
    /// The second that is being counted, and how many there were in it.
    second: u64,
    count: u32,
}

impl Rate {
    /// Counts a handshake. Whether it is one too many.
    pub fn is_exceeded(&mut self, now_ms: u64) -> bool {
        let second = now_ms / 1000;
        if self.second != second {
            (self.second, self.count) = (second, 0);
        }
        self.count = self.count.saturating_add(1);
        self.limit != 0 && self.count > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Software;
    use crate::vectors;

    struct Constant(u8);

    impl Platform for Constant {
        fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
            out.fill(self.0);
            Ok(())
        }
    }

    fn make(cookies: &mut Cookies, now_ms: u64, bearer: &Bearer<'_>) -> [u8; COOKIE_LEN] {
        let (identity, context, mut counter) = ([1; 32], [2; 32], 0);
        let platform = &mut Constant((now_ms / EPOCH_MS) as u8);
        let mut hedge = Hedge { platform, identity: &identity, counter: &mut counter, context: &context };
        cookies.make::<Software, _>(&mut hedge, now_ms, bearer).unwrap()
    }

    fn is_good(cookies: &Cookies, now_ms: u64, bearer: &Bearer<'_>, cookie: &[u8; COOKIE_LEN]) -> bool {
        cookies.is_good::<Software>(now_ms, bearer, cookie)
    }

    #[test]
    fn as_in_the_vectors() {
        let v = vectors::all().get("retry");
        let epoch = v.number("epoch (8 bytes, big-endian)");
        let (peer, message) = (v.bytes("peer"), v.bytes("message"));
        let bearer = Bearer { peer: &peer, message: &message };
        let mut cookies =
            Cookies { epoch_plus_one: epoch + 1, key: v.array("cookie_key"), key_before: [0; 32] };
        let cookie = make(&mut cookies, epoch * EPOCH_MS + 7, &bearer);
        assert_eq!([&[0x19][..], &cookie].concat(), v.bytes("RETRY"));
        assert!(is_good(&cookies, epoch * EPOCH_MS, &bearer, &cookie));
    }

    #[test]
    fn good_for_two_epochs_one_address_and_one_message() {
        let bearer = Bearer { peer: b"peer", message: b"message" };
        for start in [0, 17 * EPOCH_MS] {
            let mut cookies = Cookies::default();
            assert!(!is_good(&cookies, start, &bearer, &[0; COOKIE_LEN]), "none was made yet");
            let cookie = make(&mut cookies, start, &bearer);
            for now_ms in [start, start + EPOCH_MS - 1, start + 2 * EPOCH_MS - 1] {
                assert!(is_good(&cookies, now_ms, &bearer, &cookie));
                for other in [
                    Bearer { peer: b"peer", message: b"messagf" },
                    Bearer { peer: b"pees", message: b"message" },
                    Bearer { peer: b"peerm", message: b"essage" },
                    Bearer { peer: b"", message: b"peermessage" },
                ] {
                    assert!(!is_good(&cookies, now_ms, &other, &cookie));
                }
                for bit in 0..128 {
                    let mut other = cookie;
                    other[bit / 8] ^= 1 << (bit % 8);
                    assert!(!is_good(&cookies, now_ms, &bearer, &other));
                }
            }
            assert!(!is_good(&cookies, start + 2 * EPOCH_MS, &bearer, &cookie), "stale");
            // The key of the next epoch is another one, and the old one is still known.
            let next = make(&mut cookies, start + EPOCH_MS, &bearer);
            assert_ne!(next, cookie);
            assert!(is_good(&cookies, start + EPOCH_MS, &bearer, &cookie));
            assert!(is_good(&cookies, start + 2 * EPOCH_MS, &bearer, &next));
            // After a pause nothing of before is.
            make(&mut cookies, start + 9 * EPOCH_MS, &bearer);
            for old in [cookie, next] {
                assert!(!is_good(&cookies, start + 9 * EPOCH_MS, &bearer, &old));
            }
        }
    }

    #[test]
    fn a_rate_is_of_a_second() {
        let mut rate = Rate { limit: 2, ..Rate::default() };
        let exceeded = [0, 500, 999, 999, 1000, 1000, 1999, 9000].map(|now_ms| rate.is_exceeded(now_ms));
        assert_eq!(exceeded, [false, false, true, true, false, false, true, false]);
        let mut unlimited = Rate::default();
        assert!((0..100).all(|_| !unlimited.is_exceeded(1)));
    }
}
