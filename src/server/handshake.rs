//! M2, M4 and X2 (protocol sections 4 and 5).

use super::slot::{Body, FirstAnswer, HalfOpen, SecondAnswer, Slot};
use super::{Directory, Env, HALF_OPEN_MS, Refusal, Server, UNCONFIRMED_MS, table};
use crate::crypto::{Backend, Point};
use crate::entropy::Platform;
use crate::error::{Alert, Error};
use crate::limits::{CID_MAX, DEVICE_ID_MAX, PUBLIC_KEY_LEN, SIGNATURE_LEN, TAG_LEN, X_LEN};
use crate::schedule::{Secret, express, signed};
use crate::session::{Outcome, Role, Session};
use crate::wire::{Cid, ClientNames, DeviceId, Emit, Message, first_byte, parse_client_names};
use zeroize::Zeroizing;

/// The random values of one answer.
pub(super) struct Draws {
    pub ephemeral: Secret,
    /// The ephemeral public key.
    pub x: [u8; X_LEN],
    /// Chooses the connection id.
    pub number: u64,
}

/// A place for a new handshake.
struct Place {
    index: usize,
    cid_s: Cid,
}

impl<B: Backend> Server<B> {
    #[cfg(feature = "signed")]
    pub(super) fn signed_m2<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        digest: &[u8; 32],
        m1: &[u8],
        names: ClientNames<'_>,
        x: &[u8; X_LEN],
    ) -> Result<Message, Refusal> {
        let client_ephemeral = B::lift_x(x).ok_or(Alert::Malformed)?;
        let public_key = env.directory.find(names.device_id).ok_or(Alert::UnknownDevice)?;
        let draws = self.draw(env.platform, digest)?;
        let place = self.place(slots, draws.number, names.cid_c)?;

        let mut m2 = Message::new();
        m2.put(&[first_byte::M2])?;
        m2.put_cid(&place.cid_s)?;
        m2.put(&draws.x)?;
        let th_1 = signed::th_1::<B>(&self.public_key, m1);
        let half_open = HalfOpen {
            th_2: signed::th_2::<B>(&th_1, &public_key, &m2),
            client_ephemeral,
            secret: *draws.ephemeral,
            has_prk: false,
        };
        let mut slot = self.new_slot(&place, names, public_key, digest, &m2)?;
        slot.deadline_ms = env.now_ms.saturating_add(HALF_OPEN_MS);
        slot.body = Body::HalfOpen(half_open);
        put(slots, place.index, slot)?;
        Ok(m2)
    }

    #[cfg(feature = "signed")]
    #[allow(clippy::too_many_arguments)] // the parts of one parsed message
    pub(super) fn signed_m4(
        &mut self,
        slots: &mut [Slot<B>],
        now_ms: u64,
        digest: &[u8; 32],
        m3: &[u8],
        aad: &[u8],
        cid_s: &[u8],
        c3: &[u8],
    ) -> Result<Message, Refusal> {
        let index = table::index(cid_s, slots.len()).ok_or(Alert::UnknownSession)?;
        let slot = slots.get_mut(index).ok_or(Alert::UnknownSession)?;
        if slot.cid_s.as_slice() != cid_s {
            return Err(Alert::UnknownSession.into());
        }
        if let Some(stored) = slot.stored_second(digest) {
            return Ok(stored);
        }
        let half_open = slot.half_open_mut().map_err(|_| Alert::UnknownSession)?;
        if !half_open.has_prk {
            let dh = diffie_hellman::<B>(&half_open.secret, &half_open.client_ephemeral)?;
            half_open.secret = *signed::prk::<B>(&half_open.th_2, &dh);
            half_open.has_prk = true;
        }
        let (prk, th_2) = (Zeroizing::new(half_open.secret), half_open.th_2);
        let mut signature = [0; SIGNATURE_LEN];
        signed::k_3::<B>(&prk)?.open::<B>(&[aad], c3, &mut signature).map_err(|_| Alert::Authentication)?;

        let client = B::decompress(&slot.public_key);
        let genuine =
            client.is_some_and(|key| B::verify(&key, &signed::client_digest::<B>(&th_2), &signature));
        if !genuine {
            slot.clear(); // whoever holds the keys of this handshake is not the device
            return Err(Alert::Authentication.into());
        }

        let th_3 = signed::th_next::<B>(&th_2, m3);
        let mut c4 = B::sign(&self.identity, &signed::server_digest::<B>(&th_3)).ok_or(Error::Key)?;
        let tag = signed::k_4::<B>(&prk, &th_3)?.seal::<B>(&[&[first_byte::M4]], &mut c4)?;
        let mut m4 = Message::new();
        m4.put(&[first_byte::M4])?;
        m4.put(&c4)?;
        m4.put(&tag)?;

        let out = signed::out::<B>(&prk, &signed::th_next::<B>(&th_3, &m4))?;
        slot.body = Body::Unconfirmed(establish(&out, &slot.cid_c, cid_s, &slot.device_id)?);
        slot.deadline_ms = now_ms.saturating_add(UNCONFIRMED_MS);
        slot.second = *digest;
        slot.second_answer = SecondAnswer::copy_of(&m4, Error::Capacity)?;
        Ok(m4)
    }

    #[cfg(feature = "express")]
    pub(super) fn express_x2<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        digest: &[u8; 32],
        x: &[u8; X_LEN],
        c1: &[u8],
    ) -> Result<Message, Refusal> {
        let client_ephemeral = B::lift_x(x).ok_or(Alert::Malformed)?;
        let th_1 = express::th_1::<B>(&self.public_key, x);
        let prk_1 = express::prk_1::<B>(&th_1, &*diffie_hellman::<B>(&self.identity, &client_ephemeral)?);
        let mut names = [0; 1 + CID_MAX + DEVICE_ID_MAX];
        let names = names.get_mut(..c1.len().saturating_sub(TAG_LEN)).ok_or(Alert::Malformed)?;
        let k_1 = express::k_1::<B>(&prk_1)?;
        k_1.open::<B>(&[&[first_byte::X1]], c1, names).map_err(|_| Alert::Authentication)?;
        let names = parse_client_names(names).map_err(|_| Alert::Malformed)?;
        let public_key = env.directory.find(names.device_id).ok_or(Alert::UnknownDevice)?;
        let client = B::decompress(&public_key).ok_or(Alert::UnknownDevice)?;
        let draws = self.draw(env.platform, digest)?;
        let place = self.place(slots, draws.number, names.cid_c)?;

        let th_2 = express::th_2::<B>(&th_1, c1, &public_key, &draws.x);
        let dh_ephemeral = diffie_hellman::<B>(&draws.ephemeral, &client_ephemeral)?;
        let dh_static = diffie_hellman::<B>(&draws.ephemeral, &client)?;
        let prk_2 = express::prk_2::<B>(&prk_1, &th_2, &dh_ephemeral, &dh_static)?;
        let mut c2 = Message::new();
        c2.put(&place.cid_s)?;
        let tag = express::k_2::<B>(&prk_2)?.seal::<B>(&[&[first_byte::X2]], &mut c2)?;
        c2.put(&tag)?;
        let mut x2 = Message::new();
        x2.put(&[first_byte::X2])?;
        x2.put(&draws.x)?;
        x2.put(&c2)?;

        let out = express::out::<B>(&prk_2, &express::th_3::<B>(&th_2, &c2))?;
        let session = establish(&out, names.cid_c, &place.cid_s, names.device_id)?;
        let mut slot = self.new_slot(&place, names, public_key, digest, &x2)?;
        slot.deadline_ms = env.now_ms.saturating_add(UNCONFIRMED_MS);
        slot.body = Body::Unconfirmed(session);
        put(slots, place.index, slot)?;
        Ok(x2)
    }

    fn place(&self, slots: &[Slot<B>], number: u64, cid_c: &[u8]) -> Result<Place, Alert> {
        let index = table::place(slots).ok_or(Alert::Busy)?;
        let len = self.cid_len(slots.len());
        let cid_s = table::cid_for(index, slots.len(), len, number, cid_c).ok_or(Alert::Busy)?;
        Ok(Place { index, cid_s })
    }

    fn new_slot(
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

fn put<B: Backend>(slots: &mut [Slot<B>], index: usize, slot: Slot<B>) -> Result<(), Error> {
    *slots.get_mut(index).ok_or(Error::Argument)? = slot;
    Ok(())
}

fn diffie_hellman<B: Backend>(secret: &[u8; 32], point: &Point) -> Result<Secret, Error> {
    B::diffie_hellman(secret, point).map(Zeroizing::new).ok_or(Error::Key)
}

fn establish<B: Backend>(
    out: &[u8; 32],
    cid_c: &[u8],
    cid_s: &[u8],
    device_id: &[u8],
) -> Result<Session<B>, Error> {
    Session::establish(&Outcome { role: Role::Server, out, cid_c, cid_s, device_id })
}
