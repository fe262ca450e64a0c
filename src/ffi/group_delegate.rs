//! `lscoap_delegate`: a device that sends to a group in the owner's place.

use super::backend::Delegate;
use super::blob::{lscoap_write_blob, writer};
#[cfg(feature = "server")]
use super::calling::Call;
use super::coap::carrier_of;
#[cfg(feature = "server")]
use super::group::lscoap_group;
use super::group_exchange::mode_of;
use super::group_member::{engine_of, lscoap_membership, membership_of, message_room};
use super::handshake::give;
use super::io::lscoap_io;
use super::platform::lscoap_platform;
use super::pointers::{Out, behind, behind_mut, bytes};
use super::status::{LSCOAP_OK, LSCOAP_SEND, lscoap_status, merge};
use crate::group::GroupMessage;
use core::ffi::c_void;

/// The longest stored delegate, in bytes.
pub const LSCOAP_DELEGATE_BLOB_MAX: usize = 57;
const _: () = assert!(LSCOAP_DELEGATE_BLOB_MAX == crate::group::DELEGATE_BLOB_MAX);

/// The length of `lscoap_delegate`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_DELEGATE_WORDS: usize = 54;
/// The length of `lscoap_delegate`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_DELEGATE_WORDS: usize = 53;

/// A device that sends to a group in the owner's place, such as a wall switch. Place it in zeroed memory and never copy it.
#[repr(C)]
pub struct lscoap_delegate {
    opaque_: [u64; LSCOAP_DELEGATE_WORDS],
}

handle!(lscoap_delegate => Delegate);
same_size!(Delegate, lscoap_delegate);

/// Names the device that sends in the owner's place, which then seals nothing; null: the owner itself. Do it after lscoap_group_create() or lscoap_group_restore(),
/// before anything else. Where something of the epoch has been given out, and it is another device, a new one begins: compare
/// lscoap_group_epoch(), store the group, and send a NOTICE, the delegate its own first.
/// LSCOAP_ERR_STATE: the group does not have LSCOAP_GROUP_TIMED, or has LSCOAP_GROUP_ANSWERS. LSCOAP_ERR_ARGUMENT: no device id. LSCOAP_ERR_RANDOM.
#[cfg(feature = "server")]
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_set_delegate(
    group: *mut lscoap_group,
    device_id: *const u8,
    device_id_len: usize,
    now_ms: u64,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(group)?;
        let id = bytes(device_id, device_id_len)?;
        let id = (!device_id.is_null()).then_some(id);
        call.parts.with(now_ms, |group, env| group.set_delegate(env, id))?;
        Ok(LSCOAP_OK)
    })())
}

/// Makes a delegate of no group, over whatever `delegate` held before; it is to ask. `platform` may be null: it is for AES in hardware. `ask_ms` is the
/// least time between two ASKs; 0: 60,000.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_init(
    delegate: *mut lscoap_delegate,
    platform: *const lscoap_platform,
    ask_ms: u32,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        behind_mut(delegate)?.init(engine_of(platform)?, ask_ms);
        Ok(LSCOAP_OK)
    })())
}

/// Writes an ASK, as lscoap_member_ask().
/// LSCOAP_SEND; LSCOAP_ERR_STATE: too soon after the last one.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_ask(
    delegate: *mut lscoap_delegate,
    now_ms: u64,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let delegate = behind_mut(delegate)?;
        let (room, out_len) = (message_room(out, out_cap)?, Out::new(out_len)?);
        let mut message = GroupMessage::new();
        delegate.ask(now_ms, &mut message)?;
        give(&message, room, out_len)?;
        Ok(LSCOAP_SEND)
    })())
}

/// When the next ASK is due, as lscoap_member_ask_due(): at the latest when half of its four hours are over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_ask_due(delegate: *const lscoap_delegate) -> u64 {
    // SAFETY: the contract.
    unsafe { behind(delegate) }.map_or(u64::MAX, Delegate::ask_due)
}

/// Takes what answered the last ASK, as lscoap_member_answer(): the delegate's JOIN, or a LEAVE. In the same epoch it goes on with its own numbers; in a new
/// one it is to be stored again, if it ever was. Good for four hours.
/// LSCOAP_ERR_UNEXPECTED: also a member's JOIN: the device is no delegate. LSCOAP_ERR_UNKNOWN_SESSION: not any more. LSCOAP_ERR_MALFORMED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_answer(
    delegate: *mut lscoap_delegate,
    now_ms: u64,
    input: *const u8,
    input_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        behind_mut(delegate)?.answer(now_ms, bytes(input, input_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Takes a NOTICE, as lscoap_member_notice().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_notice(
    delegate: *mut lscoap_delegate,
    input: *const u8,
    input_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        behind_mut(delegate)?.notice(bytes(input, input_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// What the delegate sends to.
/// LSCOAP_ERR_UNINITIALISED: nothing, as before the first JOIN.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_group(
    delegate: *const lscoap_delegate,
    membership: *mut lscoap_membership,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let place = Out::new(membership)?;
        place.write(membership_of(&behind(delegate)?.group()?));
        Ok(LSCOAP_OK)
    })())
}

/// Seals a request to all members, as lscoap_group_seal_request(). Nothing is answered.
/// LSCOAP_ERR_ASK: four hours are over, or it holds nothing. LSCOAP_ERR_BUDGET: it is 8 s ahead of its clock, seal later. LSCOAP_ERR_UNSTORED. LSCOAP_ERR_STATE: the group does not
/// have this mode.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_seal_request(
    delegate: *mut lscoap_delegate,
    mode: i32,
    io: *mut lscoap_io,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let delegate = behind_mut(delegate)?;
        let (mode, io) = (mode_of(mode)?, lscoap_io::of(io)?);
        let carrier = io.carrier()?;
        let sealing = delegate.begin_request(mode, io.now_ms)?;
        io.seal_at(sealing.header(), sealing.tail_len(), |rest| {
            delegate.seal_request_in_place(&sealing, carrier, rest)
        })
    })())
}

/// Protects a whole request to all members, as lscoap_group_protect_request(). Otherwise as lscoap_delegate_seal_request().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_protect_request(
    delegate: *mut lscoap_delegate,
    mode: i32,
    carrier: i32,
    io: *mut lscoap_io,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let delegate = behind_mut(delegate)?;
        let (mode, carrier, io) = (mode_of(mode)?, carrier_of(carrier)?, lscoap_io::of(io)?);
        let now_ms = io.now_ms;
        io.run(|buffer, len| delegate.protect_request(mode, now_ms, carrier, buffer, len))
    })())
}

/// Reserves numbers and has them written, with their epoch and without secrets, at most LSCOAP_DELEGATE_BLOB_MAX bytes; as lscoap_group_store().
/// LSCOAP_ERR_UNINITIALISED: it holds nothing. LSCOAP_ERR_STORAGE.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_store(
    delegate: *mut lscoap_delegate,
    block: u32,
    now_ms: u64,
    write: lscoap_write_blob,
    context: *mut c_void,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        behind_mut(delegate)?.store(now_ms, block, writer(write, context)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Makes a delegate of what lscoap_delegate_store() wrote, over whatever `delegate` held before. It asks before it seals (LSCOAP_ERR_ASK), and is then to be stored
/// again. `platform` and `ask_ms` as in lscoap_delegate_init().
/// LSCOAP_ERR_MALFORMED: damaged, or of another version; nothing has changed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_restore(
    delegate: *mut lscoap_delegate,
    platform: *const lscoap_platform,
    ask_ms: u32,
    now_ms: u64,
    blob: *const u8,
    blob_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let delegate = behind_mut(delegate)?;
        delegate.restore(engine_of(platform)?, ask_ms, now_ms, bytes(blob, blob_len)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Wipes the secrets. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_delegate_wipe(delegate: *mut lscoap_delegate) {
    // SAFETY: the contract.
    if let Ok(delegate) = unsafe { behind_mut(delegate) } {
        delegate.wipe();
    }
}
