//! `lscoap_io`: bytes in, bytes out, for everything that seals and opens.

use super::backend::Session;
use super::pointers::{bytes, checked, checked_mut, move_bytes, object_mut};
use super::status::{LSCOAP_OK, lscoap_status};
#[cfg(feature = "group")]
use crate::bytes::copy;
use crate::error::Error;
use crate::limits::AAD_MAX;
use crate::session::{Carrier, Opening, Sealing};
use zeroize::Zeroize;

/// The most that CCM with a 13-byte nonce takes.
const PLAINTEXT_MAX: usize = 0xffff;

/// What goes into a call and what comes out. `out` may be `input`, or overlap it in any way. Zero every field that a call
/// does not use.
#[repr(C)]
pub struct lscoap_io {
    /// What goes in: a whole CoAP message (UDP framing: RFC 7252 section 3), a plaintext, a sealed object or a handshake message.
    pub input: *const u8,
    /// Its length, in bytes.
    pub input_len: usize,
    /// Where the result goes.
    pub out: *mut u8,
    /// Room there, in bytes: as the call says. Less is LSCOAP_ERR_CAPACITY.
    pub out_cap: usize,
    /// The length of the result, in bytes; written on success.
    pub out_len: usize,
    /// A server's monotonic clock, in ms. Only the lscoap_server functions look at it.
    pub now_ms: u64,
    /// Of a sealed object that is a request: the outer Uri-Path and Uri-Query options in CoAP encoding. Only the functions that seal
    /// and open such an object look at it.
    pub aad: *const u8,
    /// Its length: at most LSCOAP_AAD_MAX bytes.
    pub aad_len: usize,
}

impl lscoap_io {
    /// C's object, whose input and output are what their lengths say.
    #[inline(never)] // one for all calls
    pub(super) unsafe fn of<'a>(io: *mut Self) -> Result<&'a mut Self, Error> {
        // SAFETY: the contract.
        unsafe {
            let io = object_mut(io)?;
            bytes(io.input, io.input_len)?;
            bytes(io.out, io.out_cap)?;
            Ok(io)
        }
    }

    /// The input.
    pub(super) unsafe fn input<'a>(&self) -> &'a [u8] {
        // SAFETY: the contract, and [`lscoap_io::of`].
        unsafe { checked(self.input, self.input_len) }
    }

    /// The first bytes of the output.
    pub(super) unsafe fn room<'a>(&self, len: usize) -> Result<&'a mut [u8], Error> {
        if self.out_cap < len {
            return Err(Error::Capacity);
        }
        // SAFETY: the same.
        Ok(unsafe { checked_mut(self.out, len) })
    }

    /// Moves the message to where the result goes, and has it changed there.
    #[cfg(feature = "coap")]
    pub(super) unsafe fn run(
        &mut self,
        work: impl FnOnce(&mut [u8], usize) -> Result<usize, Error>,
    ) -> Result<lscoap_status, Error> {
        // SAFETY: the contract, for all of it; the message is moved before a slice of `out` exists.
        unsafe {
            if self.out_cap < self.input_len {
                return Err(Error::Capacity);
            }
            move_bytes(self.input, self.out, self.input_len);
            self.out_len = work(self.room(self.out_cap)?, self.input_len)?;
        }
        Ok(LSCOAP_OK)
    }

    /// The carrier of a request: the payload, with the caller's additional data.
    pub(super) unsafe fn carrier<'a>(&self) -> Result<Carrier<'a>, Error> {
        if self.aad_len > AAD_MAX {
            return Err(Error::Argument);
        }
        // SAFETY: the contract.
        unsafe { bytes(self.aad, self.aad_len) }.map(Carrier::Payload)
    }

    /// Seals into `out`. Nothing is written unless it succeeds.
    pub(super) unsafe fn seal(
        &mut self,
        session: &mut Session,
        sealing: &Sealing,
        carrier: Carrier<'_>,
    ) -> Result<lscoap_status, Error> {
        // SAFETY: the contract, for the whole function; the plaintext is moved before a slice of `out` exists.
        unsafe {
            if self.input_len > PLAINTEXT_MAX {
                return Err(Error::Argument);
            }
            let len = sealing.sealed_len(self.input_len);
            if self.out_cap < len {
                return Err(Error::Capacity);
            }
            move_bytes(self.input, self.out.add(sealing.header_len()), self.input_len);
            let object = self.room(len)?;
            if let Err(error) = session.complete_seal(sealing, carrier, object) {
                object.zeroize();
                return Err(error);
            }
            self.out_len = len;
            Ok(LSCOAP_OK)
        }
    }

    /// Seals into `out`, behind a header: `work` gets the plaintext with `tail_len` bytes of room. Nothing is written unless it succeeds.
    #[cfg(feature = "group")]
    pub(super) unsafe fn seal_at(
        &mut self,
        header: &[u8],
        tail_len: usize,
        work: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Result<lscoap_status, Error> {
        // SAFETY: the contract, for the whole function; the plaintext is moved before a slice of `out` exists.
        unsafe {
            if self.input_len > PLAINTEXT_MAX {
                return Err(Error::Argument);
            }
            let len = header.len().saturating_add(self.input_len).saturating_add(tail_len);
            if self.out_cap < len {
                return Err(Error::Capacity);
            }
            move_bytes(self.input, self.out.add(header.len()), self.input_len);
            let (place, rest) = self.room(len)?.split_at_mut_checked(header.len()).unwrap_or_default();
            work(rest).inspect_err(|_| rest.zeroize())?;
            copy(place, header);
            self.out_len = len;
            Ok(LSCOAP_OK)
        }
    }

    /// Has `data_len` bytes, which stand behind `header_len` in the input, opened in `out`.
    #[cfg(feature = "group")]
    pub(super) unsafe fn open_at<R>(
        &mut self,
        header_len: usize,
        data_len: usize,
        work: impl FnOnce(&mut [u8]) -> Result<R, Error>,
    ) -> Result<R, Error> {
        // SAFETY: the contract; the ciphertext is moved before a slice of `out` exists.
        unsafe {
            if self.out_cap < data_len {
                return Err(Error::Capacity);
            }
            move_bytes(self.input.add(header_len), self.out, data_len);
            let opened = work(self.room(data_len)?)?;
            self.out_len = data_len;
            Ok(opened)
        }
    }

    /// Checks the output before anything is opened.
    pub(super) fn check_room(&self, opening: &Opening) -> Result<(), Error> {
        if self.out_cap < opening.data_len() { Err(Error::Capacity) } else { Ok(()) }
    }

    /// Opens into `out`, which [`lscoap_io::check_room`] has found large enough. Where the tag does not verify,
    /// the plaintext's place is left as zeroes.
    pub(super) unsafe fn open(
        &mut self,
        session: &Session,
        opening: &Opening,
        carrier: Carrier<'_>,
    ) -> Result<(), Error> {
        // SAFETY: the contract; the ciphertext is moved before a slice of `out` exists.
        unsafe {
            let ciphertext = self.input.add(opening.header_len());
            move_bytes(ciphertext, self.out, opening.data_len());
            let data = self.room(opening.data_len())?;
            session.open_in_place(opening, carrier, data)?;
        }
        self.out_len = opening.data_len();
        Ok(())
    }
}
