//! `lscoap_client`.

use super::backend::Client;
use super::handshake::{give, message_room, take};
use super::platform::lscoap_platform;
use super::pointers::{self, Out, array, behind_mut, bytes};
use super::session::lscoap_session;
use super::status::{LSCOAP_OK, lscoap_status, merge, of_status};
use crate::client::{ClientConfig, Profile};
use crate::error::Error;
use crate::wire::Message;

/// The length of `lscoap_client`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_CLIENT_WORDS: usize = 59;
/// The length of `lscoap_client`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_CLIENT_WORDS: usize = 54;

/// A device: its identity, and at most one handshake. Place it in zeroed memory and never copy it.
#[repr(C)]
pub struct lscoap_client {
    opaque_: [u64; LSCOAP_CLIENT_WORDS],
}

/// What is behind it.
pub struct Object {
    client: Client,
    platform: lscoap_platform,
}

handle!(lscoap_client => Object);
same_size!(Object, lscoap_client);

/// The profile of the paper's four messages: both sides sign. Two round trips.
pub const LSCOAP_SIGNED: i32 = 1;
/// The profile of two messages: one round trip, the device id hidden from who only listens.
pub const LSCOAP_EXPRESS: i32 = 2;

/// Who the device is and whom it talks to. Everything is copied.
#[repr(C)]
pub struct lscoap_client_config {
    /// The device id.
    pub device_id: *const u8,
    /// Its length: 1 to LSCOAP_DEVICE_ID_MAX bytes.
    pub device_id_len: usize,
    /// The device's identity secret, LSCOAP_SECRET_KEY_LEN bytes, big-endian. Null where it is in a secure element.
    pub identity: *const u8,
    /// The server's identity key, LSCOAP_PUBLIC_KEY_LEN bytes, as a compressed SEC1 point.
    pub server_key: *const u8,
    /// The connection id that the server puts into requests of its own. Usually null.
    pub cid: *const u8,
    /// Its length: 0 to LSCOAP_CID_MAX bytes.
    pub cid_len: usize,
    /// LSCOAP_SIGNED or LSCOAP_EXPRESS.
    pub profile: i32,
    /// Where `identity` is null, and lscoap_platform has callbacks that use it: the public key of the identity,
    /// LSCOAP_PUBLIC_KEY_LEN bytes, as a compressed SEC1 point.
    pub identity_public_key: *const u8,
}

fn profile(profile: i32) -> Result<Profile, Error> {
    match profile {
        #[cfg(feature = "signed")]
        LSCOAP_SIGNED => Ok(Profile::Signed),
        #[cfg(feature = "express")]
        LSCOAP_EXPRESS => Ok(Profile::Express),
        _ => Err(Error::Argument),
    }
}

/// C's configuration as ours.
pub(super) unsafe fn client_config<'a>(
    platform: &lscoap_platform,
    config: &lscoap_client_config,
) -> Result<ClientConfig<'a>, Error> {
    if platform.random.is_none() {
        return Err(Error::Null);
    }
    let profile = profile(config.profile)?;
    let is_signed = config.profile == LSCOAP_SIGNED;
    // SAFETY: the contract.
    unsafe {
        let (secret, public_key) = (array(config.identity), array(config.identity_public_key));
        Ok(ClientConfig {
            device_id: bytes(config.device_id, config.device_id_len)?,
            identity: platform.identity(secret, public_key, is_signed, !is_signed)?,
            server_key: array(config.server_key)?,
            cid: bytes(config.cid, config.cid_len)?,
            profile,
        })
    }
}

/// Loads the identity, over whatever the object held before.
/// LSCOAP_ERR_KEY: `identity` or `server_key` is no key. LSCOAP_ERR_ARGUMENT: an id of the wrong length, or a
/// profile that the library was built without.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_client_init(
    client: *mut lscoap_client,
    platform: *const lscoap_platform,
    config: *const lscoap_client_config,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let object = behind_mut(client)?;
        let platform = pointers::object(platform)?;
        let config = client_config(platform, pointers::object(config)?)?;
        object.client.load(&config)?;
        object.client.set_engine(platform.engine());
        object.platform = *platform;
        Ok(LSCOAP_OK)
    })())
}

/// Takes one message of the server's and gives the next to send. With a null `input`: the first message, and after
/// that the last one again (for a retransmission). A RETRY gives the first message once more, three times at most.
/// An empty message that is not null is malformed. `input` and `out` may be the same buffer; `out` has room for at
/// least LSCOAP_MESSAGE_MAX bytes, else LSCOAP_ERR_CAPACITY.
///
/// LSCOAP_SEND: send the `*out_len` bytes in `out`. LSCOAP_READY: take the session with lscoap_client_finish().
/// LSCOAP_ERR_MALFORMED, LSCOAP_ERR_UNEXPECTED, LSCOAP_ERR_AUTHENTICATION, or LSCOAP_ALERT_...: the message
/// changed nothing; keep waiting for the right one, or begin anew with lscoap_client_restart().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_client_step(
    client: *mut lscoap_client,
    input: *const u8,
    input_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract. `input` is copied before `out` is looked at, since they may be one buffer.
    merge((|| unsafe {
        let object = behind_mut(client)?;
        let is_null = input.is_null();
        let mut copy = Message::new();
        take(bytes(input, input_len)?, &mut copy)?;
        let room = message_room(out, out_cap)?;
        let out_len = Out::new(out_len)?;
        let mut message = Message::new();
        let input = (!is_null).then_some(copy.as_slice());
        let status = object.client.step(&mut object.platform, input, &mut message)?;
        give(&message, room, out_len)?;
        Ok(of_status(status))
    })())
}

/// Has the next step with a null `input` give an R1, which resumes `session` in one round trip and without curve
/// arithmetic; a handshake under way is forgotten. `session` stays usable: keep it, and wipe it when the first answer
/// has opened in the new one. Where the server refuses (LSCOAP_ALERT_UNKNOWN_SESSION), lscoap_client_restart() goes
/// back to a full handshake.
/// LSCOAP_ERR_STATE: the session is not a client's, or has another device id or connection id than this client.
#[cfg(feature = "resume")]
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_client_resume(
    client: *mut lscoap_client,
    session: *const lscoap_session,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let object = behind_mut(client)?;
        let session = pointers::behind(session)?;
        object.client.resume(session)?;
        Ok(LSCOAP_OK)
    })())
}

/// Takes the session out of a finished handshake, over whatever `session` held before. The client can then make
/// another one. An older session with the server is to be wiped when the first answer has opened in the new one,
/// so have a second object for it (protocol section 8).
/// LSCOAP_ERR_STATE: the handshake has not finished.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_client_finish(
    client: *mut lscoap_client,
    session: *mut lscoap_session,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let object = behind_mut(client)?;
        let session = behind_mut(session)?;
        object.client.finish_into(session)?;
        Ok(LSCOAP_OK)
    })())
}

/// Forgets a handshake under way and keeps the identity: the next step gives a new first message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_client_restart(client: *mut lscoap_client) -> lscoap_status {
    // SAFETY: the contract.
    merge(unsafe { behind_mut(client) }.and_then(|object| {
        object.client.restart()?;
        Ok(LSCOAP_OK)
    }))
}

/// Wipes everything. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_client_wipe(client: *mut lscoap_client) {
    // SAFETY: the contract.
    if let Ok(object) = unsafe { behind_mut(client) } {
        object.client.wipe();
    }
}
