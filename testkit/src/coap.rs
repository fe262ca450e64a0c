//! As much of CoAP as it takes to look into datagrams and to make bad ones.

#![allow(missing_docs)] // names of RFC 7252

pub const CON: u8 = 0;
pub const NON: u8 = 1;
pub const ACK: u8 = 2;

pub const GET: u8 = 0x01;
pub const POST: u8 = 0x02;
pub const PUT: u8 = 0x03;
pub const DELETE: u8 = 0x04;
pub const FETCH: u8 = 0x05;
pub const CHANGED: u8 = 0x44;
pub const CONTENT: u8 = 0x45;
pub const CONTINUE: u8 = 0x5F;
pub const BAD_REQUEST: u8 = 0x80;
pub const UNAUTHORIZED: u8 = 0x81;
pub const BAD_OPTION: u8 = 0x82;
pub const NOT_FOUND: u8 = 0x84;
pub const NOT_ALLOWED: u8 = 0x85;
pub const NOT_ACCEPTABLE: u8 = 0x86;
pub const INCOMPLETE: u8 = 0x88;
pub const PRECONDITION_FAILED: u8 = 0x8C;
pub const TOO_LARGE: u8 = 0x8D;
pub const UNAVAILABLE: u8 = 0xA3;

pub const IF_MATCH: u16 = 1;
pub const URI_HOST: u16 = 3;
pub const ETAG: u16 = 4;
pub const IF_NONE_MATCH: u16 = 5;
pub const OBSERVE: u16 = 6;
pub const OSCORE: u16 = 9;
pub const URI_PATH: u16 = 11;
pub const CONTENT_FORMAT: u16 = 12;
pub const MAX_AGE: u16 = 14;
pub const URI_QUERY: u16 = 15;
pub const HOP_LIMIT: u16 = 16;
pub const ACCEPT: u16 = 17;
pub const BLOCK2: u16 = 23;
pub const BLOCK1: u16 = 27;
pub const SIZE1: u16 = 60;
pub const REQUEST_TAG: u16 = 292;

pub const HANDSHAKE: u16 = 65001;
pub const SEALED: u16 = 65002;

/// Where handshake messages go.
pub const HANDSHAKE_PATH: &str = ".well-known/lscoap";

/// `index` as an encoded Uri-Path option: the additional data of a sealed request for it.
pub const INDEX_PATH: &[u8] = b"\xb5index";

/// A CoAP message over UDP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    pub code: u8,
    pub id: u16,
    pub token: Vec<u8>,
    /// In ascending order.
    pub options: Vec<(u16, Vec<u8>)>,
    pub payload: Vec<u8>,
}

impl Message {
    /// A confirmable request for `/path`.
    pub fn request(code: u8, path: &str, id: u16) -> Message {
        let options = path.split('/').map(|segment| (URI_PATH, segment.as_bytes().to_vec())).collect();
        Message { kind: CON, code, id, token: vec![0xC0, id as u8], options, payload: vec![] }
    }

    /// The same with one more option.
    pub fn option(mut self, number: u16, value: &[u8]) -> Message {
        self.options.push((number, value.to_vec()));
        self.options.sort_by_key(|(number, _)| *number);
        self
    }

    /// The same with this Content-Format and payload.
    pub fn body(self, format: u16, payload: &[u8]) -> Message {
        let mut message = self.option(CONTENT_FORMAT, &format.to_be_bytes());
        message.payload = payload.to_vec();
        message
    }

    /// The value of an option, as a number.
    pub fn number(&self, option: u16) -> Option<u64> {
        let (_, value) = self.options.iter().find(|(number, _)| *number == option)?;
        Some(value.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The payload is a sealed object.
    pub fn is_sealed(&self) -> bool {
        self.number(CONTENT_FORMAT) == Some(SEALED.into())
    }

    /// The payload is an ALERT of this code, in the clear.
    pub fn is_alert(&self, alert: u8) -> bool {
        self.number(CONTENT_FORMAT) == Some(HANDSHAKE.into()) && self.payload == [0x1F, alert]
    }

    /// Of a datagram; `None` if it is no message.
    pub fn parse(bytes: &[u8]) -> Option<Message> {
        let (header, mut rest) = bytes.split_at_checked(4)?;
        let token_len = usize::from(header[0] & 15);
        let (token, after) = rest.split_at_checked(token_len)?;
        rest = after;
        let mut message = Message {
            kind: header[0] >> 4 & 3,
            code: header[1],
            id: u16::from_be_bytes([header[2], header[3]]),
            token: token.to_vec(),
            ..Message::default()
        };
        let mut number = 0;
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            if first == 0xFF {
                message.payload = rest.to_vec();
                break;
            }
            number += extended(first >> 4, &mut rest)?;
            let len = extended(first & 15, &mut rest)?;
            let (value, after) = rest.split_at_checked(len.into())?;
            message.options.push((number, value.to_vec()));
            rest = after;
        }
        Some(message)
    }

    /// As a datagram.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0x40 | self.kind << 4 | self.token.len() as u8, self.code];
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(&self.token);
        let mut previous = 0;
        for (number, value) in &self.options {
            let (delta, more_delta) = extension(number - previous);
            let (len, more_len) = extension(value.len() as u16);
            bytes.push(delta << 4 | len);
            bytes.extend(more_delta);
            bytes.extend(more_len);
            bytes.extend(value);
            previous = *number;
        }
        if !self.payload.is_empty() {
            bytes.push(0xFF);
            bytes.extend(&self.payload);
        }
        bytes
    }
}

fn extended(nibble: u8, rest: &mut &[u8]) -> Option<u16> {
    let wanted = match nibble {
        13 => 1,
        14 => 2,
        15 => return None,
        _ => return Some(nibble.into()),
    };
    let (more, after) = rest.split_at_checked(wanted)?;
    *rest = after;
    Some(if wanted == 1 { 13 + u16::from(more[0]) } else { 269 + u16::from_be_bytes([more[0], more[1]]) })
}

fn extension(number: u16) -> (u8, Vec<u8>) {
    match number {
        0..13 => (number as u8, vec![]),
        13..269 => (13, vec![(number - 13) as u8]),
        _ => (14, (number - 269).to_be_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive() {
        let message = Message::request(FETCH, "a/index", 0x1234)
            .option(OBSERVE, &[])
            .option(SIZE1, &[1, 2])
            .option(292, &[7; 300])
            .body(SEALED, b"payload");
        assert_eq!(Message::parse(&message.bytes()), Some(message));
    }
}
