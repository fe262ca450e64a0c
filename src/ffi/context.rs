//! `lscoap_context`: OSCORE security contexts in and out.

use super::platform::lscoap_platform;
use super::pointers::{behind_mut, object, object_mut};
use super::session::lscoap_session;
use super::status::{LSCOAP_OK, lscoap_status, merge};
use crate::bytes::{Bytes, copy};
use crate::error::Error;
use crate::limits::{CID_MAX, ID_CONTEXT_MAX};
use crate::session::{Received, SecurityContext};

/// The longest Master Secret and the longest Master Salt, in bytes.
pub const LSCOAP_CONTEXT_SECRET_MAX: usize = 32;
/// The longest ID Context, in bytes.
pub const LSCOAP_ID_CONTEXT_MAX: usize = 8;

const _: () = assert!(LSCOAP_ID_CONTEXT_MAX == ID_CONTEXT_MAX);

/// An OSCORE security context (RFC 8613 section 3) with AES-CCM-16-64-128 and HKDF-SHA-256. It holds a secret: overwrite it once
/// it has been used. Zero every field that is not used.
#[repr(C)]
pub struct lscoap_context {
    /// The next number to send.
    pub next: u64,
    /// One above the highest number received; 0 while there is none.
    pub received_end: u64,
    /// Bit `i`: number `received_end - 1 - i` was received.
    pub received: u64,
    /// 1: what was received is not known, so that the first request has to bring an Echo (RFC 8613 Appendix B.1.2). Else 0.
    pub is_lost: u8,
    /// The length of the Master Secret, in bytes: 16 of a session.
    pub secret_len: u8,
    /// The length of the Master Salt: 8 of a session.
    pub salt_len: u8,
    /// The length of the ID Context; 0 for none.
    pub id_context_len: u8,
    /// The length of this end's Sender ID.
    pub sender_id_len: u8,
    /// The length of the peer's.
    pub recipient_id_len: u8,
    /// The Master Secret.
    pub secret: [u8; LSCOAP_CONTEXT_SECRET_MAX],
    /// The Master Salt.
    pub salt: [u8; LSCOAP_CONTEXT_SECRET_MAX],
    /// The ID Context.
    pub id_context: [u8; 8],
    /// This end's Sender ID.
    pub sender_id: [u8; 7],
    /// The peer's, which is the kid of its requests.
    pub recipient_id: [u8; 7],
}

fn part<const N: usize>(bytes: &[u8; N], len: u8) -> Result<&[u8], Error> {
    bytes.get(..usize::from(len)).ok_or(Error::Argument)
}

fn id<const N: usize>(bytes: &[u8; N], len: u8) -> Result<Bytes<N>, Error> {
    Bytes::copy_of(part(bytes, len)?, Error::Argument)
}

fn give<const N: usize>(to: &mut [u8; N], len: &mut u8, bytes: &Bytes<N>) {
    *to = [0; N];
    copy(to, bytes);
    *len = u8::try_from(bytes.len()).unwrap_or(0);
}

/// Writes the session's context for another OSCORE implementation, which goes on with it: this session then seals and opens
/// nothing (LSCOAP_ERR_STATE), and lscoap_session_store() stores it as used up; the other one stores its own. Exported keys,
/// fingerprint and resumption go on. A server's session may be handed over before its first request:
/// lscoap_server_confirm() says when that has opened.
/// LSCOAP_ERR_STATE: handed over before, or taken over.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_hand_over(
    session: *mut lscoap_session,
    context: *mut lscoap_context,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let out = object_mut(context)?;
        let secret = out.secret.first_chunk_mut().ok_or(Error::Argument)?;
        let salt = out.salt.first_chunk_mut().ok_or(Error::Argument)?;
        let context = session.hand_over(secret, salt)?;
        (out.secret_len, out.salt_len) = (16, 8);
        give(&mut out.id_context, &mut out.id_context_len, &context.id_context);
        give::<CID_MAX>(&mut out.sender_id, &mut out.sender_id_len, &context.sender_id);
        give::<CID_MAX>(&mut out.recipient_id, &mut out.recipient_id_len, &context.recipient_id);
        out.next = context.next;
        (out.received_end, out.received, out.is_lost) = match context.received {
            Received::Known { end, seen } => (end, seen, 0),
            Received::Lost => (0, 0, 1),
        };
        Ok(LSCOAP_OK)
    })())
}

/// Makes a session of a context that came from elsewhere: from another key exchange, from provisioning, or from storage, over
/// whatever `session` held before. It is in no lscoap_server, has no device id, exports no keys and is not resumed. `next` has to be
/// above every number that was used; it is the caller who stores it, ahead. `platform` gives randomness, and AES in hardware.
/// Requests name the ID Context, if there is one; those that come may. Whole messages alone do: sealed objects do not.
/// LSCOAP_ERR_ARGUMENT: no secret, a field that is too long, equal ids, a number above 2^40. LSCOAP_ERR_RANDOM. Nothing has changed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lscoap_session_take_over(
    session: *mut lscoap_session,
    platform: *const lscoap_platform,
    context: *const lscoap_context,
) -> lscoap_status {
    // SAFETY: the contract.
    merge((|| unsafe {
        let session = behind_mut(session)?;
        let mut platform = *object(platform)?;
        let given = object(context)?;
        if platform.random.is_none() {
            return Err(Error::Null);
        }
        let context = SecurityContext {
            id_context: id(&given.id_context, given.id_context_len)?,
            sender_id: id(&given.sender_id, given.sender_id_len)?,
            recipient_id: id(&given.recipient_id, given.recipient_id_len)?,
            next: given.next,
            received: match given.is_lost {
                0 => Received::Known { end: given.received_end, seen: given.received },
                1 => Received::Lost,
                _ => return Err(Error::Argument),
            },
        };
        let secret = part(&given.secret, given.secret_len)?;
        let salt = part(&given.salt, given.salt_len)?;
        let engine = platform.engine();
        session.take_over(engine, &mut platform, secret, salt, &context)?;
        Ok(LSCOAP_OK)
    })())
}
