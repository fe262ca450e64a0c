//! M1, M3 and the end of the signed profile (protocol section 4).

use super::{Client, state};
use crate::crypto::Backend;
use crate::error::{Error, Status};
use crate::limits::SIGNATURE_LEN;
use crate::schedule::{Secret, diffie_hellman, signed};
use crate::wire::{Emit, Message, first_byte};
use zeroize::Zeroize;

impl<B: Backend> Client<B> {
    pub(super) fn signed_m1(&mut self, ephemeral: &Secret, x: &[u8; 32]) -> Result<Message, Error> {
        let mut m1 = Message::new();
        m1.put(&[first_byte::M1])?;
        m1.put_client_names(&self.cid_c, &self.device_id)?;
        m1.put(x)?;
        self.handshake.ephemeral = **ephemeral;
        self.handshake.th = signed::th_1::<B>(&self.server_key.compressed(), &m1);
        self.state = state::AWAIT_M2;
        Ok(m1)
    }

    /// Commits to the first well-formed M2.
    pub(super) fn signed_m3(&mut self, m2: &[u8], cid_s: &[u8], x: &[u8; 32]) -> Result<Message, Error> {
        let cid_s = self.accept_cid(cid_s)?;
        let server_ephemeral = B::lift_x(x).and_then(|point| B::base(&point)).ok_or(Error::Malformed)?;

        let th_2 = signed::th_2::<B>(&self.handshake.th, &self.public_key, m2);
        let dh = diffie_hellman::<B>(&self.handshake.ephemeral, &server_ephemeral)?;
        let prk = signed::prk::<B>(&th_2, &dh);
        let mut c3 = B::sign(&self.identity, &signed::client_digest::<B>(&th_2)).ok_or(Error::Key)?;

        let mut m3 = Message::new();
        m3.put(&[first_byte::M3])?;
        m3.put_cid(&cid_s)?;
        let tag = signed::k_3::<B>(&prk)?.seal::<B>(&[&m3], &mut c3)?;
        m3.put(&c3)?;
        m3.put(&tag)?;

        self.handshake.th = signed::th_next::<B>(&th_2, &m3);
        self.handshake.key = *prk;
        self.handshake.ephemeral.zeroize();
        self.handshake.cid_s = cid_s;
        self.state = state::AWAIT_M4;
        Ok(m3)
    }

    /// A bad M4 changes nothing.
    pub(super) fn signed_finish(&mut self, m4: &[u8], c4: &[u8]) -> Result<Status, Error> {
        let th_3 = self.handshake.th;
        let mut signature = [0; SIGNATURE_LEN];
        let k_4 = signed::k_4::<B>(&self.handshake.key, &th_3)?;
        k_4.open::<B>(&[&[first_byte::M4]], c4, &mut signature)?;
        if !B::verify(&self.server_key, &signed::server_digest::<B>(&th_3), &signature) {
            return Err(Error::Authentication);
        }
        let th_4 = signed::th_next::<B>(&th_3, m4);
        self.handshake.key = *signed::out::<B>(&self.handshake.key, &th_4)?;
        self.state = state::READY;
        Ok(Status::Ready)
    }
}
