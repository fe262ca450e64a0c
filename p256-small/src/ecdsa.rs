//! ECDSA (SEC 1 section 4.1) over digests of 32 bytes. A signature is two integers, r and s.

use crate::constants::N;
use crate::file::{File, ONE, R2N, S, Step, T, X1, X2, Y2, Z1, add, mul};
use crate::keys::{Point, read_scalar};
use crate::words::{is_zero, read, write};

/// X1 modulo n: in T, and in Montgomery form in X1.
static REDUCE: [Step; 2] = [mul(X1, X1, R2N), mul(T, X1, ONE)];

/// `X2 = (Y2 + X1 · X2) · S`, of which X1 and S are in Montgomery form.
static SIGN: [Step; 6] =
    [mul(X2, X2, R2N), mul(Y2, Y2, R2N), mul(X2, X2, X1), add(X2, X2, Y2), mul(X2, X2, S), mul(X2, X2, ONE)];

/// Signs with a nonce, as which nothing will do but what RFC 6979 or a random source gives, once. False if the secret or the nonce is
/// not in 1..n−1 or the nonce gives a zero, once in 2^255 times: it is no signature then, and another nonce is needed.
#[inline(never)] // what it leaves is below the caller's frame
pub fn sign(
    secret: &[u8; 32],
    nonce: &[u8; 32],
    digest: &[u8; 32],
    r: &mut [u8; 32],
    s: &mut [u8; 32],
) -> bool {
    let mut file = File::new();
    let mut is_valid = file.read_factor(nonce);
    file.multiply_generator();
    file.make_affine();
    let [_, _, z_1, x_2, y_2, ..] = &mut file.0;
    read(z_1, nonce);
    is_valid &= read_scalar(x_2, secret);
    read(y_2, digest);
    file.run(&N, &REDUCE);
    file.run(&N, &[mul(Z1, Z1, R2N)]);
    file.invert(&N);
    file.run(&N, &SIGN);
    let [_, _, _, x_2, .., t] = &file.0;
    write(t, r);
    write(x_2, s);
    is_valid & !is_zero(t) & !is_zero(x_2)
}

/// Whether a signature is the one of a public key. Takes no secrets, and not always the same time.
pub fn verify(x: &[u8; 32], y: &[u8; 32], digest: &[u8; 32], r: &[u8; 32], s: &[u8; 32]) -> bool {
    let (mut public, mut file, mut r_words) = (Point::default(), File::new(), [0; 8]);
    let [x_1, _, z_1, x_2, ..] = &mut file.0;
    read(x_1, digest);
    if !read_scalar(&mut r_words, r) || !read_scalar(z_1, s) || !public.read(x, y) {
        return false;
    }
    *x_2 = r_words;
    file.run(&N, &[mul(Z1, Z1, R2N)]);
    file.invert(&N);
    file.run(&N, &[mul(X1, X1, S), mul(T, X2, S)]);
    let [u_1, ..] = file.0;
    public.multiply(&mut file);
    if !is_zero(&u_1) {
        let [of_public @ .., _, _, _, _, _] = file.0;
        let [.., t] = &mut file.0;
        *t = u_1;
        file.multiply_generator();
        let [_, _, _, x_2, y_2, z_2, ..] = &mut file.0;
        [*x_2, *y_2, *z_2] = of_public;
        file.add();
        let [x_1, y_1, z_1, _, y_2, ..] = &mut file.0;
        if is_zero(z_1) {
            // The sum of a point and its negative is the identity; twice a point is not what the formula gives.
            if !is_zero(y_2) {
                return false;
            }
            [*x_1, *y_1, *z_1] = of_public;
            file.double();
        }
    }
    file.make_affine();
    file.run(&N, &REDUCE);
    let [.., t] = &file.0;
    *t == r_words
}
