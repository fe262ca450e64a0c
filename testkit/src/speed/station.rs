//! A server on its core with the load that keeps it busy.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lscoap::client::Profile;

use super::device::Device;
use super::dtls::DtlsLoad;
use super::fleet::Fleet;
use super::lockstep;
use super::plain::Plain;
use super::plan::Plan;
use super::processor::{Cores, time_used_asleep};
use super::rows::{Host, Kind, Row};
use crate::certificates::Certificates;
use crate::gateway::{self, Behind, Settings};
use crate::process::Server;
use crate::stores::Store;

/// Half-open and unconfirmed handshakes never fill half of this, or the server would ask for retry cookies.
const SLOTS_FOR_EACH: usize = 4;
const SLOTS_MIN: usize = 256;
pub(super) const PSK_ID: &str = "sensor-1";
pub(super) const PSK: &str = "000102030405060708090a0b0c0d0e0f";

/// The programs and the keys that they are given.
pub struct Setup {
    /// Where the programs are.
    pub programs: PathBuf,
    /// aiocoap's file server, for the gateway to stand before; or not.
    pub aiocoap: Option<PathBuf>,
    redis: Option<Store>,
    /// Which cores they run on.
    pub cores: Cores,
    pub(super) certificates: Certificates,
    pub(super) fleet: Fleet,
}

impl Setup {
    /// Makes keys for every kind. Redis is started on the load's core, where there is a gateway to use it.
    pub fn new(programs: &Path, aiocoap: Option<PathBuf>, cores: Cores, devices: usize) -> io::Result<Setup> {
        let has_gateway = programs.join(gateway::NAME).exists();
        Ok(Setup {
            programs: programs.into(),
            aiocoap: aiocoap.filter(|_| has_gateway),
            redis: has_gateway.then(redis).transpose()?,
            cores,
            certificates: Certificates::make()?,
            fleet: Fleet::make(devices)?,
        })
    }

    /// Whether the program of a row is there.
    pub fn has(&self, row: Row) -> bool {
        row.host == Host::Libcoap || self.redis.is_some()
    }

    /// Starts a row's server, with so many slots if it has slots.
    pub fn server(&self, row: Row, slots: usize) -> io::Result<Server> {
        let behind = if row.kind == Kind::Plain { Behind::PlainIndex } else { Behind::Index };
        match (row.host, &self.redis) {
            (Host::Libcoap, _) => self.program(row.kind, slots),
            (Host::GatewayRedis, Some(redis)) => self.gateway(behind, slots, Some(redis.url())),
            _ => self.gateway(behind, slots, None),
        }
    }

    /// Starts a gateway on the server's core.
    pub(super) fn gateway(&self, behind: Behind, slots: usize, store: Option<String>) -> io::Result<Server> {
        let mut settings = Settings::new(self.fleet.server_key(), self.fleet.devices(), slots, behind);
        settings.store = store.unwrap_or(settings.store);
        Server::start(&mut self.cores.serving(&settings.command(&self.programs, self.fleet.dir())?))
    }

    /// Starts `plain_server` on the load's core, to be behind a gateway.
    pub(super) fn plain_server_beside(&self) -> io::Result<Server> {
        let mut command = Command::new(self.programs.join("plain_server"));
        Server::start(command.args(["-A", "127.0.0.1", "-p", "0", "--fixed-index"]))
    }

    /// Starts the C program for a kind.
    fn program(&self, kind: Kind, slots: usize) -> io::Result<Server> {
        let family = match kind {
            Kind::Plain => "plain_server",
            Kind::Psk | Kind::PskOnly | Kind::Certificates => "coaps_server",
            Kind::Signed | Kind::Express | Kind::Resume => "secure_server",
        };
        let mut command = Command::new(self.programs.join(family));
        // To make readings afresh takes longer than all else, which would make all servers alike.
        command.args(["-A", "127.0.0.1", "-p", "0", "--fixed-index"]);
        match kind {
            Kind::Plain => {}
            Kind::Psk | Kind::PskOnly => drop(command.args(["--psk-id", PSK_ID, "--psk-key", PSK])),
            Kind::Certificates => {
                let own = &self.certificates.server;
                command.arg("--cert").arg(&own.cert).arg("--key").arg(&own.key);
                command.arg("--ca").arg(&self.certificates.ca.cert);
            }
            Kind::Signed | Kind::Express | Kind::Resume => {
                command.arg("-k").arg(self.fleet.server_key()).arg("-d").arg(self.fleet.devices());
                // Sessions are counted here, as fast as they can be made: without retry cookies.
                command.args(["-n", &slots.to_string(), "--quiet", "--retry-rate", "1000000"]);
            }
        }
        Server::start(&mut self.cores.serving(&command))
    }
}

/// As Redis comes where it writes at all: it does not wait for the disk.
fn redis() -> io::Result<Store> {
    let redis = Store::redis()?;
    redis.ask(["CONFIG", "SET", "appendfsync", "everysec"])?;
    Ok(redis)
}

/// What one batch took.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// How many sessions, or requests.
    pub count: usize,
    /// By the clock.
    pub wall: Duration,
    /// Of the server's core.
    pub cpu: Duration,
}

enum Load {
    Plain(Vec<Plain>),
    Devices(Vec<Device>),
    Dtls(DtlsLoad),
}

/// One row's server and load.
pub struct Station {
    /// Of which row.
    pub row: Row,
    server: Server,
    load: Load,
    slots: usize,
    at_once: usize,
    count: usize,
}

impl Station {
    /// Starts the server, and makes the sessions of warm requests.
    pub fn open(setup: &Setup, plan: &Plan, row: Row) -> io::Result<Station> {
        let slots = (plan.devices * SLOTS_FOR_EACH).max(SLOTS_MIN);
        let server = setup.server(row, slots)?;
        let (at_once, count) =
            if row.warm { (plan.warm_sessions, plan.requests) } else { (plan.at_once, plan.cold(row.kind)) };
        let load = match row.kind {
            Kind::Plain => Load::Plain((0..at_once).map(|_| Plain::default()).collect()),
            Kind::Psk | Kind::PskOnly | Kind::Certificates => {
                let mut load = DtlsLoad::start(setup, row.kind, server.addr, at_once)?;
                if row.warm {
                    load.open(at_once)?;
                }
                Load::Dtls(load)
            }
            Kind::Signed | Kind::Express | Kind::Resume => {
                let profile = if row.kind == Kind::Express { Profile::Express } else { Profile::Signed };
                let devices = if row.warm { at_once } else { plan.devices };
                Load::Devices(setup.fleet.load(devices, profile)?)
            }
        };
        let mut station = Station { row, server, load, slots, at_once, count };
        if let Load::Devices(devices) = &mut station.load
            && (row.warm || row.kind == Kind::Resume)
        {
            handshakes(devices, station.server.addr, plan.at_once)?;
        }
        Ok(station)
    }

    /// Does a batch: sessions that are new to the server and one request in each, or requests in those there are.
    pub fn batch(&mut self, setup: &Setup) -> io::Result<Batch> {
        let process = self.server.program.id();
        let (to, at_once, count) = (self.server.addr, self.at_once, self.count);
        let each = count.div_ceil(at_once);
        let before = time_used_asleep(process)?;
        let (count, wall) = match &mut self.load {
            Load::Plain(callers) => {
                callers.iter_mut().for_each(|caller| caller.prepare_requests(each));
                (each * callers.len(), lockstep::run(to, at_once, callers)?)
            }
            Load::Devices(devices) if self.row.warm => {
                devices.iter_mut().for_each(|device| device.prepare_requests(each));
                (each * devices.len(), lockstep::run(to, at_once, devices)?)
            }
            Load::Devices(_) => return self.sessions(setup),
            Load::Dtls(load) if self.row.warm => (each * at_once, load.ask(each)?),
            Load::Dtls(load) => (count, load.cold(count)?),
        };
        Ok(Batch { count, wall, cpu: time_used_asleep(process)?.saturating_sub(before) })
    }

    /// A batch of new sessions.
    fn sessions(&mut self, setup: &Setup) -> io::Result<Batch> {
        let mut batch = Batch { count: 0, wall: Duration::ZERO, cpu: Duration::ZERO };
        let Load::Devices(devices) = &mut self.load else { return Ok(batch) };
        while batch.count < self.count {
            let some = devices.len().min(self.count - batch.count);
            let mut devices = &mut devices[..some];
            for device in devices.iter_mut() {
                if self.row.kind == Kind::Resume {
                    device.prepare_resume()?;
                } else {
                    device.prepare_handshake()?;
                }
            }
            if self.row.host == Host::GatewayRedis {
                self.server = setup.server(self.row, self.slots)?; // one that remembers nothing
                let first;
                (first, devices) = devices.split_at_mut(self.at_once.min(some / 2));
                lockstep::run(self.server.addr, self.at_once, first)?; // its code has run once
            }
            let (to, process) = (self.server.addr, self.server.program.id());
            let before = time_used_asleep(process)?;
            batch.wall += lockstep::run(to, self.at_once, &mut *devices)?;
            batch.cpu += time_used_asleep(process)?.saturating_sub(before);
            batch.count += devices.len();
        }
        Ok(batch)
    }

    /// RETRY messages that the devices met: none, if the server has the room it should have.
    pub fn retries(&self) -> usize {
        match &self.load {
            Load::Devices(devices) => devices.iter().map(|device| device.retries).sum(),
            Load::Plain(_) | Load::Dtls(_) => 0,
        }
    }

    /// The suite that DTLS agreed on.
    pub fn suite(&self) -> Option<&str> {
        match &self.load {
            Load::Dtls(load) => Some(load.suite()),
            Load::Plain(_) | Load::Devices(_) => None,
        }
    }
}

/// Full handshakes and a request in each, so that all have a confirmed session.
pub(super) fn handshakes(devices: &mut [Device], to: SocketAddr, at_once: usize) -> io::Result<Duration> {
    devices.iter_mut().try_for_each(Device::prepare_handshake)?;
    lockstep::run(to, at_once, devices)
}
