//! Answers and notifications, from the upstream to a datagram.

use super::confirmable::End;
use super::kept::Kept;
use super::{Asker, BUSY_S, Front, Observer, spread};
use crate::backend::{Event, SessionKey, Ticket, Upstream};
use crate::coap::{Block, Header, SZX_MAX, Type, Writer, code, option};
use crate::log::{self, Kind};
use crate::net::Peer;
use crate::store::Jobs;
use lscoap::coap::PROTECT_OVERHEAD;
use lscoap::coap::option::uint;
use lscoap::session::Exchange;
use zeroize::Zeroize;

/// After so long, in ms, a notification is confirmable: an observer that has gone is given up (RFC 7641 section 4.5).
const CONFIRMABLE_MS: u64 = 600_000;

/// A message of a code alone; 5.03 says when to ask again.
pub(super) fn bare(answer: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8);
    Header { kind: Type::Acknowledgement, code: answer, id: 0, token: &[] }.write(&mut bytes);
    if answer == code(5, 3) {
        Writer::new(&mut bytes).uint(option::MAX_AGE, BUSY_S);
    }
    bytes
}

impl<U: Upstream, J: Jobs> Front<U, J> {
    /// Takes what became of requests.
    pub(super) fn take_events(&mut self, now_ms: u64) {
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                Event::Answer { ticket, is_last, is_confirmable, mut message } => {
                    self.answered(now_ms, ticket, is_last, is_confirmable, &message);
                    message.zeroize(); // a group's keys come this way, too
                }
                Event::Failed { ticket, code } => {
                    self.counts.failed.inc();
                    let what = format_args!("answered {}.{:02}", code >> 5, code & 0x1f);
                    log::say(Kind::BackendFailed, None, None, what);
                    self.answered(now_ms, ticket, true, false, &bare(code));
                }
            }
        }
        self.events = events;
    }

    /// Seals an answer, a message with an empty token, into [`Front::message`]. `false`: its session has ended, or it cannot be sealed.
    pub(super) fn seal(&mut self, key: SessionKey, exchange: &Exchange, answer: &[u8]) -> bool {
        let Some(session) = self.slots.get_mut(key.slot as usize).and_then(|slot| slot.session_mut()) else {
            return false;
        };
        if session.fingerprint() != Ok(key.fingerprint) {
            return false;
        }
        self.message.clear();
        self.message.extend_from_slice(answer);
        self.message.resize(answer.len() + PROTECT_OVERHEAD, 0);
        match session.protect_response(exchange, &mut self.message, answer.len()) {
            Ok(len) => {
                self.message.truncate(len);
                true
            }
            Err(error) => {
                self.message.zeroize();
                let what = format_args!("an answer could not be sealed: {error:?}");
                log::say(Kind::BackendFailed, None, None, what);
                false
            }
        }
    }

    fn answered(&mut self, now_ms: u64, ticket: Ticket, is_last: bool, is_confirmable: bool, message: &[u8]) {
        let Some(pending) = self.requests.get(&ticket) else { return };
        if pending.observer.is_some() {
            return self.notify(now_ms, ticket, is_last, is_confirmable, message);
        }
        let (key, exchange) = (pending.session, pending.exchange.clone());
        let (name, transfer) = (pending.name, pending.transfer);
        let sealed = self.seal(key, &exchange, message)
            // What the back-end said cannot be sealed: that is said, if anything can be.
            || self.seal(key, &exchange, &bare(code(5, 2)));
        if !sealed {
            return self.give_up(now_ms, ticket);
        }
        self.keep(now_ms, name, key);
        self.by_name.remove(&name);
        self.forget_assembled(transfer, name);
        let askers = match self.requests.get_mut(&ticket) {
            Some(pending) => std::mem::take(&mut pending.askers),
            None => return,
        };
        for asker in &askers {
            self.counts.answers.inc();
            self.send_kept(now_ms, asker, name, transfer, None);
        }
        // Whoever copies a registration gets its answer, not what comes later: that goes where it first came from, by the newest token.
        let first = askers.first().map(|asker| asker.peer.address);
        let observer =
            askers.into_iter().rfind(|asker| Some(asker.peer.address) == first).filter(|_| !is_last);
        match (self.requests.get_mut(&ticket), observer) {
            (Some(pending), Some(asker)) => {
                let before = pending.observes.replace(asker.token.clone());
                let observation = (key, asker.token.clone());
                let confirmable_ms = now_ms.saturating_add(CONFIRMABLE_MS);
                pending.observer = Some(Observer { asker, confirmable_ms, under_way: None, waiting: None });
                if let Some(before) = before.filter(|before| *before != observation.1) {
                    self.observations.remove(&(key, before));
                    self.observations.insert(observation, ticket);
                }
            }
            _ => self.remove(ticket),
        }
    }

    fn notify(&mut self, now_ms: u64, ticket: Ticket, is_last: bool, is_confirmable: bool, message: &[u8]) {
        let Some(pending) = self.requests.get_mut(&ticket) else { return };
        let (key, exchange, name) = (pending.session, pending.exchange.clone(), pending.name);
        let (is_payload, transfer) = (pending.is_payload, pending.transfer);
        let Some(observer) = &mut pending.observer else { return };
        if observer.under_way.is_some() && !is_last {
            observer.waiting = Some(message.to_vec()); // the newest state, when that one has arrived
            return;
        }
        let is_confirmable = is_last || is_confirmable || now_ms >= observer.confirmable_ms;
        if is_confirmable {
            observer.confirmable_ms = now_ms.saturating_add(CONFIRMABLE_MS);
        }
        let asker = observer.asker.clone();
        if !self.seal(key, &exchange, message) {
            return self.give_up(now_ms, ticket);
        }
        self.counts.answers.inc();
        let id = self.own.id();
        let kind = if is_confirmable { Type::Confirmable } else { Type::NonConfirmable };
        let code = self.message.get(1).copied().unwrap_or(0);
        let header = Header { kind, code, id, token: &asker.token };
        let mut bytes = Vec::with_capacity(self.message.len() + asker.token.len());
        let is_long =
            is_payload && self.message.len() > Block { number: 0, more: false, szx: SZX_MAX }.size();
        if is_long {
            // Its further blocks are asked for as those of an answer.
            self.keep(now_ms, name, key);
            self.answers.note_transfer(transfer, name, None);
            if let Some(kept) = self.answers.find(now_ms, name) {
                write_answer(&mut bytes, &header, kept, &asker, None);
            }
        } else {
            header.write(&mut bytes);
            bytes.extend_from_slice(self.message.get(4..).unwrap_or_default());
        }
        let about = (!is_last).then_some(ticket);
        let is_followed = if is_confirmable {
            self.own.send(now_ms, (asker.peer, id), bytes, about, spread(), &mut self.out)
        } else {
            self.out.put(asker.peer, &bytes);
            false
        };
        if is_last {
            return self.remove(ticket);
        }
        let observer = self.requests.get_mut(&ticket).and_then(|pending| pending.observer.as_mut());
        match observer {
            Some(observer) if is_followed => observer.under_way = Some(id),
            _ => self.own.remember(id, asker.peer, ticket),
        }
    }

    /// An acknowledgement or a reset has come.
    pub(super) fn acknowledged(&mut self, now_ms: u64, peer: Peer, id: u16, end: End) {
        let Some(ticket) = self.own.take(peer, id, end) else { return };
        if end == End::Reset {
            return self.give_up(now_ms, ticket);
        }
        let observer = self.requests.get_mut(&ticket).and_then(|pending| pending.observer.as_mut());
        let Some(observer) = observer else { return };
        observer.under_way = None;
        if let Some(message) = observer.waiting.take() {
            self.notify(now_ms, ticket, false, false, &message);
        }
    }

    /// Nobody wants the answers to a request any more.
    pub(super) fn give_up(&mut self, now_ms: u64, ticket: Ticket) {
        if self.requests.contains_key(&ticket) {
            self.upstream.cancel(now_ms, ticket);
            self.remove(ticket);
        }
    }

    /// Forgets a request that is over.
    pub(super) fn remove(&mut self, ticket: Ticket) {
        let Some(pending) = self.requests.remove(&ticket) else { return };
        if self.by_name.get(&pending.name) == Some(&ticket) {
            self.by_name.remove(&pending.name);
        }
        self.forget_assembled(pending.transfer, pending.name);
        if let Some(tickets) = self.of_session.get_mut(&pending.session) {
            tickets.retain(|other| *other != ticket);
            if tickets.is_empty() {
                self.of_session.remove(&pending.session);
            }
        }
        if let Some(id) = pending.observer.and_then(|observer| observer.under_way) {
            self.own.forget(id);
        }
        let Some(token) = pending.observes else { return };
        let observation = (pending.session, token);
        if self.observations.get(&observation) == Some(&ticket) {
            self.observations.remove(&observation);
        }
    }

    fn forget_assembled(&mut self, transfer: u64, name: u64) {
        if self.assembled.get(&transfer).is_some_and(|latest| latest.name == name) {
            self.assembled.remove(&transfer);
        }
    }

    /// Sends an answer that is kept: all of it, or a block.
    pub(super) fn send_kept(
        &mut self,
        now_ms: u64,
        asker: &Asker,
        name: u64,
        transfer: u64,
        wanted: Option<Block>,
    ) {
        let id = match asker {
            Asker { is_confirmable: true, is_acknowledged: false, id, .. } => *id,
            _ => self.own.id(),
        };
        let Some(kept) = self.answers.find(now_ms, name) else { return };
        let kind = match asker {
            Asker { is_confirmable: false, .. } => Type::NonConfirmable,
            Asker { is_acknowledged: false, .. } => Type::Acknowledgement,
            _ => Type::Confirmable,
        };
        let header = Header { kind, code: kept.code, id, token: &asker.token };
        let is_block = block_of(kept, asker, wanted).is_some();
        if kind == Type::Confirmable {
            let mut bytes = Vec::with_capacity(kept.rest.len() + asker.token.len() + 32);
            write_answer(&mut bytes, &header, kept, asker, wanted);
            self.own.send(now_ms, (asker.peer, id), bytes, None, spread(), &mut self.out);
        } else {
            self.out.write(asker.peer, |bytes| write_answer(bytes, &header, kept, asker, wanted));
        }
        if is_block || asker.block1.is_some() {
            self.answers.note_transfer(transfer, name, asker.last);
        }
    }
}

/// Which block of an answer goes out; `None`: all of it, in one. An OSCORE message's blocks are inside, unless they are asked for.
fn block_of(kept: &Kept, asker: &Asker, wanted: Option<Block>) -> Option<Block> {
    let len = kept.rest.len().saturating_sub(kept.payload_at);
    let is_oscore = first_options(kept).any(|(number, _)| number == option::OSCORE);
    let asked = wanted.or(asker.block2.map(|block| Block { number: 0, ..block }));
    let block = match asked {
        Some(block) => block,
        None if is_oscore => return None,
        None => Block { number: 0, more: false, szx: SZX_MAX },
    };
    (wanted.is_some() || len > block.size())
        .then_some(Block { more: block.offset().saturating_add(block.size()) < len, ..block })
}

fn first_options(kept: &Kept) -> impl Iterator<Item = (u16, &[u8])> {
    let mut reader = option::Reader::new(0);
    std::iter::from_fn(move || {
        let found = reader.next(&kept.rest).ok()??;
        Some((found.number, kept.rest.get(found.at..found.at + found.len)?))
    })
}

/// Writes an answer, or a block of it; 4.00 where there is no such block.
fn write_answer(bytes: &mut Vec<u8>, header: &Header<'_>, kept: &Kept, asker: &Asker, wanted: Option<Block>) {
    let block1 = asker.block1.filter(|_| wanted.is_none());
    let block = block_of(kept, asker, wanted);
    if block.is_none() && block1.is_none() {
        header.write(bytes);
        bytes.extend_from_slice(&kept.rest);
        return;
    }
    let payload = kept.rest.get(kept.payload_at..).unwrap_or_default();
    let part = match block {
        Some(block) => payload.get(block.offset()..).filter(|rest| !rest.is_empty()),
        None => Some(payload),
    };
    let Some(part) = part else {
        return Header { code: code(4, 0), ..*header }.write(bytes);
    };
    let part = block.and_then(|block| part.get(..block.size())).unwrap_or(part);
    let etag = kept.etag.to_be_bytes();
    let mut options: Vec<(u16, Vec<u8>)> = first_options(kept)
        // A later block is no notification.
        .filter(|(number, _)| *number != option::OBSERVE || wanted.is_none_or(|block| block.number == 0))
        .map(|(number, value)| (number, value.to_vec()))
        .collect();
    if let Some(block) = block {
        options.push((option::ETAG, etag.to_vec()));
        options.push((option::BLOCK2, uint(block.value()).to_vec()));
        if block.number == 0 {
            options.push((option::SIZE2, uint(u32::try_from(payload.len()).unwrap_or(u32::MAX)).to_vec()));
        }
    }
    if let Some(block) = block1 {
        options.push((option::BLOCK1, uint(Block { more: false, ..block }.value()).to_vec()));
    }
    options.sort_by_key(|(number, _)| *number);
    header.write(bytes);
    let mut writer = Writer::new(bytes);
    options.iter().for_each(|(number, value)| writer.option(*number, value));
    writer.payload(part);
}
