//! The frame of a CoAP message over UDP (RFC 7252 section 3), with extended tokens (RFC 8974).

use super::option::{Found, PAYLOAD_MARKER, Reader};
use crate::error::Error;

/// A code's number: class and detail (RFC 7252 section 3).
pub const fn code(class: u8, detail: u8) -> u8 {
    class << 5 | detail
}

/// The methods that decide about the outer code.
pub const GET: u8 = code(0, 1);
/// See [`GET`].
pub const POST: u8 = code(0, 2);
/// See [`GET`] (RFC 8132).
pub const FETCH: u8 = code(0, 5);
/// The outer code of answers.
pub const CHANGED: u8 = code(2, 4);
/// See [`CHANGED`].
pub const CONTENT: u8 = code(2, 5);

/// Where the parts of a message lie in its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The code.
    pub code: u8,
    /// The end of header and token: the options begin here.
    pub options: usize,
    /// The end of the options: the payload marker, or the end of the message.
    pub options_end: usize,
    /// The end of the message.
    pub end: usize,
}

const VERSION: u8 = 1;
/// The length of the fixed header: version, type, token length; code; message id.
pub const HEADER_LEN: usize = 4;
const CODE_AT: usize = 1;

impl Frame {
    /// Reads a message. [`Error::Malformed`]: it is none, or an empty one.
    pub fn read(message: &[u8]) -> Result<Self, Error> {
        let [first, code, _, _, rest @ ..] = message else { return Err(Error::Malformed) };
        if first >> 6 != VERSION || *code == 0 {
            return Err(Error::Malformed);
        }
        let (extension, token) = match (first & 0x0f, rest) {
            (len @ 0..=12, _) => (0, usize::from(len)),
            (13, [len, ..]) => (1, usize::from(*len).saturating_add(13)),
            (14, [high, low, ..]) => (2, usize::from(u16::from_be_bytes([*high, *low])).saturating_add(269)),
            _ => return Err(Error::Malformed),
        };
        let options = HEADER_LEN.saturating_add(extension).saturating_add(token);
        if options > message.len() {
            return Err(Error::Malformed);
        }
        let mut reader = Reader::new(options);
        while reader.next(message)?.is_some() {}
        let options_end = reader.position();
        if options_end.checked_add(1) == Some(message.len()) {
            return Err(Error::Malformed); // a marker without a payload
        }
        Ok(Self { code: *code, options, options_end, end: message.len() })
    }

    /// The payload; empty where there is none.
    pub fn payload<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        message.get(self.payload_at()..self.end).unwrap_or(&[])
    }

    /// Where the payload begins: behind the marker.
    pub fn payload_at(&self) -> usize {
        self.options_end.saturating_add(1)
    }

    /// How long marker and payload are together.
    pub fn marked_payload_len(&self) -> usize {
        self.end.saturating_sub(self.options_end)
    }

    /// Whether this is a request: a code of class 0.
    pub fn is_request(&self) -> bool {
        is_request(self.code)
    }

    /// The first option with a number.
    pub fn find(&self, message: &[u8], number: u16) -> Result<Option<Found>, Error> {
        let mut reader = Reader::new(self.options);
        while let Some(found) = reader.next(message)? {
            if found.number == number {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Whether a code is a method; 0.00 is none.
pub fn is_request(code: u8) -> bool {
    matches!(code, 1..=0x1f)
}

/// Whether a code is a response's: of class 2, 4 or 5.
pub fn is_response(code: u8) -> bool {
    matches!(code >> 5, 2 | 4 | 5)
}

/// Whether a message is non-confirmable.
#[cfg(feature = "group")]
pub fn is_non_confirmable(message: &[u8]) -> bool {
    message.first().is_some_and(|first| first & 0x30 == 0x10)
}

/// Gives a message another code.
pub fn set_code(message: &mut [u8], code: u8) {
    if let Some(place) = message.get_mut(CODE_AT) {
        *place = code;
    }
}

/// Writes the marker that a payload follows.
pub fn put_marker(message: &mut [u8], at: usize) -> Result<(), Error> {
    *message.get_mut(at).ok_or(Error::Capacity)? = PAYLOAD_MARKER;
    Ok(())
}
