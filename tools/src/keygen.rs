//! `lscoap keygen`: a new identity key.

use crate::error::Error;
use crate::keyfile::{self, KeyPair};
use crate::{files, hex};
use lscoap::enrolment;
use lscoap::limits::SECRET_KEY_LEN;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A value is out of range once in 2^32: this many in a row mean that the source is broken.
const TRIES: usize = 4;

/// Make the identity key of a device or of a server
///
/// Writes a new secret key to a file that only its owner can read (64 hexadecimal digits) and prints what may be
/// known to everyone: of a device the public key, of a server its LSS2: string.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lscoap keygen device.key             a device's key
  lscoap keygen --server server.key    a server's key, and the LSS2: string that its devices need

The file is the only copy of the secret. A device whose key is overwritten has to be enrolled again;
a server whose key is overwritten is unknown to all its devices.")]
pub struct Args {
    /// The key file to make
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the LSS2: string of a server instead of a device's public key
    #[arg(long)]
    server: bool,
    /// Print it without a check (LSS1:), for older programs that know no other
    #[arg(long, requires = "server")]
    v1: bool,
    /// Overwrite the file if it exists: the key in it is lost
    #[arg(long)]
    force: bool,
}

impl Args {
    /// Makes the key file; gives the public part.
    pub fn run(self) -> Result<String, Error> {
        files::check_free(&self.file, self.force)?;
        let pair = generate(|out| {
            getrandom::fill(out).map_err(|error| Error::new(format!("the random source fails: {error}")))
        })?;
        let mut public = if self.server {
            let format = if self.v1 { enrolment::format_server_v1 } else { enrolment::format_server };
            let text = format(&pair.public).map_err(|_| Error::new("no server string"))?;
            text.as_str().to_owned()
        } else {
            hex::encode(&pair.public)
        };
        keyfile::write(&self.file, &pair, self.force)?;
        public.push('\n');
        Ok(public)
    }
}

/// A key pair from random bytes. Values that are no secret key are drawn anew.
fn generate(mut random: impl FnMut(&mut [u8]) -> Result<(), Error>) -> Result<KeyPair, Error> {
    for _ in 0..TRIES {
        let mut secret = Zeroizing::new([0; SECRET_KEY_LEN]);
        random(&mut *secret)?;
        if let Some(pair) = KeyPair::of(secret) {
            return Ok(pair);
        }
    }
    Err(Error::new("the random source gives no usable key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_drawn_anew() {
        let mut draws = [[0; SECRET_KEY_LEN], [0xff; SECRET_KEY_LEN], [1; SECRET_KEY_LEN]].into_iter();
        let pair = generate(|out| {
            out.copy_from_slice(&draws.next().unwrap());
            Ok(())
        });
        assert_eq!(*pair.unwrap().secret, [1; SECRET_KEY_LEN]);
    }

    #[test]
    fn a_broken_source_is_reported() {
        let error = generate(|_| Ok(())).err().unwrap();
        assert!(error.message.contains("no usable key"));
        let error = generate(|_| Err(Error::new("no entropy"))).err().unwrap();
        assert_eq!(error.message, "no entropy");
    }
}
