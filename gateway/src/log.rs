//! The log: what happens, when, whose it is and of which device. Of one kind, and of one source or device, only so many lines a minute: what
//! outsiders cause does not fill a disk. What is left out is counted and said. No secrets, and nothing of what requests say.

use crate::config;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tracing::Level;

/// What happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A session of a full handshake is confirmed.
    Handshake,
    /// A session of a resumption is confirmed.
    Resumed,
    /// A handshake message is refused, with an alert.
    HandshakeRefused,
    /// A session has ended.
    SessionEnded,
    /// A request opened.
    Request,
    /// A sealed request is refused.
    RequestRefused,
    /// The back-end did not answer a request.
    BackendFailed,
    /// The back-end cannot be reached.
    BackendDown,
    /// It is there again.
    BackendUp,
    /// The store would not let something be done.
    StoreFailed,
    /// The store cannot be reached, or failed.
    StoreDown,
    /// It is there again.
    StoreUp,
    /// A worker panicked or failed, and begins again.
    Worker,
}

/// What a minute is, for limits.
const WINDOW_S: u64 = 60;

impl Kind {
    const fn level(self) -> Level {
        match self {
            Self::Worker => Level::ERROR,
            Self::BackendFailed | Self::BackendDown | Self::StoreFailed | Self::StoreDown => Level::WARN,
            Self::Handshake | Self::Resumed | Self::HandshakeRefused | Self::BackendUp | Self::StoreUp => {
                Level::INFO
            }
            Self::SessionEnded | Self::Request | Self::RequestRefused => Level::DEBUG,
        }
    }

    /// What it is called in the log.
    const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Resumed => "resumed",
            Self::HandshakeRefused => "handshake_refused",
            Self::SessionEnded => "session_ended",
            Self::Request => "request",
            Self::RequestRefused => "request_refused",
            Self::BackendFailed => "backend_failed",
            Self::BackendDown => "backend_down",
            Self::BackendUp => "backend_up",
            Self::StoreFailed => "store_failed",
            Self::StoreDown => "store_down",
            Self::StoreUp => "store_up",
            Self::Worker => "worker",
        }
    }
}

/// A device's id, as a log, a terminal and a person can bear it: what is not printable is `\xNN`.
pub struct Id<'a>(pub &'a [u8]);

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| match byte {
            0x21..=0x7e if *byte != b'\\' => write!(f, "{}", char::from(*byte)),
            _ => write!(f, "\\x{byte:02x}"),
        })
    }
}

/// With whom a limit is shared.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Source {
    /// An IPv4 address, or the /64 of an IPv6 one.
    Address(IpAddr),
    Device(Box<[u8]>),
}

fn source(peer: Option<SocketAddr>, device: Option<&[u8]>) -> Option<Source> {
    let address = |peer: SocketAddr| match peer.ip().to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        ip => ip,
    };
    peer.map(|peer| Source::Address(address(peer))).or_else(|| device.map(|id| Source::Device(id.into())))
}

/// What has been said of a kind in this minute.
#[derive(Default)]
struct Said {
    lines: u32,
    left_out: u64,
    by_source: HashMap<Source, u32>,
}

/// How much may be said.
struct Limits {
    per_minute: u32,
    per_minute_and_peer: u32,
    /// When this minute began, in s.
    since_s: u64,
    said: HashMap<Kind, Said>,
}

impl Limits {
    fn new(per_minute: u32, per_minute_and_peer: u32) -> Self {
        Self { per_minute, per_minute_and_peer, since_s: 0, said: HashMap::new() }
    }

    /// Whether this may be said. It holds as many sources as there may be lines.
    fn admit(&mut self, kind: Kind, source: Option<Source>) -> bool {
        let said = self.said.entry(kind).or_default();
        let is_good = said.lines < self.per_minute
            && source.is_none_or(|source| {
                let lines = said.by_source.entry(source).or_default();
                *lines += 1;
                *lines <= self.per_minute_and_peer
            });
        if is_good {
            said.lines += 1;
        } else {
            said.left_out += 1;
        }
        is_good
    }

    /// Begins a new minute, if it is time: what was left out in the last one.
    fn turn(&mut self, now_s: u64) -> Vec<(Kind, u64)> {
        if now_s.saturating_sub(self.since_s) < WINDOW_S {
            return Vec::new();
        }
        self.since_s = now_s;
        let said = self.said.drain();
        said.filter(|(_, said)| said.left_out > 0).map(|(kind, said)| (kind, said.left_out)).collect()
    }
}

static LIMITS: Mutex<Option<(Instant, Limits)>> = Mutex::new(None);

/// Writes the log to standard error from now on. Called once.
pub fn start(log: &config::Log) {
    let limits = Limits::new(log.per_minute, log.per_minute_and_peer);
    *LIMITS.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), limits));
    let level = match log.level {
        config::Level::Error => Level::ERROR,
        config::Level::Warn => Level::WARN,
        config::Level::Info => Level::INFO,
        config::Level::Debug => Level::DEBUG,
    };
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_target(false);
    let lines = lines.log_internal_errors(false); // it would say on stderr that nobody reads stderr, and panic
    match log.format {
        config::Format::Text => lines.with_ansi(false).init(),
        config::Format::Json => lines.json().flatten_event(true).init(),
    }
}

/// Says that something has happened, to whom, if that is known, and more about it.
pub fn say(kind: Kind, peer: Option<SocketAddr>, device: Option<&[u8]>, what: impl fmt::Display) {
    let level = kind.level();
    if level > tracing::level_filters::LevelFilter::current() {
        return;
    }
    turn();
    if let Some((_, limits)) = &mut *LIMITS.lock().unwrap_or_else(PoisonError::into_inner)
        && !limits.admit(kind, source(peer, device))
    {
        return;
    }
    let peer = peer.map(tracing::field::display);
    let device = device.map(Id).map(tracing::field::display);
    macro_rules! at {
        ($level:ident) => {
            tracing::event!(Level::$level, event = kind.name(), peer, device, "{what}")
        };
    }
    match level {
        Level::ERROR => at!(ERROR),
        Level::WARN => at!(WARN),
        Level::INFO => at!(INFO),
        _ => at!(DEBUG),
    }
}

/// Says what was left out, when a minute is over. Called at least once a minute.
pub fn turn() {
    turn_at(|start| start.elapsed().as_secs());
}

/// Says what was left out so far: there will be no more.
pub fn end() {
    turn_at(|_| u64::MAX);
}

fn turn_at(now_s: impl Fn(&Instant) -> u64) {
    let left_out = match &mut *LIMITS.lock().unwrap_or_else(PoisonError::into_inner) {
        Some((start, limits)) => limits.turn(now_s(start)),
        None => return,
    };
    for (kind, count) in left_out {
        tracing::warn!(event = "left_out", kind = kind.name(), count, "lines were left out");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Option<Source> {
        source(Some(text.parse().unwrap()), Some(b"device"))
    }

    #[test]
    fn a_flood_is_a_few_lines_and_a_count() {
        let mut limits = Limits::new(10, 3);
        let mut lines = 0;
        for port in 1..=1000 {
            lines += usize::from(limits.admit(Kind::HandshakeRefused, peer(&format!("192.0.2.1:{port}"))));
        }
        assert_eq!(lines, 3, "of one source");
        assert!(limits.admit(Kind::Handshake, peer("192.0.2.1:1")), "another kind");
        for host in 2..=200 {
            lines += usize::from(limits.admit(Kind::HandshakeRefused, peer(&format!("192.0.2.{host}:1"))));
        }
        assert_eq!(lines, 10, "of all sources");
        assert!(limits.said[&Kind::HandshakeRefused].by_source.len() <= 10);
        assert_eq!(limits.turn(59), []);
        assert_eq!(limits.turn(60), [(Kind::HandshakeRefused, 1199 - 10)]);
        assert!(limits.admit(Kind::HandshakeRefused, peer("192.0.2.1:1")), "a new minute");
        assert_eq!(limits.turn(120), []);
    }

    #[test]
    fn a_source_is_an_address_a_network_or_a_device() {
        assert_eq!(peer("[2001:db8::1]:1"), peer("[2001:db8::2:3]:4"));
        assert_ne!(peer("[2001:db8::1]:1"), peer("[2001:db8:0:1::1]:1"));
        assert_eq!(peer("[::ffff:192.0.2.1]:1"), peer("192.0.2.1:2"));
        assert_ne!(source(None, Some(b"a")), source(None, Some(b"b")));
        assert_eq!(source(None, None), None);
        let mut limits = Limits::new(10, 1);
        assert!((0..10).all(|_| limits.admit(Kind::Worker, None)));
    }

    #[test]
    fn the_document_names_every_kind() {
        let document = include_str!("../../docs/gateway.md");
        let source = include_str!("log.rs");
        let names =
            source.lines().filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \""));
        let names: Vec<_> = names.filter_map(|(_, rest)| rest.strip_suffix("\",")).collect();
        assert!(names.len() >= 13, "{names:?}");
        for name in names {
            assert!(document.contains(&format!("`{name}`")), "{name} is not in docs/gateway.md");
        }
    }

    #[test]
    fn ids_cannot_forge_lines() {
        assert_eq!(Id(b"lamp-1").to_string(), "lamp-1");
        assert_eq!(Id(b"a b\xff\\").to_string(), "a\\x20b\\xff\\x5c");
        assert_eq!(Id(b"a b\n\\\x1b\xff").to_string(), "a\\x20b\\x0a\\x5c\\x1b\\xff");
    }
}
