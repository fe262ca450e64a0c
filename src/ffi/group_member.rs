//! `lscoap_member`: a device's side of a group.

use super::backend::Member;
use super::group_exchange::lscoap_group_exchange;
use super::handshake::give;
use super::io::lscoap_io;
use super::platform::lscoap_platform;
use super::pointers::{Out, behind, behind_mut, bytes, bytes_mut, object};
use super::status::{LSCOAP_OK, LSCOAP_SEND, lscoap_status, merge};
use crate::bytes::copy;
use crate::error::Error;
use crate::group::{
    GroupMessage, MemberConfig, MemberStats, Membership, Opening, RequestForm, answer_header,
};
use crate::limits::TAG_LEN;

/// A device's side of a group. Place it in zeroed memory and never copy it. A device has one for each group that it is in.
#[repr(C)]
pub struct lscoap_member {
    opaque_: [u64; LSCOAP_MEMBER_WORDS],
}

/// The length of `lscoap_member`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_MEMBER_WORDS: usize = 59;
/// The length of `lscoap_member`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_MEMBER_WORDS: usize = 57;

handle!(lscoap_member => Member);
same_size!(Member, lscoap_member);

/// How a member behaves. Zeroes are what most want.
#[repr(C)]
pub struct lscoap_member_config {
    /// The greatest age of requests in groups with LSCOAP_GROUP_TIMED, in seconds: it bounds for how long somebody can hold a request
    /// back. 0: ages are not checked.
    pub max_age_s: u32,
    /// One failed signature or tag is paid for by so much time, in ms; 0: 1,000. Take 4,000 where a signature takes half a second.
    pub verify_ms: u32,
    /// The least time between two ASKs, in ms; 0: 60,000.
    pub ask_ms: u32,
}

/// What a device is in a group.
#[repr(C)]
pub struct lscoap_membership {
    /// The epoch that it holds.
    pub epoch: u32,
    /// The group's number.
    pub number: u16,
    /// Where requests are sent to: the UDP port.
    pub port: u16,
    /// Modes and flags: LSCOAP_GROUP_....
    pub flags: u8,
    /// With LSCOAP_GROUP_TAGGED the slots, else 0.
    pub slots: u8,
    /// The device's name in the group; 0: it has none.
    pub kid: u8,
    /// The length of `address`: 4, 16, or 0 if the owner said none.
    pub address_len: u8,
    /// Where requests are sent to: the IP multicast address.
    pub address: [u8; 16],
}

/// Makes a member of no group, over whatever `member` held before; it is to ask. `platform` may be null: it is for AES in hardware. So may
/// `config`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_init(
    member: *mut lscoap_member,
    platform: *const lscoap_platform,
    config: *const lscoap_member_config,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let member = behind_mut(member)?;
        member.init(engine_of(platform)?, &config_of(config)?);
        Ok(LSCOAP_OK)
    })())
}

/// Of a platform that may be null.
pub(super) unsafe fn engine_of(platform: *const lscoap_platform) -> Result<super::backend::Engine, Error> {
    // SAFETY: the contract.
    if platform.is_null() { Ok(Default::default()) } else { Ok(unsafe { object(platform) }?.engine()) }
}

/// Null is zeroes.
pub(super) unsafe fn config_of(config: *const lscoap_member_config) -> Result<MemberConfig, Error> {
    if config.is_null() {
        return Ok(MemberConfig::default());
    }
    // SAFETY: the contract.
    let &lscoap_member_config { max_age_s, verify_ms, ask_ms } = unsafe { object(config)? };
    Ok(MemberConfig { max_age_s, verify_ms, ask_ms })
}

/// Writes an ASK: at most LSCOAP_GROUP_MESSAGE_MAX bytes, to be sealed as a POST to /.well-known/lscoap/group in the session with the owner. A later one makes
/// the answer to an earlier one worthless: drop its exchange.
/// LSCOAP_SEND; LSCOAP_ERR_STATE: too soon after the last one, see lscoap_member_ask_due().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_ask(
    member: *mut lscoap_member,
    now_ms: u64,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let member = behind_mut(member)?;
        let (room, out_len) = (message_room(out, out_cap)?, Out::new(out_len)?);
        let mut message = GroupMessage::new();
        member.ask(now_ms, &mut message)?;
        give(&message, room, out_len)?;
        Ok(LSCOAP_SEND)
    })())
}

/// Room for any message about membership: whether a call fails for want of it does not depend on what came in.
pub(super) unsafe fn message_room<'a>(out: *mut u8, out_cap: usize) -> Result<&'a mut [u8], Error> {
    // SAFETY: the contract.
    let room = unsafe { bytes_mut(out, out_cap)? };
    if room.len() < crate::group::GROUP_MESSAGE_MAX {
        return Err(Error::Capacity);
    }
    Ok(room)
}

/// When the next ASK is due, in ms of the clock that the calls are given; add a random part of the leisure unless the device woke up by
/// itself. UINT64_MAX: there is no reason for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_ask_due(member: *const lscoap_member) -> u64 {
    // SAFETY: the contract.
    unsafe { behind(member) }.map_or(u64::MAX, Member::ask_due)
}

/// The device has slept: the member is to ask before it listens, see lscoap_member_ask_due(). Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_wake(member: *mut lscoap_member) {
    // SAFETY: the contract.
    if let Ok(member) = unsafe { behind_mut(member) } {
        member.wake();
    }
}

/// Takes what answered the last ASK: the payload of a 2.04 that opened for that ASK's exchange, a JOIN, SYNC or LEAVE. Nothing else.
/// LSCOAP_ERR_UNKNOWN_SESSION: not a member any more; the keys have been wiped. LSCOAP_ERR_UNEXPECTED: no ASK is out, or of another
/// group or epoch. LSCOAP_ERR_MALFORMED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_answer(
    member: *mut lscoap_member,
    now_ms: u64,
    input: *const u8,
    input_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        behind_mut(member)?.answer(now_ms, bytes(input, input_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Takes a NOTICE: the payload of a POST to /.well-known/lscoap/group that opened, in the session or in the group. Answer it 2.04, without a payload, in the
/// session only.
/// LSCOAP_OK: nothing new. LSCOAP_ERR_ASK: there is a newer epoch. LSCOAP_ERR_UNKNOWN_SESSION: of another group. LSCOAP_ERR_MALFORMED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_notice(
    member: *mut lscoap_member,
    input: *const u8,
    input_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        behind_mut(member)?.notice(bytes(input, input_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Opens a request to the group that came as an object in a CoAP payload; `io.aad` as in lscoap_open_request(), at most LSCOAP_GROUP_AAD_MAX
/// bytes. `out` has room for the plaintext. `*mode` is how the sender was proved: an application may want LSCOAP_GROUP_SIGNED for
/// some resources. `*exchange` is for lscoap_member_seal_answer(). Answer nothing on an error, whatever it is, but a confirmable message with
/// a Reset before it comes here.
/// LSCOAP_ERR_UNKNOWN_SESSION: of another group, mode or epoch: try the next member. LSCOAP_ERR_ASK, LSCOAP_ERR_BUDGET. LSCOAP_ERR_REPLAY,
/// LSCOAP_ERR_MALFORMED, LSCOAP_ERR_AUTHENTICATION: drop it; after the last the place of the plaintext has been zeroed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_open_request(
    member: *mut lscoap_member,
    io: *mut lscoap_io,
    mode: *mut i32,
    exchange: *mut lscoap_group_exchange,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let member = behind_mut(member)?;
        let io = lscoap_io::of(io)?;
        let carrier = io.carrier()?;
        let (mode, exchange) = (Out::new(mode)?, behind_mut(exchange)?);
        member.check_live()?;
        let input = io.input();
        let form = RequestForm::parse(input)?;
        let body = input.get(form.len..).unwrap_or_default();
        let mut opening = Opening::EMPTY;
        member.begin_open_request(io.now_ms, &form, body, &mut opening)?;
        io.open_at(form.len, opening.data_len(), |data| {
            member.open_request_in_place(&opening, carrier, data, exchange)
        })?;
        mode.write(form.gid.mode().map_or(0, |mode| mode.number().into()));
        Ok(LSCOAP_OK)
    })())
}

/// Gives back a whole request to the group, in whichever carrier it came, as the group's sender made it. Otherwise as
/// lscoap_member_open_request().
/// LSCOAP_ERR_UNEXPECTED: not a request to a group; it may be one in a session. LSCOAP_ERR_MALFORMED: also a confirmable one, which gets a Reset. LSCOAP_ERR_BAD_OPTION: an option where it
/// may not be; drop it.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_unprotect_request(
    member: *mut lscoap_member,
    io: *mut lscoap_io,
    mode: *mut i32,
    exchange: *mut lscoap_group_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let member = behind_mut(member)?;
        let (place, exchange) = (Out::new(mode)?, Out::behind(exchange)?);
        let io = lscoap_io::of(io)?;
        let now_ms = io.now_ms;
        io.run(|buffer, len| {
            let opened = member.unprotect_request(now_ms, buffer, len)?;
            let (len, mode, opened) = opened;
            exchange.write(opened);
            place.write(mode.number().into());
            Ok(len)
        })
    })())
}

/// Whether an answer with this code is wanted, 1 or 0: 2.05 to GET and FETCH, or what the request's inner No-Response option (RFC 7967) says. Send
/// it non-confirmably, after a random part of the leisure, and only to the address at which this device has its server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_answer_wanted(
    member: *const lscoap_member,
    exchange: *const lscoap_group_exchange,
    code: u8,
) -> i32 {
    // SAFETY: the contract; any bytes are a valid exchange.
    let wanted = (|| unsafe { Ok::<_, Error>(behind(member)?.wants_answer(behind(exchange)?, code)) })();
    wanted.unwrap_or(false).into()
}

/// Seals the one answer to a request as an object for a CoAP payload, LSCOAP_GROUP_ANSWER_OVERHEAD bytes longer.
/// LSCOAP_ERR_ANSWERED: it had one. LSCOAP_ERR_STATE: there are no answers in this group, or the member holds another epoch by now.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_seal_answer(
    member: *mut lscoap_member,
    io: *mut lscoap_io,
    exchange: *mut lscoap_group_exchange,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let (member, exchange) = (behind_mut(member)?, behind_mut(exchange)?);
        let io = lscoap_io::of(io)?;
        let kid = member.begin_answer(exchange)?;
        io.seal_at(&answer_header(kid), TAG_LEN, |rest| member.seal_answer_in_place(exchange, rest))
    })())
}

/// Protects a whole answer, in the carrier of its request, with room for LSCOAP_PROTECT_OVERHEAD bytes more. Otherwise as
/// lscoap_member_seal_answer().
/// LSCOAP_ERR_ARGUMENT: not a response, or with an option that a group has not. LSCOAP_ERR_STATE: also where the request was not unprotected by
/// lscoap_member_unprotect_request().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_protect_answer(
    member: *mut lscoap_member,
    io: *mut lscoap_io,
    exchange: *mut lscoap_group_exchange,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let (member, exchange) = (behind_mut(member)?, behind_mut(exchange)?);
        lscoap_io::of(io)?.run(|buffer, len| member.protect_answer(exchange, buffer, len))
    })())
}

pub(super) fn membership_of(of: &Membership) -> lscoap_membership {
    let mut address = [0; 16];
    copy(&mut address, &of.address.bytes);
    lscoap_membership {
        epoch: of.epoch,
        number: of.number,
        port: of.address.port,
        flags: of.flags,
        slots: of.slots,
        kid: of.kid,
        address_len: u8::try_from(of.address.bytes.len()).unwrap_or(0),
        address,
    }
}

/// What the device is in the group.
/// LSCOAP_ERR_UNINITIALISED: not in one, as before the first JOIN.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_group(
    member: *const lscoap_member,
    membership: *mut lscoap_membership,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let place = Out::new(membership)?;
        place.write(membership_of(&behind(member)?.group()?));
        Ok(LSCOAP_OK)
    })())
}

/// What the member has opened and refused.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_get_stats(
    member: *const lscoap_member,
    out: *mut MemberStats,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let (member, place) = (behind(member)?, Out::new(out)?);
        member.check_live()?;
        place.write(member.stats());
        Ok(LSCOAP_OK)
    })())
}

/// Wipes the keys. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_wipe(member: *mut lscoap_member) {
    // SAFETY: the contract.
    if let Ok(member) = unsafe { behind_mut(member) } {
        member.wipe();
    }
}
