//! A delegate whose clock is wrong, that loses what it stored, and an owner that restarts: nobody executes anything twice, out of
//! order or from before it joined, and nothing is sealed twice under one key and number.

use super::delegate::{LAMP, SWITCH, ask, delegate, seal};
use super::world::{Opens, Owner, member};
use crate::crypto::Software;
use crate::error::Error;
use crate::group::*;
use crate::session::Carrier;
use crate::testing::Numbers;
use std::collections::BTreeSet;
use std::vec::Vec;

const CONFIG: GroupConfig = GroupConfig {
    number: 9,
    flags: flag::TAGGED | flag::TIMED,
    slots: 2,
    address: Address { bytes: crate::bytes::Bytes::EMPTY, port: 0 },
};
const BLOCK: u32 = 100;

struct World {
    random: Numbers,
    now_ms: u64,
    owner: Owner,
    owner_booted_ms: u64,
    flash: Vec<u8>,
    switch: Delegate<Software>,
    switch_booted_ms: u64,
    /// In millionths, how much too fast its clock is.
    drift: i64,
    switch_flash: Vec<u8>,
    lamp: Member<Software>,
    /// The lowest command that the lamp may execute, and how many it has.
    from: u32,
    executed: u32,
    sealed: u32,
    heard: Vec<Vec<u8>>,
    used: BTreeSet<(u32, u64)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut owner = Owner::new(2);
        owner.platform.state = seed;
        owner.saved = Some(Default::default());
        owner.run(|group, env| group.create((), env, &CONFIG)).unwrap();
        owner.run(|group, env| group.set_delegate(env, Some(SWITCH))).unwrap();
        let flash = owner.store(BLOCK).unwrap();
        Self {
            random: Numbers::from_seed(seed + 77),
            now_ms: 0,
            owner,
            owner_booted_ms: 0,
            flash,
            switch: delegate(),
            switch_booted_ms: 0,
            drift: if seed.is_multiple_of(2) { 100 } else { -100 },
            switch_flash: Vec::new(),
            lamp: member(MemberConfig::default()),
            from: 0,
            executed: 0,
            sealed: 0,
            heard: Vec::new(),
            used: BTreeSet::new(),
        }
    }

    fn switch_clock(&self) -> u64 {
        let elapsed = (self.now_ms - self.switch_booted_ms) as i64;
        (elapsed + elapsed * self.drift / 1_000_000) as u64
    }

    /// An answer of the owner's, who stores when it has to.
    fn answer(&mut self, id: &[u8], ask: &[u8]) -> Result<Vec<u8>, Error> {
        self.owner.now_ms = self.now_ms - self.owner_booted_ms;
        let first = self.owner.answer_ask(id, ask);
        if first != Err(Error::Unstored) {
            return first;
        }
        self.flash = self.owner.store(BLOCK).unwrap();
        self.owner.answer_ask(id, ask)
    }

    fn store_switch(&mut self) {
        let (clock, flash) = (self.switch_clock(), &mut self.switch_flash);
        self.switch
            .store(clock, BLOCK, |bytes| {
                *flash = bytes.to_vec();
                Ok(())
            })
            .unwrap();
    }

    fn switch_asks(&mut self) {
        let clock = self.switch_clock();
        let Ok(question) = ask(&mut self.switch, clock) else { return };
        let join = self.answer(SWITCH, &question).unwrap();
        self.switch.answer(clock, &join).unwrap();
        self.store_switch();
    }

    fn press(&mut self, times: u64) {
        for _ in 0..times {
            let clock = self.switch_clock();
            let plaintext = [&b"\x03\xff"[..], &self.sealed.to_be_bytes()].concat();
            match seal(&mut self.switch, Mode::Tagged, clock, Carrier::Oscore, &plaintext) {
                Ok(object) => {
                    let number = super::super::form::RequestForm::parse(&object).unwrap().number;
                    let epoch = self.switch.group().unwrap().epoch;
                    assert!(self.used.insert((epoch, number)), "a number is used twice");
                    self.sealed += 1;
                    let is_lost = self.random.below(4) == 0;
                    self.heard.push(object.clone());
                    if !is_lost {
                        self.hear(&object);
                    }
                }
                Err(Error::Unstored) => self.store_switch(),
                Err(Error::Budget | Error::Ask) => return,
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn hear(&mut self, object: &[u8]) {
        let Ok(opened) = self.lamp.open(self.now_ms, Carrier::Oscore, object) else { return };
        let id = u32::from_be_bytes(*opened.plaintext.last_chunk().unwrap());
        assert!(id >= self.from, "{id} after {}", self.from);
        (self.from, self.executed) = (id + 1, self.executed + 1);
    }

    fn lamp_asks(&mut self) {
        let Ok(question) = self.lamp.ask_for(self.now_ms) else { return };
        if let Ok(answer) = self.answer(LAMP, &question) {
            self.lamp.answer(self.now_ms, &answer).unwrap();
            self.from = self.from.max(self.sealed);
        }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..10 => {
                let times = self.random.below(40);
                self.press(times);
            }
            10 => self.switch_asks(),
            11 => self.lamp_asks(),
            // As far ahead of its clock as it may; then the lamp begins anew, and the attacker says all of it once more.
            12 | 13 => {
                self.press(129);
                self.lamp = member(MemberConfig::default());
                self.lamp_asks();
                let last = self.heard.len().saturating_sub(150);
                self.heard[last..].to_vec().iter().for_each(|object| self.hear(object));
            }
            14 if !self.switch_flash.is_empty() => {
                self.switch_booted_ms = self.now_ms;
                self.switch.restore((), 0, 0, &self.switch_flash).unwrap();
            }
            15 => {
                self.press(129);
                (self.switch_booted_ms, self.switch) = (self.now_ms, delegate());
                self.switch_flash.clear();
                self.switch_asks();
                self.press(20);
            }
            16 => {
                self.owner = self.owner.restored(&self.flash).unwrap();
                self.owner_booted_ms = self.now_ms;
                self.owner.run(|group, env| group.set_delegate(env, Some(SWITCH))).unwrap();
                self.flash = self.owner.store(BLOCK).unwrap();
                // The delegate is told first.
                let mut notice = GroupMessage::new();
                self.owner.group.write_notice(self.owner.group.epoch(), &mut notice).unwrap();
                let _ = self.switch.notice(&notice);
            }
            17 => self.now_ms += self.random.below(3 * 3_600_000),
            _ => self.now_ms += self.random.below(30_000),
        }
        self.now_ms += self.random.below(20_000);
        if self.switch_clock() >= self.switch.ask_due() {
            self.switch_asks();
        }
        if self.now_ms >= self.lamp.ask_due() {
            self.lamp_asks();
        }
    }
}

#[test]
fn nobody_executes_what_it_should_not() {
    let (mut executed, mut sealed, mut epochs) = (0, 0, 0);
    for seed in 0..4 {
        let mut world = World::new(seed);
        (0..40).for_each(|_| world.step());
        (executed, sealed) = (executed + world.executed, sealed + world.sealed);
        epochs += world.owner.group.epoch();
    }
    assert!(executed > 100 && sealed > 500 && epochs > 8, "{executed} {sealed} {epochs}");
}
