//! Multiplications of points of P-256 by libcrypto of OpenSSL 1.1.1 or 3: what takes the time of a handshake on a host. ECDSA around
//! them is `lscoap`'s, as libcrypto 3.0 has no nonces of RFC 6979.
//!
//! Coordinates and scalars are big-endian integers; scalars are taken modulo n. Multiplication by a secret takes constant time: libcrypto
//! does, and the way of a secret into its integers is chosen so. What a thread needs it makes once: the curve, room for integers and for a
//! product. Secrets in there are written over at the end of each call. What libcrypto leaves on the stack is for the caller to burn.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod work;

use openssl::ec::EcPoint;
use openssl::error::ErrorStack;
use work::Work;

/// A point that was found to be on the curve. The default is none, whose every product fails.
#[derive(Default)]
pub struct Point(Option<EcPoint>);

impl Point {
    /// Becomes the point with these coordinates; false if there is none, and then it is none. Takes no secrets.
    pub fn read(&mut self, x: &[u8; 32], y: &[u8; 32]) -> bool {
        let mut encoded = [4; 65]; // SEC 1 section 2.3.3, without compression
        let (_, coordinates) = encoded.split_at_mut(1);
        coordinates.iter_mut().zip(x.iter().chain(y)).for_each(|(to, from)| *to = *from);
        self.0 = Work::borrow(|work| EcPoint::from_bytes(&work.group, &encoded, &mut work.context));
        self.0.is_some()
    }
}

/// The public key of a secret. False, and then the coordinates are as they may be, if the secret is 0 modulo n or memory is short.
pub fn public_key(secret: &[u8; 32], x: &mut [u8; 32], y: &mut [u8; 32]) -> bool {
    secretly(|work| {
        work.first.read(secret)?;
        work.product.mul_generator2(&work.group, &work.first.0, &mut work.context)?;
        work.coordinates(x, Some(y))
    })
}

/// The x-coordinate of a point times a secret. False, and then it is as it may be, if the secret is 0 modulo n, the point none, or memory
/// short.
pub fn diffie_hellman(secret: &[u8; 32], point: &Point, shared: &mut [u8; 32]) -> bool {
    let Some(point) = &point.0 else { return false };
    secretly(|work| {
        work.first.read(secret)?;
        work.product.mul2(&work.group, point, &work.first.0, &mut work.context)?;
        work.coordinates(shared, None)
    })
}

/// The x-coordinate of `a · G + b · point`. False, and then it is as it may be, if that is the identity, the point none, or memory short.
/// Takes no secrets.
pub fn combination(a: &[u8; 32], b: &[u8; 32], point: &Point, x: &mut [u8; 32]) -> bool {
    let Some(point) = &point.0 else { return false };
    Work::borrow(|work| {
        work.first.read(a)?;
        work.second.read(b)?;
        work.product.mul_full(&work.group, &work.first.0, point, &work.second.0, &mut work.context)?;
        work.coordinates(x, None)
    })
    .is_some()
}

/// Does something with a secret, and writes over what it has left in memory that this crate reaches.
fn secretly(act: impl FnOnce(&mut Work) -> Result<(), ErrorStack>) -> bool {
    Work::borrow(|work| {
        let done = act(work);
        work.forget().and(done)
    })
    .is_some()
}
