//! The program while it runs: in which order it begins, what it hears of, and how it ends.

mod directory;
mod health;
mod make;
mod manager;
mod user;

pub use directory::{Fault as DirectoryFault, Reader};
pub use user::{become_configured, who};

use crate::config::{self, Config, Key};
use crate::directory::Devices;
use crate::groups::{self, Groups, Stored};
use crate::http::{self, Answer};
use crate::log;
use crate::metrics::Metrics;
use crate::store::{self, Store};
use crate::worker::{Gateway, Setup};
use directory::{Current, Listeners};
use health::Health;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fmt;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The exit status of what could not be done.
pub const FAILED: u8 = 1;
/// The exit status of a command line or a configuration that makes no sense: to begin again is of no use.
pub const USAGE: u8 = 2;

/// How often it looks whether all is well.
const LOOK: Duration = Duration::from_secs(1);

/// Why it did not begin, or ended.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    /// What to say.
    pub what: String,
}

impl Failure {
    /// Something that the operator has to change.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self { status: USAGE, what: what.to_string() }
    }

    /// Something that may be otherwise next time.
    pub fn failed(what: impl fmt::Display) -> Self {
        Self { status: FAILED, what: what.to_string() }
    }
}

/// What answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The back-end.
    Backend,
    /// The gateway itself answers /index.
    Index,
    /// The same in the clear, to compare.
    PlainIndex,
}

/// What it hears of.
enum Heard {
    Reload,
    Stop,
}

/// Runs until it is told to stop.
pub fn run(config: Config, mode: Mode) -> Result<(), Failure> {
    log::start(&config.log);
    let heard = listen_to_signals().map_err(|error| Failure::failed(format!("signals: {error}")))?;
    let backend = match mode {
        Mode::Backend => Some(config.resolve().map_err(Failure::usage)?.address),
        Mode::Index | Mode::PlainIndex => None,
    };
    let user = user::who(&config).map_err(Failure::usage)?;
    let key = read_key(&config.key)?;
    let workers = u8::try_from(config.workers()).unwrap_or(u8::MAX);
    let setup = Setup::bind(&config.listen, workers, &[config.node])
        .map_err(|error| Failure::failed(format!("listen: {}: {error}", addresses(&config.listen))))?;
    let http = config.http.address.0.map(|address| {
        http::bind(address).map_err(|error| Failure::failed(format!("http.address: {address}: {error}")))
    });
    let http = http.transpose()?;
    user::become_user(&user)?; // from here on nothing is root's, the store's file not either
    // Keys are in memory, which is not to be found in files.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(Failure::failed)?;

    let store = store::open(config.store.url.secret(), &config.store_options());
    let store = Arc::new(store.map_err(|error| Failure::usage(format!("store: {error}")))?);
    let mut reader = Reader::new(config.devices.source.clone(), store.clone());
    let Some(devices) = first_devices(&mut reader, &heard)? else { return Ok(()) };
    tell_devices(&config, &devices);
    let current: Current = Arc::new(Mutex::new(Arc::new(devices)));

    let (groups, handle) = start_groups(&config, &setup, &store, &current)?.unzip();
    let mut metrics = Metrics::new();
    store.counts().register(metrics.registry());
    let wakers = (0..workers).filter_map(|worker| Some((metrics.worker(worker), setup.waker(worker)?)));
    let has_store = !config.store.url.is_none();
    let health = Arc::new(Health::new(wakers.collect(), has_store.then(|| store.counts().clone())));
    let make = make::maker(make::Parts {
        config: config.clone(),
        mode,
        key,
        current: current.clone(),
        store: store.clone(),
        groups: handle.clone(),
        wakers: (0..workers).filter_map(|worker| setup.waker(worker)).collect(),
    });
    let ports = backend.map(|address| (address, usize::from(config.backend.ports)));
    let gateway = setup.start(ports, handle.clone(), &metrics, &make).map_err(Failure::failed)?;
    drop(make);

    let listeners = Listeners {
        current,
        mailboxes: gateway.mailboxes().clone(),
        groups: handle,
        store: store.worker(Box::new(|| {})),
    };
    let poll = (config.devices.poll_s > 0).then(|| Duration::from_secs(config.devices.poll_s.into()));
    let (reread, rereader) = keep_devices(reader, listeners, poll)?;
    announce(&config, mode, &gateway, http.as_ref());
    if let Some(listener) = http {
        let health = health.clone();
        http::serve(listener, Arc::new(move |path| page(path, &metrics, &health)))
            .map_err(|error| Failure::failed(format!("http: {error}")))?;
    }
    manager::tell(&NotifyState::Ready);
    attend(&heard, &health, &reread);
    manager::tell(&NotifyState::Stopping);
    tracing::info!(
        event = "stopping",
        "no more is taken on; what is under way may take {} s",
        config.drain_s
    );
    health.stopping();
    drop(reread);
    let is_done = gateway.stop(Duration::from_secs(config.drain_s.into()));
    drop(groups);
    let _ = rereader.join();
    if let Some(store) = Arc::into_inner(store) {
        store.close();
    }
    tracing::info!(
        event = "stopped",
        "{}",
        if is_done { "stopped" } else { "stopped; requests were cut off" }
    );
    log::end();
    Ok(())
}

/// Signals in a thread of their own: the second one that says stop is obeyed at once.
fn listen_to_signals() -> io::Result<Receiver<Heard>> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let (sender, heard) = channel();
    let listen = move || {
        let mut is_stopping = false;
        for signal in signals.forever() {
            if signal == SIGHUP {
                let _ = sender.send(Heard::Reload);
            } else if std::mem::replace(&mut is_stopping, true) {
                tracing::warn!(event = "stopped", "told twice: stopped at once");
                std::process::exit(FAILED.into());
            } else {
                let _ = sender.send(Heard::Stop);
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
    Ok(heard)
}

fn read_key(path: &Path) -> Result<Key, Failure> {
    let (key, warning) = config::read_key(path).map_err(|what| Failure::usage(format!("key: {what}")))?;
    if let Some(warning) = warning {
        tracing::warn!(event = "key", "{warning}");
    }
    Ok(key)
}

fn addresses(addresses: &[std::net::SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The list of devices to begin with. It is waited for where it is in a store that is down: without it all devices would be told
/// that nobody knows them. `None`: it was told to stop meanwhile.
fn first_devices(reader: &mut Reader, heard: &Receiver<Heard>) -> Result<Option<Devices>, Failure> {
    let mut has_said = false;
    loop {
        match reader.read(true) {
            Ok(devices) => return Ok(Some(devices.unwrap_or_default())),
            Err(DirectoryFault::Bad(what)) => return Err(Failure::usage(format!("devices: {what}"))),
            Err(DirectoryFault::Down(what)) if !has_said => {
                has_said = true;
                tracing::warn!(event = "devices", "the store with the list of devices is waited for: {what}");
            }
            Err(DirectoryFault::Down(_)) => {}
        }
        match heard.recv_timeout(LOOK) {
            Ok(Heard::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Ok(Heard::Reload) | Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// What is worth a look of the operator's.
fn tell_devices(config: &Config, devices: &Devices) {
    let s = if devices.len() == 1 { "" } else { "s" };
    tracing::info!(event = "devices", "{} device{s}", devices.len());
    for warning in device_warnings(config, devices) {
        tracing::warn!(event = "devices", "{warning}");
    }
}

/// What a list of devices deserves to be warned of.
pub fn device_warnings(config: &Config, devices: &Devices) -> Vec<String> {
    let mut warnings = Vec::new();
    if devices.is_empty() {
        warnings.push("the list names no devices: nobody gets in".to_owned());
    }
    if devices.len() > usize::try_from(config.sessions.max).unwrap_or(usize::MAX) {
        warnings.push(format!(
            "sessions.max is {}, and there are {} devices: not all can be connected at a time",
            config.sessions.max,
            devices.len()
        ));
    }
    warnings
}

fn start_groups(
    config: &Config,
    setup: &Setup,
    store: &Store,
    current: &Current,
) -> Result<Option<(groups::Running, groups::Handle)>, Failure> {
    let Some(groups) = &config.groups else { return Ok(None) };
    let fail = |error: &dyn fmt::Display| Failure::failed(format!("groups: {error}"));
    let shelf = Stored::new(store).map_err(|error| fail(&error))?;
    let mut prefix = [0; 4];
    getrandom::fill(&mut prefix).map_err(|error| fail(&error))?;
    let devices = make::current(current);
    let groups_of_node =
        Groups::new(setup.world(), Box::new(shelf), Box::new(crate::device::Os), devices, prefix);
    groups::start(groups_of_node, Some(&groups.control))
        .map(Some)
        .map_err(|error| fail(&format!("{}.sock: {error}", groups.control.display())))
}

fn keep_devices(
    reader: Reader,
    listeners: Listeners,
    poll: Option<Duration>,
) -> Result<(Sender<()>, JoinHandle<()>), Failure> {
    let (reread, told) = channel();
    let keep = move || directory::keep(reader, listeners, poll, &told);
    let thread = std::thread::Builder::new().name("devices".to_owned()).spawn(keep);
    thread.map(|thread| (reread, thread)).map_err(Failure::failed)
}

/// Who starts this from a script or a test reads these lines.
fn announce(config: &Config, mode: Mode, gateway: &Gateway, http: Option<&TcpListener>) {
    let mut text = String::new();
    for address in gateway.addresses() {
        text.push_str(&format!("listening on {address}\n"));
    }
    if let Some(address) = http.and_then(|listener| listener.local_addr().ok()) {
        text.push_str(&format!("metrics on {address}\n"));
    }
    match mode {
        Mode::Backend => tracing::info!(event = "started", "requests go to {}", config.backend.uri),
        Mode::Index => tracing::warn!(event = "started", "no back-end: /index is answered here"),
        Mode::PlainIndex => {
            tracing::warn!(
                event = "started",
                "NOT SECURED: /index is answered here, to anybody, in the clear"
            );
        }
    }
    // Nobody reading it is no fault.
    let _ = io::stdout().write_all(text.as_bytes());
}

fn page(path: &str, metrics: &Metrics, health: &Health) -> Option<Answer> {
    match path {
        "/metrics" => Some(Answer {
            status: 200,
            content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
            body: metrics.text(),
        }),
        "/healthz" => Some(health.page()),
        _ => None,
    }
}

/// Until it is told to stop: looks whether all is well, and says so to the service manager.
fn attend(heard: &Receiver<Heard>, health: &Health, reread: &Sender<()>) {
    let watchdog = manager::watchdog();
    let turn = watchdog.map_or(LOOK, |period| period.min(LOOK));
    loop {
        match heard.recv_timeout(turn) {
            Ok(Heard::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Heard::Reload) => {
                if reread.send(()).is_err() {
                    tracing::error!(event = "devices", "the thread that reads the list has ended");
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        log::turn();
        if health.look() && watchdog.is_some() {
            manager::tell(&NotifyState::Watchdog);
        }
    }
}
