//! Keys, nonces and additional data of RFC 8613 (sections 3.2.1, 5.2 and 5.4).

use super::Carrier;
use crate::bytes::copy;
use crate::crypto::{Hash, KEY_LEN, NONCE_LEN, Prk, extract};
use crate::error::Error;
use crate::limits::AAD_MAX;
use crate::wire::Cid;
use crate::wire::object::PartialIv;
use zeroize::Zeroizing;

const CBOR_NULL: u8 = 0xf6;
const CBOR_BYTES: u8 = 0x40;
const CBOR_TEXT: u8 = 0x60;
const CBOR_ARRAY: u8 = 0x80;
/// AES-CCM-16-64-128 in the COSE registry.
const COSE_ALGORITHM: u8 = 10;
/// Between the header and the caller's data: what tells the payload carrier from RFC 8613 itself.
pub(crate) const PAYLOAD_CARRIER: u8 = 0xff;

/// A buffer for what comes before the caller's additional data: at most 36 bytes.
pub(crate) type AadPrefix = heapless::Vec<u8, 48>;

/// The derived part of a security context.
pub(super) struct Context {
    pub sender_key: [u8; KEY_LEN],
    pub recipient_key: [u8; KEY_LEN],
    pub common_iv: [u8; NONCE_LEN],
}

wiped!(Context { sender_key, recipient_key, common_iv });

impl Context {
    /// Room for one.
    pub const EMPTY: Self =
        Self { sender_key: [0; KEY_LEN], recipient_key: [0; KEY_LEN], common_iv: [0; NONCE_LEN] };

    /// Section 3.2.1.
    pub fn derive<H: Hash>(
        &mut self,
        secret: &[u8],
        salt: &[u8],
        id_context: Option<&[u8]>,
        sender: &Cid,
        recipient: &Cid,
    ) {
        let mut prk = Zeroizing::new([0; 32]);
        extract::<H>(salt, &[secret], &mut prk);
        Prk::<H>::with(&prk, |prk| {
            expand_info(prk, sender, id_context, b"Key", &mut self.sender_key);
            expand_info(prk, recipient, id_context, b"Key", &mut self.recipient_key);
            expand_info(prk, &Cid::EMPTY, id_context, b"IV", &mut self.common_iv);
        });
    }
}

/// HKDF-Expand with the CBOR `info` of section 3.2.1: `[id, id_context, alg_aead, type, L]`. All its strings are
/// shorter than 24 bytes, which makes their heads and `L` one byte each.
pub(crate) fn expand_info<H: Hash>(
    prk: &Prk<H>,
    id: &Cid,
    id_context: Option<&[u8]>,
    info_type: &[u8],
    out: &mut [u8],
) {
    let id_head = [CBOR_ARRAY | 5, short_head(CBOR_BYTES, id)];
    let (context_head, context) = match id_context {
        None => (CBOR_NULL, &[][..]),
        Some(context) => (short_head(CBOR_BYTES, context), context),
    };
    let tail = [COSE_ALGORITHM, short_head(CBOR_TEXT, info_type)];
    let len = [short_head(0, out)];
    prk.expand(&[&id_head, id, &[context_head], context, &tail, info_type, &len], out);
}

/// Section 5.2: the nonce of a sequence number and of the id of the end that made it.
pub(super) fn nonce(common_iv: &[u8; NONCE_LEN], id: &Cid, number: u64) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    // Both fields end where their padding ends: a number, of which five bytes count, at the last, an id before those.
    if let Some(last) = nonce.last_chunk_mut() {
        *last = number.to_be_bytes();
    }
    copy(nonce.get_mut(ID_END.wrapping_sub(id.len())..ID_END).unwrap_or_default(), id);
    nonce[0] = short_head(0, id);
    nonce.iter_mut().zip(common_iv).for_each(|(byte, iv)| *byte ^= iv);
    nonce
}

/// Where the id in a nonce ends: before the five bytes of a number.
const ID_END: usize = NONCE_LEN - 5;

/// Section 5.4: writes everything of the Enc_structure up to the caller's additional data, which follows it.
pub(super) fn aad_prefix(
    kid: &Cid,
    number: u64,
    carrier: Carrier<'_>,
    prefix: &mut AadPrefix,
) -> Result<(), Error> {
    let piv = PartialIv::of(number);
    let piv = piv.as_slice();
    let data = caller_data(carrier).len();
    if data > AAD_MAX {
        return Err(Error::Argument);
    }
    let options = match carrier {
        Carrier::Oscore => 0,
        Carrier::Payload(_) => data.saturating_add(1),
    };
    let heads = bytes_head_len(options).wrapping_add(6);
    let array = heads.wrapping_add(kid.len()).wrapping_add(piv.len()).wrapping_add(options);
    put(prefix, b"\x83\x68Encrypt0\x40");
    put_bytes_head(prefix, array);
    put(prefix, &[CBOR_ARRAY | 5, 1, CBOR_ARRAY | 1, COSE_ALGORITHM, short_head(CBOR_BYTES, kid)]);
    put(prefix, kid);
    put(prefix, &[short_head(CBOR_BYTES, piv)]);
    put(prefix, piv);
    put_bytes_head(prefix, options);
    if options != 0 {
        put(prefix, &[PAYLOAD_CARRIER]);
    }
    Ok(())
}

/// What follows [`aad_prefix`].
pub(crate) fn caller_data(carrier: Carrier<'_>) -> &[u8] {
    match carrier {
        Carrier::Oscore => &[],
        Carrier::Payload(aad) => aad,
    }
}

fn put(prefix: &mut AadPrefix, bytes: &[u8]) {
    let result = prefix.extend_from_slice(bytes);
    debug_assert!(result.is_ok(), "longer than any prefix");
}

/// A CBOR head for a string of at most 23 bytes.
fn short_head(major: u8, string: &[u8]) -> u8 {
    debug_assert!(string.len() < 24, "its head has more bytes");
    major | u8::try_from(string.len()).unwrap_or(0)
}

/// How long [`put_bytes_head`]'s head is.
fn bytes_head_len(len: usize) -> usize {
    match len {
        0..=23 => 1,
        24..=255 => 2,
        _ => 3,
    }
}

/// A CBOR head for a byte string of up to 65,535 bytes, in its shortest form.
pub(crate) fn put_bytes_head(prefix: &mut AadPrefix, len: usize) {
    let [.., high, low] = len.to_be_bytes();
    match len {
        0..=23 => put(prefix, &[CBOR_BYTES | low]),
        24..=255 => put(prefix, &[CBOR_BYTES | 24, low]),
        _ => put(prefix, &[CBOR_BYTES | 25, high, low]),
    }
}
