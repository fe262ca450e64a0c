//! Handshake messages, written. A [`super::Message`] holds the longest of them, whatever the lengths of the ids,
//! so that writing cannot fail.

use super::{Message, Type};
use crate::error::Alert;

/// Appends fields to a message.
pub trait Emit {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);

    /// What a message of this type begins with.
    fn put_type(&mut self, message_type: Type) {
        self.put(&[message_type.first_byte()]);
    }

    /// `L || cid`, with zero in the low bits.
    fn put_cid(&mut self, cid: &[u8]) {
        self.put(&[l(cid, 0)]);
        self.put(cid);
    }

    /// `L || cid_C || device id`, the length of the device id less one in the low bits.
    fn put_client_names(&mut self, cid_c: &[u8], device_id: &[u8]) {
        self.put(&[l(cid_c, device_id.len().saturating_sub(1))]);
        self.put(cid_c);
        self.put(device_id);
    }

    /// An ALERT.
    fn put_alert(&mut self, alert: Alert) {
        self.put_type(Type::Alert);
        self.put(&[alert.code()]);
    }
}

/// The two lengths: at most 7, and at most 31.
fn l(cid: &[u8], low: usize) -> u8 {
    u8::try_from(cid.len() << 5 | low & 0x1f).unwrap_or(0)
}

impl Emit for Message {
    fn put(&mut self, bytes: &[u8]) {
        let result = self.extend_from_slice(bytes);
        debug_assert!(result.is_ok(), "longer than any message");
    }
}
