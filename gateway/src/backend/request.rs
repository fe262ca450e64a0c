//! What a device may ask of the back-end, and how the back-end is told who asks.

use crate::coap::{Frame, Options, Writer, code, option};
use crate::config::Identity;
use lscoap::coap::message::{FETCH, GET};
use lscoap::coap::option::uint_value;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The name that no device's query may have, in the form `query`.
pub const NAME: &str = "lscoap-id";

/// 4.00.
pub const BAD_REQUEST: u8 = code(4, 0);
/// 4.02.
pub const BAD_OPTION: u8 = code(4, 2);
/// 4.08.
pub const INCOMPLETE: u8 = code(4, 8);
/// 4.13.
pub const TOO_LARGE: u8 = code(4, 13);
/// 5.05.
const PROXYING_NOT_SUPPORTED: u8 = code(5, 5);
/// 5.08 (RFC 8768).
const HOP_LIMIT_REACHED: u8 = code(5, 8);

/// An option that a proxy that does not know it must not pass on (RFC 7252 section 5.4.2).
pub const fn is_unsafe(number: u16) -> bool {
    number & 2 != 0
}

/// What the proxy has to know of a request.
#[derive(Clone, Copy, Debug)]
pub struct Inner {
    /// The method.
    pub code: u8,
    /// The value of Observe.
    pub observe: Option<u32>,
    /// Whether it is a part of a transfer that the back-end knows by its endpoint.
    pub is_transfer: bool,
    /// Whether it is not the first part.
    pub goes_on: bool,
    /// Whether it is a part of a body.
    pub is_part: bool,
    /// Whether it speaks of blocks: Block1.
    pub has_block1: bool,
    /// Block2.
    pub has_block2: bool,
    frame: Frame,
}

impl Inner {
    /// Whether it changes nothing, so that it may be asked once more.
    pub fn is_safe(&self) -> bool {
        matches!(self.code, GET | FETCH)
    }
}

/// How the back-end is told who asks.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// In which form.
    pub identity: Identity,
    /// The option's number.
    pub option: u16,
}

impl Rules {
    /// Reads a request; the code to refuse it with, if it is not to be passed on.
    pub fn read(&self, message: &[u8]) -> Result<Inner, u8> {
        let frame = Frame::read(message).map_err(|_| BAD_REQUEST)?;
        if !frame.is_request() {
            return Err(BAD_REQUEST);
        }
        let mut inner = Inner {
            code: frame.code,
            observe: None,
            is_transfer: false,
            goes_on: false,
            is_part: false,
            has_block1: false,
            has_block2: false,
            frame,
        };
        let mut before = None;
        for (number, value) in Options::of(message, &frame) {
            let is_once = before.replace(number) != Some(number);
            self.check(number, value, is_once)?;
            let value = uint_value(value).unwrap_or(0);
            match number {
                option::OBSERVE => inner.observe = Some(value),
                option::BLOCK1 => {
                    inner.has_block1 = true;
                    inner.is_part = value & !7 != 0; // not the first, or not the last
                    inner.is_transfer |= inner.is_part;
                    inner.goes_on |= value >> 4 != 0;
                }
                option::BLOCK2 => {
                    inner.has_block2 = true;
                    inner.is_transfer |= value >> 4 != 0;
                    inner.goes_on |= value >> 4 != 0;
                }
                _ => {}
            }
        }
        Ok(inner)
    }

    /// What is not to be passed on. What an option must be is checked of those that a proxy has to know alone: all others are the
    /// back-end's.
    fn check(&self, number: u16, value: &[u8], is_once: bool) -> Result<(), u8> {
        let (least, most) = match number {
            option::PROXY_URI | option::PROXY_SCHEME => return Err(PROXYING_NOT_SUPPORTED),
            option::OSCORE => return Err(BAD_OPTION),
            number if number == self.option => return Err(BAD_OPTION),
            option::HOP_LIMIT => {
                return match value {
                    [0] => Err(BAD_REQUEST),
                    [1] => Err(HOP_LIMIT_REACHED),
                    [_] if is_once => Ok(()),
                    _ => Err(BAD_REQUEST),
                };
            }
            option::URI_PATH => return self.check_segment(value),
            option::URI_QUERY => return self.check_query(value),
            option::URI_HOST => (1, 255),
            option::OBSERVE | option::BLOCK1 | option::BLOCK2 => (0, 3),
            option::URI_PORT => (0, 2),
            option::MAX_AGE => (0, 4),
            option::NO_RESPONSE => (0, 1),
            number if is_unsafe(number) => return Err(BAD_OPTION),
            _ => return Ok(()),
        };
        // RFC 7252 sections 5.4.3 and 5.4.5: what is too long or stands too often is as if it were unknown.
        if is_once && (least..=most).contains(&value.len()) { Ok(()) } else { Err(BAD_OPTION) }
    }

    fn check_segment(&self, segment: &[u8]) -> Result<(), u8> {
        if segment.len() > 255 {
            return Err(BAD_OPTION);
        }
        let leaves = |segment: &[u8]| matches!(segment, b"." | b"..") || segment.contains(&b'/');
        if self.identity == Identity::Path && (leaves(segment) || leaves(&decoded(segment))) {
            return Err(BAD_REQUEST);
        }
        Ok(())
    }

    fn check_query(&self, query: &[u8]) -> Result<(), u8> {
        if query.len() > 255 {
            return Err(BAD_OPTION);
        }
        let names = |query: &[u8]| {
            query.windows(NAME.len()).any(|window| window.eq_ignore_ascii_case(NAME.as_bytes()))
        };
        if self.identity == Identity::Query && (names(query) || names(&decoded(query))) {
            return Err(BAD_REQUEST);
        }
        Ok(())
    }

    /// Appends the options and the payload that go to the back-end, behind a header.
    pub fn write(&self, message: &[u8], inner: &Inner, device_id: &[u8], to: &mut Vec<u8>) {
        let mut writer = Writer::new(to);
        let mut is_named = false;
        let name = |writer: &mut Writer<'_>| match self.identity {
            Identity::Option => writer.option(self.option, device_id),
            Identity::Path => {
                writer.option(option::URI_PATH, b"d");
                writer.option(option::URI_PATH, hex::encode(device_id).as_bytes());
            }
            Identity::Query => {
                writer.option(option::URI_QUERY, format!("{NAME}={}", hex::encode(device_id)).as_bytes());
            }
        };
        let number_of_name = match self.identity {
            Identity::Option => self.option,
            Identity::Path => option::URI_PATH,
            Identity::Query => option::URI_QUERY,
        };
        for (number, value) in Options::of(message, &inner.frame) {
            if number >= number_of_name && !is_named {
                name(&mut writer);
                is_named = true;
            }
            match (number, value) {
                (option::URI_HOST | option::URI_PORT, _) => {} // what the device calls the gateway
                (option::HOP_LIMIT, [hops]) => writer.option(number, &[hops.saturating_sub(1)]),
                _ => writer.option(number, value),
            }
        }
        if !is_named {
            name(&mut writer);
        }
        writer.payload(inner.frame.payload(message));
    }
}

/// Without percent codes, also those that percent codes have hidden.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    loop {
        let mut shorter = Vec::with_capacity(text.len());
        let mut rest = &*text;
        while let Some((first, behind)) = rest.split_first() {
            let code = behind.get(..2).filter(|_| *first == b'%');
            match code.and_then(|code| hex::decode(code).ok()) {
                Some(byte) => {
                    shorter.extend(byte);
                    rest = behind.get(2..).unwrap_or_default();
                }
                None => {
                    shorter.push(*first);
                    rest = behind;
                }
            }
        }
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

/// What all parts of a transfer have in common, and what servers know it by beside the endpoint: method, path and query.
pub fn transfer_key(message: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Ok(frame) = Frame::read(message) {
        frame.code.hash(&mut hasher);
        let place = |number: &u16| matches!(*number, option::URI_PATH | option::URI_QUERY);
        Options::of(message, &frame).filter(|(number, _)| place(number)).for_each(|it| it.hash(&mut hasher));
    }
    hasher.finish()
}
