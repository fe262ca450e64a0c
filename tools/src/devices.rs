//! `lscoap devices`: the server's list of enrolled devices.

mod file;
#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::id::{self, IdArgs};
use crate::{files, hex, show};
use clap::Subcommand;
use file::{Added, Devices};
use std::fmt::Write;
use std::fs::{self, Metadata};
use std::io::{ErrorKind, Read, stdin};
use std::path::{Path, PathBuf};

/// Add, list and remove devices in a server's list
///
/// The list is a text file with one enrolment string (LSC2: or LSC1:) a line. What follows a '#' is a comment. Comments and blank lines stay
/// where they are, but for a comment on the line of a device that is removed. A change is made at once or not at all; a
/// server that runs reads the list again on SIGHUP.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lscoap devices add LSC2:ONSW443POIWTO:AJBQ... --file devices.txt
  lscoap enroll device.key --id sensor-7 | lscoap devices add - --file devices.txt
  lscoap devices list --file devices.txt
  lscoap devices remove --id sensor-7 --file devices.txt")]
pub struct Args {
    /// What to do with the list.
    #[command(subcommand)]
    action: Action,
}

/// What can be done with the list.
#[derive(Subcommand)]
#[allow(clippy::missing_docs_in_private_items)] // their help is that of their arguments
enum Action {
    Add(Add),
    List(List),
    Remove(Remove),
}

/// Add devices by their enrolment strings: all of them or none
///
/// A device that is in the list with the same key stays as it is. One that is there with another key is refused,
/// unless --replace says that the device has a new key. A list that does not exist is made.
#[derive(clap::Args)]
struct Add {
    /// LSC2: or LSC1: strings; '-' reads them from standard input, one a line
    #[arg(value_name = "STRING", required = true)]
    strings: Vec<String>,
    /// The list of devices
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Let a device in the list have a new key
    #[arg(long)]
    replace: bool,
}

/// List the devices: id and public key
///
/// A character of an id that is not printable ASCII is shown as \xNN, and so is a space; a backslash as \\.
#[derive(clap::Args)]
struct List {
    /// The list of devices
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Show the ids in hexadecimal
    #[arg(long)]
    hex: bool,
}

/// Remove a device by its id
///
/// A server that runs learns of it when it reads the list again (SIGHUP).
#[derive(clap::Args)]
#[command(group = id::required())]
struct Remove {
    /// Which device.
    #[command(flatten)]
    id: IdArgs,
    /// The list of devices
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

impl Args {
    /// Carries out what was asked for; gives what belongs on standard output.
    pub fn run(self) -> Result<String, Error> {
        match self.action {
            Action::Add(add) => add.run(),
            Action::List(list) => list.run(),
            Action::Remove(remove) => remove.run(),
        }
    }
}

impl Add {
    /// Adds all strings to the list or none.
    fn run(self) -> Result<String, Error> {
        let path = resolve(&self.file)?;
        let _lock = files::lock_directory(&path)?;
        let (mut devices, old) = load_or_new(&path)?;
        let mut out = String::new();
        for new in self.read_strings()? {
            let id = show::escape(&new.id);
            let added = devices.add(new, self.replace).map_err(|line| {
                Error::at(
                    &path,
                    format!("line {line}: {id} has another key there; --replace gives it the new one"),
                )
            })?;
            let _ = match added {
                Added::New => writeln!(out, "added {id}"),
                Added::Replaced => writeln!(out, "replaced the key of {id}"),
                Added::Known => writeln!(out, "{id} is in the list already"),
            };
        }
        if devices.changed() {
            files::replace(&path, &devices.to_bytes(), old.as_ref())?;
        }
        Ok(out)
    }

    /// The devices of the command line and of standard input.
    fn read_strings(&self) -> Result<Vec<file::Device>, Error> {
        let mut out = Vec::new();
        for string in &self.strings {
            if string == "-" {
                let mut bytes = Vec::new();
                let fault = |error| Error::new(format!("standard input: {error}"));
                stdin().lock().read_to_end(&mut bytes).map_err(fault)?;
                let list = parse(&bytes, Path::new("standard input"))?;
                out.extend(list.into_devices());
            } else {
                out.push(file::parse_string(string.as_bytes()).map_err(|fault| {
                    let (place, what) = (fault.at + 1, fault.what);
                    Error::new(format!(
                        "character {place}: {what}\n{}",
                        show::caret(string.as_bytes(), fault.at)
                    ))
                })?);
            }
        }
        Ok(out)
    }
}

impl List {
    /// The table.
    fn run(self) -> Result<String, Error> {
        let (devices, _) = load(&self.file)?;
        check_unique(&devices, &self.file)?;
        let shown = |id: &[u8]| if self.hex { hex::encode(id) } else { show::escape(id) };
        let rows: Vec<_> =
            devices.iter().map(|device| (shown(&device.id), hex::encode(&device.key))).collect();
        let width = rows.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
        Ok(rows.into_iter().fold(String::new(), |mut out, (id, key)| {
            let _ = writeln!(out, "{id:width$}  {key}");
            out
        }))
    }
}

impl Remove {
    /// Takes the device out of the list.
    fn run(self) -> Result<String, Error> {
        let id = self.id.get().ok_or_else(|| Error::new("no device id"))?; // clap asks for one
        let path = resolve(&self.file)?;
        let _lock = files::lock_directory(&path)?;
        let (mut devices, old) = load(&path)?;
        let shown = show::escape(id.as_slice());
        if !devices.remove(id.as_slice()) {
            return Err(Error::at(&path, format!("no device {shown} in the list")));
        }
        files::replace(&path, &devices.to_bytes(), Some(&old))?;
        Ok(format!("removed {shown}\n"))
    }
}

/// The file itself where `path` is a symbolic link, which must not be replaced by a file.
fn resolve(path: &Path) -> Result<PathBuf, Error> {
    if path.is_symlink() {
        path.canonicalize().map_err(|error| Error::at(path, error))
    } else {
        Ok(path.to_owned())
    }
}

/// Reads a list, and what the file system says of it.
fn load(path: &Path) -> Result<(Devices, Metadata), Error> {
    let fault = |error| Error::at(path, error);
    let old = fs::metadata(path).map_err(fault)?;
    if !old.is_file() {
        return Err(Error::at(path, "is not a regular file"));
    }
    Ok((parse(&fs::read(path).map_err(fault)?, path)?, old))
}

/// As [`load`]; an empty list where there is none. Its ids differ.
fn load_or_new(path: &Path) -> Result<(Devices, Option<Metadata>), Error> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((Devices::default(), None)),
        _ => {
            let (devices, old) = load(path)?;
            check_unique(&devices, path)?;
            Ok((devices, Some(old)))
        }
    }
}

/// Parses a list.
fn parse(bytes: &[u8], path: &Path) -> Result<Devices, Error> {
    Devices::parse(bytes).map_err(|fault| {
        let (line, place, what) = (fault.line, fault.fault.at + 1, fault.fault.what);
        let mark = show::caret(&fault.text, fault.fault.at);
        Error::at(path, format!("line {line}, character {place}: {what}\n{mark}"))
    })
}

/// Refuses a list that names a device twice: which of the keys would count?
fn check_unique(devices: &Devices, path: &Path) -> Result<(), Error> {
    match devices.repeated() {
        None => Ok(()),
        Some((first, second)) => {
            Err(Error::at(path, format!("line {second}: the same device id as on line {first}")))
        }
    }
}
