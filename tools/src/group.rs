//! `lscoap group`: asks a running secure_server or lscoap-gateway about its groups, over a Unix socket.

use crate::error::Error;
use crate::hex;
use crate::id::{self, IdArgs};
use clap::{Subcommand, ValueEnum};
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Groups of devices: one sealed message to many (docs/group.md)
///
/// The server keeps its groups in a file, which it alone writes: `secure_server --group FILE`. lscoap-gateway keeps them in its
/// store; FILE is `control` of its configuration then. This command talks to the one that runs, and only its user (and root) may.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure_server --group groups.txt ... &
  lscoap group create --file groups.txt --address 239.192.0.1 --port 5685
  lscoap group add --file groups.txt --id lamp-1
  lscoap group send --file groups.txt PUT /light on
  lscoap group remove --file groups.txt --id lamp-1")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    action: Action,
}

/// What can be asked of the server.
#[derive(Subcommand)]
#[allow(clippy::missing_docs_in_private_items)] // their help is that of their arguments
enum Action {
    Create(Create),
    #[command(about = "Let an enrolled device in")]
    Add(Member),
    #[command(about = "Put a device out, which begins a new epoch, with new keys")]
    Remove(Member),
    Rekey(Which),
    List(Where),
    Send(Send),
}

/// Where the server keeps its groups.
#[derive(clap::Args)]
#[command(about = "List the groups, with who is allowed in and who is in")]
struct Where {
    /// The file that secure_server was given by --group, or `control` of lscoap-gateway's configuration
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// Which group.
#[derive(clap::Args)]
#[command(about = "Begin a new epoch, with new keys: after a theft, say")]
struct Which {
    /// Where the server keeps its groups.
    #[command(flatten)]
    at: Where,
    /// The group's number; not needed where there is one group
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    group: Option<u16>,
}

impl Which {
    /// The number; 0: the only one.
    fn number(&self) -> u16 {
        self.group.unwrap_or(0)
    }
}

/// How a request is proved to be the server's.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// By a signature: for everything, and groups of any size.
    Signed,
    /// By a tag of 4 bytes for each member: quick, for at most 16.
    Tagged,
}

impl Mode {
    /// The server's word for it.
    fn word(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Tagged => "tagged",
        }
    }
}

/// Make a group; prints its number
#[derive(clap::Args)]
struct Create {
    /// Where the server keeps its groups.
    #[command(flatten)]
    at: Where,
    /// How its requests may be proved
    #[arg(long, value_enum, value_delimiter = ',', default_value = "signed")]
    modes: Vec<Mode>,
    /// Members do not answer
    #[arg(long)]
    no_answers: bool,
    /// Numbers follow the server's clock, so that members can tell the age of a request
    #[arg(long)]
    timed: bool,
    /// Room for that many members in the tagged mode, 1 to 16
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16), default_value = "16")]
    slots: u8,
    /// Where requests are sent to: a multicast address of the group's own
    #[arg(long, value_name = "ADDRESS")]
    address: IpAddr,
    /// The UDP port of that
    #[arg(long, value_name = "PORT", default_value = "5683")]
    port: u16,
    /// Where else to: a member that no multicast reaches; up to 4 times
    #[arg(long, value_name = "ADDRESS:PORT")]
    copy: Vec<SocketAddr>,
}

/// A device and a group.
#[derive(clap::Args)]
#[command(group = id::required())]
struct Member {
    /// Which group.
    #[command(flatten)]
    which: Which,
    /// Which device.
    #[command(flatten)]
    id: IdArgs,
}

/// Send one request to all members, and print who answers
#[derive(clap::Args)]
struct Send {
    /// Which group.
    #[command(flatten)]
    which: Which,
    /// How the request is proved
    #[arg(long, value_enum, default_value = "signed")]
    mode: Mode,
    /// How long answers are awaited
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    wait: f32,
    /// GET, PUT, POST, DELETE, FETCH, PATCH or iPATCH
    #[arg(value_name = "METHOD")]
    method: String,
    /// Path and query, as in /light
    #[arg(value_name = "PATH")]
    path: String,
    /// What is sent
    #[arg(value_name = "PAYLOAD", default_value = "")]
    payload: String,
}

impl Args {
    /// Asks the server; gives what it says.
    pub fn run(self) -> Result<String, Error> {
        let (at, line) = match self.action {
            Action::Create(create) => create.line(),
            Action::Add(member) => member.line("add")?,
            Action::Remove(member) => member.line("remove")?,
            Action::Rekey(which) => {
                let line = format!("rekey {}", which.number());
                (which.at, line)
            }
            Action::List(at) => (at, "list".to_owned()),
            Action::Send(send) => send.line(),
        };
        ask(&at.file, &line)
    }
}

impl Create {
    /// What the server is asked.
    fn line(self) -> (Where, String) {
        let mut flags: Vec<_> = self.modes.iter().map(|mode| mode.word()).collect();
        let tagged = flags.contains(&Mode::Tagged.word());
        if !self.no_answers {
            flags.push("answers");
        }
        if self.timed {
            flags.push("timed");
        }
        let slots = if tagged { self.slots } else { 0 };
        let line = format!("create {} slots={slots}", flags.join(","));
        let to = [SocketAddr::new(self.address, self.port)];
        let line = to.iter().chain(&self.copy).fold(line, |line, to| {
            let address = match to.ip() {
                IpAddr::V4(address) => hex::encode(&address.octets()),
                IpAddr::V6(address) => hex::encode(&address.octets()),
            };
            format!("{line} address={address} port={}", to.port())
        });
        (self.at, line)
    }
}

impl Member {
    /// What the server is asked.
    fn line(self, what: &str) -> Result<(Where, String), Error> {
        let id = self.id.get().ok_or_else(|| Error::new("no device id"))?; // clap asks for one
        let line = format!("{what} {} {}", self.which.number(), hex::encode(id.as_slice()));
        Ok((self.which.at, line))
    }
}

impl Send {
    /// What the server is asked.
    fn line(self) -> (Where, String) {
        let line = format!(
            "send {} {} wait={} method={} path={} payload={}",
            self.which.number(),
            self.mode.word(),
            (self.wait.max(0.0) * 1000.0) as u32,
            self.method,
            hex::encode(self.path.as_bytes()),
            hex::encode(self.payload.as_bytes())
        );
        (self.which.at, line)
    }
}

/// The longest wait for a line of the server's: longer than any `--wait` that makes sense.
const PATIENCE: Duration = Duration::from_secs(300);

/// One line to the server, and what it says before its "ok".
fn ask(file: &Path, line: &str) -> Result<String, Error> {
    let mut path = file.as_os_str().to_owned();
    path.push(".sock");
    let fault = |error: std::io::Error| {
        Error::at(file, format!("no secure_server --group and no lscoap-gateway answers for it: {error}"))
    };
    let mut stream = UnixStream::connect(Path::new(&path)).map_err(fault)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(fault)?;
    stream.write_all(format!("{line}\n").as_bytes()).map_err(fault)?;
    let mut printed = String::new();
    for said in BufReader::new(stream).lines() {
        let said = said.map_err(fault)?;
        if said == "ok" {
            return Ok(printed);
        }
        if let Some(error) = said.strip_prefix("error: ") {
            return Err(Error { printed, ..Error::new(error.to_owned()) });
        }
        printed.push_str(&said);
        printed.push('\n');
    }
    Err(Error { printed, ..Error::new("the server has hung up") })
}
