//! `lscoap_exchange`.

use crate::session::Exchange;

/// One request, for as long as answers to it are made or awaited. Holds no secret and needs
/// no wiping. On the side that asked do not go on with a copy: each copy would accept the same answer once.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lscoap_exchange {
    opaque_: [u64; 4],
}

const _: () = assert!(size_of::<Exchange>() <= size_of::<lscoap_exchange>());
const _: () = assert!(align_of::<Exchange>() <= align_of::<lscoap_exchange>());
