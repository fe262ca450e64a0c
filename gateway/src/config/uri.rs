//! Where the back-end is.

use super::values;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// The port of `coap:` (RFC 7252 section 6.1).
const COAP_PORT: u16 = 5683;

/// `coap://HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendUri {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The addresses of a back-end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The one to use.
    pub address: SocketAddr,
    /// All that its name has.
    pub all: Vec<SocketAddr>,
}

impl BackendUri {
    /// On this machine, where the default port is the gateway's own.
    pub(super) fn local() -> Self {
        Self { host: Ipv4Addr::LOCALHOST.to_string(), port: 5685 }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{text:?}: {what}; coap://HOST:PORT is expected");
        let Some(authority) = text.strip_prefix("coap://") else {
            return Err(match text.split_once("://") {
                Some((scheme, _)) => wrong(&format!("{scheme:?} is not what a back-end is spoken to in")),
                None => wrong("not a URI"),
            });
        };
        if authority.contains(['/', '?', '#', '@']) {
            return Err(wrong("a back-end has no path, query or user"));
        }
        let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
            let (host, port) = rest.split_once(']').ok_or_else(|| wrong("a bracket is not closed"))?;
            host.parse::<Ipv6Addr>().map_err(|_| wrong("not an IPv6 address in the brackets"))?;
            (host, port)
        } else {
            authority.split_at(authority.find(':').unwrap_or(authority.len()))
        };
        if host.is_empty() {
            return Err(wrong("the host is missing"));
        }
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => COAP_PORT,
            digits => digits
                .and_then(|digits| digits.parse().ok())
                .filter(|port| *port != 0)
                .ok_or_else(|| wrong("not a port"))?,
        };
        Ok(Self { host: host.to_owned(), port })
    }

    /// Asks the system for the addresses; at least one.
    pub(super) fn resolve(&self) -> Result<Resolved, String> {
        let found = (&*self.host, self.port).to_socket_addrs();
        let all: Vec<_> = found.map_err(|error| format!("backend.uri: {}: {error}", self.host))?.collect();
        let is_bad = |ip: IpAddr| ip.is_unspecified() || ip.is_multicast();
        if let Some(bad) = all.iter().find(|address| is_bad(address.ip())) {
            return Err(format!("backend.uri: {} is nobody's address", bad.ip()));
        }
        match all.first() {
            Some(address) => Ok(Resolved { address: *address, all }),
            None => Err(format!("backend.uri: {} has no address", self.host)),
        }
    }
}

impl fmt::Display for BackendUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "coap://{open}{}{close}:{}", self.host, self.port)
    }
}

impl<'de> Deserialize<'de> for BackendUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        values::text(deserializer, "coap://HOST:PORT", Self::parse)
    }
}

#[cfg(test)]
impl serde::Serialize for BackendUri {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
