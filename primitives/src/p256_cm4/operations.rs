#![allow(unsafe_code)] // assembly

use super::Field;
use super::digits::{Digits, TOP};
use super::generator::{ODD_MULTIPLES, ONE};
use p256_cortex_m4_sys as sys;

/// x times z², y times z³, and z.
type Jacobian = [Field; 3];

// What the assembly has for the C code around it.
unsafe extern "C" {
    fn P256_to_montgomery(out: *mut Field, number: *const Field);
    fn P256_point_is_on_curve(x: *const Field, y: *const Field) -> bool;
    fn P256_double_j(out: *mut Jacobian, point: *const Jacobian);
    /// Adds or subtracts a point, of which the third coordinate is not read where it is affine.
    fn P256_add_sub_j(sum: *mut Jacobian, point: *const Field, subtract: bool, is_affine: bool);
    fn P256_mod_n_inv(out: *mut Field, number: *const Field);
    fn P256_mul_mod_n(out: *mut Field, a: *const Field, b: *const Field);
    /// Whether r is the point's x-coordinate modulo n.
    fn P256_verify_last_step(r: *const Field, point: *const Jacobian) -> bool;
}

/// Big-endian bytes as words, the least significant first.
#[inline(never)]
fn words(bytes: &[u8; 32], words: &mut [u32; 8]) {
    let chunks = bytes.as_chunks().0.iter().rev();
    words.iter_mut().zip(chunks).for_each(|(word, chunk)| *word = u32::from_be_bytes(*chunk));
}

#[inline(never)]
fn bytes(words: &[u32; 8], bytes: &mut [u8; 32]) {
    let chunks = bytes.as_chunks_mut().0.iter_mut().rev();
    words.iter().zip(chunks).for_each(|(word, chunk)| *chunk = word.to_be_bytes());
}

/// Whether a number is in 1..n.
fn is_scalar(number: &[u32; 8]) -> bool {
    // SAFETY: it reads the number.
    unsafe { sys::P256_check_range_n(number.as_ptr()) }
}

/// The public key of a secret.
#[inline(never)] // so that the caller can write over what it leaves on the stack
pub fn public_key(secret: &[u8; 32], x: &mut [u8; 32], y: &mut [u8; 32]) -> bool {
    let [mut scalar, mut x_words, mut y_words] = [[0; 8]; 3];
    words(secret, &mut scalar);
    // SAFETY: it reads a number and writes two.
    let done = unsafe { sys::p256_keygen(x_words.as_mut_ptr(), y_words.as_mut_ptr(), scalar.as_ptr()) };
    bytes(&x_words, x);
    bytes(&y_words, y);
    done
}

/// The point of a compressed SEC1 encoding.
#[inline(never)]
pub fn decompress(encoded: &[u8; 33], x: &mut [u8; 32], y: &mut [u8; 32]) -> bool {
    let [mut x_words, mut y_words] = [[0; 8]; 2];
    // SAFETY: it reads 33 bytes and writes two numbers.
    let done = unsafe {
        sys::p256_octet_string_to_point(x_words.as_mut_ptr(), y_words.as_mut_ptr(), encoded.as_ptr(), 33)
    };
    bytes(&x_words, x);
    bytes(&y_words, y);
    done
}

/// The x-coordinate of a multiple of a point.
#[inline(never)] // as above
pub fn diffie_hellman(secret: &[u8; 32], x: &[u8; 32], y: &[u8; 32], shared: &mut [u8; 32]) -> bool {
    let [mut scalar, mut x_words, mut y_words] = [[0; 8]; 3];
    words(secret, &mut scalar);
    words(x, &mut x_words);
    words(y, &mut y_words);
    // SAFETY: it reads three numbers and writes 32 bytes.
    is_scalar(&scalar)
        && unsafe {
            sys::p256_ecdh_calc_shared_secret(
                shared.as_mut_ptr(),
                scalar.as_ptr(),
                x_words.as_ptr(),
                y_words.as_ptr(),
            )
        }
}

/// ECDSA (SEC 1 section 4.1.3) with a nonce that is used once; `r || s`. False also for the nonces that give no signature, of which
/// there are next to none.
#[inline(never)] // as above
pub fn sign(secret: &[u8; 32], digest: &[u8; 32], nonce: &[u8; 32], signature: &mut [u8; 64]) -> bool {
    let [mut scalar, mut nonce_words, mut r, mut s] = [[0; 8]; 4];
    words(secret, &mut scalar);
    words(nonce, &mut nonce_words);
    // SAFETY: it reads the digest and two numbers and writes two.
    let done = is_scalar(&scalar)
        && unsafe {
            sys::p256_sign(
                r.as_mut_ptr(),
                s.as_mut_ptr(),
                digest.as_ptr(),
                32,
                scalar.as_ptr(),
                nonce_words.as_ptr(),
            )
        };
    if let [first, second] = signature.as_chunks_mut().0 {
        bytes(&r, first);
        bytes(&s, second);
    }
    done
}

/// Whether an ECDSA signature is one (SEC 1 section 4.1.4). Not for secrets.
#[inline(never)]
pub fn verify(x: &[u8; 32], y: &[u8; 32], digest: &[u8; 32], signature: &[u8; 64]) -> bool {
    let [mut r, mut s, mut z] = [[0; 8]; 3];
    let ([first, second], _) = signature.as_chunks() else {
        return false;
    };
    words(first, &mut r);
    words(second, &mut s);
    words(digest, &mut z);
    if !is_scalar(&r) || !is_scalar(&s) {
        return false;
    }
    let (z_place, s_place) = (&raw mut z, &raw mut s);
    // SAFETY: each reads numbers and writes one, which may be one of them.
    unsafe {
        P256_mod_n_inv(s_place, s_place);
        P256_mul_mod_n(z_place, z_place, s_place);
        P256_mul_mod_n(s_place, &r, s_place);
    }
    is_sum(x, y, &z, &s, &r)
}

/// Whether `r` is the x-coordinate, modulo n, of so often the generator and so often a point.
#[inline(never)] // its tables are not on the stack while the inverse above is computed
fn is_sum(x: &[u8; 32], y: &[u8; 32], generators: &[u32; 8], points: &[u32; 8], r: &[u32; 8]) -> bool {
    let mut multiples = [[[0; 8]; 3]; 8];
    if !fill_odd_multiples(x, y, &mut multiples) {
        return false;
    }
    let mut room = [[0; 8]; 3];
    let sum = &raw mut room;
    let (mut generators, mut points) = (Digits::of(generators), Digits::of(points));
    for place in (0..=TOP).rev() {
        // SAFETY: it reads a point and writes one.
        unsafe { P256_double_j(sum, sum) };
        let digit = generators.at(place);
        if let Some([x, _]) = ODD_MULTIPLES.get(index(digit)) {
            // SAFETY: the same; x is the first of two coordinates.
            unsafe { P256_add_sub_j(sum, x, digit < 0, true) };
        }
        let digit = points.at(place);
        if let Some([x, ..]) = multiples.get(index(digit)) {
            // SAFETY: the same, of three coordinates.
            unsafe { P256_add_sub_j(sum, x, digit < 0, false) };
        }
    }
    // SAFETY: it reads a number and a point.
    unsafe { P256_verify_last_step(r, sum) }
}

/// Where the multiple of a digit is in a table of odd multiples; beyond any for 0.
fn index(digit: i32) -> usize {
    if digit == 0 { usize::MAX } else { digit.unsigned_abs() as usize / 2 }
}

/// Writes a point, three times it, and so on to fifteen times. False where it is not on the curve.
fn fill_odd_multiples(x: &[u8; 32], y: &[u8; 32], multiples: &mut [Jacobian; 8]) -> bool {
    let [point, .., twice] = multiples;
    for (coordinate, bytes) in point.iter_mut().zip([x, y]) {
        let mut number = [0; 8];
        words(bytes, &mut number);
        // SAFETY: it reads a number and writes one.
        unsafe { P256_to_montgomery(coordinate, &number) };
    }
    point[2] = ONE;
    // SAFETY: it reads two numbers.
    if !unsafe { P256_point_is_on_curve(&point[0], &point[1]) } {
        return false;
    }
    // SAFETY: it reads a point and writes one.
    unsafe { P256_double_j(twice, point) };
    for multiple in 1..multiples.len() {
        // The last one is twice the point until it is its own turn.
        multiples[multiple] = multiples[7];
        let [before, multiple] = [multiple - 1, multiple].map(|at| &raw mut multiples[at]);
        // SAFETY: it reads two points and writes one, which is another.
        unsafe { P256_add_sub_j(multiple, before.cast(), false, false) };
    }
    true
}
