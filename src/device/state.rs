//! What a device is doing.

/// For whom the message that is out is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub(super) enum Task {
    #[default]
    None,
    /// The application's request, or to connect.
    Request,
    /// An observation that is registered anew.
    Renew,
    /// The rest of a notification.
    Fetch,
    /// An observation that is deregistered.
    Leave,
    /// A member of a group asks.
    Ask,
}

/// How far a task has come.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub(super) enum Stage {
    /// It has ended, or there is none.
    #[default]
    Idle,
    /// The next message is to be sealed.
    Prepare,
    /// A handshake begins when it is due.
    Connect,
    /// A handshake message is out.
    Handshake,
    /// A sealed message is out.
    Sealed,
}

/// How a task has ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub(super) enum End {
    #[default]
    Not,
    Done,
    NoAnswer,
    Uncertain,
    Storage,
    TooLong,
    Cancelled,
    BadOption,
    Malformed,
    /// By the alert that the device has noted.
    Refused,
    /// Sealing failed.
    Hardware,
}

/// Whether a blob is to be written.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub(super) enum Storing {
    #[default]
    Not,
    Wanted,
    /// [`super::Device::stored`] says how it went.
    Out,
}

/// What stays of the configuration.
#[derive(Default)]
pub(super) struct Settings {
    pub carrier: u8,
    pub max_retransmit: u8,
    pub attempts: u8,
    pub ack_timeout_ms: u16,
    pub store_block: u32,
    pub refresh_s: u32,
}
