//! `lscoap_slot`.

use super::backend::Slot;

/// The length of `lscoap_slot`, in 64-bit numbers.
#[cfg(target_pointer_width = "64")]
pub const LSCOAP_SLOT_WORDS: usize = 66;
/// The length of `lscoap_slot`, in 64-bit numbers.
#[cfg(target_pointer_width = "32")]
pub const LSCOAP_SLOT_WORDS: usize = 64;

/// A server's room for one handshake and the session that comes of it. Its contents are the server's.
#[repr(C)]
pub struct lscoap_slot {
    opaque_: [u64; LSCOAP_SLOT_WORDS],
}

handle!(lscoap_slot => Slot);
same_size!(Slot, lscoap_slot);
