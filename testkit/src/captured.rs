//! A member of a group that somebody has taken apart: with every key that it has, it makes requests to the others (docs/group.md).
//! Written from the document with other people's primitives; nothing of the library's groups is in it.

use std::net::SocketAddr;

use aes::Aes128;
use ccm::aead::{AeadInOut, KeyInit};
use ccm::consts::{U8, U13};
use ccm::{Ccm, Nonce};
use hkdf::Hkdf;
use hmac::Mac;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};

use crate::coap::{Message, NON, OSCORE, POST, PUT};
use crate::fire::device::{Device, Failure};
use crate::testing::random;

const JOIN: u8 = 0x21;
const ASK: u8 = 0x20;
const SIGNED: u8 = 1;
const TAGGED: u8 = 2;
const ANSWERS: u8 = 8;
const SIGNATURE_LEN: usize = 64;
const TAG_LEN: usize = 4;

/// How a forged request claims to be the owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// A signature of the captured device's own.
    Signature,
    /// Its own tag, which it can make, in every slot.
    Tags,
}

/// What a JOIN tells a member.
#[derive(Debug, Default)]
pub struct Loot {
    flags: u8,
    group: u16,
    epoch: u32,
    floor: u64,
    key: Vec<u8>,
    owner: Vec<u8>,
    slots: u8,
    tag_key: Vec<u8>,
    address: Vec<u8>,
    port: u16,
}

/// The next bytes of a message.
fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], Failure> {
    let (taken, after) = rest.split_at_checked(len).ok_or(Failure::BadAnswer)?;
    *rest = after;
    Ok(taken)
}

/// The same as a number.
fn number(rest: &mut &[u8], len: usize) -> Result<u64, Failure> {
    Ok(take(rest, len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

impl Loot {
    /// Joins as the device that was captured.
    pub fn take(device: &mut Device) -> Result<Self, Failure> {
        device.connect()?;
        let answer = device.ask_about_group(&[ASK, 0, 0, 0, 0, 0, 0, 0])?;
        Self::read(&answer)
    }

    /// Of a JOIN.
    fn read(join: &[u8]) -> Result<Self, Failure> {
        let rest = &mut &join[..];
        if number(rest, 1)? != u64::from(JOIN) {
            return Err(Failure::BadAnswer);
        }
        let mut loot = Self { flags: number(rest, 1)? as u8, ..Self::default() };
        loot.group = number(rest, 2)? as u16;
        loot.epoch = number(rest, 4)? as u32;
        loot.floor = number(rest, 5)?;
        loot.key = take(rest, 32)?.to_vec();
        loot.owner = take(rest, 33)?.to_vec();
        if loot.flags & TAGGED != 0 {
            loot.slots = number(rest, 1)? as u8;
        }
        if loot.flags & (TAGGED | ANSWERS) != 0 {
            take(rest, 1)?;
        }
        if loot.flags & ANSWERS != 0 {
            take(rest, 33 + 32)?;
        }
        if loot.flags & TAGGED != 0 {
            loot.tag_key = take(rest, 16)?.to_vec();
        }
        let len = number(rest, 1)? as usize;
        loot.address = take(rest, len)?.to_vec();
        if len > 0 {
            loot.port = number(rest, 2)? as u16;
        }
        Ok(loot)
    }

    /// Where the group listens.
    pub fn address(&self) -> Option<SocketAddr> {
        let ip = match self.address.len() {
            4 => <[u8; 4]>::try_from(&self.address[..]).ok()?.into(),
            _ => <[u8; 16]>::try_from(&self.address[..]).ok()?.into(),
        };
        Some(SocketAddr::new(ip, self.port))
    }

    /// What this group's requests can be forged as.
    pub fn forgeries(&self) -> Vec<Forgery> {
        let modes = [(SIGNED, Forgery::Signature), (TAGGED, Forgery::Tags)];
        modes.iter().filter(|(flag, _)| self.flags & flag != 0).map(|(_, forgery)| *forgery).collect()
    }

    /// The datagram of a PUT to `path`, with a number so far ahead of the genuine ones.
    pub fn forge(&self, forgery: Forgery, ahead: u64, path: &str, payload: &[u8]) -> Vec<u8> {
        let (mode, alg): (u8, &[u8]) = match forgery {
            Forgery::Signature => (SIGNED, &[0x26]),
            Forgery::Tags => (TAGGED, &[0x3a, 0, 1, 0, 0]),
        };
        let gid = [&self.group.to_be_bytes()[..], &[mode * 64 + (self.epoch % 64) as u8]].concat();
        let number = (self.floor + ahead).to_be_bytes();
        let piv = &number[number.iter().position(|byte| *byte != 0).unwrap_or(7)..];
        let option = [&[0x38 + piv.len() as u8], piv, &[3], &gid].concat();

        let group = Hkdf::<Sha256>::from_prk(&self.key).expect("32 bytes");
        let (mut secret, mut salt) = ([0; 16], [0; 8]);
        expand(&group, b"group secret", &mut secret);
        expand(&group, b"group salt", &mut salt);
        let master = Hkdf::<Sha256>::new(Some(&salt), &secret);
        let (mut key, mut signature_key, mut iv) = ([0; 16], [0; 16], [0; 13]);
        let info = |name: &[u8], len: u8| {
            [&[0x85, 0x40, 0x43], &gid[..], &[0x0a, 0x60 + name.len() as u8], name, &[len]].concat()
        };
        expand(&master, &info(b"Key", 16), &mut key);
        expand(&master, &info(b"SEKey", 16), &mut signature_key);
        expand(&master, &info(b"IV", 13), &mut iv);

        let credential = credential(&self.owner);
        let external = [
            &[0x89, 0x01, 0x84, 0x0a, 0x0a],
            alg,
            &[0x38, 0x1a, 0x40],
            &string(piv),
            &string(&[]),
            &string(&gid),
            &string(&option),
            &string(&credential),
            &string(&credential),
        ]
        .concat();
        let mut nonce = iv;
        for (byte, number) in nonce[8..].iter_mut().zip(&number[3..]) {
            *byte ^= number;
        }
        let mut sealed = vec![PUT];
        for (at, segment) in path.split('/').enumerate() {
            sealed.push(if at == 0 { 0xb0 } else { 0 } | segment.len() as u8);
            sealed.extend(segment.as_bytes());
        }
        sealed.push(0xff);
        sealed.extend(payload);
        let aad = [&[0x83, 0x68][..], b"Encrypt0", &[0x40], &string(&external)].concat();
        let cipher = Ccm::<Aes128, U8, U13>::new(&key.into());
        let tag = cipher
            .encrypt_inout_detached(&Nonce::from(nonce), &aad, sealed.as_mut_slice().into())
            .expect("a short text");
        sealed.extend(tag);

        let signed =
            [&[0x85, 0x71][..], b"CounterSignature0", &[0x40, 0x40], &string(&external), &string(&sealed)]
                .concat();
        let mut proof = match forgery {
            Forgery::Signature => {
                let own = SigningKey::from_slice(&[7; 32]).expect("a scalar");
                let signature: Signature = own.sign(&signed);
                signature.to_bytes().to_vec()
            }
            Forgery::Tags => {
                let mut tag =
                    <hmac::Hmac<Sha256> as KeyInit>::new_from_slice(&self.tag_key).expect("any length");
                tag.update(&Sha256::digest(&signed));
                tag.finalize().into_bytes()[..TAG_LEN].repeat(self.slots.into())
            }
        };
        let len = proof.len();
        let uint = if len < 24 { vec![len as u8] } else { vec![0x18, len as u8] };
        let mut stream = vec![0; len];
        let keys = Hkdf::<Sha256>::new(Some(piv), &signature_key);
        expand(&keys, &[&[0x84, 0x40, 0x43], &gid[..], &[0xf5], &uint].concat(), &mut stream);
        for (byte, key) in proof.iter_mut().zip(stream) {
            *byte ^= key;
        }
        debug_assert!(forgery == Forgery::Tags || len == SIGNATURE_LEN);
        Message {
            kind: NON,
            code: POST,
            id: random() as u16,
            token: random().to_be_bytes().to_vec(),
            options: vec![(OSCORE, option)],
            payload: [sealed, proof].concat(),
        }
        .bytes()
    }
}

/// HKDF-Expand.
fn expand(key: &Hkdf<Sha256>, info: &[u8], out: &mut [u8]) {
    key.expand(info, out).expect("a short output");
}

/// A byte string of CBOR.
fn string(bytes: &[u8]) -> Vec<u8> {
    let head = match bytes.len() {
        len @ 0..24 => vec![0x40 | len as u8],
        len @ 24..256 => vec![0x58, len as u8],
        len => vec![0x59, (len >> 8) as u8, len as u8],
    };
    [&head, bytes].concat()
}

/// A CWT Claims Set with a compressed point's coordinates.
fn credential(point: &[u8]) -> Vec<u8> {
    let point = p256::PublicKey::from_sec1_bytes(point).expect("a point").to_sec1_point(false);
    let coordinate = |bytes: Option<&p256::FieldBytes>| bytes.expect("not compressed").to_vec();
    [
        &[0xa1, 0x08, 0xa1, 0x01, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20][..],
        &coordinate(point.x()),
        &[0x22, 0x58, 0x20],
        &coordinate(point.y()),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it forges opens with the group's key, or its failure to command would prove nothing: the vectors' request, made here.
    #[test]
    fn the_groups_key_is_used_as_the_owner_does() {
        let text = include_str!("../../tests/group-vectors.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let bytes = |value: &serde_json::Value| -> Vec<u8> {
            let text = value.as_str().unwrap();
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let loot = Loot::read(&bytes(&vectors["members"][0]["join"])).unwrap();
        assert_eq!(loot.forgeries(), [Forgery::Signature, Forgery::Tags]);
        assert_eq!(credential(&loot.owner), bytes(&vectors["create"]["cred_owner"]));
        let forged = Message::parse(&loot.forge(Forgery::Tags, 1, "light", b"on")).unwrap();
        assert_eq!(forged.payload.len(), 10 + 8 + TAG_LEN * usize::from(loot.slots));
    }
}
