//! Groups in storage: an owner's, and a member's.

use super::blob::{lscoap_write_blob, writer};
#[cfg(feature = "server")]
use super::calling::Call;
#[cfg(feature = "server")]
use super::group::{lscoap_group, lscoap_group_config};
use super::group_member::{config_of, engine_of, lscoap_member, lscoap_member_config};
use super::platform::lscoap_platform;
use super::pointers::{behind, behind_mut, bytes};
use super::status::{LSCOAP_OK, lscoap_status, merge};
use core::ffi::c_void;

/// The longest stored group of an owner, in bytes.
#[cfg(feature = "server")]
pub const LSCOAP_GROUP_BLOB_MAX: usize = 122;
/// The longest stored member, in bytes.
pub const LSCOAP_MEMBER_BLOB_MAX: usize = 242;

#[cfg(feature = "server")]
const _: () = assert!(LSCOAP_GROUP_BLOB_MAX == crate::group::GROUP_BLOB_MAX);
const _: () = assert!(LSCOAP_MEMBER_BLOB_MAX == crate::group::MEMBER_BLOB_MAX);

/// Reserves numbers for a group's requests and has it written to storage, at most LSCOAP_GROUP_BLOB_MAX bytes with secrets in them. The group
/// then seals `block` more requests, and no more (LSCOAP_ERR_UNSTORED) until it is stored again; with LSCOAP_GROUP_TIMED a number passes every
/// 64 ms, so that 1,024 are 65 s. After that the places of those who have left are deleted with `save_place`. A group that was never stored has no limit;
/// one that was is to be stored after each new epoch, before which it gives out and seals nothing. An owner that loses power at any
/// moment and restores what was stored last never uses a number twice, if storage never gives an older blob than the last one that
/// `write` accepted. A copy of the lscoap_group object is not a stored group.
/// LSCOAP_ERR_STORAGE: `write` or `save_place` failed; the group goes on as far as both the older and the newer blob allow.
#[cfg(feature = "server")]
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_store(
    group: *mut lscoap_group,
    block: u32,
    now_ms: u64,
    write: lscoap_write_blob,
    context: *mut c_void,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(group)?;
        let write = writer(write, context)?;
        call.parts.with(now_ms, |group, env| group.store(env, block, write))?;
        Ok(LSCOAP_OK)
    })())
}

/// Makes a group of what lscoap_group_store() wrote, over whatever `group` held before, with free places; `config` as at its creation. Give the places
/// back that `save_place` wrote with lscoap_group_restore_place(), then store the group: before that it gives out and seals nothing (LSCOAP_ERR_UNSTORED). Without
/// `save_place`, where members have places, and after a delegate a new epoch has begun: see lscoap_group_epoch(), and send a NOTICE. Begin one after
/// an outage that was longer than the age which members accept. Never restore from a blob that is older than the last one: make a
/// group with another number.
/// LSCOAP_ERR_MALFORMED: damaged, or of another version. LSCOAP_ERR_STATE: of another group, or with other flags or slots. LSCOAP_ERR_ARGUMENT, LSCOAP_ERR_RANDOM.
#[cfg(feature = "server")]
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_restore(
    group: *mut lscoap_group,
    platform: *const lscoap_platform,
    config: *const lscoap_group_config,
    now_ms: u64,
    blob: *const u8,
    blob_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(group)?;
        let blob = bytes(blob, blob_len)?;
        call.parts.make(platform, config, now_ms, |group, engine, env, config| {
            group.restore(engine, env, config, blob)
        })?;
        Ok(LSCOAP_OK)
    })())
}

/// Gives a place back that was saved for a device, after lscoap_group_restore().
/// LSCOAP_ERR_ARGUMENT: no such kid or device id. LSCOAP_ERR_STATE: it is taken, or the device has another one.
#[cfg(feature = "server")]
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_group_restore_place(
    group: *mut lscoap_group,
    kid: u8,
    device_id: *const u8,
    device_id_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(group)?;
        let id = bytes(device_id, device_id_len)?;
        call.parts.with(0, |group, env| group.restore_place(env.places, kid, id))?;
        Ok(LSCOAP_OK)
    })())
}

/// Has what a member holds written, at most LSCOAP_MEMBER_BLOB_MAX bytes with secrets in them. It saves the bytes of a JOIN, and is never needed: an older
/// blob, or none, does no harm.
/// LSCOAP_ERR_UNINITIALISED: it holds nothing. LSCOAP_ERR_STORAGE: `write` failed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_store(
    member: *const lscoap_member,
    write: lscoap_write_blob,
    context: *mut c_void,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        behind(member)?.store(writer(write, context)?)?;
        Ok(LSCOAP_OK)
    })())
}

/// Makes a member of what lscoap_member_store() wrote, over whatever `member` held before. It opens nothing (LSCOAP_ERR_ASK) before it has asked. `platform` and
/// `config` may be null, as in lscoap_member_init().
/// LSCOAP_ERR_MALFORMED: damaged, or of another version; nothing has changed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_member_restore(
    member: *mut lscoap_member,
    platform: *const lscoap_platform,
    config: *const lscoap_member_config,
    blob: *const u8,
    blob_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let member = behind_mut(member)?;
        member.restore(engine_of(platform)?, &config_of(config)?, bytes(blob, blob_len)?)?;
        Ok(LSCOAP_OK)
    })())
}
