//! What the answers of both profiles have in common: random values, a place in the table, a session.

use super::slot::{FirstAnswer, Slot};
use super::{Server, table};
use crate::crypto::Backend;
use crate::error::{Alert, Error};
use crate::limits::{PUBLIC_KEY_LEN, X_LEN};
use crate::schedule::Secret;
use crate::session::{Outcome, Role, Session};
use crate::wire::{Cid, ClientNames, DeviceId};

/// The random values of one answer.
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

    pub(super) fn new_slot(
        &mut self,
        place: &Place,
        names: ClientNames<'_>,
        public_key: [u8; PUBLIC_KEY_LEN],
        digest: &[u8; 32],
        answer: &[u8],
    ) -> Result<Slot<B>, Error> {
        self.begun = self.begun.saturating_add(1);
        Ok(Slot {
            begun: self.begun,
            cid_s: place.cid_s,
            cid_c: Cid::copy_of(names.cid_c, Error::Malformed)?,
            device_id: DeviceId::copy_of(names.device_id, Error::Malformed)?,
            public_key,
            first: *digest,
            first_answer: FirstAnswer::copy_of(answer, Error::Capacity)?,
            ..Slot::default()
        })
    }
}

pub(super) fn put<B: Backend>(
    slots: &mut [Slot<B>],
    index: usize,
    slot: Slot<B>,
) -> Result<&mut Slot<B>, Error> {
    let place = slots.get_mut(index).ok_or(Error::Argument)?;
    *place = slot;
    Ok(place)
}

pub(super) fn establish<B: Backend>(
    out: &[u8; 32],
    cid_c: &[u8],
    cid_s: &[u8],
    device_id: &[u8],
) -> Result<Session<B>, Error> {
    Session::establish(&Outcome { role: Role::Server, out, cid_c, cid_s, device_id })
}
