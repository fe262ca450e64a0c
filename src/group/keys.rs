//! Keys (docs/group.md): of the owner and the members, of an epoch, and of each mode in it.

use super::form::Gid;
use crate::bytes::xor;
use crate::crypto::{Hash, KEY_LEN, NONCE_LEN, ORDER, Point, Prk, expand, extract};
use crate::error::Error;
use crate::session::expand_info;
use crate::wire::Cid;
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// The owner's secret key in a group.
#[cfg(feature = "server")]
pub(crate) fn owner_secret<H: Hash>(gos: &[u8; 32], group: u16, secret: &mut [u8; 32]) {
    scalar::<H>(gos, &[b"owner key", &group.to_be_bytes()], secret);
}

/// A member's secret key in an epoch, which the owner alone uses.
#[cfg(feature = "server")]
pub(crate) fn member_secret<H: Hash>(
    gos: &[u8; 32],
    group: u16,
    epoch: u32,
    device_id: &[u8],
    secret: &mut [u8; 32],
) {
    scalar::<H>(gos, &[b"member key", &group.to_be_bytes(), &epoch.to_be_bytes(), device_id], secret);
}

/// The secret key of the device that sends in the owner's place.
#[cfg(all(feature = "server", feature = "group-delegate"))]
pub(crate) fn delegate_secret<H: Hash>(
    gos: &[u8; 32],
    group: u16,
    epoch: u32,
    device_id: &[u8],
    secret: &mut [u8; 32],
) {
    scalar::<H>(gos, &[b"delegate key", &group.to_be_bytes(), &epoch.to_be_bytes(), device_id], secret);
}

/// A secret key from a secret: 40 bytes of HKDF-Expand, modulo n - 1, plus 1.
#[cfg(feature = "server")]
fn scalar<H: Hash>(key: &[u8; 32], info: &[&[u8]], secret: &mut [u8; 32]) {
    let mut wide = Zeroizing::new([0; 40]);
    expand::<H>(key, info, &mut *wide);
    reduce(&wide, secret);
}

/// A big-endian number modulo n - 1, plus 1, bit by bit and in constant time: an owner makes few keys.
#[cfg(feature = "server")]
pub(super) fn reduce(wide: &[u8; 40], secret: &mut [u8; 32]) {
    let mut modulus = ORDER;
    let [.., last] = &mut modulus;
    *last ^= 1; // n is odd
    let mut less = Zeroizing::new([0; 32]);
    secret.zeroize();
    for bit in wide.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        let carry = secret.iter_mut().rev().fold(bit, |carry, byte| {
            let high = *byte >> 7;
            *byte = *byte << 1 | carry;
            high
        });
        let mut borrow = 0_u16;
        for ((less, byte), modulus) in less.iter_mut().zip(secret.iter()).zip(&modulus).rev() {
            let difference = u16::from(*byte).wrapping_sub((*modulus).into()).wrapping_sub(borrow);
            borrow = difference >> 15;
            [_, *less] = difference.to_be_bytes();
        }
        let is_more = carry.ct_eq(&1) | borrow.ct_eq(&0);
        for (byte, less) in secret.iter_mut().zip(less.iter()) {
            byte.conditional_assign(less, is_more);
        }
    }
    secret.iter_mut().rev().fold(1, |carry, byte| {
        let sum = u16::from(*byte).wrapping_add(carry);
        [_, *byte] = sum.to_be_bytes();
        sum >> 8
    });
}

/// The PRK of Group OSCORE's contexts in an epoch, from the epoch's key.
pub(crate) fn group_prk<H: Hash>(ms: &[u8; 32], prk: &mut [u8; 32]) {
    let mut secret = Zeroizing::new([0; 16]);
    let mut salt = [0; 8];
    Prk::<H>::with(ms, |ms| {
        ms.expand(&[b"group secret"], &mut *secret);
        ms.expand(&[b"group salt"], &mut salt);
    });
    extract::<H>(&salt, &[&*secret], prk);
}

/// What a mode's requests in an epoch are sealed with: of a Group OSCORE context the Sender Key of the sender, the Signature Encryption
/// Key and the Common IV.
pub(crate) struct ModeKeys {
    pub key: [u8; KEY_LEN],
    pub signature_key: [u8; KEY_LEN],
    pub iv: [u8; NONCE_LEN],
}

wiped!(ModeKeys { key, signature_key, iv });

impl ModeKeys {
    /// Room for them.
    pub const EMPTY: Self = Self { key: [0; KEY_LEN], signature_key: [0; KEY_LEN], iv: [0; NONCE_LEN] };

    /// Those of a mode and an epoch, from the epoch's [`group_prk`].
    pub fn derive<H: Hash>(&mut self, prk: &Prk<H>, gid: Gid) {
        let gid = Some(gid.as_slice());
        expand_info(prk, &Cid::EMPTY, gid, b"Key", &mut self.key);
        expand_info(prk, &Cid::EMPTY, gid, b"SEKey", &mut self.signature_key);
        expand_info(prk, &Cid::EMPTY, gid, b"IV", &mut self.iv);
    }
}

/// The key of a member's answers: its Pairwise Sender Key. `ss` is what its and the owner's key agree on.
pub(crate) fn answer_key<H: Hash>(
    prk: &Prk<H>,
    gid: Gid,
    kid: u8,
    member: &Point,
    sender: &Point,
    ss: &[u8; 32],
    key: &mut [u8; KEY_LEN],
) -> Result<(), Error> {
    let kid = Cid::copy_of(&[kid], Error::Argument)?;
    let gid = Some(gid.as_slice());
    let mut salt = Zeroizing::new([0; KEY_LEN]);
    expand_info(prk, &kid, gid, b"Key", &mut *salt);
    let mut own = Zeroizing::new([0; 32]);
    let [head, x, between, y] = credential(member);
    let [_, sender_x, _, sender_y] = credential(sender);
    extract::<H>(&*salt, &[head, x, between, y, head, sender_x, between, sender_y, ss], &mut own);
    Prk::<H>::with(&own, |own| expand_info(own, &kid, gid, b"Key", key));
    Ok(())
}

/// The key of a slot's tags.
pub(crate) fn tag_key<H: Hash>(vs: &Prk<H>, kid: u8, key: &mut [u8; KEY_LEN]) {
    vs.expand(&[b"tag", &[kid]], key);
}

/// The length of [`credential`], in bytes.
pub(super) const CREDENTIAL_LEN: usize = 81;
/// What comes before the coordinates of a credential.
const CREDENTIAL_HEAD: [u8; 14] =
    [0xa1, 0x08, 0xa1, 0x01, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];

/// The parts of a CWT Claims Set (RFC 8392) that says nothing but a public key.
pub(super) fn credential(point: &Point) -> [&[u8]; 4] {
    [&CREDENTIAL_HEAD, &point.x, &[0x22, 0x58, 0x20], &point.y]
}

/// The nonce of a number, with which a request and its answers are sealed: the sender's id is empty.
pub(super) fn nonce(iv: &[u8; NONCE_LEN], number: u64) -> [u8; NONCE_LEN] {
    let mut padded = [0; NONCE_LEN];
    if let Some(place) = padded.last_chunk_mut() {
        *place = number.to_be_bytes();
    }
    xor(&mut padded, iv);
    padded
}
