//! Many enrolled devices and the files that their server reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lscoap::client::Profile;
use lscoap::enrolment::{format_device, format_server, public_key};
use lscoap::platform::Platform;
use tempfile::TempDir;

use super::device::{Device, failed};
use crate::testing::{Numbers, random};

/// A server's key and its devices'.
pub struct Fleet {
    dir: TempDir,
    server_key: [u8; 33],
    secrets: Vec<[u8; 32]>,
}

fn id(number: usize) -> String {
    format!("dev{number:05}") // eight bytes, as in the design's own count of bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Fleet {
    /// Makes so many devices, in a directory that vanishes with this.
    pub fn make(devices: usize) -> io::Result<Fleet> {
        let mut numbers = Numbers::from_seed(random());
        let mut secret = || {
            let mut secret = [0; 32];
            numbers.random(&mut secret).map(|()| secret).map_err(failed)
        };
        let server = secret()?;
        let server_key = public_key(&server).map_err(failed)?;
        let (mut secrets, mut list) = (vec![], String::new());
        for number in 0..devices {
            let secret = secret()?;
            let key = public_key(&secret).map_err(failed)?;
            list.push_str(&format_device(id(number).as_bytes(), &key).map_err(failed)?);
            list.push('\n');
            secrets.push(secret);
        }
        let fleet = Fleet { dir: TempDir::new()?, server_key, secrets };
        fs::write(fleet.devices(), list)?;
        fs::write(fleet.server_key(), hex(&server) + "\n")?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(fleet.server_key(), mode)?;
        format_server(&server_key).map_err(failed)?;
        Ok(fleet)
    }

    /// Where these files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The server's key file.
    pub fn server_key(&self) -> PathBuf {
        self.dir.path().join("server.key")
    }

    /// The server's list of devices.
    pub fn devices(&self) -> PathBuf {
        self.dir.path().join("devices.txt")
    }

    /// The first so many of them.
    pub fn load(&self, devices: usize, profile: Profile) -> io::Result<Vec<Device>> {
        let secrets = self.secrets.iter().enumerate().take(devices);
        secrets.map(|(n, secret)| Device::new(&id(n), secret, &self.server_key, profile)).collect()
    }
}
