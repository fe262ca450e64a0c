//! `lscoap_device`.

use super::backend::Hooked;
use super::calling::{Call, Calling, idle};
use super::client::{client_config, lscoap_client_config};
use super::coap::carrier_of;
use super::platform::lscoap_platform;
use super::pointers::{self, Out, all_behind_mut, bytes, bytes_mut, object, object_mut};
use super::session::lscoap_session;
use super::status::{LSCOAP_DONE, LSCOAP_OK, LSCOAP_SEND, LSCOAP_STORE, lscoap_status, merge, of_error};
use crate::device::{
    BUFFER_MAX, BUFFER_MIN, Config, Device, Env, Observation, Payload, Piece, Poll, Request, Requests,
};
use crate::error::Error;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

/// lscoap_request.flags: observe the resource, for GET and FETCH.
pub const LSCOAP_OBSERVE: u8 = 1;
/// lscoap_request.flags: as a non-confirmable message, which is sent once.
pub const LSCOAP_NON: u8 = 2;
/// lscoap_request.flags: a POST or PATCH may be executed twice, so that it goes out again in a new session.
pub const LSCOAP_AT_LEAST_ONCE: u8 = 4;

/// The shortest lscoap_device_config.buffer, in bytes.
pub const LSCOAP_DEVICE_BUFFER_MIN: usize = 160;
/// The longest, in bytes.
pub const LSCOAP_DEVICE_BUFFER_MAX: usize = 1152;

const _: () = assert!(LSCOAP_DEVICE_BUFFER_MIN == BUFFER_MIN && LSCOAP_DEVICE_BUFFER_MAX == BUFFER_MAX);

/// A part of an answer. Valid during the callback; `options` and `payload` lie in the datagram that was received.
#[repr(C)]
pub struct lscoap_piece {
    /// LSCOAP_OK; negative: the observation has ended, and why. Then there is no payload, and `code` is 0 where no answer ended it.
    pub status: lscoap_status,
    /// The code inside.
    pub code: u8,
    /// 1: further pieces follow.
    pub more: u8,
    /// 1: of an observation.
    pub notification: u8,
    /// Of the payload: one more than the number, 0 for none.
    pub content_format: u32,
    /// How long the answer is fresh, in seconds.
    pub max_age_s: u32,
    /// Where the payload belongs in the body. 0 begins a body anew: what came before is of another one.
    pub offset: u32,
    /// The options inside, in CoAP's encoding.
    pub options: *const u8,
    /// Their length.
    pub options_len: usize,
    /// The payload.
    pub payload: *const u8,
    /// Its length.
    pub payload_len: usize,
}

/// What a device asks. Zeroed fields mean "none". It and what it points to stay unchanged until lscoap_device_poll() has said how it ended;
/// with LSCOAP_OBSERVE until `take` got a negative status, or the request ended with an error. Its address names it.
#[repr(C)]
pub struct lscoap_request {
    /// "/a/b?c=d", split and percent-decoded as RFC 7252 section 6.4 says; "led" and "/led" are equal.
    pub path: *const c_char,
    /// The method: 1 for GET and so on.
    pub code: u8,
    /// LSCOAP_OBSERVE, LSCOAP_NON, LSCOAP_AT_LEAST_ONCE.
    pub flags: u8,
    /// Of the payload: one more than the number, 0 for none.
    pub content_format: u32,
    /// Of the answer: the same.
    pub accept: u32,
    /// For all of it, connecting included, in ms; 0: 93,000.
    pub timeout_ms: u32,
    /// The payload; or null, `payload_len` its length, and `read`.
    pub payload: *const u8,
    /// Its length; what does not fit the buffer goes in blocks.
    pub payload_len: usize,
    /// Writes `len` bytes of the payload from `offset` on; 0, else the request is cancelled. The same bytes for the same offset; it
    /// may begin again at 0.
    pub read:
        Option<unsafe extern "C" fn(context: *mut c_void, offset: usize, out: *mut u8, len: usize) -> c_int>,
    /// Takes a part of the answer; 0, else the request or the observation is cancelled. Null: only the first block comes, and its code is kept.
    pub take: Option<unsafe extern "C" fn(context: *mut c_void, piece: *const lscoap_piece) -> c_int>,
    /// Passed to the callbacks.
    pub context: *mut c_void,
}

/// The length of `lscoap_observation`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_OBSERVATION_WORDS: usize = 10;
/// The length of `lscoap_observation`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_OBSERVATION_WORDS: usize = 9;

/// Room for one observation. Zeroed; its contents are the device's.
#[repr(C)]
pub struct lscoap_observation {
    opaque_: [u64; LSCOAP_OBSERVATION_WORDS],
}

handle!(lscoap_observation => Observation);
same_size!(Observation, lscoap_observation);

/// What a device is made of. Everything is copied; what `buffer` and `observations` point to outlives the device.
#[repr(C)]
pub struct lscoap_device_config {
    /// Who the device is and whom it talks to.
    pub client: lscoap_client_config,
    /// For the one datagram that is kept for retransmission: LSCOAP_DEVICE_BUFFER_MIN to LSCOAP_DEVICE_BUFFER_MAX bytes.
    pub buffer: *mut u8,
    /// Its length. The sizes of blocks follow from it, those of answers too: have a receive buffer at least as long.
    pub buffer_len: usize,
    /// Zeroed places for observations; null: none.
    pub observations: *mut lscoap_observation,
    /// How many there are.
    pub observations_len: usize,
    /// LSCOAP_CARRIER_OSCORE or LSCOAP_CARRIER_PAYLOAD.
    pub carrier: i32,
    /// Sequence numbers that one write to storage reserves; 0: nothing is ever stored.
    pub store_block: u32,
    /// Observations register again this often (for address translators, and registrations that are lost); 0: by Max-Age alone.
    pub refresh_s: u32,
    /// The first timeout of a message; 0: 2,000.
    pub ack_timeout_ms: u16,
    /// How often a message is sent again; 0: 4.
    pub max_retransmit: u8,
    /// Rounds of resuming and handshakes for one request; 0: 3.
    pub attempts: u8,
}

/// The length of `lscoap_device`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_DEVICE_WORDS: usize = 168;
/// The length of `lscoap_device`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_DEVICE_WORDS: usize = 153;

/// A device's whole client side over one datagram socket, without socket, clock, heap or thread: client, two sessions, one
/// request at a time and any number of observations. Place it in zeroed memory and never copy it.
///
/// A callback that one of its calls runs, of lscoap_platform too, must not use it: the functions then give LSCOAP_ERR_STATE, or what they give
/// for a device that does nothing. What follows from an answer is begun after the call.
///
/// A request goes out in the session that there is, else in the stored one; where there is none, a full handshake makes one.
/// Silence never causes a handshake. A refusal in the clear has the same bytes sent again; a second one has the session
/// resumed, and where that is refused twice a full handshake made, in `attempts` rounds with pauses. The older session is
/// wiped, and the newer one stored, when the first answer opens in it; the request has then gone out again in it, unless it
/// is a POST or PATCH (LSCOAP_ERR_UNCERTAIN). Observations outlive sessions.
#[repr(C)]
pub struct lscoap_device {
    opaque_: [u64; LSCOAP_DEVICE_WORDS],
}

/// What is behind it.
pub struct Parts {
    device: Device<Hooked>,
    platform: lscoap_platform,
    buffer: *mut u8,
    buffer_len: usize,
    observations: *mut lscoap_observation,
    observations_len: usize,
    #[cfg(feature = "group")]
    members: *mut crate::group::Member<Hooked>,
    #[cfg(feature = "group")]
    members_len: usize,
    #[cfg(feature = "group")]
    leisure_ms: u32,
}

handle!(lscoap_device => Calling<Parts>);
const _: () = assert!(size_of::<Calling<Parts>>() <= size_of::<lscoap_device>()); // smaller without groups
const _: () = assert!(align_of::<Calling<Parts>>() <= align_of::<lscoap_device>());

impl Parts {
    /// What surrounds a call.
    unsafe fn run<R>(
        &mut self,
        now_ms: u64,
        work: impl FnOnce(&mut Device<Hooked>, &mut Env<'_>) -> R,
    ) -> Result<R, Error> {
        // SAFETY: the contract: buffer and observations outlive the device, which alone uses them.
        let (buffer, observations) = unsafe {
            (
                bytes_mut(self.buffer, self.buffer_len)?,
                all_behind_mut(self.observations, self.observations_len)?,
            )
        };
        #[cfg(feature = "group")]
        // SAFETY: the same of members.
        let members = unsafe { super::pointers::objects_mut(self.members, self.members_len)? };
        let mut env = Env {
            platform: &mut self.platform,
            requests: &mut ByAddress,
            buffer,
            observations,
            #[cfg(feature = "group")]
            groups: &mut crate::device::Members { members, leisure_ms: self.leisure_ms },
            now_ms,
        };
        Ok(work(&mut self.device, &mut env))
    }
}

/// C's requests: their names are their addresses.
struct ByAddress;

impl ByAddress {
    fn find<'a>(name: usize) -> Option<&'a lscoap_request> {
        // SAFETY: the contract: a request stays where it is, and as it is, until its end.
        unsafe { object(ptr::with_exposed_provenance::<lscoap_request>(name)) }.ok()
    }
}

/// A Content-Format of C's: one more than the number.
fn format(number: u32) -> Option<u16> {
    number.checked_sub(1).and_then(|number| u16::try_from(number).ok())
}

impl Requests for ByAddress {
    fn get(&self, name: usize) -> Option<Request<'_>> {
        let request = Self::find(name)?;
        let payload = match request.read {
            Some(_) if request.payload.is_null() => Payload::Read(request.payload_len),
            // SAFETY: the contract.
            _ => Payload::Bytes(unsafe { bytes(request.payload, request.payload_len) }.ok()?),
        };
        pointers::check(request.path).ok()?;
        Some(Request {
            // SAFETY: not null, and by the contract a string.
            path: unsafe { CStr::from_ptr(request.path) }.to_bytes(),
            code: request.code,
            observe: request.flags & LSCOAP_OBSERVE != 0,
            non: request.flags & LSCOAP_NON != 0,
            at_least_once: request.flags & LSCOAP_AT_LEAST_ONCE != 0,
            content_format: format(request.content_format),
            accept: format(request.accept),
            timeout_ms: request.timeout_ms,
            payload,
            takes: request.take.is_some(),
        })
    }

    fn read(&mut self, name: usize, offset: usize, out: &mut [u8]) -> Result<(), Error> {
        let request = Self::find(name).ok_or(Error::State)?;
        let read = request.read.ok_or(Error::State)?;
        // SAFETY: the callback is C's own, and writes as many bytes as it is told.
        match unsafe { read(request.context, offset, out.as_mut_ptr(), out.len()) } {
            0 => Ok(()),
            _ => Err(Error::Cancelled),
        }
    }

    fn take(&mut self, name: usize, piece: &Piece<'_>) -> Result<(), Error> {
        let request = Self::find(name).ok_or(Error::State)?;
        let Some(take) = request.take else { return Ok(()) };
        let piece = lscoap_piece {
            status: piece.ended.map_or(LSCOAP_OK, of_error),
            code: piece.code,
            more: piece.more.into(),
            notification: piece.notification.into(),
            content_format: piece.content_format.map_or(0, |format| u32::from(format).saturating_add(1)),
            max_age_s: piece.max_age_s,
            offset: piece.offset,
            options: piece.options.as_ptr(),
            options_len: piece.options.len(),
            payload: piece.payload.as_ptr(),
            payload_len: piece.payload.len(),
        };
        // SAFETY: the callback is C's own.
        match unsafe { take(request.context, &raw const piece) } {
            0 => Ok(()),
            _ => Err(Error::Cancelled),
        }
    }
}

fn status(result: Result<(), Error>) -> lscoap_status {
    result.map_or_else(of_error, |()| LSCOAP_OK)
}

/// Loads the identity, over whatever the object held before.
/// LSCOAP_ERR_KEY: `identity` or `server_key` is no key. LSCOAP_ERR_ARGUMENT: an id, the buffer or the carrier is none, or a
/// profile that the library was built without.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_init(
    device: *mut lscoap_device,
    platform: *const lscoap_platform,
    config: *const lscoap_device_config,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(device)?;
        let object = &mut *call.parts;
        let platform = *pointers::object(platform)?;
        let config = pointers::object(config)?;
        bytes_mut(config.buffer, config.buffer_len)?;
        all_behind_mut(config.observations, config.observations_len)?;
        if !(BUFFER_MIN..=BUFFER_MAX).contains(&config.buffer_len) {
            return Err(Error::Argument);
        }
        let loaded = Config {
            client: client_config(&platform, &config.client)?,
            carrier: carrier_of(config.carrier)?,
            store_block: config.store_block,
            refresh_s: config.refresh_s,
            ack_timeout_ms: config.ack_timeout_ms,
            max_retransmit: config.max_retransmit,
            attempts: config.attempts,
        };
        object.device.load(&loaded)?;
        object.device.set_engine(platform.engine());
        object.platform = platform;
        (object.buffer, object.buffer_len) = (config.buffer, config.buffer_len);
        (object.observations, object.observations_len) = (config.observations, config.observations_len);
        #[cfg(feature = "group")]
        {
            (object.members, object.members_len) = (ptr::null_mut(), 0);
        }
        Ok(LSCOAP_OK)
    })())
}

/// Has the device ask for the members of its groups by itself, after lscoap_device_init(): when one is to ask (lscoap_member_ask_due(), and a random part of
/// `leisure_ms`; 0: 13,000), its ASK goes out in the session, which is made first where there is none, and the answer is taken. The application's requests
/// come first. `members` are an array of `members_len`, initialised, that outlives the device; the application opens and answers requests with
/// them between calls, and has lscoap_device_poll() called after LSCOAP_ERR_ASK, from an object or from lscoap_member_notice(). What they are by now says
/// lscoap_member_group().
/// LSCOAP_ERR_UNINITIALISED: not a device yet.
#[cfg(feature = "group")]
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_set_members(
    device: *mut lscoap_device,
    members: *mut super::group_member::lscoap_member,
    members_len: usize,
    leisure_ms: u32,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(device)?;
        let parts = &mut *call.parts;
        all_behind_mut(members, members_len)?;
        parts.device.check_live()?;
        (parts.members, parts.members_len, parts.leisure_ms) = (members.cast(), members_len, leisure_ms);
        Ok(LSCOAP_OK)
    })())
}

/// Takes the session that was stored last, before the first request.
/// LSCOAP_ERR_MALFORMED: damaged, or of another version. LSCOAP_ERR_STATE: of another device, there is a session already, or
/// `store_block` is 0. Go on in any case: a full handshake follows.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_restore(
    device: *mut lscoap_device,
    blob: *const u8,
    blob_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(device)?;
        let object = &mut *call.parts;
        Ok(status(object.device.restore(bytes(blob, blob_len)?)))
    })())
}

/// Begins a request, and connects first where there is no session. `request` null: only connects. lscoap_device_poll() then says
/// what to send, and how it ended.
/// LSCOAP_ERR_STATE: a request is under way, or is being observed. LSCOAP_ERR_ARGUMENT: a method or a path that is none.
/// LSCOAP_ERR_TOO_LONG: it does not fit the buffer, not even in blocks. LSCOAP_ERR_CAPACITY: no room for an observation.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_request(
    device: *mut lscoap_device,
    now_ms: u64,
    request: *const lscoap_request,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(device)?;
        let object = &mut *call.parts;
        let name = (!request.is_null()).then(|| request.expose_provenance());
        if name.is_some() {
            pointers::check(request)?;
        }
        object.run(now_ms, |device, env| status(device.request(env, name)))
    })())
}

/// Gives a request up: it ends with LSCOAP_ERR_CANCELLED, and its late answer is dropped. An observation is deregistered, and
/// ends with that status in `take`.
/// LSCOAP_ERR_STATE: it is not under way.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_cancel(
    device: *mut lscoap_device,
    now_ms: u64,
    request: *const lscoap_request,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(device)?;
        let object = &mut *call.parts;
        pointers::check(request)?;
        object.run(now_ms, |device, env| status(device.cancel(env, request.addr())))
    })())
}

/// Takes any datagram that came from the server's address, and opens it in place; call lscoap_device_poll() then. Runs `take`. One step of a
/// handshake may be computed here (docs/footprint.md says how long that takes). LSCOAP_OK also for what was dropped.
/// LSCOAP_ERR_UNEXPECTED: a request, which is untouched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_receive(
    device: *mut lscoap_device,
    now_ms: u64,
    datagram: *mut u8,
    datagram_len: usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(device)?;
        let object = &mut *call.parts;
        let datagram = bytes_mut(datagram, datagram_len)?;
        object.run(now_ms, |device, env| status(device.receive(env, datagram)))
    })())
}

/// What to do now. Call it again until it gives LSCOAP_OK: nothing before lscoap_device_deadline().
/// LSCOAP_SEND: send `*bytes` to the server; its timers begin here. LSCOAP_STORE: write `*bytes` (at most LSCOAP_SESSION_BLOB_MAX,
/// with secrets in them) in place of the older ones, then call lscoap_device_stored(). LSCOAP_DONE: the request was answered.
/// `*bytes` lie in the device or its buffer, and are valid until the next call.
/// LSCOAP_ERR_RANDOM: the random source failed; it is tried again at the deadline, and so is LSCOAP_ERR_HARDWARE while there is
/// no session. Any other error has ended the request, and is said once: LSCOAP_ERR_NO_ANSWER, LSCOAP_ERR_UNCERTAIN,
/// LSCOAP_ERR_STORAGE, LSCOAP_ERR_TOO_LONG, LSCOAP_ERR_CANCELLED; LSCOAP_ERR_BAD_OPTION and LSCOAP_ERR_MALFORMED for an answer
/// that is none; LSCOAP_ALERT_... where the server refuses handshakes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_poll(
    device: *mut lscoap_device,
    now_ms: u64,
    bytes: *mut *const u8,
    bytes_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let call = Call::of(device)?;
        let object = &mut *call.parts;
        let (place, place_len) = (Out::new(bytes)?, Out::new(bytes_len)?);
        object.run(now_ms, |device, env| {
            let (status, bytes) = match device.poll(env)? {
                Poll::Idle => return Ok(LSCOAP_OK),
                Poll::Done(_) => return Ok(LSCOAP_DONE),
                Poll::Send(bytes) => (LSCOAP_SEND, bytes),
                Poll::Store(bytes) => (LSCOAP_STORE, bytes),
            };
            place.write(bytes.as_ptr());
            place_len.write(bytes.len());
            Ok(status)
        })?
    })())
}

/// When lscoap_device_poll() is to be called if nothing else happens, in ms; UINT64_MAX: only a datagram or another call changes
/// anything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_deadline(device: *const lscoap_device) -> u64 {
    // SAFETY: the contract.
    let found = (|| unsafe {
        let object = idle(device)?;
        let observations = all_behind_mut(object.observations, object.observations_len)?;
        Ok::<_, Error>(object.device.deadline(observations))
    })();
    found.unwrap_or(u64::MAX)
}

/// After LSCOAP_STORE. `failed` not 0: a session that was never stored goes on within the numbers of those bytes, and is stored
/// again at its next answer; a request for which no numbers are reserved ends with LSCOAP_ERR_STORAGE, unsent.
/// LSCOAP_ERR_STATE: nothing was to be stored.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_stored(device: *mut lscoap_device, failed: i32) -> lscoap_status {
    // SAFETY: the contract.
    merge(
        unsafe { Call::of(device) }.map(|call| {
            status(call.parts.device.stored(if failed == 0 { Ok(()) } else { Err(Error::Storage) }))
        }),
    )
}

/// Before the power goes: the next lscoap_device_poll() gives an LSCOAP_STORE that wastes no numbers, if there is a session.
/// LSCOAP_ERR_STATE: `store_block` is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_suspend(device: *mut lscoap_device) -> lscoap_status {
    // SAFETY: the contract.
    merge(unsafe { Call::of(device) }.map(|call| status(call.parts.device.suspend())))
}

/// The device has another address or socket: what is out goes out again now, and observations are registered anew.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_moved(device: *mut lscoap_device, now_ms: u64) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe { Call::of(device)?.parts.run(now_ms, |device, env| status(device.moved(env))) })())
}

/// The code inside the last answer; 0: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_code(device: *const lscoap_device) -> u8 {
    // SAFETY: the contract.
    unsafe { idle(device) }.map_or(0, |object| object.device.code())
}

/// The session in use, for lscoap_session_fingerprint() and lscoap_session_export_key(); null: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_session(device: *const lscoap_device) -> *const lscoap_session {
    // SAFETY: the contract.
    let session = unsafe { idle(device) }.ok().and_then(|object| object.device.session());
    session.map_or(ptr::null(), |session| ptr::from_ref(session).cast())
}

/// A clock of 32 bits as one of 64: `*last` is what it gave before, 0 at first. Called at least once in 49 days.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_extend_ms(last: *mut u64, ms: u32) -> u64 {
    // SAFETY: the contract.
    unsafe { object_mut(last) }.map_or(ms.into(), |last| crate::device::extend_ms(last, ms))
}

/// Wipes identity and sessions. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_device_wipe(device: *mut lscoap_device) {
    // SAFETY: the contract.
    if let Ok(call) = unsafe { Call::of(device) } {
        call.parts.device.wipe();
    }
}
