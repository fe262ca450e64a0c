//! Sealing and opening answers (docs/group.md, "An answer"): each member has a key for them that the owner shares.

use super::form::answer_header;
use super::keys::nonce;
use super::object::Ext;
use super::{GroupExchange, Mode};
use crate::crypto::{Backend, KEY_LEN, NONCE_LEN, Point, ccm};
use crate::error::Error;
use crate::limits::TAG_LEN;
use zeroize::Zeroize;

/// Who answers what.
pub(crate) struct Answer<'a> {
    /// The request.
    pub exchange: &'a GroupExchange,
    /// Its mode, as [`GroupExchange::check`] has found it.
    pub mode: Mode,
    pub kid: u8,
    /// The public key of the member that answers, and the owner's.
    pub member: &'a Point,
    pub owner: &'a Point,
    /// The member's key and the Common IV, both of the mode.
    pub key: &'a [u8; KEY_LEN],
    pub iv: &'a [u8; NONCE_LEN],
}

impl Answer<'_> {
    fn ext(&self) -> Result<Ext, Error> {
        let exchange = self.exchange;
        let option = answer_header(self.kid);
        let credentials = [self.member, self.owner];
        Ext::new(exchange.gid(self.mode), exchange.number(), exchange.carrier(), &option, credentials)
    }

    /// Seals in place: `rest` holds the plaintext and room for the tag. It is zeroed where that fails. Once for each request: the
    /// nonce is the request's.
    pub fn seal<B: Backend>(&self, engine: B::Engine, rest: &mut [u8]) -> Result<(), Error> {
        let result = self.ext().and_then(|ext| {
            let (data, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Capacity)?;
            if data.is_empty() {
                return Err(Error::Argument);
            }
            let nonce = nonce(self.iv, self.exchange.number());
            ext.with_aad(|aad| ccm::seal::<B>(engine, self.key, &nonce, aad, data, tag))
        });
        result.inspect_err(|_| rest.zeroize())
    }

    /// Opens in place. `data` is zeroed where that fails.
    pub fn open<B: Backend>(
        &self,
        engine: B::Engine,
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        let result = self.ext().and_then(|ext| {
            let nonce = nonce(self.iv, self.exchange.number());
            ext.with_aad(|aad| ccm::open::<B>(engine, self.key, &nonce, aad, data, tag))
        });
        result.inspect_err(|_| data.zeroize())
    }
}
