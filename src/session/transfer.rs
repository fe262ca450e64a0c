//! Contexts in and out: what another OSCORE implementation needs of a session, and a session of what came from elsewhere
//! (RFC 8613 sections 3 and 7.5, Appendix B.1).

use super::{Session, Window, flag};
use crate::bytes::Bytes;
use crate::crypto::{Backend, Prk, sha256};
use crate::error::Error;
use crate::limits::{ID_CONTEXT_MAX, SEQUENCE_MAX};
use crate::platform::Platform;
use crate::wire::{Cid, DeviceId};
use zeroize::Zeroize;

/// What a context that does not know its window asks for, in bytes.
const ECHO_LEN: usize = 8;

/// The requests that a context has received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// `end` is one above the highest number, 0 while there is none; bit `i` of `seen` says whether `end - 1 - i` was received.
    Known {
        /// One above the highest.
        end: u64,
        /// The highest and the 63 below it.
        seen: u64,
    },
    /// It is not known: the first request has to bring an Echo of ours (RFC 8613 Appendix B.1.2).
    Lost,
}

/// An OSCORE security context with AES-CCM-16-64-128 and HKDF-SHA-256, but for its secrets, which stay where they are.
pub struct SecurityContext {
    /// The ID Context; empty for none.
    pub id_context: Bytes<ID_CONTEXT_MAX>,
    /// This end's Sender ID.
    pub sender_id: Cid,
    /// The peer's.
    pub recipient_id: Cid,
    /// The next number to send.
    pub next: u64,
    /// What has been received.
    pub received: Received,
}

impl<B: Backend> Session<B> {
    /// The session's context for another OSCORE implementation, which goes on with it; its Master Secret and Master Salt are
    /// written. From now on this session seals and opens nothing ([`Error::State`]), and where it is stored, it is stored as used up.
    /// Exported keys, fingerprint and resumption go on. The server's end of an unconfirmed session may be handed over, to
    /// be confirmed by `Server::confirm`.
    ///
    /// # Errors
    /// [`Error::State`]: handed over before, or taken over.
    pub fn hand_over(&mut self, secret: &mut [u8; 16], salt: &mut [u8; 8]) -> Result<SecurityContext, Error> {
        self.check_here()?;
        self.check_own()?;
        Prk::<B>::with(&self.out, |out| super::oscore_secret(out, secret, salt));
        let is_lost = self.flags & flag::RESTORED != 0;
        let context = SecurityContext {
            id_context: Bytes::EMPTY,
            sender_id: self.sender_id,
            recipient_id: self.recipient_id,
            next: self.next,
            received: if is_lost { Received::Lost } else { self.window.received() },
        };
        self.flags |= flag::HANDED_OVER;
        self.next = SEQUENCE_MAX.saturating_add(1);
        self.context.zeroize();
        Ok(context)
    }

    /// Becomes the session of a context that came from elsewhere, by Master Secret and Master Salt (which may be empty): from another
    /// key exchange, provisioning, or storage. It has no device id, exports no keys and is not resumed. `next` has to be above every number that
    /// was used: it is the caller who stores it.
    ///
    /// # Errors
    /// [`Error::Argument`]: no secret, equal ids, or a number that is none. [`Error::Random`]: the platform failed. Nothing has
    /// changed.
    pub fn take_over<P: Platform + ?Sized>(
        &mut self,
        engine: B::Engine,
        platform: &mut P,
        secret: &[u8],
        salt: &[u8],
        context: &SecurityContext,
    ) -> Result<(), Error> {
        let end = match context.received {
            Received::Known { end, .. } => end,
            Received::Lost => 0,
        };
        let numbers_end = SEQUENCE_MAX.saturating_add(1);
        let are_ids_equal = context.sender_id.as_slice() == context.recipient_id.as_slice();
        if secret.is_empty() || are_ids_equal || context.next > numbers_end || end > numbers_end {
            return Err(Error::Argument);
        }
        let mut echo = [0; ECHO_LEN];
        platform.random(&mut echo)?;
        let id_context = Some(context.id_context.as_slice()).filter(|id| !id.is_empty());
        self.load(secret, salt, id_context, &context.sender_id, &context.recipient_id);
        self.engine = engine;
        self.out.zeroize();
        crate::bytes::copy(&mut self.out, &echo);
        self.device_id = DeviceId::copy_of(&context.id_context, Error::Argument)?;
        self.next = context.next;
        self.flags = flag::CONFIRMED | flag::TAKEN_OVER;
        match context.received {
            Received::Known { end, seen } => self.window = Window::taken_over(end, seen),
            Received::Lost => self.flags |= flag::LOST,
        }
        // Equal at both ends, whichever of the ids is whose.
        let (one, other) = (context.sender_id.as_slice(), context.recipient_id.as_slice());
        let (first, second) = if one < other { (one, other) } else { (other, one) };
        let len = [u8::try_from(first.len()).unwrap_or(0)];
        let digest = sha256::<B>(&[
            b"lscoap context",
            &self.context.common_iv,
            &len,
            first,
            second,
            &context.id_context,
        ]);
        self.fingerprint = digest.first_chunk().copied().unwrap_or_default();
        Ok(())
    }

    /// Of a context that was taken over, if it has one.
    pub(crate) fn id_context(&self) -> Option<&[u8]> {
        let is_taken_over = self.flags & flag::TAKEN_OVER != 0;
        Some(self.device_id.as_slice()).filter(|id| is_taken_over && !id.is_empty())
    }

    /// Whether a request may be delivered that has opened: always, unless what was received before is not known and it
    /// does not bring our Echo. That tells that it is new, and its number where the window begins.
    pub(crate) fn check_fresh(&mut self, sequence: u64, echo: Option<&[u8]>) -> Result<(), Error> {
        if self.flags & flag::LOST == 0 {
            return Ok(());
        }
        if echo != Some(self.echo()) {
            return Err(Error::Stale);
        }
        self.flags &= !flag::LOST;
        self.window = Window::taken_over(sequence, u64::MAX);
        Ok(())
    }

    /// What a request has to bring.
    pub(crate) fn echo(&self) -> &[u8] {
        self.out.get(..ECHO_LEN).unwrap_or(&[])
    }
}
