//! Long runs: a million exchanges with the server program, and devices that resume once a day, for weeks, in time that
//! a clock of our own lets pass.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Instant;

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::server::{Env, Server, Slot};
use lscoap::session::{Carrier, Session};
use lscoap::{Alert, Error, Message, Status, enrolment};

use super::device::{BUSY_ROUNDS, Device, Failure};
use super::results::SoakResult;
use super::site::{Site, memory_kb};
use crate::process::tool;
use crate::testing::{Devices, Os};

/// How long the runs are.
pub struct SoakPlan {
    /// Sealed exchanges with the server program.
    pub exchanges: u64,
    /// By so many devices at the same time.
    pub devices: usize,
    /// Devices that resume once a day.
    pub daily_devices: usize,
    /// For so many days.
    pub days: u32,
    /// Exchanges under valgrind.
    pub valgrind: u64,
}

fn other(failure: Failure) -> io::Error {
    io::Error::other(failure.to_string())
}

/// So many exchanges by each device of a site.
fn exchange(site: &Site, each: u64) -> io::Result<()> {
    thread::scope(|scope| {
        let work = |keys| {
            move || -> Result<(), Failure> {
                let mut device = Device::new(keys, Profile::Express, site.addr())?;
                device.connect()?;
                (0..each).try_for_each(|_| device.get().map(drop))
            }
        };
        let workers: Vec<_> = site.devices.iter().map(|keys| scope.spawn(work(keys))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker").map_err(other))
    })
}

/// A server and its devices, without a network between them.
struct Field {
    server: Server,
    slots: Vec<Slot>,
    devices: Devices,
    now_ms: u64,
}

impl Field {
    fn shake_hands(&mut self, client: &mut Client) -> Result<Session, Error> {
        let (mut query, mut answer) = (Message::new(), Message::new());
        let mut status = client.step(&mut Os, None, &mut query)?;
        while status == Status::Send {
            let mut env = Env {
                platform: &mut Os,
                directory: &mut self.devices,
                peer: b"p",
                source: b"",
                now_ms: self.now_ms,
            };
            self.server.step(&mut self.slots, &mut env, &query, &mut answer)?;
            status = client.step(&mut Os, Some(&answer), &mut query)?;
        }
        client.finish()
    }

    fn request(&mut self, session: &mut Session) -> Result<(), Error> {
        let carrier = Carrier::Payload(b"");
        let (mut object, mut plain) = ([0; 64], [0; 64]);
        let (len, mut ours) = session.seal_request(carrier, b"\x01", &mut object)?;
        let mut env = Env {
            platform: &mut Os,
            directory: &mut self.devices,
            peer: b"p",
            source: b"",
            now_ms: self.now_ms,
        };
        let opened =
            self.server.open_request(&mut self.slots, &mut env, carrier, &object[..len], &mut plain)?;
        let theirs = self.slots[opened.slot].session_mut().ok_or(Error::UnknownSession)?;
        let len = theirs.seal_response(&opened.exchange, carrier, b"\x45", &mut object)?;
        session.open_response(&mut ours, carrier, &object[..len], &mut plain)?;
        Ok(())
    }
}

/// Every device resumes once a day, from what it has stored, and the server is started anew every week. Fills in the
/// daily part of the result.
fn daily(plan: &SoakPlan, result: &mut SoakResult) -> Result<(), Error> {
    let server_secret = [7; 32];
    let slots = || (0..plan.daily_devices + plan.daily_devices / 8 + 8).map(|_| Slot::default()).collect();
    let mut field = Field {
        server: Server::new(&server_secret)?,
        slots: slots(),
        devices: Devices::default().stored(),
        now_ms: 0,
    };
    let server_key = *field.server.public_key();
    let secret = |n: usize| {
        let mut secret = [1; 32];
        secret[24..].copy_from_slice(&(n as u64).to_be_bytes());
        secret
    };
    let mut clients = Vec::new();
    for n in 0..plan.daily_devices {
        let id = format!("device-{n}").into_bytes();
        field.devices.keys.insert(id.clone(), enrolment::public_key(&secret(n))?);
        let own = secret(n);
        let config = ClientConfig::new(&id, &own, &server_key, Profile::Express);
        clients.push((Client::new(&config)?, Vec::new()));
    }
    for day in 0..plan.days {
        if day % 7 == 6 {
            (field.server, field.slots) = (Server::new(&server_secret)?, slots());
        }
        for (client, stored) in &mut clients {
            field.now_ms += 86_400_000 / plan.daily_devices as u64;
            let mut session = None;
            if !stored.is_empty() {
                // Busy is no refusal: it also says that the ids that were tried belong to stored sessions.
                for _ in 0..=BUSY_ROUNDS {
                    client.resume(&Session::restore(stored)?)?;
                    let result = field.shake_hands(client);
                    client.restart()?;
                    if result.as_ref().err() != Some(&Error::Alert(Alert::Busy)) {
                        session = result.ok();
                        break;
                    }
                }
            }
            match session {
                Some(_) => result.resumed += 1,
                None => result.handshakes += 1,
            }
            let mut session = match session {
                Some(session) => session,
                None => field.shake_hands(client)?,
            };
            session.store(2, |blob| {
                stored.clear();
                stored.extend_from_slice(blob);
                Ok(())
            })?;
            field.request(&mut session)?;
            field.request(&mut session)?;
        }
        let memory = memory_kb(std::process::id()).unwrap_or_default();
        if day == 0 {
            result.daily_memory_kb[0] = memory;
        }
        result.daily_memory_kb[1] = memory;
    }
    result.sessions = field.server.stats(field.slots.len()).confirmed_now;
    Ok(())
}

/// A short run under valgrind: what it says at the end, where it is installed.
fn valgrind(programs: &Path, exchanges: u64) -> io::Result<Option<(u64, String)>> {
    if tool("valgrind", ["--version"]).is_err() {
        return Ok(None);
    }
    let wrapper = [
        "valgrind",
        "--quiet",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite",
        "--error-exitcode=99",
    ];
    let mut site = Site::start(programs, &wrapper, 2, &[])?;
    exchange(&site, exchanges / 2)?;
    let status = site.server.program.terminate()?;
    let said = match status.code() {
        Some(0) => "no error and no leak".to_owned(),
        code => format!("status {code:?}: {}", site.server.program.stderr().trim()),
    };
    Ok(Some((exchanges, said)))
}

/// All of the long runs.
pub fn measure(programs: &Path, plan: &SoakPlan, progress: &mut dyn FnMut(&str)) -> io::Result<SoakResult> {
    progress("exchanges");
    let site = Site::start(programs, &["env"], plan.devices, &[])?;
    let each = plan.exchanges / plan.devices as u64;
    let begin = Instant::now();
    exchange(&site, each / 10)?;
    let early = site.memory_kb()?;
    exchange(&site, each - each / 10)?;
    let took = begin.elapsed();
    let late = site.memory_kb()?;
    let stats = site.stats().map_err(other)?;
    let mut result = SoakResult {
        exchanges: each * plan.devices as u64,
        devices: plan.devices,
        took,
        memory_kb: [early, late],
        records: stats.get("records").copied().unwrap_or_default(),
        daily_devices: plan.daily_devices,
        days: plan.days,
        resumed: 0,
        handshakes: 0,
        sessions: 0,
        daily_memory_kb: [0; 2],
        valgrind: None,
    };
    drop(site);
    progress("days");
    daily(plan, &mut result).map_err(|error| io::Error::other(format!("{error:?}")))?;
    progress("valgrind");
    result.valgrind = valgrind(programs, plan.valgrind)?;
    Ok(result)
}
