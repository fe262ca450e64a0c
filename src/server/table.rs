//! Who is in which slot, since when, and who is evicted (protocol section 8). Every operation takes a time that does
//! not depend on the number of slots.

use super::Directory;
use super::chains::{List, Queue, enter, head, leave};
use super::clock::Clock;
use super::slot::{DIGEST_LEN, Phase, Slot};
use super::sources::{join, oldest_of, part};
use super::stats::Counters;
use crate::crypto::Backend;

/// The most that one call expires: many that end at once do not hold up the next message.
const EXPIRE_AT_ONCE: usize = 32;
/// How many slots are looked at for sessions that the caller has wiped, where there is no room otherwise.
const SEARCH_AT_ONCE: usize = 64;
/// How long a handshake is safe from later ones of its own source, in milliseconds.
const OWN_MS: u64 = 2000;

/// What the server knows of its slots as a whole, and of time.
#[derive(Default)]
pub struct Table {
    /// Of the hashes, so that nobody outside can choose messages that share one.
    seed: [u64; 2],
    half_open: Queue,
    unconfirmed: Queue,
    /// Released slots.
    free: Queue,
    /// Slots from this one on have never been used.
    fresh: usize,
    /// The next slot to be looked at for a wiped session.
    hand: usize,
    /// Handshakes begun, which puts them in order.
    begun: u64,
    pub counters: Counters,
    pub clock: Clock,
}

impl Table {
    /// Takes random bytes that nobody outside knows. They count until the first handshake is entered.
    pub fn seed(&mut self, random: [u64; 2]) {
        if self.begun == 0 {
            self.seed = random;
        }
    }

    /// Room for handshakes: slots without a confirmed session.
    fn room(&self, slots: usize) -> usize {
        let [.., confirmed] = self.counters.phases;
        slots.saturating_sub(confirmed)
    }

    /// Whether half-open handshakes and unconfirmed sessions fill more than half of their room (section 7).
    pub fn is_crowded(&self, slots: usize) -> bool {
        let [half_open, unconfirmed, _] = self.counters.phases;
        half_open.saturating_add(unconfirmed).saturating_mul(2) > self.room(slots)
    }

    /// How many slots are free.
    pub fn free(&self, slots: usize) -> usize {
        self.counters.phases.iter().fold(slots, |free, taken| free.saturating_sub(*taken))
    }

    /// Where a new handshake would go: a slot that is free, else the oldest half-open one's, else the oldest
    /// unconfirmed one's. A confirmed session is never evicted. Where room is short, a source that holds a quarter of
    /// it has no more than that: its own oldest slot, once that has waited for [`OWN_MS`] (section 10).
    pub fn choose<B: Backend, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        source: &[u8],
    ) -> Option<usize> {
        let room = self.room(slots.len());
        if self.is_crowded(slots.len())
            && let Some((oldest, count)) = oldest_of(slots, self.source(source))
            && count.saturating_mul(4) >= room
        {
            let has_waited = slots.get(oldest)?.has_waited(OWN_MS, self.clock.now());
            return has_waited.then_some(oldest);
        }
        let slot = self.peek(slots.len());
        if slot.is_some() {
            return slot;
        }
        self.reclaim(slots, directory, SEARCH_AT_ONCE);
        self.peek(slots.len())
    }

    fn peek(&self, slots: usize) -> Option<usize> {
        let free = self.free.oldest.index().or(self.fresh(slots));
        free.or(self.half_open.oldest.index()).or(self.unconfirmed.oldest.index())
    }

    fn fresh(&self, slots: usize) -> Option<usize> {
        (self.fresh < slots).then_some(self.fresh)
    }

    /// Another free slot instead of one that [`Table::choose`] or this gave, which becomes the last to be given again:
    /// whoever keeps asking meets every free slot.
    pub fn instead_of<B: Backend>(&mut self, slots: &mut [Slot<B>], index: usize) -> Option<usize> {
        if slots.get(index)?.listed != Phase::Free {
            return None; // none was free
        }
        self.take_out(slots, index);
        self.free.append(slots, index);
        self.fresh(slots.len()).or(self.free.oldest.index())
    }

    /// Takes a free slot out of the free ones.
    fn take_out<B: Backend>(&mut self, slots: &mut [Slot<B>], index: usize) {
        if index == self.fresh {
            self.fresh = self.fresh.saturating_add(1);
        } else {
            self.free.remove(slots, index);
        }
    }

    /// Gives a slot that [`Table::choose`] chose to a new handshake, whose names, digest and answer are in it next.
    /// Gives the number of the handshake.
    pub fn empty<B: Backend, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        index: usize,
    ) -> u64 {
        if slots.get(index).is_some_and(|slot| slot.listed != Phase::Free) {
            self.counters.count(|stats| &mut stats.evicted);
            self.release(slots, directory, index);
        }
        self.take_out(slots, index);
        self.begun = self.begun.wrapping_add(1); // not in this life
        self.begun
    }

    /// Enters a handshake of a source that has been written into its slot.
    pub fn begin<B: Backend>(&mut self, slots: &mut [Slot<B>], index: usize, phase: Phase, source: &[u8]) {
        let source = self.source(source);
        let Some(slot) = slots.get_mut(index) else { return };
        slot.listed = phase;
        slot.since_ms = self.clock.now();
        slot.share.source = source;
        self.enter(slots, List::First, index);
        self.enter(slots, List::Device, index);
        self.queue(phase).append(slots, index);
        join(slots, index);
        self.counters.enter(phase);
    }

    /// A half-open handshake has become an unconfirmed session, and waits anew.
    pub fn establish<B: Backend>(&mut self, slots: &mut [Slot<B>], index: usize) {
        self.half_open.remove(slots, index);
        self.unconfirmed.append(slots, index);
        part(slots, index);
        join(slots, index);
        if let Some(slot) = slots.get_mut(index) {
            slot.since_ms = self.clock.now();
        }
        self.list(slots, index, Phase::Unconfirmed);
    }

    /// A session was confirmed: the device's older session goes, and everything of that device that began earlier.
    pub fn confirm<B: Backend, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        index: usize,
    ) {
        let Some((begun, device)) = slots.get(index).map(|slot| (slot.begun, slot.device_id)) else {
            return;
        };
        self.unconfirmed.remove(slots, index);
        part(slots, index);
        self.leave(slots, List::First, index);
        self.list(slots, index, Phase::Confirmed);
        self.release_device(slots, directory, &device, begun);
    }

    /// Ends everything of a device that began before a handshake. Gives how many there were.
    pub fn release_device<B: Backend, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        device_id: &[u8],
        before: u64,
    ) -> usize {
        let mut count = 0_usize;
        let hash = self.hash(device_id, slots.len());
        let mut next = head(slots, List::Device, hash);
        while let Some((index, slot)) = next.index().and_then(|index| Some((index, slots.get(index)?))) {
            next = slot.links.after(List::Device);
            if slot.begun < before && *slot.device_id == *device_id {
                let is_live = slot.phase() != Phase::Free;
                self.release(slots, directory, index);
                count = count.saturating_add(usize::from(is_live));
            }
        }
        count
    }

    /// The slot with the stored answer to a first message that has come before.
    pub fn find_first<B: Backend>(&self, slots: &mut [Slot<B>], first: &[u8; DIGEST_LEN]) -> Option<usize> {
        let hash = self.hash(first, slots.len());
        let mut next = head(slots, List::First, hash);
        while let Some((index, slot)) = next.index().and_then(|index| Some((index, slots.get(index)?))) {
            if slot.first == *first && slot.waits(self.clock.now()) {
                return Some(index);
            }
            next = slot.links.after(List::First);
        }
        None
    }

    /// Ends what has waited for too long, and a session that the caller has wiped, if one is met.
    pub fn tidy<B: Backend, D: Directory + ?Sized>(&mut self, slots: &mut [Slot<B>], directory: &mut D) {
        for _ in 0..EXPIRE_AT_ONCE {
            let oldest = [self.half_open.oldest, self.unconfirmed.oldest];
            let is_late =
                |index: &usize| slots.get(*index).is_some_and(|slot| slot.is_late(self.clock.now()));
            let Some(index) = oldest.iter().filter_map(|link| link.index()).find(is_late) else { break };
            self.expire(slots, directory, index);
        }
        self.reclaim(slots, directory, 1);
    }

    /// Ends a slot that has waited for too long, or whose session the caller has wiped.
    pub fn expire<B: Backend, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        index: usize,
    ) {
        let Some(slot) = slots.get(index) else { return };
        if slot.is_late(self.clock.now()) {
            self.counters.count(|stats| &mut stats.expired);
            self.release(slots, directory, index);
        } else if slot.listed != slot.phase() {
            self.release(slots, directory, index);
        }
    }

    /// Looks at some slots for sessions that the caller has wiped.
    fn reclaim<B: Backend, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        count: usize,
    ) {
        for _ in 0..count.min(self.fresh) {
            self.hand = if self.hand < self.fresh { self.hand } else { 0 };
            if slots.get(self.hand).is_some_and(|slot| slot.listed != slot.phase()) {
                self.release(slots, directory, self.hand);
            }
            self.hand = self.hand.saturating_add(1);
        }
    }

    /// Wipes a slot's secrets and gives it back. Every session but those of a server that is wiped ends here.
    pub fn release<B: Backend, D: Directory + ?Sized>(
        &mut self,
        slots: &mut [Slot<B>],
        directory: &mut D,
        index: usize,
    ) {
        let Some(slot) = slots.get_mut(index) else { return };
        slot.end(directory, index);
        let listed = slot.listed;
        if listed == Phase::Free {
            return;
        }
        if listed != Phase::Confirmed {
            self.queue(listed).remove(slots, index);
            part(slots, index);
            self.leave(slots, List::First, index);
        }
        self.leave(slots, List::Device, index);
        self.list(slots, index, Phase::Free);
        self.free.append(slots, index);
    }

    fn queue(&mut self, phase: Phase) -> &mut Queue {
        if phase == Phase::HalfOpen { &mut self.half_open } else { &mut self.unconfirmed }
    }

    /// Notes a change of phase.
    fn list<B: Backend>(&mut self, slots: &mut [Slot<B>], index: usize, phase: Phase) {
        if let Some(slot) = slots.get_mut(index) {
            self.counters.leave(slot.listed);
            self.counters.enter(phase);
            slot.listed = phase;
        }
    }

    /// What stands for a source: not 0, unless nothing is known of it.
    pub fn source(&self, source: &[u8]) -> u32 {
        if source.is_empty() { 0 } else { self.mix(source).max(1) }
    }

    /// Enters a slot under the hash of what the list is by.
    fn enter<B: Backend>(&self, slots: &mut [Slot<B>], list: List, index: usize) {
        enter(slots, list, self.hash_of(slots, list, index), index);
    }

    /// Takes it out from there.
    fn leave<B: Backend>(&self, slots: &mut [Slot<B>], list: List, index: usize) {
        leave(slots, list, self.hash_of(slots, list, index), index);
    }

    fn hash_of<B: Backend>(&self, slots: &[Slot<B>], list: List, index: usize) -> usize {
        let Some(slot) = slots.get(index) else { return 0 };
        let bytes = if matches!(list, List::First) { &slot.first[..] } else { &slot.device_id };
        self.hash(bytes, slots.len())
    }

    /// Of a digest or a device id, below the number of slots.
    fn hash(&self, bytes: &[u8], slots: usize) -> usize {
        usize::try_from(self.mix(bytes)).ok().and_then(|hash| hash.checked_rem(slots)).unwrap_or(0)
    }

    fn mix(&self, bytes: &[u8]) -> u32 {
        let [start, multiplier] = self.seed;
        let mixed = bytes
            .iter()
            .fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(multiplier | 1).rotate_left(32));
        let [high @ .., _, _, _, _] = mixed.to_be_bytes();
        u32::from_be_bytes(high)
    }
}
