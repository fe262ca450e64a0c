//! What is measured: a kind of security, cold or warm, by the C programs or by the gateway, each with a server of its own.

/// A kind of security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CoAP without any.
    Plain,
    /// DTLS with a pre-shared key, in the suite that libcoap's client and server agree on.
    Psk,
    /// DTLS with a pre-shared key and no Diffie-Hellman, in the suite of RFC 7252.
    PskOnly,
    /// DTLS with certificates on both sides.
    Certificates,
    /// lscoap's signed profile.
    Signed,
    /// lscoap's express profile.
    Express,
    /// lscoap's resumption.
    Resume,
}

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The C programs, over libcoap.
    Libcoap,
    /// The gateway, which answers by itself, with one worker.
    Gateway,
    /// The same with its resume records in Redis, and started anew before each resumption: nothing is in its memory.
    GatewayRedis,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub host: Host,
    /// Of which kind.
    pub kind: Kind,
    /// Requests in a session that there is; else a new session and one request in it.
    pub warm: bool,
}

impl Kind {
    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Plain => "plain CoAP",
            Kind::Psk => "CoAPS, PSK",
            Kind::PskOnly => "CoAPS, PSK without Diffie-Hellman",
            Kind::Certificates => "CoAPS, mutual certificates",
            Kind::Signed => "lscoap signed",
            Kind::Express => "lscoap express",
            Kind::Resume => "lscoap resume",
        }
    }

    /// Of lscoap.
    pub fn is_lscoap(self) -> bool {
        matches!(self, Kind::Signed | Kind::Express | Kind::Resume)
    }
}

impl Row {
    /// A new session and one request.
    pub const fn cold(kind: Kind) -> Row {
        Row { host: Host::Libcoap, kind, warm: false }
    }

    /// Requests in a session.
    pub const fn warm(kind: Kind) -> Row {
        Row { host: Host::Libcoap, kind, warm: true }
    }

    /// The same by another.
    pub const fn at(self, host: Host) -> Row {
        Row { host, kind: self.kind, warm: self.warm }
    }

    /// All that are measured, in the order of the tables.
    pub const ALL: [Row; 15] = [
        Row::cold(Kind::Certificates),
        Row::cold(Kind::Psk),
        Row::cold(Kind::PskOnly),
        Row::cold(Kind::Signed),
        Row::cold(Kind::Express),
        Row::cold(Kind::Resume),
        Row::cold(Kind::Signed).at(Host::Gateway),
        Row::cold(Kind::Express).at(Host::Gateway),
        Row::cold(Kind::Resume).at(Host::Gateway),
        Row::cold(Kind::Resume).at(Host::GatewayRedis),
        Row::warm(Kind::Plain),
        Row::warm(Kind::Psk),
        Row::warm(Kind::Signed),
        Row::warm(Kind::Plain).at(Host::Gateway),
        Row::warm(Kind::Signed).at(Host::Gateway),
    ];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match (self.host, self.warm, self.kind) {
            (Host::Libcoap, true, Kind::Signed) => "lscoap",
            (Host::Libcoap, ..) => self.kind.name(),
            (_, true, Kind::Plain) => "gateway, plain CoAP",
            (_, true, _) => "gateway, lscoap",
            (_, _, Kind::Express) => "gateway, lscoap express",
            (Host::GatewayRedis, ..) => "gateway, lscoap resume from Redis",
            (_, _, Kind::Resume) => "gateway, lscoap resume",
            _ => "gateway, lscoap signed",
        }
    }
}
