//! The file with the identity key, as `lscoap keygen --server` writes it.

use lscoap::enrolment;
use lscoap::limits::SECRET_KEY_LEN;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Longer than a key file ever is.
const READ_MAX: usize = 2 * SECRET_KEY_LEN + 16;

/// A secret key.
pub type Key = Zeroizing<[u8; SECRET_KEY_LEN]>;

/// Reads the secret key, and says what is worth a warning. A file that everybody can read is refused, one that a group can read is worth a
/// warning, unless it is root's: so a container gets its secrets.
pub fn read(path: &Path) -> Result<(Key, Option<String>), String> {
    let named = |what| format!("{}: {what}", path.display());
    let (secret, warning) = read_file(path).map_err(named)?;
    Ok((secret, warning.map(named)))
}

fn read_file(path: &Path) -> Result<(Key, Option<String>), String> {
    let fault = |error: io::Error| error.to_string();
    let mut file = File::open(path).map_err(fault)?;
    let about = file.metadata().map_err(fault)?;
    let mode = about.mode() & 0o777;
    if about.is_file() && mode & 0o027 != 0 {
        return Err(format!("open to others (mode {mode:04o}): chmod 600, or make a new key"));
    }
    let is_shared = about.is_file() && mode & 0o070 != 0 && about.uid() != 0;
    let warning = is_shared.then(|| format!("not only its owner can use it (mode {mode:04o}): chmod 600"));
    let mut text = Zeroizing::new([0; READ_MAX]);
    let mut len = 0;
    while let Some(room) = text.get_mut(len..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(got) => len += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(error)),
        }
    }
    let text = text.get(..len).unwrap_or_default();
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    let digits = line.strip_suffix(b"\r").unwrap_or(line);
    let mut secret = Zeroizing::new([0; SECRET_KEY_LEN]);
    hex::decode_to_slice(digits, &mut *secret).map_err(
        |_| "not a key file: 64 hexadecimal digits are expected, as `lscoap keygen --server` writes",
    )?;
    enrolment::public_key(&secret).map_err(|_| "not a secret key of P-256: out of range")?;
    Ok((secret, warning))
}
