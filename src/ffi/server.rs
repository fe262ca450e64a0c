//! `lscoap_server`.

use super::backend::{Server, Slot};
use super::calling::{Call, Calling, idle};
use super::directory::{
    Callbacks, lscoap_find_device, lscoap_load_resume, lscoap_save_resume, lscoap_session_ended,
};
use super::exchange::lscoap_exchange;
use super::handshake::{give, message_room, take};
use super::io::lscoap_io;
use super::platform::lscoap_platform;
use super::pointers::{self, Out, array, bytes, bytes_mut, check, objects_mut};
use super::session::lscoap_session;
use super::slot::lscoap_slot;
use super::status::{LSCOAP_OK, lscoap_status, merge, of_status};
use crate::error::Error;
use crate::limits::{RESUME_RECORD_MAX, RESUMES_IN_A_ROW};
use crate::server::{Cids, Env, Stats};
use crate::wire::Message;
use core::ffi::c_void;
use zeroize::Zeroize;

/// The length of `lscoap_server`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_SERVER_WORDS: usize = 81;
/// The length of `lscoap_server`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_SERVER_WORDS: usize = 70;

/// A server: its identity, and where its slots are. Place it in zeroed memory and never copy it.
///
/// A callback that one of its calls runs, of lscoap_platform too, must use neither the server nor its sessions. The server's functions
/// then give LSCOAP_ERR_STATE or null, or do nothing; those of its sessions do not notice.
#[repr(C)]
pub struct lscoap_server {
    opaque_: [u64; LSCOAP_SERVER_WORDS],
}

/// What is behind it.
pub struct Parts {
    server: Server,
    platform: lscoap_platform,
    directory: Callbacks,
    slots: *mut Slot,
    slots_len: usize,
}

#[cfg(not(test))] // whose server has `forced` too
same_size!(Calling<Parts>, lscoap_server);
handle!(lscoap_server => Calling<Parts>);

/// Who the server is and whom it knows. What the pointers lead to is copied; contexts must outlive the server. Zero
/// every field that is not used.
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
    /// What every connection id begins with: the number of this server among several. Null for nothing.
    pub cid_prefix: *const u8,
    /// Its length, in bytes.
    pub cid_prefix_len: usize,
    /// How many handshakes may begin in a second before a retry cookie is asked for. 0: a quarter as many as slots
    /// are free, at least 8, and 8 once as many X1 were refused in that second. UINT32_MAX: as many as come. A cookie is
    /// asked for in any case while handshakes fill more than half of their room (protocol section 7).
    pub retry_rate: u32,
    /// How many resumptions there may be between two full handshakes of a device: 0 for 1,000; a negative number disables resumption.
    pub resume_limit: i32,
    /// Storage for what survives a restart, so that devices resume after it. Both null: only live sessions resume.
    pub load_resume: lscoap_load_resume,
    /// See `load_resume`.
    pub save_resume: lscoap_save_resume,
    /// Passed to both.
    pub resume_context: *mut c_void,
    /// Hears of each session that has ended, so that what was kept beside it can go too: an OSCORE context elsewhere, kept answers,
    /// observers. It was forgotten, displaced by a newer session of its device, late, evicted, or wiped with the server; one that
    /// lscoap_session_wipe() has wiped is told of when the server gives its slot back, in a later call. Each session that
    /// lscoap_server_step() made is told of once, confirmed or not. Handshakes are not, nor is what lscoap_server_init() clears.
    /// Null: nobody hears.
    pub session_ended: lscoap_session_ended,
    /// Passed to `session_ended`.
    pub session_ended_context: *mut c_void,
}

/// The longest resume record, in bytes.
pub const LSCOAP_RESUME_RECORD_MAX: usize = 130;

const _: () = assert!(LSCOAP_RESUME_RECORD_MAX == RESUME_RECORD_MAX);

impl Parts {
    /// The slots that were given to lscoap_server_init().
    unsafe fn slots<'a>(&self) -> Result<&'a mut [Slot], Error> {
        self.server.check_live()?;
        // SAFETY: the contract: they outlive the server and only one call at a time uses them.
        unsafe { objects_mut(self.slots, self.slots_len) }
    }

    /// Which slot a session is in. What is at the address is looked at only where a session of the server's is.
    unsafe fn index_of(&self, session: *const lscoap_session) -> Result<usize, Error> {
        check(session)?;
        let offset = session.addr().checked_sub(self.slots.addr()).ok_or(Error::Argument)?;
        let index = offset.checked_div(size_of::<Slot>()).ok_or(Error::Argument)?;
        // SAFETY: the contract.
        let found = unsafe { self.slots()? }.get_mut(index).and_then(Slot::session_mut);
        let found = found.ok_or(Error::Argument)?;
        let is_there = core::ptr::from_mut(found).addr() == session.addr();
        if is_there { Ok(index) } else { Err(Error::Argument) }
    }
}

/// A server to read, which is initialised.
unsafe fn live<'a>(server: *const lscoap_server) -> Result<&'a Parts, Error> {
    // SAFETY: the contract.
    let parts = unsafe { idle(server)? };
    parts.server.check_live()?;
    Ok(parts)
}

/// Loads the identity and clears the slots. `slots` must outlive the server; other objects do not use them. Each
/// device with a session takes a slot for good, and a handshake takes one until it has replaced the session: have
/// more slots than devices, or a device that has lost its session finds the server busy.
/// LSCOAP_ERR_KEY: `identity` is no key. LSCOAP_ERR_ARGUMENT: no slots, or ids too short for so many.
/// LSCOAP_ERR_NULL: also for one of `load_resume` and `save_resume` without the other.
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
        let call = Call::of(server)?;
        let object = &mut *call.parts;
        let platform = pointers::object(platform)?;
        let config = pointers::object(config)?;
        let has_half_a_store = config.load_resume.is_some() != config.save_resume.is_some();
        if platform.random.is_none() || config.find_device.is_none() || has_half_a_store {
            return Err(Error::Null);
        }
        if slots_len == 0 {
            return Err(Error::Argument);
        }
        let (secret, public_key) = (array(config.identity), array(config.identity_public_key));
        let (signed, express) = (cfg!(feature = "signed"), cfg!(feature = "express"));
        let identity = platform.identity(secret, public_key, signed, express)?;
        let prefix = bytes(config.cid_prefix, config.cid_prefix_len)?;
        let cids = Cids::new(config.cid_len, prefix, slots_len)?;
        let memory = objects_mut(slots, slots_len)?;
        let server = &mut object.server;
        server.load(identity, cids)?;
        server.set_engine(platform.engine());
        server.set_retry_rate(config.retry_rate);
        server.set_resume_limit(match config.resume_limit {
            0 => RESUMES_IN_A_ROW,
            limit => u16::try_from(limit.max(0)).unwrap_or(u16::MAX),
        });
        // Zeroes are free slots. Writing one would leave most of what was there, or what the stack held instead.
        bytes_mut(memory.as_mut_ptr().cast(), size_of_val(memory))?.zeroize();
        // A slot of ours is not larger than one of C's, so that as many fit, one after the other.
        object.slots = memory.as_mut_ptr().cast();
        object.slots_len = slots_len;
        object.platform = *platform;
        object.directory = Callbacks::of(config);
        Ok(LSCOAP_OK)
    })())
}

/// Where a message came from.
#[repr(C)]
pub struct lscoap_sender {
    /// The sender's address and port, in any form that is equal for equal senders: a retry cookie is good for that sender only
    /// (protocol section 7).
    pub peer: *const u8,
    /// Its length: at most 255 bytes.
    pub peer_len: usize,
    /// Whom the sender shares room with: bytes that are equal for one IPv4 address (IPv6's mapped ones too), one IPv6 /64, or
    /// one IPv6 address where that is link-local, unique-local or on-link. Where room is short, a source that holds a quarter of it
    /// displaces nobody's handshakes but its own, once they are older than two seconds (protocol section 7). Null: no such rule.
    pub source: *const u8,
    /// Its length: at most 255 bytes.
    pub source_len: usize,
}

/// Answers one handshake message of `from`'s. `io->now_ms` is a monotonic clock; where it goes back (a 32-bit one that wraps), no
/// time has gone by. `out` has room for at least LSCOAP_MESSAGE_MAX bytes, else LSCOAP_ERR_CAPACITY.
///
/// `*made` becomes the session that the message has made, else null. Nobody has used it yet: the sender may be anyone until its first
/// request opens (protocol section 8). A message that is repeated makes none. `made` itself may be null.
///
/// LSCOAP_SEND, LSCOAP_REFUSED: send the `out_len` bytes in `out`, with lscoap_response_code(). An error: there
/// is no message to send.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_step(
    server: *mut lscoap_server,
    from: *const lscoap_sender,
    io: *mut lscoap_io,
    made: *mut *mut lscoap_session,
) -> lscoap_status {
    // SAFETY: the contract. `input` is copied before `out` is looked at, since they may be one buffer.
    merge((|| unsafe {
        let call = Call::of(server)?;
        let object = &mut *call.parts;
        let slots = object.slots()?;
        let from = pointers::object(from)?;
        let peer = bytes(from.peer, from.peer_len)?;
        let source = bytes(from.source, from.source_len)?;
        let io = lscoap_io::of(io)?;
        // A message longer than any is what its first byte alone is: malformed, or an alert, which is not answered.
        let (given, mut input) = (io.input(), Message::new());
        take(given, &mut input).or_else(|_| take(given.get(..1).unwrap_or_default(), &mut input))?;
        let room = message_room(io.out, io.out_cap)?;
        let made = if made.is_null() { None } else { Some(Out::new(made)?) };
        let (platform, directory) = (&mut object.platform, &mut object.directory);
        let mut env = Env { platform, directory, peer, source, now_ms: io.now_ms };
        let mut answer = Message::new();
        let status = object.server.step(slots, &mut env, &input, &mut answer)?;
        give(&answer, room, Out::new(&raw mut io.out_len)?)?;
        if let Some(place) = made {
            let session = object.server.made().and_then(|index| slots.get_mut(index)?.session_mut());
            place.write(session.map_or(core::ptr::null_mut(), core::ptr::from_mut).cast());
        }
        Ok(of_status(status))
    })())
}

/// Opens a sealed object that is a request: finds its session by the id in it, in a time that does not depend on the number of
/// sessions; the first record that opens confirms the session, and wipes the device's older one (protocol
/// section 8). `*session` stays the server's: use it to answer, and do not keep it; lscoap_server_find() gives it again. For whole
/// messages, and for the OSCORE option, there is lscoap_server_unprotect_request().
///
/// A request is opened once. Keep each sealed answer with what its request is known again by (the peer and the message
/// id, or the peer and the object) for 247 s, RFC 7252's EXCHANGE_LIFETIME: a retransmitted request, whose answer was lost,
/// is to get that answer again, without this call, which can only refuse it (LSCOAP_ERR_REPLAY, 4.00). lscoap_answers_find() and its
/// like keep them.
///
/// LSCOAP_ERR_MALFORMED, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: answer with
/// lscoap_record_refusal(); the place of the plaintext in `out` may have been zeroed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_open_request(
    server: *mut lscoap_server,
    io: *mut lscoap_io,
    session: *mut *mut lscoap_session,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(server)?;
        let object = &mut *call.parts;
        let slots = object.slots()?;
        let io = lscoap_io::of(io)?;
        let carrier = io.carrier()?;
        let (session_place, exchange_place) = (Out::new(session)?, Out::behind(exchange)?);
        let input = io.input();
        let refused = |server: &mut Server, error: Error| {
            server.note_refused_record(error);
            error
        };
        let found = object.server.find(slots, &mut object.directory, io.now_ms, input);
        let index = found.map_err(|error| refused(&mut object.server, error))?;
        let session = slots.get_mut(index).and_then(Slot::session_mut).ok_or(Error::UnknownSession)?;
        let opening = session.begin_open_request(input);
        let opening = opening.map_err(|error| refused(&mut object.server, error))?;
        io.check_room(&opening)?;
        io.open(session, &opening, carrier).inspect_err(|error| {
            if *error == Error::Authentication {
                object.server.note_refused_record(Error::Authentication);
            }
        })?;
        let completed = object.server.complete_open_request(slots, &mut object.directory, index, &opening);
        let exchange = completed?;
        let session = slots.get_mut(index).and_then(Slot::session_mut).ok_or(Error::UnknownSession)?;
        exchange_place.write(exchange);
        session_place.write(core::ptr::from_mut(session).cast());
        Ok(LSCOAP_OK)
    })())
}

/// Gives back a sealed request as the client made it, whichever carrier it came in: finds its session by the id in it, in
/// a time that does not depend on the number of sessions; the first request that opens confirms the session, and wipes the
/// device's older one (protocol section 8). `*session` stays the server's: use it with `*exchange` to answer by
/// lscoap_protect_response(), and do not keep it; lscoap_server_session_of() gives it again.
///
/// LSCOAP_ERR_UNEXPECTED: not sealed; what comes in the clear is for lscoap_server_step(), or for resources that anyone may
/// reach. LSCOAP_ERR_MALFORMED, LSCOAP_ERR_BAD_OPTION, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_ERR_AUTHENTICATION,
/// LSCOAP_ERR_REPLAY: answer with lscoap_refusal(). A retransmission that gets past the message layer is a replay: give it
/// the answer that its first copy got.
#[cfg(feature = "coap")]
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_unprotect_request(
    server: *mut lscoap_server,
    io: *mut lscoap_io,
    session: *mut *mut lscoap_session,
    exchange: *mut lscoap_exchange,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(server)?;
        let object = &mut *call.parts;
        let slots = object.slots()?;
        let session_place = Out::new(session)?;
        let exchange_place = Out::behind(exchange)?;
        let io = lscoap_io::of(io)?;
        let now_ms = io.now_ms;
        io.run(|buffer, len| {
            let opened = object.server.unprotect(slots, &mut object.directory, now_ms, buffer, len);
            let opened = opened?;
            let session = slots.get_mut(opened.slot).and_then(Slot::session_mut);
            session_place.write(core::ptr::from_mut(session.ok_or(Error::UnknownSession)?).cast());
            exchange_place.write(opened.exchange);
            Ok(opened.len)
        })
    })())
}

/// The session that is found, or null.
unsafe fn found(
    server: *mut lscoap_server,
    find: impl FnOnce(&mut Parts, &mut [Slot]) -> Result<usize, Error>,
) -> *mut lscoap_session {
    // SAFETY: the contract.
    let found = (|| unsafe {
        let call = Call::of(server)?;
        let object = &mut *call.parts;
        let slots = object.slots()?;
        let index = find(object, slots)?;
        slots.get_mut(index).and_then(Slot::session_mut).ok_or(Error::UnknownSession)
    })();
    found.map_or(core::ptr::null_mut(), |session| core::ptr::from_mut(session).cast())
}

/// The session whose requests carry this kid, as lscoap_session_recipient_id() gives it; null if there is none. The session
/// stays the server's.
#[cfg(feature = "coap")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_session_of(
    server: *mut lscoap_server,
    now_ms: u64,
    kid: *const u8,
    kid_len: usize,
) -> *mut lscoap_session {
    // SAFETY: the contract.
    unsafe {
        found(server, |parts, slots| {
            let kid = bytes(kid, kid_len)?;
            parts.server.session_of(slots, &mut parts.directory, now_ms, kid)
        })
    }
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
    unsafe {
        found(server, |parts, slots| {
            let object = bytes(object, object_len)?;
            parts.server.find(slots, &mut parts.directory, now_ms, object)
        })
    }
}

/// Which of the server's slots a session is in, from 0: where a program keeps something of its own for each session, an
/// array as long as the slots' has a place for it. The next session in a slot is another one.
/// LSCOAP_ERR_ARGUMENT: not a session of this server, or one that has ended.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_slot_index(
    server: *const lscoap_server,
    session: *const lscoap_session,
    index: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract. What is at the address is looked at only where a session of the server's is.
    merge((|| unsafe {
        let object = live(server)?;
        let place = Out::new(index)?;
        place.write(object.index_of(session)?);
        Ok(LSCOAP_OK)
    })())
}

/// Another implementation's word that a request of the client's has opened in a session that was handed over: confirms it as
/// lscoap_server_open_request() does, and wipes the device's older one (protocol section 8). A session that is confirmed stays so.
/// LSCOAP_ERR_ARGUMENT: not a session of this server, or one that has ended.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_confirm(
    server: *mut lscoap_server,
    session: *const lscoap_session,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(server)?;
        let object = &mut *call.parts;
        let index = object.index_of(session)?;
        let slots = object.slots()?;
        object.server.confirm(slots, &mut object.directory, index)?;
        Ok(LSCOAP_OK)
    })())
}

/// Ends every session and handshake of a device, which has been taken out of the directory or got another key
/// there, and deletes its resume record. LSCOAP_ERR_UNKNOWN_SESSION: no slot was the device's. LSCOAP_ERR_STORAGE: its
/// slots are free, and the record may still be there, which does no harm while the directory refuses the device.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_forget(
    server: *mut lscoap_server,
    id: *const u8,
    id_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(server)?;
        let object = &mut *call.parts;
        let slots = object.slots()?;
        match object.server.forget(slots, &mut object.directory, bytes(id, id_len)?)? {
            0 => Err(Error::UnknownSession),
            _ => Ok(LSCOAP_OK),
        }
    })())
}

/// What has happened so far, and how the slots stand.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_stats(server: *const lscoap_server, out: *mut Stats) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let object = live(server)?;
        Out::new(out)?.write(object.server.stats(object.slots_len));
        Ok(LSCOAP_OK)
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
        let object = live(server)?;
        Out::new(out.cast())?.write(*object.server.public_key());
        Ok(LSCOAP_OK)
    })())
}

/// Wipes the server and every slot. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_server_wipe(server: *mut lscoap_server) {
    // SAFETY: the contract.
    let _ = (|| unsafe {
        let call = Call::of(server)?;
        let object = &mut *call.parts;
        let slots = object.slots()?;
        object.server.wipe(slots, &mut object.directory);
        bytes_mut(slots.as_mut_ptr().cast(), size_of_val(slots))?.zeroize(); // zeroes are free slots
        Ok::<_, Error>(())
    })();
}
