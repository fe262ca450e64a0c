//! `lscoap-gateway check`: what `run` would stumble over. It binds nothing, and reaches for others only when it is told to.

use crate::coap::{Header, Type};
use crate::config::{self, Config, DevicesSource, Resolved};
use crate::service::{DirectoryFault, Failure, Reader, become_configured, device_warnings, who};
use crate::store;
use lscoap::enrolment;
use std::fmt::Write;
use std::fs;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a back-end may take for an answer, each of these times.
const PING: Duration = Duration::from_secs(1);
const PINGS: usize = 3;

/// What was found.
pub struct Report {
    /// The findings, a line each; the first goes behind the file's name.
    pub text: String,
    /// The first of what `run` would not do with, and how many there are.
    pub failure: Option<Failure>,
}

/// Findings as they come.
#[derive(Default)]
struct Findings {
    lines: String,
    wrong: usize,
    is_usage: bool,
}

impl Findings {
    fn say(&mut self, what: impl std::fmt::Display) {
        let _ = writeln!(self.lines, "{what}"); // writing to a String does not fail
    }

    fn wrong(&mut self, is_usage: bool, what: impl std::fmt::Display) {
        self.say(format_args!("error: {what}"));
        self.wrong += 1;
        self.is_usage |= is_usage;
    }

    fn take<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|what| self.wrong(true, what)).ok()
    }
}

/// Looks at all that the configuration of a file names; with `connect` it reaches for the store and the back-end, as the configured user.
pub fn check(file: &Path, config: &Config, connect: bool) -> Report {
    let mut found = Findings::default();
    let is_open = fs::metadata(file).is_ok_and(|about| about.mode() & 0o004 != 0);
    if is_open && config.store.url.has_password() {
        found.say(format_args!(
            "warning: {}: everybody can read the password in store.url: chmod o-r",
            file.display()
        ));
    }
    check_user(config, &mut found);
    check_key(config, &mut found);
    if let DevicesSource::File(path) = &config.devices.source {
        check_devices(config, crate::directory::Devices::read(path), &path.display().to_string(), &mut found);
    }
    let resolved = found.take(config.resolve());
    if let Some(Resolved { address, .. }) = &resolved {
        found.say(format_args!(
            "back-end: {} ({address}), told who a device is by {}",
            config.backend.uri,
            by(config)
        ));
    }
    found.say(format_args!("store: {}", config.store.url));
    let workers = config.workers();
    let s = if workers == 1 { "" } else { "s" };
    found.say(format_args!("{workers} worker{s}, room for {} sessions", config.sessions.max));
    if connect {
        reach(config, resolved.map(|resolved| resolved.address), &mut found);
    }
    let Findings { lines, wrong, is_usage } = found;
    let text = if wrong == 0 { format!("good\n{lines}") } else { format!("not good\n{lines}") };
    let s = if wrong == 1 { "" } else { "s" };
    let what = format!("{wrong} error{s}");
    let failure = (wrong > 0).then(|| if is_usage { Failure::usage(what) } else { Failure::failed(what) });
    Report { text, failure }
}

fn by(config: &Config) -> String {
    match config.backend.identity {
        config::Identity::Option => format!("option {}", config.backend.option),
        config::Identity::Path => "the path".to_owned(),
        config::Identity::Query => "the query".to_owned(),
    }
}

fn check_user(config: &Config, found: &mut Findings) {
    match who(config) {
        Ok(_) => {}
        // Whoever checks a file need not be whoever runs it.
        Err(what) if what.starts_with("started as root") || what.starts_with("user: only root") => {
            found.say(format_args!("note: {what}"));
        }
        Err(what) => found.wrong(true, what),
    }
}

fn check_key(config: &Config, found: &mut Findings) {
    let Some((secret, warning)) =
        found.take(config::read_key(&config.key).map_err(|what| format!("key: {what}")))
    else {
        return;
    };
    if let Some(warning) = warning {
        found.say(format_args!("warning: {warning}"));
    }
    let public = enrolment::public_key(&secret).and_then(|public| enrolment::format_server(&public));
    match public {
        Ok(public) => found.say(format_args!(
            "key: {}, which devices know as {}",
            config.key.display(),
            public.as_str()
        )),
        Err(_) => found.wrong(true, format_args!("key: {}: no key", config.key.display())),
    }
}

fn check_devices(
    config: &Config,
    devices: Result<crate::directory::Devices, String>,
    place: &str,
    found: &mut Findings,
) {
    let Some(devices) = found.take(devices.map_err(|what| format!("devices: {what}"))) else { return };
    found.say(format_args!("devices: {} in {place}", devices.len()));
    for warning in device_warnings(config, &devices) {
        found.say(format_args!("warning: {warning}"));
    }
}

/// Whether store and back-end are there.
fn reach(config: &Config, backend: Option<SocketAddr>, found: &mut Findings) {
    if let Err(failure) = become_configured(config) {
        return found.wrong(true, failure.what);
    }
    match store::open(config.store.url.secret(), &config.store_options()) {
        Err(error) => found.wrong(true, format_args!("store: {error}")),
        Ok(store) => {
            let mut reader = Reader::new(DevicesSource::Store, Arc::new(store));
            match (reader.read(true), &config.devices.source) {
                (Err(DirectoryFault::Down(what)), _) => found.wrong(false, format_args!("store: {what}")),
                (Err(DirectoryFault::Bad(what)), _) => found.wrong(true, format_args!("store: {what}")),
                (Ok(devices), source) => {
                    found.say("store: reached");
                    if *source == DevicesSource::Store {
                        check_devices(config, Ok(devices.unwrap_or_default()), "the store", found);
                    }
                }
            }
        }
    }
    if let Some(address) = backend {
        match ping(address) {
            Ok(()) => found.say("back-end: answers"),
            Err(error) => found.wrong(false, format_args!("back-end: {address}: {error}")),
        }
    }
}

/// An empty confirmable message is answered with a reset (RFC 7252 section 4.3).
fn ping(address: SocketAddr) -> io::Result<()> {
    let any: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(PING))?;
    let mut id = [0; 2];
    getrandom::fill(&mut id)?;
    let id = u16::from_be_bytes(id);
    let mut ping = Vec::new();
    Header { kind: Type::Confirmable, code: 0, id, token: &[] }.write(&mut ping);
    let mut answer = [0; 64];
    for _ in 0..PINGS {
        socket.send(&ping)?;
        match socket.recv(&mut answer) {
            Ok(len) => {
                let header = answer.get(..len).map(Header::read);
                let is_reset = |header: Header<'_>| header.kind == Type::Reset && header.id == id;
                if header.and_then(Result::ok).is_some_and(is_reset) {
                    return Ok(());
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "no answer to a CoAP ping"))
}
