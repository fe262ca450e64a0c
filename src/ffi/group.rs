//! `lscoap_group`: the owner's side of a group.

use super::backend::{Engine, Group, Session};
use super::calling::{Call, Calling, idle};
use super::coap::carrier_of;
use super::group_exchange::{lscoap_group_exchange, mode_of};
use super::group_member::message_room;
use super::handshake::give;
use super::io::lscoap_io;
use super::platform::lscoap_platform;
use super::pointers::{Out, behind, behind_mut, bytes, bytes_mut, object, objects_mut};
use super::session::lscoap_session;
use super::status::{LSCOAP_OK, LSCOAP_SEND, lscoap_status, merge};
use crate::bytes::Bytes;
use crate::error::Error;
use crate::group::{
    ANSWER_HEADER_LEN, Address, Env, GroupConfig, GroupExchange, GroupMessage, KID_MAX, Place, group_of_ask,
    parse_answer, write_leave,
};
use crate::limits::TAG_LEN;
use core::ffi::{c_int, c_void};
use zeroize::Zeroize;

/// The length of `lscoap_group`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_GROUP_WORDS: usize = 69;
/// The length of `lscoap_group`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_GROUP_WORDS: usize = 63;

/// A group as its owner has it. Place it in zeroed memory and never copy it.
#[repr(C)]
pub struct lscoap_group {
    opaque_: [u64; LSCOAP_GROUP_WORDS],
}

/// What is behind it.
pub struct Owned {
    pub(super) group: Group,
    surroundings: Surroundings,
}

/// What it was given at its creation.
struct Surroundings {
    platform: lscoap_platform,
    places: *mut Place,
    places_len: usize,
    save: lscoap_save_place,
    save_context: *mut c_void,
}

handle!(lscoap_group => Calling<Owned>);
const _: () = assert!(size_of::<Calling<Owned>>() <= size_of::<lscoap_group>()); // smaller without a delegate
const _: () = assert!(align_of::<Calling<Owned>>() <= align_of::<lscoap_group>());

/// The owner's room for one member, with LSCOAP_GROUP_ANSWERS or LSCOAP_GROUP_TAGGED. Its contents are the group's.
#[repr(C)]
pub struct lscoap_group_place {
    opaque_: [u64; 18],
}

handle!(lscoap_group_place => Place);
same_size!(Place, lscoap_group_place);

/// Writes to storage whose place in a group it is, by its kid, in place of an older device; a null id deletes it. 0 once that will survive.
pub type lscoap_save_place = Option<
    unsafe extern "C" fn(context: *mut c_void, kid: u8, device_id: *const u8, device_id_len: usize) -> c_int,
>;

/// What a group is. What the pointers lead to is copied, but `places`, which must outlive the group, and contexts. Zero every field that is
/// not used.
#[repr(C)]
pub struct lscoap_group_config {
    /// 1 to 65535, never one whose state was lost.
    pub number: u16,
    /// Modes and flags: LSCOAP_GROUP_....
    pub flags: u8,
    /// With LSCOAP_GROUP_TAGGED: how many members there may be, 1 to LSCOAP_GROUP_SLOTS_MAX.
    pub slots: u8,
    /// Where requests are sent to, for members to know: the UDP port.
    pub port: u16,
    /// The same: an IP multicast address. Null where members know it otherwise.
    pub address: *const u8,
    /// Its length: 4 or 16.
    pub address_len: usize,
    /// Room for members, with LSCOAP_GROUP_ANSWERS or LSCOAP_GROUP_TAGGED.
    pub places: *mut lscoap_group_place,
    /// How many: at most LSCOAP_GROUP_PLACES_MAX.
    pub places_len: usize,
    /// Null: places are not stored, and a restored group begins a new epoch.
    pub save_place: lscoap_save_place,
    /// Passed to it.
    pub save_place_context: *mut c_void,
}

impl lscoap_group_config {
    /// What the library copies of it; the pointers have been looked at.
    pub(super) unsafe fn read(&self) -> Result<GroupConfig, Error> {
        // SAFETY: the contract.
        let address = unsafe { bytes(self.address, self.address_len)? };
        let bytes = Bytes::copy_of(address, Error::Argument)?;
        if self.places_len > KID_MAX.into() {
            return Err(Error::Argument);
        }
        let port = if address.is_empty() { 0 } else { self.port };
        let Self { number, flags, slots, .. } = *self;
        Ok(GroupConfig { number, flags, slots, address: Address { bytes, port } })
    }
}

impl Owned {
    /// Has `work` make the group, of a configuration and its surroundings. Where it fails the object is as it was.
    pub(super) unsafe fn make(
        &mut self,
        platform: *const lscoap_platform,
        config: *const lscoap_group_config,
        now_ms: u64,
        work: impl FnOnce(&mut Group, Engine, &mut Env<'_, lscoap_platform>, &GroupConfig) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // SAFETY: the contract.
        let (config, platform) = unsafe { (object(config)?, *object(platform)?) };
        if platform.random.is_none() {
            return Err(Error::Null);
        }
        // SAFETY: the contract.
        let of = unsafe { config.read()? };
        let surroundings = Surroundings {
            platform,
            places: config.places.cast(),
            places_len: config.places_len,
            save: config.save_place,
            save_context: config.save_place_context,
        };
        // SAFETY: the contract.
        unsafe { surroundings.with(now_ms, |env| work(&mut self.group, platform.engine(), env, &of))? };
        self.surroundings = surroundings;
        Ok(())
    }

    /// Has `work` done on the group, with what surrounds it.
    pub(super) unsafe fn with<R>(
        &mut self,
        now_ms: u64,
        work: impl FnOnce(&mut Group, &mut Env<'_, lscoap_platform>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.group.check_live()?;
        // SAFETY: the contract.
        unsafe { self.surroundings.with(now_ms, |env| work(&mut self.group, env)) }
    }

    /// The places of a group that there is.
    pub(super) unsafe fn places<'a>(&self) -> Result<&'a mut [Place], Error> {
        self.group.check_live()?;
        // SAFETY: the contract: they outlive the group and only one call at a time uses them.
        unsafe { objects_mut(self.surroundings.places, self.surroundings.places_len) }
    }
}

impl Surroundings {
    unsafe fn with<R>(
        &self,
        now_ms: u64,
        work: impl FnOnce(&mut Env<'_, lscoap_platform>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        // SAFETY: the contract: they outlive the group and only one call at a time uses them.
        let places = unsafe { objects_mut(self.places, self.places_len)? };
        let context = self.save_context;
        let mut call = self.save.map(|save| {
            move |kid: u8, id: Option<&[u8]>| {
                let (id, len) = id.map_or((core::ptr::null(), 0), |id| (id.as_ptr(), id.len()));
                // SAFETY: the callback is C's own, and reads as many bytes as it is told.
                if unsafe { save(context, kid, id, len) } == 0 { Ok(()) } else { Err(Error::Storage) }
            }
        });
        let save = call.as_mut().map(|call| call as &mut dyn FnMut(u8, Option<&[u8]>) -> Result<(), Error>);
        let mut platform = self.platform;
        work(&mut Env { platform: &mut platform, places, now_ms, save })
    }
}

/// Makes a group in its first epoch, with fresh keys and free places, over whatever `group` held before.
/// LSCOAP_ERR_ARGUMENT: no such group. LSCOAP_ERR_RANDOM.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_create(
    group: *mut lscoap_group,
    platform: *const lscoap_platform,
    config: *const lscoap_group_config,
    now_ms: u64,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let make =
            |group: &mut Group, engine, env: &mut Env<'_, _>, config: &_| group.create(engine, env, config);
        Call::of(group)?.parts.make(platform, config, now_ms, make)?;
        Ok(LSCOAP_OK)
    })())
}

/// Answers an ASK of a device that the caller allows into the group, with a JOIN, or a SYNC if it needs no more. `io.input` is the payload of a
/// POST to /.well-known/lscoap/group that opened in `session`, which names the device; `io.out`, with LSCOAP_GROUP_MESSAGE_MAX bytes of room, is the payload of the 2.04
/// (LSCOAP_CONTENT_FORMAT_GROUP) to be sealed as the response to it.
/// LSCOAP_SEND. LSCOAP_ERR_FULL: there is no free place. LSCOAP_ERR_BUDGET: the device was given a JOIN less than 10 s ago. Both: answer 5.03 with
/// Max-Age 10. LSCOAP_ERR_UNKNOWN_SESSION: for another group, see lscoap_group_of_ask(). LSCOAP_ERR_MALFORMED: not an ASK, answer 4.00.
/// LSCOAP_ERR_UNSTORED: store the group, then call again. LSCOAP_ERR_STORAGE: the place could not be saved. LSCOAP_ERR_STATE: no request has opened in
/// `session` yet.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_answer_ask(
    group: *mut lscoap_group,
    session: *const lscoap_session,
    io: *mut lscoap_io,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let (call, io) = (Call::of(group)?, lscoap_io::of(io)?);
        let device_id = id_in(behind(session)?)?;
        message_room(io.out, io.out_cap)?;
        let (now_ms, ask) = (io.now_ms, io.input());
        let mut message = Secret(GroupMessage::new());
        call.parts.with(now_ms, |group, env| group.answer_ask(env, device_id, ask, &mut message.0))?;
        give(&message.0, message_room(io.out, io.out_cap)?, Out::new(&raw mut io.out_len)?)?;
        Ok(LSCOAP_SEND)
    })())
}

/// The device whose message opened in a session, and which is proved therefore.
fn id_in(session: &Session) -> Result<&[u8], Error> {
    session.check_confirmed()?;
    session.device_id()
}

/// A JOIN, wiped.
struct Secret(GroupMessage);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// Which group an ASK is for, so that the caller finds the object; 0: any that the caller has for the device.
/// LSCOAP_ERR_MALFORMED: not an ASK; it may be a member's LEAVE.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_of_ask(
    ask: *const u8,
    ask_len: usize,
    number: *mut u16,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let place = Out::new(number)?;
        place.write(group_of_ask(bytes(ask, ask_len)?)?);
        Ok(LSCOAP_OK)
    })())
}

/// Writes a LEAVE, with LSCOAP_GROUP_MESSAGE_MAX bytes of room: what a device is answered that is not let into the group which it asked for; or a member's own
/// request to leave.
/// LSCOAP_SEND.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_write_leave(
    number: u16,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let (room, out_len) = (message_room(out, out_cap)?, Out::new(out_len)?);
        let mut message = GroupMessage::new();
        write_leave(number, &mut message);
        give(&message, room, out_len)?;
        Ok(LSCOAP_SEND)
    })())
}

/// Begins a new epoch, in which `without`, the id of a device, has no place any more; null: everybody stays. Exchanges of the old one end. Store the
/// group, then send the NOTICE that this writes to the members in their sessions. For one in the group as well, seal what
/// lscoap_group_write_notice() gives for epoch + 1 before this call. Members that have not asked yet miss what is sent.
/// LSCOAP_SEND. LSCOAP_ERR_RANDOM; LSCOAP_ERR_EXHAUSTED: there are no more epochs.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_rekey(
    group: *mut lscoap_group,
    without: *const u8,
    without_len: usize,
    now_ms: u64,
    notice: *mut u8,
    notice_cap: usize,
    notice_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(group)?;
        let without = Some(bytes(without, without_len)?).filter(|id| !id.is_empty());
        let (room, notice_len) = (message_room(notice, notice_cap)?, Out::new(notice_len)?);
        let mut message = GroupMessage::new();
        call.parts.with(now_ms, |group, env| group.rekey(env, without, &mut message))?;
        give(&message, room, notice_len)?;
        Ok(LSCOAP_SEND)
    })())
}

/// Writes the NOTICE of an epoch, with LSCOAP_GROUP_MESSAGE_MAX bytes of room.
/// LSCOAP_SEND.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_write_notice(
    group: *const lscoap_group,
    epoch: u32,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let group = idle(group)?;
        let (room, out_len) = (message_room(out, out_cap)?, Out::new(out_len)?);
        let mut message = GroupMessage::new();
        group.group.write_notice(epoch, &mut message)?;
        give(&message, room, out_len)?;
        Ok(LSCOAP_SEND)
    })())
}

/// Takes a member's LEAVE, `io.input`, which opened in `session`, and begins a new epoch without it as lscoap_group_rekey() does: `io.out` is the NOTICE
/// for the others. The member is answered 2.04, without a payload.
/// LSCOAP_SEND. LSCOAP_ERR_UNKNOWN_SESSION: of another group, or it has no place: there is nothing to do. LSCOAP_ERR_MALFORMED: not a LEAVE.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_take_leave(
    group: *mut lscoap_group,
    session: *const lscoap_session,
    io: *mut lscoap_io,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let (call, io) = (Call::of(group)?, lscoap_io::of(io)?);
        let device_id = id_in(behind(session)?)?;
        message_room(io.out, io.out_cap)?;
        let (now_ms, input) = (io.now_ms, io.input());
        let mut message = GroupMessage::new();
        call.parts.with(now_ms, |group, env| group.take_leave(env, device_id, input, &mut message))?;
        give(&message, message_room(io.out, io.out_cap)?, Out::new(&raw mut io.out_len)?)?;
        Ok(LSCOAP_SEND)
    })())
}

/// The group's number; 0: not created.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_number(group: *const lscoap_group) -> u16 {
    // SAFETY: the contract.
    unsafe { idle(group) }.map_or(0, |group| group.group.number())
}

/// The group's epoch, from 1; 0: not created.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_epoch(group: *const lscoap_group) -> u32 {
    // SAFETY: the contract.
    unsafe { idle(group) }.map_or(0, |group| group.group.epoch())
}

/// Whose place is this? The id of the member with this kid: at most LSCOAP_DEVICE_ID_MAX bytes.
/// LSCOAP_ERR_UNKNOWN_SESSION: nobody's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_member_id(
    group: *const lscoap_group,
    kid: u8,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let id = id_of(idle(group)?.places()?, kid)?;
        give(id, bytes_mut(out, out_cap)?, Out::new(out_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

fn id_of(places: &[Place], kid: u8) -> Result<&[u8], Error> {
    let place = usize::from(kid).checked_sub(1).and_then(|at| places.get(at));
    place.and_then(Place::device_id).ok_or(Error::UnknownSession)
}

/// Seals a request to all members as an object for a CoAP payload: `io.input` is the plaintext of RFC 8613 section 5.3, bound to `io.aad`, of at most
/// LSCOAP_GROUP_AAD_MAX bytes; `io.now_ms` is used by groups with LSCOAP_GROUP_TIMED. The object is at most LSCOAP_GROUP_REQUEST_OVERHEAD bytes longer. Send it as a
/// Non-confirmable multicast, and again, if at all, as the same bytes. `*exchange` is what the answers belong to; null: none is awaited.
/// LSCOAP_ERR_STATE: the group does not have this mode, or a delegate sends. LSCOAP_ERR_UNSTORED: store the group first. LSCOAP_ERR_EXHAUSTED: make another
/// group.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_seal_request(
    group: *mut lscoap_group,
    mode: i32,
    io: *mut lscoap_io,
    exchange: *mut lscoap_group_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(group)?;
        let group = &mut call.parts.group;
        let (mode, io) = (mode_of(mode)?, lscoap_io::of(io)?);
        let carrier = io.carrier()?;
        let place = awaited(exchange)?;
        let sealing = group.begin_request(mode, io.now_ms)?;
        let status = io.seal_at(sealing.header(), sealing.tail_len(), |rest| {
            let sealed = group.seal_request_in_place(&sealing, carrier, rest)?;
            if let Some(place) = place {
                place.write(sealed);
            }
            Ok(())
        })?;
        Ok(status)
    })())
}

/// Where an exchange goes; null: nowhere.
unsafe fn awaited(exchange: *mut lscoap_group_exchange) -> Result<Option<Out<GroupExchange>>, Error> {
    if exchange.is_null() { Ok(None) } else { Out::behind(exchange).map(Some) }
}

/// Protects a whole request to all members, with room for LSCOAP_GROUP_PROTECT_OVERHEAD bytes more. It is non-confirmable, has a token of at least two bytes, and neither
/// Uri-Host, Uri-Port, Observe, Block1, Block2, Echo nor a proxy's options. Token and message id stay. Otherwise as lscoap_group_seal_request().
/// LSCOAP_ERR_ARGUMENT: not such a request.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_protect_request(
    group: *mut lscoap_group,
    mode: i32,
    carrier: i32,
    io: *mut lscoap_io,
    exchange: *mut lscoap_group_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(group)?;
        let group = &mut call.parts.group;
        let (mode, carrier, io) = (mode_of(mode)?, carrier_of(carrier)?, lscoap_io::of(io)?);
        let place = awaited(exchange)?;
        let now_ms = io.now_ms;
        io.run(|buffer, len| {
            let (len, sealed) = group.protect_request(mode, now_ms, carrier, buffer, len)?;
            if let Some(place) = place {
                place.write(sealed);
            }
            Ok(len)
        })
    })())
}

/// Opens one member's answer that came as an object in a CoAP payload; call it for each that comes. `*kid` is whose it is, see lscoap_group_member_id().
/// LSCOAP_ERR_REPLAY: this member has answered. LSCOAP_ERR_UNKNOWN_SESSION: nobody has this kid, or the request's epoch has ended.
/// LSCOAP_ERR_MALFORMED, LSCOAP_ERR_AUTHENTICATION: not an answer to this request. Drop it and keep waiting.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_open_answer(
    group: *mut lscoap_group,
    io: *mut lscoap_io,
    exchange: *mut lscoap_group_exchange,
    kid: *mut u8,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let (call, exchange) = (Call::of(group)?, behind_mut(exchange)?);
        let (io, place) = (lscoap_io::of(io)?, Out::new(kid)?);
        let (places, group) = (call.parts.places()?, &call.parts.group);
        let input = io.input();
        let kid = parse_answer(input)?;
        let body = input.get(ANSWER_HEADER_LEN..).unwrap_or_default();
        group.begin_answer(places, exchange, kid, body)?;
        let (data, tag) = body.split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
        let tag = *tag;
        io.open_at(ANSWER_HEADER_LEN, data.len(), |data| {
            group.open_answer_in_place(places, exchange, kid, data, &tag)
        })?;
        place.write(kid);
        Ok(LSCOAP_OK)
    })())
}

/// Gives back one member's whole answer as that made it. Otherwise as lscoap_group_open_answer().
/// LSCOAP_ERR_UNEXPECTED: not sealed, or not in the request's carrier. LSCOAP_ERR_BAD_OPTION: an option where it may not be. LSCOAP_ERR_STATE: the request was not
/// made by lscoap_group_protect_request().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_unprotect_answer(
    group: *mut lscoap_group,
    io: *mut lscoap_io,
    exchange: *mut lscoap_group_exchange,
    kid: *mut u8,
) -> lscoap_status {
    // SAFETY: the contract; any bytes are a valid exchange.
    merge((|| unsafe {
        let (call, exchange) = (Call::of(group)?, behind_mut(exchange)?);
        let place = Out::new(kid)?;
        let places = call.parts.places()?;
        lscoap_io::of(io)?.run(|buffer, len| {
            let (len, kid) = call.parts.group.unprotect_answer(places, exchange, buffer, len)?;
            place.write(kid);
            Ok(len)
        })
    })())
}

/// Wipes the group, and its places. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_wipe(group: *mut lscoap_group) {
    // SAFETY: the contract.
    if let Ok(call) = unsafe { Call::of(group) } {
        // SAFETY: the contract.
        if let Ok(places) = unsafe { call.parts.places() } {
            places.iter_mut().for_each(|place| *place = Place::default());
        }
        call.parts.group.wipe();
    }
}
