//! Handshake messages in and out: the common part of the calls that take and give one.

use super::pointers::{Out, bytes_mut};
use crate::bytes::copy;
use crate::error::Error;
use crate::limits::MESSAGE_MAX;
use crate::wire::Message;

/// Copies a handshake message: longer than any is malformed.
pub fn take(input: &[u8], message: &mut Message) -> Result<(), Error> {
    message.extend_from_slice(input).map_err(|_| Error::Malformed)
}

/// Room for any handshake message: whether a call fails for want of it does not depend on what came in.
pub unsafe fn message_room<'a>(out: *mut u8, out_cap: usize) -> Result<&'a mut [u8], Error> {
    // SAFETY: the contract.
    let room = unsafe { bytes_mut(out, out_cap)? };
    if room.len() < MESSAGE_MAX { Err(Error::Capacity) } else { Ok(room) }
}

/// Writes a message to the caller.
pub unsafe fn give(message: &[u8], room: &mut [u8], out_len: Out<usize>) -> Result<(), Error> {
    copy(room.get_mut(..message.len()).ok_or(Error::Capacity)?, message);
    // SAFETY: the contract.
    unsafe { out_len.write(message.len()) };
    Ok(())
}
