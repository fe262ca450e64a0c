//! An owner and its members in a network that loses, delays, reorders and repeats, with an attacker in it, one member taken
//! apart, power that goes at any moment and rekeyings in between. Nobody ever executes what the owner did not send, twice, out of order, from before
//! it joined, after it was thrown out, or too late; and nothing is sealed twice under one key and number.

use super::world::{Opens, Owner};
use crate::bytes::Bytes;
use crate::crypto::Software;
use crate::error::Error;
use crate::group::*;
use crate::session::Carrier;
use crate::testing::Numbers;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

const LAMPS: usize = 5;
/// The one that is taken apart.
const CAPTURED: usize = 0;
const STEPS: usize = 120;
const BLOCK: u32 = 16;
const MAX_AGE_S: u32 = 10;
/// What no owner says.
const FORGED: u32 = u32::MAX;

fn config(timed: bool) -> GroupConfig {
    let flags = flag::SIGNED | flag::TAGGED | flag::ANSWERS | if timed { flag::TIMED } else { 0 };
    GroupConfig { number: 7, flags, slots: 4, address: Address { bytes: Bytes::EMPTY, port: 0 } }
}

/// A command, which says which one it is.
fn command(id: u32) -> Vec<u8> {
    [&b"\x01\xb5light\xff"[..], &id.to_be_bytes()].concat()
}

fn id_of(plaintext: &[u8]) -> u32 {
    u32::from_be_bytes(*plaintext.last_chunk().unwrap())
}

struct Lamp {
    id: [u8; 1],
    member: Member<Software>,
    /// When its power came back: its clock begins then.
    booted_ms: u64,
    flash: Option<Vec<u8>>,
    /// In the owner's list, which outlives everything.
    is_allowed: bool,
    /// The ASK whose answer it takes.
    asked: u64,
    /// The lowest command that it may execute.
    from: u32,
    executed: u32,
}

/// What is under way.
enum Flight {
    Request(Vec<u8>),
    Ask(u64, Vec<u8>),
    /// The answer to an ASK, and which command comes next.
    Answer(u64, Vec<u8>, u32),
    /// To which command.
    Reply(u32, Vec<u8>),
}

struct World {
    random: Numbers,
    now_ms: u64,
    owner: Owner,
    owner_booted_ms: u64,
    timed: bool,
    flash: Vec<u8>,
    /// A rekeying has been decided, and not stored yet.
    owes_epoch: bool,
    /// It has been done.
    is_rekeyed: bool,
    lamps: Vec<Lamp>,
    flights: Vec<(u64, usize, Flight)>,
    asks: u64,
    /// When each command was sealed, and in which epoch.
    sealed: Vec<(u64, u32)>,
    exchanges: BTreeMap<u32, GroupExchange>,
    answered: BTreeSet<(u32, u8)>,
    /// Whose each kid is in an epoch, by the epoch's key.
    kids: BTreeMap<([u8; 32], u8), [u8; 1]>,
    /// Keys and numbers.
    used: BTreeSet<([u8; 32], u64)>,
    /// All requests that ever were.
    heard: Vec<Vec<u8>>,
    /// The group's keys that the captured lamp has had.
    stolen: Option<(u32, [u8; 32])>,
    owner_cuts: u64,
}

/// The power has gone.
struct Cut;

impl World {
    fn new(seed: u64) -> Self {
        let timed = seed % 2 == 1;
        let mut owner = Owner::new(LAMPS);
        owner.platform.state = seed;
        owner.saved = Some(BTreeMap::new());
        owner.run(|group, env| group.create((), env, &config(timed))).unwrap();
        let flash = owner.store(BLOCK).unwrap();
        let member_config = Self::member_config(timed);
        let lamps = (0..LAMPS)
            .map(|at| Lamp {
                id: [at as u8],
                member: super::world::member(member_config),
                booted_ms: 0,
                flash: None,
                is_allowed: at < 4,
                asked: 0,
                from: 0,
                executed: 0,
            })
            .collect();
        Self {
            random: Numbers::from_seed(seed + 1_000),
            now_ms: 0,
            owner,
            owner_booted_ms: 0,
            timed,
            flash,
            owes_epoch: false,
            is_rekeyed: false,
            lamps,
            flights: Vec::new(),
            asks: 0,
            sealed: Vec::new(),
            exchanges: BTreeMap::new(),
            answered: BTreeSet::new(),
            kids: BTreeMap::new(),
            used: BTreeSet::new(),
            heard: Vec::new(),
            stolen: None,
            owner_cuts: 0,
        }
    }

    fn member_config(timed: bool) -> MemberConfig {
        MemberConfig { max_age_s: if timed { MAX_AGE_S } else { 0 }, ask_ms: 2_000, verify_ms: 100 }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    /// Sends to a lamp, or to the owner: not at all, or once or twice, soon or late.
    fn send(&mut self, at: usize, flight: impl Fn() -> Flight) {
        for _ in 0..2 {
            if self.chance(60) {
                let delay = if self.chance(10) { 20_000 } else { 1_500 };
                let due = self.now_ms + self.random.below(delay);
                self.flights.push((due, at, flight()));
            }
        }
    }

    /// The network for some time.
    fn pass(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while let Some(next) = (0..self.flights.len()).min_by_key(|at| self.flights[*at].0) {
            if self.flights[next].0 > end {
                break;
            }
            let (due, at, flight) = self.flights.swap_remove(next);
            self.now_ms = self.now_ms.max(due);
            match flight {
                Flight::Request(object) => self.receive(at, &object),
                Flight::Ask(number, ask) => _ = self.answer_ask(at, number, &ask),
                Flight::Answer(number, answer, next) => self.take_answer(at, number, &answer, next),
                Flight::Reply(id, answer) => self.take_reply(at, id, &answer),
            }
        }
        self.now_ms = end;
    }

    // ---- The owner ----

    fn owner_tick(&mut self) {
        self.owner.now_ms = self.now_ms - self.owner_booted_ms;
    }

    /// Stores, unless the power goes before or behind it.
    fn store(&mut self) -> Result<(), Cut> {
        self.owner_tick();
        let (before, behind) = (self.chance(10), self.chance(10));
        if before {
            return Err(self.cut_owner());
        }
        self.flash = self.owner.store(BLOCK).unwrap();
        self.owes_epoch &= !self.is_rekeyed;
        self.is_rekeyed = false;
        if behind { Err(self.cut_owner()) } else { Ok(()) }
    }

    fn cut_owner(&mut self) -> Cut {
        self.owner = self.owner.restored(&self.flash).unwrap();
        self.owner_booted_ms = self.now_ms;
        self.owner_cuts += 1;
        self.is_rekeyed = false;
        // Its sessions are gone, and with them what was asked and answered in them.
        self.flights.retain(|(_, _, flight)| !matches!(flight, Flight::Ask(..) | Flight::Answer(..)));
        self.exchanges.clear();
        Cut
    }

    /// Does what was decided. It is stored when the group says so.
    fn settle(&mut self) {
        if !self.owes_epoch || self.is_rekeyed {
            return;
        }
        self.owner_tick();
        self.owner.rekey(None);
        let places = self.owner.places.iter().filter_map(Place::device_id).map(Vec::from);
        for id in places.collect::<Vec<_>>() {
            if !self.lamps[usize::from(id[0])].is_allowed {
                self.owner.rekey(Some(&id));
            }
        }
        self.is_rekeyed = true;
    }

    fn command(&mut self) -> Result<(), Cut> {
        self.settle();
        let mode = if self.chance(15) { Mode::Signed } else { Mode::Tagged };
        self.owner_tick();
        let id = self.sealed.len() as u32;
        let sealed = match self.owner.seal(mode, Carrier::Oscore, &command(id)) {
            Err(Error::Unstored) => {
                self.store()?;
                self.owner.seal(mode, Carrier::Oscore, &command(id))
            }
            sealed => sealed,
        };
        let (object, exchange) = sealed.unwrap();
        let number = super::super::form::RequestForm::parse(&object).unwrap().number;
        assert!(self.used.insert((self.owner.group.ms, number)), "a number is used twice");
        self.sealed.push((self.now_ms, self.owner.group.epoch()));
        self.exchanges.insert(id, exchange);
        self.heard.push(object.clone());
        (0..LAMPS).for_each(|at| self.send(at, || Flight::Request(object.clone())));
        Ok(())
    }

    fn answer_ask(&mut self, at: usize, number: u64, ask: &[u8]) -> Result<(), Cut> {
        self.settle();
        let id = self.lamps[at].id;
        self.owner_tick();
        let answer = if self.lamps[at].is_allowed {
            let first = self.owner.answer_ask(&id, ask);
            if first == Err(Error::Unstored) {
                self.store()?;
                self.owner.answer_ask(&id, ask)
            } else {
                first
            }
        } else {
            let mut out = GroupMessage::new();
            write_leave(group_of_ask(ask).unwrap(), &mut out);
            Ok(out.to_vec())
        };
        match answer {
            Ok(answer) => {
                if at == CAPTURED && answer[0] == 0x21 {
                    self.stolen = Some((self.owner.group.epoch(), self.owner.group.ms));
                }
                if answer[0] == 0x21 {
                    let kid = answer[79];
                    let first = *self.kids.entry((self.owner.group.ms, kid)).or_insert(id);
                    assert_eq!(first, id, "in an epoch a kid is one device's");
                }
                let next = self.sealed.len() as u32;
                self.send(at, || Flight::Answer(number, answer.clone(), next));
            }
            Err(error) => assert!(matches!(error, Error::Full | Error::Budget), "{error:?}"),
        }
        Ok(())
    }

    fn take_reply(&mut self, at: usize, id: u32, answer: &[u8]) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        if let Ok((device, plaintext)) = self.owner.open_answer(exchange, answer) {
            assert_eq!((device, id_of(&plaintext)), (self.lamps[at].id.to_vec(), id), "who answered what");
            assert!(self.answered.insert((id, at as u8)), "an answer opens once");
        }
    }

    fn change_members(&mut self) {
        let at = self.random.below(LAMPS as u64) as usize;
        let allowed = self.lamps.iter().filter(|lamp| lamp.is_allowed).count();
        if self.lamps[at].is_allowed && allowed > 2 {
            self.lamps[at].is_allowed = false;
            self.owes_epoch = true;
        } else if allowed < 4 {
            self.lamps[at].is_allowed = true;
            self.notice(at);
        } else {
            self.owes_epoch = true;
        }
        self.settle();
    }

    /// Tells a lamp in its session.
    fn notice(&mut self, at: usize) {
        let mut notice = GroupMessage::new();
        self.owner.group.write_notice(self.owner.group.epoch(), &mut notice).unwrap();
        let _ = self.lamps[at].member.notice(&notice);
    }

    // ---- The lamps ----

    fn clock(&self, at: usize) -> u64 {
        self.now_ms - self.lamps[at].booted_ms
    }

    fn receive(&mut self, at: usize, object: &[u8]) {
        let clock = self.clock(at);
        let lamp = &mut self.lamps[at];
        let Ok(mut opened) = lamp.member.open(clock, Carrier::Oscore, object) else { return };
        let id = id_of(&opened.plaintext);
        assert_ne!(id, FORGED, "executed what the owner did not send");
        assert_eq!(opened.plaintext, command(id));
        assert!(id >= lamp.from, "twice, out of order, or from before it joined: {id} after {}", lamp.from);
        (lamp.from, lamp.executed) = (id + 1, lamp.executed + 1);
        let (sealed_ms, epoch) = self.sealed[id as usize];
        assert_eq!(lamp.member.group().unwrap().epoch, epoch);
        if self.timed {
            // A tick is less than 1/16 s; each restart may have left out a block.
            let allowed_ms =
                u64::from(MAX_AGE_S) * 16 * TICK_MS + self.owner_cuts * u64::from(BLOCK) * TICK_MS;
            assert!(self.now_ms - sealed_ms <= allowed_ms + TICK_MS, "older than it may be");
        }
        let reply = [&b"\x45\xff"[..], &id.to_be_bytes()].concat();
        if opened.mode == Mode::Tagged {
            let answer = lamp.member.answer_to(&mut opened.exchange, &reply).unwrap();
            self.send(at, || Flight::Reply(id, answer.clone()));
        }
    }

    fn ask(&mut self, at: usize) {
        let clock = self.clock(at);
        if clock < self.lamps[at].member.ask_due() {
            return;
        }
        let ask = self.lamps[at].member.ask_for(clock).unwrap();
        self.asks += 1;
        let number = self.asks;
        self.lamps[at].asked = number;
        // The session opens it once, however often it comes.
        if self.chance(80) {
            let due = self.now_ms + self.random.below(400);
            self.flights.push((due, at, Flight::Ask(number, ask)));
        }
    }

    fn take_answer(&mut self, at: usize, number: u64, answer: &[u8], next: u32) {
        let clock = self.clock(at);
        let lamp = &mut self.lamps[at];
        if core::mem::take(&mut lamp.asked) != number {
            return; // of an earlier ASK, or once more: that does not open in the session
        }
        match lamp.member.answer(clock, answer) {
            Ok(()) => lamp.from = lamp.from.max(next),
            Err(Error::UnknownSession) => assert_eq!(answer[0], 0x24),
            Err(error) => panic!("{error:?}"),
        }
        if self.random.below(3) == 0 {
            lamp.flash = None;
            let flash = &mut lamp.flash;
            let _ = lamp.member.store(|blob| {
                *flash = Some(blob.to_vec());
                Ok(())
            });
        }
    }

    fn cut_lamp(&mut self, at: usize) {
        let config = Self::member_config(self.timed);
        let lamp = &mut self.lamps[at];
        (lamp.booted_ms, lamp.asked) = (self.now_ms, 0);
        lamp.member = super::world::member(config);
        if let Some(blob) = &lamp.flash {
            lamp.member.restore((), &config, blob).unwrap();
        }
    }

    // ---- The attacker, who hears everything and has taken a lamp apart ----

    fn attack(&mut self) {
        let Some(last) = self.heard.len().checked_sub(1) else { return };
        let object = match self.random.below(7) {
            // All of the last ones once more, in order.
            0..2 => {
                for at in last.saturating_sub(8)..last {
                    let object = self.heard[at].clone();
                    (0..LAMPS).for_each(|at| self.receive(at, &object));
                }
                self.heard[last].clone()
            }
            // What is under way is held back.
            2 if self.chance(30) => {
                self.flights.iter_mut().for_each(|(due, ..)| *due += 15_000);
                return self.pass(15_500);
            }
            // A hint of a newer epoch.
            2 => {
                let form = super::super::form::RequestForm::parse(&self.heard[last]).unwrap();
                let mut object = self.heard[last].clone();
                object[form.len - 1] =
                    object[form.len - 1] & 0xc0 | object[form.len - 1].wrapping_add(1) & 0x3f;
                object
            }
            3 => self.heard[self.random.below(last as u64 + 1) as usize].clone(),
            4 => {
                let mut object = self.heard[last].clone();
                let at = self.random.below(object.len() as u64) as usize;
                object[at] ^= 1 << self.random.below(8);
                object
            }
            5 => {
                let (one, other) = (&self.heard[last], &self.heard[last / 2]);
                let cut = self.random.below(one.len().min(other.len()) as u64) as usize;
                [&one[..cut], &other[cut..]].concat()
            }
            _ => {
                let Some((epoch, ms)) = self.stolen else { return };
                let mut forger = Owner::new(0);
                forger.group.load((), &config(self.timed), epoch, &[9; 32], &ms, &[9; 32]).unwrap();
                forger.group.owner = self.owner.group.owner;
                let number = self.owner.group.numbers.lowest(self.owner.now_ms) + self.random.below(3);
                let number = if self.chance(10) { crate::limits::SEQUENCE_MAX } else { number };
                forger.group.numbers.begin(number, false, 0);
                let mode = if self.chance(10) { Mode::Signed } else { Mode::Tagged };
                forger.seal(mode, Carrier::Oscore, &command(FORGED)).unwrap().0
            }
        };
        (0..LAMPS).for_each(|at| self.receive(at, &object));
    }

    fn step(&mut self) {
        let at = self.random.below(LAMPS as u64) as usize;
        match self.random.below(100) {
            0..45 => _ = self.command(),
            45..80 => self.attack(),
            80..88 => self.change_members(),
            88..94 => self.cut_lamp(at),
            94..97 => _ = self.cut_owner(),
            _ => self.pass(30_000),
        }
        (0..LAMPS).for_each(|at| self.ask(at));
        let ms = self.random.below(1_500);
        self.pass(ms);
    }

    /// Peace: whoever is a member hears of it.
    fn end(&mut self) {
        self.pass(60_000);
        self.settle();
        (0..LAMPS).for_each(|at| self.notice(at));
        for _ in 0..20 {
            (0..LAMPS).for_each(|at| self.ask(at));
            self.pass(11_000);
        }
        let before: Vec<_> = self.lamps.iter().map(|lamp| lamp.executed).collect();
        for _ in 0..8 {
            while self.command().is_err() {}
            self.pass(1_000);
            (0..LAMPS).for_each(|at| self.ask(at));
            self.pass(11_000);
        }
        for (lamp, before) in self.lamps.iter().zip(before) {
            assert_eq!(lamp.executed > before, lamp.is_allowed, "lamp {}", lamp.id[0]);
        }
    }
}

#[test]
fn nobody_executes_what_it_should_not() {
    let (mut executed, mut answered, mut cuts, mut epochs, mut failed) = (0, 0, 0, 0, 0);
    for seed in 0..8 {
        let mut world = World::new(seed);
        (0..STEPS).for_each(|_| world.step());
        world.end();
        executed += world.lamps.iter().map(|lamp| lamp.executed).sum::<u32>();
        failed += world.lamps.iter().map(|lamp| lamp.member.stats().bad_tags).sum::<u32>();
        (answered, cuts) = (answered + world.answered.len(), cuts + world.owner_cuts);
        epochs += world.owner.group.epoch();
    }
    // It has happened.
    assert!(
        executed > 300 && answered > 200 && cuts > 20 && epochs > 40 && failed > 20,
        "{executed} {answered} {cuts} {epochs} {failed}"
    );
}
