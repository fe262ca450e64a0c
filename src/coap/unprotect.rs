//! From what travels to what the peer said.

use super::message::{CHANGED, CONTENT, FETCH, Frame, is_request, is_response, set_code};
use super::option::{
    CONTENT_FORMAT, ECHO, Found, List, OBSERVE, OSCORE, PAYLOAD_MARKER, Reader, URI_PATH, URI_QUERY, Writer,
    uint_value,
};
use super::protect::{frame_of, observe_value};
use super::refusal::{UNAUTHORIZED, acknowledge};
#[cfg(feature = "group")]
use super::table::is_good_in_group;
use super::table::{Rule, is_good_inside, outside_request, outside_response};
use super::{Carrier, OUTER_MAX, SEALED, bind};
use crate::bytes::{Bytes, move_within};
use crate::crypto::Backend;
use crate::error::Error;
#[cfg(feature = "group")]
use crate::group::{ANSWER_HEADER_LEN, RequestForm, is_group_object, parse_answer};
use crate::limits::{AAD_MAX, ID_CONTEXT_MAX, TAG_LEN};
#[cfg(feature = "group")]
use crate::session::Binding;
use crate::session::{self, Exchange, Session};
use crate::wire::Cid;
use crate::wire::object::{RequestHeader, ResponseHeader, parse_option, parse_request, parse_response};

/// Observe of an answer that has no number and is the first: RFC 7641 section 3.4 takes 0 for newer.
pub(super) const BEFORE_ALL: u64 = 0xff_ffff;

impl<B: Backend> Session<B> {
    /// Whether a request, in whichever carrier it comes, names this session: by its kid and, where it has one, its kid context. For
    /// a caller with sessions that were taken over, which picks among them before it unprotects. Names prove nothing, and a request
    /// without a kid context is for each session with its kid.
    ///
    /// # Errors
    /// [`Error::UnknownSession`]: it names another. [`Error::Unexpected`], [`Error::Malformed`]: not a sealed request.
    pub fn is_for(&self, message: &[u8]) -> Result<(), Error> {
        self.check_live()?;
        let frame = Frame::read(message)?;
        let carrier = carrier_of_request(message, &frame)?;
        let names = Names::read(message, &frame, carrier, self.recipient_id().len())?;
        self.check_names(names.kid, names.context)
    }

    fn check_names(&self, kid: &[u8], context: Option<&[u8]>) -> Result<(), Error> {
        let is_ours =
            kid == self.recipient_id().as_slice() && (context.is_none() || context == self.id_context());
        if is_ours { Ok(()) } else { Err(Error::UnknownSession) }
    }

    /// Unprotects the request of `len` bytes at the front of `buffer`, in whichever carrier it came: its new length,
    /// and the exchange to answer it with.
    ///
    /// # Errors
    /// [`Error::Unexpected`]: not a sealed request; nothing has changed. [`Error::Malformed`], [`Error::BadOption`],
    /// [`Error::UnknownSession`], [`Error::Replay`], [`Error::Authentication`]: answer with [`super::refuse`].
    /// [`Error::BadOption`] can mean an option inside: the request then counts as received. [`Error::Stale`]: answer with
    /// [`Session::challenge`].
    pub fn unprotect_request(&mut self, buffer: &mut [u8], len: usize) -> Result<(usize, Exchange), Error> {
        self.check_confirmed()?;
        let message = buffer.get_mut(..len).ok_or(Error::Argument)?;
        let mut outside = Outside::new();
        let incoming = Incoming::read_request(message, self.recipient_id().len(), &mut outside)?;
        self.check_names(incoming.kid(), incoming.context())?;
        let opening = self.begin_open_request_of(&incoming.header(), incoming.body(message)?)?;
        incoming.open(self, &opening, outside.aad.as_slice(), message)?;
        self.check_fresh(incoming.header().sequence, incoming.echo(message)?)?;
        let mut exchange = self.complete_open_request(&opening);
        incoming.note(&mut exchange);
        Ok((incoming.finish(None, outside.kept.as_slice(), message)?, exchange))
    }

    /// What to answer a request with that [`Session::unprotect_request`] found stale and left in `buffer`: a sealed 4.01 with an
    /// Echo, which the client sends back in a new request (RFC 8613 Appendix B.1.2). Its length.
    ///
    /// # Errors
    /// Those of [`Session::protect_response`].
    pub fn challenge(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, Error> {
        let message = buffer.get_mut(..len).ok_or(Error::Argument)?;
        let mut outside = Outside::new();
        let incoming = Incoming::read_request(message, self.recipient_id().len(), &mut outside)?;
        let mut exchange = self.exchange_of(incoming.header().sequence);
        incoming.note(&mut exchange);
        let mut options = Writer::new(incoming.frame.options);
        options.put(buffer, ECHO, self.echo())?;
        set_code(buffer, UNAUTHORIZED);
        acknowledge(buffer)?;
        // Under a number of its own: the request's may have been answered before.
        let sealing = self.begin_notification(&exchange)?;
        let frame = frame_of(buffer, options.position())?;
        let code = if incoming.frame.code == FETCH { CONTENT } else { CHANGED };
        self.protect(incoming.carrier, &sealing, &frame, code, buffer)
    }

    /// Unprotects an answer to `exchange`'s request: its new length.
    ///
    /// # Errors
    /// [`Error::Unexpected`]: not sealed, or not in the request's carrier: a refusal in the clear, an alert, or nothing
    /// of ours; nothing has changed. [`Error::Malformed`], [`Error::BadOption`], [`Error::Authentication`],
    /// [`Error::Replay`]: not the peer's answer; drop it and keep waiting.
    pub fn unprotect_response(
        &mut self,
        exchange: &mut Exchange,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, Error> {
        let carrier = Carrier::of(exchange)?;
        let message = buffer.get_mut(..len).ok_or(Error::Argument)?;
        let incoming = Incoming::read_response(message, carrier)?;
        let header = ResponseHeader { sequence: incoming.sequence, len: 0 };
        let opening = self.begin_open_response_of(exchange, header, incoming.body(message)?)?;
        incoming.open(self, &opening, &[], message)?;
        self.complete_open_response(&opening, exchange);
        incoming.finish(Some(opening.answer_number().unwrap_or(BEFORE_ALL)), &[], message)
    }
}

/// What a request has outside. Filled where it is: it is too long to be moved about.
pub(crate) struct Outside {
    /// The options that become part of the message.
    pub kept: List<OUTER_MAX>,
    /// Uri-Path and Uri-Query, for the additional data of the payload carrier.
    pub aad: List<AAD_MAX>,
}

impl Outside {
    /// Nothing.
    pub fn new() -> Self {
        Self { kept: List::new(), aad: List::new() }
    }
}

/// Whose a request is, and which one.
struct Names<'a> {
    sequence: u64,
    kid: &'a [u8],
    /// The kid context.
    context: Option<&'a [u8]>,
    /// How much of the payload this takes.
    len: usize,
}

impl<'a> Names<'a> {
    /// Of a request whose kid has `kid_len` bytes where its object does not say.
    fn read(message: &'a [u8], frame: &Frame, carrier: Carrier, kid_len: usize) -> Result<Self, Error> {
        match carrier {
            Carrier::Oscore => {
                let fields = parse_option(option_of(message, frame)?)?;
                let sequence = fields.sequence.ok_or(Error::Malformed)?;
                let kid = fields.kid.ok_or(Error::Malformed)?;
                Ok(Self { sequence, kid, context: fields.context, len: 0 })
            }
            Carrier::Payload => {
                let RequestHeader { sequence, kid, len } = parse_request(frame.payload(message), kid_len)?;
                Ok(Self { sequence, kid, context: None, len })
            }
        }
    }
}

/// A sealed message whose outside has been read.
pub(crate) struct Incoming {
    frame: Frame,
    carrier: Carrier,
    /// Whether Observe is among the options outside.
    observe: bool,
    /// The sender's number; of a request there always is one.
    sequence: Option<u64>,
    kid: Cid,
    /// The kid context.
    context: Option<Bytes<ID_CONTEXT_MAX>>,
    /// Where the ciphertext begins.
    body: usize,
    #[cfg(feature = "group")]
    is_of_group: bool,
}

impl Incoming {
    /// Reads a request whose kid has `kid_len` bytes where its object does not say.
    pub(crate) fn read_request(message: &[u8], kid_len: usize, outside: &mut Outside) -> Result<Self, Error> {
        let frame = Frame::read(message)?;
        let carrier = carrier_of_request(message, &frame)?;
        let mut incoming = Self::read(message, frame, carrier, Some(outside))?;
        let names = Names::read(message, &frame, carrier, kid_len)?;
        incoming.sequence = Some(names.sequence);
        incoming.body = incoming.body.saturating_add(names.len);
        // No id and no ID Context is longer.
        incoming.kid = Cid::copy_of(names.kid, Error::UnknownSession)?;
        incoming.context = match names.context {
            Some(context) => Some(Bytes::copy_of(context, Error::UnknownSession)?),
            None => None,
        };
        Ok(incoming)
    }

    fn read_response(message: &[u8], carrier: Carrier) -> Result<Self, Error> {
        let frame = Frame::read(message)?;
        if is_request(frame.code) || carrier_of(message, &frame)? != Some(carrier) {
            return Err(Error::Unexpected);
        }
        let mut incoming = Self::read(message, frame, carrier, None)?;
        match carrier {
            // A kid and a kid context are allowed, and say nothing that is not known.
            Carrier::Oscore => incoming.sequence = parse_option(option_of(message, &frame)?)?.sequence,
            Carrier::Payload => {
                let header = parse_response(frame.payload(message))?;
                incoming.body = incoming.body.saturating_add(header.len);
                incoming.sequence = header.sequence;
            }
        }
        Ok(incoming)
    }

    /// What both have in common: the options outside.
    fn read(
        message: &[u8],
        frame: Frame,
        carrier: Carrier,
        mut request: Option<&mut Outside>,
    ) -> Result<Self, Error> {
        let mut observe = false;
        let mut reader = Reader::new(frame.options);
        while let Some(found) = reader.next(message)? {
            let rule = match frame.is_request() {
                true => outside_request(carrier, found.number),
                false => outside_response(carrier, found.number),
            };
            let value = message.get(found.at..found.at.saturating_add(found.len)).unwrap_or(&[]);
            match rule {
                Rule::Kept => {
                    let outside = request.as_deref_mut().ok_or(Error::BadOption)?;
                    if carrier == Carrier::Payload && matches!(found.number, URI_PATH | URI_QUERY) {
                        outside.aad.put(found.number, value).map_err(|_| Error::BadOption)?;
                    }
                    outside.kept.put(found.number, value).map_err(|_| Error::BadOption)?;
                }
                Rule::Observe => observe = true,
                Rule::Dropped => {}
                Rule::Refused => return Err(Error::BadOption),
            }
        }
        let body = frame.payload_at();
        Ok(Self {
            frame,
            carrier,
            observe,
            sequence: None,
            kid: Cid::EMPTY,
            context: None,
            body,
            #[cfg(feature = "group")]
            is_of_group: false,
        })
    }

    /// Reads a request to a group. [`Error::Unexpected`]: not one.
    #[cfg(feature = "group")]
    pub(super) fn read_group_request(
        message: &[u8],
        outside: &mut Outside,
    ) -> Result<(Self, RequestForm), Error> {
        let frame = Frame::read(message)?;
        let carrier = carrier_of_request(message, &frame)?;
        let object = match carrier {
            Carrier::Oscore => option_of(message, &frame)?,
            Carrier::Payload => frame.payload(message),
        };
        if !is_group_object(object) {
            return Err(Error::Unexpected);
        }
        let form = RequestForm::parse(object)?;
        let mut incoming = Self::read(message, frame, carrier, Some(outside))?;
        incoming.is_of_group = true;
        match carrier {
            Carrier::Oscore if object.len() > form.len => return Err(Error::UnknownSession), // a kid
            Carrier::Oscore => {}
            Carrier::Payload => incoming.body = incoming.body.saturating_add(form.len),
        }
        Ok((incoming, form))
    }

    /// Reads an answer to a group's request: the kid of the member.
    #[cfg(feature = "group")]
    pub(super) fn read_group_answer(message: &[u8], carrier: Carrier) -> Result<(Self, u8), Error> {
        let frame = Frame::read(message)?;
        if is_request(frame.code) || carrier_of(message, &frame)? != Some(carrier) {
            return Err(Error::Unexpected);
        }
        let mut incoming = Self::read(message, frame, carrier, None)?;
        incoming.is_of_group = true;
        let object = match carrier {
            Carrier::Oscore => option_of(message, &frame)?,
            Carrier::Payload => frame.payload(message),
        };
        match (carrier, object.len()) {
            (Carrier::Oscore, ANSWER_HEADER_LEN) => {}
            (Carrier::Oscore, _) => return Err(Error::Malformed),
            (Carrier::Payload, _) => incoming.body = incoming.body.saturating_add(ANSWER_HEADER_LEN),
        }
        Ok((incoming, parse_answer(object)?))
    }

    /// What the outside depends on, for answers.
    #[cfg(feature = "group")]
    pub(super) fn binding(&self) -> Binding {
        Binding { carrier: self.carrier.number(), outer_code: self.frame.code }
    }

    /// The carrier of the object, with the additional data of the one in the payload.
    #[cfg(feature = "group")]
    pub(super) fn carrier<'a>(&self, outside: &'a Outside) -> session::Carrier<'a> {
        match self.carrier {
            Carrier::Oscore => session::Carrier::Oscore,
            Carrier::Payload => session::Carrier::Payload(outside.aad.as_slice()),
        }
    }

    /// Where the ciphertext begins.
    #[cfg(feature = "group")]
    pub(super) fn body_at(&self) -> usize {
        self.body
    }

    /// The id of the session that a request is for.
    pub(crate) fn kid(&self) -> &[u8] {
        &self.kid
    }

    /// The kid context of a request, if it has one.
    pub(crate) fn context(&self) -> Option<&[u8]> {
        self.context.as_ref().map(Bytes::as_slice)
    }

    /// The value of the Echo option inside, once it has been decrypted.
    fn echo<'a>(&self, message: &'a [u8]) -> Result<Option<&'a [u8]>, Error> {
        let end = message.len().saturating_sub(TAG_LEN);
        let plain = message.get(..end).ok_or(Error::Malformed)?;
        let mut inner = Reader::new(self.body.saturating_add(1));
        while let Some(found) = inner.next(plain)? {
            if found.number == ECHO {
                return Ok(plain.get(found.at..found.at.saturating_add(found.len)));
            }
        }
        Ok(None)
    }

    pub(crate) fn header(&self) -> RequestHeader<'_> {
        RequestHeader { sequence: self.sequence.unwrap_or(0), kid: &self.kid, len: 0 }
    }

    /// Ciphertext and tag.
    pub(crate) fn body<'a>(&self, message: &'a [u8]) -> Result<&'a [u8], Error> {
        message.get(self.body..).ok_or(Error::Malformed)
    }

    /// Decrypts where the ciphertext is. `aad` is the payload carrier's.
    pub(crate) fn open<B: Backend>(
        &self,
        session: &Session<B>,
        opening: &session::Opening,
        aad: &[u8],
        message: &mut [u8],
    ) -> Result<(), Error> {
        let end = self.body.saturating_add(opening.data_len());
        let data = message.get_mut(self.body..end).ok_or(Error::Malformed)?;
        let carrier = match self.carrier {
            Carrier::Oscore => session::Carrier::Oscore,
            Carrier::Payload => session::Carrier::Payload(aad),
        };
        session.open_in_place(opening, carrier, data)
    }

    /// Writes what an exchange has to know of a request.
    pub(crate) fn note(&self, exchange: &mut Exchange) {
        bind(exchange, self.carrier, self.frame.code);
    }

    /// Makes one message of what was outside and what was inside; its length. `answer_number` is a response's, which
    /// becomes the value of Observe; `kept` is [`Outside::kept`], of a request.
    pub(crate) fn finish(
        &self,
        answer_number: Option<u64>,
        kept: &[u8],
        message: &mut [u8],
    ) -> Result<usize, Error> {
        let end = message.len().saturating_sub(TAG_LEN);
        let is_answer = answer_number.is_some();
        let code = *message.get(self.body).filter(|_| self.body < end).ok_or(Error::Malformed)?;
        if !(if is_answer { is_response(code) } else { is_request(code) }) {
            return Err(Error::Malformed);
        }
        let plain = message.get_mut(..end).ok_or(Error::Malformed)?;
        let start = Reader::new(self.body.saturating_add(1));
        // First a look at all of it: a request that is refused can still be answered.
        let mut inner = start;
        while let Some(found) = inner.next(plain)? {
            if !is_good_inside(self.carrier, !is_answer, found.number) {
                return Err(Error::BadOption);
            }
            #[cfg(feature = "group")]
            if self.is_of_group && !is_good_in_group(!is_answer, found.number) {
                return Err(Error::BadOption);
            }
        }
        if inner.position().checked_add(1) == Some(end) {
            return Err(Error::Malformed); // a marker without a payload
        }
        let mut inner = start;
        let mut outer = Reader::new(0);
        let mut next_outer = outer.next(kept)?;
        let mut writer = Writer::new(self.frame.options);
        // What is written stays behind what is still to be read: no head grows, and the carrier's option is gone.
        loop {
            let found = inner.next(plain)?;
            let is_next = |option: &Found| found.is_none_or(|found| option.number <= found.number);
            while let Some(option) = next_outer.filter(is_next) {
                writer.put(plain, option.number, value_of(kept, option)?)?;
                next_outer = outer.next(kept)?;
            }
            let Some(found) = found else { break };
            match (found.number, answer_number) {
                (OBSERVE, _) if !self.observe => {}
                (OBSERVE, Some(number)) => writer.put(plain, OBSERVE, &observe_value(number))?,
                _ => writer.put_found(plain, found)?,
            }
        }
        let payload = inner.position();
        let len = end.saturating_sub(payload);
        debug_assert!(len == 0 || plain.get(payload) == Some(&PAYLOAD_MARKER));
        move_within(plain, payload, writer.position(), len)?;
        set_code(plain, code);
        Ok(writer.position().saturating_add(len))
    }
}

/// The value of an option.
fn value_of(options: &[u8], option: Found) -> Result<&[u8], Error> {
    options.get(option.at..option.at.saturating_add(option.len)).ok_or(Error::Malformed)
}

/// In what a message is sealed; `None` if it is not. An OSCORE option decides (RFC 8613 section 2).
pub(super) fn carrier_of(message: &[u8], frame: &Frame) -> Result<Option<Carrier>, Error> {
    if frame.find(message, OSCORE)?.is_some() {
        return Ok(Some(Carrier::Oscore));
    }
    let Some(format) = frame.find(message, CONTENT_FORMAT)? else { return Ok(None) };
    let value = message.get(format.at..format.at.saturating_add(format.len)).unwrap_or(&[]);
    Ok((uint_value(value) == Ok(u32::from(SEALED))).then_some(Carrier::Payload))
}

/// The same of a request; [`Error::Unexpected`] for what is none, or in the clear.
fn carrier_of_request(message: &[u8], frame: &Frame) -> Result<Carrier, Error> {
    if !is_request(frame.code) {
        return Err(Error::Unexpected);
    }
    carrier_of(message, frame)?.ok_or(Error::Unexpected)
}

/// The value of the one OSCORE option; [`Error::Malformed`] where there are two.
fn option_of<'a>(message: &'a [u8], frame: &Frame) -> Result<&'a [u8], Error> {
    let mut reader = Reader::new(frame.options);
    let mut value = None;
    while let Some(found) = reader.next(message)? {
        if found.number == OSCORE && value.replace(found).is_some() {
            return Err(Error::Malformed);
        }
    }
    let found = value.ok_or(Error::Malformed)?;
    message.get(found.at..found.at.saturating_add(found.len)).ok_or(Error::Malformed)
}
