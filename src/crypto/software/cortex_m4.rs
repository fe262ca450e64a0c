//! P-256 by the assembly of `p256-cortex-m4-sys`, for Cortex-M4, M7 and M33 with DSP; nonces are ours (RFC 6979). It takes constant
//! time where memory has no data cache: docs/porting.md says what that means.

use super::{Software, burn};
use crate::crypto::rfc6979::Nonces;
use crate::crypto::{Curve, Point};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use lscoap_primitives::p256_cm4;

#[inline(never)] // what it leaves below is burnt
fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> bool {
    let mut nonces = Nonces::<Software>::new();
    nonces.start(secret, digest);
    // A nonce is out of range, or gives a zero, once in 2^32 times.
    (0..4).any(|round| p256_cm4::sign(secret, digest, nonces.next(round == 0), signature))
}

/// What is to be written over after a Diffie-Hellman, in words: it is 405 words deep, and 13 more where there is no FPU.
const SHARED: usize = 428;
/// The same of a signature: 323 words and those 13.
const SIGNATURE: usize = 344;
/// The same of key generation: 169 words and those 13; and some 440 where the assembly copies its table. `build-staticlib.sh` says
/// that it does not.
const KEY: usize = if option_env!("LSCOAP_WHOLE_TABLES").is_some() { 192 } else { 464 };

/// Writes over what the C and assembly code leaves on the stack. Takes an instruction a word, of 230,000 and more.
fn burning<const WORDS: usize>(done: bool) -> Result<(), Error> {
    burn::<WORDS>();
    or_key(done)
}

fn or_key(done: bool) -> Result<(), Error> {
    if done { Ok(()) } else { Err(Error::Key) }
}

impl Curve for Software {
    type Base = Point;

    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        burning::<KEY>(p256_cm4::public_key(secret, &mut public.x, &mut public.y))
    }

    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        or_key(p256_cm4::decompress(encoded, &mut point.x, &mut point.y))
    }

    fn prepare(point: &Point, base: &mut Point) -> Result<(), Error> {
        *base = *point;
        Ok(())
    }

    fn diffie_hellman(secret: &[u8; 32], base: &Point, shared: &mut [u8; 32]) -> Result<(), Error> {
        burning::<SHARED>(p256_cm4::diffie_hellman(secret, &base.x, &base.y, shared))
    }

    /// SEC 1 section 4.1.3 with the nonce of RFC 6979 section 3.2.
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        burning::<SIGNATURE>(sign(secret, digest, signature))
    }

    /// SEC 1 section 4.1.4.
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        if p256_cm4::verify(&public.x, &public.y, digest, signature) {
            Ok(())
        } else {
            Err(Error::Authentication)
        }
    }
}
