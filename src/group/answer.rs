//! Sealing and opening answers (docs/group.md, "An answer"): each member has a key for them that the owner shares.

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

/// What is done with a nonce and additional data.
type Work<'a> = dyn FnMut(&[u8; NONCE_LEN], &[&[u8]]) -> Result<(), Error> + 'a;

impl Answer<'_> {
    /// Has `work` done with the nonce and the additional data.
    fn with(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let mut ext = Ext::EMPTY;
        let form = self.exchange.form(self.mode);
        ext.build(&form, self.exchange.carrier(), Some(self.kid), [self.member, self.owner])?;
        ext.with_aad(|aad| work(&nonce(self.iv, form.number), aad))
    }

    /// Seals in place: `rest` holds the plaintext and room for the tag. It is zeroed where that fails. Once for each request: the
    /// nonce is the request's.
    pub fn seal<B: Backend>(&self, engine: B::Engine, rest: &mut [u8]) -> Result<(), Error> {
        let result = self.with(&mut |nonce, aad| {
            let (data, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Capacity)?;
            if data.is_empty() {
                return Err(Error::Argument);
            }
            ccm::seal::<B>(engine, self.key, nonce, aad, data, tag)
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
        let result = self.with(&mut |nonce, aad| ccm::open::<B>(engine, self.key, nonce, aad, data, tag));
        result.inspect_err(|_| data.zeroize())
    }
}
