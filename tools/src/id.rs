//! Device ids on the command line.

use crate::hex;
use clap::{ArgGroup, Args};
use lscoap::limits::DEVICE_ID_MAX;

/// A device id, 1 to 32 bytes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DeviceId(Vec<u8>);

impl DeviceId {
    /// Checks the length.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        match bytes.len() {
            1..=DEVICE_ID_MAX => Ok(Self(bytes.to_vec())),
            len => Err(format!("a device id has 1 to {DEVICE_ID_MAX} bytes, this has {len}")),
        }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Of text: its bytes in UTF-8.
    fn of_text(text: &str) -> Result<Self, String> {
        Self::new(text.as_bytes())
    }

    /// Of hexadecimal digits.
    fn of_hex(text: &str) -> Result<Self, String> {
        Self::new(&hex::decode(text).map_err(|fault| fault.in_line())?)
    }
}

/// A device id in either form.
#[derive(Args)]
#[group(id = "device_id", multiple = false)]
pub struct IdArgs {
    /// The device id as text
    #[arg(long, value_name = "TEXT", value_parser = DeviceId::of_text, allow_hyphen_values = true)]
    id: Option<DeviceId>,
    /// The device id in hexadecimal, for one that is no text
    #[arg(long, value_name = "HEX", value_parser = DeviceId::of_hex)]
    id_hex: Option<DeviceId>,
}

/// For a command that cannot do without an id.
pub fn required() -> ArgGroup {
    ArgGroup::new("needs_device_id").args(["id", "id_hex"]).required(true)
}

impl IdArgs {
    /// The id, where one was given.
    pub fn get(&self) -> Option<&DeviceId> {
        self.id.as_ref().or(self.id_hex.as_ref())
    }
}
