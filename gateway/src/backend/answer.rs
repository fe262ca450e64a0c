//! What the back-end answers, and what of it goes to the device.

use super::ports::Left;
use super::request::is_unsafe;
use crate::coap::{Block, Frame, Header, Options, Type, Writer, code, is_response, option};
use lscoap::coap::option::uint_value;

/// 2.31.
pub const CONTINUE: u8 = code(2, 31);
/// How many seconds a device that found no room is asked to wait.
const BUSY_S: u32 = 5;

/// An answer that may be passed on.
pub struct Answer {
    /// Its code.
    pub code: u8,
    /// The value of Observe.
    pub observe: Option<u32>,
    /// Whether it is a block and not the last one, or asks for the next one.
    pub more: bool,
    /// Block1.
    pub block1: Option<Block>,
    /// Block2.
    pub block2: Option<Block>,
    /// The first ETag.
    pub etag: Vec<u8>,
    /// The message with an empty token, without the identity option.
    pub message: Vec<u8>,
}

impl Answer {
    /// Reads a response; `None` if it is none, or one with options that a proxy that does not know them must not pass on (RFC 7252
    /// section 5.7.1).
    pub fn read(datagram: &[u8], identity_option: u16) -> Option<Self> {
        let frame = Frame::read(datagram).ok().filter(|frame| is_response(frame.code))?;
        let mut answer = Self {
            code: frame.code,
            observe: None,
            more: frame.code == CONTINUE,
            block1: None,
            block2: None,
            etag: Vec::new(),
            message: Vec::with_capacity(datagram.len()),
        };
        header(frame.code).write(&mut answer.message);
        let mut writer = Writer::new(&mut answer.message);
        let mut before = None;
        for (number, value) in Options::of(datagram, &frame) {
            let is_once = before.replace(number) != Some(number);
            if number == identity_option {
                continue;
            }
            match number {
                option::OBSERVE | option::MAX_AGE | option::BLOCK1 | option::BLOCK2 => {
                    let value = uint_value(value).ok().filter(|_| is_once)?;
                    match number {
                        option::OBSERVE => answer.observe = Some(value & 0xff_ffff),
                        option::BLOCK1 => answer.block1 = Some(Block::of(value)),
                        option::BLOCK2 => {
                            let block = Block::of(value);
                            answer.more |= block.more;
                            answer.block2 = Some(block);
                        }
                        _ => {}
                    }
                }
                option::ETAG if is_once => answer.etag = value.to_vec(),
                option::OSCORE => return None,
                number if is_unsafe(number) => return None,
                _ => {}
            }
            writer.option(number, value);
        }
        writer.payload(frame.payload(datagram));
        Some(answer)
    }

    /// Whether it is of class 2.
    pub fn is_success(&self) -> bool {
        self.code >> 5 == 2
    }

    /// What it leaves of a transfer.
    pub fn left(&self) -> Left {
        match self.code {
            CONTINUE => Left::Upload,
            _ if self.block2.is_some_and(|block| block.more) => Left::Download,
            _ => Left::Nothing,
        }
    }

    /// The payload; empty where there is none.
    pub fn payload(&self) -> &[u8] {
        Frame::read(&self.message).map_or(&[], |frame| frame.payload(&self.message))
    }
}

const fn header(code: u8) -> Header<'static> {
    Header { kind: Type::NonConfirmable, code, id: 0, token: &[] }
}

/// Appends 5.03: there is no room at present.
pub fn busy(to: &mut Vec<u8>) {
    header(code(5, 3)).write(to);
    Writer::new(to).uint(option::MAX_AGE, BUSY_S);
}
