//! Values that are more than a number or a text: each is read where it stands, so that its fault says where that is.

use lscoap::coap::option;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, de};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

/// A whole number from `MIN` to `MAX`.
pub(super) fn range<'de, const MIN: i64, const MAX: i64, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let value = i64::deserialize(deserializer)?;
    let good = (MIN..=MAX).contains(&value).then(|| T::try_from(value).ok()).flatten();
    good.ok_or_else(|| D::Error::custom(format!("{value} is not from {MIN} to {MAX}")))
}

pub(super) fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.is_empty() || texts.len() > 16 {
        return Err(D::Error::custom("1 to 16 addresses are expected, such as [\"[::]:5683\"]"));
    }
    let address = |text: &String| {
        text.parse().map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is not an address and a port, such as \"[::]:5683\" or \"192.0.2.1:5683\""
            ))
        })
    };
    let addresses: Vec<SocketAddr> = texts.iter().map(address).collect::<Result<_, _>>()?;
    let has_port = |address: &&SocketAddr| address.port() != 0; // each 0 is another one
    for (at, address) in addresses.iter().enumerate().filter(|(_, address)| has_port(address)) {
        if addresses.iter().take(at).any(|earlier| earlier == address) {
            return Err(D::Error::custom(format!("{address} is there twice")));
        }
    }
    Ok(addresses)
}

/// Elective, so that a server that does not know it serves all the same, and unsafe to forward, so that a proxy that does not
/// know it passes nothing on (RFC 7252 section 5.4.6).
pub(super) fn identity_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let value = i64::deserialize(deserializer)?;
    let number = u16::try_from(value).ok().filter(|number| *number != 0);
    let number =
        number.ok_or_else(|| D::Error::custom(format!("{value} is not an option's number: 1 to 65535")))?;
    if number & 1 != 0 {
        return Err(D::Error::custom(format!("option {number} is critical: an even number is expected")));
    }
    if number & 2 == 0 {
        return Err(D::Error::custom(format!(
            "option {number} is safe to forward: a number whose second bit is set is expected, such as 65010"
        )));
    }
    if matches!(number, option::OBSERVE | option::MAX_AGE | option::NO_RESPONSE) {
        return Err(D::Error::custom(format!("option {number} means something else in CoAP: say 65010")));
    }
    Ok(number)
}

/// Reads a text, and makes a value of it.
struct Text<F>(&'static str, F);

impl<T, F: FnOnce(&str) -> Result<T, String>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

/// A value that is a text in the file. `what` is expected.
pub(super) fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    what: &'static str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Text(what, read))
}

/// A user or a group of the system: a name or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a name or a number, as a text", |name| {
            let is_good = !name.is_empty() && !name.contains([':', '/', '\n', '\0', ' ']);
            is_good.then(|| Self(name.into())).ok_or_else(|| format!("{name:?} is no name"))
        })
    }
}

/// Where /metrics and /healthz are, if they are anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpAddress(pub Option<SocketAddr>);

impl<'de> Deserialize<'de> for HttpAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "an address and a port, or \"none\"", |text| match text {
            "none" => Ok(Self(None)),
            _ => text.parse().map(|address| Self(Some(address))).map_err(|_| {
                format!("{text:?} is not an address and a port, such as \"127.0.0.1:9683\", and not \"none\"")
            }),
        })
    }
}

#[cfg(test)]
impl serde::Serialize for HttpAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.map_or("none".into(), |address| address.to_string()))
    }
}

/// The URL of a store, which may have a password in it and is shown without.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct StoreUrl(String);

impl StoreUrl {
    pub(super) fn new(url: &str) -> Self {
        Self(url.into())
    }

    /// The whole of it, for [`crate::store::open`].
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether there is one in it, as `USER:PASSWORD@` or as a parameter of PostgreSQL's.
    pub fn has_password(&self) -> bool {
        let user = self.0.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'));
        user.is_some_and(|(user, _)| user.contains(':')) || self.0.contains("password=")
    }

    /// Has the relative path of a file begin in a directory.
    pub(super) fn place_in(&mut self, directory: &Path) {
        if let Some(path) = self.0.strip_prefix("sqlite:") {
            self.0 = format!("sqlite:{}", directory.join(path).display());
        }
    }

    /// Whether nothing survives.
    pub fn is_none(&self) -> bool {
        self.0 == "none"
    }
}

/// Its scheme alone: where passwords stand differs.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split(':').next().unwrap_or_default())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const WANTED: &str =
            "sqlite:PATH, redis://HOST, redis+unix:///SOCKET, postgresql://HOST/DATABASE or none";
        text(deserializer, WANTED, |text| {
            let scheme = text.split(':').next().unwrap_or_default();
            match scheme {
                "none" if text != "none" => Err(format!("{WANTED} is expected")),
                "none" | "sqlite" | "redis" | "redis+unix" | "postgresql" | "postgres" => {
                    Ok(Self(text.into()))
                }
                _ => Err(format!("no store {scheme:?}: {WANTED} is expected")),
            }
        })
    }
}
