//! What a message says, once it has been unprotected or if it never was protected.

use crate::coap::message::Frame;
use crate::coap::option::{
    BLOCK1, BLOCK2, CONTENT_FORMAT, ECHO, ETAG, MAX_AGE, OBSERVE, Reader, is_critical, uint_value,
};
use crate::error::Error;

/// The Max-Age of an answer without one, in seconds (RFC 7252 section 5.10.5).
const MAX_AGE_S: u32 = 60;

/// A Block option.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub offset: usize,
    pub more: bool,
    pub szx: u8,
}

impl Block {
    /// [`Error::Malformed`]: too long, or of a size that is reserved.
    fn read(value: &[u8]) -> Result<Self, Error> {
        let value = uint_value(value).ok().filter(|value| *value < 1 << 24).ok_or(Error::Malformed)?;
        let szx = u8::try_from(value & 7).unwrap_or(7);
        if szx == 7 {
            return Err(Error::Malformed);
        }
        let offset = usize::try_from(value >> 4 << szx << 4).map_err(|_| Error::Malformed)?;
        Ok(Self { offset, more: value & 8 != 0, szx })
    }
}

/// See the module.
pub(super) struct Inside<'a> {
    pub code: u8,
    pub observe: bool,
    pub content_format: Option<u16>,
    pub max_age_s: u32,
    pub block1: Option<Block>,
    pub block2: Option<Block>,
    pub etag: &'a [u8],
    pub echo: Option<&'a [u8]>,
    pub options: &'a [u8],
    pub payload: &'a [u8],
}

impl<'a> Inside<'a> {
    /// Reads a response. [`Error::BadOption`]: with a critical option that a client does not know.
    pub fn read(message: &'a [u8], frame: &Frame) -> Result<Self, Error> {
        let mut inside = Self {
            code: frame.code,
            observe: false,
            content_format: None,
            max_age_s: MAX_AGE_S,
            block1: None,
            block2: None,
            etag: &[],
            echo: None,
            options: message.get(frame.options..frame.options_end).unwrap_or(&[]),
            payload: frame.payload(message),
        };
        let mut reader = Reader::new(frame.options);
        while let Some(found) = reader.next(message)? {
            let value = message.get(found.at..found.at.saturating_add(found.len)).unwrap_or(&[]);
            match found.number {
                OBSERVE => inside.observe = true,
                CONTENT_FORMAT => {
                    inside.content_format = uint_value(value).ok().and_then(|format| format.try_into().ok());
                }
                MAX_AGE => inside.max_age_s = uint_value(value).unwrap_or(MAX_AGE_S),
                BLOCK1 => inside.block1 = Some(Block::read(value)?),
                BLOCK2 => inside.block2 = Some(Block::read(value)?),
                ETAG => inside.etag = value,
                ECHO => inside.echo = Some(value),
                number if is_critical(number) => return Err(Error::BadOption),
                _ => {}
            }
        }
        Ok(inside)
    }
}
