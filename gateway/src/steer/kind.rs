//! What a datagram is, as far as it says who has to see it, and how soon.

use super::TAG_LEN;
use crate::coap::{Frame, Options, option};
use lscoap::coap::option::uint_value;
use lscoap::coap::{HANDSHAKE, SEALED};
use lscoap::limits::COOKIE_LEN;
use lscoap::wire::Type;

/// What a datagram is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind<'a> {
    /// Sealed, or a handshake message of a device that has been answered before.
    Known {
        /// What follows the place where its connection id begins.
        cid: &'a [u8],
    },
    /// One of several blocks of a sealed object in the payload carrier, or a question for another block of its answer.
    Block {
        /// The Request-Tag, if it names the transfer.
        tag: Option<&'a [u8]>,
        /// Where the connection id begins, if it is the first block.
        cid: Option<&'a [u8]>,
    },
    /// Opens a handshake with a cookie.
    Retried,
    /// Opens a handshake.
    Opens,
    /// An acknowledgement, a Reset, a ping; what is of no use.
    Other,
}

/// What a datagram is.
pub fn kind(datagram: &[u8]) -> Kind<'_> {
    let Ok(frame) = Frame::read(datagram) else { return Kind::Other };
    if !frame.is_request() {
        return Kind::Other;
    }
    let (mut format, mut tag, mut first, mut is_block) = (None, None, true, false);
    for (number, value) in Options::of(datagram, &frame) {
        match number {
            option::OSCORE => return oscore(value).map_or(Kind::Other, |cid| Kind::Known { cid }),
            option::CONTENT_FORMAT => format = uint_value(value).ok(),
            option::BLOCK1 | option::BLOCK2 => {
                let later = uint_value(value).is_ok_and(|value| value >> 4 != 0);
                first &= !later;
                is_block |= later || number == option::BLOCK1;
            }
            option::REQUEST_TAG if value.len() == TAG_LEN => tag = Some(value),
            _ => {}
        }
    }
    let payload = frame.payload(datagram);
    let is_sealed = format == Some(SEALED.into());
    if is_block || (is_sealed && tag.is_some()) {
        return Kind::Block { tag, cid: object(payload).filter(|_| first && is_sealed) };
    }
    match format {
        _ if is_sealed => object(payload).map_or(Kind::Other, |cid| Kind::Known { cid }),
        Some(format) if format == u32::from(HANDSHAKE) => handshake(payload),
        _ => Kind::Other,
    }
}

fn oscore(value: &[u8]) -> Option<&[u8]> {
    let (flags, rest) = value.split_first().filter(|(flags, _)| **flags & 0xe8 == 0x08)?;
    let rest = rest.get(usize::from(flags & 0x07)..)?;
    if flags & 0x10 == 0 {
        return Some(rest);
    }
    let (len, rest) = rest.split_first()?;
    rest.get(usize::from(*len)..)
}

fn object(payload: &[u8]) -> Option<&[u8]> {
    let (flags, rest) = payload.split_first()?;
    rest.get(usize::from(flags & 0x07)..)
}

fn handshake(message: &[u8]) -> Kind<'_> {
    match Type::of(message) {
        Some(Type::M3 | Type::R1) => Kind::Known { cid: message.get(2..).unwrap_or_default() },
        Some(Type::Retried) => match message.get(1 + COOKIE_LEN..) {
            Some(inner) if Type::of(inner) == Some(Type::R1) => {
                Kind::Known { cid: inner.get(2..).unwrap_or_default() }
            }
            _ => Kind::Retried,
        },
        Some(Type::M1 | Type::X1) => Kind::Opens,
        _ => Kind::Other,
    }
}
