//! Real database servers, Debian's, each in a directory of its own, on a Unix socket and no other port. They end with the value, also
//! when a test fails.

use crate::process::{Program, run};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to start or stop, however busy the machine is.
const LIMIT: Duration = Duration::from_secs(60);
/// Debian's `nobody`: PostgreSQL does not run as root.
const NOBODY: u32 = 65_534;

/// A server.
pub struct Store {
    kind: Kind,
    program: Option<Program>,
    directory: TempDir,
}

/// Which one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Redis,
    RedisEverysec,
    Postgresql,
}

impl Store {
    /// Redis, which has a command on the disk before it answers it.
    pub fn redis() -> io::Result<Self> {
        Self::new(Kind::Redis)
    }

    /// Redis, which has a command on the disk within a second: as it is often run.
    pub fn redis_everysec() -> io::Result<Self> {
        Self::new(Kind::RedisEverysec)
    }

    /// PostgreSQL, with nothing in it.
    pub fn postgresql() -> io::Result<Self> {
        Self::new(Kind::Postgresql)
    }

    fn new(kind: Kind) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("lscoap-store-").tempdir()?;
        let mut store = Self { kind, program: None, directory };
        if kind == Kind::Postgresql {
            if is_root() {
                chown(store.directory(), Some(NOBODY), Some(NOBODY))?;
            }
            let data = store.directory().join("data");
            let options = [
                "--username=lscoap",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--pgdata",
            ];
            let made = run(store.postgres_command("initdb")?.args(options).arg(data), LIMIT)?;
            if made.code != Some(0) {
                return Err(io::Error::other(format!("initdb: {}", made.stderr)));
            }
        }
        store.start()?;
        Ok(store)
    }

    /// Where it keeps everything.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What a client is told.
    pub fn url(&self) -> String {
        let directory = self.directory().display();
        match self.kind {
            Kind::Redis | Kind::RedisEverysec => format!("redis+unix://{directory}/redis.sock"),
            Kind::Postgresql => format!("postgresql://lscoap@/postgres?host={directory}"),
        }
    }

    /// Starts it again, with what it had stored; waits until it takes connections.
    pub fn start(&mut self) -> io::Result<()> {
        self.kill()?;
        let mut command = match self.kind {
            Kind::Redis | Kind::RedisEverysec => {
                let mut command = Command::new("redis-server");
                command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync"]);
                command.arg(if self.kind == Kind::Redis { "always" } else { "everysec" }).arg("--dir");
                command.arg(self.directory()).arg("--unixsocket").arg(self.socket());
                command
            }
            Kind::Postgresql => {
                let mut command = self.postgres_command("postgres")?;
                command
                    .args(["-c", "listen_addresses=", "-c", "max_connections=50", "-k"])
                    .arg(self.directory());
                command.arg("-D").arg(self.directory().join("data"));
                command
            }
        };
        let mut program = Program::start(&mut command)?;
        let end = Instant::now() + LIMIT;
        loop {
            if UnixStream::connect(self.socket()).is_ok() && self.ask(self.kind.question()).is_ok() {
                self.program = Some(program);
                return Ok(());
            }
            if program.wait(Duration::from_millis(20)).is_ok() || Instant::now() >= end {
                let (out, err) = (program.stdout(), program.stderr());
                return Err(io::Error::other(format!("{:?} does not start: {out}{err}", self.kind)));
            }
        }
    }

    /// Ends it as a crash would: what it had not stored is lost.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(mut program) = self.program.take() else { return Ok(()) };
        // PostgreSQL's processes end with it only if it tells them; it writes nothing then.
        program.signal(if self.kind == Kind::Postgresql { "QUIT" } else { "KILL" })?;
        program.wait(LIMIT).map(drop)
    }

    /// Stops it where it stands: clients wait. PostgreSQL's other processes go on, so this is for Redis.
    pub fn freeze(&self) -> io::Result<()> {
        self.program.as_ref().map_or(Ok(()), |program| program.signal("STOP"))
    }

    /// Lets it go on.
    pub fn thaw(&self) -> io::Result<()> {
        self.program.as_ref().map_or(Ok(()), |program| program.signal("CONT"))
    }

    /// What the server's own client prints for a command: words for `redis-cli`, SQL for `psql`.
    pub fn ask<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> io::Result<String> {
        let mut client = match self.kind {
            Kind::Redis | Kind::RedisEverysec => {
                let mut client = Command::new("redis-cli");
                client.arg("-e").arg("-s").arg(self.socket());
                client
            }
            Kind::Postgresql => {
                let mut client = Command::new("psql");
                client.args([
                    "-X",
                    "-A",
                    "-t",
                    "-q",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-U",
                    "lscoap",
                    "-d",
                    "postgres",
                    "-h",
                ]);
                client.arg(self.directory()).arg("-c");
                client
            }
        };
        let done = run(client.args(command), LIMIT)?;
        match done.code {
            Some(0) => Ok(done.stdout),
            _ => Err(io::Error::other(format!("{:?}: {}{}", self.kind, done.stdout, done.stderr))),
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory().join(match self.kind {
            Kind::Redis | Kind::RedisEverysec => "redis.sock",
            Kind::Postgresql => ".s.PGSQL.5432",
        })
    }

    /// One of PostgreSQL's programs, as somebody who may not do everything.
    fn postgres_command(&self, name: &str) -> io::Result<Command> {
        let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")?.filter_map(Result::ok).collect();
        versions.sort_by_key(|version| version.file_name().to_string_lossy().parse().unwrap_or(0_u32));
        let newest = versions.last().ok_or(io::ErrorKind::NotFound)?.path();
        let mut command = Command::new(newest.join("bin").join(name));
        command.current_dir(self.directory());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        Ok(command)
    }
}

impl Kind {
    fn question(self) -> &'static [&'static str] {
        match self {
            Self::Redis | Self::RedisEverysec => &["PING"],
            Self::Postgresql => &["SELECT 1"],
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.thaw();
        let _ = self.kill();
    }
}

/// Whether this process may be anybody.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
