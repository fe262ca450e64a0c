//! The five messages of membership (group section 7): bytes to fields and back. They travel inside sessions alone, a
//! NOTICE also in the group.

use super::{Address, GroupMessage, KID_MAX, SLOTS_MAX, flag};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SEQUENCE_MAX};
use crate::wire::Reader;

/// What each begins with.
mod kind {
    pub const ASK: u8 = 0x20;
    pub const JOIN: u8 = 0x21;
    pub const SYNC: u8 = 0x22;
    pub const NOTICE: u8 = 0x23;
    pub const LEAVE: u8 = 0x24;
}

/// A message, its fields borrowed from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parsed<'a> {
    /// A member's question.
    Ask(Ask),
    /// The keys of an epoch.
    Join(Join<'a>),
    /// The member holds this epoch; what it may take from now on.
    Sync {
        /// The group.
        group: u16,
        /// The epoch.
        epoch: u32,
        /// The lowest number that the sender has not used.
        floor: u64,
    },
    /// There is a new epoch.
    Notice {
        /// The group.
        group: u16,
        /// The epoch.
        epoch: u32,
    },
    /// A member leaves, or is none.
    Leave {
        /// The group; 0 in the answer to an ASK for 0.
        group: u16,
    },
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

/// Parses any of them: [`Error::Malformed`] for anything that section 7 does not allow, but for points that are on no curve
/// and secrets out of range.
pub(crate) fn parse(message: &[u8]) -> Result<Parsed<'_>, Error> {
    let mut r = Reader::new(message);
    let parsed = match r.byte()? {
        kind::ASK => {
            let ask = Ask { group: u16_of(&mut r)?, epoch: u32_of(&mut r)? };
            if r.byte()? != 0 {
                return Err(Error::Malformed);
            }
            Parsed::Ask(ask)
        }
        kind::JOIN => Parsed::Join(join(&mut r)?),
        kind::SYNC => Parsed::Sync {
            group: some(u16_of(&mut r)?)?,
            epoch: some(u32_of(&mut r)?)?,
            floor: u40_of(&mut r)?,
        },
        kind::NOTICE => Parsed::Notice { group: some(u16_of(&mut r)?)?, epoch: some(u32_of(&mut r)?)? },
        kind::LEAVE => Parsed::Leave { group: u16_of(&mut r)? },
        _ => return Err(Error::Malformed),
    };
    r.end(parsed)
}

/// Parses an ASK, and nothing else.
pub(crate) fn parse_ask(message: &[u8]) -> Result<Ask, Error> {
    match parse(message)? {
        Parsed::Ask(ask) => Ok(ask),
        _ => Err(Error::Malformed),
    }
}

fn join<'a>(r: &mut Reader<'a>) -> Result<Join<'a>, Error> {
    let flags = r.byte()?;
    check_flags(flags)?;
    let has = |bits| flags & bits != 0;
    let (group, epoch, floor) = (some(u16_of(r)?)?, some(u32_of(r)?)?, u40_of(r)?);
    let (ms, owner) = (r.array()?, r.array()?);
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
    let port = if address.is_empty() { 0 } else { u16_of(r)? };
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

fn u16_of(r: &mut Reader<'_>) -> Result<u16, Error> {
    r.array().map(|bytes| u16::from_be_bytes(*bytes))
}

fn u32_of(r: &mut Reader<'_>) -> Result<u32, Error> {
    r.array().map(|bytes| u32::from_be_bytes(*bytes))
}

fn u40_of(r: &mut Reader<'_>) -> Result<u64, Error> {
    let [a, b, c, d, e] = *r.array()?;
    Ok(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
}

/// Group and epoch are not 0 where one is meant.
fn some<T: Default + PartialEq>(value: T) -> Result<T, Error> {
    if value == T::default() { Err(Error::Malformed) } else { Ok(value) }
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
    fn begin(&mut self, kind: u8, group: u16);

    /// An ASK.
    fn put_ask(&mut self, ask: &Ask) {
        self.begin(kind::ASK, ask.group);
        self.put(&ask.epoch.to_be_bytes());
        self.put(&[0]);
    }

    /// A SYNC.
    fn put_sync(&mut self, group: u16, epoch: u32, floor: u64) {
        self.begin(kind::SYNC, group);
        self.put(&epoch.to_be_bytes());
        self.put_number(floor);
    }

    /// A NOTICE.
    fn put_notice(&mut self, group: u16, epoch: u32) {
        self.begin(kind::NOTICE, group);
        self.put(&epoch.to_be_bytes());
    }

    /// A LEAVE.
    fn put_leave(&mut self, group: u16) {
        self.begin(kind::LEAVE, group);
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

    fn begin(&mut self, kind: u8, group: u16) {
        self.clear();
        self.put(&[kind]);
        self.put(&group.to_be_bytes());
    }

    fn begin_join(&mut self, flags: u8, group: u16, epoch: u32, floor: u64) {
        self.clear();
        self.put(&[kind::JOIN, flags]);
        self.put(&group.to_be_bytes());
        self.put(&epoch.to_be_bytes());
        self.put_number(floor);
    }
}
