//! M1, M3 and the end of the signed profile (protocol section 4).

use super::{Client, state};
use crate::crypto::{Backend, Point};
use crate::error::{Error, Status};
use crate::limits::SIGNATURE_LEN;
use crate::platform::Platform;
use crate::schedule::{OnceKey, diffie_hellman, secret, signed};
use crate::wire::{Emit, Message, Type};
use zeroize::Zeroize;

impl<B: Backend> Client<B> {
    pub(super) fn signed_m1(&mut self, x: &[u8; 32], m1: &mut Message) -> Result<Status, Error> {
        m1.put_type(Type::M1);
        m1.put_client_names(&self.cid_c, &self.device_id);
        m1.put(x);
        self.handshake.th = signed::th_1::<B>(&self.server_key.compressed(), m1);
        self.sent(m1, state::AWAIT_M2)
    }

    /// Commits to the first well-formed M2.
    #[inline(never)]
    pub(super) fn signed_m3<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        m2: &[u8],
        cid_s: &[u8],
        x: &[u8; 32],
        m3: &mut Message,
    ) -> Result<Status, Error> {
        self.check_cid(cid_s)?;
        let mut server_ephemeral = Point::EMPTY;
        B::lift_x(x, &mut server_ephemeral).map_err(|_| Error::Malformed)?;

        let th_2 = signed::th_2::<B>(&self.handshake.th, self.identity.public_key(), m2);
        let (mut dh, mut prk) = (secret(), secret());
        diffie_hellman::<B>(&self.handshake.ephemeral, &server_ephemeral, &mut dh)?;
        signed::prk::<B>(&th_2, &dh, &mut prk);
        let mut signature = [0; SIGNATURE_LEN];
        let digest = signed::client_digest::<B>(&th_2);
        self.identity.sign::<B, P>(platform, &digest, &mut signature)?;

        m3.put_type(Type::M3);
        m3.put_cid(cid_s);
        let head = m3.len();
        m3.put(&signature);
        let mut once = OnceKey::EMPTY;
        signed::k_3::<B>(&prk, &mut once);
        once.seal_tail::<B>(self.engine, m3, head, head)?;

        self.handshake.th = signed::th_next::<B>(&th_2, m3);
        self.handshake.key = *prk;
        self.handshake.ephemeral.zeroize();
        self.handshake.cid_s.set(cid_s);
        self.sent(m3, state::AWAIT_M4)
    }

    /// A bad M4 changes nothing.
    #[inline(never)]
    pub(super) fn signed_finish(&mut self, m4: &[u8], c4: &[u8]) -> Result<Status, Error> {
        let th_3 = self.handshake.th;
        let mut signature = [0; SIGNATURE_LEN];
        let mut once = OnceKey::EMPTY;
        signed::k_4::<B>(&self.handshake.key, &th_3, &mut once);
        once.open::<B>(self.engine, &[Type::M4.first_byte()], c4, &mut signature)?;
        B::verify(&self.server_key, &signed::server_digest::<B>(&th_3), &signature)?;
        let mut out = secret();
        signed::out::<B>(&self.handshake.key, &signed::th_next::<B>(&th_3, m4), &mut out);
        self.handshake.key = *out;
        self.state = state::READY;
        Ok(Status::Ready)
    }
}
