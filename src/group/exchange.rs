//! What ties answers to a group's request.

use super::form::{Gid, RequestForm};
use super::{GROUP_AAD_MAX, Mode};
use crate::bytes::Bytes;
use crate::coap::message::{CONTENT, FETCH, GET};
use crate::coap::option::{NO_RESPONSE, Reader, uint_value};
use crate::crypto::Point;
use crate::error::Error;
use crate::session::{Binding, Carrier};

/// A bit for each kid.
const KIDS: usize = 256 / 8;
/// Of [`GroupExchange::wanted`]: 2.05 alone. Otherwise a bit for each class.
const CONTENT_ALONE: u8 = 1;

/// One request to a group, for as long as answers to it are made or awaited. It cannot be cloned: a
/// clone of a member's would answer once more, under the same nonce. Holds no secret, and no padding, which would be filled with
/// whatever was on the stack.
pub struct GroupExchange {
    /// The beginning of the owner's public key, which another group does not have.
    owner: [u8; 12],
    number: u64,
    epoch: u32,
    group: u16,
    /// 0: nothing is there.
    mode: u8,
    /// Which answers are wanted.
    wanted: u8,
    /// How whole messages carry it; 0 for objects.
    carrier: u8,
    /// The code of the outer request.
    outer_code: u8,
    /// Whether the request was in the payload carrier, whose additional data answers are bound to as well.
    is_payload: u8,
    aad: Bytes<GROUP_AAD_MAX>,
    answered: [u8; KIDS],
}

impl Default for GroupExchange {
    fn default() -> Self {
        Self {
            owner: [0; 12],
            number: 0,
            epoch: 0,
            group: 0,
            mode: 0,
            wanted: 0,
            carrier: 0,
            outer_code: 0,
            is_payload: 0,
            aad: Bytes::EMPTY,
            answered: [0; KIDS],
        }
    }
}

impl GroupExchange {
    /// Becomes that of a request with this plaintext, which decides about the answers that are wanted.
    pub(crate) fn begin(
        &mut self,
        owner: &Point,
        epoch: u32,
        form: &RequestForm,
        carrier: Carrier<'_>,
        plaintext: &[u8],
    ) -> Result<(), Error> {
        let mode = form.gid.mode().ok_or(Error::UnknownSession)?;
        *self = Self::default();
        self.owner = fingerprint(owner);
        (self.group, self.epoch, self.number) = (form.gid.group(), epoch, form.number);
        (self.mode, self.wanted) = (mode.number(), wanted(plaintext));
        if let Carrier::Payload(aad) = carrier {
            self.is_payload = 1;
            self.aad.append(aad).map_err(|_| Error::Argument)?;
        }
        Ok(())
    }

    /// Whether it is one of this group's, in this epoch: [`Error::State`] if not, [`Error::Uninitialised`] if there is none.
    pub(crate) fn check(&self, owner: &Point, group: u16, epoch: u32) -> Result<Mode, Error> {
        let mode = Mode::from_number(self.mode).ok_or(Error::Uninitialised)?;
        let is_ours = self.owner == fingerprint(owner) && self.group == group && self.epoch == epoch;
        if is_ours { Ok(mode) } else { Err(Error::State) }
    }

    /// What the request said of itself.
    pub(super) fn form(&self, mode: Mode) -> RequestForm {
        RequestForm::of(Gid::new(self.group, mode, self.epoch), self.number)
    }

    pub(super) fn carrier(&self) -> Carrier<'_> {
        if self.is_payload == 0 { Carrier::Oscore } else { Carrier::Payload(&self.aad) }
    }

    /// Whether the answer of a kid has been made, or has come.
    pub(crate) fn is_answered(&self, kid: u8) -> bool {
        self.answered.get(usize::from(kid / 8)).is_some_and(|byte| byte >> (kid % 8) & 1 == 1)
    }

    pub(crate) fn mark_answered(&mut self, kid: u8) {
        if let Some(byte) = self.answered.get_mut(usize::from(kid / 8)) {
            *byte |= 1 << (kid % 8);
        }
    }

    /// Whether an answer with this code is wanted: 2.05 to GET and FETCH, and what an inner No-Response option (RFC 7967) of the request does
    /// not suppress, if it has one.
    pub fn wants(&self, code: u8) -> bool {
        match self.wanted {
            CONTENT_ALONE => code == CONTENT,
            classes => classes >> (code >> 5) & 1 == 1,
        }
    }

    pub(crate) fn binding(&self) -> Binding {
        Binding { carrier: self.carrier, outer_code: self.outer_code }
    }

    pub(crate) fn bind(&mut self, binding: Binding) {
        (self.carrier, self.outer_code) = (binding.carrier, binding.outer_code);
    }
}

fn fingerprint(owner: &Point) -> [u8; 12] {
    owner.x.first_chunk().copied().unwrap_or_default()
}

/// See [`GroupExchange::wants`]. What cannot be read wants no answer.
fn wanted(plaintext: &[u8]) -> u8 {
    let mut reader = Reader::new(1);
    loop {
        let found = match reader.next(plaintext) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(_) => return 0,
        };
        let value = plaintext.get(found.at..found.at.saturating_add(found.len)).unwrap_or(&[]);
        if let (NO_RESPONSE, 0..=1, Ok(suppressed)) = (found.number, found.len, uint_value(value)) {
            // RFC 7967 section 2.1: the bit before that of the class.
            return (1 << 2 | 1 << 4 | 1 << 5) & !(suppressed.to_le_bytes()[0] << 1);
        }
    }
    match plaintext.first() {
        Some(&(GET | FETCH)) => CONTENT_ALONE,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn wants(plaintext: &[u8]) -> Vec<u8> {
        let owner = Point::EMPTY;
        let mut exchange = GroupExchange::default();
        let form = RequestForm::of(Gid::new(1, Mode::Signed, 1), 0);
        exchange.begin(&owner, 1, &form, Carrier::Oscore, plaintext).unwrap();
        (0..=255).filter(|code| exchange.wants(*code)).collect()
    }

    fn classes(classes: &[u8]) -> Vec<u8> {
        (0..=255).filter(|code| classes.contains(&(code >> 5))).collect()
    }

    /// No-Response, 258, is option 0xd0 0xf5 behind nothing.
    #[test]
    fn what_is_wanted() {
        for method in [1, 5] {
            assert_eq!(wants(&[method]), [0x45]);
        }
        for method in [2, 3, 4, 6, 7] {
            assert!(wants(&[method]).is_empty());
            assert_eq!(wants(&[method, 0xd0, 0xf5]), classes(&[2, 4, 5]), "0 in the shortest form");
            assert_eq!(wants(&[method, 0xd1, 0xf5, 0]), classes(&[2, 4, 5]));
            assert_eq!(wants(&[method, 0xd1, 0xf5, 2]), classes(&[4, 5]));
            assert_eq!(wants(&[method, 0xd1, 0xf5, 8]), classes(&[2, 5]));
            assert_eq!(wants(&[method, 0xd1, 0xf5, 16]), classes(&[2, 4]));
            assert_eq!(wants(&[method, 0xb1, b'a', 0xd1, 0xea, 24, 0xff, 0]), classes(&[2]));
        }
        assert!(wants(&[1, 0xd1, 0xf5, 26]).is_empty());
        assert!(wants(&[1, 0xd1, 0xf5, 0xff]).is_empty());
        // Longer than it may be, it is not there; nor is it in the payload, nor is a second one.
        assert_eq!(wants(&[1, 0xd2, 0xf5, 0, 26]), [0x45]);
        assert_eq!(wants(&[1, 0xff, 0xd1, 0xf5, 26]), [0x45]);
        assert_eq!(wants(&[1, 0xd1, 0xf5, 2, 0x01, 24]), classes(&[4, 5]));
        assert!(wants(&[]).is_empty());
        assert!(wants(&[1, 0xf0]).is_empty());
    }

    #[test]
    fn a_bit_for_each_kid() {
        let mut exchange = GroupExchange::default();
        for kid in 0..=255 {
            assert!(!exchange.is_answered(kid));
            exchange.mark_answered(kid);
            assert!(exchange.is_answered(kid));
        }
    }
}
