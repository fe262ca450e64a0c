//! Handshake messages in and out: the common part of the calls that take and give one.

use super::pointers::{Out, bytes_mut};
use super::status::{LSCOAP_ERR_CAPACITY, LSCOAP_ERR_MALFORMED, lscoap_status};
use crate::bytes::copy;
use crate::limits::MESSAGE_MAX;
use crate::wire::Message;

/// A handshake message, copied: longer than any is malformed.
pub fn message(input: &[u8]) -> Result<Message, lscoap_status> {
    Message::from_slice(input).map_err(|_| LSCOAP_ERR_MALFORMED)
}

/// Room for any handshake message: whether a call fails for want of it does not depend on what came in.
pub unsafe fn message_room<'a>(out: *mut u8, out_cap: usize) -> Result<&'a mut [u8], lscoap_status> {
    // SAFETY: the contract.
    let room = unsafe { bytes_mut(out, out_cap)? };
    if room.len() < MESSAGE_MAX { Err(LSCOAP_ERR_CAPACITY) } else { Ok(room) }
}

/// Writes a message to the caller.
pub unsafe fn give(message: &[u8], room: &mut [u8], out_len: Out<usize>) -> Result<(), lscoap_status> {
    copy(room.get_mut(..message.len()).ok_or(LSCOAP_ERR_CAPACITY)?, message);
    // SAFETY: the contract.
    unsafe { out_len.write(message.len()) };
    Ok(())
}
