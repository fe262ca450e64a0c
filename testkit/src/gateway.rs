//! The program `lscoap-gateway`, with a configuration that is written for it.

use std::fs;
use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::process::Server;

/// The program's name, beside the C programs.
pub const NAME: &str = "lscoap-gateway";
/// However busy the machine is.
const PATIENCE: Duration = Duration::from_secs(10);

/// What stands behind it.
#[derive(Clone, Copy)]
pub enum Behind {
    /// A CoAP server, which is told devices' ids in the path or in an option.
    Server {
        /// Where it is.
        addr: SocketAddr,
        /// `identity` of the configuration.
        identity: &'static str,
    },
    /// Nothing: it answers /index by itself.
    Index,
    /// The same without lscoap.
    PlainIndex,
}

/// What is said in its configuration.
pub struct Settings {
    /// Where devices come.
    pub listen: SocketAddr,
    /// Its key.
    pub key: PathBuf,
    /// Its list of devices.
    pub devices: PathBuf,
    /// Sessions at most.
    pub slots: usize,
    /// Handshakes that may begin in a second before it asks for cookies.
    pub retry_rate: u32,
    /// Threads; 0: as many as there are cores.
    pub workers: usize,
    /// The URL of its store.
    pub store: String,
    /// The first byte of its connection ids.
    pub node: u8,
    /// Where it tells what it has counted.
    pub metrics: Option<SocketAddr>,
    /// Where requests go.
    pub behind: Behind,
}

impl Settings {
    /// On a port of its own, with one worker and without a store.
    pub fn new(key: PathBuf, devices: PathBuf, slots: usize, behind: Behind) -> Self {
        Self {
            listen: ([127, 0, 0, 1], 0).into(),
            key,
            devices,
            slots,
            retry_rate: 1_000_000,
            workers: 1,
            store: "none".to_owned(),
            node: 0,
            metrics: None,
            behind,
        }
    }

    fn text(&self) -> String {
        let backend = match self.behind {
            Behind::Server { addr, identity } => {
                format!("uri = \"coap://{addr}\"\nidentity = \"{identity}\"")
            }
            Behind::Index | Behind::PlainIndex => String::new(),
        };
        let http = self.metrics.map_or("none".to_owned(), |addr| addr.to_string());
        format!(
            "listen = [\"{}\"]\nworkers = {}\nnode = {}\nkey = {:?}\nallow_root = true\n\
             [devices]\nsource = {:?}\npoll_s = 0\n\
             [sessions]\nmax = {}\nretry_rate = {}\n\
             [backend]\n{backend}\n\
             [store]\nurl = \"{}\"\n\
             [http]\naddress = \"{http}\"\n\
             [log]\nlevel = \"warn\"\n",
            self.listen,
            self.workers,
            self.node,
            self.key,
            self.devices,
            self.slots,
            self.retry_rate,
            self.store
        )
    }

    /// The command that runs it, of these programs. Its configuration is written into `dir`.
    pub fn command(&self, programs: &Path, dir: &Path) -> io::Result<Command> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let file = dir.join(format!("gateway-{}.toml", COUNT.fetch_add(1, Ordering::Relaxed)));
        fs::write(&file, self.text())?;
        let mut command = Command::new(programs.join(NAME));
        command.arg("run").arg("--config").arg(file);
        match self.behind {
            Behind::Server { .. } => {}
            Behind::Index => drop(command.arg("--serve-index")),
            Behind::PlainIndex => drop(command.args(["--serve-index", "--plain"])),
        }
        Ok(command)
    }
}

/// Where a running one tells what it has counted.
pub fn metrics_of(server: &Server) -> io::Result<SocketAddr> {
    let address = |line: &str| line.strip_prefix("metrics on ")?.trim().parse().ok();
    server
        .program
        .wait_for_line(address, PATIENCE)
        .ok_or_else(|| io::Error::other("the gateway has no metrics"))
}

/// RETRY messages sent, as [`Metrics`] call them.
pub const RETRIES: &str = "lscoap_gateway_retries_total";
/// Handshakes begun; the label says of which kind.
pub const HANDSHAKES: &str = "lscoap_gateway_handshakes_total";
/// Handshakes refused; the label says why.
pub const ALERTS: &str = "lscoap_gateway_alerts_total";
/// Sessions confirmed.
pub const SESSIONS: &str = "lscoap_gateway_sessions_total";
/// In the label of those among them that came of a resumption.
pub const RESUMED: &str = "kind=\"resumed\"";

/// What a gateway has counted: all that it says at `/metrics`.
pub struct Metrics(String);

impl Metrics {
    /// Asks it.
    pub fn ask(stream: TcpStream) -> io::Result<Self> {
        let mut stream = stream;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(Self(text))
    }

    /// The sum of the lines of that name whose labels have `label` in them.
    pub fn sum(&self, name: &str, label: &str) -> f64 {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix(name));
        let lines = lines.filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(label));
        lines.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_added_up() {
        let metrics =
            Metrics("# HELP a_total b\na_total{k=\"x\"} 3\na_total{k=\"y\"} 4\na_totally 7\nb 1\n".into());
        assert_eq!(metrics.sum("a_total", ""), 7.0);
        assert_eq!(metrics.sum("a_total", "k=\"y\""), 4.0);
        assert_eq!(metrics.sum("b", ""), 1.0);
    }
}
