//! The application's request as a CoAP message, in plain, at the front of the buffer.

use super::flight::{CONFIRMABLE, OPTIONS_AT, TOKEN_LEN_BITS};
use super::types::{Payload, Request};
use super::{Device, Env, Task};
use crate::bytes::copy;
use crate::coap::message::put_marker;
use crate::coap::option::{
    ACCEPT, BLOCK1, BLOCK2, CONTENT_FORMAT, ECHO, OBSERVE, REQUEST_TAG, SIZE1, URI_PATH, URI_QUERY, Writer,
};
use crate::coap::{Carrier, PROTECT_OVERHEAD};
use crate::crypto::Backend;
use crate::error::Error;

/// Observe's values in requests (RFC 7641 section 2).
const REGISTER: u32 = 0;
const DEREGISTER: u32 = 1;

/// The longest path or query segment, in bytes (RFC 7252 section 5.10).
const SEGMENT_MAX: usize = 255;

/// What was built.
pub(super) struct Built {
    pub len: usize,
    /// All of the request's body has gone out with it.
    pub is_last: bool,
    pub non: bool,
}

impl<B: Backend> Device<B> {
    /// Writes the message that comes next.
    ///
    /// # Errors
    /// [`Error::Argument`]: no request of that name, or one that is none. [`Error::TooLong`]: it does not fit.
    /// [`Error::Cancelled`]: [`super::Requests::read`] failed.
    pub(super) fn build(&mut self, env: &mut Env<'_>) -> Result<Built, Error> {
        #[cfg(feature = "group")]
        let ask = self.asking.bytes();
        let request = match self.task {
            #[cfg(feature = "group")]
            Task::Ask => Some(super::group::Asking::request(&ask)),
            _ => env.requests.get(self.name),
        };
        let request = request.ok_or(Error::Argument)?;
        if !matches!(request.code, 1..=31) {
            return Err(Error::Argument);
        }
        let capacity = env.buffer.len().saturating_sub(PROTECT_OVERHEAD);
        let (buffer, _) = env.buffer.split_at_mut_checked(capacity).ok_or(Error::TooLong)?;
        // Further blocks of an answer are asked for without the payload (RFC 7959 section 2.7).
        let body_len = if self.transfer.down == 0 { request.payload.len() } else { 0 };
        let mut at = self.options(&request, buffer).map_err(too_long)?;
        let mut len = body_len;
        if body_len.saturating_add(1) > capacity.saturating_sub(at) || self.transfer.in_blocks {
            if !self.transfer.in_blocks {
                self.transfer.begin_upload(capacity.saturating_sub(at), body_len)?;
                at = self.options(&request, buffer).map_err(too_long)?;
            }
            len = body_len.saturating_sub(self.transfer.up).min(self.transfer.up_size());
        }
        let end = match len {
            0 => at,
            _ => at.saturating_add(1).saturating_add(len),
        };
        if end > capacity {
            return Err(Error::TooLong);
        }
        let (is_last, non) = (self.transfer.up.saturating_add(len) >= body_len, request.non);
        copy(buffer, &[CONFIRMABLE | TOKEN_LEN_BITS, request.code, 0, 0, 0, 0, 0, 0]);
        if len != 0 {
            put_marker(buffer, at)?;
            let out = buffer.get_mut(at.saturating_add(1)..end).ok_or(Error::TooLong)?;
            match request.payload {
                Payload::Bytes(bytes) => copy(out, bytes.get(self.transfer.up..).unwrap_or(&[])),
                Payload::Read(_) => {
                    env.requests.read(self.name, self.transfer.up, out).map_err(|_| Error::Cancelled)?;
                }
            }
        }
        Ok(Built { len: end, is_last, non })
    }

    /// Writes the options; where they end.
    fn options(&self, request: &Request<'_>, buffer: &mut [u8]) -> Result<usize, Error> {
        let transfer = &self.transfer;
        let mut writer = Writer::new(OPTIONS_AT);
        match self.task {
            Task::Request if !request.observe || transfer.down != 0 => {}
            Task::Request | Task::Renew => writer.put_uint(buffer, OBSERVE, REGISTER)?,
            Task::Leave => writer.put_uint(buffer, OBSERVE, DEREGISTER)?,
            Task::Fetch | Task::Ask | Task::None => {}
        }
        let (path, query) = split(request.path)?;
        if !path.is_empty() {
            segments(&mut writer, buffer, URI_PATH, path, b'/')?;
        }
        if let Some(format) = request.content_format {
            writer.put_uint(buffer, CONTENT_FORMAT, format.into())?;
        }
        if let Some(query) = query {
            segments(&mut writer, buffer, URI_QUERY, query, b'&')?;
        }
        if let Some(format) = request.accept {
            writer.put_uint(buffer, ACCEPT, format.into())?;
        }
        // In the payload carrier, what is sealed goes in blocks itself where it has more than 1,024 bytes.
        let in_payload = self.settings.carrier == Carrier::Payload as u8;
        let largest = largest_answer(buffer.len()).min(if in_payload { SZX_MAX - 1 } else { SZX_MAX });
        let wanted = if transfer.down == 0 { largest } else { transfer.down_szx };
        if transfer.down != 0 || wanted < SZX_MAX {
            writer.put_uint(buffer, BLOCK2, block(transfer.down, false, wanted))?;
        }
        let uploads = transfer.in_blocks && transfer.down == 0;
        if uploads {
            let len = request.payload.len();
            let more = len > transfer.up.saturating_add(transfer.up_size());
            writer.put_uint(buffer, BLOCK1, block(transfer.up, more, transfer.up_szx))?;
            if transfer.up == 0 {
                writer.put_uint(buffer, SIZE1, u32::try_from(len).map_err(|_| Error::TooLong)?)?;
            }
        }
        if !transfer.echo.is_empty() {
            writer.put(buffer, ECHO, &transfer.echo)?;
        }
        if uploads {
            writer.put(buffer, REQUEST_TAG, &transfer.tag.to_be_bytes())?;
        }
        Ok(writer.position())
    }
}

/// The largest size exponent: 1,024 bytes.
pub(super) const SZX_MAX: u8 = 6;
/// What an answer may have beside its payload: header, token, tag, options outside and inside.
const AROUND_ANSWER: usize = 40;

/// The largest blocks of answers that a buffer stands for, of which `len` bytes are left beside the overhead of sealing.
fn largest_answer(len: usize) -> u8 {
    largest(len.saturating_sub(AROUND_ANSWER)).unwrap_or(0)
}

/// The size exponent of the largest block that fits.
pub(super) fn largest(len: usize) -> Option<u8> {
    (0..=SZX_MAX).rev().find(|szx| size_of(*szx) <= len)
}

/// The size of a block, in bytes.
pub(super) fn size_of(szx: u8) -> usize {
    16 << szx.min(SZX_MAX)
}

/// The value of a Block option.
fn block(offset: usize, more: bool, szx: u8) -> u32 {
    let number = u32::try_from(offset >> szx.saturating_add(4)).unwrap_or(u32::MAX);
    number << 4 | u32::from(more) << 3 | u32::from(szx)
}

fn too_long(error: Error) -> Error {
    if error == Error::Capacity { Error::TooLong } else { error }
}

/// Path and query, without their delimiters. [`Error::Argument`]: with a fragment.
fn split(path: &[u8]) -> Result<(&[u8], Option<&[u8]>), Error> {
    if path.contains(&b'#') {
        return Err(Error::Argument);
    }
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    Ok((parts.next().unwrap_or(&[]), parts.next()))
}

/// One option for each part, percent-decoded (RFC 7252 section 6.4).
fn segments(
    writer: &mut Writer,
    buffer: &mut [u8],
    number: u16,
    text: &[u8],
    delimiter: u8,
) -> Result<(), Error> {
    for part in text.split(|byte| *byte == delimiter) {
        let mut len = 0_usize;
        for byte in decoded(part) {
            byte?;
            len = len.saturating_add(1);
        }
        if len > SEGMENT_MAX {
            return Err(Error::Argument);
        }
        writer.put_bytes(buffer, number, len, decoded(part).map_while(Result::ok))?;
    }
    Ok(())
}

/// The bytes of a segment. [`Error::Argument`]: an escape that is none.
fn decoded(part: &[u8]) -> impl Iterator<Item = Result<u8, Error>> {
    let mut rest = part.iter();
    core::iter::from_fn(move || {
        let byte = *rest.next()?;
        if byte != b'%' {
            return Some(Ok(byte));
        }
        let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
        let value = digit().zip(digit()).map(|(high, low)| high << 4 | low);
        Some(value.and_then(|value| u8::try_from(value).ok()).ok_or(Error::Argument))
    })
}
