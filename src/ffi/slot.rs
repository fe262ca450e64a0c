//! `lscoap_slot`.

use super::backend::Slot;

/// A server's room for one handshake and the session that comes of it. Its contents are the server's.
#[repr(C)]
pub struct lscoap_slot {
    opaque_: [u64; 64],
}

const _: () = assert!(size_of::<Slot>() <= size_of::<lscoap_slot>());
const _: () = assert!(align_of::<Slot>() <= align_of::<lscoap_slot>());
