//! The configuration file: TOML, of which `gateway/lscoap-gateway.toml` shows every key with what it is if nothing is said.

mod fault;
mod key;
#[cfg(test)]
mod tests;
mod uri;
mod values;

pub use fault::Fault;
pub use key::{Key, read as read_key};
pub use uri::{BackendUri, Resolved};
pub use values::{HttpAddress, Name, StoreUrl};

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The option that tells back-ends who a device is, if nothing else is said (RFC 7252 section 12.2: experimental use).
pub const IDENTITY_OPTION: u16 = 65_010;

/// What the operator says.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where devices come, by UDP. `[::]` takes IPv4 too.
    #[serde(deserialize_with = "values::listen")]
    pub listen: Vec<SocketAddr>,
    /// Threads that serve devices; 0: as many as there are cores.
    #[serde(deserialize_with = "values::range::<0, 64, _, _>")]
    pub workers: u16,
    /// Which node this is: connection ids begin with it.
    pub node: u8,
    /// The file with the server's identity key. Paths without a `/` in front begin where the configuration is.
    pub key: PathBuf,
    /// Whom to become once all ports are bound: a name or a number.
    pub user: Option<Name>,
    /// Which group to be in then, if not the user's.
    pub group: Option<Name>,
    /// Whether to go on as root where there is no `user`.
    pub allow_root: bool,
    /// How long, in s, requests that are under way may take when the program is told to stop.
    #[serde(deserialize_with = "values::range::<0, 3600, _, _>")]
    pub drain_s: u16,
    /// Who the devices are.
    pub devices: Devices,
    /// Their sessions.
    pub sessions: Sessions,
    /// Where their requests go.
    pub backend: Backend,
    /// What survives a restart and is shared by nodes.
    pub store: Store,
    /// One request to many devices; there are none if nothing is said.
    pub groups: Option<Groups>,
    /// /metrics and /healthz.
    pub http: Http,
    /// The log.
    pub log: Log,
}

/// Who the devices are.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub struct Devices {
    /// A file of enrolment strings, as `lscoap devices` writes it; `"store"`: the directory in the store.
    pub source: DevicesSource,
    /// How often to look whether it has changed, in s; 0: at SIGHUP only.
    #[serde(deserialize_with = "values::range::<0, 86400, _, _>")]
    pub poll_s: u32,
}

/// Where the list of devices is.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(from = "PathBuf")]
#[cfg_attr(test, serde(into = "PathBuf"))]
pub enum DevicesSource {
    /// In a file.
    File(PathBuf),
    /// In the store.
    Store,
}

impl From<PathBuf> for DevicesSource {
    fn from(path: PathBuf) -> Self {
        if path == Path::new("store") { Self::Store } else { Self::File(path) }
    }
}

impl From<DevicesSource> for PathBuf {
    fn from(source: DevicesSource) -> Self {
        match source {
            DevicesSource::File(path) => path,
            DevicesSource::Store => "store".into(),
        }
    }
}

/// The sessions of devices.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// Room for handshakes and sessions, of all workers together.
    #[serde(deserialize_with = "values::range::<1, 4194304, _, _>")]
    pub max: u32,
    /// How many handshakes may begin at a worker in a second before it asks for cookies; 0: a quarter as many as it has free slots.
    #[serde(deserialize_with = "values::range::<0, 1000000, _, _>")]
    pub retry_rate: u32,
    /// How many times in a row a device may resume before it has to make a full handshake.
    pub resume_limit: u16,
}

/// Where requests go.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub struct Backend {
    /// `coap://HOST[:PORT]`.
    pub uri: BackendUri,
    /// Whether nobody but this gateway can reach the back-end, or pretend to be it, though it is not on this machine.
    pub trusted_network: bool,
    /// How it is told who a device is.
    pub identity: Identity,
    /// The number of the option that says so: elective and unsafe to forward.
    #[serde(deserialize_with = "values::identity_option")]
    pub option: u16,
    /// Source ports of each worker: each carries 265 requests a second. A quarter is shared; each of the others is one device's while it
    /// has a transfer or an observation.
    #[serde(deserialize_with = "values::range::<2, 1024, _, _>")]
    pub ports: u16,
    /// Requests under way at most, of each worker.
    #[serde(deserialize_with = "values::range::<1, 65536, _, _>")]
    pub max_outstanding: u32,
    /// ACK_TIMEOUT (RFC 7252 section 4.8), in ms.
    #[serde(deserialize_with = "values::range::<10, 60000, _, _>")]
    pub ack_timeout_ms: u32,
    /// How long an answer may take after the request was acknowledged, in ms; then it is 5.04.
    #[serde(deserialize_with = "values::range::<100, 600000, _, _>")]
    pub answer_timeout_ms: u32,
}

/// How a back-end is told who a device is.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// An option with the raw id.
    Option,
    /// The path begins with `/d/<hex id>`.
    Path,
    /// The query begins with `lscoap-id=<hex id>`.
    Query,
}

/// What survives a restart and is shared by nodes.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:PATH`, `redis://...`, `redis+unix:///SOCKET`, `postgresql://...`, or `none`. It may have a password in it.
    pub url: StoreUrl,
    /// What keys begin with in Redis.
    pub prefix: String,
    /// How many jobs may wait.
    #[serde(deserialize_with = "values::range::<1, 65536, _, _>")]
    pub queue: u32,
    /// How long a batch, or a connection to be made, may take, in ms.
    #[serde(deserialize_with = "values::range::<50, 60000, _, _>")]
    pub timeout_ms: u32,
}

/// One request to many devices.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// The control socket is this and `.sock`: what `lscoap group --file` is given.
    pub control: PathBuf,
}

/// /metrics and /healthz.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where they are, or `"none"`.
    pub address: HttpAddress,
    /// Whether that may be an address that others reach: nothing is asked of whoever comes.
    pub open_to_others: bool,
}

/// The log, on standard error.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What is too small to be said.
    pub level: Level,
    /// How it is written.
    pub format: Format,
    /// Lines of one kind in a minute, at most; what is left out is counted.
    #[serde(deserialize_with = "values::range::<1, 100000, _, _>")]
    pub per_minute: u32,
    /// Of these, lines about one source or device.
    #[serde(deserialize_with = "values::range::<1, 100000, _, _>")]
    pub per_minute_and_peer: u32,
}

/// What is too small to be said.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What keeps the gateway from serving.
    Error,
    /// And what the operator should look at.
    Warn,
    /// And what devices do.
    Info,
    /// And single requests.
    Debug,
}

/// How the log is written.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Text,
    /// An object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![(std::net::Ipv6Addr::UNSPECIFIED, 5683).into()],
            workers: 0,
            node: 0,
            key: "server.key".into(),
            user: None,
            group: None,
            allow_root: false,
            drain_s: 10,
            devices: Devices::default(),
            sessions: Sessions::default(),
            backend: Backend::default(),
            store: Store::default(),
            groups: None,
            http: Http::default(),
            log: Log::default(),
        }
    }
}

impl Default for Devices {
    fn default() -> Self {
        Self { source: DevicesSource::File("/etc/lscoap/devices.txt".into()), poll_s: 10 }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self { max: 10_000, retry_rate: 0, resume_limit: lscoap::limits::RESUMES_IN_A_ROW }
    }
}

impl Default for Backend {
    fn default() -> Self {
        Self {
            uri: BackendUri::local(),
            trusted_network: false,
            identity: Identity::Option,
            option: IDENTITY_OPTION,
            ports: 32,
            max_outstanding: 4096,
            ack_timeout_ms: 2000,
            answer_timeout_ms: 60_000,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: StoreUrl::new("sqlite:/var/lib/lscoap-gateway/state.db"),
            prefix: "lscoap:".into(),
            queue: 4096,
            timeout_ms: 2000,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            address: HttpAddress(Some((std::net::Ipv4Addr::LOCALHOST, 9683).into())),
            open_to_others: false,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, format: Format::Text, per_minute: 600, per_minute_and_peer: 20 }
    }
}

impl Config {
    /// Reads a file and looks whether it makes sense. The fault says where it is and what would be right.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(path).map_err(|error| Fault::of_file(path, &error))?;
        let mut config = Self::parse(&text).map_err(|fault| fault.in_file(path))?;
        config.place_in(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Has relative paths begin in a directory.
    fn place_in(&mut self, directory: &Path) {
        self.key = directory.join(&self.key);
        if let DevicesSource::File(path) = &mut self.devices.source {
            *path = directory.join(&path);
        }
        if let Some(groups) = &mut self.groups {
            groups.control = directory.join(&groups.control);
        }
        self.store.url.place_in(directory);
    }

    /// As [`Config::read`], of a text.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let config: Self = toml::from_str(text).map_err(|error| Fault::of_toml(text, &error))?;
        config.check().map_err(|(keys, what)| Fault::at_key(text, &keys, what))?;
        Ok(config)
    }

    /// What no single value shows. Addresses are [`Config::resolve`]'s.
    fn check(&self) -> Result<(), (Vec<&'static str>, String)> {
        let HttpAddress(http) = self.http.address;
        if http.is_some_and(|address| !address.ip().is_loopback()) && !self.http.open_to_others {
            return Err((
                vec!["http", "address"],
                "an address that others reach, and nothing is asked of whoever comes: say 127.0.0.1, or `open_to_others = true`".into(),
            ));
        }
        if self.store.url.is_none() {
            if self.groups.is_some() {
                return Err((
                    vec!["groups"],
                    "groups need a store, as no number of theirs may be used twice: give `store.url`".into(),
                ));
            }
            if self.devices.source == DevicesSource::Store {
                return Err((
                    vec!["devices", "source"],
                    "there is no store for the list of devices to be in: give `store.url`, or a file".into(),
                ));
            }
        }
        Ok(())
    }

    /// The addresses of the back-end. Refused: one that does not exist, one that others may reach or pretend to be
    /// ([`Backend::trusted_network`]), and one where this gateway itself listens.
    pub fn resolve(&self) -> Result<Resolved, String> {
        let resolved = self.backend.uri.resolve()?;
        if let Some(other) = resolved.all.iter().find(|address| !address.ip().to_canonical().is_loopback())
            && !self.backend.trusted_network
        {
            return Err(format!(
                "backend.uri: {} is not on this machine ({}): whoever can send from its address or read the way to it could speak for it, \
                 or for any device. Run the back-end here and say coap://127.0.0.1:PORT, or, if nobody else is on that network, \
                 `backend.trusted_network = true`",
                self.backend.uri,
                other.ip()
            ));
        }
        let is_own = |own: &SocketAddr| {
            let ours = own.ip();
            resolved.all.iter().any(|address| {
                own.port() == address.port()
                    && (ours.is_unspecified() || ours.to_canonical() == address.ip().to_canonical())
            })
        };
        if resolved.all.iter().all(|address| address.ip().to_canonical().is_loopback())
            && let Some(own) = self.listen.iter().find(|own| is_own(own))
        {
            return Err(format!(
                "backend.uri: at {} this gateway itself listens ({own}): the back-end needs another port",
                self.backend.uri
            ));
        }
        Ok(resolved)
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(64),
            workers => usize::from(workers),
        }
    }

    /// How many slots each worker has.
    pub fn slots(&self) -> usize {
        usize::try_from(self.sessions.max).unwrap_or(usize::MAX).div_ceil(self.workers())
    }

    /// How the store is used.
    pub fn store_options(&self) -> crate::store::Options {
        crate::store::Options {
            prefix: self.store.prefix.clone(),
            queue: usize::try_from(self.store.queue).unwrap_or(usize::MAX),
            timeout: Duration::from_millis(self.store.timeout_ms.into()),
        }
    }
}
