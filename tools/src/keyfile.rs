//! Key files: 64 hexadecimal digits and a newline, the secret of an identity key. Mode 0600.

use crate::error::Error;
use crate::files::{self, Readers};
use crate::{complain, hex};
use lscoap::enrolment;
use lscoap::limits::{PUBLIC_KEY_LEN, SECRET_KEY_LEN};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Longer than a key file ever is.
const READ_MAX: usize = 2 * SECRET_KEY_LEN + 16;

/// An identity key pair.
pub struct KeyPair {
    /// The secret scalar, big-endian.
    pub secret: Zeroizing<[u8; SECRET_KEY_LEN]>,
    /// The public point, compressed.
    pub public: [u8; PUBLIC_KEY_LEN],
}

impl KeyPair {
    /// The key pair of a secret; `None` where it is not in 1..n−1.
    pub fn of(secret: Zeroizing<[u8; SECRET_KEY_LEN]>) -> Option<Self> {
        let public = enrolment::public_key(&secret).ok()?;
        Some(Self { secret, public })
    }
}

/// Writes a key file.
pub fn write(path: &Path, pair: &KeyPair, force: bool) -> Result<(), Error> {
    let mut text = Zeroizing::new(String::with_capacity(2 * SECRET_KEY_LEN + 1));
    hex::push(&*pair.secret, &mut text);
    text.push('\n');
    files::create(path, text.as_bytes(), Readers::Owner, force)
}

/// Reads a key file. One that everybody can read is refused, one that a group can read is worth a warning, unless it
/// is root's: so a container gets its secrets.
pub fn read(path: &Path) -> Result<KeyPair, Error> {
    let fault = |error: io::Error| Error::at(path, error);
    let mut file = File::open(path).map_err(fault)?;
    let about = file.metadata().map_err(fault)?;
    let mode = about.mode() & 0o777;
    if about.is_file() && mode & 0o027 != 0 {
        return Err(Error::at(
            path,
            format!("open to others (mode {mode:04o}): chmod 600, or make a new key"),
        ));
    }
    if about.is_file() && mode & 0o070 != 0 && about.uid() != 0 {
        complain(&format!("warning: {}: not only its owner can use it (mode {mode:04o})", path.display()));
    }
    let mut text = Zeroizing::new([0; READ_MAX]);
    let len = fill(&mut file, &mut *text).map_err(fault)?;
    let text = text.get(..len).unwrap_or_default();
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    let digits = line.strip_suffix(b"\r").unwrap_or(line);
    let mut secret = Zeroizing::new([0; SECRET_KEY_LEN]);
    hex::decode_into(digits, &mut *secret)
        .ok_or_else(|| Error::at(path, "not a key file: 64 hexadecimal digits are expected"))?;
    KeyPair::of(secret).ok_or_else(|| Error::at(path, "not a secret key of P-256: out of range"))
}

/// Reads until `out` is full or nothing is left.
fn fill(file: &mut File, out: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while let Some(room) = out.get_mut(len..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
