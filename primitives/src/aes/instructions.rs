//! AES-CCM by the processor's instructions for AES: key schedule, CBC-MAC and key stream stay in its registers, and
//! the two are computed side by side, so that it takes the time of the CBC-MAC alone.
#![allow(unsafe_code)] // a call of what not every processor can

use core::arch::x86_64::{
    __m128i, _mm_aesenc_si128, _mm_aesenclast_si128, _mm_aeskeygenassist_si128, _mm_cvtsi128_si64,
    _mm_insert_epi16, _mm_set_epi64x, _mm_setzero_si128, _mm_shuffle_epi32, _mm_slli_si128,
    _mm_unpackhi_epi64, _mm_xor_si128,
};

cpufeatures::new!(instructions, "aes");

/// How many words below the frame of [`ccm`]'s caller may have secrets in them afterwards: what the compiler spills, and
/// the last block, which is not full.
pub const LEFT_ON_STACK_BY_CCM: usize = 64;

/// AES-CCM with a length of two bytes and a tag of eight (RFC 3610 with L = 2 and M = 8).
pub struct Ccm<'a> {
    /// The key.
    pub key: &'a [u8; 16],
    /// The nonce.
    pub nonce: &'a [u8; 13],
    /// The additional data, in parts: at most 65,279 bytes.
    pub aad: &'a [&'a [u8]],
    /// Encrypts; else decrypts.
    pub seals: bool,
}

/// Encrypts or decrypts `data`, at most 65,535 bytes, in place, and writes the tag in either case. False where the processor
/// does not have the instructions: nothing has been done.
#[inline(never)]
pub fn ccm(ccm: &Ccm<'_>, data: &mut [u8], tag: &mut [u8; 8]) -> bool {
    if !instructions::get() {
        return false;
    }
    // SAFETY: the processor has been asked.
    unsafe { compute(ccm, data, tag) };
    true
}

type Keys = [__m128i; 11];

#[inline]
fn load(block: &[u8; 16]) -> __m128i {
    let block = u128::from_le_bytes(*block);
    // SAFETY: every x86-64 has these.
    unsafe { _mm_set_epi64x((block >> 64) as i64, block as i64) }
}

#[inline]
fn store(value: __m128i) -> [u8; 16] {
    // SAFETY: every x86-64 has these.
    let [low, high] =
        unsafe { [_mm_cvtsi128_si64(value), _mm_cvtsi128_si64(_mm_unpackhi_epi64(value, value))] };
    (u128::from(high as u64) << 64 | u128::from(low as u64)).to_le_bytes()
}

/// Bytes with zeroes behind them.
#[inline]
fn padded(bytes: &[u8]) -> [u8; 16] {
    let mut block = [0; 16];
    block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    block
}

/// FIPS 197 section 5.2.
#[inline]
#[target_feature(enable = "aes")]
fn next_key<const CONSTANT: i32>(key: __m128i) -> __m128i {
    let word = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<CONSTANT>(key));
    let key = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
    let key = _mm_xor_si128(key, _mm_slli_si128::<8>(key));
    _mm_xor_si128(key, word)
}

#[inline]
#[target_feature(enable = "aes")]
fn schedule(key: &[u8; 16]) -> Keys {
    let mut keys = [load(key); 11];
    keys[1] = next_key::<0x01>(keys[0]);
    keys[2] = next_key::<0x02>(keys[1]);
    keys[3] = next_key::<0x04>(keys[2]);
    keys[4] = next_key::<0x08>(keys[3]);
    keys[5] = next_key::<0x10>(keys[4]);
    keys[6] = next_key::<0x20>(keys[5]);
    keys[7] = next_key::<0x40>(keys[6]);
    keys[8] = next_key::<0x80>(keys[7]);
    keys[9] = next_key::<0x1b>(keys[8]);
    keys[10] = next_key::<0x36>(keys[9]);
    keys
}

#[inline]
#[target_feature(enable = "aes")]
fn encrypted(keys: &Keys, block: __m128i) -> __m128i {
    let [first, middle @ .., last] = keys;
    let block = middle.iter().fold(_mm_xor_si128(block, *first), |block, key| _mm_aesenc_si128(block, *key));
    _mm_aesenclast_si128(block, *last)
}

/// Two blocks, whose rounds run at the same time.
#[inline]
#[target_feature(enable = "aes")]
fn both(keys: &Keys, one: __m128i, other: __m128i) -> (__m128i, __m128i) {
    let [first, middle @ .., last] = keys;
    let (mut one, mut other) = (_mm_xor_si128(one, *first), _mm_xor_si128(other, *first));
    for key in middle {
        (one, other) = (_mm_aesenc_si128(one, *key), _mm_aesenc_si128(other, *key));
    }
    (_mm_aesenclast_si128(one, *last), _mm_aesenclast_si128(other, *last))
}

/// The counter block of a number.
#[inline]
fn numbered(counter: __m128i, number: u16) -> __m128i {
    // SAFETY: every x86-64 has this.
    unsafe { _mm_insert_epi16::<7>(counter, i32::from(number.to_be())) }
}

#[target_feature(enable = "aes")]
fn compute(ccm: &Ccm<'_>, data: &mut [u8], tag: &mut [u8; 8]) {
    let keys = &schedule(ccm.key);
    let aad_len: usize = ccm.aad.iter().map(|part| part.len()).sum();
    let mut block = [0; 16];
    block[1..14].copy_from_slice(ccm.nonce);
    // L' = 2 - 1.
    block[0] = 0x01;
    let counter = load(&block);
    // B_0, with the flags Adata, M' = (8 - 2) / 2 and L'.
    block[0] = if aad_len == 0 { 0x19 } else { 0x59 };
    let first = numbered(load(&block), data.len() as u16);
    let (mut mac, last_stream) = both(keys, first, numbered(counter, 0));
    if aad_len > 0 {
        mac = with_aad(keys, mac, aad_len, ccm.aad);
    }
    // The key stream runs one block ahead.
    let mut number = 1;
    let mut stream =
        if data.is_empty() { _mm_setzero_si128() } else { encrypted(keys, numbered(counter, 1)) };
    let (blocks, rest) = data.as_chunks_mut();
    for block in blocks {
        let given = load(block);
        let computed = _mm_xor_si128(given, stream);
        *block = store(computed);
        number = u16::wrapping_add(number, 1);
        let plain = if ccm.seals { given } else { computed };
        (mac, stream) = both(keys, _mm_xor_si128(mac, plain), numbered(counter, number));
    }
    if !rest.is_empty() {
        let given = padded(rest);
        let computed = store(_mm_xor_si128(load(&given), stream));
        rest.copy_from_slice(&computed[..rest.len()]);
        let plain = if ccm.seals { given } else { padded(rest) };
        mac = encrypted(keys, _mm_xor_si128(mac, load(&plain)));
    }
    *tag = _mm_cvtsi128_si64(_mm_xor_si128(mac, last_stream)).to_le_bytes();
}

/// The CBC-MAC after the additional data, which its length stands before.
#[inline]
#[target_feature(enable = "aes")]
fn with_aad(keys: &Keys, mut mac: __m128i, len: usize, parts: &[&[u8]]) -> __m128i {
    let mut block = [0; 16];
    let [high, low] = (len as u16).to_be_bytes();
    (block[0], block[1]) = (high, low);
    let mut taken = 2;
    for part in parts {
        let mut part = *part;
        while !part.is_empty() {
            if taken == 16 {
                mac = encrypted(keys, _mm_xor_si128(mac, load(&block)));
                (block, taken) = ([0; 16], 0);
            }
            let (head, rest) = part.split_at(part.len().min(16 - taken));
            block[taken..taken + head.len()].copy_from_slice(head);
            taken += head.len();
            part = rest;
        }
    }
    encrypted(keys, _mm_xor_si128(mac, load(&block)))
}
