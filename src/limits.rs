//! Sizes of the protocol, in bytes.

/// The longest device id.
pub const DEVICE_ID_MAX: usize = 32;
/// The longest connection id.
pub const CID_MAX: usize = 7;
/// A secret key: a big-endian scalar.
pub const SECRET_KEY_LEN: usize = 32;
/// A public key: a compressed SEC1 point.
pub const PUBLIC_KEY_LEN: usize = 33;
/// An ephemeral public key: the x-coordinate alone.
pub const X_LEN: usize = 32;
/// An ECDSA signature, `r || s`.
pub const SIGNATURE_LEN: usize = 64;
/// The longest ID Context.
pub const ID_CONTEXT_MAX: usize = 8;
/// The tag of AES-CCM-16-64-128.
pub const TAG_LEN: usize = 8;
/// A retry cookie.
pub const COOKIE_LEN: usize = 16;
/// The longest X1: the longest of the messages that open a handshake.
pub const X1_MAX: usize = 1 + X_LEN + 1 + CID_MAX + DEVICE_ID_MAX + TAG_LEN;
/// The longest handshake message: RETRIED with the longest X1 inside.
pub const MESSAGE_MAX: usize = 1 + COOKIE_LEN + X1_MAX;
/// The header of a sealed object: flags, Partial IV and kid.
pub const HEADER_MAX: usize = 1 + 5 + CID_MAX;
/// The most that sealing adds to a request.
pub const REQUEST_OVERHEAD: usize = HEADER_MAX + TAG_LEN;
/// The most that sealing adds to a response or a notification.
pub const RESPONSE_OVERHEAD: usize = 1 + 5 + TAG_LEN;
/// The most additional data that a caller can bind to a sealed object.
pub const AAD_MAX: usize = 256;
/// The largest sequence number of a session (RFC 8613 section 7.2.1).
pub const SEQUENCE_MAX: u64 = (1 << 40) - 1;
/// A session's fingerprint.
pub const FINGERPRINT_LEN: usize = 8;
/// The longest enrolment string of a device, of version 2.
pub const DEVICE_STRING_MAX: usize = 5 + 52 + 1 + 53 + 1 + 4;
/// The longest enrolment string of a server, of version 2.
pub const SERVER_STRING_MAX: usize = 5 + 53 + 1 + 4;
/// How many R1 a server answers for one resume secret.
pub const RESUMES_PER_SECRET: u32 = 65_536;
/// How many resumptions in a row a server allows, if it is told nothing else.
pub const RESUMES_IN_A_ROW: u16 = 1_000;
/// How many RETRY messages a client follows in one handshake.
pub const RETRIES_MAX: u8 = 3;
/// The longest stored session of a client.
pub const SESSION_BLOB_MAX: usize = crate::stored::FRAME_LEN + 2 * (1 + CID_MAX) + 1 + DEVICE_ID_MAX + 32 + 8;
/// The longest record of what a server needs to resume a session.
pub const RESUME_RECORD_MAX: usize =
    crate::stored::FRAME_LEN + 2 * (1 + CID_MAX) + 1 + DEVICE_ID_MAX + PUBLIC_KEY_LEN + 32 + 4 + 2;
