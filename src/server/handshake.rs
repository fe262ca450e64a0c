//! What the answers of both profiles have in common: random values, and a place in the table.

use super::slot::{FirstAnswer, Slot};
use super::{Refusal, Server, table};
use crate::crypto::Backend;
use crate::error::{Alert, Error};
use crate::limits::{PUBLIC_KEY_LEN, X_LEN};
use crate::schedule::Secret;
use crate::wire::{Cid, ClientNames, DeviceId};

/// The random values of one answer.
#[derive(Default)]
pub(super) struct Draws {
    pub ephemeral: Secret,
    /// The ephemeral public key.
    pub x: [u8; X_LEN],
    /// Chooses the connection id.
    pub number: u64,
}

/// A place for a new handshake.
pub(super) struct Place {
    pub index: usize,
    pub cid_s: Cid,
}

impl<B: Backend> Server<B> {
    /// A connection id for a slot.
    pub(super) fn choose_cid(
        &self,
        index: usize,
        slots: usize,
        number: u64,
        cid_c: &[u8],
    ) -> Result<Place, Alert> {
        let cid_s = table::cid_for(index, slots, self.cid_len(slots), number, cid_c).ok_or(Alert::Busy)?;
        Ok(Place { index, cid_s })
    }

    /// Gives the place to a new handshake; its body is still to be written.
    pub(super) fn begin<'a>(
        &mut self,
        slots: &'a mut [Slot<B>],
        place: &Place,
        names: ClientNames<'_>,
        public_key: [u8; PUBLIC_KEY_LEN],
        digest: &[u8; 32],
        answer: &[u8],
    ) -> Result<&'a mut Slot<B>, Error> {
        let slot = slots.get_mut(place.index).ok_or(Error::Argument)?;
        let cid_c = Cid::copy_of(names.cid_c, Error::Malformed)?;
        let device_id = DeviceId::copy_of(names.device_id, Error::Malformed)?;
        let first_answer = FirstAnswer::copy_of(answer, Error::Capacity)?;
        self.begun = self.begun.saturating_add(1);
        slot.clear();
        slot.begun = self.begun;
        slot.cid_s = place.cid_s;
        slot.cid_c = cid_c;
        slot.device_id = device_id;
        slot.public_key = public_key;
        slot.first = *digest;
        slot.first_answer = first_answer;
        slot.second_answer.clear();
        Ok(slot)
    }
}

/// What to say of a sealed part that did not open: a fault of ours is not the peer's.
pub(super) fn of_seal(error: Error) -> Refusal {
    match error {
        Error::Hardware => Refusal::Fault(error),
        _ => Refusal::Alert(Alert::Authentication),
    }
}
