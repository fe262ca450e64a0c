//! Servers with many enrolled devices, and what is seen of them from outside.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::device::{Failure, Keys};
use crate::coap::{GET, Message};
use crate::gateway::{Behind, Metrics, RETRIES, Settings, metrics_of};
use crate::identities::{Identity, write_key};
use crate::process::Server;
use crate::testing::random;

/// A running `secure_server` or gateway, whose devices are `d0`, `d1`, ...
pub struct Site {
    /// The program.
    pub server: Server,
    /// Its devices.
    pub devices: Vec<Keys>,
    /// Where the gateway tells what it has counted.
    metrics: Option<SocketAddr>,
    _dir: tempfile::TempDir,
}

/// The files that a server is given.
pub(crate) struct Files {
    /// Where they are, as long as this is there.
    pub dir: tempfile::TempDir,
    /// The server's key.
    pub key: PathBuf,
    /// The list of devices.
    pub list: PathBuf,
    /// The devices.
    pub devices: Vec<Keys>,
}

impl Files {
    /// With so many devices.
    pub fn make(devices: usize) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let server = Identity::generate()?;
        let (key, list) = (dir.path().join("server.key"), dir.path().join("devices.txt"));
        write_key(&key, &server)?;
        let devices: Vec<Keys> = (0..devices)
            .map(|n| Keys { id: format!("d{n}"), secret: secret(), server: server.public })
            .collect();
        let mut strings = String::new();
        for device in &devices {
            let public = lscoap::enrolment::public_key(&device.secret).map_err(|_| io::ErrorKind::Other)?;
            strings += &Identity { private: device.secret, public }.device_string(&device.id);
            strings += "\n";
        }
        fs::write(&list, strings)?;
        Ok(Self { dir, key, list, devices })
    }
}

/// The room that a gateway has if nothing is said, for all workers together.
pub const GATEWAY_SLOTS: usize = 10_000;

impl Site {
    /// Starts `wrapper ... secure_server` with so many devices, on a port of its own.
    pub fn start(programs: &Path, wrapper: &[&str], devices: usize, more: &[&str]) -> io::Result<Self> {
        let files = Files::make(devices)?;
        let program = programs.join("secure_server");
        let mut words: Vec<&std::ffi::OsStr> = wrapper.iter().map(|word| word.as_ref()).collect();
        words.push(program.as_os_str());
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["-p", "0", "--quiet", "--stats", "-k"])
            .arg(&files.key)
            .arg("-d")
            .arg(&files.list);
        let server = Server::start(command.args(more))?;
        Ok(Self { server, devices: files.devices, metrics: None, _dir: files.dir })
    }

    /// Starts a gateway that answers by itself, on all cores.
    pub fn gateway(programs: &Path, devices: usize, retry_rate: u32) -> io::Result<Self> {
        let Files { dir, key, list, devices } = Files::make(devices)?;
        let settings = Settings {
            retry_rate,
            workers: 0,
            metrics: Some(([127, 0, 0, 1], 0).into()),
            ..Settings::new(key, list, GATEWAY_SLOTS, Behind::Index)
        };
        let server = Server::start(&mut settings.command(programs, dir.path())?)?;
        let metrics = Some(metrics_of(&server)?);
        Ok(Self { server, devices, metrics, _dir: dir })
    }

    /// RETRY messages that it has sent.
    pub fn retries(&self) -> io::Result<u64> {
        if let Some(metrics) = self.metrics {
            return Ok(Metrics::ask(TcpStream::connect(metrics)?)?.sum(RETRIES, "") as u64);
        }
        let stats = self.stats().map_err(|error| io::Error::other(error.to_string()))?;
        stats.get("retries").copied().ok_or(io::ErrorKind::InvalidData.into())
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// Its statistics, asked for in the clear over loopback.
    pub fn stats(&self) -> Result<BTreeMap<String, u64>, Failure> {
        let socket = UdpSocket::bind((self.addr().ip(), 0))?;
        socket.connect(self.addr())?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        let mut buffer = [0; 2048];
        for _ in 0..10 {
            let request = Message::request(GET, ".well-known/lscoap/stats", random() as u16);
            socket.send(&request.bytes())?;
            let Ok(len) = socket.recv(&mut buffer) else { continue };
            let answer = Message::parse(&buffer[..len]).ok_or(Failure::BadAnswer)?;
            return parse_stats(&String::from_utf8_lossy(&answer.payload));
        }
        Err(Failure::NoAnswer)
    }

    /// Its resident memory, in kB.
    pub fn memory_kb(&self) -> io::Result<u64> {
        memory_kb(self.server.program.id())
    }
}

/// The resident memory of a process, in kB.
pub fn memory_kb(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or(io::ErrorKind::InvalidData.into())
}

/// A secret key: any number below 2^255 will do.
fn secret() -> [u8; 32] {
    let mut secret = [1; 32];
    secret.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&random().to_be_bytes()));
    secret[0] &= 0x7f;
    secret
}

/// Of a flat JSON object of numbers.
fn parse_stats(json: &str) -> Result<BTreeMap<String, u64>, Failure> {
    let inside = json.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let fields = inside.ok_or(Failure::BadAnswer)?.split(',').map(|field| {
        let (name, value) = field.split_once(':')?;
        Some((name.trim().trim_matches('"').to_owned(), value.trim().parse().ok()?))
    });
    fields.collect::<Option<_>>().ok_or(Failure::BadAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read() {
        let stats = parse_stats(r#"{"records": 17, "slots":64}"#).unwrap();
        assert_eq!((stats["records"], stats["slots"]), (17, 64));
        assert!(parse_stats("4.04").is_err());
    }
}
