//! What stands outside a request: what it is, and which blocks it is of or asks for.

use crate::coap::{Block, Frame, Options, option};
use lscoap::coap::option::{is_critical, uint_value};
use lscoap::coap::{HANDSHAKE, SEALED};

/// What a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// To the resource of handshakes; whether its Content-Format is theirs.
    Handshake(bool),
    /// Sealed, in an OSCORE option.
    Oscore,
    /// Sealed, in a payload.
    Payload,
    /// In the clear.
    Clear,
}

/// What stands outside.
#[derive(Clone, Debug)]
pub struct Outside<'a> {
    /// What the request is.
    pub what: What,
    /// The value of Observe.
    pub observe: Option<u32>,
    /// What of the body comes.
    pub block1: Option<Block>,
    /// What of the answer is asked for.
    pub block2: Option<Block>,
    /// Whether a Block option cannot be read, or one stands twice.
    pub has_bad_block: bool,
    /// Request-Tag (RFC 9175): names a transfer if it is long enough to be nobody else's.
    pub tag: Option<&'a [u8]>,
    /// The options but those that are another in each block.
    pub lasting: u64,
}

const PATH: [&[u8]; 2] = [b".well-known", b"lscoap"];

/// From how many bytes on a Request-Tag is nobody else's.
pub const NAME_LEN: usize = 8;

impl<'a> Outside<'a> {
    /// Reads it. `hash` is of the options that blocks of one transfer share: path, query, OSCORE option.
    pub fn read(message: &'a [u8], frame: &Frame, hash: impl Fn(&[(u16, &[u8])]) -> u64) -> Self {
        let mut found = Self {
            what: What::Clear,
            observe: None,
            block1: None,
            block2: None,
            has_bad_block: false,
            tag: None,
            lasting: 0,
        };
        let (mut format, mut has_oscore, mut is_path, mut segments) = (None, false, true, 0);
        let mut lasting: [(u16, &[u8]); 24] = [(0, &[]); 24];
        let mut count = 0;
        for (number, value) in Options::of(message, frame) {
            match number {
                option::OBSERVE => found.observe = uint_value(value).ok().filter(|_| value.len() <= 3),
                option::URI_PATH => {
                    is_path &= PATH.get(segments) == Some(&value);
                    segments += 1;
                }
                option::OSCORE => has_oscore = true,
                option::CONTENT_FORMAT => format = uint_value(value).ok(),
                option::BLOCK1 | option::BLOCK2 => {
                    let place = if number == option::BLOCK1 { &mut found.block1 } else { &mut found.block2 };
                    let block = Block::read(value);
                    found.has_bad_block |= block.is_none() || place.is_some();
                    *place = block;
                }
                option::REQUEST_TAG => found.tag = Some(value),
                _ => {}
            }
            let is_lasting = matches!(number, option::URI_PATH | option::URI_QUERY | option::OSCORE);
            if is_lasting && let Some(place) = lasting.get_mut(count) {
                *place = (number, value);
                count += 1;
            }
        }
        found.lasting = hash(lasting.get(..count).unwrap_or_default());
        found.what = if has_oscore {
            What::Oscore
        } else if is_path && segments == PATH.len() {
            What::Handshake(format == Some(HANDSHAKE.into()))
        } else if format == Some(SEALED.into()) {
            What::Payload
        } else {
            What::Clear
        };
        found
    }

    /// The Request-Tag where it names a transfer, whatever port its blocks come from.
    pub fn name(&self) -> Option<&'a [u8]> {
        self.tag.filter(|tag| tag.len() >= NAME_LEN)
    }
}

/// Whether there is an option that a receiver has to understand and that handshakes do not have.
pub fn has_strange_critical(message: &[u8], frame: &Frame) -> bool {
    Options::of(message, frame).any(|(number, _)| {
        is_critical(number)
            && !matches!(
                number,
                option::URI_HOST
                    | option::URI_PORT
                    | option::URI_PATH
                    | option::URI_QUERY
                    | option::BLOCK1
                    | option::BLOCK2
                    | option::ACCEPT
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coap::{Header, Type, Writer};

    fn read(options: &[(u16, &[u8])]) -> (What, Option<Block>, bool) {
        let mut bytes = Vec::new();
        Header { kind: Type::Confirmable, code: 2, id: 1, token: b"toke" }.write(&mut bytes);
        let mut writer = Writer::new(&mut bytes);
        options.iter().for_each(|(number, value)| writer.option(*number, value));
        let frame = Frame::read(&bytes).unwrap();
        let outside = Outside::read(&bytes, &frame, |_| 0);
        (outside.what, outside.block1, outside.has_bad_block)
    }

    #[test]
    fn what_a_request_is() {
        const DOT: (u16, &[u8]) = (11, b".well-known");
        const OWN: (u16, &[u8]) = (11, b"lscoap");
        let what = |options: &[(u16, &[u8])]| read(options).0;
        assert_eq!(what(&[DOT, OWN, (12, &[0xfd, 0xe9])]), What::Handshake(true));
        assert_eq!(what(&[DOT, OWN]), What::Handshake(false));
        assert_eq!(what(&[DOT]), What::Clear);
        assert_eq!(what(&[DOT, OWN, OWN]), What::Clear);
        assert_eq!(what(&[(11, b"a"), (12, &[0xfd, 0xea])]), What::Payload);
        assert_eq!(what(&[(9, &[]), DOT, OWN, (12, &[0xfd, 0xe9])]), What::Oscore);
        assert_eq!(what(&[]), What::Clear);
    }

    #[test]
    fn blocks_that_are_none() {
        assert_eq!(read(&[(27, &[0x1e])]).1, Some(Block { number: 1, more: true, szx: 6 }));
        assert_eq!(read(&[(27, &[])]).1, Some(Block { number: 0, more: false, szx: 0 }));
        for options in [&[(27, &[7][..])][..], &[(27, &[0, 0, 0, 1])], &[(27, &[6]), (27, &[6])]] {
            assert!(read(options).2);
        }
    }
}
