//! Groups in storage (group section 8): of an owner, whose numbers and epochs are stored before they are used; and of a member, which
//! stores nothing but keys, to save the bytes of a JOIN.

use super::Member;
#[cfg(feature = "server")]
use super::{Group, GroupConfig, flag, owner, place};
use super::{MemberConfig, Mode};
use crate::crypto::{Backend, KEY_LEN, NONCE_LEN};
use crate::error::Error;
use crate::limits::PUBLIC_KEY_LEN;
#[cfg(feature = "server")]
use crate::limits::SEQUENCE_MAX;
#[cfg(feature = "server")]
use crate::platform::Platform;
use crate::stored::{FRAME_LEN, Kind, Stored, fields, string};
#[cfg(feature = "server")]
use crate::wire::DeviceId;
#[cfg(feature = "server")]
use zeroize::Zeroizing;

/// The longest stored group of an owner, in bytes.
pub const GROUP_BLOB_MAX: usize = FRAME_LEN + 2 + 2 + 4 + 3 * 32 + 8;
/// The longest stored group of a member, in bytes.
pub const MEMBER_BLOB_MAX: usize =
    FRAME_LEN + 5 + 4 + 1 + 16 + 2 + 2 * (3 * KEY_LEN + NONCE_LEN) + KEY_LEN + 2 * PUBLIC_KEY_LEN;

#[cfg(feature = "server")]
impl<B: Backend> Group<B> {
    /// Reserves `block` numbers and has the group written: `write` gets the blob, at most [`GROUP_BLOB_MAX`] bytes with secrets in it, and
    /// returns once it will survive. Then the group seals so many more requests, and no more ([`Error::Unstored`]) until it is stored
    /// again; in timed groups a number passes every 64 ms. Then the places of those who have left are deleted. Never give a group an
    /// older blob than its last one.
    ///
    /// # Errors
    /// [`Error::Storage`], or whatever `write` and [`owner::Env::save`] give: it may or may not be stored, and the group goes on only as far as both
    /// cases allow.
    pub fn store<P: Platform + ?Sized>(
        &mut self,
        env: &mut owner::Env<'_, P>,
        block: u32,
        write: impl FnOnce(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check_live()?;
        let end = self.numbers.prepare_store(block, env.now_ms);
        let mut blob = Stored::<GROUP_BLOB_MAX>::EMPTY;
        blob.begin(Kind::Group);
        blob.put(&self.config.number.to_be_bytes());
        blob.put(&[self.join_flags(), self.config.slots]);
        blob.put(&self.epoch.to_be_bytes());
        [&self.gos, &self.ms, &self.vs].into_iter().for_each(|secret| blob.put(secret));
        blob.put(&end.to_be_bytes());
        blob.finish::<B>();
        write(blob.as_slice())?;
        self.numbers.complete_store(end);
        for (at, place) in env.places.iter_mut().enumerate().filter(|(_, place)| place.is_left) {
            if let Some(save) = &mut env.save {
                save(place::kid_of(at), None)?;
            }
            place.is_left = false;
        }
        Ok(())
    }

    /// The group of a stored blob, over whatever it was, with free places; `config` as at its creation. Give the places back with
    /// [`Group::restore_place`], then store it: before that it gives out and seals nothing. Where places are not stored, or a
    /// device sent in the owner's place, a new epoch has begun.
    ///
    /// # Errors
    /// [`Error::Malformed`]: a damaged blob, or one of another version. [`Error::State`]: of another group, or one with other flags or slots.
    /// [`Error::Argument`], [`Error::Random`]: as [`Group::create`].
    pub fn restore<P: Platform + ?Sized>(
        &mut self,
        engine: B::Engine,
        env: &mut owner::Env<'_, P>,
        config: &GroupConfig,
        blob: &[u8],
    ) -> Result<(), Error> {
        owner::check_config(config)?;
        let mut reader = fields::<B>(Kind::Group, blob)?;
        let number = u16::from_be_bytes(*reader.array()?);
        let [flags, slots] = *reader.array()?;
        let epoch = u32::from_be_bytes(*reader.array()?);
        let (gos, ms, vs) = (reader.array()?, reader.array()?, reader.array()?);
        let next = u64::from_be_bytes(*reader.array()?);
        reader.end(())?;
        if epoch == 0 || next > SEQUENCE_MAX.saturating_add(1) {
            return Err(Error::Malformed);
        }
        if (number, flags & !flag::DELEGATED, slots) != (config.number, config.flags, config.slots) {
            return Err(Error::State);
        }
        let has_kids = config.flags & (flag::TAGGED | flag::ANSWERS) != 0;
        let begins = flags & flag::DELEGATED != 0 || has_kids && env.save.is_none();
        if begins {
            let epoch = epoch.checked_add(1).ok_or(Error::Exhausted)?;
            let (mut ms, mut vs) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
            Self::draw(&mut self.draws, env.platform, gos, number, epoch, &mut ms)?;
            Self::draw(&mut self.draws, env.platform, gos, number, epoch, &mut vs)?;
            self.load(engine, config, epoch, gos, &ms, &vs)?;
        } else {
            self.load(engine, config, epoch, gos, ms, vs)?;
        }
        self.is_fresh = begins;
        self.numbers.restore(next, config.flags & flag::TIMED != 0, env.now_ms);
        env.places.iter_mut().for_each(|place| *place = place::Place::default());
        Ok(())
    }

    /// Gives a place back that was saved for a device.
    ///
    /// # Errors
    /// [`Error::Argument`]: no such kid, or no device id. [`Error::State`]: it is taken, or the device has another one.
    pub fn restore_place(
        &mut self,
        places: &mut [place::Place],
        kid: u8,
        device_id: &[u8],
    ) -> Result<(), Error> {
        self.check_live()?;
        let device_id = owner::check_device_id(device_id)?;
        let places = self.usable(places);
        let is_taken = place::find(places, &device_id).is_some();
        let place =
            usize::from(kid).checked_sub(1).and_then(|at| places.get_mut(at)).ok_or(Error::Argument)?;
        if is_taken || place.device_id().is_some() {
            return Err(Error::State);
        }
        place.give(&device_id);
        if self.has(flag::ANSWERS) {
            let mut ss = Zeroizing::new([0; 32]);
            self.member_keys(place, kid, &mut ss).inspect_err(|_| place.give(&DeviceId::EMPTY))?;
        }
        Ok(())
    }
}

impl<B: Backend> Member<B> {
    /// Has what the member holds written: `write` gets the blob, at most [`MEMBER_BLOB_MAX`] bytes with secrets in it. That is never needed: it saves
    /// the bytes of a JOIN, and an older blob does no harm.
    ///
    /// # Errors
    /// [`Error::Uninitialised`]: it holds nothing. What `write` gives.
    pub fn store(&self, write: impl FnOnce(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        self.group()?;
        let held = &self.held;
        let mut blob = Stored::<MEMBER_BLOB_MAX>::EMPTY;
        blob.begin(Kind::Member);
        blob.put(&held.group.to_be_bytes());
        blob.put(&[held.flags, held.slots, held.kid]);
        blob.put(&held.epoch.to_be_bytes());
        blob.put_string(&held.address.bytes);
        blob.put(&held.address.port.to_be_bytes());
        for mode in Mode::ALL {
            let keys = mode.of(&held.keys);
            blob.put(&keys.key);
            blob.put(&keys.signature_key);
            blob.put(&keys.iv);
            blob.put(mode.of(&held.answer_keys).as_slice());
        }
        blob.put(&held.tag_key);
        blob.put(&held.owner.compressed());
        blob.put(&held.other.compressed());
        blob.finish::<B>();
        write(blob.as_slice())
    }

    /// The member of a stored blob, over whatever it was. It opens nothing ([`Error::Ask`]) before it has asked.
    ///
    /// # Errors
    /// [`Error::Malformed`]: a damaged blob, or one of another version. Nothing has changed.
    pub fn restore(&mut self, engine: B::Engine, config: &MemberConfig, blob: &[u8]) -> Result<(), Error> {
        let mut reader = fields::<B>(Kind::Member, blob)?;
        let group = u16::from_be_bytes(*reader.array()?);
        let [flags, slots, kid] = *reader.array()?;
        let epoch = u32::from_be_bytes(*reader.array()?);
        let bytes = string(&mut reader)?;
        let port = u16::from_be_bytes(*reader.array()?);
        let keys = reader.take(2 * (3 * KEY_LEN + NONCE_LEN))?;
        let tag_key = reader.array()?;
        let (owner, other) = (reader.array()?, reader.array()?);
        reader.end(())?;
        super::message::check_flags(flags)?;
        if group == 0 || epoch == 0 {
            return Err(Error::Malformed);
        }
        let (mut owner_point, mut other_point) = (crate::crypto::Point::EMPTY, crate::crypto::Point::EMPTY);
        B::decompress(owner, &mut owner_point).map_err(|_| Error::Malformed)?;
        // Nobody: the sender is the owner, and there are no answers.
        if *other != crate::crypto::Point::EMPTY.compressed() {
            B::decompress(other, &mut other_point).map_err(|_| Error::Malformed)?;
        }
        self.init(engine, config);
        let held = &mut self.held;
        (held.group, held.flags, held.slots, held.kid) = (group, flags, slots, kid);
        held.address = super::Address { bytes, port };
        let mut keys = crate::wire::Reader::new(keys);
        for mode in Mode::ALL {
            let of_mode = mode.of_mut(&mut held.keys);
            of_mode.key = *keys.array()?;
            of_mode.signature_key = *keys.array()?;
            of_mode.iv = *keys.array()?;
            *mode.of_mut(&mut held.answer_keys) = *keys.array()?;
        }
        held.tag_key = *tag_key;
        (held.owner, held.other) = (owner_point, other_point);
        held.epoch = epoch;
        Ok(())
    }
}
