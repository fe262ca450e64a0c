//! `lscoap inspect`: a handshake message or a sealed object, field by field.

mod message;
mod object;
#[cfg(test)]
mod tests;
mod walk;

use crate::error::Error;
use crate::hex;
use lscoap::limits::CID_MAX;
use std::fmt::Write;
use std::io::{Read, stdin};
use walk::{Field, Walk};

/// More than any datagram in hexadecimal with separators.
const INPUT_MAX: u64 = 1 << 20;
/// Bytes of a field on one line.
const ROW: usize = 32;

/// Name the fields of a handshake message or a sealed object
///
/// Tells the two apart by the first byte, and says of every ephemeral key whether it is an x-coordinate of a point of
/// P-256. What does not follow the protocol is shown as far as it goes, with the reason, and gives exit status 1.
/// Nothing is decrypted.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lscoap inspect 110773656e736f722d37771d79e4d6af5a34209eb6290086b80f9c41b98c7364ae197d00be4e9a690d04
  lscoap inspect 1f 01
  lscoap inspect --kid-len 1 0900071bf36b359c57b6cdc4
  xxd -p message.bin | lscoap inspect -")]
pub struct Args {
    /// The bytes in hexadecimal; spaces and colons count for nothing; '-' reads them from standard input
    #[arg(value_name = "HEX", required = true)]
    hex: Vec<String>,
    /// How many bytes the kid of a sealed request has: the length of the receiver's connection ids
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=CID_MAX as i64))]
    kid_len: Option<u8>,
}

/// What the bytes are, by their first one, and what is wrong with the rest.
struct Found {
    /// The protocol's name.
    name: &'static str,
    /// What it does; may be empty.
    meaning: &'static str,
    /// The fault.
    result: Result<(), String>,
}

/// What was found.
struct Report<'a> {
    /// What it is.
    title: String,
    /// As far as they go.
    fields: Vec<Field<'a>>,
    /// What is against the protocol.
    fault: Option<String>,
}

impl Args {
    /// The fields; an error if there is a fault.
    pub fn run(self) -> Result<String, Error> {
        let text = match self.hex.as_slice() {
            [one] if one == "-" => read_stdin()?,
            several => several.join(" "),
        };
        let bytes = hex::decode(&text).map_err(|fault| Error::new(fault.in_text(&text)))?;
        let report = inspect(&bytes, self.kid_len.map(usize::from));
        let table = report.table();
        match report.fault {
            None => Ok(table),
            Some(fault) => Err(Error::new(format!("malformed: {fault}")).printed(table)),
        }
    }
}

/// Standard input as text.
fn read_stdin() -> Result<String, Error> {
    let mut text = String::new();
    match stdin().lock().take(INPUT_MAX + 1).read_to_string(&mut text) {
        Err(error) => Err(Error::new(format!("standard input: {error}"))),
        Ok(_) if text.len() as u64 > INPUT_MAX => Err(Error::new("standard input: too long for a message")),
        Ok(_) => Ok(text),
    }
}

/// Looks at the bytes. The length of a request's kid is known to its receiver alone.
fn inspect(bytes: &[u8], kid_len: Option<usize>) -> Report<'_> {
    let mut walk = Walk::new(bytes);
    let Found { name, meaning, result } = match bytes.first() {
        None => Found { name: "empty", meaning: "", result: Err("there are no bytes".to_owned()) },
        Some(0..=0x0f) => object::inspect(&mut walk, kid_len),
        Some(_) => message::inspect(&mut walk),
    };
    let plural = if bytes.len() == 1 { "" } else { "s" };
    let colon = if meaning.is_empty() { "" } else { ": " };
    let title = format!("{name}, {} byte{plural}{colon}{meaning}", bytes.len());
    let (fields, off_curve) = walk.finish();
    Report { title, fields, fault: result.err().or(off_curve) }
}

impl Report<'_> {
    /// The title and a line for each field, or more for a long one.
    fn table(&self) -> String {
        let names = self.fields.iter().map(|field| field.name.chars().count());
        let width = names.max().unwrap_or(0).max("field".len());
        let mut out = format!("{}\n", self.title);
        if !self.fields.is_empty() {
            let _ = writeln!(out, "\noffset  length  {:width$}  value", "field");
        }
        for field in &self.fields {
            let mut rows = field.bytes.chunks(ROW).map(hex::encode);
            let first = rows.next().unwrap_or_default();
            let (at, len, name) = (field.at, field.bytes.len(), field.name);
            let _ = write!(out, "{at:6}  {len:6}  {name:width$}  {first}");
            for row in rows {
                let _ = write!(out, "\n{:indent$}{row}", "", indent = width + 18);
            }
            let note = &field.note;
            let gap = if field.bytes.is_empty() { "" } else { "  " };
            let _ = if note.is_empty() { writeln!(out) } else { writeln!(out, "{gap}({note})") };
        }
        out
    }
}
