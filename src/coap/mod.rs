//! Whole CoAP messages: what the application says goes in, what travels comes out, and the other way round (protocol
//! section 10; RFC 8613 section 4 and 8). Messages have the framing of CoAP over UDP, with tokens of any length
//! (RFC 8974). No socket, clock, retransmission or block-wise transfer.
//!
//! A message stands at the front of a buffer and is replaced where it is: protecting makes it at most
//! [`PROTECT_OVERHEAD`] bytes longer, unprotecting never makes it longer. Type, message id and token stay. What fails
//! may have destroyed the message; the session is as it was, unless the text says otherwise.
//!
//! One code path serves both carriers; `table.rs` has the one table of which option goes where.

#[cfg(feature = "group")]
mod group;
mod known;
pub mod message;
pub mod option;
mod protect;
mod refusal;
#[cfg(feature = "server")]
mod server;
mod table;
#[cfg(test)]
mod tests;
mod unprotect;

pub use known::check_options;
pub use refusal::refuse;

use crate::error::Error;
use crate::limits::{HEADER_MAX, ID_CONTEXT_MAX, TAG_LEN};
use crate::session::{Binding, Exchange};

/// What carries a sealed message (protocol section 9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Carrier {
    /// RFC 8613: Partial IV and kid in the OSCORE option, ciphertext in the payload. Any OSCORE stack reads it.
    Oscore = 1,
    /// The object in the payload, Content-Format 65002, Uri-Path and Uri-Query outside and authenticated: for CoAP
    /// servers that know nothing of OSCORE.
    Payload = 2,
}

impl Carrier {
    const fn number(self) -> u8 {
        self as u8
    }

    /// The carrier with a number; [`Error::Argument`] where there is none.
    pub const fn from_number(number: u8) -> Result<Self, Error> {
        match number {
            1 => Ok(Self::Oscore),
            2 => Ok(Self::Payload),
            _ => Err(Error::Argument),
        }
    }

    /// The carrier of the request that an exchange belongs to; [`Error::State`] where that was an object alone.
    fn of(exchange: &Exchange) -> Result<Self, Error> {
        Self::from_number(exchange.binding().carrier).map_err(|_| Error::State)
    }
}

/// Notes in an exchange what its answers depend on.
fn bind(exchange: &mut Exchange, carrier: Carrier, outer_code: u8) {
    exchange.bind(Binding { carrier: carrier.number(), outer_code });
}

/// The Content-Format of a sealed object in a payload.
pub const SEALED: u16 = 65002;
/// The Content-Format of a handshake message in a payload.
pub const HANDSHAKE: u16 = 65001;

/// Room for the options outside, in their encoding: Uri-Host, and Uri-Path and Uri-Query in the payload carrier.
const OUTER_MAX: usize = 320;

/// The most that protecting makes a message longer: the object's header, a kid context, its tag, the inner code, the payload marker,
/// the head of the option that names the carrier with its value (3), a second Observe (4), and the option heads that
/// grow when options are parted (2 for each of the 6 that go outside).
pub const PROTECT_OVERHEAD: usize = HEADER_MAX + 1 + ID_CONTEXT_MAX + TAG_LEN + 1 + 1 + 3 + 4 + 12;
