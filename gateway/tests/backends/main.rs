//! The gateway's CoAP client and servers that know nothing of lscoap: libcoap's and aiocoap's, as gateway/backends/ has them.

mod blocks;
mod identity;
mod lost;
mod observe;
mod sealed;
mod server;
mod worker;
