//! What can go wrong, what can go right, and the refusals that travel on the wire.

/// What a step of a handshake asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)] // a word, like `Alert`
pub enum Status {
    /// The output holds a message to send.
    Send = 1,
    /// The client's session is ready to be taken; there is nothing to send.
    Ready,
    /// The output holds a refusal ([`Alert`]) to send; the server keeps nothing of the message.
    Refused,
}

/// Why something was not done. Nothing changed, unless the variant says otherwise.
// In the order of the statuses for C, from which those are then computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Error {
    /// A null pointer where a value is needed (C).
    Null,
    /// A length or a value is outside its range.
    Argument,
    /// The object was never initialised, or has been wiped.
    Uninitialised,
    /// The call does not fit what was done before it.
    State,
    /// The output buffer is too small.
    Capacity,
    /// A secret key outside 1..n−1, or a public key that is not a point of P-256.
    Key,
    /// The random source failed.
    Random,
    /// Bytes that are no message or object of this protocol.
    Malformed,
    /// A well-formed message that is not awaited now.
    Unexpected,
    /// A tag or a signature does not verify.
    Authentication,
    /// The record was seen before, or is older than the window.
    Replay,
    /// No session has this connection id.
    UnknownSession,
    /// The sequence numbers of this session are used up: make a new session.
    Exhausted,
    /// The request has had its one answer without a number.
    Answered,
    /// An accelerator or a secure element failed.
    Hardware,
    /// Storage failed.
    Storage,
    /// The sequence numbers that were reserved in storage are used up: store the session again.
    Unstored,
    /// A critical option that the message may not have there (whole messages: RFC 7252 section 5.4.1).
    BadOption,
    /// Nothing came but silence, Resets and refusals in the clear (device).
    NoAnswer,
    /// The session was lost while a request was out that is not to be executed twice (device).
    Uncertain,
    /// A request or an answer does not fit the buffer (device).
    TooLong,
    /// The request was given up by its own side (device).
    Cancelled,
    /// A member is out of date: it is to ask (groups).
    Ask,
    /// Too many proofs failed lately, or a device asks too often: nothing was computed (groups).
    Budget,
    /// No place is free (groups).
    Full,
    /// A request to a context that does not know what it has received, without the Echo that shows that it is new (whole messages).
    Stale,
    /// The peer refused; anyone could have sent this.
    Alert(Alert),
}

/// The codes of an ALERT message (protocol section 3). They carry no authentication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)] // a word, and with it `Error`: a result with a word in it is then returned in registers
pub enum Alert {
    /// The directory does not know the device id.
    UnknownDevice = 1,
    /// A tag or a signature did not verify.
    Authentication = 2,
    /// The bytes were no message.
    Malformed = 3,
    /// No room at present.
    Busy = 4,
    /// Nobody has this connection id.
    UnknownSession = 5,
}

impl Alert {
    /// The alert of a code; an unknown code is malformed.
    pub const fn from_code(code: u8) -> Result<Self, Error> {
        Ok(match code {
            1 => Self::UnknownDevice,
            2 => Self::Authentication,
            3 => Self::Malformed,
            4 => Self::Busy,
            5 => Self::UnknownSession,
            _ => return Err(Error::Malformed),
        })
    }

    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }
}
