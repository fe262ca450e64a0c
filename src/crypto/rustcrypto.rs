//! The primitives by the RustCrypto crates.

use super::{Aead, Curve, Hash, KEY_LEN, NONCE_LEN, Point};
use crate::error::Error;
use crate::limits::{AAD_MAX, PUBLIC_KEY_LEN, SIGNATURE_LEN, TAG_LEN};
use aes::Aes128;
use ccm::aead::{AeadInOut, KeyInit, inout::InOutBuf};
use ccm::consts::{U8, U13};
use hkdf::{Hkdf, HkdfExtract};
use p256::ecdsa::Signature;
use p256::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use p256::elliptic_curve::subtle::Choice;
use p256::{AffinePoint, FieldBytes, NistP256, NonZeroScalar, PublicKey};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// `p256`, `sha2`, `hkdf`, `aes` and `ccm`, in software.
pub struct RustCrypto;

type Ccm = ccm::Ccm<Aes128, U8, U13>;

/// The Enc_structure of RFC 8613 around the caller's additional data.
const AAD_CAPACITY: usize = AAD_MAX + 64;

fn scalar(secret: &[u8; 32]) -> Option<Zeroizing<NonZeroScalar>> {
    let mut repr = FieldBytes::from(*secret);
    let scalar = NonZeroScalar::from_repr(repr).into_option();
    repr.zeroize();
    scalar.map(Zeroizing::new)
}

fn affine(point: &Point) -> Option<AffinePoint> {
    AffinePoint::from_coordinates(&point.x.into(), &point.y.into()).into_option()
}

fn point(affine: &AffinePoint) -> Point {
    Point { x: affine.x().into(), y: affine.y().into() }
}

impl Curve for RustCrypto {
    fn public_key(secret: &[u8; 32]) -> Option<Point> {
        let secret = scalar(secret)?;
        Some(point(PublicKey::from_secret_scalar(&secret).as_affine()))
    }

    fn decompress(encoded: &[u8; PUBLIC_KEY_LEN]) -> Option<Point> {
        let (sign, x) = encoded.split_first()?;
        let odd = match sign {
            2 => 0,
            3 => 1,
            _ => return None,
        };
        let x: [u8; 32] = x.try_into().ok()?;
        AffinePoint::decompress(&x.into(), Choice::from(odd)).into_option().as_ref().map(point)
    }

    fn lift_x(x: &[u8; 32]) -> Option<Point> {
        AffinePoint::decompress(&(*x).into(), Choice::from(0)).into_option().as_ref().map(point)
    }

    fn diffie_hellman(secret: &[u8; 32], point: &Point) -> Option<[u8; 32]> {
        let secret = scalar(secret)?;
        let shared = p256::ecdh::diffie_hellman(*secret, affine(point)?);
        Some((*shared.raw_secret_bytes()).into())
    }

    fn sign(secret: &[u8; 32], digest: &[u8; 32]) -> Option<[u8; SIGNATURE_LEN]> {
        // Not SigningKey: it would compute the public key again for every signature.
        let secret = scalar(secret)?;
        let (signature, _) = ecdsa::hazmat::sign_prehashed_rfc6979::<NistP256, Sha256>(&secret, digest, &[]);
        Some(signature.to_bytes().into())
    }

    fn verify(public: &Point, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> bool {
        let Some(public) = affine(public) else { return false };
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        ecdsa::hazmat::verify_prehashed::<NistP256>(&public.into(), digest, &signature).is_ok()
    }
}

impl Hash for RustCrypto {
    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn extract(salt: &[u8], ikm: &[&[u8]]) -> [u8; 32] {
        let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
        for part in ikm {
            extract.input_ikm(part);
        }
        extract.finalize().0.into()
    }

    fn expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
        let hkdf = Hkdf::<Sha256>::from_prk(prk).map_err(|_| Error::Argument)?;
        hkdf.expand_multi_info(info, out).map_err(|_| Error::Argument)
    }
}

/// `ccm` takes the additional data in one piece.
fn join(parts: &[&[u8]]) -> Result<heapless::Vec<u8, AAD_CAPACITY>, Error> {
    let mut joined = heapless::Vec::new();
    for part in parts {
        joined.extend_from_slice(part).map_err(|_| Error::Argument)?;
    }
    Ok(joined)
}

impl Aead for RustCrypto {
    fn seal(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Error> {
        let aad = join(aad)?;
        let tag = Ccm::new(key.into())
            .encrypt_inout_detached(nonce.into(), &aad, InOutBuf::from(data))
            .map_err(|_| Error::Argument)?;
        Ok(tag.into())
    }

    fn open(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[&[u8]],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        let aad = join(aad)?;
        let opened = Ccm::new(key.into()).decrypt_inout_detached(
            nonce.into(),
            &aad,
            InOutBuf::from(&mut *data),
            tag.into(),
        );
        opened.map_err(|_| {
            data.zeroize();
            Error::Authentication
        })
    }
}
