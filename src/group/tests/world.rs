//! Owners and members for the tests, and objects between them.

use crate::bytes::Bytes;
use crate::crypto::Software;
use crate::error::Error;
use crate::group::form::RequestForm;
use crate::group::object::Opening;
use crate::group::*;
use crate::session::Carrier;
use crate::testing::Numbers;
use crate::vectors::Vectors;
use std::vec::Vec;

/// The multicast address and port of an entry.
pub fn address(entry: &Vectors) -> Address {
    let bytes = Bytes::copy_of(&entry.bytes("address"), Error::Argument).unwrap();
    Address { bytes, port: entry.number("port") as u16 }
}

/// An owner, and what surrounds it.
pub struct Owner {
    pub group: Group<Software>,
    pub places: Vec<Place>,
    pub platform: Numbers,
    pub now_ms: u64,
    /// What is stored of its places; `None`: they are not stored.
    pub saved: Option<std::collections::BTreeMap<u8, Vec<u8>>>,
}

impl Owner {
    /// With so many free places, and no group yet.
    pub fn new(places: usize) -> Self {
        Self {
            group: Group::new(),
            places: (0..places).map(|_| Place::default()).collect(),
            platform: Numbers::from_seed(1),
            now_ms: 0,
            saved: None,
        }
    }

    /// A fresh group.
    pub fn created(config: &GroupConfig, places: usize) -> Self {
        let mut owner = Self::new(places);
        owner.run(|group, env| group.create((), env, config)).unwrap();
        owner
    }

    /// Has a call made.
    pub fn run<R>(&mut self, work: impl FnOnce(&mut Group<Software>, &mut Env<'_, Numbers>) -> R) -> R {
        let Self { group, places, platform, now_ms, saved } = self;
        let mut save = |kid: u8, id: Option<&[u8]>| {
            if let Some(saved) = saved.as_mut() {
                match id {
                    Some(id) => saved.insert(kid, id.to_vec()),
                    None => saved.remove(&kid),
                };
            }
            Ok(())
        };
        let mut env = Env { platform, places, now_ms: *now_ms, save: Some(&mut save) };
        work(group, &mut env)
    }

    /// What storage has after that.
    pub fn store(&mut self, block: u32) -> Result<Vec<u8>, Error> {
        let mut blob = Vec::new();
        self.run(|group, env| {
            group.store(env, block, |bytes| {
                blob = bytes.to_vec();
                Ok(())
            })
        })?;
        assert!(blob.len() <= GROUP_BLOB_MAX);
        Ok(blob)
    }

    /// The same owner after a loss of power: with that, its places, and another clock.
    pub fn restored(&self, blob: &[u8]) -> Result<Self, Error> {
        let mut again = Self::new(self.places.len());
        again.platform.state = self.platform.state.wrapping_add(1);
        again.saved = self.saved.clone();
        let (config, is_saved) = (self.group.config, self.saved.is_some());
        again.run(|group, env| {
            env.save = env.save.take().filter(|_| is_saved);
            group.restore((), env, &config, blob)
        })?;
        for (kid, id) in self.saved.clone().unwrap_or_default() {
            again.group.restore_place(&mut again.places, kid, &id)?;
        }
        Ok(again)
    }

    pub fn answer_ask(&mut self, device_id: &[u8], ask: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = GroupMessage::new();
        self.run(|group, env| group.answer_ask(env, device_id, ask, &mut out)).map(|()| out.to_vec())
    }

    pub fn rekey(&mut self, without: Option<&[u8]>) -> Vec<u8> {
        let mut notice = GroupMessage::new();
        self.run(|group, env| group.rekey(env, without, &mut notice)).unwrap();
        notice.to_vec()
    }

    pub fn seal(
        &mut self,
        mode: Mode,
        carrier: Carrier<'_>,
        plaintext: &[u8],
    ) -> Result<(Vec<u8>, GroupExchange), Error> {
        let sealing = self.group.begin_request(mode, self.now_ms)?;
        let mut rest = [plaintext, &std::vec![0; sealing.tail_len()]].concat();
        let exchange = self.group.seal_request_in_place(&sealing, carrier, &mut rest)?;
        Ok(([sealing.header(), &rest[..]].concat(), exchange))
    }

    /// Opens an answer: whose it is, and what it says.
    pub fn open_answer(
        &mut self,
        exchange: &mut GroupExchange,
        object: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let mut body = std::vec![0; object.len()];
        let (len, kid) = self.group.open_answer(&self.places, exchange, object, &mut body)?;
        body.truncate(len);
        Ok((self.places[usize::from(kid) - 1].device_id().unwrap().to_vec(), body))
    }
}

/// A request that has opened.
pub struct Opened {
    pub plaintext: Vec<u8>,
    pub exchange: GroupExchange,
    pub mode: Mode,
}

pub trait Opens {
    fn open(&mut self, now_ms: u64, carrier: Carrier<'_>, object: &[u8]) -> Result<Opened, Error>;
    fn answer_to(&mut self, exchange: &mut GroupExchange, plaintext: &[u8]) -> Result<Vec<u8>, Error>;
    fn ask_for(&mut self, now_ms: u64) -> Result<Vec<u8>, Error>;
}

impl Opens for Member<Software> {
    fn open(&mut self, now_ms: u64, carrier: Carrier<'_>, object: &[u8]) -> Result<Opened, Error> {
        let form = RequestForm::parse(object)?;
        let body = &object[form.len..];
        let mut opening = Opening::EMPTY;
        self.begin_open_request(now_ms, &form, body, &mut opening)?;
        let mut exchange = GroupExchange::default();
        let mut data = body[..opening.data_len()].to_vec();
        let opened = self.open_request_in_place(&opening, carrier, &mut data, &mut exchange);
        if opened.is_err() {
            assert!(data.iter().all(|byte| *byte == 0), "the plaintext of what did not open");
        }
        opened?;
        Ok(Opened { exchange, plaintext: data, mode: form.gid.mode().unwrap() })
    }

    fn answer_to(&mut self, exchange: &mut GroupExchange, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let kid = self.begin_answer(exchange)?;
        let mut rest = [plaintext, &[0; 8]].concat();
        self.seal_answer_in_place(exchange, &mut rest)?;
        Ok([&[8, kid], &rest[..]].concat())
    }

    fn ask_for(&mut self, now_ms: u64) -> Result<Vec<u8>, Error> {
        let mut out = GroupMessage::new();
        self.ask(now_ms, &mut out).map(|()| out.to_vec())
    }
}

/// A member that has just been initialised.
pub fn member(config: MemberConfig) -> Member<Software> {
    let mut member = Member::new();
    member.init((), &config);
    member
}

/// A member that has taken this JOIN, asked for at 0.
pub fn joined(config: MemberConfig, join: &[u8]) -> Member<Software> {
    let mut member = member(config);
    member.ask_for(0).unwrap();
    member.answer(0, join).unwrap();
    member
}
