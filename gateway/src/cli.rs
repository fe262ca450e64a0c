//! The command line.

use crate::check;
use crate::config::Config;
use crate::directory::Devices;
use crate::service::{self, FAILED, Failure, Mode, USAGE};
use crate::store;
use clap::{Args, Parser, Subcommand};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Terminates lscoap for thousands of devices in front of any CoAP server.
#[derive(Parser)]
#[command(
    name = "lscoap-gateway",
    version,
    after_help = "\
Exit status: 0 done, 1 not done, 2 the command line or the configuration makes no sense.
SIGHUP reads the list of devices again; SIGTERM and SIGINT end the gateway once requests under way are
answered, the second time at once.
'lscoap-gateway COMMAND --help' says more."
)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// The file that is read.
#[derive(Args)]
struct File {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/lscoap/gateway.toml")]
    config: PathBuf,
}

/// What it does.
#[derive(Subcommand)]
enum Command {
    /// Serve devices
    Run {
        /// The configuration.
        #[command(flatten)]
        file: File,
        /// Answer /index here, without a back-end: for benchmarks and a first try
        #[arg(long)]
        serve_index: bool,
        /// Answer it to anybody, in the clear: what benchmarks compare with
        #[arg(long, requires = "serve_index")]
        plain: bool,
    },
    /// Say whether `run` would do: reads all files, binds nothing
    Check {
        /// The configuration.
        #[command(flatten)]
        file: File,
        /// Reach for the store and the back-end, too, as the configured user
        #[arg(long)]
        connect: bool,
    },
    /// The list of devices in the store
    Devices {
        /// What to do with it.
        #[command(subcommand)]
        command: DevicesCommand,
    },
}

/// What is done with the list in the store.
#[derive(Subcommand)]
enum DevicesCommand {
    /// Make the devices of a file the list in the store, as a whole
    Import {
        /// A list, as `lscoap devices` keeps it
        list: PathBuf,
        /// The configuration.
        #[command(flatten)]
        file: File,
    },
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "lscoap-gateway: {}", failure.what);
            failure.status.into()
        }
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Run { file, serve_index, plain } => {
                let mode = match (serve_index, plain) {
                    (false, _) => Mode::Backend,
                    (true, false) => Mode::Index,
                    (true, true) => Mode::PlainIndex,
                };
                service::run(file.read()?, mode)
            }
            Self::Check { file, connect } => {
                let config = file.read()?;
                let report = check::check(&file.config, &config, connect);
                print(&format!("{}: {}", file.config.display(), report.text))?;
                report.failure.map_or(Ok(()), Err)
            }
            Self::Devices { command: DevicesCommand::Import { list, file } } => {
                let config = file.read()?;
                if config.store.url.is_none() {
                    return Err(Failure::usage("store.url is \"none\": there is nothing to put a list into"));
                }
                let devices = Devices::read(&list).map_err(Failure::failed)?;
                service::become_configured(&config)?;
                let store = store::open(config.store.url.secret(), &config.store_options());
                let store = store.map_err(|error| Failure::usage(format!("store: {error}")))?;
                store
                    .put_devices(&devices)
                    .map_err(|error| Failure::failed(format!("store: {error}; nothing was changed")))?;
                let s = if devices.len() == 1 { "" } else { "s" };
                print(&format!("{} device{s} in the store ({})\n", devices.len(), config.store.url))
            }
        }
    }
}

impl File {
    fn read(&self) -> Result<Config, Failure> {
        Config::read(&self.config).map_err(Failure::usage)
    }
}

/// Writes to standard output. Nobody reading it any more is no fault.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure { status: FAILED, what: format!("standard output: {error}") })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_in_order() {
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["lscoap-gateway", "run", "--plain"]).is_err());
        assert!(Cli::try_parse_from(["lscoap-gateway", "run", "--serve-index", "--plain"]).is_ok());
    }
}
