//! The owner's side of a group: its keys and epochs, who is a member (group section 7), rekeying (section 8).

use super::form::Gid;
use super::keys::{ModeKeys, answer_key, group_prk, member_secret, owner_secret, tag_key};
use super::message::{Emit, Kind, Short, check_flags, highest_kid, parse, parse_ask};
use super::numbers::Numbers;
use super::place::{Place, find, find_free, kid_of};
use super::{Address, GroupMessage, Mode, SLOTS_MAX, flag};
use crate::bytes::Bytes;
use crate::crypto::{Backend, KEY_LEN, Point, Prk, Software, sha256};
use crate::entropy::Hedge;
use crate::error::Error;
use crate::limits::SEQUENCE_MAX;
use crate::platform::Platform;
use crate::wire::DeviceId;
use zeroize::{Zeroize, Zeroizing};

/// Marks a group that was created; zeroed memory is none.
const LIVE: u32 = 0x4c53_474f;

/// What a group is.
#[derive(Clone, Copy)]
pub struct GroupConfig {
    /// Its number, not 0: never one whose state was lost.
    pub number: u16,
    /// See [`flag`]: one mode or both, answers, timed.
    pub flags: u8,
    /// With [`Mode::Tagged`]: how many members there may be, 1 to [`SLOTS_MAX`]. Without it 0.
    pub slots: u8,
    /// Where requests are sent to, for members to know.
    pub address: Address,
}

/// Writes a member's place to storage by its kid, in place of an older one; `None` deletes it. Returns once that will survive.
pub type SavePlace<'a> = &'a mut dyn FnMut(u8, Option<&[u8]>) -> Result<(), Error>;

/// What surrounds a call.
pub struct Env<'a, P: Platform + ?Sized> {
    /// Randomness.
    pub platform: &'a mut P,
    /// The group's places: always the same ones. None where members have no kid.
    pub places: &'a mut [Place],
    /// A monotonic clock, in ms.
    pub now_ms: u64,
    /// None: places are not stored.
    pub save: Option<SavePlace<'a>>,
}

/// A group as its owner has it. Secrets are wiped when it is dropped; moving one leaves copies of them behind.
pub struct Group<B: Backend = Software> {
    live: u32,
    pub(super) epoch: u32,
    pub(super) config: GroupConfig,
    pub(super) gos: [u8; 32],
    pub(super) ms: [u8; 32],
    pub(super) vs: [u8; 32],
    pub(super) owner: Point,
    pub(super) keys: [ModeKeys; 2],
    pub(super) numbers: Numbers,
    /// How many secrets it has drawn.
    pub(super) draws: u64,
    /// Nobody has been given anything of the epoch.
    pub(super) is_fresh: bool,
    #[cfg(feature = "group-delegate")]
    pub(super) delegate: super::delegate::Named,
    pub(super) engine: B::Engine,
}

/// Which group an ASK is for; 0: any.
pub fn group_of_ask(ask: &[u8]) -> Result<u16, Error> {
    parse_ask(ask).map(|ask| ask.group)
}

/// Writes what a device is answered that is not let in, with the group that it asked for; also a member's request to leave.
pub fn write_leave(number: u16, out: &mut GroupMessage) {
    out.put_leave(number);
}

impl<B: Backend> Default for Group<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Backend> Group<B> {
    /// A group that is none: every use of it is [`Error::Uninitialised`].
    pub fn new() -> Self {
        Self {
            live: 0,
            epoch: 0,
            config: GroupConfig {
                number: 0,
                flags: 0,
                slots: 0,
                address: Address { bytes: Bytes::EMPTY, port: 0 },
            },
            gos: [0; 32],
            ms: [0; 32],
            vs: [0; 32],
            owner: Point::EMPTY,
            keys: [const { ModeKeys::EMPTY }; 2],
            numbers: Numbers::default(),
            draws: 0,
            is_fresh: false,
            #[cfg(feature = "group-delegate")]
            delegate: super::delegate::Named::NOBODY,
            engine: B::Engine::default(),
        }
    }

    /// Becomes a group in its first epoch, over whatever it was, with fresh keys and free places.
    ///
    /// # Errors
    /// [`Error::Argument`]: the configuration is none. [`Error::Random`]: nothing has changed.
    pub fn create<P: Platform + ?Sized>(
        &mut self,
        engine: B::Engine,
        env: &mut Env<'_, P>,
        config: &GroupConfig,
    ) -> Result<(), Error> {
        check_config(config)?;
        let mut gos = Zeroizing::new([0; 32]);
        let (draws, platform) = (&mut self.draws, &mut *env.platform);
        Self::draw(draws, platform, &self.gos, config.number, 0, &mut gos)?;
        let (mut ms, mut vs) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        Self::draw(draws, platform, &gos, config.number, 1, &mut ms)?;
        Self::draw(draws, platform, &gos, config.number, 1, &mut vs)?;
        self.load(engine, config, 1, &gos, &ms, &vs)?;
        env.places.iter_mut().for_each(|place| *place = Place::default());
        self.numbers.begin(0, config.flags & flag::TIMED != 0, env.now_ms);
        Ok(())
    }

    /// Takes on secrets, and derives what follows from them.
    pub(super) fn load(
        &mut self,
        engine: B::Engine,
        config: &GroupConfig,
        epoch: u32,
        gos: &[u8; 32],
        ms: &[u8; 32],
        vs: &[u8; 32],
    ) -> Result<(), Error> {
        let mut secret = Zeroizing::new([0; 32]);
        owner_secret::<B>(gos, config.number, &mut secret);
        let mut owner = Point::EMPTY;
        B::public_key(&secret, &mut owner)?;
        self.wipe();
        (self.gos, self.owner) = (*gos, owner);
        (self.engine, self.config) = (engine, *config);
        #[cfg(feature = "group-delegate")]
        {
            self.delegate = super::delegate::Named::NOBODY;
        }
        self.begin_epoch(epoch, ms, vs);
        self.live = LIVE;
        Ok(())
    }

    pub(super) fn begin_epoch(&mut self, epoch: u32, ms: &[u8; 32], vs: &[u8; 32]) {
        (self.epoch, self.ms, self.vs, self.is_fresh) = (epoch, *ms, *vs, true);
        let (number, flags, keys) = (self.config.number, self.config.flags, &mut self.keys);
        let mut prk = Zeroizing::new([0; 32]);
        group_prk::<B>(ms, &mut prk);
        Prk::<B>::with(&prk, |prk| {
            for mode in Mode::ALL.into_iter().filter(|mode| flags & mode.number() != 0) {
                mode.of_mut(keys).derive(prk, Gid::new(number, mode, epoch));
            }
        });
    }

    /// A secret, hedged (protocol section 1) by another one.
    pub(super) fn draw<P: Platform + ?Sized>(
        draws: &mut u64,
        platform: &mut P,
        identity: &[u8; 32],
        number: u16,
        epoch: u32,
        out: &mut [u8; 32],
    ) -> Result<(), Error> {
        let context = sha256::<B>(&[b"group", &number.to_be_bytes(), &epoch.to_be_bytes()]);
        let mut hedge = Hedge { platform, identity, counter: draws, context: &context };
        hedge.fill::<B>(out)
    }

    /// Wipes every secret. Later use is [`Error::Uninitialised`].
    pub fn wipe(&mut self) {
        self.live = 0;
        self.gos.zeroize();
        self.ms.zeroize();
        self.vs.zeroize();
        self.keys.zeroize();
    }

    pub(crate) fn check_live(&self) -> Result<(), Error> {
        if self.live == LIVE { Ok(()) } else { Err(Error::Uninitialised) }
    }

    /// The group's number; 0: not created.
    pub fn number(&self) -> u16 {
        if self.live == LIVE { self.config.number } else { 0 }
    }

    /// The epoch; 0: not created.
    pub fn epoch(&self) -> u32 {
        if self.live == LIVE { self.epoch } else { 0 }
    }

    /// See [`flag`].
    pub fn flags(&self) -> u8 {
        self.config.flags
    }

    /// The places that there are kids for.
    pub(super) fn usable<'a>(&self, places: &'a mut [Place]) -> &'a mut [Place] {
        let len = usize::from(highest_kid(self.config.flags, self.config.slots)).min(places.len());
        places.split_at_mut(len).0
    }

    pub(super) fn has(&self, flags: u8) -> bool {
        self.config.flags & flags != 0
    }

    /// Whether members have kids.
    pub(super) fn has_kids(&self) -> bool {
        self.has(flag::TAGGED | flag::ANSWERS)
    }

    /// Answers an ASK of a device that the caller allows into the group, with a JOIN, or a SYNC if it needs no more. The ASK is a request that
    /// opened in the session of this device, and `out` is sealed as the response to it.
    ///
    /// # Errors
    /// [`Error::Malformed`]: no ASK, answer 4.00. [`Error::UnknownSession`]: for another group. [`Error::Full`] (there is no free place) and [`Error::Budget`]
    /// (the device was given a JOIN less than 10 s ago): answer 5.03 with Max-Age 10. [`Error::Storage`]: the place could not be saved.
    /// [`Error::Unstored`]: store the group, then call again: there is a new epoch, or the clock of a timed group has gone past the reserved
    /// numbers.
    pub fn answer_ask<P: Platform + ?Sized>(
        &mut self,
        env: &mut Env<'_, P>,
        device_id: &[u8],
        ask: &[u8],
        out: &mut GroupMessage,
    ) -> Result<(), Error> {
        self.check_live()?;
        let ask = parse_ask(ask)?;
        if ask.group != 0 && ask.group != self.config.number {
            return Err(Error::UnknownSession);
        }
        let device_id = check_device_id(device_id)?;
        let holds = ask.group != 0 && ask.epoch == self.epoch;
        #[cfg(feature = "group-delegate")]
        if self.delegate.is(&device_id) {
            return self.answer_delegate(env, holds, out);
        }
        let floor = self.floor(env.now_ms)?;
        self.is_fresh = false;
        if !self.has_kids() {
            if holds {
                out.put_sync(self.config.number, self.epoch, floor);
            } else {
                self.begin_join(self.join_flags(), floor, out);
                self.end_join(out);
            }
            return Ok(());
        }
        let places = self.usable(env.places);
        let found = find(places, &device_id);
        if holds && found.is_some() {
            out.put_sync(self.config.number, self.epoch, floor);
            return Ok(());
        }
        let at = found.or_else(|| find_free(places)).ok_or(Error::Full)?;
        let place = places.get_mut(at).ok_or(Error::Full)?;
        let kid = kid_of(at);
        if found.is_none() {
            if let Some(save) = &mut env.save {
                save(kid, Some(&device_id))?;
            }
            place.give(&device_id);
        }
        place.check_pause(env.now_ms)?;
        let joined = self.join_at(place, kid, floor, out);
        if joined.is_err() {
            out.zeroize();
        }
        joined?;
        place.join(env.now_ms);
        Ok(())
    }

    /// What a member takes from now on.
    fn floor(&mut self, now_ms: u64) -> Result<u64, Error> {
        #[cfg(feature = "group-delegate")]
        if self.delegate.is_named() {
            let floor = self.numbers.floor(now_ms)?.saturating_add(super::delegate::AHEAD);
            return if floor > SEQUENCE_MAX { Err(Error::Exhausted) } else { Ok(floor) };
        }
        self.numbers.floor(now_ms)
    }

    pub(super) fn join_flags(&self) -> u8 {
        #[cfg(feature = "group-delegate")]
        if self.delegate.is_named() {
            return self.config.flags | flag::DELEGATED;
        }
        self.config.flags
    }

    /// A JOIN, up to slots.
    pub(super) fn begin_join(&self, flags: u8, floor: u64, out: &mut GroupMessage) {
        out.begin_join(flags, self.config.number, self.epoch, floor);
        out.put(&self.ms);
        out.put(&self.owner.compressed());
        if self.has(flag::TAGGED) {
            out.put(&[self.config.slots]);
        }
    }

    /// A member's JOIN, from the delegate's key on.
    fn end_join(&self, out: &mut GroupMessage) {
        #[cfg(feature = "group-delegate")]
        if self.delegate.is_named() {
            out.put(&self.delegate.sender.compressed());
        }
        out.put_address(&self.config.address);
    }

    /// The JOIN of a member with a kid.
    fn join_at(&self, place: &mut Place, kid: u8, floor: u64, out: &mut GroupMessage) -> Result<(), Error> {
        self.begin_join(self.join_flags(), floor, out);
        out.put(&[kid]);
        if self.has(flag::ANSWERS) {
            let mut ss = Zeroizing::new([0; 32]);
            self.member_keys(place, kid, &mut ss)?;
            out.put(&place.member.compressed());
            out.put(&*ss);
        }
        if self.has(flag::TAGGED) {
            let mut key = Zeroizing::new([0; KEY_LEN]);
            Prk::<B>::with(&self.vs, |vs| tag_key(vs, kid, &mut key));
            out.put(&*key);
        }
        self.end_join(out);
        Ok(())
    }

    /// The keys of a member's answers in this epoch, and the secret that they come from.
    pub(super) fn member_keys(&self, place: &mut Place, kid: u8, ss: &mut [u8; 32]) -> Result<(), Error> {
        let number = self.config.number;
        let device_id = place.device_id().ok_or(Error::State)?;
        let mut secret = Zeroizing::new([0; 32]);
        member_secret::<B>(&self.gos, number, self.epoch, device_id, &mut secret);
        B::public_key(&secret, &mut place.member)?;
        let mut base = B::Base::default();
        B::prepare(&self.owner, &mut base)?;
        B::diffie_hellman(&secret, &base, ss)?;
        let mut prk = Zeroizing::new([0; 32]);
        group_prk::<B>(&self.ms, &mut prk);
        let (member, keys) = (&place.member, &mut place.answer_keys);
        let mut derived = Ok(());
        Prk::<B>::with(&prk, |prk| {
            for mode in Mode::ALL.into_iter().filter(|mode| self.has(mode.number())) {
                let gid = Gid::new(number, mode, self.epoch);
                derived = derived.and(answer_key(prk, gid, kid, member, &self.owner, ss, mode.of_mut(keys)));
            }
        });
        derived?;
        place.epoch = self.epoch;
        Ok(())
    }

    /// Begins a new epoch: nothing of it follows from the old one, in which nothing is sealed or opened any more. `without` loses its place. A group
    /// that is stored is to be stored now: before that the epoch is neither used nor given out ([`Error::Unstored`]). `notice` is what its
    /// members are then told in their sessions; in the group they are told before, by [`Group::write_notice`].
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Exhausted`]: there are no more epochs. Nothing has changed.
    pub fn rekey<P: Platform + ?Sized>(
        &mut self,
        env: &mut Env<'_, P>,
        without: Option<&[u8]>,
        notice: &mut GroupMessage,
    ) -> Result<(), Error> {
        self.check_live()?;
        self.next_epoch(env.platform)?;
        let places = self.usable(env.places);
        let left = without.and_then(|id| find(places, id)).and_then(|at| places.get_mut(at));
        left.into_iter().for_each(Place::leave);
        notice.put_notice(self.config.number, self.epoch);
        Ok(())
    }

    pub(super) fn next_epoch<P: Platform + ?Sized>(&mut self, platform: &mut P) -> Result<(), Error> {
        let epoch = self.epoch.checked_add(1).ok_or(Error::Exhausted)?;
        let (mut ms, mut vs) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        let (draws, number) = (&mut self.draws, self.config.number);
        Self::draw(draws, platform, &self.gos, number, epoch, &mut ms)?;
        Self::draw(draws, platform, &self.gos, number, epoch, &mut vs)?;
        #[cfg(feature = "group-delegate")]
        self.name_in(epoch)?;
        self.begin_epoch(epoch, &ms, &vs);
        self.numbers.suspend();
        Ok(())
    }

    /// Writes the NOTICE of an epoch: for one in the group the next one, sealed as the last request of this one.
    pub fn write_notice(&self, epoch: u32, out: &mut GroupMessage) -> Result<(), Error> {
        self.check_live()?;
        out.put_notice(self.config.number, epoch);
        Ok(())
    }

    /// Takes a member's LEAVE, which opened in the session of this device, and begins a new epoch without it as [`Group::rekey`] does.
    ///
    /// # Errors
    /// [`Error::Malformed`]: no LEAVE. [`Error::UnknownSession`]: of another group, or the device has no place: there is nothing to do. Those of
    /// [`Group::rekey`].
    pub fn take_leave<P: Platform + ?Sized>(
        &mut self,
        env: &mut Env<'_, P>,
        device_id: &[u8],
        input: &[u8],
        notice: &mut GroupMessage,
    ) -> Result<(), Error> {
        self.check_live()?;
        let Short { kind: Kind::Leave, group, .. } = parse(input)? else { return Err(Error::Malformed) };
        let has_place = !self.has_kids() || find(self.usable(env.places), device_id).is_some();
        if group != self.config.number || !has_place {
            return Err(Error::UnknownSession);
        }
        self.rekey(env, Some(device_id), notice)
    }
}

impl<B: Backend> Drop for Group<B> {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A group that can be. That a device sends in the owner's place is said later.
pub(super) fn check_config(config: &GroupConfig) -> Result<(), Error> {
    let &GroupConfig { number, flags, slots, address } = config;
    let slots_max = if flags & flag::TAGGED != 0 { SLOTS_MAX } else { 0 };
    let is_possible = number != 0
        && flags & (flag::DELEGATED | flag::DELEGATE) == 0
        && check_flags(flags).is_ok()
        && (slots_max.min(1)..=slots_max).contains(&slots)
        && matches!(address.bytes.len(), 0 | 4 | 16);
    if is_possible { Ok(()) } else { Err(Error::Argument) }
}

/// Of 1 to 32 bytes.
pub(super) fn check_device_id(device_id: &[u8]) -> Result<DeviceId, Error> {
    if device_id.is_empty() {
        return Err(Error::Argument);
    }
    DeviceId::copy_of(device_id, Error::Argument)
}
