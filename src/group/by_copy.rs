//! Sealing and opening of objects between two buffers.

#[cfg(feature = "group-delegate")]
use super::Delegate;
use super::form::{RequestForm, answer_header, parse_answer};
use super::object::Opening;
#[cfg(feature = "server")]
use super::{Group, Place};
use super::{GroupExchange, Member, Mode};
use crate::bytes::copy;
use crate::crypto::Backend;
use crate::error::Error;
use crate::limits::TAG_LEN;
use crate::session::Carrier;
use zeroize::Zeroize;

#[cfg(feature = "server")]
impl<B: Backend> Group<B> {
    /// Seals a request to all members, at most [`super::GROUP_REQUEST_OVERHEAD`] bytes longer: the object's length in `out`, and the
    /// exchange that their answers belong to. Sending again is sending the same bytes again.
    ///
    /// # Errors
    /// [`Error::State`]: the group does not have this mode, or a delegate sends. [`Error::Unstored`]: store the group first. [`Error::Exhausted`]: make
    /// another group. [`Error::Argument`]: an empty plaintext, or more than [`super::GROUP_AAD_MAX`] bytes of additional data.
    pub fn seal_request(
        &mut self,
        mode: Mode,
        now_ms: u64,
        carrier: Carrier<'_>,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<(usize, GroupExchange), Error> {
        let sealing = self.begin_request(mode, now_ms)?;
        let mut exchange = GroupExchange::default();
        let len = seal(sealing.header(), sealing.tail_len(), plaintext, out, |rest| {
            exchange = self.seal_request_in_place(&sealing, carrier, rest)?;
            Ok(())
        })?;
        Ok((len, exchange))
    }

    /// Opens one member's answer: the plaintext's length in `out`, and the member's kid. Call it for each answer that comes.
    ///
    /// # Errors
    /// [`Error::UnknownSession`]: nobody has this kid, or the request's epoch has ended. [`Error::Replay`]: this member has answered.
    /// [`Error::Malformed`], [`Error::Authentication`]: not an answer to this request.
    pub fn open_answer(
        &self,
        places: &[Place],
        exchange: &mut GroupExchange,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<(usize, u8), Error> {
        let kid = parse_answer(object)?;
        let body = object.get(super::ANSWER_HEADER_LEN..).ok_or(Error::Malformed)?;
        self.begin_answer(places, exchange, kid, body)?;
        let (data, tag) = body.split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
        let plain = out.get_mut(..data.len()).ok_or(Error::Capacity)?;
        copy(plain, data);
        self.open_answer_in_place(places, exchange, kid, plain, tag)?;
        Ok((data.len(), kid))
    }
}

#[cfg(feature = "group-delegate")]
impl<B: Backend> Delegate<B> {
    /// As [`super::Group::seal_request`], but nobody answers: the object's length in `out`.
    ///
    /// # Errors
    /// [`Error::Ask`]: ask first. [`Error::Budget`]: it is 8 s ahead of its clock, seal later. [`Error::State`], [`Error::Unstored`],
    /// [`Error::Exhausted`], [`Error::Argument`] as there.
    pub fn seal_request(
        &mut self,
        mode: Mode,
        now_ms: u64,
        carrier: Carrier<'_>,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let sealing = self.begin_request(mode, now_ms)?;
        seal(sealing.header(), sealing.tail_len(), plaintext, out, |rest| {
            self.seal_request_in_place(&sealing, carrier, rest)
        })
    }
}

impl<B: Backend> Member<B> {
    /// Opens a request to the group: the plaintext's length in `out`, how its sender was proved, and the exchange to answer it with. An
    /// application may want [`Mode::Signed`] for some resources. Answer nothing on an error, whatever it is.
    ///
    /// # Errors
    /// [`Error::UnknownSession`]: another group, mode or epoch. [`Error::Ask`]: the member is out of date, see [`Member::ask_due`].
    /// [`Error::Budget`]: too many proofs failed lately, nothing was computed. [`Error::Replay`]: seen before, or overtaken. [`Error::Malformed`],
    /// [`Error::Authentication`]: not the sender's.
    pub fn open_request(
        &mut self,
        now_ms: u64,
        carrier: Carrier<'_>,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<(usize, Mode, GroupExchange), Error> {
        self.check_live()?;
        let form = RequestForm::parse(object)?;
        let body = object.get(form.len..).ok_or(Error::Malformed)?;
        let mut opening = Opening::EMPTY;
        self.begin_open_request(now_ms, &form, body, &mut opening)?;
        let mode = form.gid.mode().ok_or(Error::UnknownSession)?;
        let plain = out.get_mut(..opening.data_len()).ok_or(Error::Capacity)?;
        copy(plain, body);
        let mut exchange = GroupExchange::default();
        self.open_request_in_place(&opening, carrier, plain, &mut exchange)?;
        Ok((opening.data_len(), mode, exchange))
    }

    /// Whether an answer with this code is wanted: 2.05 to GET and FETCH, or what the request's inner No-Response option says.
    /// Send it after a random part of the leisure, and only to the address at which the device has its server.
    pub fn wants_answer(&self, exchange: &GroupExchange, code: u8) -> bool {
        self.answers() && exchange.wants(code)
    }

    /// Seals the one answer to a request, [`super::GROUP_ANSWER_OVERHEAD`] bytes longer: the object's length in `out`.
    ///
    /// # Errors
    /// [`Error::Answered`]. [`Error::State`]: there are no answers in this group, or the member holds another epoch by now.
    pub fn seal_answer(
        &mut self,
        exchange: &mut GroupExchange,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let kid = self.begin_answer(exchange)?;
        seal(&answer_header(kid), TAG_LEN, plaintext, out, |rest| self.seal_answer_in_place(exchange, rest))
    }
}

/// Seals behind a header, in front of `tail_len` bytes.
fn seal(
    header: &[u8],
    tail_len: usize,
    plaintext: &[u8],
    out: &mut [u8],
    work: impl FnOnce(&mut [u8]) -> Result<(), Error>,
) -> Result<usize, Error> {
    let len = header.len().saturating_add(plaintext.len()).saturating_add(tail_len);
    let object = out.get_mut(..len).ok_or(Error::Capacity)?;
    let (place, rest) = object.split_at_mut_checked(header.len()).ok_or(Error::Capacity)?;
    copy(rest, plaintext);
    work(rest).inspect_err(|_| rest.zeroize())?;
    copy(place, header);
    Ok(len)
}
