//! P-256 by the assembly of `p256-cortex-m4`, for Cortex-M4, M7 and M33 with DSP. Its nonces are ours (RFC 6979). It
//! takes constant time where memory has no data cache: docs/porting.md says what that means.

use super::{Software, burn};
use crate::crypto::rfc6979::Nonces;
use crate::crypto::{Curve, Point};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use p256_cortex_m4::{PublicKey, SecretKey, Signature};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// A public key that was checked to be on the curve.
#[derive(Default)]
pub struct Base(Option<PublicKey>);

fn secret_key(secret: &[u8; 32]) -> Result<Zeroizing<SecretKey>, Error> {
    SecretKey::from_bytes(secret).map(Zeroizing::new).map_err(|_| Error::Key)
}

fn parse(point: &Point) -> Result<PublicKey, Error> {
    let mut encoded = [4; 65];
    let places = encoded.iter_mut().skip(1);
    places.zip(point.x.iter().chain(&point.y)).for_each(|(place, byte)| *place = *byte);
    PublicKey::from_sec1_bytes(&encoded).map_err(|_| Error::Key)
}

fn write(key: &PublicKey, point: &mut Point) {
    let encoded = key.to_uncompressed_sec1_bytes();
    let places = point.x.iter_mut().chain(&mut point.y);
    places.zip(encoded.iter().skip(1)).for_each(|(place, byte)| *place = *byte);
}

/// The nonces in the form in which `p256-cortex-m4` asks for them: as a random source. It asks until one is in
/// 1..n−1 and gives a signature.
struct Source {
    nonces: Nonces,
    is_first: bool,
}

impl RngCore for Source {
    /// A nonce as little-endian words, which on this processor are little-endian bytes.
    fn fill_bytes(&mut self, out: &mut [u8]) {
        let mut nonce = Zeroizing::new([0; 32]);
        self.nonces.next::<Software>(&mut nonce, self.is_first);
        self.is_first = false;
        out.iter_mut().zip(nonce.iter().rev()).for_each(|(out, byte)| *out = *byte);
    }

    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Source {}

#[inline(never)] // what it leaves below is burnt
fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
    write(&secret_key(secret)?.public_key(), public);
    Ok(())
}

#[inline(never)] // the same
fn diffie_hellman(secret: &[u8; 32], base: &Base, shared: &mut [u8; 32]) -> Result<(), Error> {
    let peer = base.0.as_ref().ok_or(Error::Key)?;
    *shared = *Zeroizing::new(secret_key(secret)?.agree(peer)).as_bytes();
    Ok(())
}

#[inline(never)] // the same
fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
    let mut source = Source { nonces: Nonces::new(), is_first: true };
    source.nonces.start::<Software>(secret, digest);
    *signature = secret_key(secret)?.sign_prehashed(digest, &mut source).to_untagged_bytes();
    Ok(())
}

/// What is to be written over after a Diffie-Hellman, which is 413 words deep, and after a signature, which is less.
const WORDS: usize = 440;
/// The same of key generation: 189 words, and some 440 where the assembly copies its table. `build-staticlib.sh` says that it
/// does not.
const KEY_WORDS: usize = if option_env!("LSCOAP_WHOLE_TABLES").is_some() { 208 } else { 464 };

/// Writes over what the C and assembly code leaves on the stack. Takes three instructions a word, of 230,000 and more.
fn burning<const WORDS: usize>(result: Result<(), Error>) -> Result<(), Error> {
    burn::<WORDS>();
    result
}

impl Curve for Software {
    type Base = Base;

    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        burning::<KEY_WORDS>(public_key(secret, public))
    }

    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        let key = PublicKey::from_sec1_bytes(encoded).map_err(|_| Error::Key)?;
        write(&key, point);
        Ok(())
    }

    fn prepare(point: &Point, base: &mut Base) -> Result<(), Error> {
        base.0 = Some(parse(point)?);
        Ok(())
    }

    fn diffie_hellman(secret: &[u8; 32], base: &Base, shared: &mut [u8; 32]) -> Result<(), Error> {
        burning::<WORDS>(diffie_hellman(secret, base, shared))
    }

    /// SEC 1 section 4.1.3 with the nonce of RFC 6979 section 3.2.
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        burning::<WORDS>(sign(secret, digest, signature))
    }

    /// SEC 1 section 4.1.4.
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        let key = parse(public)?;
        match Signature::from_untagged_bytes(signature) {
            Ok(signature) if key.verify_prehashed(digest, &signature) => Ok(()),
            _ => Err(Error::Authentication),
        }
    }
}
