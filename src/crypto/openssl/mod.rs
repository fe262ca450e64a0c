//! P-256 on hosts by libcrypto, which multiplies points in less than half of the time; everything else as [`Software`].

mod known;

use super::ccm::Record;
use super::software::burn;
use super::{
    Aes, Block, Curve, HashesAsSoftware, KEY_LEN, NONCE_LEN, Point, Software, Work, ecdsa, field, scalar,
};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN};
use lscoap_p256_openssl as libcrypto;

/// [`Software`], and points of P-256 multiplied by libcrypto of OpenSSL. Each thread keeps the curve, room to compute in, and the points
/// of up to 16,384 public keys that it has decompressed.
pub struct OpenSsl;

/// Writes over what work with a secret leaves on the stack.
fn burning(is_right: bool) -> Result<(), Error> {
    burn::<1024>();
    if is_right { Ok(()) } else { Err(Error::Key) }
}

fn is_scalar(secret: &[u8; 32]) -> Result<(), Error> {
    if scalar::is_valid(secret) { Ok(()) } else { Err(Error::Key) }
}

#[inline(never)] // what it leaves below is burnt
fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> bool {
    let x_of = |nonce: &[u8; 32]| {
        let mut point = Point::EMPTY;
        libcrypto::public_key(nonce, &mut point.x, &mut point.y).then_some(point.x)
    };
    ecdsa::sign(secret, digest, signature, x_of).is_some()
}

fn verifies(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> bool {
    let x_of = |u_1: &[u8; 32], u_2: &[u8; 32]| {
        let (mut base, mut x) = (libcrypto::Point::default(), [0; 32]);
        (base.read(&public.x, &public.y) && libcrypto::combination(u_1, u_2, &base, &mut x)).then_some(x)
    };
    ecdsa::verifies(digest, signature, x_of) == Some(true)
}

impl Curve for OpenSsl {
    type Base = libcrypto::Point;

    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        is_scalar(secret)?;
        burning(libcrypto::public_key(secret, &mut public.x, &mut public.y))
    }

    /// By `p256`, whose roots take half of libcrypto's time; and not again for a key that comes back.
    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN], point: &mut Point) -> Result<(), Error> {
        known::decompress(encoded, point)
    }

    fn lift_x(x: &[u8; 32], point: &mut Point) -> Result<(), Error> {
        field::lift(x, false, point) // one that nobody has seen before
    }

    fn prepare(point: &Point, base: &mut libcrypto::Point) -> Result<(), Error> {
        if base.read(&point.x, &point.y) { Ok(()) } else { Err(Error::Key) }
    }

    fn diffie_hellman(
        secret: &[u8; 32],
        base: &libcrypto::Point,
        shared: &mut [u8; 32],
    ) -> Result<(), Error> {
        is_scalar(secret)?;
        burning(libcrypto::diffie_hellman(secret, base, shared))
    }

    /// SEC 1 section 4.1.3 with the nonce of RFC 6979 section 3.2.
    fn sign(secret: &[u8; 32], digest: &[u8; 32], signature: &mut [u8; SIGNATURE_LEN]) -> Result<(), Error> {
        is_scalar(secret)?;
        burning(sign(secret, digest, signature))
    }

    /// SEC 1 section 4.1.4.
    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
        if verifies(public, digest, signature) { Ok(()) } else { Err(Error::Authentication) }
    }
}

impl HashesAsSoftware for OpenSsl {}

impl Aes for OpenSsl {
    type Engine = ();

    fn with_key(
        (): (),
        key: &[u8; KEY_LEN],
        pair: &mut [Block; 2],
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        Software::with_key((), key, pair, work)
    }

    fn ccm(
        (): (),
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        record: &mut Record<'_>,
    ) -> Option<Result<(), Error>> {
        Software::ccm((), key, nonce, aad, record)
    }
}
