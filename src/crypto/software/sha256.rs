//! SHA-256 by `sha2`.

use super::Software;
use crate::crypto::Hash;
use sha2::digest::{FixedOutputReset, Update};
use sha2::{Digest, Sha256};

impl Hash for Software {
    type State = Sha256;

    fn begin() -> Sha256 {
        Digest::new()
    }

    fn update(state: &mut Sha256, bytes: &[u8]) {
        Update::update(state, bytes);
    }

    fn finish(state: &mut Sha256, digest: &mut [u8; 32]) {
        FixedOutputReset::finalize_into_reset(state, digest.into());
    }
}
