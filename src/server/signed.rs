//! M2 and M4 (protocol section 4).

use super::handshake::{Draws, look_up, of_seal, short};
use super::slot::{Body, HalfOpen};
use super::{Directory, Refusal, Server, Turn};
use crate::crypto::{Backend, Point};
use crate::error::{Alert, Error};
use crate::limits::{PUBLIC_KEY_LEN, SIGNATURE_LEN, X_LEN};
use crate::platform::Platform;
use crate::schedule::{OnceKey, diffie_hellman, secret, signed};
use crate::wire::{Cid, ClientNames, Emit, Type};

impl<B: Backend> Server<B> {
    #[inline(never)]
    pub(super) fn signed_m2<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        turn: &mut Turn<'_, '_, B, P, D>,
        names: ClientNames<'_>,
        x: &[u8; X_LEN],
    ) -> Result<(), Refusal> {
        let env = &mut *turn.env;
        let mut client_ephemeral = Point::EMPTY;
        B::lift_x(x, &mut client_ephemeral).map_err(|_| Alert::Malformed)?;
        let mut public_key = [0; PUBLIC_KEY_LEN];
        look_up(env.directory, names.device_id, &mut public_key)?;
        let index = self.table.choose(turn.slots, env.directory, env.source).ok_or(Alert::Busy)?;
        let (mut draws, mut cid_s) = (Draws::default(), Cid::EMPTY);
        self.draw(env.platform, turn.digest, &mut draws)?;
        let index =
            self.choose_cid(env.directory, turn.slots, index, draws.number, names.cid_c, &mut cid_s)?;

        let m2 = &mut *turn.out;
        m2.put_type(Type::M2);
        m2.put_cid(&cid_s);
        m2.put(&draws.x);
        let th_1 = signed::th_1::<B>(self.identity.public_key(), turn.message);
        let th_2 = signed::th_2::<B>(&th_1, &public_key, m2);
        self.begin(turn, index, &cid_s, names, &public_key)?;
        let slot = turn.slots.get_mut(index).ok_or(Error::Argument)?;
        // The secret is written where it stays: every move would leave a copy behind.
        slot.body = Body::HalfOpen(HalfOpen { th_2, client_ephemeral, secret: [0; 32], has_prk: false });
        slot.half_open_mut()?.secret = *draws.ephemeral;
        self.table.counters.count(|stats| &mut stats.begun_signed);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn signed_m4<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        turn: &mut Turn<'_, '_, B, P, D>,
        aad: &[u8],
        cid_s: &[u8],
        c3: &[u8],
    ) -> Result<(), Refusal> {
        let Turn { slots, env, message, digest, out: m4 } = turn;
        let index = self.cids.index(cid_s, slots.len()).ok_or(Alert::UnknownSession)?;
        self.table.expire(slots, env.directory, index);
        let slot = slots.get_mut(index).ok_or(Alert::UnknownSession)?;
        if slot.cid_s.as_slice() != cid_s {
            return Err(Alert::UnknownSession.into());
        }
        if let Some(stored) = slot.stored_second(&short(digest)) {
            m4.put(stored);
            self.table.counters.count(|stats| &mut stats.duplicates);
            return Ok(());
        }
        let half_open = slot.half_open_mut().map_err(|_| Alert::UnknownSession)?;
        if !half_open.has_prk {
            let mut dh = secret();
            diffie_hellman::<B>(&half_open.secret, &half_open.client_ephemeral, &mut dh)?;
            signed::prk::<B>(&half_open.th_2, &dh, &mut half_open.secret);
            half_open.has_prk = true;
        }
        let mut prk = secret();
        *prk = half_open.secret;
        let th_2 = half_open.th_2;
        let mut signature = [0; SIGNATURE_LEN];
        let mut once = OnceKey::EMPTY;
        signed::k_3::<B>(&prk, &mut once);
        once.open::<B>(self.engine, aad, c3, &mut signature).map_err(of_seal)?;

        let mut client = Point::EMPTY;
        let genuine = B::decompress(&slot.public_key, &mut client)
            .and_then(|()| B::verify(&client, &signed::client_digest::<B>(&th_2), &signature));
        if genuine.is_err() {
            self.table.release(slots, env.directory, index); // whoever holds the keys of this handshake is not the device
            return Err(Alert::Authentication.into());
        }

        let th_3 = signed::th_next::<B>(&th_2, message);
        self.identity.sign::<B, P>(env.platform, &signed::server_digest::<B>(&th_3), &mut signature)?;
        m4.put_type(Type::M4);
        m4.put(&signature);
        signed::k_4::<B>(&prk, &th_3, &mut once);
        once.seal_tail::<B>(self.engine, m4, 1, 1)?;

        let mut out = secret();
        signed::out::<B>(&prk, &signed::th_next::<B>(&th_3, m4), &mut out);
        slot.second = short(digest);
        slot.second_answer.set(m4);
        self.establish(slots, index, &out)?;
        Ok(())
    }
}
