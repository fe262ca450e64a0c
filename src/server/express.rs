//! X2 (protocol section 5).

use super::handshake::{establish, put};
use super::slot::{Body, Slot};
use super::{Directory, Env, Refusal, Server, UNCONFIRMED_MS, table};
use crate::crypto::Backend;
use crate::entropy::Platform;
use crate::error::Alert;
use crate::limits::{CID_MAX, DEVICE_ID_MAX, TAG_LEN, X_LEN};
use crate::schedule::{diffie_hellman, express};
use crate::wire::{Emit, Message, first_byte, parse_client_names};

impl<B: Backend> Server<B> {
    pub(super) fn express_x2<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        env: &mut Env<'_, P, D>,
        digest: &[u8; 32],
        x: &[u8; X_LEN],
        c1: &[u8],
    ) -> Result<Message, Refusal> {
        let client_ephemeral = B::lift_x(x).and_then(|point| B::base(&point)).ok_or(Alert::Malformed)?;
        let th_1 = express::th_1::<B>(&self.public_key, x);
        let prk_1 = express::prk_1::<B>(&th_1, &*diffie_hellman::<B>(&self.identity, &client_ephemeral)?);
        let mut names = [0; 1 + CID_MAX + DEVICE_ID_MAX];
        let names = names.get_mut(..c1.len().saturating_sub(TAG_LEN)).ok_or(Alert::Malformed)?;
        let k_1 = express::k_1::<B>(&prk_1)?;
        k_1.open::<B>(&[&[first_byte::X1]], c1, names).map_err(|_| Alert::Authentication)?;
        let names = parse_client_names(names).map_err(|_| Alert::Malformed)?;
        let public_key = env.directory.find(names.device_id).ok_or(Alert::UnknownDevice)?;
        let index = table::place(slots).ok_or(Alert::Busy)?;
        let client = B::decompress(&public_key).and_then(|point| B::base(&point));
        let client = client.ok_or(Alert::UnknownDevice)?;
        let draws = self.draw(env.platform, digest)?;
        let place = self.choose_cid(index, slots.len(), draws.number, names.cid_c)?;

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
        put(slots, place.index, slot)?.body = Body::Session(session);
        Ok(x2)
    }
}
