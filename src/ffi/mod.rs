//! The C interface, from which `include/lscoap.h` is generated. One file for each C type; every `unsafe` of the
//! crate is here, and every pointer becomes a reference in [`pointers`].
//!
//! The calling contract stands at the top of the header (`cbindgen.toml`). Each `unsafe` block relies on it:
//! a pointer that is not null points to a live object of its type or to as many bytes as the length says.
#![allow(non_camel_case_types)]
#![allow(clippy::missing_safety_doc)] // the contract is the header's, one for all functions

/// What is behind a C type; see [`pointers::Handle`].
macro_rules! handle {
    ($theirs:ty => $ours:ty) => {
        impl super::pointers::Handle for $theirs {
            type Object = $ours;
        }
    };
}

/// C's object is as long as ours, so that an array of the one is an array of the other. (Where 64-bit numbers are
/// aligned to 4 bytes, as on x86 with 32 bits, it may be longer.)
macro_rules! same_size {
    ($ours:ty, $theirs:ty) => {
        const _: () = assert!(size_of::<$ours>() == size_of::<$theirs>() || align_of::<u64>() < 8);
        const _: () = assert!(size_of::<$ours>() <= size_of::<$theirs>());
        const _: () = assert!(align_of::<$ours>() <= align_of::<$theirs>());
    };
}

pub mod enrolment;
pub mod exchange;
pub mod io;
pub mod message;
pub mod platform;
pub mod session;
pub mod status;
pub mod version;

#[cfg(feature = "server")]
pub mod answers;
#[cfg(any(feature = "resume", feature = "group"))]
pub mod blob;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "coap")]
pub mod coap;
#[cfg(feature = "coap")]
pub mod context;
#[cfg(feature = "device")]
pub mod device;
#[cfg(feature = "server")]
pub mod directory;
#[cfg(all(feature = "group", feature = "server"))]
pub mod group;
#[cfg(feature = "group-delegate")]
pub mod group_delegate;
#[cfg(feature = "group")]
pub mod group_exchange;
#[cfg(feature = "group")]
pub mod group_member;
#[cfg(feature = "group")]
pub mod group_storage;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod slot;
#[cfg(feature = "resume")]
pub mod storage;

mod backend;
#[cfg(any(feature = "server", feature = "device"))]
mod calling;
#[cfg(test)]
mod drops;
mod handshake;
mod pointers;
