//! The `lscoap` command: makes keys, enrols devices and servers, keeps the server's list of devices, writes the
//! header that a device's firmware needs, and names the fields of a message.
#![forbid(unsafe_code)]
#![deny(missing_docs, clippy::missing_docs_in_private_items)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod c_header;
mod devices;
mod enroll;
mod error;
mod files;
mod group;
mod hex;
mod id;
mod inspect;
mod keyfile;
mod keygen;
mod qr;
mod show;

use clap::{Parser, Subcommand};
use error::Error;
use std::io::{ErrorKind, Write, stderr, stdout};
use std::process::ExitCode;

/// The exit status of what could not be done.
const FAILED: u8 = 1;
/// The exit status of a command line that makes no sense.
const USAGE: u8 = 2;

/// Keys, enrolment, device lists and messages of LSCoAP: secure CoAP for devices too small for DTLS.
#[derive(Parser)]
#[command(
    name = "lscoap",
    version,
    after_help = "\
From nothing to an enrolled device:
  lscoap keygen --server server.key
  lscoap keygen device.key
  lscoap enroll device.key --id sensor-7 | lscoap devices add - --file devices.txt
  lscoap c-header device.key --id sensor-7 --server \"$(lscoap enroll --server server.key)\" -o identity.h

No command overwrites a file unless told to with --force; only `devices` changes one, and that at once or not at all.
Exit status: 0 done, 1 not done, 2 the command line makes no sense.
'lscoap COMMAND --help' says more."
)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// The subcommands.
#[derive(Subcommand)]
#[allow(clippy::missing_docs_in_private_items)] // their help is that of their arguments
enum Command {
    Keygen(keygen::Args),
    Enroll(enroll::Args),
    Devices(devices::Args),
    CHeader(c_header::Args),
    Group(group::Args),
    Inspect(inspect::Args),
}

impl Command {
    /// Carries it out; gives what belongs on standard output.
    fn run(self) -> Result<String, Error> {
        match self {
            Self::Keygen(args) => args.run(),
            Self::Enroll(args) => args.run(),
            Self::Devices(args) => args.run(),
            Self::CHeader(args) => args.run(),
            Self::Group(args) => args.run(),
            Self::Inspect(args) => args.run(),
        }
    }
}

/// Writes to standard output. Nobody reading it any more is no fault.
fn print(text: &str) -> Result<(), Error> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something on standard error.
fn complain(text: &str) {
    write_error(&format!("lscoap: {text}\n"));
}

/// Writes to standard error, if there is any.
fn write_error(text: &str) {
    let _ = stderr().write_all(text.as_bytes());
}

/// Parses the command line and carries it out.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            let text = error.render().to_string();
            match text.strip_prefix("error: ") {
                Some(fault) => complain(fault.trim_end()),
                None => write_error(&text), // the help, where there is no command
            }
            return ExitCode::from(USAGE);
        }
        Err(help) => return exit(print(&help.render().to_string())),
    };
    exit(cli.command.run().and_then(|text| print(&text)))
}

/// The exit status, after saying what went wrong.
fn exit(result: Result<(), Error>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if let Err(second) = print(&error.printed) {
        complain(&second.message);
    }
    complain(&error.message);
    ExitCode::from(FAILED)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
