//! What is measured: a kind of security, cold or warm, each with a server of its own.

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

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
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
        Row { kind, warm: false }
    }

    /// Requests in a session.
    pub const fn warm(kind: Kind) -> Row {
        Row { kind, warm: true }
    }

    /// All that are measured, in the order of the tables.
    pub const ALL: [Row; 9] = [
        Row::cold(Kind::Certificates),
        Row::cold(Kind::Psk),
        Row::cold(Kind::PskOnly),
        Row::cold(Kind::Signed),
        Row::cold(Kind::Express),
        Row::cold(Kind::Resume),
        Row::warm(Kind::Plain),
        Row::warm(Kind::Psk),
        Row::warm(Kind::Signed),
    ];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match (self.warm, self.kind) {
            (true, Kind::Signed) => "lscoap",
            _ => self.kind.name(),
        }
    }
}
