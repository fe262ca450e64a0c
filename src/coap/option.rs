//! CoAP options: numbers, and their encoding (RFC 7252 section 3.1).

use crate::bytes::{Bytes, copy, move_within};
use crate::error::Error;

/// Uri-Host.
pub const URI_HOST: u16 = 3;
/// If-None-Match.
pub const IF_NONE_MATCH: u16 = 5;
/// Observe (RFC 7641).
pub const OBSERVE: u16 = 6;
/// Uri-Port.
pub const URI_PORT: u16 = 7;
/// ETag.
pub const ETAG: u16 = 4;
/// OSCORE (RFC 8613).
pub const OSCORE: u16 = 9;
/// Uri-Path.
pub const URI_PATH: u16 = 11;
/// Content-Format.
pub const CONTENT_FORMAT: u16 = 12;
/// Max-Age.
pub const MAX_AGE: u16 = 14;
/// Uri-Query.
pub const URI_QUERY: u16 = 15;
/// Hop-Limit (RFC 8768).
pub const HOP_LIMIT: u16 = 16;
/// Accept.
pub const ACCEPT: u16 = 17;
/// Block2 (RFC 7959).
pub const BLOCK2: u16 = 23;
/// Block1 (RFC 7959).
pub const BLOCK1: u16 = 27;
/// Proxy-Uri.
pub const PROXY_URI: u16 = 35;
/// Proxy-Scheme.
pub const PROXY_SCHEME: u16 = 39;
/// Size1 (RFC 7959).
pub const SIZE1: u16 = 60;
/// Echo (RFC 9175).
pub const ECHO: u16 = 252;
/// Size2 (RFC 7959).
pub const SIZE2: u16 = 28;
/// No-Response (RFC 7967).
#[cfg(feature = "group")]
pub const NO_RESPONSE: u16 = 258;
/// Request-Tag (RFC 9175).
pub const REQUEST_TAG: u16 = 292;

/// Between options and payload; also what no option begins with.
pub const PAYLOAD_MARKER: u8 = 0xff;

/// Whether an endpoint that does not know the option has to refuse the message (RFC 7252 section 5.4.1).
pub const fn is_critical(number: u16) -> bool {
    number & 1 == 1
}

/// Where an option lies in the message that it was read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its number.
    pub number: u16,
    /// Where its value begins.
    pub at: usize,
    /// The length of the value, in bytes.
    pub len: usize,
}

/// Reads options one after the other. It keeps no borrow of the message, so that what was read can be overwritten.
#[derive(Clone, Copy)]
pub struct Reader {
    at: usize,
    number: u16,
}

impl Reader {
    /// From where the options begin.
    pub fn new(at: usize) -> Self {
        Self { at, number: 0 }
    }

    /// Where the next option begins; after the last one, the payload marker or the message's end.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next option of `message`; `None` at the payload marker or the end. [`Error::Malformed`] for what is not
    /// an option, and for a number above 65,535.
    pub fn next(&mut self, message: &[u8]) -> Result<Option<Found>, Error> {
        let first = match message.get(self.at) {
            None | Some(&PAYLOAD_MARKER) => return Ok(None),
            Some(first) => *first,
        };
        let mut at = self.at.saturating_add(1);
        let delta = extended(message, &mut at, first >> 4)?;
        let len = usize::from(extended(message, &mut at, first & 0x0f)?);
        let number = self.number.checked_add(delta).ok_or(Error::Malformed)?;
        let end = at.saturating_add(len);
        if end > message.len() {
            return Err(Error::Malformed);
        }
        (self.at, self.number) = (end, number);
        Ok(Some(Found { number, at, len }))
    }
}

/// An option delta or length with its extension.
fn extended(message: &[u8], at: &mut usize, nibble: u8) -> Result<u16, Error> {
    let mut byte = || {
        let byte = message.get(*at).copied().ok_or(Error::Malformed);
        *at = at.saturating_add(1);
        byte
    };
    match nibble {
        0..=12 => Ok(u16::from(nibble)),
        13 => Ok(u16::from(byte()?).saturating_add(13)),
        14 => u16::from_be_bytes([byte()?, byte()?]).checked_add(269).ok_or(Error::Malformed),
        _ => Err(Error::Malformed),
    }
}

/// The head of an option: at most five bytes.
pub type Head = Bytes<5>;

/// What stands before an option's value of `len` bytes, by how much its number is above the last one's (RFC 7252 section 3.1);
/// [`Error::Capacity`] for what is longer than an option can be.
#[inline(never)]
pub fn head(delta: u16, len: usize) -> Result<Head, Error> {
    let len = u16::try_from(len).map_err(|_| Error::Capacity)?;
    let mut head = Head::EMPTY;
    head.append(&[nibble(delta) << 4 | nibble(len)])?;
    for value in [delta, len] {
        match value {
            0..=12 => {}
            13..=268 => head.append(&[u8::try_from(value.wrapping_sub(13)).unwrap_or(0)])?,
            _ => head.append(&value.wrapping_sub(269).to_be_bytes())?,
        }
    }
    Ok(head)
}

fn nibble(value: u16) -> u8 {
    match value {
        0..=12 => u8::try_from(value).unwrap_or(0),
        13..=268 => 13,
        _ => 14,
    }
}

/// An unsigned value in its shortest form, at most four bytes (RFC 7252 section 3.2).
pub fn uint(value: u32) -> Bytes<4> {
    let zeroes = usize::try_from(value.leading_zeros() / 8).unwrap_or(0);
    let mut bytes = Bytes::EMPTY;
    bytes.set(value.to_be_bytes().get(zeroes..).unwrap_or_default());
    bytes
}

/// The value of an unsigned option of at most four bytes.
pub fn uint_value(value: &[u8]) -> Result<u32, Error> {
    if value.len() > 4 {
        return Err(Error::Malformed);
    }
    Ok(value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// Adds an option behind others, of which the last has the number `last`. One for lists of every length.
fn put(bytes: &mut heapless::VecView<u8>, last: &mut u16, number: u16, value: &[u8]) -> Result<(), Error> {
    let delta = number.checked_sub(*last).ok_or(Error::Argument)?;
    let head = head(delta, value.len())?;
    bytes.extend_from_slice(&head).map_err(|_| Error::Capacity)?;
    bytes.extend_from_slice(value).map_err(|_| Error::Capacity)?;
    *last = number;
    Ok(())
}

/// Options in a buffer of their own, in rising order of their numbers.
pub struct List<const N: usize> {
    bytes: heapless::Vec<u8, N>,
    number: u16,
}

impl<const N: usize> Default for List<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> List<N> {
    /// No options.
    pub fn new() -> Self {
        Self { bytes: heapless::Vec::new(), number: 0 }
    }

    /// Adds one; [`Error::Capacity`] where the list is full.
    pub fn put(&mut self, number: u16, value: &[u8]) -> Result<(), Error> {
        put(&mut self.bytes, &mut self.number, number, value)
    }

    /// The encoded options.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }
}

/// Writes options into a buffer, in rising order, in front of those that are still being read from it.
pub struct Writer {
    at: usize,
    number: u16,
}

impl Writer {
    /// Of a buffer, from a place on.
    pub fn new(at: usize) -> Self {
        Self { at, number: 0 }
    }

    /// Where the next option will begin.
    pub fn position(&self) -> usize {
        self.at
    }

    /// An option whose value stands somewhere else.
    pub fn put(&mut self, buffer: &mut [u8], number: u16, value: &[u8]) -> Result<(), Error> {
        self.put_head(buffer, number, value.len())?;
        let end = self.at.saturating_add(value.len());
        copy(buffer.get_mut(self.at..end).ok_or(Error::Capacity)?, value);
        self.at = end;
        Ok(())
    }

    /// An option whose value is an unsigned number.
    #[cfg(feature = "device")]
    pub fn put_uint(&mut self, buffer: &mut [u8], number: u16, value: u32) -> Result<(), Error> {
        self.put(buffer, number, &uint(value))
    }

    /// An option whose value of `len` bytes comes one by one.
    #[cfg(feature = "device")]
    pub fn put_bytes(
        &mut self,
        buffer: &mut [u8],
        number: u16,
        len: usize,
        bytes: impl Iterator<Item = u8>,
    ) -> Result<(), Error> {
        self.put_head(buffer, number, len)?;
        let end = self.at.saturating_add(len);
        let places = buffer.get_mut(self.at..end).ok_or(Error::Capacity)?;
        places.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        self.at = end;
        Ok(())
    }

    /// An option whose value stands later in the buffer. What is between is overwritten where the option's head was.
    pub fn put_found(&mut self, buffer: &mut [u8], found: Found) -> Result<(), Error> {
        self.put_head(buffer, found.number, found.len)?;
        move_within(buffer, found.at, self.at, found.len)?;
        self.at = self.at.saturating_add(found.len);
        Ok(())
    }

    fn put_head(&mut self, buffer: &mut [u8], number: u16, len: usize) -> Result<(), Error> {
        let delta = number.checked_sub(self.number).ok_or(Error::Argument)?;
        let head = head(delta, len)?;
        let end = self.at.saturating_add(head.len());
        copy(buffer.get_mut(self.at..end).ok_or(Error::Capacity)?, &head);
        (self.at, self.number) = (end, number);
        Ok(())
    }
}
