//! The kinds of security that are compared, and how their programs are called.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::certificates::Certificates;
use crate::identities::Enrolment;
use crate::process::Server;

const PSK_ID: &str = "sensor-1";
/// For measurements only, like everything else here.
const PSK: &str = "000102030405060708090a0b0c0d0e0f";
/// Eight bytes, as in the design's own count of bytes.
const DEVICE_ID: &str = "sensor-1";

/// A kind of security.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// CoAP without any.
    Plain,
    /// DTLS with a pre-shared key.
    Psk,
    /// DTLS with certificates on both sides.
    Certificates,
    /// lscoap's signed profile.
    Signed,
    /// lscoap's express profile.
    Express,
}

impl Kind {
    /// All of them, in the order of the tables.
    pub const ALL: [Kind; 5] = [Kind::Plain, Kind::Psk, Kind::Certificates, Kind::Signed, Kind::Express];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Plain => "plain CoAP",
            Kind::Psk => "CoAPS, PSK",
            Kind::Certificates => "CoAPS, mutual certificates",
            Kind::Signed => "lscoap signed",
            Kind::Express => "lscoap express",
        }
    }

    /// The average of the paper's Table 1, in seconds, where the paper has something to stand beside. It does not
    /// say which kind of CoAPS it measured.
    pub fn paper_average_s(self) -> Option<f64> {
        match self {
            Kind::Plain => Some(0.119),
            Kind::Certificates => Some(0.382),
            Kind::Signed => Some(0.337),
            Kind::Psk | Kind::Express => None,
        }
    }

    /// Round trips that the protocol needs for a cold request, the response included.
    pub fn expected_round_trips(self) -> u32 {
        match self {
            Kind::Plain => 1,
            Kind::Express => 2,
            Kind::Signed => 3,
            Kind::Psk | Kind::Certificates => 4,
        }
    }

    fn family(self) -> &'static str {
        match self {
            Kind::Plain => "plain",
            Kind::Psk | Kind::Certificates => "coaps",
            Kind::Signed | Kind::Express => "secure",
        }
    }

    /// True when `programs` has a server and a client for it.
    pub fn is_in(self, programs: &Path) -> bool {
        ["server", "client"].iter().all(|role| programs.join(format!("{}_{role}", self.family())).is_file())
    }
}

/// The programs and the keys that they are given.
pub struct Setup {
    programs: PathBuf,
    certificates: Certificates,
    enrolment: Enrolment,
}

impl Setup {
    /// Makes keys for every kind.
    pub fn new(programs: &Path) -> io::Result<Setup> {
        let enrolment = Enrolment::make(DEVICE_ID)?;
        Ok(Setup { programs: programs.into(), certificates: Certificates::make()?, enrolment })
    }

    fn program(&self, kind: Kind, role: &str) -> Command {
        Command::new(self.programs.join(format!("{}_{role}", kind.family())))
    }

    /// Starts a server of that kind.
    pub fn server(&self, kind: Kind) -> io::Result<Server> {
        let mut command = self.program(kind, "server");
        command.args(["-A", "127.0.0.1", "-p", "0"]);
        match kind {
            Kind::Plain => {}
            Kind::Psk => drop(command.args(["--psk-id", PSK_ID, "--psk-key", PSK])),
            Kind::Certificates => {
                let own = &self.certificates.server;
                command.arg("--cert").arg(&own.cert).arg("--key").arg(&own.key);
                command.arg("--ca").arg(&self.certificates.ca.cert);
            }
            Kind::Signed | Kind::Express => {
                command.arg("-k").arg(self.enrolment.server_key());
                command.args(["--retry-rate", "1000000"]); // the paper's messages, and no cookies
                command.arg("-d").arg(self.enrolment.devices());
                command.arg("--quiet"); // the other servers do not tell a story either
            }
        }
        Server::start(&mut command)
    }

    /// A client that does one cold `GET /index` and ends.
    pub fn cold_get(&self, kind: Kind, to: SocketAddr) -> Command {
        self.client(kind, to, &["-n", "1"])
    }

    /// A client that does a cold `GET /index`, in a session of its own, for each line that it reads.
    pub fn cold_gets(&self, kind: Kind, to: SocketAddr) -> Command {
        self.client(kind, to, &["-n", "100000", "--cold", "--step"])
    }

    fn client(&self, kind: Kind, to: SocketAddr, how_often: &[&str]) -> Command {
        let mut command = self.program(kind, "client");
        let scheme = if kind.family() == "coaps" { "coaps" } else { "coap" };
        command.args(how_often).args(["-u", &format!("{scheme}://{to}")]);
        match kind {
            Kind::Plain => {}
            Kind::Psk => drop(command.args(["--psk-id", PSK_ID, "--psk-key", PSK])),
            Kind::Certificates => {
                let own = &self.certificates.client;
                command.arg("--cert").arg(&own.cert).arg("--key").arg(&own.key);
                command.arg("--ca").arg(&self.certificates.ca.cert);
            }
            Kind::Signed | Kind::Express => {
                let profile = if kind == Kind::Signed { "signed" } else { "express" };
                command.arg("-k").arg(self.enrolment.device_key()).args(["-i", DEVICE_ID]);
                command.args(["-s", &self.enrolment.server.server_string(), "--profile", profile]);
            }
        }
        command.args(["GET", "/index"]);
        command
    }
}
