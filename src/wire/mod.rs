//! Bytes to fields and back. Nothing here keeps state or knows a key.

mod emit;
pub mod object;
mod parse;
mod types;

pub use emit::Emit;
pub(crate) use parse::Reader;
pub use parse::{ClientNames, Parsed, parse, parse_client_names};
pub use types::Type;

use crate::limits::{CID_MAX, DEVICE_ID_MAX, MESSAGE_MAX};
use core::ffi::CStr;

/// A handshake message on its way out.
pub type Message = heapless::Vec<u8, MESSAGE_MAX>;
/// A connection id, 0 to 7 bytes.
pub type Cid = crate::bytes::Bytes<CID_MAX>;
/// A device id, 1 to 32 bytes.
pub type DeviceId = crate::bytes::Bytes<DEVICE_ID_MAX>;

/// The protocol's name of a message or object, by its first byte; `None` where there is none.
pub fn name(bytes: &[u8]) -> Option<&'static CStr> {
    match bytes {
        [0..=0x0f, ..] => Some(c"sealed object"),
        _ => Type::of(bytes).map(Type::name),
    }
}

#[cfg(test)]
mod tests;
