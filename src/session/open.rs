//! Opening requests, responses and notifications.

use super::context::{AadPrefix, aad_prefix, caller_data, nonce};
use super::{Carrier, Exchange, Session, flag};
use crate::bytes::copy;
use crate::crypto::{Backend, ccm};
use crate::error::Error;
use crate::limits::TAG_LEN;
use crate::wire::object::{RequestHeader, ResponseHeader, check_sequence, parse_request, parse_response};

/// An object about to be opened: its header has been read, its tag not yet verified.
pub(crate) struct Opening {
    header_len: usize,
    data_len: usize,
    tag: [u8; TAG_LEN],
    /// The request's number, which the additional data names.
    request: u64,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Request,
    /// With its own number, if it has one.
    Response(Option<u64>),
}

impl Opening {
    /// Where the ciphertext begins in the object.
    pub(crate) fn header_len(&self) -> usize {
        self.header_len
    }

    /// How long ciphertext and plaintext are.
    pub(crate) fn data_len(&self) -> usize {
        self.data_len
    }

    /// The number of a response that has one of its own.
    #[cfg(feature = "coap")]
    pub(crate) fn answer_number(&self) -> Option<u64> {
        match self.kind {
            Kind::Response(number) => number,
            Kind::Request => None,
        }
    }

    fn new(object: &[u8], header_len: usize, request: u64, kind: Kind) -> Result<Self, Error> {
        let body = object.get(header_len..).ok_or(Error::Malformed)?;
        let (data, tag) = body.split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
        Ok(Self { header_len, data_len: data.len(), tag: *tag, request, kind })
    }
}

impl<B: Backend> Session<B> {
    /// Opens a request of the peer's: the plaintext's length in `out`, and the exchange to answer it with.
    pub fn open_request(
        &mut self,
        carrier: Carrier<'_>,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<(usize, Exchange), Error> {
        self.check_confirmed()?; // a server's session is confirmed by Server::open_request alone
        let opening = self.begin_open_request(object)?;
        self.open_copy(&opening, carrier, object, out)?;
        Ok((opening.data_len, self.complete_open_request(&opening)))
    }

    /// Opens an answer to `exchange`'s request: the plaintext's length in `out`.
    pub fn open_response(
        &mut self,
        exchange: &mut Exchange,
        carrier: Carrier<'_>,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let opening = self.begin_open_response(exchange, object)?;
        self.open_copy(&opening, carrier, object, out)?;
        self.complete_open_response(&opening, exchange);
        Ok(opening.data_len)
    }

    /// The first part of [`Session::open_request`], for a caller that places the ciphertext itself. Then come
    /// [`Session::open_in_place`] and [`Session::complete_open_request`].
    pub(crate) fn begin_open_request(&self, object: &[u8]) -> Result<Opening, Error> {
        self.check_opens_requests()?;
        let header = parse_request(object, self.recipient_id.len())?;
        self.begin_open_request_of(&header, object)
    }

    fn check_opens_requests(&self) -> Result<(), Error> {
        self.check_here()?;
        if self.flags & flag::RESTORED != 0 { Err(Error::State) } else { Ok(()) }
    }

    /// The same with a header that has been read; it has [`RequestHeader::len`] bytes of `object`, or none where it
    /// stands elsewhere.
    pub(crate) fn begin_open_request_of(
        &self,
        header: &RequestHeader<'_>,
        object: &[u8],
    ) -> Result<Opening, Error> {
        self.check_opens_requests()?;
        if header.kid != self.recipient_id.as_slice() {
            return Err(Error::UnknownSession);
        }
        check_sequence(header.sequence)?;
        let opening = Opening::new(object, header.len, header.sequence, Kind::Request)?;
        self.window.check(header.sequence)?;
        Ok(opening)
    }

    /// The first part of [`Session::open_response`]; then come [`Session::open_in_place`] and
    /// [`Session::complete_open_response`].
    pub(crate) fn begin_open_response(&self, exchange: &Exchange, object: &[u8]) -> Result<Opening, Error> {
        self.check_live()?;
        self.begin_open_response_of(exchange, parse_response(object)?, object)
    }

    /// The same with a header that has been read.
    pub(crate) fn begin_open_response_of(
        &self,
        exchange: &Exchange,
        header: ResponseHeader,
        object: &[u8],
    ) -> Result<Opening, Error> {
        self.check_here()?;
        exchange.check_ours(&self.fingerprint)?;
        check_sequence(exchange.sequence())?;
        check_sequence(header.sequence.unwrap_or(0))?;
        let kind = Kind::Response(header.sequence);
        let opening = Opening::new(object, header.len, exchange.sequence(), kind)?;
        exchange.check_answer(header.sequence)?;
        Ok(opening)
    }

    /// Decrypts `data`, which is [`Opening::data_len`] long, in place. It is left as zeroes where the tag
    /// does not verify.
    pub(crate) fn open_in_place(
        &self,
        opening: &Opening,
        carrier: Carrier<'_>,
        data: &mut [u8],
    ) -> Result<(), Error> {
        let (kid, maker, number) = match opening.kind {
            Kind::Request => (&self.recipient_id, &self.recipient_id, opening.request),
            Kind::Response(None) => (&self.sender_id, &self.sender_id, opening.request),
            Kind::Response(Some(number)) => (&self.sender_id, &self.recipient_id, number),
        };
        let nonce = nonce(&self.context.common_iv, maker, number);
        let mut prefix = AadPrefix::new();
        aad_prefix(kid, opening.request, carrier, &mut prefix)?;
        let aad: &[&[u8]] = &[&prefix, caller_data(carrier)];
        ccm::open::<B>(self.engine, &self.context.recipient_key, &nonce, aad, data, &opening.tag)
    }

    /// The exchange of a request of the peer's that is not taken note of.
    #[cfg(feature = "coap")]
    pub(crate) fn exchange_of(&self, sequence: u64) -> Exchange {
        Exchange::theirs(self.fingerprint, sequence)
    }

    /// Takes note of a request whose tag has verified.
    pub(crate) fn complete_open_request(&mut self, opening: &Opening) -> Exchange {
        self.window.mark(opening.request);
        Exchange::theirs(self.fingerprint, opening.request)
    }

    /// Takes note of a response whose tag has verified.
    pub(crate) fn complete_open_response(&mut self, opening: &Opening, exchange: &mut Exchange) {
        if let Kind::Response(number) = opening.kind {
            exchange.mark_answer(number);
        }
    }

    pub(crate) fn open_copy(
        &self,
        opening: &Opening,
        carrier: Carrier<'_>,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let data = out.get_mut(..opening.data_len).ok_or(Error::Capacity)?;
        let ciphertext = object.get(opening.header_len..).and_then(|rest| rest.get(..opening.data_len));
        copy(data, ciphertext.ok_or(Error::Malformed)?);
        self.open_in_place(opening, carrier, data)
    }
}
