//! `lscoap_exchange`.

use crate::session::Exchange;

/// One request, for as long as answers to it are made or awaited. Holds no secret and needs
/// no wiping. On the side that asked do not go on with a copy: each copy would accept the same answer once.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lscoap_exchange {
    opaque_: [u64; 4],
}

handle!(lscoap_exchange => Exchange);
same_size!(Exchange, lscoap_exchange);
