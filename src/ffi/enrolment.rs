//! Keys and enrolment strings.

use super::pointers::{Out, array, bytes, bytes_mut};
use super::status::{LSCOAP_OK, lscoap_status, merge};
use crate::bytes::copy;
use crate::enrolment::{self, Fault, What};
use crate::error::Error;
use crate::limits::{DEVICE_ID_MAX, DEVICE_STRING_MAX, SERVER_STRING_MAX};
use core::ffi::c_char;

/// The longest device id, in bytes.
pub const LSCOAP_DEVICE_ID_MAX: usize = 32;
/// The longest connection id, in bytes.
pub const LSCOAP_CID_MAX: usize = 7;
/// A secret key: a big-endian scalar, in bytes.
pub const LSCOAP_SECRET_KEY_LEN: usize = 32;
/// A public key: a compressed SEC1 point, in bytes.
pub const LSCOAP_PUBLIC_KEY_LEN: usize = 33;
/// The longest enrolment string of a device, its terminating NUL included.
pub const LSCOAP_DEVICE_STRING_MAX: usize = 117;
/// The longest enrolment string of a server, its terminating NUL included.
pub const LSCOAP_SERVER_STRING_MAX: usize = 64;

const _: () = assert!(LSCOAP_DEVICE_ID_MAX == DEVICE_ID_MAX);
const _: () = assert!(LSCOAP_CID_MAX == crate::limits::CID_MAX);
const _: () = assert!(LSCOAP_SECRET_KEY_LEN == crate::limits::SECRET_KEY_LEN);
const _: () = assert!(LSCOAP_PUBLIC_KEY_LEN == crate::limits::PUBLIC_KEY_LEN);
const _: () = assert!(LSCOAP_DEVICE_STRING_MAX == DEVICE_STRING_MAX + 1);
const _: () = assert!(LSCOAP_SERVER_STRING_MAX == SERVER_STRING_MAX + 1);

/// The public key of a secret: LSCOAP_SECRET_KEY_LEN bytes in, LSCOAP_PUBLIC_KEY_LEN bytes out.
/// LSCOAP_ERR_KEY: the secret is not in 1..n-1.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_public_key(secret: *const u8, out: *mut u8) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let key = enrolment::public_key(array(secret)?)?;
        Out::new(out.cast())?.write(key);
        Ok(LSCOAP_OK)
    })())
}

/// Writes a device's enrolment string (`LSC2:...`) with a terminating NUL, which `*out_len` does not count.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_format_device(
    id: *const u8,
    id_len: usize,
    public_key: *const u8,
    out: *mut c_char,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let text = enrolment::format_device(bytes(id, id_len)?, array(public_key)?)?;
        give_text(&text, out, out_cap, out_len)
    })())
}

/// Writes a server's enrolment string (`LSS2:...`) with a terminating NUL, which `*out_len` does not count.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_format_server(
    public_key: *const u8,
    out: *mut c_char,
    out_cap: usize,
    out_len: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let text = enrolment::format_server(array(public_key)?)?;
        give_text(&text, out, out_cap, out_len)
    })())
}

/// Reads a device's enrolment string, `LSC2:...` with a check or `LSC1:...` without: the id (LSCOAP_DEVICE_ID_MAX bytes
/// of room) and the key. Two strings of one device may differ: compare id and key. `text` needs no terminating NUL.
/// LSCOAP_ERR_MALFORMED, or LSCOAP_ERR_KEY where the key is no point: `*error_at`, if not null, is where the fault
/// lies, counted from 0; a check that does not fit is at fault where it begins.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_parse_device(
    text: *const c_char,
    text_len: usize,
    id: *mut u8,
    id_len: *mut usize,
    public_key: *mut u8,
    error_at: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let (id, id_len) = (bytes_mut(id, DEVICE_ID_MAX)?, Out::new(id_len)?);
        let public_key = Out::new(public_key.cast())?;
        let parsed = parse(text, text_len, enrolment::parse_device)?;
        let device = parsed.map_err(|f| fault(f, error_at))?;
        copy(id.get_mut(..device.id.len()).ok_or(Error::Capacity)?, &device.id);
        id_len.write(device.id.len());
        public_key.write(device.public_key);
        Ok(LSCOAP_OK)
    })())
}

/// Reads a server's enrolment string (`LSS2:...` or `LSS1:...`): the key. Otherwise as lscoap_parse_device().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_parse_server(
    text: *const c_char,
    text_len: usize,
    public_key: *mut u8,
    error_at: *mut usize,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let public_key = Out::new(public_key.cast())?;
        let key = parse(text, text_len, enrolment::parse_server)?.map_err(|f| fault(f, error_at))?;
        public_key.write(key);
        Ok(LSCOAP_OK)
    })())
}

/// Parses bytes as text. Those that are none are a fault where they lie, unless another lies before them.
unsafe fn parse<T>(
    text: *const c_char,
    len: usize,
    parse: impl Fn(&str) -> Result<T, Fault>,
) -> Result<Result<T, Fault>, Error> {
    // SAFETY: the contract.
    let bytes = unsafe { bytes(text.cast(), len)? };
    Ok(match core::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let end = error.valid_up_to();
            let text = bytes.get(..end).and_then(|text| core::str::from_utf8(text).ok());
            let earlier = text.and_then(|text| parse(text).err()).filter(|fault| fault.at < end);
            Err(earlier.unwrap_or(Fault { at: end, what: What::Character }))
        }
    })
}

unsafe fn fault(fault: Fault, error_at: *mut usize) -> Error {
    if let Ok(place) = Out::new(error_at) {
        // SAFETY: the contract.
        unsafe { place.write(fault.at) };
    }
    if fault.what == What::Key { Error::Key } else { Error::Malformed }
}

unsafe fn give_text(
    text: &str,
    out: *mut c_char,
    out_cap: usize,
    out_len: *mut usize,
) -> Result<lscoap_status, Error> {
    // SAFETY: the contract.
    unsafe {
        let room = bytes_mut(out.cast::<u8>(), out_cap)?;
        let out_len = Out::new(out_len)?;
        let (end, room) = match room.split_at_mut_checked(text.len()) {
            Some((room, [end, ..])) => (end, room),
            _ => return Err(Error::Capacity),
        };
        copy(room, text.as_bytes());
        *end = 0;
        out_len.write(text.len());
        Ok(LSCOAP_OK)
    }
}
