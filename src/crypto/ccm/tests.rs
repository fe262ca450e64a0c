//! Against published examples and the `ccm` crate; by the library's own AES and by one that encrypts a block at a
//! time, as an accelerator does.

use super::*;
use crate::crypto::{Software, Work};
use crate::vectors;
use ::ccm::aead::{AeadInOut, KeyInit};
use ::ccm::consts::{U8, U13};
use aes::cipher::BlockCipherEncrypt;
use proptest::collection::vec;
use proptest::prelude::*;
use std::vec::Vec;

type Reference = ::ccm::Ccm<aes::Aes128, U8, U13>;

/// AES of one block at a time.
struct Accelerator;

/// Fails at this block after a key was loaded, counted from 1.
#[derive(Clone, Copy, Default)]
struct FailsAt(usize);

struct Loaded {
    key: aes::Aes128,
    fails_at: usize,
    blocks: usize,
}

impl Aes for Accelerator {
    type Engine = FailsAt;

    fn with_key(
        FailsAt(fails_at): FailsAt,
        key: &[u8; KEY_LEN],
        pair: &mut [Block; 2],
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        let mut loaded = Loaded { key: aes::Aes128::new(key.into()), fails_at, blocks: 0 };
        loaded.encrypt(pair, Blocks::First)?;
        work(&mut loaded, pair)
    }
}

impl Cipher for Loaded {
    fn encrypt(&mut self, pair: &mut [Block; 2], blocks: Blocks) -> Result<(), Error> {
        for block in pair.iter_mut().take(if blocks == Blocks::Both { 2 } else { 1 }) {
            self.blocks += 1;
            if self.blocks == self.fails_at {
                return Err(Error::Hardware);
            }
            self.key.encrypt_block(block.into());
        }
        Ok(())
    }
}

/// The library's AES by pairs of blocks, also where the processor has instructions for it.
struct Pairs;

impl Aes for Pairs {
    type Engine = ();

    fn with_key(
        (): (),
        key: &[u8; KEY_LEN],
        pair: &mut [Block; 2],
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        Software::with_key((), key, pair, work)
    }
}

const NEVER: FailsAt = FailsAt(0);
const KEY: [u8; KEY_LEN] = *b"sixteen byte key";
const NONCE: [u8; NONCE_LEN] = *b"thirteen byte";

/// Ciphertext and tag.
fn sealed<A: Aes>(
    engine: A::Engine,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[&[u8]],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let (mut data, mut tag) = (plaintext.to_vec(), [0; TAG_LEN]);
    seal::<A>(engine, key, nonce, aad, &mut data, &mut tag)?;
    data.extend(tag);
    Ok(data)
}

/// The plaintext of ciphertext and tag. After an error there is none.
fn opened<A: Aes>(
    engine: A::Engine,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[&[u8]],
    sealed: &[u8],
) -> Result<Vec<u8>, Error> {
    let (ciphertext, tag) = sealed.split_last_chunk().expect("a tag");
    let mut data = ciphertext.to_vec();
    let result = open::<A>(engine, key, nonce, aad, &mut data, tag);
    assert!(result.is_ok() || data.iter().all(|byte| *byte == 0), "plaintext after {result:?}");
    result.map(|()| data)
}

fn reference(key: &[u8; KEY_LEN], nonce: &[u8; NONCE_LEN], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut data = plaintext.to_vec();
    let ccm = Reference::new(key.into());
    let tag = ccm.encrypt_inout_detached(nonce.into(), aad, data.as_mut_slice().into()).expect("lengths");
    data.extend(tag);
    data
}

#[test]
fn published_examples() {
    for (source, count) in [("nist", 10), ("rfc3610", 12)] {
        let cases = vectors::ccm().list(source);
        assert_eq!(cases.len(), count);
        for case in cases {
            let (key, nonce, aad) = (case.array("key"), case.array("nonce"), case.bytes("aad"));
            let (plaintext, expected) = (case.bytes("plaintext"), case.bytes("sealed"));
            assert_eq!(sealed::<Software>((), &key, &nonce, &[&aad], &plaintext), Ok(expected.clone()));
            assert_eq!(opened::<Software>((), &key, &nonce, &[&aad], &expected), Ok(plaintext.clone()));
            assert_eq!(sealed::<Accelerator>(NEVER, &key, &nonce, &[&aad], &plaintext), Ok(expected.clone()));
            assert_eq!(opened::<Accelerator>(NEVER, &key, &nonce, &[&aad], &expected), Ok(plaintext));
        }
    }
}

/// Each length around the ends of blocks, of data and of additional data.
#[test]
fn lengths_around_blocks() {
    let bytes: Vec<u8> = (0..=255).collect();
    for aad in (0..50).map(|len| &bytes[..len]) {
        for plaintext in (0..50).map(|len| &bytes[100..100 + len]) {
            let expected = reference(&KEY, &NONCE, aad, plaintext);
            assert_eq!(sealed::<Software>((), &KEY, &NONCE, &[aad], plaintext).as_ref(), Ok(&expected));
            assert_eq!(opened::<Software>((), &KEY, &NONCE, &[aad], &expected).as_deref(), Ok(plaintext));
            assert_eq!(sealed::<Pairs>((), &KEY, &NONCE, &[aad], plaintext).as_ref(), Ok(&expected));
            assert_eq!(opened::<Pairs>((), &KEY, &NONCE, &[aad], &expected).as_deref(), Ok(plaintext));
        }
    }
}

#[test]
fn the_longest_data() {
    let bytes: Vec<u8> = (0..=0xffff_u32).map(|place| (place % 251) as u8).collect();
    let (longest, too_long) = (&bytes[..0xffff], &bytes[..]);
    let expected = reference(&KEY, &NONCE, b"aad", longest);
    assert_eq!(sealed::<Software>((), &KEY, &NONCE, &[b"aad"], longest).as_ref(), Ok(&expected));
    assert_eq!(opened::<Software>((), &KEY, &NONCE, &[b"aad"], &expected).as_deref(), Ok(longest));

    assert_eq!(sealed::<Software>((), &KEY, &NONCE, &[b"aad"], too_long), Err(Error::Argument));
    let too_long = [too_long, &[0; TAG_LEN]].concat();
    assert!(opened::<Software>((), &KEY, &NONCE, &[b"aad"], &too_long).is_err());
}

#[test]
fn the_longest_additional_data() {
    let bytes = std::vec![0xaa; 0xff00];
    let (head, longest, too_long) = (&bytes[..700], &bytes[700..0xfeff], &bytes[700..]);
    let expected = reference(&KEY, &NONCE, &bytes[..0xfeff], b"data");
    assert_eq!(sealed::<Software>((), &KEY, &NONCE, &[head, longest], b"data").as_ref(), Ok(&expected));
    assert_eq!(
        opened::<Software>((), &KEY, &NONCE, &[head, longest], &expected).as_deref(),
        Ok(&b"data"[..])
    );

    assert_eq!(sealed::<Software>((), &KEY, &NONCE, &[head, too_long], b"data"), Err(Error::Argument));
    assert!(opened::<Software>((), &KEY, &NONCE, &[head, too_long], &expected).is_err());
}

#[test]
fn every_flipped_bit_is_refused() {
    let (aad, plaintext) = (*b"additional data of 32 bytes, two", b"a plaintext of two blocks and more");
    let good = sealed::<Software>((), &KEY, &NONCE, &[&aad], plaintext).unwrap();
    for bit in 0..8 * (KEY_LEN + NONCE_LEN + aad.len() + good.len()) {
        let (mut key, mut nonce, mut aad, mut bad) = (KEY, NONCE, aad, good.clone());
        let mut fields = key.iter_mut().chain(&mut nonce).chain(&mut aad).chain(&mut bad);
        *fields.nth(bit / 8).unwrap() ^= 1 << (bit % 8);
        let result = opened::<Software>((), &key, &nonce, &[&aad], &bad);
        assert_eq!(result, Err(Error::Authentication), "bit {bit}");
    }
    // Nor does a byte pass from one field to another.
    assert_eq!(opened::<Software>((), &KEY, &NONCE, &[&aad[..31]], &good), Err(Error::Authentication));
    assert_eq!(opened::<Software>((), &KEY, &NONCE, &[&aad], &good[1..]), Err(Error::Authentication));
    assert_eq!(opened::<Software>((), &KEY, &NONCE, &[&aad], &good).as_deref(), Ok(&plaintext[..]));
}

/// One block for B_0, one for each of additional data, two for each of data, and one for the tag: no more, and a failure of
/// any of them is told.
#[test]
fn a_failing_accelerator() {
    for (aad_len, data_len, blocks) in [(0, 0, 2), (14, 1, 5), (15, 16, 6), (30, 17, 8), (256, 64, 27)] {
        let (aad, plaintext) = (std::vec![1; aad_len], std::vec![2; data_len]);
        let good = sealed::<Software>((), &KEY, &NONCE, &[&aad], &plaintext).unwrap();
        for fails_at in (1..=blocks).map(FailsAt) {
            let result = sealed::<Accelerator>(fails_at, &KEY, &NONCE, &[&aad], &plaintext);
            assert_eq!(result, Err(Error::Hardware), "sealing, block {}", fails_at.0);
            let result = opened::<Accelerator>(fails_at, &KEY, &NONCE, &[&aad], &good);
            assert_eq!(result, Err(Error::Hardware), "opening, block {}", fails_at.0);
        }
        let not_reached = FailsAt(blocks + 1);
        assert_eq!(opened::<Accelerator>(not_reached, &KEY, &NONCE, &[&aad], &good), Ok(plaintext));
    }
}

proptest! {
    /// However the additional data is split.
    #[test]
    fn agrees_with_the_ccm_crate(
        key: [u8; KEY_LEN],
        nonce: [u8; NONCE_LEN],
        aad in vec(vec(any::<u8>(), 0..75), 0..5),
        plaintext in vec(any::<u8>(), 0..300),
        place: prop::sample::Index,
        bit in 0_u8..8,
    ) {
        let parts: Vec<&[u8]> = aad.iter().map(|part| &part[..]).collect();
        let expected = reference(&key, &nonce, &parts.concat(), &plaintext);
        prop_assert_eq!(sealed::<Software>((), &key, &nonce, &parts, &plaintext), Ok(expected.clone()));
        prop_assert_eq!(opened::<Software>((), &key, &nonce, &parts, &expected), Ok(plaintext.clone()));
        prop_assert_eq!(sealed::<Accelerator>(NEVER, &key, &nonce, &parts, &plaintext), Ok(expected.clone()));
        prop_assert_eq!(opened::<Accelerator>(NEVER, &key, &nonce, &parts, &expected), Ok(plaintext.clone()));
        prop_assert_eq!(sealed::<Pairs>((), &key, &nonce, &parts, &plaintext), Ok(expected.clone()));
        let mut bad = expected;
        let place = place.index(bad.len());
        bad[place] ^= 1 << bit;
        prop_assert_eq!(opened::<Software>((), &key, &nonce, &parts, &bad), Err(Error::Authentication));
        prop_assert_eq!(
            opened::<Accelerator>(NEVER, &key, &nonce, &parts, &bad),
            Err(Error::Authentication)
        );
    }
}
