//! Identity keys and enrolment strings of lscoap, made with the `openssl` program: the programs under test meet keys
//! that lscoap's own code has not made.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::tool;

/// The private key starts here in the DER form of an EC key: SEQUENCE, INTEGER 1, OCTET STRING of 32 bytes.
const PRIVATE_AT: usize = 7;

/// A P-256 key pair.
#[derive(Clone)]
pub struct Identity {
    /// 32 bytes, big-endian.
    pub private: [u8; 32],
    /// Compressed SEC1 point.
    pub public: [u8; 33],
}

impl Identity {
    /// A new one.
    pub fn generate() -> io::Result<Identity> {
        let bad = || io::Error::other("openssl gives a key of an unexpected form");
        let dir = TempDir::new()?;
        let key = dir.path().join("key.der");
        let key = key.to_str().ok_or_else(bad)?;
        tool(
            "openssl",
            ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-outform", "DER", "-out", key],
        )?;
        let der = fs::read(key)?;
        let public = tool(
            "openssl",
            ["ec", "-in", key, "-inform", "DER", "-pubout", "-conv_form", "compressed", "-outform", "DER"],
        )?;
        Ok(Identity {
            private: der.get(PRIVATE_AT..PRIVATE_AT + 32).ok_or_else(bad)?.try_into().map_err(|_| bad())?,
            public: *public.last_chunk().ok_or_else(bad)?,
        })
    }

    /// What a key file holds: 64 hexadecimal digits.
    pub fn key_file(&self) -> String {
        self.private.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect()
    }

    /// The enrolment string of a device of this key, without a check.
    pub fn device_string(&self, device_id: &str) -> String {
        format!("LSC1:{}:{}", base32(device_id.as_bytes()), base32(&self.public))
    }

    /// The enrolment string of a server of this key, without a check.
    pub fn server_string(&self) -> String {
        format!("LSS1:{}", base32(&self.public))
    }
}

/// A server and one device that know each other, with the files that their programs read.
pub struct Enrolment {
    dir: TempDir,
    /// The server's key.
    pub server: Identity,
    /// The device's key.
    pub device: Identity,
    /// The device's id.
    pub device_id: String,
}

impl Enrolment {
    /// Makes keys and files, in a directory that vanishes with this.
    pub fn make(device_id: &str) -> io::Result<Enrolment> {
        let made = Enrolment {
            dir: TempDir::new()?,
            server: Identity::generate()?,
            device: Identity::generate()?,
            device_id: device_id.to_owned(),
        };
        write_key(&made.server_key(), &made.server)?;
        write_key(&made.device_key(), &made.device)?;
        fs::write(made.devices(), format!("# test\n{}\n", made.device.device_string(device_id)))?;
        Ok(made)
    }

    /// Where the files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The server's key file.
    pub fn server_key(&self) -> PathBuf {
        self.dir.path().join("server.key")
    }

    /// The device's key file.
    pub fn device_key(&self) -> PathBuf {
        self.dir.path().join("device.key")
    }

    /// The server's list of devices.
    pub fn devices(&self) -> PathBuf {
        self.dir.path().join("devices.txt")
    }
}

/// Writes a key file, readable by its owner only, as programs may ask for.
pub fn write_key(path: &Path, identity: &Identity) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(identity.key_file().as_bytes())
}

/// RFC 4648, without padding.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |n: usize| bytes.get(n / 8).map_or(0, |byte| byte >> (7 - n % 8) & 1);
    (0..(bytes.len() * 8).div_ceil(5))
        .map(|digit| (0..5).fold(0, |value, n| value << 1 | bit(digit * 5 + n)))
        .map(|value| char::from(DIGITS[usize::from(value)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn strings_have_their_lengths() {
        let identity = Identity::generate().unwrap();
        assert!(matches!(identity.public[0], 2 | 3));
        assert_eq!(identity.key_file().trim().len(), 64);
        assert_eq!(identity.server_string().len(), 5 + 53);
        assert!(identity.device_string("sensor-1").starts_with("LSC1:ONSW443POIWTC:"));
    }
}
