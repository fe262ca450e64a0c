//! `lscoap enroll`: the enrolment string and its QR code.

use crate::error::Error;
use crate::files::{self, Readers};
use crate::id::{DeviceId, IdArgs};
use crate::qr::{Ink, Qr};
use crate::{hex, keyfile};
use clap::ValueEnum;
use lscoap::enrolment;
use lscoap::limits::PUBLIC_KEY_LEN;
use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

/// Print the enrolment string of a device or a server, and draw its QR code
///
/// The string of a device (LSC2:) goes into the server's list of devices, the string of a server (LSS2:) into its
/// devices. It ends with a check, which shows a mistyped character. Neither holds a secret. But whoever can exchange them for others on their way decides who is trusted:
/// carry them on a way that you trust.
#[derive(clap::Args)]
#[command(mut_arg("id", |id| id.required_unless_present_any(["id_hex", "server"])))]
#[command(after_help = "\
Examples:
  lscoap enroll device.key --id sensor-7                    the string, and the QR code on a terminal
  lscoap enroll device.key --id sensor-7 --svg label.svg    the QR code to be printed on a label
  lscoap enroll device.key --id-hex 00124b0018ed3f2a        a device id that is no text
  lscoap enroll --public-key 02430707ef... --id sensor-7    of a device that made its key itself
  lscoap enroll --server server.key                         the string that devices of this server need")]
pub struct Args {
    /// The key file of the device, or with --server of the server
    #[arg(value_name = "KEYFILE", required_unless_present = "public_key", conflicts_with = "public_key")]
    key_file: Option<PathBuf>,
    /// The public key instead of a key file: 33 bytes in hexadecimal, beginning with 02 or 03
    #[arg(long, value_name = "HEX", value_parser = parse_public_key)]
    public_key: Option<[u8; PUBLIC_KEY_LEN]>,
    /// The key is a server's: no device id, an LSS2: string
    #[arg(long, conflicts_with = "device_id")]
    server: bool,
    /// Which device.
    #[command(flatten)]
    id: IdArgs,
    /// Write the string without a check (LSC1:, LSS1:), for older programs that know no other
    #[arg(long)]
    v1: bool,
    /// Whether the QR code is drawn as text
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    qr: When,
    /// Write the QR code as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the QR code as PNG
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Overwrite the pictures if they exist
    #[arg(long)]
    force: bool,
}

/// When the QR code is drawn on standard output.
#[derive(Clone, Copy, ValueEnum)]
enum When {
    /// If standard output is a terminal
    Auto,
    /// Anywhere, for light characters on a dark background
    Always,
    /// Print the string alone
    Never,
}

impl When {
    /// How to draw, if at all.
    fn ink(self) -> Option<Ink> {
        let terminal = stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        match self {
            Self::Never => None,
            Self::Auto | Self::Always if terminal => Some(Ink::Coloured),
            Self::Auto => None,
            Self::Always => Some(Ink::Plain),
        }
    }
}

impl Args {
    /// Writes the pictures that were asked for; gives the string and the drawing.
    pub fn run(self) -> Result<String, Error> {
        let key = match (&self.key_file, self.public_key) {
            (Some(path), _) => keyfile::read(path)?.public,
            (None, Some(key)) => key,
            (None, None) => return Err(Error::new("no key")), // clap asks for one
        };
        let text = |string: &str| string.to_owned();
        let string = match (self.id.get().map(DeviceId::as_slice), self.v1) {
            (Some(id), false) => enrolment::format_device(id, &key).map(|s| text(&s)),
            (Some(id), true) => enrolment::format_device_v1(id, &key).map(|s| text(&s)),
            (None, false) => enrolment::format_server(&key).map(|s| text(&s)),
            (None, true) => enrolment::format_server_v1(&key).map(|s| text(&s)),
        };
        let string = string.map_err(|_| Error::new("the public key is not a point of P-256"))?;
        let qr = Qr::new(&string)?;
        for path in [&self.svg, &self.png].into_iter().flatten() {
            files::check_free(path, self.force)?;
        }
        if let Some(path) = &self.svg {
            files::create(path, qr.svg(&string).as_bytes(), Readers::Everyone, self.force)?;
        }
        if let Some(path) = &self.png {
            files::create(path, &qr.png()?, Readers::Everyone, self.force)?;
        }
        let drawing = self.qr.ink().map(|ink| format!("\n{}", qr.draw(ink))).unwrap_or_default();
        Ok(format!("{string}\n{drawing}"))
    }
}

/// A public key on the command line. Whether it is a point is seen when it is used.
fn parse_public_key(text: &str) -> Result<[u8; PUBLIC_KEY_LEN], String> {
    let bytes = hex::decode(text).map_err(|fault| fault.in_line())?;
    let len = bytes.len();
    bytes.try_into().map_err(|_| format!("a public key has {PUBLIC_KEY_LEN} bytes, this has {len}"))
}
