//! What ties a response to its request.

use crate::error::Error;
use crate::limits::FINGERPRINT_LEN;

/// Whose request it was.
const OURS: u8 = 1;
const THEIRS: u8 = 2;

/// One request, for as long as answers to it are made or awaited. Belongs to one session.
#[derive(Clone, Default)]
pub struct Exchange {
    fingerprint: [u8; FINGERPRINT_LEN],
    /// The request's sequence number.
    sequence: u64,
    /// One above the highest numbered answer received; 0 while there is none.
    answers_below: u64,
    whose: u8,
    /// An answer has been received.
    received: u8,
    /// How whole messages carry it; 0 for objects (see [`Binding`]).
    carrier: u8,
    /// The code of the outer request.
    outer_code: u8,
    /// What would be padding, and as such filled with whatever was on the stack, in the caller's object.
    unused: [u8; 4],
}

/// What a whole message (feature `coap`) notes for its answers.
#[cfg(feature = "coap")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Binding {
    /// The carrier's number.
    pub carrier: u8,
    /// The code of the outer request.
    pub outer_code: u8,
}

wiped!(Exchange { fingerprint, sequence, answers_below, whose, received, carrier, outer_code, unused });

impl Exchange {
    pub(super) fn ours(fingerprint: [u8; FINGERPRINT_LEN], sequence: u64) -> Self {
        Self { fingerprint, sequence, whose: OURS, ..Self::default() }
    }

    pub(super) fn theirs(fingerprint: [u8; FINGERPRINT_LEN], sequence: u64) -> Self {
        Self { fingerprint, sequence, whose: THEIRS, ..Self::default() }
    }

    #[cfg(feature = "coap")]
    pub(crate) fn binding(&self) -> Binding {
        Binding { carrier: self.carrier, outer_code: self.outer_code }
    }

    #[cfg(feature = "coap")]
    pub(crate) fn bind(&mut self, binding: Binding) {
        (self.carrier, self.outer_code) = (binding.carrier, binding.outer_code);
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn check_ours(&self, fingerprint: &[u8; FINGERPRINT_LEN]) -> Result<(), Error> {
        self.check(OURS, fingerprint)
    }

    pub(super) fn check_theirs(&self, fingerprint: &[u8; FINGERPRINT_LEN]) -> Result<(), Error> {
        self.check(THEIRS, fingerprint)
    }

    /// An exchange of another session would lead to that session's nonces.
    fn check(&self, whose: u8, fingerprint: &[u8; FINGERPRINT_LEN]) -> Result<(), Error> {
        match self.whose {
            OURS | THEIRS if self.whose == whose && self.fingerprint == *fingerprint => Ok(()),
            OURS | THEIRS => Err(Error::State),
            _ => Err(Error::Uninitialised),
        }
    }

    /// Section 9: one answer without a number, as the first; numbers rise.
    pub(super) fn check_answer(&self, number: Option<u64>) -> Result<(), Error> {
        let fresh = match number {
            None => self.received == 0,
            Some(number) => number >= self.answers_below,
        };
        if fresh { Ok(()) } else { Err(Error::Replay) }
    }

    pub(super) fn mark_answer(&mut self, number: Option<u64>) {
        self.received = 1;
        if let Some(number) = number {
            self.answers_below = number.wrapping_add(1); // it has five bytes
        }
    }
}
