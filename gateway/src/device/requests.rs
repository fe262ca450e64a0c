//! Sealed requests, from a datagram to the upstream.

use super::enrolled::Os;
use super::kept::{Latest, Sealed};
use super::outside::{Outside, What};
use super::source::peer;
use super::transfers::{Part, Progress};
use super::{ACKNOWLEDGE_MS, ASKERS_MAX, Asker, Front, Pending};
use crate::backend::{Reply, Request, SessionKey, Upstream};
use crate::coap::{Frame, Header, Options, Type, Writer, code, option};
use crate::log::{self, Kind};
use crate::store::Jobs;
use lscoap::Error;
use lscoap::coap::option::{Reader, uint_value};
use lscoap::coap::refuse;
use lscoap::server::{Env, Opened, Phase};
use std::cmp::Reverse;

/// How many requests of one session there may be at a time, ...
const OF_ONE: usize = 16;
/// ... and how many observations: another one ends the oldest.
const OBSERVATIONS_OF_ONE: usize = 16;
/// What is meant as an alert.
const ALERT: u8 = 0x1f;
const GET: u8 = 1;
const POST: u8 = 2;
const FETCH: u8 = 5;

impl<U: Upstream, J: Jobs> Front<U, J> {
    pub(super) fn sealed(
        &mut self,
        now_ms: u64,
        mut asker: Asker,
        frame: &Frame,
        datagram: &[u8],
        outside: &Outside<'_>,
    ) {
        if outside.has_bad_block {
            return self.answer_clear(&asker, code(4, 0), &[]);
        }
        let payload = frame.payload(datagram);
        let is_payload = outside.what == What::Payload;
        let begins = outside.block1.is_none_or(|block| block.number == 0);
        if is_payload && begins && payload.first() == Some(&ALERT) {
            return self.acknowledge_empty(&asker);
        }
        let transfer = self.transfer_name(&asker, frame.code, outside);
        if let Some(block) = outside.block2
            && (block.number > 0 || payload.is_empty())
        {
            return self.follow_up(now_ms, &asker, transfer);
        }
        let mut assembled = None;
        if let Some(block) = outside.block1.filter(|block| block.more || block.number > 0) {
            asker.block1 = Some(block);
            let begins = block.number == 0;
            let slot = if begins { self.slot_named(now_ms, frame, datagram, payload) } else { None };
            let is_named = outside.name().is_some();
            let note = slot.and_then(|slot| self.notes.get(slot));
            let is_known = note.is_some_and(|note| note.from == Some(asker.peer.address.ip()));
            let part = Part { name: transfer, is_named, block, bytes: payload, slot, is_known };
            match self.transfers.take(now_ms, &part) {
                Progress::Whole(bytes) => {
                    assembled = Some(bytes);
                    asker.last = Some(self.block_name(&part));
                }
                Progress::Continue => return self.answer_block(&asker, code(2, 31)),
                Progress::Busy => return self.answer_clear(&asker, code(5, 3), &[]),
                Progress::NoSession => return self.refuse(&asker, Error::UnknownSession, datagram),
                Progress::Refused(refused) if refused == code(4, 8) => {
                    return self.straggler(now_ms, &asker, &part);
                }
                Progress::Refused(refused) => return self.answer_clear(&asker, refused, &[]),
            }
        }
        let body = assembled.as_deref().unwrap_or(payload);
        let name = self.answers.name(outside.lasting, frame.code, body);
        if self.repeated(now_ms, &asker, name, transfer) {
            return;
        }
        self.buffer.clear();
        match &assembled {
            Some(body) => {
                self.buffer.extend_from_slice(datagram.get(..frame.options_end).unwrap_or_default());
                self.buffer.push(option::PAYLOAD_MARKER);
                self.buffer.extend_from_slice(body);
            }
            None => self.buffer.extend_from_slice(datagram),
        }
        // Where it comes from means nothing to a record.
        let directory = &mut self.enrolled;
        let mut env = Env { platform: &mut Os, directory, peer: &[], source: &[], now_ms };
        let len = self.buffer.len();
        let opened = self.server.unprotect_request(&mut self.slots, &mut env, &mut self.buffer, len);
        match opened {
            Ok(opened) => self.opened(now_ms, asker, opened, (name, transfer), frame.code, outside),
            Err(error) => {
                if matches!(error, Error::BadOption | Error::Malformed)
                    && let Some(slot) = self.slot_named(now_ms, frame, datagram, body)
                    && self.slots.get(slot).is_some_and(|slot| slot.phase() == Phase::Confirmed)
                    && let Some(key) = self.key_of(slot)
                {
                    // What is wrong may be inside: then this has confirmed its session all the same.
                    let device_id = self.device_of(slot);
                    self.note_confirmed(asker.peer.address, key, &device_id);
                }
                self.ended(now_ms);
                self.refuse(&asker, error, datagram);
            }
        }
    }

    /// What tells a transfer from others: who sends it where, unless it has a name.
    fn transfer_name(&self, asker: &Asker, code: u8, outside: &Outside<'_>) -> u64 {
        if outside.what == What::Oscore && outside.block1.is_none() && outside.block2.is_none() {
            return 0; // all of it goes in one
        }
        let from = peer(&asker.peer.address);
        let tag = outside.tag.unwrap_or_default();
        let from = if outside.name().is_some() { &[][..] } else { from.as_slice() };
        self.answers.name_options(&[
            (u16::from(code), &outside.lasting.to_be_bytes()),
            (u16::from(outside.what == What::Payload), tag),
            (0, from),
        ])
    }

    /// The slot of the session that a request says it is of.
    fn slot_named(&mut self, now_ms: u64, frame: &Frame, datagram: &[u8], body: &[u8]) -> Option<usize> {
        let oscore = Options::of(datagram, frame).find(|(number, _)| *number == option::OSCORE);
        let object = match oscore {
            Some((_, value)) => [value, body].concat(),
            None => body.to_vec(),
        };
        self.server.find(&mut self.slots, &mut self.enrolled, now_ms, &object).ok()
    }

    /// A request that was answered before, or is under way. `false`: it is new.
    fn repeated(&mut self, now_ms: u64, asker: &Asker, name: u64, transfer: u64) -> bool {
        if self.answers.find(now_ms, name).is_some() {
            self.counts.repeated.inc();
            self.send_kept(now_ms, asker, name, transfer, None);
            return true;
        }
        let Some(ticket) = self.by_name.get(&name).copied() else { return false };
        self.counts.repeated.inc();
        self.acknowledge_empty(asker);
        let Some(pending) = self.requests.get_mut(&ticket) else { return true };
        let is_same = |other: &Asker| {
            other.peer.address == asker.peer.address && other.token == asker.token && other.id == asker.id
        };
        let count = pending.askers.len();
        match pending.askers.iter_mut().find(|other| is_same(other)) {
            Some(other) => other.is_acknowledged = other.is_confirmable,
            None if count < ASKERS_MAX => {
                let is_acknowledged = asker.is_confirmable;
                pending.askers.push(Asker { is_acknowledged, ..asker.clone() });
            }
            None => {}
        }
        true
    }

    /// A late block of a request that is under way or was answered; any other block is one that is missing its beginning.
    fn straggler(&mut self, now_ms: u64, asker: &Asker, part: &Part<'_>) {
        let found = self.latest_of(part.name);
        // Where a transfer has no name, another one of the same may have begun.
        let last = found.filter(|latest| part.is_named || latest.last == Some(self.block_name(part)));
        let Some(Latest { name, .. }) = last else {
            return self.answer_clear(asker, code(4, 8), &[]);
        };
        if part.block.more {
            self.answer_block(asker, code(2, 31));
        } else if !self.repeated(now_ms, asker, name, part.name) {
            self.answer_clear(asker, code(4, 8), &[]);
        }
    }

    fn block_name(&self, part: &Part<'_>) -> u64 {
        self.answers.name(part.block.value().into(), 0, part.bytes)
    }

    /// Another block of an answer.
    fn follow_up(&mut self, now_ms: u64, asker: &Asker, transfer: u64) {
        match self.latest_of(transfer).map(|latest| latest.name) {
            Some(name) if self.answers.find(now_ms, name).is_some() => {
                self.send_kept(now_ms, asker, name, transfer, asker.block2);
            }
            // What is wanted would have to be asked for again.
            _ => self.answer_clear(asker, code(4, 8), &[]),
        }
    }

    /// Which request a transfer was.
    fn latest_of(&self, transfer: u64) -> Option<Latest> {
        self.assembled.get(&transfer).copied().or_else(|| self.answers.of_transfer(transfer))
    }

    /// The block of the request that was taken.
    fn answer_block(&mut self, asker: &Asker, code: u8) {
        let header = self.header_of_answer(asker, code);
        self.out.write(asker.peer, |bytes| {
            Header { token: &asker.token, ..header }.write(bytes);
            if let Some(block) = asker.block1 {
                Writer::new(bytes).uint(option::BLOCK1, block.value());
            }
        });
    }

    /// What was sealed and is not accepted, or was not sealed, in the clear.
    pub(super) fn refuse(&mut self, asker: &Asker, error: Error, datagram: &[u8]) {
        self.counts.refused.inc();
        let what = format_args!("a request is refused: {error:?}");
        log::say(Kind::RequestRefused, Some(asker.peer.address), None, what);
        self.message.clear();
        self.message.extend_from_slice(datagram);
        self.message.resize(datagram.len() + 16, 0);
        let Ok(len) = refuse(error, &mut self.message, datagram.len()) else {
            return self.answer_clear(asker, code(4, 0), &[]);
        };
        if !asker.is_confirmable {
            let id = self.own.id().to_be_bytes();
            if let Some(place) = self.message.get_mut(2..4) {
                place.copy_from_slice(&id);
            }
        }
        self.out.put(asker.peer, self.message.get(..len).unwrap_or_default());
    }

    /// A request that opened; its message is in the buffer.
    fn opened(
        &mut self,
        now_ms: u64,
        asker: Asker,
        opened: Opened,
        (name, transfer): (u64, u64),
        outer_code: u8,
        outside: &Outside<'_>,
    ) {
        let Opened { len, exchange, slot } = opened;
        let Some(key) = self.key_of(slot) else { return };
        let device_id = self.device_of(slot);
        self.note_confirmed(asker.peer.address, key, &device_id);
        if let Some(note) = self.notes.get_mut(slot) {
            note.from = Some(asker.peer.address.ip());
        }
        self.ended(now_ms);
        self.buffer.truncate(len);
        let is_payload = outside.what == What::Payload;
        if let Some(fault) = self.fault_of(outer_code, is_payload) {
            return self.say(now_ms, asker, (name, transfer), key, &exchange, fault);
        }
        let inner_observe = self.agree_on_observe(outside.observe);
        let observation = inner_observe
            .and_then(|_| self.observations.get(&(key, asker.token.clone())).copied())
            .filter(|ticket| self.requests.contains_key(ticket));
        let registers = inner_observe == Some(0) && observation.is_none();
        if !self.has_room(now_ms, key, registers) {
            return self.say(now_ms, asker, (name, transfer), key, &exchange, code(5, 3));
        }
        self.next_ticket = self.next_ticket.wrapping_add(1);
        let ticket = self.next_ticket;
        let request = Request {
            ticket,
            session: key,
            device_id: &device_id,
            message: &self.buffer,
            observation,
            in_one: is_payload,
        };
        self.answer.clear();
        let reply = self.upstream.request(now_ms, &request, &mut self.answer);
        match (observation, reply) {
            (Some(before), Reply::Later) => self.remove(before),
            // Busy, which ends it for the device (RFC 7641 section 3.2): then nobody else goes on with it.
            (Some(before), Reply::Now) => self.give_up(now_ms, before),
            _ => {}
        }
        match reply {
            Reply::Now => {
                self.counts.requests.inc();
                let answer = std::mem::take(&mut self.answer);
                if self.seal(key, &exchange, &answer) {
                    self.finish(now_ms, &asker, (name, transfer), key);
                } else {
                    self.say(now_ms, asker, (name, transfer), key, &exchange, code(5, 2));
                }
                self.answer = answer;
            }
            Reply::Later => {
                self.counts.requests.inc();
                let observes = (inner_observe == Some(0)).then(|| asker.token.clone());
                if let Some(token) = &observes {
                    self.observations.insert((key, token.clone()), ticket);
                }
                self.due.push(Reverse((now_ms.saturating_add(ACKNOWLEDGE_MS), ticket)));
                self.by_name.insert(name, ticket);
                if asker.block1.is_some() {
                    self.assembled.insert(transfer, Latest { name, last: asker.last });
                }
                self.of_session.entry(key).or_default().push(ticket);
                let pending = Pending {
                    session: key,
                    exchange,
                    name,
                    transfer,
                    askers: vec![asker],
                    is_payload,
                    observer: None,
                    observes,
                };
                self.requests.insert(ticket, pending);
            }
            Reply::Refused(refused) => self.say(now_ms, asker, (name, transfer), key, &exchange, refused),
        }
    }

    /// What is wrong with an authentic request before anybody else looks at it.
    fn fault_of(&self, outer_code: u8, is_payload: bool) -> Option<u8> {
        let inner = self.buffer.get(1).copied().unwrap_or(0);
        let is_change = !matches!(inner, GET | FETCH);
        if is_payload && is_change != (outer_code == POST) {
            return Some(code(4, 0));
        }
        self.is_draining.then_some(code(5, 3))
    }

    /// Whether a session may ask one more thing. Its oldest observation gives way to another one.
    fn has_room(&mut self, now_ms: u64, key: SessionKey, registers: bool) -> bool {
        let Some(tickets) = self.of_session.get(&key) else { return true };
        let is_observing =
            |ticket: &&u64| self.requests.get(*ticket).is_some_and(|pending| pending.observer.is_some());
        let observing = tickets.iter().filter(is_observing).count();
        if tickets.len() - observing >= OF_ONE {
            return false;
        }
        let oldest = tickets.iter().find(is_observing).copied();
        if let Some(oldest) = oldest.filter(|_| registers && observing >= OBSERVATIONS_OF_ONE) {
            self.give_up(now_ms, oldest);
        }
        true
    }

    /// Observe counts only if it says the same outside and inside; otherwise it is taken out. What it says then.
    fn agree_on_observe(&mut self, outer: Option<u32>) -> Option<u32> {
        let frame = Frame::read(&self.buffer).ok()?;
        let found = frame.find(&self.buffer, option::OBSERVE).ok()??;
        let value = self.buffer.get(found.at..found.at + found.len).unwrap_or_default();
        let value = uint_value(value).ok().filter(|value| *value <= 1);
        if value.is_some() && value == outer && matches!(frame.code, GET | FETCH) {
            return value;
        }
        let mut bytes = self.buffer.get(..frame.options).unwrap_or_default().to_vec();
        let mut writer = Writer::new(&mut bytes);
        Options::of(&self.buffer, &frame)
            .filter(|(number, _)| *number != option::OBSERVE)
            .for_each(|(number, value)| writer.option(number, value));
        writer.payload(frame.payload(&self.buffer));
        self.buffer = bytes;
        None
    }

    /// Answers with a code, under seal.
    fn say(
        &mut self,
        now_ms: u64,
        asker: Asker,
        names: (u64, u64),
        key: SessionKey,
        exchange: &lscoap::session::Exchange,
        code: u8,
    ) {
        let message = super::answering::bare(code);
        if self.seal(key, exchange, &message) {
            self.finish(now_ms, &asker, names, key);
        }
    }

    /// Keeps what was sealed, and sends it.
    fn finish(&mut self, now_ms: u64, asker: &Asker, (name, transfer): (u64, u64), key: SessionKey) {
        self.counts.answers.inc();
        self.keep(now_ms, name, key);
        self.send_kept(now_ms, asker, name, transfer, None);
    }

    /// Keeps the sealed message for a request that comes again.
    pub(super) fn keep(&mut self, now_ms: u64, name: u64, key: SessionKey) {
        let sealed = Sealed {
            code: self.message.get(1).copied().unwrap_or(0),
            rest: self.message.get(4..).unwrap_or_default(),
            payload_at: payload_at(&self.message),
        };
        self.answers.keep(now_ms, name, key, sealed);
    }

    /// Acknowledges a request that is not answered yet.
    pub(super) fn acknowledge(&mut self, ticket: u64) {
        let Some(pending) = self.requests.get_mut(&ticket) else { return };
        for asker in pending.askers.iter_mut().filter(|asker| asker.is_confirmable && !asker.is_acknowledged)
        {
            asker.is_acknowledged = true;
            let header = Header { kind: Type::Acknowledgement, code: 0, id: asker.id, token: &[] };
            self.out.write(asker.peer, |bytes| header.write(bytes));
        }
    }
}

/// Where the payload of a message with an empty token begins, counted from behind its header.
fn payload_at(message: &[u8]) -> usize {
    let mut reader = Reader::new(4);
    while reader.next(message).is_ok_and(|found| found.is_some()) {}
    (reader.position() + 1).min(message.len()).saturating_sub(4)
}
