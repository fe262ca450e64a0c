//! The five messages of membership (group section 7): bytes to fields and back. They travel inside sessions alone, a
//! NOTICE also in the group.

use super::{Address, GroupMessage, KID_MAX, SLOTS_MAX, flag};
use crate::bytes::copy;
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SEQUENCE_MAX};
use crate::wire::Reader;

/// The first byte of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A member's question.
    Ask = 0x20,
    /// The keys of an epoch.
    Join = 0x21,
    /// The member holds this epoch; what it may take from now on.
    Sync = 0x22,
    /// There is a new epoch.
    Notice = 0x23,
    /// A member leaves, or is none.
    Leave = 0x24,
}

/// A message, but for a JOIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Short {
    /// Which.
    pub kind: Kind,
    /// The group; not 0 but in an ASK, or a LEAVE that answers one.
    pub group: u16,
    /// Not of a LEAVE. The epoch; 0 in an ASK: none is held.
    pub epoch: u32,
    /// Of a SYNC: the lowest number that the sender has not used.
    pub floor: u64,
}

/// What a device asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Ask {
    /// The group; 0: whichever the owner has for it.
    pub group: u16,
    /// The epoch that it holds; 0: none.
    pub epoch: u32,
}

/// What makes a device a member in an epoch, or the delegate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Join<'a> {
    /// See [`flag`].
    pub flags: u8,
    /// The group.
    pub group: u16,
    /// The epoch.
    pub epoch: u32,
    /// The lowest number that the sender has not used.
    pub floor: u64,
    /// The group's key.
    pub ms: &'a [u8; 32],
    /// The owner's key, compressed; whether it is on the curve is not looked at here.
    pub owner: &'a [u8; PUBLIC_KEY_LEN],
    /// The slots of `TAGGED`; 0 without.
    pub slots: u8,
    /// The member's name in the group; 0 where it has none.
    pub kid: u8,
    /// With answers: the member's public key and the secret that it shares with the owner.
    pub answers: Option<(&'a [u8; PUBLIC_KEY_LEN], &'a [u8; 32])>,
    /// With `TAGGED`: the key of the member's tags.
    pub vk: Option<&'a [u8; 16]>,
    /// Who sends.
    #[cfg(feature = "group-delegate")]
    pub delegated: Delegated<'a>,
    /// The multicast address, of 4 or 16 bytes; empty if there is none.
    pub address: &'a [u8],
    /// Its port; 0 without an address.
    pub port: u16,
}

/// What a JOIN says about a delegate.
#[cfg(feature = "group-delegate")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Delegated<'a> {
    /// The owner sends itself.
    No,
    /// A member gets the delegate's key, compressed.
    Member(&'a [u8; PUBLIC_KEY_LEN]),
    /// The delegate gets its secrets.
    Delegate {
        /// Its secret key.
        secret: &'a [u8; 32],
        /// With `TAGGED`: what the keys of all tags come from.
        vs: Option<&'a [u8; 32]>,
    },
}

/// Whether a group can be so.
pub(crate) fn check_flags(flags: u8) -> Result<(), Error> {
    const PLAIN: u8 = flag::SIGNED | flag::TAGGED | flag::ANSWERS | flag::TIMED;
    const KNOWN: u8 =
        if cfg!(feature = "group-delegate") { PLAIN | flag::DELEGATED | flag::DELEGATE } else { PLAIN };
    let has = |bits| flags & bits != 0;
    let is_possible = flags & !KNOWN == 0
        && has(flag::SIGNED | flag::TAGGED)
        && (!has(flag::DELEGATED) || has(flag::TIMED) && !has(flag::ANSWERS))
        && (!has(flag::DELEGATE) || has(flag::DELEGATED));
    if is_possible { Ok(()) } else { Err(Error::Malformed) }
}

/// The highest kid of a group.
pub(crate) fn highest_kid(flags: u8, slots: u8) -> u8 {
    if flags & flag::TAGGED != 0 { slots } else { KID_MAX }
}

/// Parses a message that is no JOIN: [`Error::Malformed`] for anything that section 7 does not allow.
pub(crate) fn parse(message: &[u8]) -> Result<Short, Error> {
    let (kind, len) = match message {
        [0x20, ..] => (Kind::Ask, 8),
        [0x22, ..] => (Kind::Sync, 12),
        [0x23, ..] => (Kind::Notice, 7),
        [0x24, ..] => (Kind::Leave, 3),
        _ => return Err(Error::Malformed),
    };
    let mut bytes = [0; 12];
    copy(&mut bytes, message);
    let [_, g1, g0, e3, e2, e1, e0, f4, f3, f2, f1, f0] = bytes;
    let (group, epoch) = (u16::from_be_bytes([g1, g0]), u32::from_be_bytes([e3, e2, e1, e0]));
    let floor = u64::from_be_bytes([0, 0, 0, f4, f3, f2, f1, f0]);
    let is_possible = match kind {
        Kind::Ask => floor == 0, // its last byte
        Kind::Leave => true,
        _ => group != 0 && epoch != 0,
    };
    if message.len() == len && is_possible {
        Ok(Short { kind, group, epoch, floor })
    } else {
        Err(Error::Malformed)
    }
}

/// Parses an ASK, and nothing else.
pub(crate) fn parse_ask(message: &[u8]) -> Result<Ask, Error> {
    match parse(message)? {
        Short { kind: Kind::Ask, group, epoch, .. } => Ok(Ask { group, epoch }),
        _ => Err(Error::Malformed),
    }
}

/// Whether it begins as a JOIN does.
pub(crate) fn is_join(message: &[u8]) -> bool {
    message.first() == Some(&(Kind::Join as u8))
}

/// Parses a JOIN: [`Error::Malformed`] for anything that section 7 does not allow, but for points that are on no curve and secrets
/// out of range.
pub(crate) fn parse_join(message: &[u8]) -> Result<Join<'_>, Error> {
    let (head, rest) = message.split_first_chunk::<78>().ok_or(Error::Malformed)?;
    let &[kind, flags, g1, g0, e3, e2, e1, e0, f4, f3, f2, f1, f0, ref keys @ ..] = head;
    let (group, epoch) = (u16::from_be_bytes([g1, g0]), u32::from_be_bytes([e3, e2, e1, e0]));
    let floor = u64::from_be_bytes([0, 0, 0, f4, f3, f2, f1, f0]);
    if kind != Kind::Join as u8 || group == 0 || epoch == 0 {
        return Err(Error::Malformed);
    }
    check_flags(flags)?;
    let has = |bits| flags & bits != 0;
    let (ms, owner) =
        (keys.first_chunk().ok_or(Error::Malformed)?, keys.last_chunk().ok_or(Error::Malformed)?);
    let r = &mut Reader::new(rest);
    let slots = if has(flag::TAGGED) { r.byte()? } else { 0 };
    if has(flag::TAGGED) && !(1..=SLOTS_MAX).contains(&slots) {
        return Err(Error::Malformed);
    }
    let is_member = !has(flag::DELEGATE);
    let has_kid = is_member && has(flag::TAGGED | flag::ANSWERS);
    let kid = if has_kid { r.byte()? } else { 0 };
    if has_kid && !(1..=highest_kid(flags, slots)).contains(&kid) {
        return Err(Error::Malformed);
    }
    let answers = if has(flag::ANSWERS) { Some((r.array()?, r.array()?)) } else { None };
    let vk = if is_member && has(flag::TAGGED) { Some(r.array()?) } else { None };
    #[cfg(feature = "group-delegate")]
    let delegated = delegated(flags, r)?;
    let address_len = r.byte()?;
    if !matches!(address_len, 0 | 4 | 16) {
        return Err(Error::Malformed);
    }
    let address = r.take(address_len.into())?;
    let port = if address.is_empty() { 0 } else { u16::from_be_bytes(*r.array()?) };
    if !r.is_empty() {
        return Err(Error::Malformed);
    }
    Ok(Join {
        flags,
        group,
        epoch,
        floor,
        ms,
        owner,
        slots,
        kid,
        answers,
        vk,
        #[cfg(feature = "group-delegate")]
        delegated,
        address,
        port,
    })
}

#[cfg(feature = "group-delegate")]
fn delegated<'a>(flags: u8, r: &mut Reader<'a>) -> Result<Delegated<'a>, Error> {
    Ok(match (flags & flag::DELEGATED != 0, flags & flag::DELEGATE != 0) {
        (false, _) => Delegated::No,
        (true, false) => Delegated::Member(r.array()?),
        (true, true) => {
            let secret = r.array()?;
            Delegated::Delegate {
                secret,
                vs: if flags & flag::TAGGED != 0 { Some(r.array()?) } else { None },
            }
        }
    })
}

/// Messages, written. A [`GroupMessage`] has room for the longest, so that writing cannot fail.
pub(crate) trait Emit {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);

    /// Appends a number of 5 bytes.
    fn put_number(&mut self, number: u64) {
        debug_assert!(number <= SEQUENCE_MAX, "no number");
        let [_, _, _, bytes @ ..] = number.to_be_bytes();
        self.put(&bytes);
    }

    /// What a message begins with, over whatever was there.
    fn begin(&mut self, kind: Kind, group: u16);

    /// An ASK.
    fn put_ask(&mut self, ask: &Ask) {
        self.begin(Kind::Ask, ask.group);
        self.put(&ask.epoch.to_be_bytes());
        self.put(&[0]);
    }

    /// A SYNC.
    fn put_sync(&mut self, group: u16, epoch: u32, floor: u64) {
        self.begin(Kind::Sync, group);
        self.put(&epoch.to_be_bytes());
        self.put_number(floor);
    }

    /// A NOTICE.
    fn put_notice(&mut self, group: u16, epoch: u32) {
        self.begin(Kind::Notice, group);
        self.put(&epoch.to_be_bytes());
    }

    /// A LEAVE.
    fn put_leave(&mut self, group: u16) {
        self.begin(Kind::Leave, group);
    }

    /// A JOIN, as far as it is the same for everybody.
    fn begin_join(&mut self, flags: u8, group: u16, epoch: u32, floor: u64);

    /// Its end: where requests are sent to.
    fn put_address(&mut self, address: &Address) {
        self.put(&[u8::try_from(address.bytes.len()).unwrap_or(0)]);
        self.put(&address.bytes);
        if !address.bytes.is_empty() {
            self.put(&address.port.to_be_bytes());
        }
    }
}

impl Emit for GroupMessage {
    fn put(&mut self, bytes: &[u8]) {
        let result = self.extend_from_slice(bytes);
        debug_assert!(result.is_ok(), "longer than any message");
    }

    fn begin(&mut self, kind: Kind, group: u16) {
        self.clear();
        self.put(&[kind as u8]);
        self.put(&group.to_be_bytes());
    }

    fn begin_join(&mut self, flags: u8, group: u16, epoch: u32, floor: u64) {
        self.clear();
        self.put(&[Kind::Join as u8, flags]);
        self.put(&group.to_be_bytes());
        self.put(&epoch.to_be_bytes());
        self.put_number(floor);
    }
}
