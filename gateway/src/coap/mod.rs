//! CoAP messages over UDP (RFC 7252 section 3), read and written in memory that grows. Option numbers and the reader are the library's.

mod block;

pub use block::{Block, SZX_MAX};
pub use lscoap::coap::message::{Frame, code, is_request, is_response};
pub use lscoap::coap::option;

use lscoap::Error;

/// The types of message (RFC 7252 section 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// CON.
    Confirmable = 0,
    /// NON.
    NonConfirmable = 1,
    /// ACK.
    Acknowledgement = 2,
    /// RST.
    Reset = 3,
}

/// The fixed header and token of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// Its type.
    pub kind: Type,
    /// Its code; 0 is an empty message.
    pub code: u8,
    /// Its message id.
    pub id: u16,
    /// Its token, of any length that RFC 8974 allows.
    pub token: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads the header of a datagram, of an empty message too. [`Error::Malformed`]: it is none (RFC 7252 section 3).
    pub fn read(datagram: &'a [u8]) -> Result<Self, Error> {
        let [first, code, high, low, rest @ ..] = datagram else { return Err(Error::Malformed) };
        if first >> 6 != 1 {
            return Err(Error::Malformed);
        }
        let (skip, len) = match (first & 0x0f, rest) {
            (len @ 0..=12, _) => (0, usize::from(len)),
            (13, [len, ..]) => (1, usize::from(*len) + 13),
            (14, [high, low, ..]) => (2, usize::from(u16::from_be_bytes([*high, *low])) + 269),
            _ => return Err(Error::Malformed),
        };
        let token = rest.get(skip..skip + len).ok_or(Error::Malformed)?;
        if *code == 0 && datagram.len() != 4 {
            return Err(Error::Malformed); // RFC 7252 section 4.1
        }
        let kind = match first >> 4 & 3 {
            0 => Type::Confirmable,
            1 => Type::NonConfirmable,
            2 => Type::Acknowledgement,
            _ => Type::Reset,
        };
        Ok(Self { kind, code: *code, id: u16::from_be_bytes([*high, *low]), token })
    }

    /// Appends it.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        let len = self.token.len();
        let nibble = match len {
            0..=12 => len,
            13..=268 => 13,
            _ => 14,
        };
        bytes.push(0x40 | (self.kind as u8) << 4 | u8::try_from(nibble).unwrap_or(0));
        bytes.push(self.code);
        bytes.extend_from_slice(&self.id.to_be_bytes());
        match len {
            0..=12 => {}
            13..=268 => bytes.push(u8::try_from(len - 13).unwrap_or(0)),
            _ => bytes.extend_from_slice(&u16::try_from(len - 269).unwrap_or(u16::MAX).to_be_bytes()),
        }
        bytes.extend_from_slice(self.token);
    }
}

/// Writes options behind a header, in rising order of their numbers, then a payload.
pub struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    number: u16,
}

impl<'a> Writer<'a> {
    /// Behind what is in `bytes`: a header and its token.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, number: 0 }
    }

    /// An option. One whose number is below the last one's is left out, as callers keep the order; so is one that is too long.
    pub fn option(&mut self, number: u16, value: &[u8]) {
        let Some(delta) = number.checked_sub(self.number) else {
            debug_assert!(false, "options rise");
            return;
        };
        let Ok(head) = option::head(delta, value.len()) else { return };
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(value);
        self.number = number;
    }

    /// An option whose value is a number in its shortest form (RFC 7252 section 3.2).
    pub fn uint(&mut self, number: u16, value: u32) {
        self.option(number, &option::uint(value));
    }

    /// The payload, if there is one.
    pub fn payload(self, payload: &[u8]) {
        if !payload.is_empty() {
            self.bytes.push(option::PAYLOAD_MARKER);
            self.bytes.extend_from_slice(payload);
        }
    }
}

/// The options of a message: number and value, in their order.
pub struct Options<'a> {
    message: &'a [u8],
    reader: option::Reader,
}

impl<'a> Options<'a> {
    /// Of a message whose frame has been read, which says that all of them can be.
    pub fn of(message: &'a [u8], frame: &Frame) -> Self {
        Self { message, reader: option::Reader::new(frame.options) }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.reader.next(self.message).ok()??;
        Some((found.number, self.message.get(found.at..found.at + found.len)?))
    }
}
