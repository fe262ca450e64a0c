//! `lscoap-gateway`, the program.
#![forbid(unsafe_code)]

fn main() {}
