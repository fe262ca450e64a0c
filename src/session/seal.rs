//! Sealing requests, responses and notifications.

use super::context::{aad_prefix, caller_data, nonce};
use super::replay::Answer;
use super::{Carrier, Exchange, Session};
use crate::bytes::copy;
use crate::crypto::{Backend, NONCE_LEN, ccm};
use crate::error::Error;
use crate::limits::TAG_LEN;
use crate::wire::object::{Header, PartialIv, request_header, response_header};
use zeroize::Zeroize;

/// An object about to be sealed: its header is known, no number has been used yet.
pub(crate) struct Sealing {
    header: Header,
    nonce: [u8; NONCE_LEN],
    /// The request's number, which the additional data names.
    request: PartialIv,
    /// What [`Session::complete_seal`] takes note of.
    uses: Uses,
}

#[derive(Clone, Copy)]
enum Uses {
    /// The next own number, in a request.
    OwnRequest(u64),
    /// The next own number, in an answer to the peer's request with a number.
    OwnAnswer(u64),
    /// The number of the peer's request.
    RequestNonce(u64),
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
        matches!(self.uses, Uses::OwnRequest(_))
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
        let exchange = self.request_exchange(&sealing)?;
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
        let piv = self.next_number()?;
        Ok(Sealing {
            header: request_header(&piv, &self.sender_id),
            nonce: nonce(&self.context.common_iv, &self.sender_id, &piv),
            request: piv,
            uses: Uses::OwnRequest(self.next),
        })
    }

    /// The first half of [`Session::seal_response`].
    pub(crate) fn begin_response(&self, exchange: &Exchange) -> Result<Sealing, Error> {
        self.check_confirmed()?;
        self.check_here()?;
        exchange.check_theirs(&self.fingerprint)?;
        match self.window.answer(exchange.sequence()) {
            Answer::Used => Err(Error::Answered),
            Answer::Forgotten => self.begin_notification(exchange),
            Answer::Free => {
                let request = PartialIv::new(exchange.sequence())?;
                Ok(Sealing {
                    header: response_header(None),
                    nonce: nonce(&self.context.common_iv, &self.recipient_id, &request),
                    request,
                    uses: Uses::RequestNonce(exchange.sequence()),
                })
            }
        }
    }

    /// The first half of [`Session::seal_notification`].
    pub(crate) fn begin_notification(&self, exchange: &Exchange) -> Result<Sealing, Error> {
        self.check_confirmed()?;
        self.check_here()?;
        exchange.check_theirs(&self.fingerprint)?;
        let piv = self.next_number()?;
        Ok(Sealing {
            header: response_header(Some(&piv)),
            nonce: nonce(&self.context.common_iv, &self.sender_id, &piv),
            request: PartialIv::new(exchange.sequence())?,
            uses: Uses::OwnAnswer(exchange.sequence()),
        })
    }

    /// The number that the next request or numbered answer will use.
    fn next_number(&self) -> Result<PartialIv, Error> {
        let piv = PartialIv::new(self.next)?;
        if self.next < self.limit { Ok(piv) } else { Err(Error::Unstored) }
    }

    /// The exchange of a request about to be sealed.
    pub(crate) fn request_exchange(&self, sealing: &Sealing) -> Result<Exchange, Error> {
        match sealing.uses {
            Uses::OwnRequest(sequence) => Ok(Exchange::ours(self.fingerprint, sequence)),
            _ => Err(Error::State),
        }
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
        let prefix = aad_prefix(kid, &sealing.request, carrier)?;
        let aad: &[&[u8]] = &[&prefix, caller_data(carrier)];
        ccm::seal::<B>(self.engine, &self.context.sender_key, &sealing.nonce, aad, data, tag)?;
        match sealing.uses {
            Uses::OwnRequest(_) => self.next = self.next.saturating_add(1),
            Uses::OwnAnswer(sequence) => {
                self.next = self.next.saturating_add(1);
                // The peer takes an answer without a number as the first one only.
                self.window.mark_answered(sequence);
            }
            Uses::RequestNonce(sequence) => self.window.mark_answered(sequence),
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
