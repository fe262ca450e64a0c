//! Which option goes where: the table of docs/protocol.md ("Options, inside and outside"), which nothing else repeats.

use super::Carrier;
use super::option::{
    BLOCK1, BLOCK2, CONTENT_FORMAT, ECHO, HOP_LIMIT, OBSERVE, OSCORE, PROXY_SCHEME, PROXY_URI, URI_HOST,
    URI_PATH, URI_PORT, URI_QUERY, is_critical,
};

/// Where the sender puts an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Encrypted.
    Inner,
    /// In the clear; in the payload carrier Uri-Path and Uri-Query are authenticated.
    Outer,
    /// Observe: inside it counts, outside it tells proxies and the message layer.
    Both,
    /// Nowhere: the message is refused.
    Nowhere,
}

/// Of a request that is about to be protected.
pub fn in_request(carrier: Carrier, number: u16) -> Place {
    match (number, carrier) {
        (OSCORE | PROXY_URI, _) => Place::Nowhere,
        (URI_HOST | URI_PORT | PROXY_SCHEME | HOP_LIMIT, _) => Place::Outer,
        (URI_PATH | URI_QUERY, Carrier::Payload) => Place::Outer,
        (OBSERVE, _) => Place::Both,
        _ => Place::Inner,
    }
}

/// Of a response that is about to be protected.
pub fn in_response(number: u16) -> Place {
    match number {
        OSCORE | URI_HOST | URI_PORT | URI_PATH | URI_QUERY | HOP_LIMIT | PROXY_URI | PROXY_SCHEME => {
            Place::Nowhere
        }
        OBSERVE => Place::Both,
        _ => Place::Inner,
    }
}

/// What the receiver does with an option outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// It becomes part of the message.
    Kept,
    /// It is what the carrier adds, or is discarded (RFC 8613 section 8.2 for those that belong inside, section 4.1
    /// for those that nobody knows).
    Dropped,
    /// Observe: it counts if there is one inside too.
    Observe,
    /// The message is refused: a critical option that means something else outside.
    Refused,
}

/// Of a request that was received. Hop-Limit was for the proxies on the way.
pub fn outside_request(carrier: Carrier, number: u16) -> Rule {
    match (number, carrier) {
        (URI_HOST | URI_PORT | PROXY_SCHEME | PROXY_URI, _) => Rule::Kept,
        (URI_PATH | URI_QUERY, Carrier::Payload) => Rule::Kept,
        (OBSERVE, _) => Rule::Observe,
        (_, Carrier::Oscore) => Rule::Dropped,
        // Blocks of the sealed object, which have been put together before.
        (BLOCK1 | BLOCK2, Carrier::Payload) => Rule::Dropped,
        (number, Carrier::Payload) if is_critical(number) => Rule::Refused,
        (_, Carrier::Payload) => Rule::Dropped,
    }
}

/// Of a response that was received.
pub fn outside_response(carrier: Carrier, number: u16) -> Rule {
    match (number, carrier) {
        (OBSERVE, _) => Rule::Observe,
        (_, Carrier::Oscore) | (BLOCK1 | BLOCK2 | CONTENT_FORMAT, _) => Rule::Dropped,
        (number, Carrier::Payload) if is_critical(number) => Rule::Refused,
        (_, Carrier::Payload) => Rule::Dropped,
    }
}

/// Whether an option may stand inside a sealed message. Hop-Limit may, since a sender need not know better.
pub fn is_good_inside(carrier: Carrier, is_request: bool, number: u16) -> bool {
    match if is_request { in_request(carrier, number) } else { in_response(number) } {
        Place::Inner | Place::Both => true,
        Place::Outer => number == HOP_LIMIT,
        Place::Nowhere => false,
    }
}

/// Whether an option may stand inside a message of a group, beside: nothing is observed there, taken through a proxy or tested for
/// freshness; a request is one datagram, an answer may be the first block.
#[cfg(feature = "group")]
pub fn is_good_in_group(is_request: bool, number: u16) -> bool {
    !matches!((number, is_request), (OBSERVE | ECHO | PROXY_URI, _) | (BLOCK1 | BLOCK2, true))
}
