//! Floods at full speed from another process, and a legitimate device that wants to be served meanwhile.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lscoap::client::Profile;

use super::device::{Device, Failure, Keys, handshake_datagram};
use super::results::{Attacked, FloodResult, FloodResults, Met};
use super::site::{Site, memory_kb};
use crate::bench::kinds::{Kind as Bench, Setup};
use crate::gateway;
use crate::process::{Server, run};
use crate::testing::random;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Bytes that mean nothing, some in CoAP requests.
    Garbage,
    /// M1 with the id of an enrolled device and a key of its own each.
    M1,
    /// X1 likewise, half of them with a tag that does not verify.
    X1,
    /// R1 for sessions that there may be, with tags that do not verify.
    R1,
    /// RETRIED with cookies that nobody made, around genuine M1 and X1.
    Retried,
    /// Recorded requests and handshakes of a real session, again and again.
    Replays,
    /// ALERT messages.
    Alerts,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Garbage, Self::M1, Self::X1, Self::R1, Self::Retried, Self::Replays, Self::Alerts];

    /// As the tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::M1 => "M1 with enrolled ids",
            Self::X1 => "X1 with enrolled ids",
            Self::R1 => "R1",
            Self::Retried => "RETRIED with bad cookies",
            Self::Replays => "replays",
            Self::Alerts => "alerts",
        }
    }

    /// Datagrams, to be sent over and over with the changes of [`Kind::vary`].
    fn datagrams(self, keys: &Keys, server: SocketAddr) -> Result<Vec<Vec<u8>>, Failure> {
        let device = |profile| Device::new(keys, profile, server);
        let firsts = |profile, count: usize| -> Result<Vec<Vec<u8>>, Failure> {
            let mut device = device(profile)?;
            (0..count).map(|_| device.first_datagram()).collect()
        };
        let bytes = |len: usize| -> Vec<u8> { (0..len).map(|_| random() as u8).collect() };
        Ok(match self {
            Self::Garbage => (0..500)
                .map(|n| if n % 2 == 0 { bytes(1 + n % 120) } else { handshake_datagram(&bytes(1 + n % 90)) })
                .collect(),
            Self::M1 => firsts(Profile::Signed, 500)?,
            Self::X1 => firsts(Profile::Express, 500)?,
            Self::R1 => (0..=255)
                .map(|cid| handshake_datagram(&[&[0x17, 0x20, cid], &bytes(16)[..]].concat()))
                .collect(),
            Self::Retried => {
                let inner = [firsts(Profile::Signed, 250)?, firsts(Profile::Express, 250)?].concat();
                let message = |datagram: &Vec<u8>| crate::coap::Message::parse(datagram).map(|m| m.payload);
                let retried =
                    |inner: Vec<u8>| handshake_datagram(&[&[0x1a], &bytes(16)[..], &inner].concat());
                inner.iter().filter_map(message).map(retried).collect()
            }
            Self::Replays => {
                let mut device = device(Profile::Signed)?;
                device.connect()?;
                device.get()?;
                let mut recorded: Vec<_> =
                    (0..200).map(|_| device.sealed_datagram()).collect::<Result<_, _>>()?;
                recorded.push(device.resume_datagram()?);
                recorded
            }
            Self::Alerts => (0..=255).map(|code| handshake_datagram(&[0x1f, code])).collect(),
        })
    }

    /// A new message id, or CoAP's own memory of messages would answer; every other X1 and R1 gets another tag.
    fn vary(self, datagram: &mut [u8], turn: u64) {
        if self == Self::Garbage && turn.is_multiple_of(2) {
            return;
        }
        if let Some(id) = datagram.get_mut(2..4) {
            id.copy_from_slice(&(turn as u16).to_be_bytes());
        }
        if matches!(self, Self::X1 | Self::R1)
            && !turn.is_multiple_of(2)
            && let Some(tag) = datagram.last_chunk_mut::<8>()
        {
            *tag = turn.to_be_bytes();
        }
    }
}

/// The flood itself, in a process of its own: until standard input ends. Gives the number of datagrams.
pub fn send(kind: Kind, keys: &Keys, lscoap: SocketAddr, to: SocketAddr) -> Result<u64, Failure> {
    let mut datagrams = kind.datagrams(keys, lscoap)?;
    let socket = UdpSocket::bind((to.ip(), 0))?;
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    println!("ready");
    let end = std::thread::spawn(|| io::stdin().read(&mut [0; 1]));
    let (mut sent, mut turn) = (0, 0_u64);
    let mut buffer = [0; 2048];
    while !end.is_finished() {
        for datagram in &mut datagrams {
            turn += 1;
            kind.vary(datagram, turn);
            sent += u64::from(socket.send(datagram).is_ok()); // refused where the server is gone
            while socket.recv(&mut buffer).is_ok() {} // answers are not for us
        }
    }
    println!("{sent}");
    Ok(sent)
}

/// A running flood.
struct Flood(Child);

impl Flood {
    fn start(kind: Kind, keys: &Keys, lscoap: SocketAddr, to: SocketAddr) -> io::Result<Self> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut child = Command::new(std::env::current_exe()?)
            .args([
                "flood",
                &format!("{kind:?}").to_lowercase(),
                &keys.id,
                &hex(&keys.secret),
                &hex(&keys.server),
            ])
            .args([lscoap.to_string(), to.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut ready = [0; 6];
        child.stdout.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.read_exact(&mut ready)?;
        Ok(Self(child))
    }

    /// Ends it. Gives how many datagrams it sent.
    fn end(mut self) -> io::Result<u64> {
        if let Some(mut input) = self.0.stdin.take() {
            input.write_all(b".")?;
        }
        let mut printed = String::new();
        if let Some(output) = &mut self.0.stdout {
            output.read_to_string(&mut printed)?;
        }
        self.0.wait()?;
        printed.trim().parse().map_err(|_| io::Error::other(format!("the flood said '{printed}'")))
    }
}

/// How floods are measured.
pub struct FloodPlan {
    /// For how long each lasts at least.
    pub lasts: Duration,
    /// How many devices want to be served meanwhile, all at the same time.
    pub devices: usize,
    /// When those that are not served give up.
    pub patience: Duration,
    /// How many handshakes may begin in a second before the server asks for cookies.
    pub retry_rate: u32,
}

/// A handshake and a first request by each of these devices, which begin anew when the last retransmission was in vain.
fn at_lscoap(devices: &[Keys], server: SocketAddr, patience: Duration) -> Met {
    let serve = |keys: &Keys| -> Result<Duration, Failure> {
        let begin = Instant::now();
        let mut device = Device::new(keys, Profile::Signed, server)?;
        device.give_up_at(begin + patience);
        loop {
            match device.connect().and_then(|()| device.get()) {
                Ok(_) => return Ok(begin.elapsed()),
                Err(failure) if begin.elapsed() >= patience => return Err(failure),
                Err(_) => {}
            }
        }
    };
    let served: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = devices.iter().map(|keys| scope.spawn(move || serve(keys))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect()
    });
    let mut met = Met::default();
    for result in served {
        match result {
            Ok(time) => met.times.push(time),
            Err(failure) => met.failures.push(failure.to_string()),
        }
    }
    met
}

/// The same at a DTLS server, by libcoap's client, whose own `elapsed:` line is the time; it is started again until it
/// succeeds, and then the whole time counts.
fn at_dtls(setup: &Setup, server: SocketAddr, times: usize, patience: Duration) -> Met {
    let serve = || -> Result<Duration, String> {
        let begin = Instant::now();
        loop {
            let before = begin.elapsed();
            let left = patience.saturating_sub(before).max(Duration::from_millis(1));
            let finished = run(&mut setup.cold_get(Bench::Psk, server), left);
            let finished = finished.map_err(|error| error.to_string())?;
            let elapsed = finished.stdout.lines().find_map(|line| line.strip_prefix("elapsed: "));
            let ms = elapsed.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
            match (finished.code, ms) {
                (Some(0), Some(ms)) => return Ok(before + Duration::from_secs_f64(ms / 1000.0)),
                _ if begin.elapsed() >= patience => return Err(finished.stderr.trim().to_owned()),
                _ => {}
            }
        }
    };
    let served: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..times).map(|_| scope.spawn(serve)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect()
    });
    let mut met = Met::default();
    for result in served {
        match result {
            Ok(time) => met.times.push(time),
            Err(failure) => met.failures.push(failure),
        }
    }
    met
}

/// A server that is attacked.
enum Target {
    /// With lscoap's devices.
    Lscoap(Site),
    /// libcoap's, with libcoap's clients.
    Dtls(Server),
}

impl Target {
    fn addr(&self) -> SocketAddr {
        match self {
            Self::Lscoap(site) => site.addr(),
            Self::Dtls(server) => server.addr,
        }
    }

    fn memory_kb(&self) -> io::Result<u64> {
        memory_kb(match self {
            Self::Lscoap(site) => site.server.program.id(),
            Self::Dtls(server) => server.program.id(),
        })
    }

    fn retries(&self) -> io::Result<Option<u64>> {
        match self {
            Self::Lscoap(site) => site.retries().map(Some),
            Self::Dtls(_) => Ok(None),
        }
    }

    /// The devices that want to be served.
    fn serve(&self, setup: &Setup, plan: &FloodPlan) -> Met {
        match self {
            Self::Lscoap(site) => at_lscoap(&site.devices[1..=plan.devices], site.addr(), plan.patience),
            Self::Dtls(server) => at_dtls(setup, server.addr, plan.devices, plan.patience),
        }
    }
}

/// All floods against all servers that there are, one after the other.
pub fn measure(
    programs: &Path,
    plan: &FloodPlan,
    kinds: &[Kind],
    progress: &mut dyn FnMut(&str),
) -> io::Result<FloodResults> {
    let setup = Setup::new(programs)?;
    let rate = plan.retry_rate.to_string();
    let site = Site::start(programs, &["env"], plan.devices + 1, &["--retry-rate", &rate])?;
    let mut targets = vec![("secure_server", Target::Lscoap(site))];
    if programs.join(gateway::NAME).exists() {
        let site = Site::gateway(programs, plan.devices + 1, plan.retry_rate)?;
        targets.push(("gateway", Target::Lscoap(site)));
    }
    targets.push(("DTLS", Target::Dtls(setup.server(Bench::Psk)?)));
    progress("idle");
    let idle = targets.iter().map(|(name, target)| (*name, target.serve(&setup, plan))).collect();
    let mut floods = Vec::new();
    for &kind in kinds {
        let mut attacked = Vec::new();
        let mut source = None; // of what is sent: the server itself, or for DTLS the one before
        for (name, target) in &targets {
            progress(&format!("{} at {name}", kind.name()));
            if let Target::Lscoap(site) = target {
                source = Some(site);
            }
            let Some(site) = source else { continue };
            let (memory, retries, begin) = (target.memory_kb()?, target.retries()?, Instant::now());
            let flood = Flood::start(kind, &site.devices[0], site.addr(), target.addr())?;
            let met = target.serve(&setup, plan);
            std::thread::sleep(plan.lasts.saturating_sub(begin.elapsed()));
            let (datagrams, took) = (flood.end()?, begin.elapsed());
            let memory_kb = [memory, target.memory_kb()?];
            let retries = target.retries()?.zip(retries).map(|(after, before)| after - before);
            attacked.push(Attacked { datagrams, took, memory_kb, met, retries });
        }
        floods.push(FloodResult { kind, attacked });
    }
    Ok(FloodResults { idle, floods })
}
