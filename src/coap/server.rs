//! A sealed request finds its session among a server's.

use super::unprotect::{Incoming, Outside};
use crate::crypto::Backend;
use crate::error::Error;
use crate::platform::Platform;
use crate::server::{Directory, Env, Opened, Server, Slot};

impl<B: Backend> Server<B> {
    /// As [`crate::session::Session::unprotect_request`], in the session that the request names;
    /// [`Server::open_request`] says what opening does to sessions.
    ///
    /// # Errors
    /// Those of both.
    pub fn unprotect_request<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<Opened, Error> {
        self.unprotect(slots, env.directory, env.now_ms, buffer, len)
    }

    pub(crate) fn unprotect<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        now_ms: u64,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<Opened, Error> {
        let message = buffer.get_mut(..len).ok_or(Error::Argument)?;
        let opened = self.unprotect_counted(slots, directory, now_ms, message);
        opened.inspect_err(|error| match error {
            Error::Unexpected => {} // not a sealed request
            error => self.note_refused_record(*error),
        })
    }

    fn unprotect_counted<D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        now_ms: u64,
        message: &mut [u8],
    ) -> Result<Opened, Error> {
        let mut outside = Outside::new();
        let incoming = Incoming::read_request(message, self.kid_len(slots.len()), &mut outside)?;
        if incoming.context().is_some() {
            return Err(Error::UnknownSession); // sessions have none
        }
        let slot = self.session_of(slots, directory, now_ms, incoming.kid())?;
        let session = slots.get_mut(slot).and_then(Slot::session_mut).ok_or(Error::UnknownSession)?;
        let opening = session.begin_open_request_of(&incoming.header(), incoming.body(message)?)?;
        incoming.open(session, &opening, outside.aad.as_slice(), message)?;
        let mut exchange = self.complete_open_request(slots, directory, slot, &opening)?;
        incoming.note(&mut exchange);
        Ok(Opened { len: incoming.finish(None, outside.kept.as_slice(), message)?, exchange, slot })
    }
}
