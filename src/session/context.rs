//! Keys, nonces and additional data of RFC 8613 (sections 3.2.1, 5.2 and 5.4).

use super::Carrier;
use crate::crypto::{Hash, KEY_LEN, NONCE_LEN};
use crate::error::Error;
use crate::limits::AAD_MAX;
use crate::wire::object::PartialIv;
use zeroize::{Zeroize, ZeroizeOnDrop};

const CBOR_NULL: u8 = 0xf6;
const CBOR_BYTES: u8 = 0x40;
const CBOR_TEXT: u8 = 0x60;
const CBOR_ARRAY: u8 = 0x80;
/// AES-CCM-16-64-128 in the COSE registry.
const COSE_ALGORITHM: u8 = 10;
/// Between the header and the caller's data: what tells the payload carrier from RFC 8613 itself.
const PAYLOAD_CARRIER: u8 = 0xff;

/// A buffer for what comes before the caller's additional data: at most 36 bytes.
pub(super) type AadPrefix = heapless::Vec<u8, 48>;

/// The derived part of a security context.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Context {
    pub sender_key: [u8; KEY_LEN],
    pub recipient_key: [u8; KEY_LEN],
    pub common_iv: [u8; NONCE_LEN],
}

impl Context {
    /// Section 3.2.1.
    pub fn derive<H: Hash>(
        secret: &[u8],
        salt: &[u8],
        id_context: Option<&[u8]>,
        sender: &[u8],
        recipient: &[u8],
    ) -> Result<Self, Error> {
        let mut prk = H::extract(salt, &[secret]);
        let mut context =
            Self { sender_key: [0; KEY_LEN], recipient_key: [0; KEY_LEN], common_iv: [0; NONCE_LEN] };
        expand_info::<H>(&prk, sender, id_context, b"Key", &mut context.sender_key)?;
        expand_info::<H>(&prk, recipient, id_context, b"Key", &mut context.recipient_key)?;
        expand_info::<H>(&prk, &[], id_context, b"IV", &mut context.common_iv)?;
        prk.zeroize();
        Ok(context)
    }
}

/// HKDF-Expand with the CBOR `info` of section 3.2.1: `[id, id_context, alg_aead, type, L]`.
fn expand_info<H: Hash>(
    prk: &[u8; 32],
    id: &[u8],
    id_context: Option<&[u8]>,
    kind: &[u8],
    out: &mut [u8],
) -> Result<(), Error> {
    let id_head = [CBOR_ARRAY | 5, short_head(CBOR_BYTES, id)?];
    let (context_head, context) = match id_context {
        None => (CBOR_NULL, &[][..]),
        Some(context) => (short_head(CBOR_BYTES, context)?, context),
    };
    let tail = [COSE_ALGORITHM, short_head(CBOR_TEXT, kind)?];
    let len = [u8::try_from(out.len()).map_err(|_| Error::Argument)?]; // 13 and 16 are one byte of CBOR
    H::expand(prk, &[&id_head, id, &[context_head], context, &tail, kind, &len], out)
}

/// Section 5.2: the nonce of a sequence number and of the id of the end that made it.
pub(super) fn nonce(
    common_iv: &[u8; NONCE_LEN],
    id: &[u8],
    piv: &PartialIv,
) -> Result<[u8; NONCE_LEN], Error> {
    const ID_LEN: usize = NONCE_LEN - 6;
    let mut padded_id = [0; ID_LEN];
    let start = ID_LEN.checked_sub(id.len()).ok_or(Error::Argument)?;
    padded_id.get_mut(start..).ok_or(Error::Argument)?.copy_from_slice(id);
    let size = [u8::try_from(id.len()).map_err(|_| Error::Argument)?];
    let mut nonce = *common_iv;
    let plain = size.iter().chain(&padded_id).chain(piv.padded().as_slice()).copied().collect::<Nonce>();
    for (byte, plain) in nonce.iter_mut().zip(plain) {
        *byte ^= plain;
    }
    Ok(nonce)
}

type Nonce = heapless::Vec<u8, NONCE_LEN>;

/// Section 5.4: everything of the Enc_structure up to the caller's additional data, which follows it.
pub(super) fn aad_prefix(kid: &[u8], piv: &PartialIv, carrier: Carrier<'_>) -> Result<AadPrefix, Error> {
    let piv = piv.as_slice();
    let options_len = match carrier {
        Carrier::Message => 0,
        Carrier::Payload(aad) if aad.len() <= AAD_MAX => aad.len().saturating_add(1),
        Carrier::Payload(_) => return Err(Error::Argument),
    };
    let mut array = AadPrefix::new();
    let mut put = |bytes: &[u8]| array.extend_from_slice(bytes).map_err(|_| Error::Argument);
    put(&[CBOR_ARRAY | 5, 1, CBOR_ARRAY | 1, COSE_ALGORITHM])?;
    put(&[short_head(CBOR_BYTES, kid)?])?;
    put(kid)?;
    put(&[short_head(CBOR_BYTES, piv)?])?;
    put(piv)?;
    put(&bytes_head(options_len)?)?;
    if matches!(carrier, Carrier::Payload(_)) {
        put(&[PAYLOAD_CARRIER])?;
    }

    let aad_len = caller_data(carrier).len();
    let mut prefix = AadPrefix::new();
    for part in
        [&b"\x83\x68Encrypt0\x40"[..], &bytes_head(array.len().saturating_add(aad_len))?, array.as_slice()]
    {
        prefix.extend_from_slice(part).map_err(|_| Error::Argument)?;
    }
    Ok(prefix)
}

/// What follows [`aad_prefix`].
pub(super) fn caller_data(carrier: Carrier<'_>) -> &[u8] {
    match carrier {
        Carrier::Message => &[],
        Carrier::Payload(aad) => aad,
    }
}

/// A CBOR head for a string of at most 23 bytes.
fn short_head(major: u8, string: &[u8]) -> Result<u8, Error> {
    match u8::try_from(string.len()) {
        Ok(len @ 0..=23) => Ok(major | len),
        _ => Err(Error::Argument),
    }
}

/// A CBOR head for a byte string of up to 65,535 bytes, in its shortest form.
fn bytes_head(len: usize) -> Result<heapless::Vec<u8, 3>, Error> {
    let len = u16::try_from(len).map_err(|_| Error::Argument)?;
    let [high, low] = len.to_be_bytes();
    let head: &[u8] = match len {
        0..=23 => &[CBOR_BYTES | low],
        24..=255 => &[CBOR_BYTES | 24, low],
        _ => &[CBOR_BYTES | 25, high, low],
    };
    heapless::Vec::from_slice(head).map_err(|_| Error::Argument)
}
