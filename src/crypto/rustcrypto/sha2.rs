//! SHA-256 and HKDF by `sha2` and `hkdf`.

use super::RustCrypto;
use crate::crypto::Hash;
use crate::error::Error;
use hkdf::{Hkdf, HkdfExtract};
use sha2::{Digest, Sha256};

impl Hash for RustCrypto {
    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn extract(salt: &[u8], ikm: &[&[u8]]) -> [u8; 32] {
        let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
        for part in ikm {
            extract.input_ikm(part);
        }
        extract.finalize().0.into()
    }

    fn expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
        let hkdf = Hkdf::<Sha256>::from_prk(prk).map_err(|_| Error::Argument)?;
        hkdf.expand_multi_info(info, out).map_err(|_| Error::Argument)
    }
}
