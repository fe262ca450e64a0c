//! `lscoap_server`.

use super::backend::{Server, Slot};
use super::exchange::lscoap_exchange;
use super::platform::lscoap_platform;
use super::pointers::{Place, array, bytes, bytes_mut, object, object_mut, objects_mut};
use super::records::{Buffers, give, message, message_room, payload};
use super::session::lscoap_session;
use super::slot::lscoap_slot;
use super::status::{
    LSCOAP_ERR_ARGUMENT, LSCOAP_ERR_NULL, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_OK, lscoap_status, merge,
    of_error, of_status,
};
use crate::limits::PUBLIC_KEY_LEN;
use crate::server::{Directory, Env};
use crate::session::{Carrier, Exchange};
use crate::wire::Message;
use core::ffi::{c_int, c_void};
use zeroize::Zeroize;

/// A server: its identity, and where its slots are. Place it in zeroed memory and never copy it.
#[repr(C)]
pub struct lscoap_server {
    opaque_: [u64; 32],
}

struct Object {
    server: Server,
    platform: lscoap_platform,
    directory: Callback,
    slots: *mut Slot,
    slots_len: usize,
}

#[cfg(not(test))] // whose server has `forced` too
const _: () = assert!(size_of::<Object>() <= size_of::<lscoap_server>());
const _: () = assert!(align_of::<Object>() <= align_of::<lscoap_server>());

/// Looks a device up: writes its identity key (LSCOAP_PUBLIC_KEY_LEN bytes, as enrolled) and gives 0, or gives
/// another value to refuse the device.
pub type lscoap_find_device = Option<
    unsafe extern "C" fn(context: *mut c_void, id: *const u8, id_len: usize, public_key: *mut u8) -> c_int,
>;

/// Who the server is and whom it knows. The identity is copied; `context` must outlive the server.
#[repr(C)]
pub struct lscoap_server_config {
    /// The server's identity secret, LSCOAP_SECRET_KEY_LEN bytes, big-endian. Null where it is in a secure element.
    pub identity: *const u8,
    /// The directory. Must not be null.
    pub find_device: lscoap_find_device,
    /// Passed to `find_device`.
    pub find_device_context: *mut c_void,
    /// The length of the connection ids that devices put into their requests: 1 to LSCOAP_CID_MAX bytes, or 0
    /// for as few as the number of slots allows.
    pub cid_len: usize,
    /// Where `identity` is null, and lscoap_platform has callbacks that use it: the public key of the identity,
    /// LSCOAP_PUBLIC_KEY_LEN bytes, as a compressed SEC1 point.
    pub identity_public_key: *const u8,
}

#[derive(Clone, Copy)]
struct Callback {
    find: lscoap_find_device,
    context: *mut c_void,
}

impl Directory for Callback {
    fn find(&mut self, device_id: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]> {
        let mut key = [0; PUBLIC_KEY_LEN];
        // SAFETY: the callback is C's own; it reads the id and writes one key.
        let found =
            unsafe { self.find?(self.context, device_id.as_ptr(), device_id.len(), key.as_mut_ptr()) };
        (found == 0).then_some(key)
    }
}

impl Object {
    /// The slots that were given to lscoap_server_init().
    unsafe fn slots<'a>(&self) -> Result<&'a mut [Slot], lscoap_status> {
        self.server.check_live().map_err(of_error)?;
        // SAFETY: the contract: they outlive the server and only one call at a time uses them.
        unsafe { objects_mut(self.slots, self.slots_len) }
    }
}

unsafe fn server<'a>(server: *mut lscoap_server) -> Result<&'a mut Object, lscoap_status> {
    // SAFETY: the contract; a zeroed object is a valid one that is not initialised.
    unsafe { object_mut(server.cast()) }
}

/// Loads the identity and clears the slots. `slots` must outlive the server; other objects do not use them. Each
/// device with a session takes a slot for good, and a handshake takes one until it has replaced the session: have
/// more slots than devices, or a device that has lost its session finds the server busy.
/// LSCOAP_ERR_KEY: `identity` is no key. LSCOAP_ERR_ARGUMENT: no slots, or ids too short for so many.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_init(
    server: *mut lscoap_server,
    platform: *const lscoap_platform,
    config: *const lscoap_server_config,
    slots: *mut lscoap_slot,
    slots_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let place = Place::new(server.cast::<Object>())?;
        let platform = *object(platform)?;
        let config = object(config)?;
        if platform.random.is_none() || config.find_device.is_none() {
            return Err(LSCOAP_ERR_NULL);
        }
        if slots_len == 0 {
            return Err(LSCOAP_ERR_ARGUMENT);
        }
        let (secret, public_key) = (array(config.identity), array(config.identity_public_key));
        let (signed, express) = (cfg!(feature = "signed"), cfg!(feature = "express"));
        let identity = platform.identity(secret, public_key, signed, express)?;
        let mut server = Server::with_identity(identity).map_err(of_error)?;
        server.set_engine(platform.engine());
        server.set_cid_len(config.cid_len, slots_len).map_err(of_error)?;
        let memory = objects_mut(slots, slots_len)?;
        // Zeroes are free slots. Writing one would leave most of what was there, or what the stack held instead.
        bytes_mut(memory.as_mut_ptr().cast(), size_of_val(memory))?.zeroize();
        // A slot of ours is not larger than one of C's, so that as many fit, one after the other.
        let slots: *mut Slot = memory.as_mut_ptr().cast();
        let directory = Callback { find: config.find_device, context: config.find_device_context };
        place.write(Object { server, platform, directory, slots, slots_len });
        Ok(LSCOAP_OK)
    })())
}

/// Answers one handshake message. `peer` is the sender's address, in any form that is equal for equal senders
/// (for retry cookies, protocol section 7; not used yet). `now_ms` is a monotonic clock in milliseconds. `input`
/// and `out` may be the same buffer; `out` has room for at least LSCOAP_MESSAGE_MAX bytes, else
/// LSCOAP_ERR_CAPACITY.
///
/// LSCOAP_SEND, LSCOAP_REFUSED: send the `*out_len` bytes in `out`, with lscoap_response_code(). An error: there
/// is no message to send.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_step(
    server: *mut lscoap_server,
    peer: *const u8,
    peer_len: usize,
    now_ms: u64,
    input: *const u8,
    input_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract. `input` is copied before `out` is looked at, since they may be one buffer.
    merge((|| unsafe {
        let object = self::server(server)?;
        let slots = object.slots()?;
        bytes(peer, peer_len)?;
        // A message longer than any is answered as malformed, which one byte is too.
        let input = message(bytes(input, input_len)?).unwrap_or_else(|_| Message::from_iter([0]));
        let room = message_room(out, out_cap)?;
        let out_len = Place::new(out_len)?;
        let mut env = Env { platform: &mut object.platform, directory: &mut object.directory, now_ms };
        let mut answer = Message::new();
        let status = object.server.step(slots, &mut env, &input, &mut answer).map_err(of_error)?;
        give(&answer, room, out_len)?;
        Ok(of_status(status))
    })())
}

unsafe fn open_request(
    server: *mut lscoap_server,
    now_ms: u64,
    carrier: Result<Carrier<'_>, lscoap_status>,
    buffers: &Buffers,
    session: *mut *mut lscoap_session,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let object = self::server(server)?;
        let slots = object.slots()?;
        let carrier = carrier?;
        let (session_place, exchange_place) =
            (Place::new(session)?, Place::new(exchange.cast::<Exchange>())?);
        let input = buffers.object()?;
        let index = object.server.find(slots, now_ms, input).map_err(of_error)?;
        let session = slots.get_mut(index).and_then(Slot::session_mut).ok_or(LSCOAP_ERR_UNKNOWN_SESSION)?;
        let opening = session.begin_open_request(input).map_err(of_error)?;
        buffers.check_room(&opening)?;
        buffers.open(session, &opening, carrier)?;
        let exchange = object.server.complete_open_request(slots, index, &opening).map_err(of_error)?;
        let session = slots.get_mut(index).and_then(Slot::session_mut).ok_or(LSCOAP_ERR_UNKNOWN_SESSION)?;
        exchange_place.write(exchange);
        session_place.write(core::ptr::from_mut(session).cast());
        Ok(LSCOAP_OK)
    })())
}

/// Opens a sealed request: finds its session by the id in it, in a time that does not depend on the number of
/// sessions; the first record that opens confirms the session, and wipes the device's older one (protocol
/// section 8). `aad` is the outer Uri-Path and Uri-Query options in CoAP encoding. `*session` stays the
/// server's: use it to answer, and do not keep it; lscoap_server_find() gives it again.
///
/// LSCOAP_ERR_MALFORMED, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: answer with
/// lscoap_record_refusal(); the place of the plaintext in `out` may have been zeroed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_open_request(
    server: *mut lscoap_server,
    now_ms: u64,
    aad: *const u8,
    aad_len: usize,
    input: *const u8,
    input_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
    session: *mut *mut lscoap_session,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    let buffers = Buffers { input, input_len, out, out_cap, out_len };
    // SAFETY: the contract.
    unsafe { open_request(server, now_ms, payload(aad, aad_len), &buffers, session, exchange) }
}

/// As lscoap_server_open_request(), for RFC 8613's own carrier: `input` is the OSCORE option followed by the payload.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_oscore_open_request(
    server: *mut lscoap_server,
    now_ms: u64,
    input: *const u8,
    input_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
    session: *mut *mut lscoap_session,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    let buffers = Buffers { input, input_len, out, out_cap, out_len };
    // SAFETY: the contract.
    unsafe { open_request(server, now_ms, Ok(Carrier::Message), &buffers, session, exchange) }
}

/// The session of a sealed request, by the id in it; null if there is none. The id proves nothing: until a
/// record has opened, the sender may be anyone. The session stays the server's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_find(
    server: *mut lscoap_server,
    now_ms: u64,
    object: *const u8,
    object_len: usize,
) -> *mut lscoap_session {
    // SAFETY: the contract.
    let found = (|| unsafe {
        let server = self::server(server)?;
        let slots = server.slots()?;
        let input = bytes(object, object_len)?;
        let index = server.server.find(slots, now_ms, input).map_err(of_error)?;
        slots.get_mut(index).and_then(Slot::session_mut).ok_or(LSCOAP_ERR_UNKNOWN_SESSION)
    })();
    found.map_or(core::ptr::null_mut(), |session| core::ptr::from_mut(session).cast())
}

/// Ends every session and handshake of a device, which has been taken out of the directory or got another key
/// there. LSCOAP_ERR_UNKNOWN_SESSION: there was none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_forget(
    server: *mut lscoap_server,
    id: *const u8,
    id_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let object = self::server(server)?;
        let slots = object.slots()?;
        match object.server.forget(slots, bytes(id, id_len)?) {
            0 => Err(LSCOAP_ERR_UNKNOWN_SESSION),
            _ => Ok(LSCOAP_OK),
        }
    })())
}

/// Writes the server's identity key, LSCOAP_PUBLIC_KEY_LEN bytes, as a compressed SEC1 point.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_public_key(
    server: *const lscoap_server,
    out: *mut u8,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let server: &Object = object(server.cast())?;
        server.server.check_live().map_err(of_error)?;
        Place::new(out.cast())?.write(*server.server.public_key());
        Ok(LSCOAP_OK)
    })())
}

/// Wipes the server and every slot. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_wipe(server: *mut lscoap_server) {
    // SAFETY: the contract.
    if let Ok(object) = unsafe { self::server(server) } {
        // SAFETY: the same.
        if let Ok(slots) = unsafe { object.slots() } {
            object.server.wipe(slots);
            // SAFETY: the same memory; zeroes are free slots.
            if let Ok(memory) = unsafe { bytes_mut(slots.as_mut_ptr().cast(), size_of_val(slots)) } {
                memory.zeroize();
            }
        }
    }
}
