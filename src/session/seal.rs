//! Sealing requests, responses and notifications.

use super::context::{AadPrefix, aad_prefix, caller_data, nonce};
use super::replay::Answer;
use super::{Carrier, Exchange, Session};
use crate::bytes::copy;
use crate::crypto::{Backend, ccm};
use crate::error::Error;
use crate::limits::TAG_LEN;
use crate::wire::object::{Header, check_sequence, request_header, response_header};
use zeroize::Zeroize;

/// An object about to be sealed: its header is known, no number has been used yet.
pub(crate) struct Sealing {
    header: Header,
    /// The number in the nonce.
    number: u64,
    /// The request's number, which the additional data names.
    request: u64,
    /// What [`Session::complete_seal`] takes note of.
    uses: Uses,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Uses {
    /// The next own number, in a request.
    OwnRequest,
    /// The next own number, in an answer to the peer's request.
    OwnAnswer,
    /// The number of the peer's request.
    RequestNonce,
}

impl Sealing {
    /// How many bytes come before the ciphertext.
    pub(crate) fn header_len(&self) -> usize {
        self.header.len()
    }

    /// What comes before the ciphertext: flags, Partial IV and kid.
    #[cfg(feature = "coap")]
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The length of the sealed object.
    pub(crate) fn sealed_len(&self, plaintext_len: usize) -> usize {
        self.header_len().saturating_add(plaintext_len).saturating_add(TAG_LEN)
    }

    pub(crate) fn is_request(&self) -> bool {
        self.uses == Uses::OwnRequest
    }
}

impl<B: Backend> Session<B> {
    /// Seals a request: the object's length in `out`, and the exchange that its answers belong to.
    /// [`Error::Exhausted`]: make a new session; [`Error::Unstored`]: store it again.
    pub fn seal_request(
        &mut self,
        carrier: Carrier<'_>,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<(usize, Exchange), Error> {
        let sealing = self.begin_request()?;
        let exchange = self.request_exchange(&sealing);
        let len = self.seal_copy(&sealing, carrier, plaintext, out)?;
        Ok((len, exchange))
    }

    /// Seals the answer to a request of the peer's: without a number of its own, which is possible once for
    /// each request, as its first answer ([`Error::Answered`] after that). A request that the replay window has forgotten gets a
    /// numbered answer instead.
    pub fn seal_response(
        &mut self,
        exchange: &Exchange,
        carrier: Carrier<'_>,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let sealing = self.begin_response(exchange)?;
        self.seal_copy(&sealing, carrier, plaintext, out)
    }

    /// Seals a further answer to a request of the peer's, under a number of this end's.
    pub fn seal_notification(
        &mut self,
        exchange: &Exchange,
        carrier: Carrier<'_>,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let sealing = self.begin_notification(exchange)?;
        self.seal_copy(&sealing, carrier, plaintext, out)
    }

    /// The first half of [`Session::seal_request`], for a caller that places the plaintext itself.
    pub(crate) fn begin_request(&self) -> Result<Sealing, Error> {
        self.check_confirmed()?;
        self.check_here()?;
        self.begin(Uses::OwnRequest, self.next)
    }

    /// The first half of [`Session::seal_response`].
    pub(crate) fn begin_response(&self, exchange: &Exchange) -> Result<Sealing, Error> {
        self.begin_answer(exchange, self.window.answer(exchange.sequence()))
    }

    /// The first half of [`Session::seal_notification`].
    pub(crate) fn begin_notification(&self, exchange: &Exchange) -> Result<Sealing, Error> {
        self.begin_answer(exchange, Answer::Forgotten)
    }

    fn begin_answer(&self, exchange: &Exchange, answer: Answer) -> Result<Sealing, Error> {
        self.check_confirmed()?;
        self.check_here()?;
        exchange.check_theirs(&self.fingerprint)?;
        let uses = match answer {
            Answer::Used => return Err(Error::Answered),
            Answer::Forgotten => Uses::OwnAnswer,
            Answer::Free => Uses::RequestNonce,
        };
        self.begin(uses, exchange.sequence())
    }

    fn begin(&self, uses: Uses, request: u64) -> Result<Sealing, Error> {
        check_sequence(request)?;
        if uses != Uses::RequestNonce {
            check_sequence(self.next)?;
            if self.next >= self.limit {
                return Err(Error::Unstored);
            }
        }
        let (number, header) = match uses {
            Uses::OwnRequest => (self.next, request_header(self.next, &self.sender_id)),
            Uses::OwnAnswer => (self.next, response_header(Some(self.next))),
            Uses::RequestNonce => (request, response_header(None)),
        };
        Ok(Sealing { header, number, request, uses })
    }

    /// The exchange of a request about to be sealed.
    pub(crate) fn request_exchange(&self, sealing: &Sealing) -> Exchange {
        Exchange::ours(self.fingerprint, sealing.request)
    }

    /// The second half of each: `object` is exactly as long as [`Sealing::sealed_len`] says and holds the
    /// plaintext behind [`Sealing::header_len`] bytes. Uses up the number.
    pub(crate) fn complete_seal(
        &mut self,
        sealing: &Sealing,
        carrier: Carrier<'_>,
        object: &mut [u8],
    ) -> Result<(), Error> {
        let (header, rest) = object.split_at_mut_checked(sealing.header_len()).ok_or(Error::Capacity)?;
        self.seal_in_place(sealing, carrier, rest)?;
        copy(header, &sealing.header);
        Ok(())
    }

    /// The same where the header stands elsewhere: `rest` holds the plaintext and room for the tag.
    pub(crate) fn seal_in_place(
        &mut self,
        sealing: &Sealing,
        carrier: Carrier<'_>,
        rest: &mut [u8],
    ) -> Result<(), Error> {
        let (data, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Capacity)?;
        let kid = if sealing.is_request() { &self.sender_id } else { &self.recipient_id };
        let maker = if sealing.uses == Uses::RequestNonce { &self.recipient_id } else { &self.sender_id };
        let nonce = nonce(&self.context.common_iv, maker, sealing.number);
        let mut prefix = AadPrefix::new();
        aad_prefix(kid, sealing.request, carrier, &mut prefix)?;
        let aad: &[&[u8]] = &[&prefix, caller_data(carrier)];
        ccm::seal::<B>(self.engine, &self.context.sender_key, &nonce, aad, data, tag)?;
        if sealing.uses != Uses::RequestNonce {
            self.next = self.next.wrapping_add(1); // it has been checked
        }
        if sealing.uses != Uses::OwnRequest {
            // A numbered one too: the peer takes an answer without a number as the first one only.
            self.window.mark_answered(sealing.request);
        }
        Ok(())
    }

    fn seal_copy(
        &mut self,
        sealing: &Sealing,
        carrier: Carrier<'_>,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let len = sealing.sealed_len(plaintext.len());
        let object = out.get_mut(..len).ok_or(Error::Capacity)?;
        let room = object.get_mut(sealing.header_len()..).and_then(|rest| rest.get_mut(..plaintext.len()));
        copy(room.ok_or(Error::Capacity)?, plaintext);
        match self.complete_seal(sealing, carrier, object) {
            Ok(()) => Ok(len),
            Err(error) => {
                object.zeroize(); // the plaintext
                Err(error)
            }
        }
    }
}
