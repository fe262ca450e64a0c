//! Bytes in, bytes out: the common part of everything that has an input and an output buffer.

use super::backend::Session;
use super::exchange::lscoap_exchange;
use super::pointers::{Place, bytes, bytes_mut, move_bytes, object};
use super::status::{
    LSCOAP_ERR_ARGUMENT, LSCOAP_ERR_CAPACITY, LSCOAP_ERR_MALFORMED, LSCOAP_OK, lscoap_status, of_error,
};
use crate::bytes::copy;
use crate::limits::{AAD_MAX, MESSAGE_MAX};
use crate::session::{Carrier, Exchange, Opening, Sealing};
use crate::wire::Message;
use zeroize::Zeroize;

/// The most that CCM with a 13-byte nonce takes.
const PLAINTEXT_MAX: usize = 0xffff;

/// An input and an output buffer, which may be the same.
pub struct Buffers {
    pub input: *const u8,
    pub input_len: usize,
    pub out: *mut u8,
    pub out_cap: usize,
    pub out_len: *mut usize,
}

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
pub unsafe fn give(message: &[u8], room: &mut [u8], out_len: Place<usize>) -> Result<(), lscoap_status> {
    copy(room.get_mut(..message.len()).ok_or(LSCOAP_ERR_CAPACITY)?, message);
    // SAFETY: the contract.
    unsafe { out_len.write(message.len()) };
    Ok(())
}

/// The payload carrier with the caller's additional data.
pub unsafe fn payload<'a>(aad: *const u8, aad_len: usize) -> Result<Carrier<'a>, lscoap_status> {
    if aad_len > AAD_MAX {
        return Err(LSCOAP_ERR_ARGUMENT);
    }
    // SAFETY: the contract.
    unsafe { bytes(aad, aad_len) }.map(Carrier::Payload)
}

/// The exchange of a response.
pub unsafe fn exchange<'a>(exchange: *const lscoap_exchange) -> Result<&'a Exchange, lscoap_status> {
    // SAFETY: the contract; any bytes are a valid exchange.
    unsafe { object(exchange.cast()) }
}

impl Buffers {
    /// Seals into `out`. Nothing is written unless it succeeds.
    pub unsafe fn seal(
        &self,
        session: &mut Session,
        sealing: &Sealing,
        carrier: Carrier<'_>,
    ) -> Result<lscoap_status, lscoap_status> {
        // SAFETY: the contract, for the whole function; the plaintext is moved before a slice of `out` exists.
        unsafe {
            bytes(self.input, self.input_len)?;
            let out_len = Place::new(self.out_len)?;
            if self.input_len > PLAINTEXT_MAX {
                return Err(LSCOAP_ERR_ARGUMENT);
            }
            let len = sealing.sealed_len(self.input_len);
            bytes_mut(self.out, self.out_cap)?;
            if self.out_cap < len {
                return Err(LSCOAP_ERR_CAPACITY);
            }
            move_bytes(self.input, self.out.add(sealing.header_len()), self.input_len);
            let object = bytes_mut(self.out, len)?;
            if let Err(error) = session.complete_seal(sealing, carrier, object) {
                object.zeroize();
                return Err(of_error(error));
            }
            out_len.write(len);
            Ok(LSCOAP_OK)
        }
    }

    /// The input object.
    pub unsafe fn object(&self) -> Result<&[u8], lscoap_status> {
        // SAFETY: the contract.
        unsafe { bytes(self.input, self.input_len) }
    }

    /// Checks the output before anything is opened.
    pub unsafe fn check_room(&self, opening: &Opening) -> Result<(), lscoap_status> {
        Place::new(self.out_len)?;
        // SAFETY: the contract.
        unsafe { bytes_mut(self.out, self.out_cap)? };
        if self.out_cap < opening.data_len() { Err(LSCOAP_ERR_CAPACITY) } else { Ok(()) }
    }

    /// Opens into `out`, which [`Buffers::check_room`] has found large enough. Where the tag does not verify,
    /// the plaintext's place is left as zeroes.
    pub unsafe fn open(
        &self,
        session: &Session,
        opening: &Opening,
        carrier: Carrier<'_>,
    ) -> Result<(), lscoap_status> {
        // SAFETY: the contract; the ciphertext is moved before a slice of `out` exists.
        unsafe {
            let ciphertext = self.input.add(opening.header_len());
            move_bytes(ciphertext, self.out, opening.data_len());
            let data = bytes_mut(self.out, opening.data_len())?;
            session.open_in_place(opening, carrier, data).map_err(of_error)?;
            Place::new(self.out_len)?.write(opening.data_len());
        }
        Ok(())
    }
}
