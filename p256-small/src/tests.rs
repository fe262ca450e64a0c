//! Against `p256`, and at the edges that it and the formulas have. The arithmetic by itself is compared with the firmware's, and
//! Project Wycheproof's vectors are in the crate `lscoap`, with its other back-ends.

mod agreement;
mod chain;
mod edges;
