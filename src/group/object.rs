//! Sealing and opening requests (docs/group.md, "A request"): under the group's key, then proved by the sender.

use super::form::{GID_LEN, Gid, Header, REQUEST_FLAGS, REQUEST_HEADER_MAX, RequestForm, answer_header};
use super::keys::{CREDENTIAL_LEN, ModeKeys, credential, nonce, tag_key};
use super::{GROUP_AAD_MAX, Mode};
use crate::bytes::{copy, xor};
use crate::crypto::{Backend, Hash, KEY_LEN, Point, Prk, ccm, expand, extract};
use crate::error::Error;
use crate::limits::{SIGNATURE_LEN, TAG_LEN};
use crate::session::{AadPrefix, Carrier, PAYLOAD_CARRIER, caller_data, put_bytes_head};
use crate::wire::object::{PartialIv, check_sequence};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The length of a member's tag.
const OWN_TAG_LEN: usize = 4;
/// The longest proof of a sender.
pub const PROOF_MAX: usize = 64;
const _: () = assert!(PROOF_MAX == SIGNATURE_LEN && PROOF_MAX == OWN_TAG_LEN * super::SLOTS_MAX as usize);

/// The longest ciphertext: what CCM takes, with its tag.
const BODY_MAX: usize = 0xffff;

/// How long the sender's proof is, in a group of so many slots.
pub(crate) fn proof_len(mode: Mode, slots: u8) -> usize {
    match mode {
        Mode::Signed => SIGNATURE_LEN,
        Mode::Tagged => OWN_TAG_LEN.saturating_mul(slots.into()).min(PROOF_MAX),
    }
}

/// Whose requests a group has.
#[derive(Clone, Copy)]
pub(crate) struct Parties<'a> {
    /// The public key of the sender.
    pub sender: &'a Point,
    /// The public key of the owner, which is the sender but for a delegate.
    pub owner: &'a Point,
}

/// What a receiver checks of the sender's proof.
pub(crate) enum Proof<'a> {
    /// The signature.
    Signature,
    /// Its own tag.
    Tag { kid: u8, key: &'a [u8; KEY_LEN] },
}

/// What the sender proves with that it is it.
pub(crate) enum Signer<'a> {
    /// Its secret key.
    Secret(&'a [u8; 32]),
    /// The secret of which the slots' keys come.
    Tags(&'a [u8; 32]),
}

/// What the AEAD and the proof cover: the external_aad of Group OSCORE.
pub(super) struct Ext {
    bytes: [u8; EXT_MAX],
    len: usize,
}

/// Algorithms, a Partial IV, `options`, Gid, `option`, and two credentials as byte strings.
const EXT_MAX: usize =
    13 + 6 + (2 + 1 + GROUP_AAD_MAX) + 4 + (1 + REQUEST_HEADER_MAX) + 2 * (2 + CREDENTIAL_LEN);

impl Ext {
    /// Room for one.
    pub const EMPTY: Self = Self { bytes: [0; EXT_MAX], len: 0 };

    /// Of a request, or of the answer of a kid. `credentials` are of who made it, and of the owner's. [`Error::Argument`]: too much
    /// additional data.
    pub fn build(
        &mut self,
        form: &RequestForm,
        carrier: Carrier<'_>,
        answer: Option<u8>,
        credentials: [&Point; 2],
    ) -> Result<(), Error> {
        let piv = PartialIv::of(form.number);
        let aad = caller_data(carrier);
        if aad.len() > GROUP_AAD_MAX {
            return Err(Error::Argument);
        }
        // Version 1; AES-CCM-16-64-128 twice; ES256, or -65537, which is for private use; ECDH-SS + HKDF-256; no pairwise context.
        self.put(match form.gid.mode() {
            Some(Mode::Tagged) => {
                &[0x89, 1, 0x84, 0x0a, 0x0a, 0x3a, 0x00, 0x01, 0x00, 0x00, 0x38, 0x1a, 0x40]
            }
            _ => &[0x89, 1, 0x84, 0x0a, 0x0a, 0x26, 0x38, 0x1a, 0x40],
        });
        self.put_string(&[piv.as_slice()]);
        match carrier {
            Carrier::Oscore => self.put_string(&[]),
            Carrier::Payload(aad) => self.put_string(&[&[PAYLOAD_CARRIER], aad]),
        }
        let gid = form.gid.as_slice();
        self.put_string(&[gid]);
        match answer {
            Some(kid) => self.put_string(&[&answer_header(kid)]),
            None => self.put_string(&[&[REQUEST_FLAGS | piv.byte_len()], piv.as_slice(), &[GID_LEN], gid]),
        }
        credentials.iter().for_each(|point| self.put_string(&credential(point)));
        Ok(())
    }

    #[inline(never)]
    fn put(&mut self, bytes: &[u8]) {
        copy(self.bytes.get_mut(self.len..).unwrap_or_default(), bytes);
        self.len = self.len.saturating_add(bytes.len());
    }

    /// A CBOR byte string, of parts.
    #[inline(never)]
    fn put_string(&mut self, parts: &[&[u8]]) {
        self.put(&bytes_head(parts.iter().fold(0, |sum, part| sum.saturating_add(part.len()))));
        parts.iter().for_each(|part| self.put(part));
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// Has `work` done with the additional data of the AEAD (RFC 9052 section 5.3).
    pub fn with_aad<R>(&self, work: impl FnOnce(&[&[u8]]) -> R) -> R {
        work(&[b"\x83\x68Encrypt0\x40", &bytes_head(self.len), self.as_slice()])
    }

    /// Begins the hash of what the proof covers: what comes before a ciphertext, with its tag, of so many bytes.
    fn begin_digest<H: Hash>(&self, ciphertext_len: usize, state: &mut H::State) {
        H::update(state, b"\x85\x71CounterSignature0\x40\x40");
        H::update(state, &bytes_head(self.len));
        H::update(state, self.as_slice());
        H::update(state, &bytes_head(ciphertext_len));
    }
}

/// The head of a CBOR byte string.
fn bytes_head(len: usize) -> AadPrefix {
    let mut head = AadPrefix::new();
    put_bytes_head(&mut head, len);
    head
}

/// Encrypts or decrypts the sender's proof.
#[inline(never)] // beside the check of it there is no room on the stack
fn hide<H: Hash>(keys: &ModeKeys, form: &RequestForm, proof: &mut [u8]) {
    let piv = PartialIv::of(form.number);
    let mut prk = Zeroizing::new([0; 32]);
    extract::<H>(piv.as_slice(), &[&keys.signature_key], &mut prk);
    let len = u8::try_from(proof.len()).unwrap_or(0);
    let length: &[u8] = if len < 24 { &[len] } else { &[0x18, len] };
    let mut stream = Zeroizing::new([0; PROOF_MAX]);
    let stream = stream.get_mut(..proof.len()).unwrap_or_default();
    // `true`: the key stream is a request's.
    expand::<H>(&prk, &[&[0x84, 0x40, 0x43], form.gid.as_slice(), &[0xf5], length], stream);
    xor(proof, stream);
}

/// The place of a slot's tag among them all.
fn own_tag(tags: &mut [u8], kid: u8) -> Option<&mut [u8; OWN_TAG_LEN]> {
    let (tags, _) = tags.as_chunks_mut();
    tags.get_mut(usize::from(kid).checked_sub(1)?)
}

/// A tag under a slot's key.
fn make_tag<H: Hash>(key: &[u8; KEY_LEN], digest: &[u8; 32]) -> [u8; OWN_TAG_LEN] {
    let mut mac = Zeroizing::new([0; 32]);
    extract::<H>(key, &[digest], &mut mac); // which is HMAC
    mac.first_chunk().copied().unwrap_or_default()
}

/// A request about to be sealed: its number is not used yet.
pub(crate) struct Sealing {
    form: RequestForm,
    header: Header,
    mode: Mode,
    slots: u8,
}

impl Sealing {
    /// [`Error::Exhausted`]: there is no such number.
    pub fn new(group: u16, epoch: u32, mode: Mode, slots: u8, number: u64) -> Result<Self, Error> {
        check_sequence(number)?;
        let form = RequestForm::of(Gid::new(group, mode, epoch), number);
        Ok(Self { header: form.header()?, form, mode, slots })
    }

    /// `option`, which comes before the ciphertext.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many bytes come after the plaintext.
    pub fn tail_len(&self) -> usize {
        proof_len(self.mode, self.slots).saturating_add(TAG_LEN)
    }

    /// What the request says of itself.
    pub fn form(&self) -> &RequestForm {
        &self.form
    }

    /// The sender's number.
    pub fn number(&self) -> u64 {
        self.form.number
    }

    /// See [`Mode`].
    pub fn mode(&self) -> Mode {
        self.mode
    }
}

/// Seals in place: `rest` holds the plaintext and room for [`Sealing::tail_len`] bytes. It is zeroed where that fails.
pub(crate) fn seal_in_place<B: Backend>(
    engine: B::Engine,
    keys: &ModeKeys,
    parties: Parties<'_>,
    sealing: &Sealing,
    carrier: Carrier<'_>,
    signer: &Signer<'_>,
    rest: &mut [u8],
) -> Result<(), Error> {
    let result = (|| {
        let proof_at =
            rest.len().checked_sub(proof_len(sealing.mode, sealing.slots)).ok_or(Error::Capacity)?;
        let (body, proof) = rest.split_at_mut_checked(proof_at).ok_or(Error::Capacity)?;
        if body.len() <= TAG_LEN || body.len() > BODY_MAX {
            return Err(Error::Argument);
        }
        let (data, tag) = body.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Capacity)?;
        let form = &sealing.form;
        let mut ext = Ext::EMPTY;
        ext.build(form, carrier, None, [parties.sender, parties.owner])?;
        let nonce = nonce(&keys.iv, form.number);
        ext.with_aad(|aad| ccm::seal::<B>(engine, &keys.key, &nonce, aad, data, tag))?;
        let mut state = B::begin();
        ext.begin_digest::<B>(body.len(), &mut state);
        B::update(&mut state, body);
        let mut digest = [0; 32];
        B::finish(&mut state, &mut digest);
        match (signer, proof.first_chunk_mut()) {
            (Signer::Secret(secret), Some(signature)) => B::sign(secret, &digest, signature)?,
            (Signer::Secret(_), None) => return Err(Error::State),
            (Signer::Tags(secret), _) => Prk::<B>::with(secret, |secret| {
                let mut key = Zeroizing::new([0; KEY_LEN]);
                for (kid, place) in (1..=super::SLOTS_MAX).zip(proof.as_chunks_mut().0) {
                    tag_key(secret, kid, &mut key);
                    *place = make_tag::<B>(&key, &digest);
                }
            }),
        }
        hide::<B>(keys, form, proof);
        Ok(())
    })();
    result.inspect_err(|_| rest.zeroize())
}

/// A request about to be opened: its form is good, nothing has been verified.
pub(crate) struct Opening {
    form: RequestForm,
    data_len: usize,
    tag: [u8; TAG_LEN],
    proof: [u8; PROOF_MAX],
    proof_len: usize,
}

impl Opening {
    /// Room for one.
    pub const EMPTY: Self = Self {
        form: RequestForm::EMPTY,
        data_len: 0,
        tag: [0; TAG_LEN],
        proof: [0; PROOF_MAX],
        proof_len: 0,
    };

    /// Becomes that of a request whose ciphertext, tag and proof are `body`, in a group of so many slots.
    /// [`Error::Malformed`]: too short, or too long. [`Error::UnknownSession`]: a mode that there is none of.
    pub fn read(&mut self, form: &RequestForm, slots: u8, body: &[u8]) -> Result<(), Error> {
        let mode = form.gid.mode().ok_or(Error::UnknownSession)?;
        let proof_len = proof_len(mode, slots);
        let sealed_len = body.len().checked_sub(proof_len).ok_or(Error::Malformed)?;
        let (sealed, given) = body.split_at_checked(sealed_len).ok_or(Error::Malformed)?;
        let (data, tag) = sealed.split_last_chunk().ok_or(Error::Malformed)?;
        if data.is_empty() || sealed.len() > BODY_MAX {
            return Err(Error::Malformed);
        }
        (self.form, self.data_len, self.tag, self.proof_len) = (*form, data.len(), *tag, proof_len);
        copy(&mut self.proof, given);
        Ok(())
    }

    /// How long ciphertext and plaintext are.
    pub fn data_len(&self) -> usize {
        self.data_len
    }

    /// What the request says of itself.
    pub fn form(&self) -> &RequestForm {
        &self.form
    }

    /// Decrypts `data`, which is [`Opening::data_len`] long, in place: [`Error::Authentication`] where whoever made the request does not
    /// have the group's key. `data` is zeroed then. What is left in it otherwise may be from any member: see [`Opening::check_sender`], which
    /// wants what is written to `digest`.
    #[inline(never)] // what it has on the stack is gone when the sender is checked
    pub fn decrypt<B: Backend>(
        &self,
        engine: B::Engine,
        keys: &ModeKeys,
        parties: Parties<'_>,
        carrier: Carrier<'_>,
        data: &mut [u8],
        digest: &mut [u8; 32],
    ) -> Result<(), Error> {
        let result = (|| {
            let form = &self.form;
            let mut ext = Ext::EMPTY;
            ext.build(form, carrier, None, [parties.sender, parties.owner])?;
            let nonce = nonce(&keys.iv, form.number);
            ext.with_aad(|aad| ccm::open::<B>(engine, &keys.key, &nonce, aad, data, &self.tag))?;
            let mut state = B::begin();
            ext.begin_digest::<B>(self.data_len.saturating_add(TAG_LEN), &mut state);
            // The ciphertext has been decrypted in its place.
            ccm::encrypted::<B>(engine, &keys.key, &nonce, data, &mut |bytes| B::update(&mut state, bytes))?;
            B::update(&mut state, &self.tag);
            B::finish(&mut state, digest);
            Ok(())
        })();
        result.inspect_err(|_| data.zeroize())
    }

    /// Whether the sender made what has been decrypted: [`Error::Authentication`], and `data` is zeroed, if it did not.
    pub fn check_sender<B: Backend>(
        &self,
        keys: &ModeKeys,
        sender: &Point,
        proof: &Proof<'_>,
        digest: &[u8; 32],
        data: &mut [u8],
    ) -> Result<(), Error> {
        let mut given = self.proof;
        let tags = given.get_mut(..self.proof_len).unwrap_or_default();
        hide::<B>(keys, &self.form, tags);
        let is_genuine = match proof {
            Proof::Signature => B::verify(sender, digest, &given).is_ok(),
            Proof::Tag { kid, key } => own_tag(&mut given, *kid).is_some_and(|own| {
                let mut expected = make_tag::<B>(key, digest);
                let is_own = u32::from_ne_bytes(expected).ct_eq(&u32::from_ne_bytes(*own));
                expected.zeroize();
                own.zeroize();
                is_own.into()
            }),
        };
        if is_genuine {
            return Ok(());
        }
        data.zeroize();
        Err(Error::Authentication)
    }
}
