//! Enrolment strings (protocol section 2): what a QR code carries. Only characters of the QR alphanumeric set.

use crate::crypto::{Curve, Hash, Point, Software};
use crate::error::Error;
use crate::limits::{DEVICE_ID_MAX, DEVICE_STRING_MAX, PUBLIC_KEY_LEN, SECRET_KEY_LEN, SERVER_STRING_MAX};
use crate::wire::DeviceId;

/// A device's enrolment string.
pub type DeviceString = heapless::String<DEVICE_STRING_MAX>;
/// A server's enrolment string.
pub type ServerString = heapless::String<SERVER_STRING_MAX>;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const DEVICE_PREFIX: &str = "LSC2:";
const DEVICE_PREFIX_V1: &str = "LSC1:";
const SERVER_PREFIX: &str = "LSS2:";
const SERVER_PREFIX_V1: &str = "LSS1:";
/// The check at the end of version 2: 20 bits in BASE32.
const CHECK_CHARACTERS: usize = 4;
/// A key in BASE32.
const KEY_CHARACTERS: usize = (PUBLIC_KEY_LEN * 8).div_ceil(5);

/// An enrolled device.
#[derive(Clone, Copy)]
pub struct Device {
    /// 1 to 32 bytes.
    pub id: DeviceId,
    /// A compressed SEC1 point.
    pub public_key: [u8; PUBLIC_KEY_LEN],
}

/// Where an enrolment string goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The first character at fault, counted from 0; the length of the string where something is missing.
    pub at: usize,
    /// What is wrong there.
    pub what: What,
}

/// What is wrong with an enrolment string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// It does not begin with `LSC1:` or `LSC2:`, or with `LSS1:` or `LSS2:`, whichever was asked for.
    Prefix,
    /// A character outside `A` to `Z` and `2` to `7`.
    Character,
    /// The colon between two fields is missing.
    Separator,
    /// A length that no such field has.
    Length,
    /// Bits that carry nothing are not zero.
    SpareBits,
    /// The check is that of another string: some character before it, or of it, is wrong.
    Check,
    /// The key is not a point of P-256.
    Key,
}

impl What {
    /// The fault in words.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Prefix => "wrong prefix",
            Self::Character => "not a BASE32 character (A-Z, 2-7)",
            Self::Separator => "a ':' and what follows it are missing",
            Self::Length => "wrong length",
            Self::SpareBits => "spare bits of the last character are not zero",
            Self::Check => "the check does not fit: a character of the string is wrong",
            Self::Key => "the key is not a point of P-256",
        }
    }
}

/// The identity key of a secret, a compressed SEC1 point. [`Error::Key`] if the secret is none.
pub fn public_key(secret: &[u8; SECRET_KEY_LEN]) -> Result<[u8; PUBLIC_KEY_LEN], Error> {
    let mut point = Point::EMPTY;
    Software::public_key(secret, &mut point)?;
    Ok(point.compressed())
}

/// The enrolment string of a device, version 2: with a check.
///
/// # Errors
/// [`Error::Argument`] for an id that is not 1 to 32 bytes, [`Error::Key`] for a key that is not a point.
pub fn format_device(id: &[u8], public_key: &[u8; PUBLIC_KEY_LEN]) -> Result<DeviceString, Error> {
    with_check(device_fields(DEVICE_PREFIX, id, public_key)?)
}

/// As [`format_device`], version 1: for readers that do not know version 2. Nothing shows a mistyped character.
pub fn format_device_v1(id: &[u8], public_key: &[u8; PUBLIC_KEY_LEN]) -> Result<DeviceString, Error> {
    device_fields(DEVICE_PREFIX_V1, id, public_key)
}

/// The enrolment string of a server, version 2: with a check. [`Error::Key`] for a key that is not a point.
pub fn format_server(public_key: &[u8; PUBLIC_KEY_LEN]) -> Result<ServerString, Error> {
    with_check(server_fields(SERVER_PREFIX, public_key)?)
}

/// As [`format_server`], version 1: for readers that do not know version 2. Nothing shows a mistyped character.
pub fn format_server_v1(public_key: &[u8; PUBLIC_KEY_LEN]) -> Result<ServerString, Error> {
    server_fields(SERVER_PREFIX_V1, public_key)
}

/// Parses a device's enrolment string of either version. Anything but the strings that [`format_device`] and
/// [`format_device_v1`] give is refused. Two strings of one device may differ: compare what they say.
pub fn parse_device(text: &str) -> Result<Device, Fault> {
    let (fields, checked) = strip(text, DEVICE_PREFIX, DEVICE_PREFIX_V1)?;
    let (id, rest) = fields.split_once(':').ok_or(Fault { at: text.len(), what: What::Separator })?;
    let id_at = text.len().saturating_sub(fields.len());
    let mut bytes = [0; DEVICE_ID_MAX];
    let len = decode(id, id_at, &mut bytes)?;
    let short = Fault { at: id_at, what: What::Length };
    let id_bytes = bytes.get(..len).filter(|id| !id.is_empty()).ok_or(short)?;
    let id = DeviceId::copy_of(id_bytes, Error::Argument).map_err(|_| short)?;
    Ok(Device { id, public_key: parse_key(text, rest, checked)? })
}

/// Parses a server's enrolment string of either version: the identity key.
pub fn parse_server(text: &str) -> Result<[u8; PUBLIC_KEY_LEN], Fault> {
    let (fields, checked) = strip(text, SERVER_PREFIX, SERVER_PREFIX_V1)?;
    parse_key(text, fields, checked)
}

fn check_key(key: &[u8; PUBLIC_KEY_LEN]) -> Result<(), Error> {
    let mut point = Point::EMPTY;
    Software::decompress(key, &mut point)
}

fn device_fields(prefix: &str, id: &[u8], public_key: &[u8; PUBLIC_KEY_LEN]) -> Result<DeviceString, Error> {
    if id.is_empty() || id.len() > DEVICE_ID_MAX {
        return Err(Error::Argument);
    }
    check_key(public_key)?;
    let mut out = DeviceString::new();
    out.push_str(prefix).map_err(|_| Error::Capacity)?;
    encode(id, &mut out)?;
    out.push(':').map_err(|_| Error::Capacity)?;
    encode(public_key, &mut out)?;
    Ok(out)
}

fn server_fields(prefix: &str, public_key: &[u8; PUBLIC_KEY_LEN]) -> Result<ServerString, Error> {
    check_key(public_key)?;
    let mut out = ServerString::new();
    out.push_str(prefix).map_err(|_| Error::Capacity)?;
    encode(public_key, &mut out)?;
    Ok(out)
}

fn with_check<const N: usize>(mut out: heapless::String<N>) -> Result<heapless::String<N>, Error> {
    out.push(':').map_err(|_| Error::Capacity)?;
    let check = check_of(&out)?;
    out.push_str(&check).map_err(|_| Error::Capacity)?;
    Ok(out)
}

/// The check of all characters before it, the last colon included.
fn check_of(text: &str) -> Result<heapless::String<CHECK_CHARACTERS>, Error> {
    let (mut state, mut digest) = (Software::begin(), [0; 32]);
    Software::update(&mut state, text.as_bytes());
    Software::finish(&mut state, &mut digest);
    let mut encoded = heapless::String::<5>::new();
    encode(digest.first_chunk::<3>().ok_or(Error::Argument)?, &mut encoded)?;
    let mut out = heapless::String::new();
    out.push_str(encoded.get(..CHECK_CHARACTERS).ok_or(Error::Argument)?).map_err(|_| Error::Capacity)?;
    Ok(out) // 20 of the 24 bits
}

/// What follows the prefix, and whether that ends with a check.
fn strip<'a>(text: &'a str, checked: &str, unchecked: &str) -> Result<(&'a str, bool), Fault> {
    let common = |prefix: &str| text.bytes().zip(prefix.bytes()).take_while(|(a, b)| a == b).count();
    match (text.strip_prefix(checked), text.strip_prefix(unchecked)) {
        (Some(fields), _) => Ok((fields, true)),
        (None, Some(fields)) => Ok((fields, false)),
        (None, None) => Err(Fault { at: common(checked).max(common(unchecked)), what: What::Prefix }),
    }
}

/// The key at the end of `text`, `fields`, with a check behind it or without.
fn parse_key(text: &str, fields: &str, checked: bool) -> Result<[u8; PUBLIC_KEY_LEN], Fault> {
    let (encoded, check) = match fields.split_once(':') {
        Some((encoded, check)) if checked => (encoded, Some(check)),
        _ => (fields, None),
    };
    let at = text.len().saturating_sub(fields.len());
    let mut key = [0; PUBLIC_KEY_LEN];
    let short = Fault { at: at.saturating_add(encoded.len()), what: What::Length };
    match decode(encoded, at, &mut key) {
        Ok(len) if len == key.len() => {}
        // Spare bits show only that something is missing.
        Err(fault) if fault.what == What::SpareBits && encoded.len() < KEY_CHARACTERS => return Err(short),
        Ok(_) => return Err(short),
        Err(fault) => return Err(fault),
    }
    if checked {
        verify(text, check.ok_or(Fault { at: text.len(), what: What::Separator })?)?;
    }
    check_key(&key).map_err(|_| Fault { at, what: What::Key })?;
    Ok(key)
}

/// Whether `check`, the end of `text`, is that of what is before it.
fn verify(text: &str, check: &str) -> Result<(), Fault> {
    let at = text.len().saturating_sub(check.len());
    if let Some(place) = check.bytes().take(CHECK_CHARACTERS).position(|byte| !ALPHABET.contains(&byte)) {
        return Err(Fault { at: at.saturating_add(place), what: What::Character });
    }
    if check.len() != CHECK_CHARACTERS {
        return Err(Fault { at: at.saturating_add(check.len().min(CHECK_CHARACTERS)), what: What::Length });
    }
    let covered = text.get(..at).and_then(|covered| check_of(covered).ok());
    if covered.as_deref() != Some(check) {
        return Err(Fault { at, what: What::Check });
    }
    Ok(())
}

/// RFC 4648 BASE32, without padding.
fn encode<const N: usize>(bytes: &[u8], out: &mut heapless::String<N>) -> Result<(), Error> {
    for group in bytes.chunks(5) {
        let mut block = [0; 8];
        for (to, from) in block.iter_mut().skip(3).zip(group) {
            *to = *from;
        }
        let bits = u64::from_be_bytes(block);
        for place in 0..group.len().saturating_mul(8).div_ceil(5) {
            let shift = 35_u32.saturating_sub(u32::try_from(place).unwrap_or(0).saturating_mul(5));
            let digit = usize::try_from(bits >> shift & 31).unwrap_or(0);
            let character = char::from(*ALPHABET.get(digit).ok_or(Error::Argument)?);
            out.push(character).map_err(|_| Error::Capacity)?;
        }
    }
    Ok(())
}

/// Decodes into `out` and gives the number of bytes. `at` is where `text` begins in the whole string.
fn decode(text: &str, at: usize, out: &mut [u8]) -> Result<usize, Fault> {
    let (mut bits, mut count, mut len) = (0_u32, 0_u32, 0_usize);
    for (place, character) in text.bytes().enumerate() {
        let at = at.saturating_add(place);
        let digit = ALPHABET.iter().position(|known| *known == character);
        let digit =
            digit.and_then(|digit| u32::try_from(digit).ok()).ok_or(Fault { at, what: What::Character })?;
        bits = bits << 5 | digit;
        count = count.saturating_add(5);
        if let Some(spare) = count.checked_sub(8) {
            let byte = u8::try_from(bits >> spare & 0xff).unwrap_or(0);
            *out.get_mut(len).ok_or(Fault { at, what: What::Length })? = byte;
            len = len.saturating_add(1);
            count = spare;
            bits &= (1_u32 << spare).saturating_sub(1);
        }
    }
    let end = at.saturating_add(text.len());
    if count >= 5 {
        return Err(Fault { at: end, what: What::Length }); // a character that no byte needs
    }
    if bits != 0 {
        return Err(Fault { at: end.saturating_sub(1), what: What::SpareBits });
    }
    Ok(len)
}

#[cfg(test)]
mod tests;
