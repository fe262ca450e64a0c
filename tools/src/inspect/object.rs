//! Sealed objects (protocol section 9).

use super::Found;
use super::walk::Walk;
use lscoap::limits::TAG_LEN;

/// The bit of the flags that says that there is a kid.
const KID_FLAG: u8 = 0x08;
/// The bits of the flags that hold the length of the Partial IV.
const IV_LEN: u8 = 0x07;
/// A length that is not limited.
const ANY: (usize, usize) = (0, usize::MAX);
/// The longest Partial IV.
const IV_MAX: u8 = 5;

/// Names the fields. Also what the object is and what it means.
pub fn inspect(walk: &mut Walk<'_>, kid_len: Option<usize>) -> Found {
    let flags = walk.left().first().copied().unwrap_or_default();
    let request = flags & KID_FLAG != 0;
    let (name, meaning) = match (request, flags & IV_LEN) {
        (true, _) => ("sealed request", "a number of the sender's, and whose session it is"),
        (false, 0) => ("sealed response", "it uses the number of its request"),
        (false, _) => ("sealed response", "it has a number of its own, as notifications do"),
    };
    let result = fields(walk, flags & IV_LEN, request.then_some(kid_len));
    Found { name, meaning, result }
}

/// The fields: `kid` is `None` where there is no kid, and holds its length if that is known.
fn fields(walk: &mut Walk<'_>, iv_len: u8, kid: Option<Option<usize>>) -> Result<(), String> {
    walk.byte("flags")?;
    let with_kid = if kid.is_some() { "a kid" } else { "no kid" };
    walk.note(match iv_len {
        0 => format!("no Partial IV, {with_kid}"),
        _ => format!("Partial IV of length {iv_len}, {with_kid}"),
    });
    if iv_len > IV_MAX {
        return walk.fault_before(format_args!("a Partial IV has at most {IV_MAX} bytes, not {iv_len}"));
    }
    if iv_len == 0 && kid.is_some() {
        return walk.fault_before("a request must have a Partial IV");
    }
    if iv_len > 0 {
        partial_iv(walk, iv_len)?;
    }
    if let Some(Some(len)) = kid {
        walk.take("kid", len)?;
    }
    let name = if kid == Some(None) { "kid, ciphertext" } else { "ciphertext" };
    if !walk.take_all_but(name, TAG_LEN, ANY)?.is_empty() && kid == Some(None) {
        walk.note("--kid-len tells the two apart");
    }
    walk.take("tag", TAG_LEN).map(|_| ())
}

/// The sequence number.
fn partial_iv(walk: &mut Walk<'_>, len: u8) -> Result<(), String> {
    let bytes = walk.take("Partial IV", usize::from(len))?;
    let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    walk.note(format!("sequence number {number}"));
    match bytes {
        [0, _, ..] => walk.fault_before("the Partial IV is not in its shortest form"),
        _ => Ok(()),
    }
}
