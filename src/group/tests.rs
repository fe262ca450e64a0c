//! The worked examples of `tests/group-vectors.json`, and what is hostile.

mod keys;
mod objects;
