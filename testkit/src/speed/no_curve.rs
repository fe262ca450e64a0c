//! A curve that costs nothing and protects nothing, where something else is to be measured.

use lscoap::Error;
use lscoap::crypto::ccm::Record;
use lscoap::crypto::{Aes, Block, Curve, HashesAsSoftware, NONCE_LEN, Point, Software, Work};

/// The library's primitives, with a curve that is none: `d·P` is the bitwise exclusive or of both.
pub struct NoCurve;

impl Curve for NoCurve {
    type Base = [u8; 32];

    fn public_key(secret: &[u8; 32], public: &mut Point) -> Result<(), Error> {
        public.x = *secret;
        Ok(())
    }

    fn decompress(encoded: &[u8; 33], point: &mut Point) -> Result<(), Error> {
        point.x.copy_from_slice(&encoded[1..]);
        point.y = [0; 32];
        Ok(())
    }

    fn prepare(point: &Point, base: &mut [u8; 32]) -> Result<(), Error> {
        *base = point.x;
        Ok(())
    }

    fn diffie_hellman(secret: &[u8; 32], base: &[u8; 32], shared: &mut [u8; 32]) -> Result<(), Error> {
        shared.iter_mut().zip(secret).zip(base).for_each(|((to, a), b)| *to = a ^ b);
        Ok(())
    }

    fn sign(_: &[u8; 32], _: &[u8; 32], signature: &mut [u8; 64]) -> Result<(), Error> {
        signature.fill(1);
        Ok(())
    }

    fn verify(_: &Point, _: &[u8; 32], _: &[u8; 64]) -> Result<(), Error> {
        Ok(())
    }
}

impl HashesAsSoftware for NoCurve {}

impl Aes for NoCurve {
    type Engine = ();

    fn with_key(engine: (), key: &[u8; 16], pair: &mut [Block; 2], work: &mut Work<'_>) -> Result<(), Error> {
        <Software as Aes>::with_key(engine, key, pair, work)
    }

    fn ccm(
        engine: (),
        key: &[u8; 16],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        record: &mut Record<'_>,
    ) -> Option<Result<(), Error>> {
        <Software as Aes>::ccm(engine, key, nonce, aad, record)
    }
}
