//! The forms of group objects: what comes before the ciphertext, which is the value of the OSCORE option in the message carrier
//! (RFC 10021, RFC 8613 section 6.1).

use super::Mode;
use crate::bytes::Bytes;
use crate::error::Error;
use crate::wire::object::PartialIv;

/// Group Flag, kid context and kid; the low bits are the length of the Partial IV.
pub(super) const REQUEST_FLAGS: u8 = 0x38;
/// The kid alone.
const ANSWER_FLAGS: u8 = 0x08;
/// The length of a Gid.
pub(super) const GID_LEN: u8 = 3;

/// What `option` of a request has beside the number: flags, the length of the Gid, and the Gid.
const FIXED_LEN: usize = 1 + 1 + 3;
/// The longest `option` of a request.
pub const REQUEST_HEADER_MAX: usize = FIXED_LEN + 5;
/// The length of an answer's.
pub const ANSWER_HEADER_LEN: usize = 2;

/// `option` of a request or an answer.
pub(crate) type Header = Bytes<REQUEST_HEADER_MAX>;

/// A Group Identifier: the group, and the mode and the end of the epoch's number in one byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gid([u8; 3]);

impl Gid {
    /// Of a group's mode in an epoch.
    pub fn new(group: u16, mode: Mode, epoch: u32) -> Self {
        let [high, low] = group.to_be_bytes();
        let [.., end] = epoch.to_be_bytes();
        Self([high, low, mode.number() << 6 | end & 0x3f])
    }

    /// The group's number.
    pub fn group(self) -> u16 {
        let [high, low, _] = self.0;
        u16::from_be_bytes([high, low])
    }

    /// `None` for a mode that there is none of.
    pub fn mode(self) -> Option<Mode> {
        let [.., last] = self.0;
        Mode::from_number(last >> 6)
    }

    /// The epoch modulo 64.
    pub fn epoch(self) -> u8 {
        let [.., last] = self.0;
        last & 0x3f
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// What a request says of itself in the clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RequestForm {
    /// The sender's number.
    pub number: u64,
    /// Group, mode and epoch.
    pub gid: Gid,
    /// How many bytes this takes.
    pub len: usize,
}

impl RequestForm {
    /// Room for one.
    pub const EMPTY: Self = Self { number: 0, gid: Gid([0; 3]), len: 0 };

    /// Of a number that there is.
    pub fn of(gid: Gid, number: u64) -> Self {
        Self { number, gid, len: usize::from(PartialIv::of(number).byte_len()).saturating_add(FIXED_LEN) }
    }

    /// Takes it off the front of an object, or of an OSCORE option's value. [`Error::Malformed`]: not a group request.
    pub fn parse(object: &[u8]) -> Result<Self, Error> {
        let (flags, rest) = object.split_first().ok_or(Error::Malformed)?;
        let n = usize::from(flags ^ REQUEST_FLAGS);
        if !matches!(n, 1..=5) {
            return Err(Error::Malformed);
        }
        let (piv, rest) = rest.split_at_checked(n).ok_or(Error::Malformed)?;
        match rest {
            [GID_LEN, a, b, c, ..] => Ok(Self {
                number: PartialIv::parse(piv)?,
                gid: Gid([*a, *b, *c]),
                len: n.saturating_add(FIXED_LEN),
            }),
            _ => Err(Error::Malformed),
        }
    }

    /// As it is written.
    pub fn header(&self) -> Result<Header, Error> {
        let piv = PartialIv::of(self.number);
        let mut header = Header::EMPTY;
        for part in [&[REQUEST_FLAGS | piv.byte_len()], piv.as_slice(), &[GID_LEN], self.gid.as_slice()] {
            header.append(part)?;
        }
        Ok(header)
    }
}

/// `option` of an answer.
pub(crate) fn answer_header(kid: u8) -> [u8; ANSWER_HEADER_LEN] {
    [ANSWER_FLAGS, kid]
}

/// The kid of an answer: takes it off the front of an object, or of an OSCORE option's value. [`Error::Malformed`]: not one.
pub(crate) fn parse_answer(object: &[u8]) -> Result<u8, Error> {
    match object {
        [ANSWER_FLAGS, kid, ..] => Ok(*kid),
        _ => Err(Error::Malformed),
    }
}

/// Whether bytes begin as a group request does: an object, or an OSCORE option's value.
pub fn is_group_object(bytes: &[u8]) -> bool {
    matches!(bytes, [first, ..] if matches!(first ^ REQUEST_FLAGS, 1..=5))
}
