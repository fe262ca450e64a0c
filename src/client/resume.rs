//! R1, and the end of a resumption (protocol section 6).

use super::{Client, state};
use crate::crypto::Backend;
use crate::entropy::Hedge;
use crate::error::{Error, Status};
use crate::limits::{CID_MAX, TAG_LEN};
use crate::platform::Platform;
use crate::schedule::{OnceKey, resume, secret};
use crate::session::Session;
use crate::wire::{Emit, Message, Type};

impl<B: Backend> Client<B> {
    /// Has the next message be an R1, which resumes a session with this client's server in one round trip and
    /// without curve arithmetic; a handshake under way is forgotten. The session stays usable, and is to be kept
    /// until the first answer has opened in the new one. Where the server refuses, [`Client::restart`] goes back to
    /// a full handshake. [`Error::State`]: the session is not a client's, or is of another device id or with
    /// another connection id than this client has.
    pub fn resume(&mut self, session: &Session<B>) -> Result<(), Error> {
        self.check_live()?;
        session.check_client()?;
        if !self.owns(session) {
            return Err(Error::State);
        }
        self.restart()?;
        session.resume_secret(&mut self.handshake.key)?;
        self.handshake.cid_s.set(session.sender_id()?);
        self.state = state::RESUME;
        Ok(())
    }

    pub(super) fn resume_r1<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        r1: &mut Message,
    ) -> Result<Status, Error> {
        let mut n_c = [0; 8];
        let counter = &mut self.draws;
        let mut hedge = Hedge { platform, identity: self.identity.hedge(), counter, context: &[0; 32] };
        hedge.fill::<B>(&mut n_c)?;
        self.begin_resume(&n_c, r1)
    }

    /// R1 with a nonce that was drawn before.
    pub(super) fn begin_resume(&mut self, n_c: &[u8; 8], r1: &mut Message) -> Result<Status, Error> {
        r1.put_type(Type::R1);
        r1.put_cid(&self.handshake.cid_s);
        r1.put(n_c);
        let len = r1.len();
        let mut once = OnceKey::EMPTY;
        resume::k_r1::<B>(&self.handshake.key, n_c, &mut once);
        once.seal_tail::<B>(self.engine, r1, len, len)?;
        self.sent(r1, state::AWAIT_R2)
    }

    /// A bad R2 changes nothing.
    #[inline(never)]
    pub(super) fn resume_finish(&mut self, n_s: &[u8; 8], c_r: &[u8]) -> Result<Status, Error> {
        let th = resume::th::<B>(&self.handshake.sent, n_s);
        let mut prk_r2 = secret();
        resume::prk_r2::<B>(&self.handshake.key, &th, &mut prk_r2);

        let mut aad = [Type::R2.first_byte(); 9];
        aad.iter_mut().skip(1).zip(n_s).for_each(|(place, byte)| *place = *byte);
        let mut cid_s = [0; CID_MAX];
        let cid_s = cid_s.get_mut(..c_r.len().saturating_sub(TAG_LEN)).ok_or(Error::Malformed)?;
        let mut once = OnceKey::EMPTY;
        resume::k_r2::<B>(&prk_r2, &mut once);
        once.open::<B>(self.engine, &aad, c_r, cid_s)?;
        self.check_cid(cid_s)?;

        resume::out::<B>(&prk_r2, &th, c_r, &mut self.handshake.key);
        self.handshake.cid_s.set(cid_s);
        self.state = state::READY;
        Ok(Status::Ready)
    }
}
