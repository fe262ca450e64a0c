//! Bytes to fields and back. Nothing here keeps state or knows a key.

mod emit;
pub mod object;
mod parse;

pub use emit::Emit;
pub(crate) use parse::Reader;
pub use parse::{ClientNames, Parsed, parse, parse_client_names};

use crate::limits::{CID_MAX, DEVICE_ID_MAX, MESSAGE_MAX};

/// A handshake message on its way out.
pub type Message = heapless::Vec<u8, MESSAGE_MAX>;
/// A connection id, 0 to 7 bytes.
pub type Cid = crate::bytes::Bytes<CID_MAX>;
/// A device id, 1 to 32 bytes.
pub type DeviceId = crate::bytes::Bytes<DEVICE_ID_MAX>;

/// The first byte of each message: version 1 in the high nibble, the type in the low one (section 3).
pub mod first_byte {
    #![allow(missing_docs)]
    pub const M1: u8 = 0x11;
    pub const M2: u8 = 0x12;
    pub const M3: u8 = 0x13;
    pub const M4: u8 = 0x14;
    pub const X1: u8 = 0x15;
    pub const X2: u8 = 0x16;
    pub const R1: u8 = 0x17;
    pub const R2: u8 = 0x18;
    pub const RETRY: u8 = 0x19;
    pub const RETRIED: u8 = 0x1a;
    pub const ALERT: u8 = 0x1f;
}

/// The protocol's name of a message or object, by its first byte; `None` where there is none.
pub fn name(bytes: &[u8]) -> Option<&'static str> {
    Some(match *bytes.first()? {
        first_byte::M1 => "M1",
        first_byte::M2 => "M2",
        first_byte::M3 => "M3",
        first_byte::M4 => "M4",
        first_byte::X1 => "X1",
        first_byte::X2 => "X2",
        first_byte::R1 => "R1",
        first_byte::R2 => "R2",
        first_byte::RETRY => "RETRY",
        first_byte::RETRIED => "RETRIED",
        first_byte::ALERT => "ALERT",
        0..=0x0f => "sealed object",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
