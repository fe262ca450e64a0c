//! The `lscoap` program, run as a person or a script runs it.

mod c_header;
mod devices;
mod docs;
mod enroll;
mod group;
mod inspect;
mod keygen;
mod support;
mod usage;
