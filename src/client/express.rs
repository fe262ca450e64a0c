//! X1 and the end of the express profile (protocol section 5).

use super::{Client, state};
use crate::crypto::{Backend, Point};
use crate::error::{Error, Status};
use crate::limits::{CID_MAX, TAG_LEN, X_LEN};
use crate::platform::Platform;
use crate::schedule::{OnceKey, diffie_hellman, express, secret};
use crate::wire::{Emit, Message, Type};
use zeroize::Zeroize;

/// Where C1 begins in X1.
const C1_AT: usize = 1 + X_LEN;

impl<B: Backend> Client<B> {
    pub(super) fn express_x1(&mut self, x: &[u8; 32], x1: &mut Message) -> Result<Status, Error> {
        let th_1 = express::th_1::<B>(&self.server_key.compressed(), x);
        let mut dh = secret();
        diffie_hellman::<B>(&self.handshake.ephemeral, &self.server_key, &mut dh)?;
        express::prk_1::<B>(&th_1, &dh, &mut self.handshake.key);

        x1.put_type(Type::X1);
        x1.put(x);
        x1.put_client_names(&self.cid_c, &self.device_id);
        let mut once = OnceKey::EMPTY;
        express::k_1::<B>(&self.handshake.key, &mut once);
        once.seal_tail::<B>(self.engine, x1, 1, C1_AT)?;

        self.handshake.th = th_1;
        self.sent(x1, state::AWAIT_X2)
    }

    /// A bad X2 changes nothing.
    #[inline(never)]
    pub(super) fn express_finish<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        x: &[u8; 32],
        c2: &[u8],
    ) -> Result<Status, Error> {
        let c1 = self.handshake.sent.get(C1_AT..).ok_or(Error::State)?;
        let th_2 = express::th_2::<B>(&self.handshake.th, c1, self.identity.public_key(), x);
        let (mut dh_ephemeral, mut dh_static, mut prk_2) = (secret(), secret(), secret());
        self.agree(platform, x, &mut dh_ephemeral, &mut dh_static)?;
        express::prk_2::<B>(&self.handshake.key, &th_2, &dh_ephemeral, &dh_static, &mut prk_2);

        let mut cid_s = [0; CID_MAX];
        let cid_s = cid_s.get_mut(..c2.len().saturating_sub(TAG_LEN)).ok_or(Error::Malformed)?;
        let mut once = OnceKey::EMPTY;
        express::k_2::<B>(&prk_2, &mut once);
        once.open::<B>(self.engine, &[Type::X2.first_byte()], c2, cid_s)?;
        self.check_cid(cid_s)?;

        express::out::<B>(&prk_2, &express::th_3::<B>(&th_2, c2), &mut self.handshake.key);
        self.handshake.ephemeral.zeroize();
        self.handshake.cid_s.set(cid_s);
        self.state = state::READY;
        Ok(Status::Ready)
    }

    /// Diffie-Hellman of the ephemeral and of the static key with the server's ephemeral one. The point made
    /// ready is large: it is on the stack of this function alone.
    #[inline(never)]
    fn agree<P: Platform + ?Sized>(
        &self,
        platform: &mut P,
        x: &[u8; 32],
        dh_ephemeral: &mut [u8; 32],
        dh_static: &mut [u8; 32],
    ) -> Result<(), Error> {
        let (mut point, mut base) = (Point::EMPTY, B::Base::default());
        B::lift_x(x, &mut point).map_err(|_| Error::Malformed)?;
        B::prepare(&point, &mut base)?;
        B::diffie_hellman(&self.handshake.ephemeral, &base, dh_ephemeral)?;
        self.identity.diffie_hellman::<B, P>(platform, &point, &base, dh_static)
    }
}
