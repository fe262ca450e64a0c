//! The two servers.

use lscoap_testkit::process::{Server, free_udp_port};
use lscoap_testkit::programs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where nothing can be installed, this variable makes an error of what would else not be tested.
const MUST: &str = "LSCOAP_CI";
/// What interop/venv.sh says then.
const MISSING: i32 = 3;
/// Starts, as somebody else may take the port meanwhile.
const ATTEMPTS: usize = 5;

/// A server that can be started again where it was.
pub struct Backend {
    command: PathBuf,
    arguments: Vec<String>,
    server: Option<Server>,
    /// Where it is.
    pub address: SocketAddr,
    /// How it is told who a device is.
    pub form: &'static str,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where the programs are; built if nobody has.
pub fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        programs::directory(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs")).unwrap()
    })
}

/// The Python that has aiocoap, or why there is none.
fn python() -> &'static Result<PathBuf, String> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let build = programs().parent().unwrap().join("interop");
        let made = Command::new(repository().join("interop/venv.sh")).arg(&build).output().unwrap();
        let said = String::from_utf8_lossy(&made.stdout).trim().to_owned();
        match made.status.code() {
            Some(0) => Ok(build.join("venv/bin/python")),
            Some(MISSING) if std::env::var_os(MUST).is_none() => Err(said),
            _ => panic!("interop/venv.sh: {said} {}", String::from_utf8_lossy(&made.stderr)),
        }
    })
}

impl Backend {
    fn start(command: PathBuf, first: Vec<String>, form: &'static str) -> Self {
        for _ in 0..ATTEMPTS {
            let address = SocketAddr::from((
                Ipv4Addr::LOCALHOST,
                free_udp_port(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap(),
            ));
            let mut arguments = first.clone();
            arguments.extend([form.to_owned(), address.port().to_string()]);
            let mut backend = Self { command: command.clone(), arguments, server: None, address, form };
            if let Ok(server) = Server::start(&mut backend.command()) {
                backend.server = Some(server);
                return backend;
            }
        }
        panic!("{} does not start: {first:?}", command.display());
    }

    /// What it is.
    pub fn name(&self) -> String {
        let program = if self.arguments.len() > 2 { "aiocoap" } else { "libcoap" };
        format!("{program}, {}", self.form)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.command);
        command.args(&self.arguments).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// libcoap's.
    pub fn libcoap(form: &'static str) -> Self {
        Self::start(programs().join("libcoap_backend"), Vec::new(), form)
    }

    /// aiocoap's; `None`, and a line that says so, where it cannot be installed.
    pub fn aiocoap(form: &'static str) -> Option<Self> {
        let script = repository().join("gateway/backends/aiocoap_backend.py");
        match python() {
            Ok(python) => Some(Self::start(python.clone(), vec![script.to_str().unwrap().to_owned()], form)),
            Err(why) => {
                println!("*** NOT TESTED: aiocoap behind the gateway: {why}");
                None
            }
        }
    }

    /// Those there are.
    pub fn all(form: &'static str) -> Vec<Self> {
        [Some(Self::libcoap(form)), Self::aiocoap(form)].into_iter().flatten().collect()
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it again, with nothing in memory.
    pub fn start_again(&mut self) {
        self.server = Some(Server::start(&mut self.command()).unwrap());
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        self.server.as_ref().unwrap().program.signal(name).unwrap();
    }
}
