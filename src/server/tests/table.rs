//! The lists inside the slots against a model that looks at everything, in any order of events.

use super::*;
use crate::server::chains::{List, head};
use crate::server::slot::{DIGEST_LEN, HalfOpen};
use crate::server::sources::oldest_of;
use crate::server::table::Table;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::vec;

/// What may happen to a table.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A handshake of a device begins; the second byte is its message, and its source by the last bits of that; the third
    /// how many free slots are passed over.
    Begin(u8, u8, u8),
    /// The n-th of those in the table goes on: half-open, unconfirmed, confirmed.
    Advance(u8),
    /// Its signature was bad.
    Release(u8),
    /// The caller wipes its session.
    Wipe(u8),
    Forget(u8),
    Wait(u16),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u8..5, any::<u8>()).prop_map(|(device, message)| Event::Begin(device, message, 0)),
        2 => (0_u8..5, any::<u8>(), 1_u8..5).prop_map(|(device, message, n)| Event::Begin(device, message, n)),
        8 => any::<u8>().prop_map(Event::Advance),
        1 => any::<u8>().prop_map(Event::Release),
        1 => any::<u8>().prop_map(Event::Wipe),
        1 => (0_u8..5).prop_map(Event::Forget),
        2 => (0_u16..40_000).prop_map(Event::Wait),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    device: u8,
    message: u8,
    begun: u64,
    /// When it became what it is: the number of the event, and the time.
    since: u64,
    since_ms: u64,
    phase: Phase,
}

struct Model {
    table: Table,
    slots: Vec<Slot>,
    devices: Devices,
    /// By slot.
    entries: BTreeMap<usize, Entry>,
    now: u64,
    events: u64,
    /// The device of every session that there has been.
    sessions: Vec<u8>,
}

impl Model {
    fn new(slots: usize) -> Self {
        let slots = (0..slots).map(|_| Slot::default()).collect();
        let mut table = Table::default();
        table.seed([0x0123_4567_89ab_cdef, 0x9e37_79b9_7f4a_7c15]);
        let (devices, sessions) = (Devices::default(), Vec::new());
        Self { table, slots, devices, entries: BTreeMap::new(), now: 0, events: 0, sessions }
    }

    fn nth(&self, n: u8) -> Option<usize> {
        let count = self.entries.len();
        self.entries.keys().nth(usize::from(n).checked_rem(count)?).copied()
    }

    fn first(message: u8) -> [u8; DIGEST_LEN] {
        [message; DIGEST_LEN]
    }

    /// One of three sources, or none that is known.
    fn source(message: u8) -> Vec<u8> {
        Some(message % 4).filter(|source| *source != 0).into_iter().collect()
    }

    /// The oldest slot of those that wait, and how many there are.
    fn share(&self, source: &[u8]) -> Option<(usize, usize)> {
        let is_its = |entry: &Entry| entry.phase != Phase::Confirmed && Self::source(entry.message) == source;
        let its = || self.entries.iter().filter(|(_, entry)| is_its(entry) && !source.is_empty());
        its().min_by_key(|(_, entry)| entry.since).map(|(index, _)| (*index, its().count()))
    }

    /// Where a handshake goes whose source may have nobody else's room, if it is one.
    fn own_slot(&self, source: &[u8]) -> Option<Option<usize>> {
        let count = |phase| self.entries.values().filter(|entry| entry.phase == phase).count();
        let room = self.slots.len() - count(Phase::Confirmed);
        let is_crowded = (count(Phase::HalfOpen) + count(Phase::Unconfirmed)) * 2 > room;
        let (oldest, count) = self.share(source).filter(|(_, count)| is_crowded && count * 4 >= room)?;
        assert!(count > 0);
        Some(Some(oldest).filter(|_| self.now - self.entries[&oldest].since_ms >= 2000))
    }

    fn begin(&mut self, device: u8, message: u8, passed_over: u8) {
        let waiting = |entry: &Entry| entry.phase != Phase::Confirmed;
        let known = self.entries.iter().find(|(_, entry)| waiting(entry) && entry.message == message);
        let found = self.table.find_first(&mut self.slots, &Self::first(message));
        assert_eq!(found, known.map(|(index, _)| *index));
        if found.is_some() {
            return;
        }
        let oldest = |phase: Phase| {
            let of_phase = self.entries.iter().filter(|(_, entry)| entry.phase == phase);
            of_phase.min_by_key(|(_, entry)| entry.since).map(|(index, _)| *index)
        };
        let victim = oldest(Phase::HalfOpen).or(oldest(Phase::Unconfirmed));
        let is_full = self.entries.len() == self.slots.len();
        let source = Self::source(message);
        let own_slot = self.own_slot(&source);
        let chosen = self.table.choose(&mut self.slots, &mut self.devices, &source);
        match chosen {
            _ if own_slot.is_some() => assert_eq!(Some(chosen), own_slot),
            Some(index) if !is_full => assert!(!self.entries.contains_key(&index)),
            other => assert_eq!(other, victim),
        }
        let Some(mut index) = chosen else { return };
        let mut met = vec![index];
        for _ in 0..passed_over {
            let other = self.table.instead_of(&mut self.slots, index);
            assert_eq!(other.is_none(), is_full || own_slot.is_some());
            index = other.unwrap_or(index);
            met.push(index);
        }
        if !is_full && own_slot.is_none() {
            assert!(met.iter().all(|index| !self.entries.contains_key(index)));
            met.sort_unstable();
            met.dedup();
            let free = self.slots.len() - self.entries.len();
            assert_eq!(met.len(), free.min(usize::from(passed_over) + 1), "another one each time");
        }
        let begun = self.table.empty(&mut self.slots, &mut self.devices, index);
        let slot = &mut self.slots[index];
        assert_eq!(slot.phase(), Phase::Free, "its secrets are wiped");
        slot.begun = begun;
        slot.device_id = crate::wire::DeviceId::copy_of(&[device], Error::Argument).unwrap();
        slot.first = Self::first(message);
        let (th_2, secret) = ([0; 32], [0; 32]);
        let client_ephemeral = crate::crypto::Point::EMPTY;
        slot.body = Body::HalfOpen(HalfOpen { th_2, client_ephemeral, secret, has_prk: false });
        self.table.begin(&mut self.slots, index, Phase::HalfOpen, &source);
        let (since, since_ms) = (self.events, self.now);
        let entry = Entry { device, message, begun, since, since_ms, phase: Phase::HalfOpen };
        self.entries.insert(index, entry);
    }

    fn advance(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let entry = self.entries.get_mut(&index).unwrap();
        match entry.phase {
            Phase::HalfOpen => {
                slot.establish((), &[7; 32]);
                self.table.establish(&mut self.slots, index);
                self.sessions.push(entry.device);
                (entry.phase, entry.since, entry.since_ms) = (Phase::Unconfirmed, self.events, self.now);
            }
            Phase::Unconfirmed => {
                slot.session_mut().unwrap().confirm();
                self.table.confirm(&mut self.slots, &mut self.devices, index);
                entry.phase = Phase::Confirmed;
                let Entry { device, begun, .. } = *entry;
                self.entries.retain(|_, entry| entry.device != device || entry.begun >= begun);
            }
            _ => {}
        }
    }

    fn happen(&mut self, event: Event) {
        self.events += 1;
        self.table.seed([self.events; 2]); // in vain once there is an entry
        match event {
            Event::Begin(device, message, passed_over) => self.begin(device, message, passed_over),
            Event::Advance(n) => {
                if let Some(index) = self.nth(n) {
                    self.advance(index);
                }
            }
            Event::Release(n) => {
                if let Some(index) = self.nth(n) {
                    self.table.release(&mut self.slots, &mut self.devices, index);
                    self.entries.remove(&index);
                }
            }
            Event::Wipe(n) => {
                if let Some(index) = self.nth(n)
                    && let Some(session) = self.slots[index].session_mut()
                {
                    session.wipe();
                    self.entries.remove(&index);
                    self.table.expire(&mut self.slots, &mut self.devices, index); // as the next record for it does
                }
            }
            Event::Forget(device) => {
                let count = self.entries.values().filter(|entry| entry.device == device).count();
                assert_eq!(
                    self.table.release_device(&mut self.slots, &mut self.devices, &[device], u64::MAX),
                    count
                );
                self.entries.retain(|_, entry| entry.device != device);
            }
            Event::Wait(ms) => {
                self.now += u64::from(ms);
                self.table.clock.advance(self.now);
                self.table.tidy(&mut self.slots, &mut self.devices);
                let now = self.now;
                self.entries.retain(|_, entry| match entry.phase {
                    Phase::HalfOpen => now < entry.since_ms + HALF_OPEN_MS,
                    Phase::Unconfirmed => now < entry.since_ms + UNCONFIRMED_MS,
                    _ => true,
                });
            }
        }
    }

    fn check(&mut self) {
        let count = |phase| self.entries.values().filter(|entry| entry.phase == phase).count();
        let phases = [Phase::HalfOpen, Phase::Unconfirmed, Phase::Confirmed].map(count);
        assert_eq!(self.table.counters.phases, phases);
        for (index, slot) in self.slots.iter().enumerate() {
            let phase = self.entries.get(&index).map_or(Phase::Free, |entry| entry.phase);
            assert_eq!((slot.phase(), slot.listed), (phase, phase), "slot {index}");
        }
        // Every session has ended once, or is there.
        let live = self.entries.values().filter(|entry| entry.phase >= Phase::Unconfirmed);
        let ended = self.devices.ended.iter().map(|ended| ended.device_id[0]);
        let mut told: Vec<u8> = live.map(|entry| entry.device).chain(ended).collect();
        told.sort_unstable();
        self.sessions.sort_unstable();
        assert_eq!(told, self.sessions);
        // Each is found by its hash exactly as often as it should be.
        for (list, expected) in [(List::Device, phases.iter().sum()), (List::First, phases[0] + phases[1])] {
            let mut found = 0;
            for hash in 0..self.slots.len() {
                let mut next = head(&mut self.slots, list, hash);
                while let Some(index) = next.index() {
                    found += 1;
                    assert!(found <= self.slots.len(), "a list that does not end");
                    next = self.slots[index].links.after(list);
                }
            }
            assert_eq!(found, expected);
        }
        for message in 0..4 {
            let source = Self::source(message);
            let hash = self.table.source(&source);
            assert_eq!(oldest_of(&mut self.slots, hash), self.share(&source), "source {source:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agrees_with_a_model(slots in 1_usize..12, events in prop::collection::vec(event(), 0..120)) {
        let mut model = Model::new(slots);
        for event in events {
            model.happen(event);
            model.check();
        }
    }
}

/// A session that the caller wiped gives its slot back even if nobody asks for it again.
#[test]
fn wiped_sessions_make_room() {
    let mut model = Model::new(3);
    for device in 0..3 {
        model.begin(device, device, 0);
        model.advance(device.into());
        model.advance(device.into());
    }
    // Wherever the search begins, it looks at all three.
    for (device, wiped) in (3..).zip([2, 1, 0, 2]) {
        assert_eq!(model.table.choose(&mut model.slots, &mut model.devices, b""), None);
        model.slots[wiped].session_mut().unwrap().wipe();
        model.entries.remove(&wiped);
        assert_eq!(model.table.choose(&mut model.slots, &mut model.devices, b""), Some(wiped));
        assert_eq!(model.table.counters.phases, [0, 0, 2]);
        model.begin(device, device, 0);
        model.advance(wiped);
        model.advance(wiped);
    }
    assert_eq!(model.devices.ended.iter().map(|ended| ended.slot).collect::<Vec<_>>(), [2, 1, 0, 2]);
}

/// However many expire together, a message that comes then does not wait for all of them.
#[test]
fn many_expire_in_turns() {
    let mut model = Model::new(100);
    (0..100).for_each(|n| model.begin(0, n, 0));
    model.table.clock.advance(HALF_OPEN_MS);
    model.table.tidy(&mut model.slots, &mut model.devices);
    assert_eq!(model.table.counters.phases, [68, 0, 0]);
    assert_eq!(model.table.find_first(&mut model.slots, &[99; DIGEST_LEN]), None, "late all the same");
    for _ in 0..3 {
        model.table.tidy(&mut model.slots, &mut model.devices);
    }
    assert_eq!((model.table.counters.phases, model.table.counters.stats.expired), ([0, 0, 0], 100));
}

#[test]
fn more_than_half_is_a_crowd() {
    let mut model = Model::new(10);
    for n in 0..6 {
        assert!(!model.table.is_crowded(10), "{n} of 10");
        model.begin(n, n, 0);
    }
    assert!(model.table.is_crowded(10));
    let mut model = Model::new(10);
    for n in 0..4 {
        model.begin(n, n, 0);
        model.advance(n.into());
        model.advance(n.into());
    }
    // Six are left.
    (0..4).for_each(|n| model.begin(n, 100 + n, 0));
    assert!(model.table.is_crowded(10));
}
