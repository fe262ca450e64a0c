//! Handshake messages, parsed (protocol section 3).

use super::Type;
use crate::error::{Alert, Error};
use crate::limits::{CID_MAX, COOKIE_LEN, DEVICE_ID_MAX, SIGNATURE_LEN, TAG_LEN, X_LEN};

const SEALED_SIGNATURE_LEN: usize = SIGNATURE_LEN + TAG_LEN;

/// A handshake message, its fields borrowed from the datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the fields have the names of protocol section 3
pub enum Parsed<'a> {
    M1 { cid_c: &'a [u8], device_id: &'a [u8], x: &'a [u8; X_LEN] },
    M2 { cid_s: &'a [u8], x: &'a [u8; X_LEN] },
    M3 { aad: &'a [u8], cid_s: &'a [u8], c3: &'a [u8; SEALED_SIGNATURE_LEN] },
    M4 { c4: &'a [u8; SEALED_SIGNATURE_LEN] },
    X1 { x: &'a [u8; X_LEN], c1: &'a [u8] },
    X2 { x: &'a [u8; X_LEN], c2: &'a [u8] },
    R1 { aad: &'a [u8], cid_s: &'a [u8], n_c: &'a [u8; 8], t1: &'a [u8; TAG_LEN] },
    R2 { n_s: &'a [u8; 8], c_r: &'a [u8] },
    Retry { cookie: &'a [u8; COOKIE_LEN] },
    Retried { cookie: &'a [u8; COOKIE_LEN], inner: &'a [u8] },
    Alert(Alert),
}

/// The plaintext of C1: the client's names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientNames<'a> {
    /// The client's connection id.
    pub cid_c: &'a [u8],
    /// The device id.
    pub device_id: &'a [u8],
}

/// Takes fields off the front of a message.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Of a whole message.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Error::Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Error::Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| *byte)
    }

    /// `L` with a connection id's length alone, then a server's id, which is never empty.
    fn server_cid(&mut self) -> Result<&'a [u8], Error> {
        let l = self.byte()?;
        if l & 0x1f != 0 || l >> 5 == 0 {
            return Err(Error::Malformed);
        }
        self.take(usize::from(l >> 5))
    }

    /// `L || cid_C || device id`, as in M1 and in the plaintext of C1.
    fn client_names(&mut self) -> Result<ClientNames<'a>, Error> {
        let l = self.byte()?;
        let cid_c = self.take(usize::from(l >> 5))?;
        let device_id = self.take(usize::from(l & 0x1f).saturating_add(1))?;
        Ok(ClientNames { cid_c, device_id })
    }

    fn rest(&mut self, len: core::ops::RangeInclusive<usize>) -> Result<&'a [u8], Error> {
        if !len.contains(&self.0.len()) {
            return Err(Error::Malformed);
        }
        self.take(self.0.len())
    }

    /// Whether nothing is left.
    #[cfg(feature = "group")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn end<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() { Ok(value) } else { Err(Error::Malformed) }
    }
}

/// Parses a handshake message: [`Error::Malformed`] for anything that section 3 does not allow. Whether an
/// x-coordinate is on the curve is not looked at here.
pub fn parse(message: &[u8]) -> Result<Parsed<'_>, Error> {
    let mut r = Reader::new(message);
    r.byte()?;
    let parsed = match Type::of(message).ok_or(Error::Malformed)? {
        Type::M1 => {
            let ClientNames { cid_c, device_id } = r.client_names()?;
            Parsed::M1 { cid_c, device_id, x: r.array()? }
        }
        Type::M2 => Parsed::M2 { cid_s: r.server_cid()?, x: r.array()? },
        Type::M3 => {
            let cid_s = r.server_cid()?;
            let aad = message.get(..cid_s.len().saturating_add(2)).ok_or(Error::Malformed)?;
            Parsed::M3 { aad, cid_s, c3: r.array()? }
        }
        Type::M4 => Parsed::M4 { c4: r.array()? },
        Type::X1 => {
            const LEN: core::ops::RangeInclusive<usize> =
                1 + 1 + TAG_LEN..=1 + CID_MAX + DEVICE_ID_MAX + TAG_LEN;
            Parsed::X1 { x: r.array()?, c1: r.rest(LEN)? }
        }
        Type::X2 => Parsed::X2 { x: r.array()?, c2: r.rest(1 + TAG_LEN..=CID_MAX + TAG_LEN)? },
        Type::R1 => {
            let cid_s = r.server_cid()?;
            let n_c = r.array()?;
            let aad = message.get(..cid_s.len().saturating_add(10)).ok_or(Error::Malformed)?;
            Parsed::R1 { aad, cid_s, n_c, t1: r.array()? }
        }
        Type::R2 => Parsed::R2 { n_s: r.array()?, c_r: r.rest(1 + TAG_LEN..=CID_MAX + TAG_LEN)? },
        Type::Retry => Parsed::Retry { cookie: r.array()? },
        Type::Retried => {
            let cookie = r.array()?;
            let inner = r.take(r.0.len())?;
            if !Type::of(inner).is_some_and(Type::opens) {
                return Err(Error::Malformed);
            }
            parse(inner)?;
            Parsed::Retried { cookie, inner }
        }
        Type::Alert => Parsed::Alert(Alert::from_code(r.byte()?)?),
    };
    r.end(parsed)
}

/// Parses the plaintext of C1, which must be exactly as long as it says.
pub fn parse_client_names(plaintext: &[u8]) -> Result<ClientNames<'_>, Error> {
    let mut r = Reader::new(plaintext);
    let names = r.client_names()?;
    r.end(names)
}
