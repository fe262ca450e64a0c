//! X2 (protocol section 5).

use super::handshake::{Draws, look_up, of_seal};
use super::{Directory, Refusal, Server, Turn};
use crate::crypto::{Backend, Point};
use crate::error::Alert;
use crate::limits::{CID_MAX, DEVICE_ID_MAX, PUBLIC_KEY_LEN, TAG_LEN, X_LEN};
use crate::platform::Platform;
use crate::schedule::{OnceKey, express, secret};
use crate::wire::{Cid, Emit, Type, parse_client_names};

impl<B: Backend> Server<B> {
    #[inline(never)] // its frame is large
    pub(super) fn express_x2<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        turn: &mut Turn<'_, '_, B, P, D>,
        x: &[u8; X_LEN],
        c1: &[u8],
    ) -> Result<(), Refusal> {
        let env = &mut *turn.env;
        let (mut point, mut base) = (Point::EMPTY, B::Base::default());
        let ready = B::lift_x(x, &mut point).and_then(|()| B::prepare(&point, &mut base));
        ready.map_err(|_| Alert::Malformed)?;
        let th_1 = express::th_1::<B>(self.identity.public_key(), x);
        let (mut dh_ephemeral, mut dh_static) = (secret(), secret());
        let (mut prk_1, mut prk_2) = (secret(), secret());
        self.identity.diffie_hellman::<B, P>(env.platform, &point, &base, &mut dh_static)?;
        express::prk_1::<B>(&th_1, &dh_static, &mut prk_1);
        let mut names = [0; 1 + CID_MAX + DEVICE_ID_MAX];
        let names = names.get_mut(..c1.len().saturating_sub(TAG_LEN)).ok_or(Alert::Malformed)?;
        let mut once = OnceKey::EMPTY;
        express::k_1::<B>(&prk_1, &mut once);
        once.open::<B>(self.engine, &[Type::X1.first_byte()], c1, names).map_err(of_seal)?;
        let names = parse_client_names(names).map_err(|_| Alert::Malformed)?;
        let mut public_key = [0; PUBLIC_KEY_LEN];
        look_up(env.directory, names.device_id, &mut public_key)?;
        let index = self.table.choose(turn.slots, env.directory, env.source).ok_or(Alert::Busy)?;
        B::decompress(&public_key, &mut point).map_err(|_| Alert::UnknownDevice)?;
        let (mut draws, mut cid_s) = (Draws::default(), Cid::EMPTY);
        self.draw(env.platform, turn.digest, &mut draws)?;
        let index =
            self.choose_cid(env.directory, turn.slots, index, draws.number, names.cid_c, &mut cid_s)?;

        let th_2 = express::th_2::<B>(&th_1, c1, &public_key, &draws.x);
        B::diffie_hellman(&draws.ephemeral, &base, &mut dh_ephemeral)?;
        B::prepare(&point, &mut base)?; // the device's key, in the same room
        B::diffie_hellman(&draws.ephemeral, &base, &mut dh_static)?;
        express::prk_2::<B>(&prk_1, &th_2, &dh_ephemeral, &dh_static, &mut prk_2);
        let x2 = &mut *turn.out;
        x2.put_type(Type::X2);
        x2.put(&draws.x);
        let head = x2.len();
        x2.put(&cid_s);
        express::k_2::<B>(&prk_2, &mut once);
        once.seal_tail::<B>(self.engine, x2, 1, head)?;

        let c2 = x2.get(head..).unwrap_or(&[]);
        let mut out = secret();
        express::out::<B>(&prk_2, &express::th_3::<B>(&th_2, c2), &mut out);
        self.begin(turn, index, &cid_s, names, &public_key)?;
        self.establish(turn.slots, index, &out)?;
        self.table.counters.count(|stats| &mut stats.begun_express);
        Ok(())
    }
}
