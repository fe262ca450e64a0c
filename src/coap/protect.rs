//! From what the application says to what travels.

use super::message::{CHANGED, CONTENT, FETCH, Frame, GET, POST, is_response, put_marker, set_code};
use super::option::{
    CONTENT_FORMAT, Found, List, OBSERVE, OSCORE, Reader, URI_PATH, URI_QUERY, Writer, uint,
};
use super::table::{Place, in_request, in_response};
use super::{Carrier, OUTER_MAX, SEALED, bind};
use crate::bytes::{Bytes, copy, move_within};
use crate::crypto::Backend;
use crate::error::Error;
use crate::limits::{AAD_MAX, TAG_LEN};
use crate::session::{self, Exchange, Sealing, Session};
use crate::wire::object::{OptionValue, with_context};
use zeroize::Zeroize;

impl<B: Backend> Session<B> {
    /// Protects the request of `len` bytes at the front of `buffer`: its new length, and the exchange that its answers
    /// belong to.
    ///
    /// # Errors
    /// [`Error::Argument`]: not a request, or with an option that can go nowhere (OSCORE, Proxy-Uri).
    /// [`Error::Capacity`]: `buffer` has no room for [`super::PROTECT_OVERHEAD`] more bytes, or the options outside are
    /// too long. [`Error::Exhausted`], [`Error::Unstored`] as in [`Session::seal_request`].
    pub fn protect_request(
        &mut self,
        carrier: Carrier,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<(usize, Exchange), Error> {
        let frame = frame_of(buffer, len)?;
        if !frame.is_request() {
            return Err(Error::Argument);
        }
        let is_observe = frame.find(buffer.get(..len).ok_or(Error::Argument)?, OBSERVE)?.is_some();
        let code = match carrier {
            Carrier::Oscore if is_observe => FETCH,
            Carrier::Payload if matches!(frame.code, GET | FETCH) => FETCH,
            _ => POST,
        };
        let sealing = self.begin_request()?;
        let mut exchange = self.request_exchange(&sealing);
        bind(&mut exchange, carrier, code);
        let len = self.protect(carrier, &sealing, &frame, code, buffer)?;
        Ok((len, exchange))
    }

    /// Protects the response of `len` bytes at the front of `buffer`, in the carrier of its request: its new length.
    /// Every answer with Observe has a number of its own, and so has every answer but the first.
    ///
    /// # Errors
    /// As in [`Session::protect_request`]; [`Error::State`]: the exchange is not that of a whole message.
    pub fn protect_response(
        &mut self,
        exchange: &Exchange,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, Error> {
        let carrier = Carrier::of(exchange)?;
        let frame = frame_of(buffer, len)?;
        if !is_response(frame.code) {
            return Err(Error::Argument);
        }
        let is_observe = frame.find(buffer.get(..len).ok_or(Error::Argument)?, OBSERVE)?.is_some();
        let sealing = if is_observe {
            self.begin_notification(exchange)?
        } else {
            match self.begin_response(exchange) {
                Err(Error::Answered) => self.begin_notification(exchange)?,
                sealing => sealing?,
            }
        };
        let code = if exchange.binding().outer_code == FETCH { CONTENT } else { CHANGED };
        self.protect(carrier, &sealing, &frame, code, buffer)
    }

    /// The value of the OSCORE option: flags that say nothing are left out (RFC 8613 section 6.1), a context that has an ID
    /// Context names it in requests.
    fn option_value(&self, sealing: &Sealing) -> Result<OptionValue, Error> {
        match (sealing.header().as_slice(), self.id_context().filter(|_| sealing.is_request())) {
            (_, Some(context)) => with_context(sealing.header(), context),
            ([0], None) => Ok(OptionValue::new()),
            (header, None) => OptionValue::from_slice(header).map_err(|_| Error::Capacity),
        }
    }

    pub(super) fn protect(
        &mut self,
        carrier: Carrier,
        sealing: &Sealing,
        frame: &Frame,
        code: u8,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let outgoing = Outgoing { carrier, frame, code, option: self.option_value(sealing)? };
        outgoing.seal(sealing.header(), TAG_LEN, buffer, &mut |carrier, rest| {
            self.seal_in_place(sealing, carrier, rest)
        })
    }
}

/// A message about to be sealed.
pub(super) struct Outgoing<'a> {
    pub carrier: Carrier,
    /// What the application says.
    pub frame: &'a Frame,
    /// The code outside.
    pub code: u8,
    /// The value of the OSCORE option.
    pub option: OptionValue,
}

/// Seals in place behind an object's header: a plaintext and room for what comes after it.
type Seal<'a> = dyn FnMut(session::Carrier<'_>, &mut [u8]) -> Result<(), Error> + 'a;

impl Outgoing<'_> {
    /// Has the message in `buffer` sealed, with `tail_len` bytes behind the plaintext; its new length. `header` goes in front of the
    /// ciphertext in the payload carrier.
    pub fn seal(
        self,
        header: &[u8],
        tail_len: usize,
        buffer: &mut [u8],
        seal: &mut Seal<'_>,
    ) -> Result<usize, Error> {
        let Self { carrier, frame, code, option } = self;
        let mut outer = Outer::new(carrier, option);
        let inner_end = part(carrier, frame, &mut outer, buffer)?;
        outer.finish()?;

        // Header and token | outer options | FF | object's header, where it is in the payload | code | inner options | FF and payload | tag
        let header = if carrier == Carrier::Payload { header } else { &[] };
        let options_end = frame.options.saturating_add(outer.list.as_slice().len());
        let object = options_end.saturating_add(1);
        let plain = object.saturating_add(header.len());
        let inner_len = inner_end.saturating_sub(frame.options);
        let inner = plain.saturating_add(1);
        let plain_end = inner.saturating_add(inner_len).saturating_add(frame.marked_payload_len());
        let end = plain_end.saturating_add(tail_len);
        if end > buffer.len() {
            return Err(Error::Capacity);
        }
        move_within(buffer, frame.options_end, inner_end, frame.marked_payload_len())?;
        move_within(buffer, frame.options, inner, plain_end.saturating_sub(inner))?;
        copy(buffer.get_mut(plain..inner).ok_or(Error::Capacity)?, &[frame.code]);
        copy(buffer.get_mut(frame.options..options_end).ok_or(Error::Capacity)?, outer.list.as_slice());
        put_marker(buffer, options_end)?;
        copy(buffer.get_mut(object..plain).ok_or(Error::Capacity)?, header);
        set_code(buffer, code);

        let rest = buffer.get_mut(plain..end).ok_or(Error::Capacity)?;
        let carrier = match carrier {
            Carrier::Oscore => session::Carrier::Oscore,
            Carrier::Payload => session::Carrier::Payload(outer.aad.as_slice()),
        };
        if let Err(error) = seal(carrier, rest) {
            rest.zeroize();
            return Err(error);
        }
        Ok(end)
    }
}

pub(super) fn frame_of(buffer: &[u8], len: usize) -> Result<Frame, Error> {
    Frame::read(buffer.get(..len).ok_or(Error::Argument)?).map_err(|_| Error::Argument)
}

/// The options outside, the one that names the carrier among them.
struct Outer {
    list: List<OUTER_MAX>,
    /// Uri-Path and Uri-Query, for the additional data of the payload carrier.
    aad: List<AAD_MAX>,
    carrier: Carrier,
    /// The value of the carrier's option, until it has been put.
    own: Option<OptionValue>,
}

impl Outer {
    fn new(carrier: Carrier, oscore: OptionValue) -> Self {
        let value = match carrier {
            Carrier::Payload => OptionValue::from_slice(&SEALED.to_be_bytes()).unwrap_or_default(),
            Carrier::Oscore => oscore,
        };
        Self { list: List::new(), aad: List::new(), carrier, own: Some(value) }
    }

    fn own_number(&self) -> u16 {
        match self.carrier {
            Carrier::Oscore => OSCORE,
            Carrier::Payload => CONTENT_FORMAT,
        }
    }

    /// Numbers rise.
    fn put(&mut self, number: u16, value: &[u8]) -> Result<(), Error> {
        if number > self.own_number() {
            self.finish()?;
        }
        if self.carrier == Carrier::Payload && matches!(number, URI_PATH | URI_QUERY) {
            self.aad.put(number, value)?;
        }
        self.list.put(number, value)
    }

    /// Puts the carrier's option where nothing came after it.
    fn finish(&mut self) -> Result<(), Error> {
        let number = self.own_number();
        self.own.take().map_or(Ok(()), |value| self.list.put(number, &value))
    }
}

/// Parts the options: those outside go into `outer`, those inside stay and close up, which they can in place: leaving
/// an option out makes the next one's head longer by less than what was left out. Where the inner ones end.
fn part(carrier: Carrier, frame: &Frame, outer: &mut Outer, buffer: &mut [u8]) -> Result<usize, Error> {
    let is_request = frame.is_request();
    let mut reader = Reader::new(frame.options);
    let mut inner = Writer::new(frame.options);
    let mut observe = None;
    while reader.position() < frame.options_end {
        let Some(found) = reader.next(buffer)? else { break };
        let place = if is_request { in_request(carrier, found.number) } else { in_response(found.number) };
        if place == Place::Both && (found.len > OBSERVE_MAX || observe.replace(found).is_some()) {
            return Err(Error::Argument);
        }
        if matches!(place, Place::Outer | Place::Both) {
            let value = buffer.get(found.at..found.at.saturating_add(found.len));
            outer.put(found.number, value.ok_or(Error::Argument)?)?;
        }
        match place {
            Place::Inner => inner.put_found(buffer, found)?,
            // The number of a notification is its Partial IV (RFC 8613 section 4.1.3.5.2).
            Place::Both if is_request => inner.put_found(buffer, found)?,
            Place::Both => inner.put_found(buffer, Found { len: 0, ..found })?,
            Place::Outer => {}
            Place::Nowhere => return Err(Error::Argument),
        }
    }
    Ok(inner.position())
}

/// The longest value of Observe (RFC 7641 section 2), which may stand once.
const OBSERVE_MAX: usize = 3;

/// The value of Observe in a notification with a number (RFC 8613 section 4.1.3.5.2).
pub(super) fn observe_value(number: u64) -> Bytes<4> {
    uint(u32::try_from(number & 0xff_ffff).unwrap_or(0))
}
