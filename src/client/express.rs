//! X1 and the end of the express profile (protocol section 5).

use super::{Client, state};
use crate::crypto::Backend;
use crate::error::{Error, Status};
use crate::limits::{CID_MAX, TAG_LEN, X_LEN};
use crate::schedule::{Secret, diffie_hellman, express};
use crate::wire::{Emit, Message, first_byte};
use zeroize::Zeroize;

/// Where C1 begins in X1.
const C1_AT: usize = 1 + X_LEN;

impl<B: Backend> Client<B> {
    pub(super) fn express_x1(&mut self, ephemeral: &Secret, x: &[u8; 32]) -> Result<Message, Error> {
        let th_1 = express::th_1::<B>(&self.server_key.compressed(), x);
        let server = B::base(&self.server_key).ok_or(Error::Key)?;
        let prk_1 = express::prk_1::<B>(&th_1, &*diffie_hellman::<B>(ephemeral, &server)?);

        let mut x1 = Message::new();
        x1.put(&[first_byte::X1])?;
        x1.put(x)?;
        x1.put_client_names(&self.cid_c, &self.device_id)?;
        let names = x1.get_mut(C1_AT..).ok_or(Error::Capacity)?;
        let tag = express::k_1::<B>(&prk_1)?.seal::<B>(&[&[first_byte::X1]], names)?;
        x1.put(&tag)?;

        self.handshake.ephemeral = **ephemeral;
        self.handshake.th = th_1;
        self.handshake.key = *prk_1;
        self.state = state::AWAIT_X2;
        Ok(x1)
    }

    /// A bad X2 changes nothing.
    pub(super) fn express_finish(&mut self, x: &[u8; 32], c2: &[u8]) -> Result<Status, Error> {
        let server_ephemeral = B::lift_x(x).and_then(|point| B::base(&point)).ok_or(Error::Malformed)?;
        let c1 = self.handshake.sent.get(C1_AT..).ok_or(Error::State)?;
        let th_2 = express::th_2::<B>(&self.handshake.th, c1, &self.public_key, x);
        let dh_ephemeral = diffie_hellman::<B>(&self.handshake.ephemeral, &server_ephemeral)?;
        let dh_static = diffie_hellman::<B>(&self.identity, &server_ephemeral)?;
        let prk_2 = express::prk_2::<B>(&self.handshake.key, &th_2, &dh_ephemeral, &dh_static)?;

        let mut cid_s = [0; CID_MAX];
        let cid_s = cid_s.get_mut(..c2.len().saturating_sub(TAG_LEN)).ok_or(Error::Malformed)?;
        express::k_2::<B>(&prk_2)?.open::<B>(&[&[first_byte::X2]], c2, cid_s)?;
        let cid_s = self.accept_cid(cid_s)?;

        let th_3 = express::th_3::<B>(&th_2, c2);
        self.handshake.key = *express::out::<B>(&prk_2, &th_3)?;
        self.handshake.ephemeral.zeroize();
        self.handshake.cid_s = cid_s;
        self.state = state::READY;
        Ok(Status::Ready)
    }
}
