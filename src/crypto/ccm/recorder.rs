//! For tests: every (key, nonce) that anything was sealed under.

use super::{KEY_LEN, NONCE_LEN};
use std::cell::RefCell;
use std::collections::BTreeSet;

type Used = BTreeSet<([u8; KEY_LEN], [u8; NONCE_LEN])>;

std::thread_local! {
    static USED: RefCell<Option<Used>> = const { RefCell::new(None) };
}

/// Forgets what this thread has sealed, and watches it from now on.
pub fn watch() {
    USED.set(Some(BTreeSet::new()));
}

/// How often something was sealed since.
pub fn count() -> usize {
    USED.with_borrow(|used| used.as_ref().map_or(0, BTreeSet::len))
}

/// Something is sealed: never twice under the same nonce.
pub(super) fn note(key: &[u8; KEY_LEN], nonce: &[u8; NONCE_LEN]) {
    let is_new = USED.with_borrow_mut(|used| used.as_mut().is_none_or(|used| used.insert((*key, *nonce))));
    assert!(is_new, "a nonce was used twice");
}
