//! Groups: one sealed CoAP request to many devices (docs/group.md). A group object is a message of Group OSCORE (RFC 10021):
//! requests in its group mode, answers in its pairwise mode. Who is a member, and with which keys, is settled inside the
//! session that each device has with its server, which is the group's owner.

mod answer;
mod asking;
mod budget;
mod by_copy;
#[cfg(feature = "group-delegate")]
mod delegate;
mod exchange;
mod form;
mod keys;
mod member;
mod message;
#[cfg(any(feature = "server", feature = "group-delegate"))]
mod numbers;
mod object;
#[cfg(feature = "server")]
mod owner;
#[cfg(feature = "server")]
mod place;
#[cfg(feature = "server")]
mod sending;
mod stats;
mod store;
#[cfg(all(test, feature = "server"))]
pub(crate) mod tests;

#[cfg(feature = "group-delegate")]
pub use delegate::{DELEGATE_BLOB_MAX, Delegate};
pub use exchange::GroupExchange;
pub use form::is_group_object;
pub(crate) use form::{ANSWER_HEADER_LEN, RequestForm, answer_header, parse_answer};
pub use member::{Member, MemberConfig, Membership};
pub(crate) use object::{Opening, PROOF_MAX, Sealing};
#[cfg(feature = "server")]
pub use owner::{Env, Group, GroupConfig, SavePlace, group_of_ask, write_leave};
#[cfg(feature = "server")]
pub use place::Place;
pub use stats::MemberStats;
#[cfg(feature = "server")]
pub use store::GROUP_BLOB_MAX;
pub use store::MEMBER_BLOB_MAX;

use crate::bytes::Bytes;

/// How members know that a request comes from the group's sender. In either mode only the sender can have made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Mode {
    /// By a signature.
    Signed = 1,
    /// By a tag of 4 bytes for each slot: quick, and a member that was taken apart guesses another's once in 2^32 times.
    Tagged = 2,
}

impl Mode {
    /// The mode of a number, which is also its flag.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Signed),
            2 => Some(Self::Tagged),
            _ => None,
        }
    }

    /// See [`Mode::from_number`].
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Signed, Self::Tagged];

    /// This mode's of one for each.
    pub(crate) fn of<T>(self, [signed, tagged]: &[T; 2]) -> &T {
        match self {
            Self::Signed => signed,
            Self::Tagged => tagged,
        }
    }

    /// See [`Mode::of`].
    pub(crate) fn of_mut<T>(self, [signed, tagged]: &mut [T; 2]) -> &mut T {
        match self {
            Self::Signed => signed,
            Self::Tagged => tagged,
        }
    }
}

/// What a group is: its modes and what is true of it beside.
pub mod flag {
    /// Requests may be signed.
    pub const SIGNED: u8 = 0x01;
    /// Requests may be tagged.
    pub const TAGGED: u8 = 0x02;
    /// Members answer.
    pub const ANSWERS: u8 = 0x08;
    /// A device sends in the owner's place.
    pub const DELEGATED: u8 = 0x10;
    /// Numbers follow the sender's clock.
    pub const TIMED: u8 = 0x20;
    /// In a JOIN: for that device.
    pub const DELEGATE: u8 = 0x40;
}

/// The most slots of a group with [`Mode::Tagged`].
pub const SLOTS_MAX: u8 = 16;
/// The highest kid of a member.
pub const KID_MAX: u8 = 254;
/// The Content-Format of messages about membership.
pub const CONTENT_FORMAT_GROUP: u16 = 65_003;
/// The longest message about membership, in bytes.
pub const GROUP_MESSAGE_MAX: usize = 180;
/// The most additional data of a request in the payload carrier, in bytes: an exchange keeps it, since answers are bound to it too.
pub const GROUP_AAD_MAX: usize = 64;
/// The most that sealing adds to a request, in bytes.
pub const GROUP_REQUEST_OVERHEAD: usize =
    form::REQUEST_HEADER_MAX + crate::limits::TAG_LEN + object::PROOF_MAX;
/// What sealing adds to an answer, in bytes.
pub const GROUP_ANSWER_OVERHEAD: usize = form::ANSWER_HEADER_LEN + crate::limits::TAG_LEN;
/// The unit in which the numbers of a timed group count, in milliseconds.
pub const TICK_MS: u64 = 64;

/// A message about membership on its way out: ASK, JOIN, SYNC, NOTICE or LEAVE.
pub type GroupMessage = heapless::Vec<u8, GROUP_MESSAGE_MAX>;

/// Where a group's requests are sent to; without bytes if members know it otherwise.
#[derive(Clone, Copy, Default)]
pub struct Address {
    /// An IPv4 or IPv6 multicast address: 4 or 16 bytes, or none.
    pub bytes: Bytes<16>,
    /// The UDP port.
    pub port: u16,
}
