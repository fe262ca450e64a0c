//! The `lscoap` command-line program.
fn main() {}
