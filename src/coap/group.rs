//! Whole messages to groups and back (docs/group.md, "Over CoAP").

use super::Carrier;
use super::message::{
    CHANGED, CONTENT, FETCH, Frame, GET, HEADER_LEN, POST, is_non_confirmable, is_response,
};
use super::option::{PROXY_SCHEME, Reader, URI_HOST, URI_PORT};
use super::protect::{Outgoing, frame_of};
use super::table::is_good_in_group;
use super::unprotect::{BEFORE_ALL, Incoming, Outside};
use crate::crypto::Backend;
use crate::error::Error;
#[cfg(feature = "group-delegate")]
use crate::group::Delegate;
#[cfg(feature = "server")]
use crate::group::{Group, Place};
use crate::group::{GroupExchange, Member, Mode, Opening, Sealing, answer_header};
use crate::limits::TAG_LEN;
use crate::session::{self, Binding};
use crate::wire::object::OptionValue;

/// The shortest token of a request: several answers come to it.
const TOKEN_MIN: usize = 2;

/// Seals a request in place, once its number is used.
type Seal<'a> = dyn FnMut(&Sealing, session::Carrier<'_>, &mut [u8]) -> Result<(), Error> + 'a;

/// Protects a request to a group.
fn protect_request(
    sealing: &Sealing,
    carrier: Carrier,
    buffer: &mut [u8],
    len: usize,
    seal: &mut Seal<'_>,
) -> Result<(usize, Binding), Error> {
    let frame = frame_of(buffer, len)?;
    let message = buffer.get(..len).ok_or(Error::Argument)?;
    if !frame.is_request() || !is_non_confirmable(message) || frame.options < HEADER_LEN + TOKEN_MIN {
        return Err(Error::Argument);
    }
    check_inside(message, &frame)?;
    for number in [URI_HOST, URI_PORT, PROXY_SCHEME] {
        if frame.find(message, number)?.is_some() {
            return Err(Error::Argument); // would stand outside, where nobody protects it
        }
    }
    let code = match carrier {
        Carrier::Payload if matches!(frame.code, GET | FETCH) => FETCH,
        _ => POST,
    };
    let option = OptionValue::from_slice(sealing.header()).map_err(|_| Error::Capacity)?;
    let outgoing = Outgoing { carrier, frame: &frame, code, option };
    let len = outgoing.seal(sealing.header(), sealing.tail_len(), buffer, &mut |carrier, rest| {
        seal(sealing, carrier, rest)
    })?;
    Ok((len, Binding { carrier: carrier.number(), outer_code: code }))
}

/// [`Error::Argument`] for an option that a group's messages do not have.
fn check_inside(message: &[u8], frame: &Frame) -> Result<(), Error> {
    let mut reader = Reader::new(frame.options);
    while let Some(found) = reader.next(message)? {
        if !is_good_in_group(frame.is_request(), found.number) {
            return Err(Error::Argument);
        }
    }
    Ok(())
}

#[cfg(feature = "server")]
impl<B: Backend> Group<B> {
    /// Protects the request of `len` bytes at the front of `buffer` for all members: its new length, and the exchange that their answers
    /// belong to. It is non-confirmable, has a token of at least two bytes and no option that goes outside but, in the payload carrier,
    /// Uri-Path and Uri-Query, of at most [`crate::group::GROUP_AAD_MAX`] bytes; nor Observe, Block1, Block2 or Echo.
    ///
    /// # Errors
    /// [`Error::Argument`]: not such a request. [`Error::Capacity`]: `buffer` has no room for [`super::PROTECT_OVERHEAD`] and
    /// [`crate::group::GROUP_REQUEST_OVERHEAD`] more bytes. Those of [`Group::seal_request`].
    pub fn protect_request(
        &mut self,
        mode: Mode,
        now_ms: u64,
        carrier: Carrier,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<(usize, GroupExchange), Error> {
        let sealing = self.begin_request(mode, now_ms)?;
        let mut exchange = GroupExchange::default();
        let (len, binding) =
            protect_request(&sealing, carrier, buffer, len, &mut |sealing, carrier, rest| {
                exchange = self.seal_request_in_place(sealing, carrier, rest)?;
                Ok(())
            })?;
        exchange.bind(binding);
        Ok((len, exchange))
    }

    /// Gives back a member's answer to `exchange`'s request as that made it: its length, and the member's kid.
    ///
    /// # Errors
    /// [`Error::Unexpected`]: not sealed, or not in the request's carrier. [`Error::Malformed`], [`Error::BadOption`]. Those of
    /// [`Group::open_answer`]. [`Error::State`]: the request was not made by [`Group::protect_request`]. Drop it and keep waiting.
    pub fn unprotect_answer(
        &self,
        places: &[Place],
        exchange: &mut GroupExchange,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<(usize, u8), Error> {
        self.check_live()?;
        let carrier = carrier_of(exchange)?;
        let message = buffer.get_mut(..len).ok_or(Error::Argument)?;
        let (incoming, kid) = Incoming::read_group_answer(message, carrier)?;
        let body = message.get_mut(incoming.body_at()..).ok_or(Error::Malformed)?;
        self.begin_answer(places, exchange, kid, body)?;
        let (data, tag) = body.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Malformed)?;
        self.open_answer_in_place(places, exchange, kid, data, tag)?;
        Ok((incoming.finish(Some(BEFORE_ALL), &[], message)?, kid))
    }
}

#[cfg(feature = "group-delegate")]
impl<B: Backend> Delegate<B> {
    /// As [`Group::protect_request`], but nobody answers: the new length.
    ///
    /// # Errors
    /// [`Error::Argument`], [`Error::Capacity`] as there, and those of [`Delegate::seal_request`].
    pub fn protect_request(
        &mut self,
        mode: Mode,
        now_ms: u64,
        carrier: Carrier,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, Error> {
        let sealing = self.begin_request(mode, now_ms)?;
        let protected = protect_request(&sealing, carrier, buffer, len, &mut |sealing, carrier, rest| {
            self.seal_request_in_place(sealing, carrier, rest)
        })?;
        Ok(protected.0)
    }
}

impl<B: Backend> Member<B> {
    /// Gives back the request of `len` bytes at the front of `buffer`, in whichever carrier it came, as the group's sender made it: its
    /// length, how the sender was proved, and the exchange to answer it with. Answer nothing on an error, but a confirmable message with
    /// a Reset.
    ///
    /// # Errors
    /// [`Error::Unexpected`]: not a request to a group; nothing has changed. [`Error::Malformed`]: the same, or confirmable.
    /// [`Error::BadOption`]: an option where it may not be; inside, the request then counts as received. Those of
    /// [`Member::open_request`].
    pub fn unprotect_request(
        &mut self,
        now_ms: u64,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<(usize, Mode, GroupExchange), Error> {
        self.check_live()?;
        let message = buffer.get_mut(..len).ok_or(Error::Argument)?;
        let mut outside = Outside::new();
        let (incoming, form) = Incoming::read_group_request(message, &mut outside)?;
        if !is_non_confirmable(message) {
            return Err(Error::Malformed);
        }
        if outside.kept.as_slice() != outside.aad.as_slice() {
            return Err(Error::BadOption); // what becomes part of a request from outside is authenticated
        }
        let mut opening = Opening::EMPTY;
        self.begin_open_request(now_ms, &form, incoming.body(message)?, &mut opening)?;
        let mode = form.gid.mode().ok_or(Error::UnknownSession)?;
        let end = incoming.body_at().saturating_add(opening.data_len());
        let data = message.get_mut(incoming.body_at()..end).ok_or(Error::Malformed)?;
        let mut exchange = GroupExchange::default();
        self.open_request_in_place(&opening, incoming.carrier(&outside), data, &mut exchange)?;
        exchange.bind(incoming.binding());
        let sealed = message.get_mut(..end.saturating_add(TAG_LEN)).ok_or(Error::Malformed)?;
        Ok((incoming.finish(None, outside.kept.as_slice(), sealed)?, mode, exchange))
    }

    /// Protects the answer of `len` bytes at the front of `buffer`, in the carrier of its request: its new length. See
    /// [`Member::wants_answer`] for whether it is wanted.
    ///
    /// # Errors
    /// [`Error::Argument`]: not a response, or with Observe or Echo. [`Error::Capacity`]: no room for [`super::PROTECT_OVERHEAD`] more
    /// bytes. [`Error::State`]: the exchange is not that of a whole message. Those of [`Member::seal_answer`].
    pub fn protect_answer(
        &mut self,
        exchange: &mut GroupExchange,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, Error> {
        let kid = self.begin_answer(exchange)?;
        let carrier = carrier_of(exchange)?;
        let frame = frame_of(buffer, len)?;
        if !is_response(frame.code) {
            return Err(Error::Argument);
        }
        let message = buffer.get(..len).ok_or(Error::Argument)?;
        check_inside(message, &frame)?;
        let code = if exchange.binding().outer_code == FETCH { CONTENT } else { CHANGED };
        let header = answer_header(kid);
        let option = OptionValue::from_slice(&header).map_err(|_| Error::Capacity)?;
        let outgoing = Outgoing { carrier, frame: &frame, code, option };
        // The exchange knows the request's additional data; an answer has none of its own.
        outgoing.seal(&header, TAG_LEN, buffer, &mut |_, rest| self.seal_answer_in_place(exchange, rest))
    }
}

/// The carrier of the request that an exchange belongs to; [`Error::State`] where that was an object alone.
fn carrier_of(exchange: &GroupExchange) -> Result<Carrier, Error> {
    Carrier::from_number(exchange.binding().carrier).map_err(|_| Error::State)
}
