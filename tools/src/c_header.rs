//! `lscoap c-header`: what a device's firmware has to know.

use crate::error::Error;
use crate::files::{self, Readers};
use crate::id::{self, DeviceId, IdArgs};
use crate::keyfile::{self, KeyPair};
use crate::{hex, show};
use lscoap::enrolment;
use lscoap::limits::PUBLIC_KEY_LEN;
use std::fmt::Write;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// More than a header ever takes, so that the secret in it stays in one place.
const TEXT_MAX: usize = 8192;
/// Bytes on a line of an array.
const ROW: usize = 12;

/// Write a device's identity and the server's key as a C header for firmware
///
/// The header defines three arrays, of the device's secret key, its id and its server's public key, as
/// lscoap_client_config takes them. It holds a secret: only its owner can read it, and it belongs neither into version
/// control nor into a build cache.
#[derive(clap::Args)]
#[command(group = id::required())]
#[command(after_help = "\
Examples:
  lscoap c-header device.key --id sensor-7 --server LSS2:ALFL... -o identity.h
  lscoap c-header device.key --id sensor-7 --server-key server.key -o identity.h --prefix node7_

In the firmware, in one source file (every file that includes it holds the secret again):
  #include \"identity.h\"
  .device_id = lscoap_device_id, .device_id_len = sizeof lscoap_device_id,
  .identity = lscoap_identity, .server_key = lscoap_server_key")]
pub struct Args {
    /// The key file of the device
    #[arg(value_name = "KEYFILE")]
    key_file: PathBuf,
    /// Which device.
    #[command(flatten)]
    id: IdArgs,
    /// Which server.
    #[command(flatten)]
    server: ServerArgs,
    /// The header to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// What the names in the header begin with
    #[arg(long, value_name = "PREFIX", default_value = "lscoap_", value_parser = parse_prefix)]
    prefix: String,
    /// Overwrite the header if it exists
    #[arg(long)]
    force: bool,
}

/// The server's key, in either form.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct ServerArgs {
    /// The server's string, LSS2: or LSS1:
    #[arg(long, value_name = "STRING")]
    server: Option<String>,
    /// The server's key file; its public part alone is used
    #[arg(long, value_name = "KEYFILE")]
    server_key: Option<PathBuf>,
}

impl ServerArgs {
    /// The public key.
    fn get(&self) -> Result<[u8; PUBLIC_KEY_LEN], Error> {
        match (&self.server, &self.server_key) {
            (Some(text), _) => enrolment::parse_server(text).map_err(|fault| {
                let mark = show::caret(text.as_bytes(), fault.at);
                let (place, what) = (fault.at + 1, fault.what.message());
                Error::new(format!("--server: character {place}: {what}\n{mark}"))
            }),
            (None, Some(path)) => Ok(keyfile::read(path)?.public),
            (None, None) => Err(Error::new("no server")), // clap asks for one
        }
    }
}

impl Args {
    /// Writes the header. Nothing belongs on standard output.
    pub fn run(self) -> Result<String, Error> {
        let id = self.id.get().ok_or_else(|| Error::new("no device id"))?; // clap asks for one
        files::check_free(&self.output, self.force)?;
        let server = self.server.get()?;
        let pair = keyfile::read(&self.key_file)?;
        if pair.public == server {
            return Err(Error::new("device and server have the same key: is one of the two the wrong one?"));
        }
        let text = header(&self.prefix, &pair, id, &server)?;
        files::create(&self.output, text.as_bytes(), Readers::Owner, self.force)?;
        Ok(String::new())
    }
}

/// A prefix that makes identifiers, and none that C keeps for itself.
fn parse_prefix(text: &str) -> Result<String, String> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if first && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        Ok(text.to_owned())
    } else {
        Err("a prefix is a letter, then letters, digits and underscores".to_owned())
    }
}

/// The header's text.
fn header(
    prefix: &str,
    pair: &KeyPair,
    id: &DeviceId,
    server: &[u8; PUBLIC_KEY_LEN],
) -> Result<Zeroizing<String>, Error> {
    let guard = format!("{}IDENTITY_H", prefix.to_ascii_uppercase());
    let device_string = enrolment::format_device(id.as_slice(), &pair.public);
    let server_string = enrolment::format_server(server);
    let (Ok(device_string), Ok(server_string)) = (device_string, server_string) else {
        return Err(Error::new("no enrolment string of these keys"));
    };
    let mut out = Zeroizing::new(String::with_capacity(TEXT_MAX + 8 * prefix.len()));
    let _ = write!(
        out,
        "/*\n * SECRET: holds the identity key of a device. Do not publish, do not commit.\n *\n \
         * device: {device_string}\n * server: {server_string}\n *\n \
         * Written by `lscoap c-header`. Include it in one source file alone.\n */\n\
         #ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n"
    );
    array(&mut out, prefix, "identity", "The device's secret key.", &*pair.secret);
    array(&mut out, prefix, "device_id", "The device id.", id.as_slice());
    array(&mut out, prefix, "server_key", "The server's public key.", server);
    let _ = write!(out, "\n#endif /* {guard} */\n");
    Ok(out)
}

/// Appends an array.
fn array(out: &mut String, prefix: &str, name: &str, comment: &str, bytes: &[u8]) {
    let len = bytes.len();
    let _ = write!(out, "\n/* {comment} */\nstatic const uint8_t {prefix}{name}[{len}] = {{\n");
    for row in bytes.chunks(ROW) {
        out.push_str("   ");
        for byte in row {
            out.push_str(" 0x");
            hex::push(&[*byte], out);
            out.push(',');
        }
        out.push('\n');
    }
    out.push_str("};\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_header_fits_its_buffer() {
        let pair = KeyPair::of(Zeroizing::new([1; 32])).unwrap();
        let server = KeyPair::of(Zeroizing::new([2; 32])).unwrap().public;
        let prefix = "p".repeat(500);
        let text = header(&prefix, &pair, &DeviceId::new(&[0xff; 32]).unwrap(), &server).unwrap();
        assert_eq!(text.capacity(), TEXT_MAX + 8 * prefix.len(), "it never moved");
    }

    #[test]
    fn prefixes_make_identifiers() {
        for good in ["lscoap_", "n7_", "A"] {
            assert!(parse_prefix(good).is_ok());
        }
        for bad in ["", "_a", "7a", "a-b", "a b", "é", "a;"] {
            assert!(parse_prefix(bad).is_err());
        }
    }
}
