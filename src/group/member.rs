//! A device's side of a group: what it holds in an epoch (group section 7), and which requests it opens (section 9).

use super::answer::Answer;
use super::asking::Asking;
use super::budget::Budget;
use super::form::{Gid, RequestForm};
use super::keys::{ModeKeys, answer_key, group_prk};
use super::message::{Ask, Emit, Join, Kind, Short, is_join, parse, parse_join};
use super::object::{Opening, Parties, Proof};
use super::{Address, GroupExchange, GroupMessage, MemberStats, Mode, TICK_MS, flag};
use crate::bytes::Bytes;
use crate::crypto::{Backend, KEY_LEN, Point, Prk, Software};
use crate::error::Error;
use crate::session::Carrier;
use zeroize::{Zeroize, Zeroizing};

/// Marks an initialised member; zeroed memory is none.
const LIVE: u32 = 0x4c53_474d;
/// What a failed signature or tag costs, in ms, if nothing else is set.
const VERIFY_MS: u32 = 1_000;
/// A second of age counts as so many numbers.
const NUMBERS_A_SECOND: u64 = 16;

/// What a member is to do. Zeroes mean what the fields say.
#[derive(Clone, Copy, Default)]
pub struct MemberConfig {
    /// The greatest age of requests in timed groups, in seconds; 0: ages are not checked. It bounds how long somebody can hold a
    /// request back.
    pub max_age_s: u32,
    /// One failed signature or tag is paid for by so much time, in ms; 0: 1,000.
    pub verify_ms: u32,
    /// The least time between two ASKs, in ms; 0: 60,000.
    pub ask_ms: u32,
}

/// What a device is in a group.
#[derive(Clone, Copy)]
pub struct Membership {
    /// The group's number.
    pub number: u16,
    /// The epoch that it holds.
    pub epoch: u32,
    /// See [`flag`].
    pub flags: u8,
    /// The slots of tagged requests; 0 without.
    pub slots: u8,
    /// Its name in the group; 0: none.
    pub kid: u8,
    /// Where requests are sent to.
    pub address: Address,
}

/// A member. Keys are wiped when it is dropped; moving one leaves copies of them behind.
pub struct Member<B: Backend = Software> {
    live: u32,
    pub(super) held: Held,
    /// Nothing lower is opened, once there is one.
    floor: u64,
    has_floor: bool,
    /// What the number was, of the sender that was asked for it at
    synced_at: u64,
    /// this time.
    synced_ms: u64,
    now_ms: u64,
    config: MemberConfig,
    asking: Asking,
    budget: Budget,
    stats: MemberStats,
    engine: B::Engine,
}

/// What a member holds in an epoch.
pub(super) struct Held {
    /// 0: nothing.
    pub epoch: u32,
    pub group: u16,
    pub flags: u8,
    pub slots: u8,
    pub kid: u8,
    pub address: Address,
    /// Of both modes.
    pub keys: [ModeKeys; 2],
    pub answer_keys: [[u8; KEY_LEN]; 2],
    pub tag_key: [u8; KEY_LEN],
    /// The owner's public key.
    pub owner: Point,
    /// With answers the member's own; with a delegate, and then there are no answers, the delegate's.
    pub other: Point,
}

wiped!(Held { epoch, flags, keys, answer_keys, tag_key, owner, other; but group, slots, kid, address });

impl Held {
    pub const EMPTY: Self = Self {
        epoch: 0,
        group: 0,
        flags: 0,
        slots: 0,
        kid: 0,
        address: Address { bytes: Bytes::EMPTY, port: 0 },
        keys: [const { ModeKeys::EMPTY }; 2],
        answer_keys: [[0; KEY_LEN]; 2],
        tag_key: [0; KEY_LEN],
        owner: Point::EMPTY,
        other: Point::EMPTY,
    };

    fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Holds nothing.
    #[inline(never)] // several times what it takes
    fn clear(&mut self) {
        self.zeroize();
        self.group = 0;
    }

    /// Takes what a JOIN gives, whose points have been found to be on the curve.
    fn take<B: Backend>(&mut self, join: &Join<'_>, owner: &Point, other: &Point) -> Result<(), Error> {
        self.clear();
        let mut prk = Zeroizing::new([0; 32]);
        group_prk::<B>(join.ms, &mut prk);
        let mut derived = Ok(());
        Prk::<B>::with(&prk, |prk| {
            for mode in Mode::ALL.into_iter().filter(|mode| join.flags & mode.number() != 0) {
                let gid = Gid::new(join.group, mode, join.epoch);
                let (keys, own) = (&mut self.keys, &mut self.answer_keys);
                mode.of_mut(keys).derive(prk, gid);
                if let Some((_, ss)) = join.answers {
                    derived = answer_key(prk, gid, join.kid, other, owner, ss, mode.of_mut(own));
                }
            }
        });
        derived?;
        if let Some(key) = join.vk {
            self.tag_key = *key;
        }
        (self.owner, self.other) = (*owner, *other);
        (self.group, self.flags, self.slots, self.kid) = (join.group, join.flags, join.slots, join.kid);
        self.address = Address { bytes: Bytes::copy_of(join.address, Error::Malformed)?, port: join.port };
        self.epoch = join.epoch;
        Ok(())
    }

    /// Who sends, and who owns the group.
    fn parties(&self) -> Parties<'_> {
        let sender = if self.has(flag::DELEGATED) { &self.other } else { &self.owner };
        Parties { sender, owner: &self.owner }
    }
}

impl<B: Backend> Default for Member<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Backend> Member<B> {
    /// A member that is not initialised: every use of it is [`Error::Uninitialised`].
    pub fn new() -> Self {
        Self {
            live: 0,
            held: Held::EMPTY,
            floor: 0,
            has_floor: false,
            synced_at: 0,
            synced_ms: 0,
            now_ms: 0,
            config: MemberConfig::default(),
            asking: Asking::default(),
            budget: Budget::default(),
            stats: MemberStats::default(),
            engine: B::Engine::default(),
        }
    }

    /// Becomes a member of nothing, that is about to ask.
    pub fn init(&mut self, engine: B::Engine, config: &MemberConfig) {
        self.wipe();
        self.config = *config;
        self.engine = engine;
        (self.now_ms, self.stats) = (0, MemberStats::default());
        self.asking.begin();
        self.live = LIVE;
    }

    /// Wipes all keys. Later use is [`Error::Uninitialised`].
    pub fn wipe(&mut self) {
        self.live = 0;
        self.leave();
    }

    fn leave(&mut self) {
        self.held.clear();
        (self.floor, self.has_floor) = (0, false);
    }

    pub(crate) fn check_live(&self) -> Result<(), Error> {
        if self.live == LIVE { Ok(()) } else { Err(Error::Uninitialised) }
    }

    fn tick(&mut self, now_ms: u64) -> Result<(), Error> {
        self.check_live()?;
        self.now_ms = self.now_ms.max(now_ms);
        Ok(())
    }

    /// What it is a member of, and since when it holds which epoch. [`Error::Uninitialised`]: of nothing.
    pub fn group(&self) -> Result<Membership, Error> {
        self.check_live()?;
        let Held { epoch, group, flags, slots, kid, address, .. } = self.held;
        if epoch == 0 {
            return Err(Error::Uninitialised);
        }
        Ok(Membership { number: group, epoch, flags, slots, kid, address })
    }

    /// What it has opened and refused.
    pub fn stats(&self) -> MemberStats {
        self.stats
    }

    /// Whether members answer in its group.
    pub fn answers(&self) -> bool {
        self.held.has(flag::ANSWERS)
    }

    /// Writes an ASK, to be sealed as a request in the session. A later one makes the answer to an earlier one worthless: drop its
    /// exchange.
    ///
    /// # Errors
    /// [`Error::State`]: too soon after the last one, see [`Member::ask_due`].
    pub fn ask(&mut self, now_ms: u64, out: &mut GroupMessage) -> Result<(), Error> {
        self.tick(now_ms)?;
        if !self.asking.may(self.now_ms, self.config.ask_ms) {
            return Err(Error::State);
        }
        let ask = Ask { group: self.held.group, epoch: self.held.epoch };
        self.asking.ask(ask.group, self.now_ms);
        out.put_ask(&ask);
        Ok(())
    }

    /// The device has slept, and missed what was sent: it is to ask before it listens.
    pub fn wake(&mut self) {
        self.asking.want();
    }

    /// When the next ASK is to go out, but for a random part of the leisure where the device did not wake up by itself; `u64::MAX`:
    /// there is no reason for one.
    pub fn ask_due(&self) -> u64 {
        if self.live != LIVE {
            return u64::MAX;
        }
        let checks_ages = self.has_floor && self.checks_ages();
        self.asking.due(self.held.epoch, checks_ages.then_some(self.synced_ms), self.config.ask_ms)
    }

    fn checks_ages(&self) -> bool {
        self.config.max_age_s != 0 && self.held.has(flag::TIMED)
    }

    /// Takes what answered the last ASK, as the session's response to it: a JOIN, a SYNC or a LEAVE. An answer to an earlier one is not
    /// to come here.
    ///
    /// # Errors
    /// [`Error::UnknownSession`]: it is not a member any more; keys are wiped. [`Error::Unexpected`]: no ASK is out, or of another group, epoch or
    /// kind than it can be. [`Error::Malformed`]: none of those.
    pub fn answer(&mut self, now_ms: u64, input: &[u8]) -> Result<(), Error> {
        self.tick(now_ms)?;
        let outstanding = self.asking.outstanding().ok_or(Error::Unexpected);
        if is_join(input) {
            let join = parse_join(input)?;
            return self.join(&join, outstanding?.1);
        }
        let Short { kind, group, epoch, floor } = parse(input)?;
        if !matches!(kind, Kind::Sync | Kind::Leave) {
            return Err(Error::Malformed);
        }
        let (asked, asked_ms) = outstanding?;
        match kind {
            Kind::Sync if (group, epoch) == (self.held.group, self.held.epoch) => {
                self.sync(floor, asked_ms, true);
                self.asking.synced(epoch);
                Ok(())
            }
            Kind::Leave if group == asked => {
                self.leave();
                self.asking.left();
                Err(Error::UnknownSession)
            }
            _ => Err(Error::Unexpected),
        }
    }

    fn join(&mut self, join: &Join<'_>, asked_ms: u64) -> Result<(), Error> {
        if join.flags & flag::DELEGATE != 0 {
            return Err(Error::Unexpected);
        }
        let (mut owner, mut other) = (Point::EMPTY, Point::EMPTY);
        let on_curve =
            |encoded, point: &mut Point| B::decompress(encoded, point).map_err(|_| Error::Malformed);
        on_curve(join.owner, &mut owner)?;
        if let Some((member, _)) = join.answers {
            on_curve(member, &mut other)?;
        }
        #[cfg(feature = "group-delegate")]
        if let super::message::Delegated::Member(delegate) = join.delegated {
            on_curve(delegate, &mut other)?;
        }
        let held = &self.held;
        let is_same = held.group == join.group && (held.owner.x, held.owner.y) == (owner.x, owner.y);
        let stays = self.has_floor && is_same && join.epoch <= held.epoch;
        self.asking.joined(held.group == join.group);
        self.held.take::<B>(join, &owner, &other)?;
        self.sync(join.floor, asked_ms, stays);
        let price_ms = if self.config.verify_ms == 0 { VERIFY_MS } else { self.config.verify_ms };
        self.budget = Budget::full(price_ms, self.now_ms);
        Ok(())
    }

    /// Takes a floor that was asked for at this time; `stays`: a higher one is kept.
    fn sync(&mut self, floor: u64, asked_ms: u64, stays: bool) {
        self.floor = if stays && self.has_floor { self.floor.max(floor) } else { floor };
        self.has_floor = true;
        (self.synced_at, self.synced_ms) = (floor, asked_ms);
        #[cfg(feature = "group-delegate")]
        if self.held.has(flag::DELEGATED) {
            self.synced_at = floor.saturating_sub(super::delegate::AHEAD);
        }
    }

    /// Takes a NOTICE, which came from the owner in the session or opened in the group.
    ///
    /// # Errors
    /// [`Error::Ask`]: there is a newer epoch than the one held, or nothing is held. [`Error::UnknownSession`]: of another group. [`Error::Malformed`]: none.
    pub fn notice(&mut self, input: &[u8]) -> Result<(), Error> {
        self.check_live()?;
        let Short { kind: Kind::Notice, group, epoch, .. } = parse(input)? else {
            return Err(Error::Malformed);
        };
        if self.held.epoch == 0 {
            self.asking.want();
            return Err(Error::Ask);
        }
        if group != self.held.group {
            return Err(Error::UnknownSession);
        }
        if epoch <= self.held.epoch {
            return Ok(());
        }
        self.asking.notice(epoch);
        Err(Error::Ask)
    }

    /// Steps 1 to 5 of section 9: nothing has been computed. `body` is what comes behind the form.
    pub(crate) fn begin_open_request(
        &mut self,
        now_ms: u64,
        form: &RequestForm,
        body: &[u8],
        opening: &mut Opening,
    ) -> Result<(), Error> {
        self.tick(now_ms)?;
        let held = &self.held;
        let is_in_use = form.gid.mode().is_some_and(|mode| held.has(mode.number()));
        if !is_in_use || form.gid.group() != held.group {
            return Err(Error::UnknownSession);
        }
        opening.read(form, held.slots, body)?;
        let [.., held_epoch] = held.epoch.to_be_bytes();
        match form.gid.epoch().wrapping_sub(held_epoch) & 0x3f {
            0 => {}
            1..=31 if self.asking.hint(self.now_ms) => return Err(Error::Ask),
            _ => return Err(Error::UnknownSession),
        }
        if !self.has_floor {
            self.asking.want();
            return Err(Error::Ask);
        }
        if form.number < self.floor {
            self.stats.replays = self.stats.replays.saturating_add(1);
            return Err(Error::Replay);
        }
        if self.checks_ages() && self.is_far(form.number) {
            self.stats.too_old = self.stats.too_old.saturating_add(1);
            self.asking.want();
            return Err(Error::Ask);
        }
        self.budget.check(form.number, self.now_ms).inspect_err(|_| {
            self.stats.refused_unchecked = self.stats.refused_unchecked.saturating_add(1);
        })?;
        Ok(())
    }

    /// Whether a number is further away in time than the greatest age, on either side.
    fn is_far(&self, number: u64) -> bool {
        let elapsed = self.now_ms.saturating_sub(self.synced_ms) / TICK_MS;
        let estimate = self.synced_at.saturating_add(elapsed);
        number.abs_diff(estimate) > u64::from(self.config.max_age_s).saturating_mul(NUMBERS_A_SECOND)
    }

    /// Steps 6 to 8: opens `data`, the ciphertext without its tag, in place. It is left as zeroes where something does not verify.
    pub(crate) fn open_request_in_place(
        &mut self,
        opening: &Opening,
        carrier: Carrier<'_>,
        data: &mut [u8],
        exchange: &mut GroupExchange,
    ) -> Result<(), Error> {
        self.check_live()?;
        let form = opening.form();
        let mode = form.gid.mode().ok_or(Error::UnknownSession)?;
        let (held, stats) = (&self.held, &mut self.stats);
        let (keys, parties) = (mode.of(&held.keys), held.parties());
        let add = |count: &mut u32| *count = count.saturating_add(1);
        let mut digest = [0; 32];
        opening
            .decrypt::<B>(self.engine, keys, parties, carrier, data, &mut digest)
            .inspect_err(|_| add(&mut stats.bad_group_tags))?;
        let proof = match mode {
            Mode::Signed => Proof::Signature,
            Mode::Tagged => Proof::Tag { kid: held.kid, key: &held.tag_key },
        };
        let checked = opening.check_sender::<B>(keys, parties.sender, &proof, &digest, data);
        if checked == Err(Error::Authentication) {
            self.budget.failed(form.number);
            add(if mode == Mode::Signed { &mut stats.bad_signatures } else { &mut stats.bad_tags });
        }
        checked?;
        exchange.begin(&held.owner, held.epoch, form, carrier, data)?;
        self.floor = form.number.saturating_add(1);
        self.budget.succeeded();
        add(if mode == Mode::Signed { &mut stats.opened_signed } else { &mut stats.opened_tagged });
        Ok(())
    }

    /// Whether a request can be answered, and under which kid.
    ///
    /// # Errors
    /// [`Error::Answered`]: it was. [`Error::State`]: members of this group do not answer, or it holds another epoch by now.
    pub(crate) fn begin_answer(&self, exchange: &GroupExchange) -> Result<u8, Error> {
        self.check_live()?;
        let held = &self.held;
        exchange.check(&held.owner, held.group, held.epoch)?;
        if !self.answers() {
            return Err(Error::State);
        }
        if exchange.is_answered(held.kid) { Err(Error::Answered) } else { Ok(held.kid) }
    }

    /// Seals the one answer to a request in place: `rest` is the plaintext and room for the tag.
    pub(crate) fn seal_answer_in_place(
        &mut self,
        exchange: &mut GroupExchange,
        rest: &mut [u8],
    ) -> Result<(), Error> {
        let kid = self.begin_answer(exchange)?;
        let held = &self.held;
        let mode = exchange.check(&held.owner, held.group, held.epoch)?;
        let (member, owner) = (&held.other, &held.owner);
        let (key, iv) = (mode.of(&held.answer_keys), &mode.of(&held.keys).iv);
        Answer { exchange, mode, kid, member, owner, key, iv }.seal::<B>(self.engine, rest)?;
        exchange.mark_answered(kid);
        Ok(())
    }
}

impl<B: Backend> Drop for Member<B> {
    fn drop(&mut self) {
        self.wipe();
    }
}
