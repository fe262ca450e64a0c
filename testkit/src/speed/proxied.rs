//! What it costs the gateway to pass a request on to a server behind it.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lscoap::client::Profile;
use tempfile::TempDir;

use super::device::Device;
use super::lockstep;
use super::plan::Plan;
use super::processor::time_used_asleep;
use super::rows::{Host, Kind, Row};
use super::station::{Batch, Setup, handshakes};
use crate::coap::{CONTENT, GET, Message};
use crate::gateway::Behind;
use crate::process::{Program, Server, free_udp_port};

/// How long aiocoap may take to start.
const START_UP: Duration = Duration::from_secs(30);
/// Of the file that it serves: as long as the fixed body of the C programs.
const FILE: &[u8] = &[b'7'; 64];

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// `plain_server`.
    Libcoap,
    /// aiocoap's own file server.
    Aiocoap,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Libcoap, Self::Aiocoap];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Libcoap => "libcoap, plain_server",
            Self::Aiocoap => "aiocoap, its file server",
        }
    }
}

/// A back-end's figures.
#[derive(Clone, Debug)]
pub struct Proxied {
    /// Whose.
    pub backend: Backend,
    /// One for each round; `cpu` is the gateway's.
    pub batches: Vec<Batch>,
}

/// The back-end, which ends with this.
enum Behinds {
    Libcoap(Server),
    Aiocoap { _program: Program, _dir: TempDir, addr: SocketAddr },
}

impl Behinds {
    fn addr(&self) -> SocketAddr {
        match self {
            Self::Libcoap(server) => server.addr,
            Self::Aiocoap { addr, .. } => *addr,
        }
    }

    fn start(setup: &Setup, backend: Backend) -> io::Result<Self> {
        if backend == Backend::Libcoap {
            return Ok(Self::Libcoap(setup.plain_server_beside()?));
        }
        let dir = TempDir::new()?;
        fs::write(dir.path().join("index"), FILE)?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_udp_port(IpAddr::V4(Ipv4Addr::LOCALHOST))?));
        let program = setup.aiocoap.as_deref().ok_or(io::ErrorKind::NotFound)?;
        let program =
            Program::start(Command::new(program).args(["--bind", &addr.to_string()]).arg(dir.path()))?;
        let begin = Instant::now();
        while !answers(addr)? {
            if begin.elapsed() > START_UP {
                return Err(io::Error::other(format!("aiocoap-fileserver: {}", program.stderr().trim())));
            }
        }
        Ok(Self::Aiocoap { _program: program, _dir: dir, addr })
    }
}

/// Whether a server gives /index by now.
fn answers(addr: SocketAddr) -> io::Result<bool> {
    let socket = UdpSocket::bind((addr.ip(), 0))?;
    socket.connect(addr)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut buffer = [0; 2048];
    let sent = socket.send(&Message::request(GET, "index", 1).bytes());
    match sent.and_then(|_| socket.recv(&mut buffer)) {
        Ok(len) => Ok(Message::parse(&buffer[..len]).is_some_and(|answer| answer.code == CONTENT)),
        Err(_) => {
            sleep(Duration::from_millis(50)); // nobody listens there yet
            Ok(false)
        }
    }
}

/// A gateway on its core, what is behind it and the devices on the other.
struct Chain {
    _backend: Behinds,
    gateway: Server,
    devices: Vec<Device>,
}

impl Chain {
    fn make(setup: &Setup, plan: &Plan, backend: Backend) -> io::Result<Chain> {
        let backend = Behinds::start(setup, backend)?;
        let behind = Behind::Server { addr: backend.addr(), identity: "option" };
        let gateway = setup.gateway(behind, 4 * plan.warm_sessions, None)?;
        let mut devices = setup.fleet.load(plan.warm_sessions, Profile::Express)?;
        handshakes(&mut devices, gateway.addr, plan.at_once)?;
        Ok(Chain { _backend: backend, gateway, devices })
    }

    fn batch(&mut self, requests: usize) -> io::Result<Batch> {
        let (process, devices) = (self.gateway.program.id(), &mut self.devices);
        let each = requests.div_ceil(devices.len());
        let before = time_used_asleep(process)?;
        devices.iter_mut().for_each(|device| device.prepare_requests(each));
        let (count, at_once) = (each * devices.len(), devices.len());
        let wall = lockstep::run(self.gateway.addr, at_once, devices)?;
        Ok(Batch { count, wall, cpu: time_used_asleep(process)?.saturating_sub(before) })
    }
}

/// Measures all that there are, by turns.
pub fn measure(setup: &Setup, plan: &Plan) -> io::Result<Vec<Proxied>> {
    let there = Backend::ALL.into_iter().filter(|backend| backend.is_there(setup));
    let (mut chains, mut results) = (vec![], vec![]);
    for backend in there {
        chains.push(Chain::make(setup, plan, backend)?);
        results.push(Proxied { backend, batches: vec![] });
    }
    for round in 0..=plan.rounds {
        for (chain, result) in chains.iter_mut().zip(&mut results) {
            let batch = chain.batch(plan.requests)?;
            if round > 0 {
                result.batches.push(batch); // the first round is not counted
            }
        }
    }
    Ok(results)
}

impl Backend {
    fn is_there(self, setup: &Setup) -> bool {
        match self {
            Self::Libcoap => setup.has(Row::warm(Kind::Signed).at(Host::Gateway)),
            Self::Aiocoap => setup.aiocoap.is_some(),
        }
    }
}
