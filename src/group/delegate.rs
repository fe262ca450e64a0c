//! A device that sends in the owner's place (group section 11), such as a wall switch: at the owner its name and what it was
//! given, at the device its keys and numbers.

use super::asking::Asking;
use super::form::Gid;
use super::keys::{ModeKeys, group_prk};
use super::message::{Ask, Delegated, Emit, Join, Kind, Short, is_join, parse, parse_join};
use super::numbers::Numbers;
use super::object::{Parties, Sealing, Signer, seal_in_place};
use super::{Address, GroupMessage, Membership, Mode};
use crate::bytes::Bytes;
use crate::crypto::{Backend, Point, Prk, Software};
use crate::error::Error;
use crate::limits::{PUBLIC_KEY_LEN, SEQUENCE_MAX};
use crate::session::Carrier;
use crate::stored::{self, FRAME_LEN, Stored, fields};
use zeroize::{Zeroize, Zeroizing};

/// Marks an initialised delegate; zeroed memory is none.
const LIVE: u32 = 0x4c53_4744;
/// By so many ticks floors are ahead of the owner's clock: what a delegate seals later is not below them.
pub(super) const AHEAD: u64 = 160;
/// By so many ticks its numbers may be ahead of its own clock.
const BURST: u64 = 128;
/// So long it seals after its last JOIN.
const LIFE_MS: u64 = 4 * 3_600_000;
/// The longest stored delegate, in bytes.
pub const DELEGATE_BLOB_MAX: usize = FRAME_LEN + 2 + 4 + PUBLIC_KEY_LEN + 8;

#[cfg(feature = "server")]
mod named {
    use super::super::keys::delegate_secret;
    use super::super::message::Emit;
    use super::super::owner::{Env, check_device_id};
    use super::super::{Group, GroupMessage, flag};
    use crate::crypto::{Backend, Point};
    use crate::error::Error;
    use crate::platform::Platform;
    use crate::wire::DeviceId;
    use zeroize::Zeroizing;

    /// Whom an owner has named.
    pub(in super::super) struct Named {
        /// Empty: nobody.
        device_id: DeviceId,
        /// It has been given this epoch's secrets.
        is_given: bool,
        /// Its public key.
        pub sender: Point,
    }

    impl Named {
        pub const NOBODY: Self = Self { device_id: DeviceId::EMPTY, is_given: false, sender: Point::EMPTY };

        pub fn is_named(&self) -> bool {
            !self.device_id.is_empty()
        }

        pub fn is(&self, device_id: &DeviceId) -> bool {
            self.device_id.as_slice() == device_id.as_slice()
        }
    }

    impl<B: Backend> Group<B> {
        /// Names the device that sends in the owner's place, which then seals nothing; `None`: the owner itself. Do it after [`Group::create`] or
        /// [`Group::restore`], before anything else: it begins a new epoch (see [`Group::rekey`]) where something of this one has been given
        /// out, and it is another device, or not known any more which one it was. The delegate is then to get its NOTICE first.
        ///
        /// # Errors
        /// [`Error::State`]: the group is not timed, or has answers. [`Error::Argument`]: no device id. [`Error::Random`].
        pub fn set_delegate<P: Platform + ?Sized>(
            &mut self,
            env: &mut Env<'_, P>,
            device_id: Option<&[u8]>,
        ) -> Result<(), Error> {
            self.check_live()?;
            if !self.has(flag::TIMED) || self.has(flag::ANSWERS) {
                return Err(Error::State);
            }
            let device_id = device_id.map_or(Ok(DeviceId::EMPTY), check_device_id)?;
            if self.delegate.is(&device_id) && (self.delegate.is_named() || self.is_fresh) {
                return Ok(());
            }
            let (epoch, is_fresh) = (self.epoch, self.is_fresh);
            let former = core::mem::replace(&mut self.delegate, Named { device_id, ..Named::NOBODY });
            let named = if is_fresh { self.name_in(epoch) } else { self.next_epoch(env.platform) };
            named.inspect_err(|_| self.delegate = former)
        }

        /// The delegate's key in an epoch, in which it has been given nothing.
        pub(in super::super) fn name_in(&mut self, epoch: u32) -> Result<(), Error> {
            if self.delegate.is_named() {
                let mut secret = Zeroizing::new([0; 32]);
                self.delegate_secret(epoch, &mut secret);
                B::public_key(&secret, &mut self.delegate.sender)?;
            }
            self.delegate.is_given = false;
            Ok(())
        }

        fn delegate_secret(&self, epoch: u32, secret: &mut [u8; 32]) {
            delegate_secret::<B>(&self.gos, self.config.number, epoch, &self.delegate.device_id, secret);
        }

        /// Answers the delegate's ASK with a JOIN; in a new epoch, if it was given this one and does not hold it: it may have lost
        /// numbers.
        pub(in super::super) fn answer_delegate<P: Platform + ?Sized>(
            &mut self,
            env: &mut Env<'_, P>,
            holds: bool,
            out: &mut GroupMessage,
        ) -> Result<(), Error> {
            if self.delegate.is_given && !holds {
                self.next_epoch(env.platform)?;
            }
            let floor = self.numbers.floor(env.now_ms)?;
            self.begin_join(self.join_flags() | flag::DELEGATE, floor, out);
            let mut secret = Zeroizing::new([0; 32]);
            self.delegate_secret(self.epoch, &mut secret);
            out.put(&*secret);
            if self.has(flag::TAGGED) {
                out.put(&self.vs);
            }
            out.put_address(&self.config.address);
            (self.delegate.is_given, self.is_fresh) = (true, false);
            Ok(())
        }
    }
}
#[cfg(feature = "server")]
pub(super) use named::Named;

/// The delegate's side. Secrets are wiped when it is dropped; moving one leaves copies of them behind.
pub struct Delegate<B: Backend = Software> {
    live: u32,
    /// The epoch that it holds; 0: none.
    epoch: u32,
    group: u16,
    flags: u8,
    slots: u8,
    /// It can seal: a restored one cannot.
    has_keys: bool,
    address: Address,
    keys: [ModeKeys; 2],
    secret: [u8; 32],
    vs: [u8; 32],
    owner: Point,
    own: Point,
    numbers: Numbers,
    /// When it asked for what it holds.
    asked_ms: u64,
    now_ms: u64,
    ask_ms: u32,
    asking: Asking,
    engine: B::Engine,
}

impl<B: Backend> Default for Delegate<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Backend> Delegate<B> {
    /// A delegate that is not initialised: every use of it is [`Error::Uninitialised`].
    pub fn new() -> Self {
        Self {
            live: 0,
            epoch: 0,
            group: 0,
            flags: 0,
            slots: 0,
            has_keys: false,
            address: Address { bytes: Bytes::EMPTY, port: 0 },
            keys: [const { ModeKeys::EMPTY }; 2],
            secret: [0; 32],
            vs: [0; 32],
            owner: Point::EMPTY,
            own: Point::EMPTY,
            numbers: Numbers::default(),
            asked_ms: 0,
            now_ms: 0,
            ask_ms: 0,
            asking: Asking::default(),
            engine: B::Engine::default(),
        }
    }

    /// Becomes a delegate of nothing, that is about to ask. `ask_ms` is the least time between two ASKs; 0: 60,000.
    pub fn init(&mut self, engine: B::Engine, ask_ms: u32) {
        self.wipe();
        (self.engine, self.now_ms) = (engine, 0);
        self.numbers.begin(0, true, 0);
        self.asking.begin();
        self.ask_ms = ask_ms;
        self.live = LIVE;
    }

    /// Wipes every secret. Later use is [`Error::Uninitialised`].
    pub fn wipe(&mut self) {
        self.live = 0;
        self.leave();
    }

    fn leave(&mut self) {
        (self.epoch, self.group, self.has_keys) = (0, 0, false);
        self.keys.zeroize();
        self.secret.zeroize();
        self.vs.zeroize();
    }

    pub(crate) fn check_live(&self) -> Result<(), Error> {
        if self.live == LIVE { Ok(()) } else { Err(Error::Uninitialised) }
    }

    fn tick(&mut self, now_ms: u64) -> Result<(), Error> {
        self.check_live()?;
        self.now_ms = self.now_ms.max(now_ms);
        Ok(())
    }

    /// What it sends to. [`Error::Uninitialised`]: nothing.
    pub fn group(&self) -> Result<Membership, Error> {
        self.check_live()?;
        let Self { epoch, group, flags, slots, address, .. } = *self;
        if !self.has_keys {
            return Err(Error::Uninitialised);
        }
        Ok(Membership { number: group, epoch, flags, slots, kid: 0, address })
    }

    /// Writes an ASK, as [`super::Member::ask`].
    ///
    /// # Errors
    /// [`Error::State`]: too soon after the last one.
    pub fn ask(&mut self, now_ms: u64, out: &mut GroupMessage) -> Result<(), Error> {
        self.tick(now_ms)?;
        if !self.asking.may(self.now_ms, self.ask_ms) {
            return Err(Error::State);
        }
        let ask = Ask { group: self.group, epoch: self.epoch };
        self.asking.ask(ask.group, self.now_ms);
        out.put_ask(&ask);
        Ok(())
    }

    /// Takes what answered the last ASK, as the session's response to it: the delegate's JOIN, or a LEAVE. In the same epoch it goes on with its own
    /// numbers; it is good for four hours.
    ///
    /// # Errors
    /// Those of [`super::Member::answer`].
    pub fn answer(&mut self, now_ms: u64, input: &[u8]) -> Result<(), Error> {
        self.tick(now_ms)?;
        let outstanding = self.asking.outstanding().ok_or(Error::Unexpected);
        if is_join(input) {
            let join = parse_join(input)?;
            return self.join(&join, outstanding?.1);
        }
        let Short { kind, group, .. } = parse(input)?;
        match kind {
            Kind::Leave if group == outstanding?.0 => {
                self.leave();
                self.asking.left();
                Err(Error::UnknownSession)
            }
            Kind::Sync | Kind::Leave => Err(Error::Unexpected),
            _ => Err(Error::Malformed),
        }
    }

    fn join(&mut self, join: &Join<'_>, asked_ms: u64) -> Result<(), Error> {
        let Delegated::Delegate { secret, vs } = join.delegated else { return Err(Error::Unexpected) };
        let (mut owner, mut own) = (Point::EMPTY, Point::EMPTY);
        B::decompress(join.owner, &mut owner).map_err(|_| Error::Malformed)?;
        B::public_key(secret, &mut own).map_err(|_| Error::Malformed)?;
        let is_same = self.group == join.group
            && self.epoch == join.epoch
            && (self.owner.x, self.owner.y) == (owner.x, owner.y);
        if is_same {
            self.numbers.go_on(join.floor, self.now_ms);
        } else {
            self.numbers.begin_anew(join.floor, self.now_ms);
        }
        self.asking.joined(self.group == join.group);
        self.leave();
        let mut prk = Zeroizing::new([0; 32]);
        group_prk::<B>(join.ms, &mut prk);
        let keys = &mut self.keys;
        Prk::<B>::with(&prk, |prk| {
            for mode in Mode::ALL.into_iter().filter(|mode| join.flags & mode.number() != 0) {
                mode.of_mut(keys).derive(prk, Gid::new(join.group, mode, join.epoch));
            }
        });
        self.secret = *secret;
        if let Some(vs) = vs {
            self.vs = *vs;
        }
        (self.owner, self.own) = (owner, own);
        (self.group, self.flags, self.slots) = (join.group, join.flags, join.slots);
        self.address = Address { bytes: Bytes::copy_of(join.address, Error::Malformed)?, port: join.port };
        (self.epoch, self.asked_ms, self.has_keys) = (join.epoch, asked_ms, true);
        Ok(())
    }

    /// Takes a NOTICE, as [`super::Member::notice`].
    pub fn notice(&mut self, input: &[u8]) -> Result<(), Error> {
        self.check_live()?;
        let Short { kind: Kind::Notice, group, epoch, .. } = parse(input)? else {
            return Err(Error::Malformed);
        };
        if self.epoch == 0 {
            self.asking.want();
            return Err(Error::Ask);
        }
        if group != self.group {
            return Err(Error::UnknownSession);
        }
        if epoch <= self.epoch {
            return Ok(());
        }
        self.asking.notice(epoch);
        Err(Error::Ask)
    }

    /// When the next ASK is to go out; see [`super::Member::ask_due`]. Half of its four hours after the last one.
    pub fn ask_due(&self) -> u64 {
        if self.live != LIVE {
            return u64::MAX;
        }
        let renew_ms = self.asked_ms.saturating_add(LIFE_MS / 2);
        let due = self.asking.due(self.epoch, None, self.ask_ms);
        if self.has_keys { due.min(renew_ms) } else { due }
    }

    /// The first half of sealing a request, as the owner's.
    ///
    /// # Errors
    /// [`Error::Ask`]: it has asked for nothing for four hours. [`Error::Budget`]: it is 8 s ahead of its clock, seal later. [`Error::Unstored`]: it was
    /// stored once, and is to be stored again. [`Error::State`]: no such mode.
    pub(crate) fn begin_request(&self, mode: Mode, now_ms: u64) -> Result<Sealing, Error> {
        self.check_live()?;
        let now_ms = self.now_ms.max(now_ms);
        if !self.has_keys || now_ms >= self.asked_ms.saturating_add(LIFE_MS) {
            return Err(Error::Ask);
        }
        if self.flags & mode.number() == 0 {
            return Err(Error::State);
        }
        let number = self.numbers.peek(now_ms)?;
        if number > self.numbers.ticks(now_ms).saturating_add(BURST) {
            return Err(Error::Budget);
        }
        Sealing::new(self.group, self.epoch, mode, self.slots, number)
    }

    /// The second half: `rest` holds the plaintext and room for [`Sealing::tail_len`] bytes. Uses the number up.
    pub(crate) fn seal_request_in_place(
        &mut self,
        sealing: &Sealing,
        carrier: Carrier<'_>,
        rest: &mut [u8],
    ) -> Result<(), Error> {
        self.check_live()?;
        let mode = sealing.mode();
        if !self.has_keys || sealing.form().gid != Gid::new(self.group, mode, self.epoch) {
            return Err(Error::State);
        }
        self.numbers.mark(sealing.number())?;
        let signer = match mode {
            Mode::Signed => Signer::Secret(&self.secret),
            Mode::Tagged => Signer::Tags(&self.vs),
        };
        let parties = Parties { sender: &self.own, owner: &self.owner };
        seal_in_place::<B>(self.engine, mode.of(&self.keys), parties, sealing, carrier, &signer, rest)
    }

    /// Reserves `block` numbers and has them written, with their epoch and without secrets, at most [`DELEGATE_BLOB_MAX`] bytes; see
    /// [`super::Group::store`]. In a new epoch it is to be stored again.
    ///
    /// # Errors
    /// [`Error::Uninitialised`]: it holds nothing. [`Error::Storage`], or whatever `write` gives.
    pub fn store(
        &mut self,
        now_ms: u64,
        block: u32,
        write: impl FnOnce(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.group()?;
        self.tick(now_ms)?;
        let end = self.numbers.prepare_store(block, self.now_ms);
        let mut blob = Stored::<DELEGATE_BLOB_MAX>::EMPTY;
        blob.begin(stored::Kind::Delegate);
        blob.put(&self.group.to_be_bytes());
        blob.put(&self.epoch.to_be_bytes());
        blob.put(&self.owner.compressed());
        blob.put(&end.to_be_bytes());
        blob.finish::<B>();
        write(blob.as_slice())?;
        self.numbers.complete_store(end);
        Ok(())
    }

    /// The delegate of a stored blob, over whatever it was. It asks before it seals ([`Error::Ask`]), and is then to be stored again.
    ///
    /// # Errors
    /// [`Error::Malformed`]: a damaged blob, or one of another version. Nothing has changed.
    pub fn restore(&mut self, engine: B::Engine, ask_ms: u32, now_ms: u64, blob: &[u8]) -> Result<(), Error> {
        let mut reader = fields::<B>(stored::Kind::Delegate, blob)?;
        let group = u16::from_be_bytes(*reader.array()?);
        let epoch = u32::from_be_bytes(*reader.array()?);
        let owner = reader.array()?;
        let next = u64::from_be_bytes(*reader.array()?);
        reader.end(())?;
        if group == 0 || epoch == 0 || next > SEQUENCE_MAX.saturating_add(1) {
            return Err(Error::Malformed);
        }
        let mut point = Point::EMPTY;
        B::decompress(owner, &mut point).map_err(|_| Error::Malformed)?;
        self.init(engine, ask_ms);
        self.now_ms = now_ms;
        (self.group, self.epoch, self.owner) = (group, epoch, point);
        self.numbers.restore(next, true, now_ms);
        Ok(())
    }
}

impl<B: Backend> Drop for Delegate<B> {
    fn drop(&mut self) {
        self.wipe();
    }
}
