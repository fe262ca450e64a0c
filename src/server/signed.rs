//! M2 and M4 (protocol section 4).

use super::handshake::{establish, put};
use super::slot::{Body, HalfOpen, SecondAnswer, Slot};
use super::{Directory, Env, HALF_OPEN_MS, Refusal, Server, UNCONFIRMED_MS, table};
use crate::crypto::Backend;
use crate::entropy::Platform;
use crate::error::{Alert, Error};
use crate::limits::{SIGNATURE_LEN, X_LEN};
use crate::schedule::{diffie_hellman, signed};
use crate::wire::{ClientNames, Emit, Message, first_byte};
use zeroize::Zeroizing;

impl<B: Backend> Server<B> {
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
        let index = table::place(slots).ok_or(Alert::Busy)?;
        let draws = self.draw(env.platform, digest)?;
        let place = self.choose_cid(index, slots.len(), draws.number, names.cid_c)?;

        let mut m2 = Message::new();
        m2.put(&[first_byte::M2])?;
        m2.put_cid(&place.cid_s)?;
        m2.put(&draws.x)?;
        let th_1 = signed::th_1::<B>(&self.public_key, m1);
        let th_2 = signed::th_2::<B>(&th_1, &public_key, &m2);
        let mut slot = self.new_slot(&place, names, public_key, digest, &m2)?;
        slot.deadline_ms = env.now_ms.saturating_add(HALF_OPEN_MS);
        // The secret is written where it stays: every move would leave a copy behind.
        let slot = put(slots, place.index, slot)?;
        slot.body = Body::HalfOpen(HalfOpen { th_2, client_ephemeral, secret: [0; 32], has_prk: false });
        slot.half_open_mut()?.secret = *draws.ephemeral;
        Ok(m2)
    }

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
        slot.expire(now_ms);
        if slot.cid_s.as_slice() != cid_s {
            return Err(Alert::UnknownSession.into());
        }
        if let Some(stored) = slot.stored_second(digest) {
            return Ok(stored);
        }
        let half_open = slot.half_open_mut().map_err(|_| Alert::UnknownSession)?;
        if !half_open.has_prk {
            let base = B::base(&half_open.client_ephemeral).ok_or(Error::Key)?;
            let dh = diffie_hellman::<B>(&half_open.secret, &base)?;
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
        slot.body = Body::Session(establish(&out, &slot.cid_c, cid_s, &slot.device_id)?);
        slot.deadline_ms = now_ms.saturating_add(UNCONFIRMED_MS);
        slot.second = *digest;
        slot.second_answer = SecondAnswer::copy_of(&m4, Error::Capacity)?;
        Ok(m4)
    }
}
