//! AES-CCM by `aes` and `ccm`.

use super::RustCrypto;
use crate::crypto::{Aead, KEY_LEN, NONCE_LEN};
use crate::error::Error;
use crate::limits::{AAD_MAX, TAG_LEN};
use aes::Aes128;
use ccm::aead::{AeadInOut, KeyInit, inout::InOutBuf};
use ccm::consts::{U8, U13};
use zeroize::Zeroize;

type Ccm = ccm::Ccm<Aes128, U8, U13>;

/// The Enc_structure of RFC 8613 around the caller's additional data.
const AAD_CAPACITY: usize = AAD_MAX + 64;

/// `ccm` takes the additional data in one piece.
fn join(parts: &[&[u8]]) -> Result<heapless::Vec<u8, AAD_CAPACITY>, Error> {
    let mut joined = heapless::Vec::new();
    for part in parts {
        joined.extend_from_slice(part).map_err(|_| Error::Argument)?;
    }
    Ok(joined)
}

impl Aead for RustCrypto {
    fn seal(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Error> {
        let aad = join(aad)?;
        let tag = Ccm::new(key.into())
            .encrypt_inout_detached(nonce.into(), &aad, InOutBuf::from(data))
            .map_err(|_| Error::Argument)?;
        Ok(tag.into())
    }

    fn open(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        let aad = join(aad)?;
        let opened = Ccm::new(key.into()).decrypt_inout_detached(
            nonce.into(),
            &aad,
            InOutBuf::from(&mut *data),
            tag.into(),
        );
        opened.map_err(|_| {
            data.zeroize();
            Error::Authentication
        })
    }
}
