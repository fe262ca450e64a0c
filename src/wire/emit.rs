//! Handshake messages, written. A [`super::Message`] holds the longest of them, so an overflow is a fault of
//! the caller's and shows as [`Error::Capacity`].

use super::{Message, first_byte};
use crate::error::{Alert, Error};

/// Appends fields to a message.
pub trait Emit {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// `L || cid`, with zero in the low bits.
    fn put_cid(&mut self, cid: &[u8]) -> Result<(), Error> {
        self.put(&[l(cid, 0)?])?;
        self.put(cid)
    }

    /// `L || cid_C || device id`, the length of the device id less one in the low bits.
    fn put_client_names(&mut self, cid_c: &[u8], device_id: &[u8]) -> Result<(), Error> {
        let low = device_id.len().checked_sub(1).ok_or(Error::Argument)?;
        self.put(&[l(cid_c, low)?])?;
        self.put(cid_c)?;
        self.put(device_id)
    }

    /// An ALERT.
    fn put_alert(&mut self, alert: Alert) -> Result<(), Error> {
        self.put(&[first_byte::ALERT, alert.code()])
    }
}

fn l(cid: &[u8], low: usize) -> Result<u8, Error> {
    match (u8::try_from(cid.len()), u8::try_from(low)) {
        (Ok(len @ 0..=7), Ok(low @ 0..=31)) => Ok(len << 5 | low),
        _ => Err(Error::Argument),
    }
}

impl Emit for Message {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.extend_from_slice(bytes).map_err(|_| Error::Capacity)
    }
}
