//! A datagram from the server, and what it is an answer to.

use super::flight::{OPTIONS_AT, TOKEN_LEN};
use super::inside::Inside;
use super::{ACKNOWLEDGED, Device, End, Env, Stage, Task};
use crate::coap::HANDSHAKE;
use crate::coap::message::{Frame, HEADER_LEN, code, is_request};
use crate::crypto::Backend;
use crate::error::{Alert, Error};
use crate::wire::{Parsed, parse};

const UNAVAILABLE: u8 = code(5, 3);
const BAD_OPTION: u8 = code(4, 2);
const BAD_REQUEST: u8 = code(4, 0);
/// The longest that a server is waited for because it says that it is busy.
const BUSY_MAX_S: u32 = 60;

/// Message types (RFC 7252 section 3).
mod message_type {
    pub const CONFIRMABLE: u8 = 0;
    pub const NON_CONFIRMABLE: u8 = 1;
    pub const ACKNOWLEDGEMENT: u8 = 2;
    pub const RESET: u8 = 3;
}

/// The fixed header of a message.
#[derive(Clone, Copy)]
pub(super) struct Header {
    message_type: u8,
    code: u8,
    id: u16,
}

impl<B: Backend> Device<B> {
    /// Takes any datagram that came from the server's address, and opens it in place. What is not for this device is dropped, and is no error.
    /// One step of a handshake may be computed here.
    ///
    /// # Errors
    /// [`Error::Unexpected`]: a request, which is untouched: for [`crate::session::Session::unprotect_request`].
    pub fn receive(&mut self, env: &mut Env<'_>, datagram: &mut [u8]) -> Result<(), Error> {
        self.check_live()?;
        self.tick(env.now_ms);
        let [first, code, id_high, id_low, ..] = datagram else { return Ok(()) };
        if *first >> 6 != 1 {
            return Ok(());
        }
        let id = u16::from_be_bytes([*id_high, *id_low]);
        let header = Header { message_type: *first >> 4 & 3, code: *code, id };
        if header.code == 0 {
            self.take_empty(&header);
            return Ok(());
        }
        let Ok(frame) = Frame::read(datagram) else { return Ok(()) };
        if is_request(header.code) {
            return Err(Error::Unexpected);
        }
        let is_mine = matches!(self.stage, Stage::Handshake | Stage::Sealed);
        let token: Option<[u8; TOKEN_LEN]> = datagram
            .get(HEADER_LEN..frame.options)
            .filter(|_| frame.options == OPTIONS_AT)
            .and_then(|token| token.try_into().ok());
        match token {
            Some(token) if is_mine && self.flight.knows(&token) => {
                self.take_response(env, &header, &frame, &token, datagram);
            }
            Some(token) if self.is_observed(env, &token) => self.notified(env, &header, &token, datagram),
            _ => self.refuse(&header),
        }
        Ok(())
    }

    fn take_empty(&mut self, header: &Header) {
        match header.message_type {
            message_type::CONFIRMABLE => self.reply(message_type::RESET, header.id), // a ping
            message_type::ACKNOWLEDGEMENT => {
                self.flight.acknowledge(header.id, self.now_ms, self.settings.max_retransmit);
            }
            _ => {}
        }
    }

    /// A token that nobody knows: an answer that was taken comes again when its acknowledgement was lost.
    fn refuse(&mut self, header: &Header) {
        let known = self.acknowledged.iter().take(self.acknowledged_len.into());
        let is_again = known.into_iter().any(|id| *id == header.id);
        match header.message_type {
            message_type::CONFIRMABLE if is_again => self.reply(message_type::ACKNOWLEDGEMENT, header.id),
            message_type::CONFIRMABLE | message_type::NON_CONFIRMABLE => {
                self.reply(message_type::RESET, header.id)
            }
            _ => {}
        }
    }

    /// The message was taken.
    pub(super) fn acknowledge(&mut self, header: &Header) {
        if header.message_type == message_type::CONFIRMABLE {
            self.acknowledged.rotate_right(1);
            if let Some(first) = self.acknowledged.first_mut() {
                *first = header.id;
            }
            let len = usize::from(self.acknowledged_len).saturating_add(1).min(ACKNOWLEDGED);
            self.acknowledged_len = u8::try_from(len).unwrap_or(0);
            self.reply(message_type::ACKNOWLEDGEMENT, header.id);
        }
    }

    /// It was not, or was before.
    pub(super) fn acknowledge_again(&mut self, header: &Header) {
        let known = self.acknowledged.iter().take(self.acknowledged_len.into());
        if header.message_type == message_type::CONFIRMABLE && known.into_iter().any(|id| *id == header.id) {
            self.reply(message_type::ACKNOWLEDGEMENT, header.id);
        }
    }

    #[inline(never)] // called from many places
    fn reply(&mut self, message_type: u8, id: u16) {
        let [high, low] = id.to_be_bytes();
        (self.reply, self.has_reply) = ([0x40 | message_type << 4, 0, high, low], true);
    }

    /// An answer to the message that is out.
    fn take_response(
        &mut self,
        env: &mut Env<'_>,
        header: &Header,
        frame: &Frame,
        token: &[u8],
        datagram: &mut [u8],
    ) {
        if self.stage == Stage::Handshake {
            let Ok(outside) = Inside::read(datagram, frame) else { return };
            let is_message = outside.content_format == Some(HANDSHAKE) && !outside.payload.is_empty();
            let taken = is_message.then(|| self.take_handshake(env, outside.payload));
            match taken {
                Some(Ok(())) => self.acknowledge(header),
                Some(Err(Error::Alert(alert))) => {
                    self.acknowledge(header);
                    self.hint(env, Some(alert), &outside, token);
                }
                Some(Err(_)) => {} // changed on the way, or somebody else's
                None => {
                    self.acknowledge(header);
                    self.hint(env, None, &outside, token);
                }
            }
            return;
        }
        let len = datagram.len();
        let [first, second] = &mut self.held;
        let session = if self.second { &mut second.session } else { &mut first.session };
        match session.unprotect_response(&mut self.exchange, datagram, len) {
            Ok(len) => {
                self.acknowledge(header);
                self.prove();
                self.take_opened(env, token, datagram.get(..len).unwrap_or(&[]));
            }
            Err(Error::Unexpected) => {
                let Ok(outside) = Inside::read(datagram, frame) else { return };
                let alert = match (outside.content_format, parse(outside.payload)) {
                    (Some(HANDSHAKE), Ok(Parsed::Alert(alert))) => Some(alert),
                    _ => None,
                };
                if matches!(header.code, BAD_REQUEST..=BAD_OPTION | UNAVAILABLE) {
                    self.acknowledge(header);
                    self.hint(env, alert, &outside, token);
                }
            }
            Err(_) => self.acknowledge_again(header), // not the server's, or not any more
        }
    }

    /// An answer in the clear. Anybody can have sent it: it makes this device ask again, and begin a handshake once it
    /// has come twice.
    fn hint(&mut self, env: &mut Env<'_>, alert: Option<Alert>, outside: &Inside<'_>, token: &[u8]) {
        if !self.flight.is_current(token) {
            return; // of the message before the hint: that one is known
        }
        if self.stage == Stage::Handshake {
            alert.into_iter().for_each(|alert| self.note_alert(alert));
        }
        if outside.code == UNAVAILABLE || alert == Some(Alert::Busy) {
            let pause = u64::from(outside.max_age_s.min(BUSY_MAX_S)).saturating_mul(1_000);
            return self.flight.again(self.now_ms.saturating_add(pause));
        }
        if !self.flight.hinted {
            self.flight.hinted = true;
            return self.flight.again(self.now_ms);
        }
        match self.stage {
            Stage::Handshake => self.handshake_refused(env),
            _ => self.connect(env, End::NoAnswer),
        }
    }

    /// What the server sealed.
    fn take_opened(&mut self, env: &mut Env<'_>, token: &[u8], message: &[u8]) {
        let inside = Frame::read(message).and_then(|frame| Inside::read(message, &frame));
        match inside {
            Ok(inside) => {
                self.flight.token = token.try_into().unwrap_or(self.flight.token);
                match self.task {
                    Task::Request => self.take_answer(env, &inside),
                    _ => self.take_background(env, &inside),
                }
            }
            Err(Error::BadOption) => self.finish(End::BadOption),
            Err(_) => self.finish(End::Malformed),
        }
    }
}
