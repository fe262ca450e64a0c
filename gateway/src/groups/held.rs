//! A group that this node holds: its keys, who is in it, and the request that is under way.

use super::message::Request;
use super::record::{MEMBERS_MAX, Record, address_bytes};
use super::shelf::{Fault, Shelf};
use crate::coap::Header;
use lscoap::coap::{Carrier, PROTECT_OVERHEAD};
use lscoap::group::{
    Address, CONTENT_FORMAT_GROUP, Env, GROUP_REQUEST_OVERHEAD, Group, GroupConfig, GroupExchange,
    GroupMessage, KID_MAX, Mode, Place, flag,
};
use lscoap::platform::Platform;
use lscoap::{Error, limits::DEVICE_ID_MAX};
use zeroize::Zeroizing;

/// Requests whose numbers are reserved in the store at a time.
const NUMBERS: u32 = 1024;
/// The longest message.
pub const MESSAGE_MAX: usize = 1200;
/// The length of a request's token: the bytes that all tokens of the node begin with, then random ones.
pub const TOKEN_LEN: usize = 8;
/// The copies of a request after its first, against loss.
const COPIES: u8 = 2;
/// How long after one another, in ms.
const COPY_MS: u64 = 300;
/// Where devices ask for a group, and hear of its epochs.
pub const PATH: &str = "/.well-known/lscoap/group";
const POST: u8 = 2;
/// How long a NOTICE is under way, in ms.
const NOTICE_MS: u64 = 1000;

/// A request under way.
struct Sending {
    exchange: GroupExchange,
    token: [u8; TOKEN_LEN],
    message: Vec<u8>,
    copies: u8,
    next_ms: u64,
    until_ms: u64,
    answered: usize,
}

/// An answer of a member's.
pub struct Answer {
    /// Whose.
    pub device_id: Vec<u8>,
    /// Its code.
    pub code: u8,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A group and its lease.
pub struct Held {
    group: Box<Group>,
    places: Vec<Place>,
    /// What the store has, or is about to have.
    pub record: Record,
    /// Of the lease.
    pub token: u64,
    sending: Option<Sending>,
}

/// What a call needs from around it.
pub struct Around<'a> {
    /// Randomness.
    pub platform: &'a mut dyn Platform,
    /// The store.
    pub shelf: &'a mut dyn Shelf,
    /// A monotonic clock, in ms.
    pub now_ms: u64,
}

fn config(record: &Record) -> GroupConfig {
    let mut address = Address { port: record.address.port(), ..Address::default() };
    address.bytes.set(&address_bytes(record.address.ip()));
    GroupConfig { number: record.number, flags: record.flags, slots: record.slots, address }
}

/// How many places a group has.
fn places(record: &Record) -> usize {
    match record.flags {
        flags if flags & flag::TAGGED != 0 => record.slots.into(),
        flags if flags & flag::ANSWERS != 0 => KID_MAX.into(),
        _ => 0,
    }
}

impl Held {
    fn new(record: Record, token: u64) -> Self {
        let places = (0..places(&record)).map(|_| Place::default()).collect();
        Self { group: Box::new(Group::new()), places, record, token, sending: None }
    }

    /// Does something with the group, whose places are saved as it says.
    fn with<T>(
        &mut self,
        around: &mut Around<'_>,
        work: impl FnOnce(&mut Group, &mut Env<'_, dyn Platform + '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (record, shelf, token) = (&mut self.record, &mut *around.shelf, self.token);
        let mut save = |kid: u8, id: Option<&[u8]>| {
            record.give_kid(kid, id);
            shelf.save(record.number, token, record.write()).map_err(|_| Error::Storage)
        };
        let mut env = Env {
            platform: &mut *around.platform,
            places: &mut self.places,
            now_ms: around.now_ms,
            save: Some(&mut save),
        };
        work(&mut self.group, &mut env)
    }

    /// A group that is new.
    pub fn create(around: &mut Around<'_>, record: Record, token: u64) -> Result<Self, Error> {
        let mut held = Self::new(record, token);
        let config = config(&held.record);
        held.with(around, |group, env| group.create((), env, &config))?;
        held.store(around)?;
        Ok(held)
    }

    /// A group as it was stored, perhaps by another node.
    pub fn restore(around: &mut Around<'_>, record: Record, token: u64) -> Result<Self, Error> {
        let mut held = Self::new(record, token);
        let config = config(&held.record);
        let state = held.record.state.clone();
        held.with(around, |group, env| group.restore((), env, &config, &state))?;
        for allowed in held.record.allowed.iter().filter(|allowed| allowed.kid != 0) {
            held.group.restore_place(&mut held.places, allowed.kid, &allowed.id)?;
        }
        held.store(around)?;
        Ok(held)
    }

    /// Reserves numbers, and saves.
    fn store(&mut self, around: &mut Around<'_>) -> Result<(), Error> {
        let (group, places, record) = (&mut self.group, &mut self.places, &mut self.record);
        let (shelf, token) = (&mut *around.shelf, self.token);
        // The callbacks of places and of the state both change the record: the state's first.
        let mut state = Zeroizing::new(Vec::new());
        let mut left = Vec::new();
        let mut save = |kid: u8, _: Option<&[u8]>| {
            left.push(kid);
            Ok(())
        };
        let mut env =
            Env { platform: &mut *around.platform, places, now_ms: around.now_ms, save: Some(&mut save) };
        group.store(&mut env, NUMBERS, |blob| {
            state.extend_from_slice(blob);
            record.state = state.clone();
            shelf.save(record.number, token, record.write()).map_err(|_| Error::Storage)
        })?;
        if !left.is_empty() {
            left.into_iter().for_each(|kid| record.give_kid(kid, None));
            shelf.save(record.number, token, record.write()).map_err(|_| Error::Storage)?;
        }
        Ok(())
    }

    /// Saves who is allowed in.
    fn save(&mut self, around: &mut Around<'_>) -> Result<(), Fault> {
        around.shelf.save(self.record.number, self.token, self.record.write())
    }

    /// The epoch.
    pub fn epoch(&self) -> u32 {
        self.group.epoch()
    }

    /// Lets a device in, which has to ask then.
    pub fn allow(&mut self, around: &mut Around<'_>, id: &[u8]) -> Result<(), &'static str> {
        let room = if self.places.is_empty() { MEMBERS_MAX } else { self.places.len() };
        if self.record.allows(id) {
            return Err("that device is a member already");
        }
        if self.record.allowed.len() >= room {
            return Err("the group has no room for more members");
        }
        self.record.allowed.push(super::record::Allowed { id: id.to_vec(), kid: 0 });
        self.save(around).map_err(|_| {
            self.record.allowed.pop();
            "the store does not answer"
        })
    }

    /// Puts a device out: a new epoch. [`Error::UnknownSession`]: it is not in.
    pub fn put_out(
        &mut self,
        around: &mut Around<'_>,
        id: &[u8],
        send: &mut dyn FnMut(&Self, &[u8]),
    ) -> Result<(), Error> {
        if !self.record.allows(id) {
            return Err(Error::UnknownSession);
        }
        self.record.allowed.retain(|allowed| allowed.id != id);
        self.rekey(around, Some(id), send)
    }

    /// Begins a new epoch, of which the members are told in the old one.
    pub fn rekey(
        &mut self,
        around: &mut Around<'_>,
        without: Option<&[u8]>,
        send: &mut dyn FnMut(&Self, &[u8]),
    ) -> Result<(), Error> {
        let mut notice = GroupMessage::new();
        self.group.write_notice(self.group.epoch().saturating_add(1), &mut notice)?;
        let mode = if self.record.flags & flag::SIGNED != 0 { Mode::Signed } else { Mode::Tagged };
        let request = Request {
            code: POST,
            path: PATH,
            content_format: Some(CONTENT_FORMAT_GROUP),
            no_response: None,
            payload: &notice,
        };
        // Who is not told hears of it from the next request, or in a day.
        let _ = self.send(around, mode, &request, NOTICE_MS, &[0; 4], send);
        let mut unused = GroupMessage::new();
        self.with(around, |group, env| group.rekey(env, without, &mut unused))?;
        self.store(around)
    }

    /// Answers an ASK of a device that may be in.
    pub fn answer_ask(
        &mut self,
        around: &mut Around<'_>,
        device_id: &[u8],
        ask: &[u8],
        out: &mut GroupMessage,
    ) -> Result<(), Error> {
        match self.with(around, |group, env| group.answer_ask(env, device_id, ask, out)) {
            Err(Error::Unstored) => {
                self.store(around)?;
                self.with(around, |group, env| group.answer_ask(env, device_id, ask, out))
            }
            result => result,
        }
    }

    /// Seals a request and sends it; what was under way is over. The token begins with `prefix`.
    pub fn send(
        &mut self,
        around: &mut Around<'_>,
        mode: Mode,
        request: &Request<'_>,
        wait_ms: u64,
        prefix: &[u8; 4],
        send: &mut dyn FnMut(&Self, &[u8]),
    ) -> Result<(), Error> {
        self.sending = None;
        let (mut token, mut id) = ([0; TOKEN_LEN], [0; 2]);
        around.platform.random(&mut token)?;
        around.platform.random(&mut id)?;
        token.iter_mut().zip(prefix).for_each(|(byte, fixed)| *byte = *fixed);
        let plain = request.write(u16::from_be_bytes(id), &token);
        let mut message = vec![0; plain.len() + PROTECT_OVERHEAD + GROUP_REQUEST_OVERHEAD];
        let now_ms = around.now_ms;
        let mut protect = |group: &mut Group| {
            message.get_mut(..plain.len()).ok_or(Error::Capacity)?.copy_from_slice(&plain);
            group.protect_request(mode, now_ms, Carrier::Oscore, &mut message, plain.len())
        };
        let protected = match protect(&mut self.group) {
            Err(Error::Unstored) => {
                self.store(around)?;
                protect(&mut self.group)
            }
            result => result,
        };
        let (len, exchange) = protected?;
        if len > MESSAGE_MAX {
            return Err(Error::Capacity);
        }
        message.truncate(len);
        send(self, &message);
        self.sending = Some(Sending {
            exchange,
            token,
            message,
            copies: COPIES,
            next_ms: around.now_ms.saturating_add(COPY_MS),
            until_ms: around.now_ms.saturating_add(wait_ms),
            answered: 0,
        });
        Ok(())
    }

    /// Takes a member's answer; `None` for anything else.
    pub fn take_answer(&mut self, datagram: &[u8]) -> Option<Answer> {
        let sending = self.sending.as_mut()?;
        if Header::read(datagram).ok()?.token != sending.token {
            return None;
        }
        let mut buffer = Zeroizing::new(datagram.to_vec());
        let (len, kid) = self
            .group
            .unprotect_answer(&self.places, &mut sending.exchange, &mut buffer, datagram.len())
            .ok()?;
        let message = buffer.get(..len)?;
        let frame = crate::coap::Frame::read(message).ok()?;
        let device_id = self.places.get(usize::from(kid).checked_sub(1)?)?.device_id()?.to_vec();
        debug_assert!(device_id.len() <= DEVICE_ID_MAX);
        sending.answered += 1;
        if sending.answered >= self.record.allowed.iter().filter(|allowed| allowed.kid != 0).count() {
            sending.until_ms = 0; // nobody is left to wait for
        }
        Some(Answer { device_id, code: frame.code, payload: frame.payload(message).to_vec() })
    }

    /// Sends the copies that are due. How many had answered, where the request is over now.
    pub fn poll(&mut self, now_ms: u64, send: &mut dyn FnMut(&Self, &[u8])) -> Option<usize> {
        let sending = self.sending.as_mut()?;
        if now_ms >= sending.until_ms {
            return self.sending.take().map(|sending| sending.answered);
        }
        if sending.copies > 0 && now_ms >= sending.next_ms {
            sending.copies -= 1;
            sending.next_ms = now_ms.saturating_add(COPY_MS);
            let message = std::mem::take(&mut sending.message);
            send(self, &message);
            if let Some(sending) = &mut self.sending {
                sending.message = message;
            }
        }
        None
    }
}
