//! The program `dtls_load`, which has its own description.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use super::rows::Kind;
use super::station::{PSK, PSK_ID, Setup};
use crate::process::Program;

/// However busy the machine is.
const LIMIT: Duration = Duration::from_secs(300);

/// A running one.
pub struct DtlsLoad {
    program: Program,
    commands: usize,
    suite: String,
}

impl DtlsLoad {
    /// Starts it, for a server of that kind.
    pub fn start(setup: &Setup, kind: Kind, to: SocketAddr, at_once: usize) -> io::Result<DtlsLoad> {
        let mut command = Command::new(setup.programs.join("dtls_load"));
        command.args([to.port().to_string(), at_once.to_string()]);
        match kind {
            Kind::Certificates => {
                let own = &setup.certificates.client;
                // What libcoap's client offers.
                command.args(["cert", "TLSv1.2:!NULL"]).arg(&own.cert).arg(&own.key);
                command.arg(&setup.certificates.ca.cert);
            }
            Kind::PskOnly => drop(command.args(["psk", "PSK-AES128-CCM8@SECLEVEL=0", PSK_ID, PSK])),
            _ => drop(command.args(["psk", "PSK:!NULL", PSK_ID, PSK])),
        }
        let program = Program::start_with_input(&mut command)?;
        Ok(DtlsLoad { program, commands: 0, suite: String::new() })
    }

    /// New sessions with a request in each, closed again.
    pub fn cold(&mut self, count: usize) -> io::Result<Duration> {
        self.command(&format!("cold {count}"))
    }

    /// New sessions that stay.
    pub fn open(&mut self, count: usize) -> io::Result<Duration> {
        self.command(&format!("open {count}"))
    }

    /// So many requests in each session that stays.
    pub fn ask(&mut self, count: usize) -> io::Result<Duration> {
        self.command(&format!("ask {count}"))
    }

    /// The suite of the last session.
    pub fn suite(&self) -> &str {
        &self.suite
    }

    fn command(&mut self, command: &str) -> io::Result<Duration> {
        self.program.say(command)?;
        let number = self.commands;
        self.commands += 1;
        let done = |printed: &str| {
            let mut words = printed.lines().nth(number)?.strip_prefix("done ")?.split(' ');
            Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
        };
        match self.program.wait_for_output(done, LIMIT) {
            Some((nanoseconds, suite)) => {
                self.suite = suite;
                Ok(Duration::from_nanos(nanoseconds))
            }
            None => Err(io::Error::other(format!("dtls_load: {command}: {}", self.program.stderr().trim()))),
        }
    }
}
