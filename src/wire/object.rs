//! The header of a sealed object (protocol section 9; RFC 8613 section 6.1).

use crate::error::Error;
use crate::limits::{HEADER_MAX, SEQUENCE_MAX};
use crate::wire::Cid;

const KID_FLAG: u8 = 0x08;
#[cfg(feature = "coap")]
const CONTEXT_FLAG: u8 = 0x10;

/// A header on its way out.
pub type Header = heapless::Vec<u8, HEADER_MAX>;

/// The longest value of an OSCORE option, with a kid context.
#[cfg(feature = "coap")]
pub type OptionValue = heapless::Vec<u8, { HEADER_MAX + 1 + crate::limits::ID_CONTEXT_MAX }>;

/// A sequence number as RFC 8613 writes it: big-endian, 1 to 5 bytes, shortest form.
#[derive(Clone, Copy)]
pub struct PartialIv {
    bytes: [u8; 8],
    len: u8,
}

impl PartialIv {
    /// The Partial IV of a sequence number, at most [`SEQUENCE_MAX`].
    pub fn new(sequence: u64) -> Result<Self, Error> {
        check_sequence(sequence)?;
        Ok(Self::of(sequence))
    }

    /// Of a number that has been checked.
    pub fn of(sequence: u64) -> Self {
        let len = (64_u32.saturating_sub(sequence.leading_zeros())).div_ceil(8).max(1);
        Self { bytes: sequence.to_be_bytes(), len: u8::try_from(len).unwrap_or(5) }
    }

    /// The bytes on the wire.
    pub fn as_slice(&self) -> &[u8] {
        let start = self.bytes.len().saturating_sub(usize::from(self.len));
        self.bytes.get(start..).unwrap_or(&[])
    }

    /// How many bytes there are on the wire: 1 to 5.
    #[cfg(feature = "group")]
    pub fn byte_len(&self) -> u8 {
        self.len
    }

    /// The number of the bytes. [`Error::Malformed`]: not in the shortest form.
    pub fn parse(bytes: &[u8]) -> Result<u64, Error> {
        if bytes.len() > 1 && bytes.first() == Some(&0) {
            return Err(Error::Malformed); // not the shortest form
        }
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }
}

/// [`Error::Exhausted`] for a number above [`SEQUENCE_MAX`].
pub fn check_sequence(sequence: u64) -> Result<(), Error> {
    if sequence > SEQUENCE_MAX { Err(Error::Exhausted) } else { Ok(()) }
}

/// Where a request's fields lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestHeader<'a> {
    /// The sender's sequence number.
    pub sequence: u64,
    /// The connection id that the receiver chose.
    pub kid: &'a [u8],
    /// Bytes before the ciphertext.
    pub len: usize,
}

/// Where a response's fields lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResponseHeader {
    /// The sender's sequence number, absent in the one answer that uses the request's.
    pub sequence: Option<u64>,
    /// Bytes before the ciphertext.
    pub len: usize,
}

/// Parses the header of a request whose kid has `kid_len` bytes.
pub fn parse_request(object: &[u8], kid_len: usize) -> Result<RequestHeader<'_>, Error> {
    let (flags, rest) = object.split_first().ok_or(Error::Malformed)?;
    let n = match flags ^ KID_FLAG {
        n @ 1..=5 => usize::from(n),
        _ => return Err(Error::Malformed),
    };
    let (piv, rest) = rest.split_at_checked(n).ok_or(Error::Malformed)?;
    let kid = rest.get(..kid_len).ok_or(Error::Malformed)?;
    let len = n.saturating_add(kid_len).saturating_add(1);
    Ok(RequestHeader { sequence: PartialIv::parse(piv)?, kid, len })
}

/// Parses the header of a response or a notification.
pub fn parse_response(object: &[u8]) -> Result<ResponseHeader, Error> {
    let (flags, rest) = object.split_first().ok_or(Error::Malformed)?;
    match *flags {
        0 => Ok(ResponseHeader { sequence: None, len: 1 }),
        n @ 1..=5 => {
            let piv = rest.get(..usize::from(n)).ok_or(Error::Malformed)?;
            let len = usize::from(n).saturating_add(1);
            Ok(ResponseHeader { sequence: Some(PartialIv::parse(piv)?), len })
        }
        _ => Err(Error::Malformed),
    }
}

/// What an OSCORE option says (RFC 8613 section 6.1).
#[cfg(feature = "coap")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OptionFields<'a> {
    /// The Partial IV.
    pub sequence: Option<u64>,
    /// The kid context, which only contexts that were taken over have.
    pub context: Option<&'a [u8]>,
    /// The kid: all that is left of the option.
    pub kid: Option<&'a [u8]>,
}

/// Parses the value of an OSCORE option.
#[cfg(feature = "coap")]
pub fn parse_option(value: &[u8]) -> Result<OptionFields<'_>, Error> {
    let Some((flags, rest)) = value.split_first() else {
        return Ok(OptionFields { sequence: None, context: None, kid: None });
    };
    let (n, rest) = match *flags {
        0 | 0x20.. => return Err(Error::Malformed), // what says nothing is empty; the high bits are reserved
        flags if flags & 0x07 > 5 => return Err(Error::Malformed),
        flags => rest.split_at_checked(usize::from(flags & 0x07)).ok_or(Error::Malformed)?,
    };
    let sequence = if n.is_empty() { None } else { Some(PartialIv::parse(n)?) };
    let (context, rest) = if flags & CONTEXT_FLAG != 0 {
        let (len, rest) = rest.split_first().ok_or(Error::Malformed)?;
        let (context, rest) = rest.split_at_checked(usize::from(*len)).ok_or(Error::Malformed)?;
        (Some(context), rest)
    } else {
        (None, rest)
    };
    match (flags & KID_FLAG != 0, rest) {
        (true, kid) => Ok(OptionFields { sequence, context, kid: Some(kid) }),
        (false, []) => Ok(OptionFields { sequence, context, kid: None }),
        (false, _) => Err(Error::Malformed),
    }
}

/// The value of the OSCORE option of a request with a kid context, made of that without.
#[cfg(feature = "coap")]
pub fn with_context(header: &Header, context: &[u8]) -> Result<OptionValue, Error> {
    let (flags, rest) = header.split_first().ok_or(Error::Argument)?;
    let (piv, kid) = rest.split_at_checked(usize::from(flags & 0x07)).ok_or(Error::Argument)?;
    let len = [u8::try_from(context.len()).map_err(|_| Error::Argument)?];
    let mut value = OptionValue::new();
    for part in [&[flags | CONTEXT_FLAG], piv, &len, context, kid] {
        value.extend_from_slice(part).map_err(|_| Error::Capacity)?;
    }
    Ok(value)
}

/// The header of a request.
pub fn request_header(sequence: u64, kid: &Cid) -> Header {
    let piv = PartialIv::of(sequence);
    header(KID_FLAG | piv.len, piv.as_slice(), kid)
}

/// The header of a response; with its own sequence number where there is one.
pub fn response_header(sequence: Option<u64>) -> Header {
    let Some(sequence) = sequence else { return header(0, &[], &[]) };
    let piv = PartialIv::of(sequence);
    header(piv.len, piv.as_slice(), &[])
}

/// Which fits, since a Partial IV has at most 5 bytes and a connection id at most 7.
fn header(flags: u8, piv: &[u8], kid: &[u8]) -> Header {
    let mut header = Header::new();
    for part in [&[flags], piv, kid] {
        let result = header.extend_from_slice(part);
        debug_assert!(result.is_ok(), "longer than any header");
    }
    header
}
