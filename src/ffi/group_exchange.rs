//! `lscoap_group_exchange`, and what owner and members have in common.

use super::pointers::bytes;
use crate::error::Error;
use crate::group::{GroupExchange, Mode, is_group_object};

/// A request is signed. (A mode, and the flag of a group that has it.)
pub const LSCOAP_GROUP_SIGNED: i32 = 1;
/// A request has a tag of 4 bytes for each slot, of at most 16: quick, and a member that was taken apart guesses another's
/// once in 2^32 times. (A mode, and the flag of a group that has it.)
pub const LSCOAP_GROUP_TAGGED: i32 = 2;
/// A flag of groups: members answer.
pub const LSCOAP_GROUP_ANSWERS: i32 = 8;
/// A flag of groups: numbers follow the sender's clock, so that members can tell how old a request is.
pub const LSCOAP_GROUP_TIMED: i32 = 32;

/// The most slots of a group with LSCOAP_GROUP_TAGGED.
pub const LSCOAP_GROUP_SLOTS_MAX: usize = 16;
/// The most places of a group.
pub const LSCOAP_GROUP_PLACES_MAX: usize = 254;
/// The longest message about membership, in bytes.
pub const LSCOAP_GROUP_MESSAGE_MAX: usize = 180;
/// The most additional data of a request to a group, in bytes.
pub const LSCOAP_GROUP_AAD_MAX: usize = 64;
/// The most that sealing adds to a request to a group, in bytes.
pub const LSCOAP_GROUP_REQUEST_OVERHEAD: usize = 82;
/// What sealing adds to an answer to one, in bytes.
pub const LSCOAP_GROUP_ANSWER_OVERHEAD: usize = 10;
/// The most that protecting makes a whole request to a group longer, in bytes.
pub const LSCOAP_GROUP_PROTECT_OVERHEAD: usize = 115;
/// The Content-Format of messages about membership.
pub const LSCOAP_CONTENT_FORMAT_GROUP: u16 = 65003;

const _: () = assert!(LSCOAP_GROUP_SLOTS_MAX == crate::group::SLOTS_MAX as usize);
const _: () = assert!(LSCOAP_GROUP_PLACES_MAX == crate::group::KID_MAX as usize);
const _: () = assert!(LSCOAP_GROUP_MESSAGE_MAX == crate::group::GROUP_MESSAGE_MAX);
const _: () = assert!(LSCOAP_GROUP_AAD_MAX == crate::group::GROUP_AAD_MAX);
const _: () = assert!(LSCOAP_GROUP_REQUEST_OVERHEAD == crate::group::GROUP_REQUEST_OVERHEAD);
const _: () = assert!(LSCOAP_GROUP_ANSWER_OVERHEAD == crate::group::GROUP_ANSWER_OVERHEAD);
const _: () =
    assert!(LSCOAP_GROUP_PROTECT_OVERHEAD == crate::coap::PROTECT_OVERHEAD + crate::group::PROOF_MAX);

/// One request to a group, for as long as its answers are made or awaited: the owner's leisure + 30 s. Holds no secret. A member's
/// is never copied: a copy would answer once more, under the same nonce.
#[repr(C)]
pub struct lscoap_group_exchange {
    opaque_: [u64; 16],
}

handle!(lscoap_group_exchange => GroupExchange);
same_size!(GroupExchange, lscoap_group_exchange);

pub(super) fn mode_of(number: i32) -> Result<Mode, Error> {
    u8::try_from(number).ok().and_then(Mode::from_number).ok_or(Error::Argument)
}

/// Whether bytes begin as a request to a group does: a payload, or the value of an OSCORE option. 1 or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_is_group_object(input: *const u8, input_len: usize) -> i32 {
    // SAFETY: the contract.
    unsafe { bytes(input, input_len) }.is_ok_and(is_group_object).into()
}
