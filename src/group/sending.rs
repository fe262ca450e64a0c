//! The owner's requests, and the answers to them.

use super::answer::Answer;
use super::keys::owner_secret;
use super::object::{Parties, Sealing, Signer, seal_in_place};
use super::place::{Place, of_kid};
use super::{Group, GroupExchange, Mode, flag};
use crate::crypto::Backend;
use crate::error::Error;
use crate::limits::TAG_LEN;
use crate::session::Carrier;
use zeroize::Zeroizing;

impl<B: Backend> Group<B> {
    /// The first half of sealing a request: its number is known, and not used yet.
    ///
    /// # Errors
    /// [`Error::State`]: the group does not have this mode, or a delegate. [`Error::Unstored`]: store the group first. [`Error::Exhausted`]:
    /// make another group.
    pub(crate) fn begin_request(&self, mode: Mode, now_ms: u64) -> Result<Sealing, Error> {
        self.check_live()?;
        #[cfg(feature = "group-delegate")]
        if self.delegate.is_named() {
            return Err(Error::State);
        }
        if !self.has(mode.number()) {
            return Err(Error::State);
        }
        let number = self.numbers.peek(now_ms)?;
        Sealing::new(self.config.number, self.epoch, mode, self.config.slots, number)
    }

    /// The second half: `rest` holds the plaintext and room for [`Sealing::tail_len`] bytes. Uses the number up.
    pub(crate) fn seal_request_in_place(
        &mut self,
        sealing: &Sealing,
        carrier: Carrier<'_>,
        rest: &mut [u8],
    ) -> Result<GroupExchange, Error> {
        let (group, mode, number) = (self.config.number, sealing.mode(), sealing.number());
        let plaintext = rest.len().checked_sub(sealing.tail_len()).and_then(|len| rest.get(..len));
        let plaintext = plaintext.ok_or(Error::Capacity)?;
        let mut exchange = GroupExchange::default();
        exchange.begin(&self.owner, self.epoch, sealing.form(), carrier, plaintext)?;
        let is_current = sealing.form().gid == super::form::Gid::new(group, mode, self.epoch);
        if !is_current {
            return Err(Error::State);
        }
        self.numbers.mark(number)?;
        self.is_fresh = false;
        let mut secret = Zeroizing::new([0; 32]);
        let signer = match mode {
            Mode::Signed => {
                owner_secret::<B>(&self.gos, group, &mut secret);
                Signer::Secret(&secret)
            }
            Mode::Tagged => Signer::Tags(&self.vs),
        };
        let parties = Parties { sender: &self.owner, owner: &self.owner };
        seal_in_place::<B>(self.engine, mode.of(&self.keys), parties, sealing, carrier, &signer, rest)?;
        Ok(exchange)
    }

    /// Whose answer it is, and to a request of this epoch: `body` is ciphertext and tag.
    ///
    /// # Errors
    /// [`Error::UnknownSession`]: nobody has this kid, or the request's epoch has ended. [`Error::Replay`]: this member has
    /// answered. [`Error::Malformed`]: too short.
    pub(crate) fn begin_answer(
        &self,
        places: &[Place],
        exchange: &GroupExchange,
        kid: u8,
        body: &[u8],
    ) -> Result<(), Error> {
        self.check_live()?;
        if body.len() <= TAG_LEN {
            return Err(Error::Malformed);
        }
        self.find_answer(places, exchange, kid)?;
        if exchange.is_answered(kid) { Err(Error::Replay) } else { Ok(()) }
    }

    /// Whose answer it is, in a mode of a request of this epoch.
    fn find_answer<'a>(
        &self,
        places: &'a [Place],
        exchange: &GroupExchange,
        kid: u8,
    ) -> Result<(&'a Place, Mode), Error> {
        let (group, epoch) = (self.config.number, self.epoch);
        let mode = exchange.check(&self.owner, group, epoch).map_err(|error| match error {
            Error::State => Error::UnknownSession,
            other => other,
        })?;
        let place = of_kid(places, kid).filter(|place| place.epoch == epoch && self.has(flag::ANSWERS));
        Ok((place.ok_or(Error::UnknownSession)?, mode))
    }

    /// Opens an answer in place, of which [`Group::begin_answer`] has looked at the rest. `data` is zeroed where that fails.
    pub(crate) fn open_answer_in_place(
        &self,
        places: &[Place],
        exchange: &mut GroupExchange,
        kid: u8,
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        let (place, mode) = self.find_answer(places, exchange, kid)?;
        let (key, iv) = (mode.of(&place.answer_keys), &mode.of(&self.keys).iv);
        let (member, owner) = (&place.member, &self.owner);
        let answer = Answer { exchange, mode, kid, member, owner, key, iv };
        answer.open::<B>(self.engine, data, tag)?;
        exchange.mark_answered(kid);
        Ok(())
    }
}
