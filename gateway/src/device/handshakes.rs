//! Handshakes (protocol sections 3 to 8, and 10 for CoAP). An R1 whose session is not in memory waits for the store; its R2 goes out
//! once the store has counted it.

use super::enrolled::{Loaded, Os};
use super::outside::{Outside, What, has_strange_critical};
use super::source::{self, peer, source};
use super::{ASKERS_MAX, Asker, BUSY_S, Front};
use crate::backend::{SessionKey, Upstream};
use crate::coap::{Frame, Header, Type, Writer, code, option};
use crate::log::{self, Kind};
use crate::store::{Job, Jobs, Outcome};
use lscoap::coap::HANDSHAKE;
use lscoap::server::Env;
use lscoap::wire::{Parsed, parse};
use lscoap::{Alert, Error, Message, Status};
use std::collections::HashMap;

/// How many R1 wait for the store at most.
const WAITING_MAX: usize = 1024;
/// The first byte of a message that is meant as an alert, to which there is no answer.
const ALERT: u8 = 0x1f;
const POST: u8 = 2;

/// An R1 that waits for the store.
struct Waiting {
    /// As it came, perhaps with a cookie.
    message: Vec<u8>,
    /// Whoever sent it, and others who did.
    askers: Vec<Asker>,
    /// Whom it shares room with.
    source: source::Bytes,
    /// Once it was answered: the R2, and the session that it made.
    answer: Option<(Vec<u8>, Option<SessionKey>)>,
}

/// R1 that wait for the store, by what they are without a cookie; and which job is whose.
#[derive(Default)]
pub(super) struct Resuming {
    waiting: HashMap<Vec<u8>, Waiting>,
    jobs: HashMap<u64, Vec<u8>>,
}

impl Resuming {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether R1 that wait fill more than half of their room.
    fn is_crowded(&self) -> bool {
        self.waiting.len() * 2 > WAITING_MAX
    }

    /// Whether there is room for another R1 of a source: where room is short, none has more than a quarter (protocol section 10).
    fn has_room(&self, source: &source::Bytes) -> bool {
        let own = || self.waiting.values().filter(|waiting| waiting.source == *source).count();
        self.waiting.len() < WAITING_MAX && (!self.is_crowded() || own() * 4 < WAITING_MAX)
    }
}

/// What goes out: an ALERT has a code of its own.
fn response_code(answer: &[u8]) -> u8 {
    match parse(answer) {
        Ok(Parsed::Alert(Alert::Malformed)) => code(4, 0),
        Ok(Parsed::Alert(Alert::Busy)) => code(5, 3),
        Ok(Parsed::Alert(_) | Parsed::Retry { .. }) => code(4, 1),
        _ => code(2, 4),
    }
}

/// The connection id of the session that an R1 resumes; none for other messages.
fn resumed(message: &[u8]) -> &[u8] {
    match parse(message) {
        Ok(Parsed::R1 { cid_s, .. }) => cid_s,
        _ => &[],
    }
}

const BUSY: [u8; 2] = [ALERT, 4];
const UNKNOWN_SESSION: [u8; 2] = [ALERT, 5];

impl<U: Upstream, J: Jobs> Front<U, J> {
    pub(super) fn handshake(
        &mut self,
        now_ms: u64,
        asker: Asker,
        frame: &Frame,
        datagram: &[u8],
        outside: &Outside<'_>,
    ) {
        if frame.code != POST {
            return self.answer_clear(&asker, code(4, 5), &[]);
        }
        if has_strange_critical(datagram, frame) {
            return self.answer_clear(&asker, code(4, 2), &[]);
        }
        if outside.what != What::Handshake(true) {
            return self.answer_clear(&asker, code(4, 15), &[]);
        }
        let is_block = outside.block1.is_some_and(|block| block.more || block.number > 0);
        if outside.has_bad_block || is_block {
            return self.answer_clear(&asker, code(4, 0), &[]); // they all fit one datagram
        }
        let message = frame.payload(datagram);
        if message.first() == Some(&ALERT) {
            return self.acknowledge_empty(&asker);
        }
        let (is_opening, inner) = match parse(message) {
            Ok(Parsed::Retried { inner, .. }) => (true, inner),
            Ok(Parsed::M1 { .. } | Parsed::X1 { .. } | Parsed::R1 { .. }) => (true, message),
            _ => (false, message),
        };
        if let Some(Waiting { askers, .. }) = self.resuming.waiting.get_mut(inner) {
            // A copy from elsewhere is answered as well; it does not take the answer away.
            if let Some(other) = askers.iter_mut().find(|other| other.peer.address == asker.peer.address) {
                *other = asker;
            } else if askers.len() < ASKERS_MAX {
                askers.push(asker);
            }
            return;
        }
        if self.is_draining && is_opening {
            return self.answer_handshake(&asker, &BUSY);
        }
        let inner = inner.to_vec();
        // Who resumes proves his address where R1 that wait for the store fill more than half of their room.
        let is_slow = self.resuming.is_crowded() && matches!(parse(&inner), Ok(Parsed::R1 { .. }));
        self.server.set_retry_rate(if is_slow { 1 } else { self.retry_rate });
        self.step(now_ms, vec![asker], message, inner, Loaded::Nothing);
        self.server.set_retry_rate(self.retry_rate);
    }

    /// Has the library answer a message; `inner` is what it is without a cookie.
    fn step(&mut self, now_ms: u64, askers: Vec<Asker>, message: &[u8], inner: Vec<u8>, loaded: Loaded) {
        // The first one's address is what a cookie was made for.
        let Some(address) = askers.first().map(|asker| asker.peer.address) else { return };
        self.enrolled.loaded = loaded;
        self.enrolled.wanted = None;
        let (from, shares) = (peer(&address), source(&address, &self.networks));
        let mut env = Env {
            platform: &mut Os,
            directory: &mut self.enrolled,
            peer: from.as_slice(),
            source: shares.as_slice(),
            now_ms,
        };
        let mut out = Message::new();
        let result = self.server.step(&mut self.slots, &mut env, message, &mut out);
        self.enrolled.loaded = Loaded::Nothing;
        let made = self.server.made().and_then(|slot| self.key_of(slot));
        if let Some(note) = made.and_then(|key| self.notes.get_mut(key.slot as usize)) {
            let is_resumed = matches!(parse(&inner), Ok(Parsed::R1 { .. }));
            let from = Some(address.ip());
            *note = super::Note { made_ms: now_ms, is_resumed, from, ..super::Note::default() };
        }
        // A handshake message has one record saved at most: that of the R1 that it is.
        let save = self.enrolled.saves.pop();
        self.ended(now_ms);
        match (result, save) {
            (Ok(Status::Send), Some(save)) => {
                let job = Job::Save {
                    device_id: save.device_id,
                    cid: save.cid,
                    record: save.record,
                    count: Some(save.answered),
                };
                let resumed = resumed(&inner).to_vec();
                if let Err(askers) = self.wait(askers, message, inner, job, Some((out.to_vec(), made))) {
                    self.take_back(now_ms, made, &resumed);
                    self.answer_all(&askers, &BUSY);
                }
            }
            (Ok(status), _) => {
                if status == Status::Refused
                    && let Ok(Parsed::Alert(alert)) = parse(&out)
                {
                    let what = format_args!("a handshake is refused: {alert:?}");
                    log::say(Kind::HandshakeRefused, Some(address), None, what);
                }
                self.answer_all(&askers, &out);
            }
            (Err(Error::Storage), _) if self.enrolled.wanted.is_some() => {
                self.counts.loads.inc();
                let cid = self.enrolled.wanted.take().unwrap_or_default();
                if let Err(askers) = self.wait(askers, message, inner, Job::Load { cid }, None) {
                    self.answer_all(&askers, &BUSY);
                }
            }
            (Err(Error::Unexpected), _) => askers.iter().for_each(|asker| self.acknowledge_empty(asker)),
            (Err(Error::Random), _) => {
                askers.iter().for_each(|asker| self.answer_clear(asker, code(5, 0), &[]))
            }
            (Err(_), _) => askers.iter().for_each(|asker| self.answer_clear(asker, code(4, 0), &[])),
        }
    }

    /// Hands a job over, for which a message waits. Whoever sent it, if it was not taken.
    fn wait(
        &mut self,
        askers: Vec<Asker>,
        message: &[u8],
        inner: Vec<u8>,
        job: Job,
        answer: Option<(Vec<u8>, Option<SessionKey>)>,
    ) -> Result<(), Vec<Asker>> {
        let number = self.job();
        let Some(first) = askers.first() else { return Err(askers) };
        let source = source(&first.peer.address, &self.networks);
        // One that has been loaded had its room.
        let has_room = answer.is_some() || self.resuming.has_room(&source);
        if !has_room || !self.jobs.submit(number, job) {
            self.counts.store_refusals.inc();
            return Err(askers);
        }
        let waiting = Waiting { message: message.to_vec(), askers, source, answer };
        self.resuming.waiting.insert(inner.clone(), waiting);
        self.resuming.jobs.insert(number, inner);
        Ok(())
    }

    /// The outcome of a job that a message waits for. `None`: it was none of those.
    pub(super) fn resuming_done(&mut self, now_ms: u64, number: u64, outcome: &mut Outcome) -> Option<()> {
        let inner = self.resuming.jobs.remove(&number)?;
        let Waiting { message, askers, answer, .. } = self.resuming.waiting.remove(&inner)?;
        let Some((answer, made)) = answer else {
            let cid = resumed(&inner).to_vec();
            let loaded = match std::mem::replace(outcome, Outcome::Done) {
                Outcome::Loaded(Some(record)) => Loaded::Record(cid, record),
                Outcome::Loaded(None) => Loaded::NoRecord(cid),
                _ => {
                    self.store_refused(&askers, &BUSY, "the store does not answer");
                    return Some(());
                }
            };
            self.step(now_ms, askers, &message, inner, loaded);
            return Some(());
        };
        match outcome {
            // Where the session had to make room meanwhile, its R2 is of no use.
            Outcome::Done if made.is_some_and(|key| self.key_of(key.slot as usize) != Some(key)) => {
                self.answer_all(&askers, &BUSY);
            }
            Outcome::Done => self.answer_all(&askers, &answer),
            Outcome::Conflict => {
                self.take_back(now_ms, made, resumed(&inner));
                self.store_refused(
                    &askers,
                    &UNKNOWN_SESSION,
                    "another node has answered it, or a newer session is stored",
                );
            }
            _ => {
                self.take_back(now_ms, made, resumed(&inner));
                self.store_refused(&askers, &BUSY, "the store does not answer");
            }
        }
        Some(())
    }

    fn store_refused(&mut self, askers: &[Asker], alert: &[u8], why: &str) {
        self.counts.store_refusals.inc();
        let what = format_args!("a resumption is refused: {why}");
        log::say(Kind::StoreFailed, askers.first().map(|asker| asker.peer.address), None, what);
        self.answer_all(askers, alert);
    }

    /// Ends a session whose R2 nobody may see. Its slot may be another's meanwhile. The live session that it was to follow, with this
    /// connection id, has answered one R1 less.
    fn take_back(&mut self, now_ms: u64, made: Option<SessionKey>, resumed: &[u8]) {
        self.server.uncount_resumption(&mut self.slots, resumed);
        if let Some(key) = made {
            self.end_session(now_ms, key);
        }
    }

    fn answer_all(&mut self, askers: &[Asker], answer: &[u8]) {
        askers.iter().for_each(|asker| self.answer_handshake(asker, answer));
    }

    fn answer_handshake(&mut self, asker: &Asker, answer: &[u8]) {
        self.answer_clear(asker, response_code(answer), answer);
    }

    /// A response in the clear; a payload is a handshake message.
    pub(super) fn answer_clear(&mut self, asker: &Asker, code: u8, payload: &[u8]) {
        let header = self.header_of_answer(asker, code);
        self.out.write(asker.peer, |bytes| {
            Header { token: &asker.token, ..header }.write(bytes);
            let mut writer = Writer::new(bytes);
            if !payload.is_empty() {
                writer.uint(option::CONTENT_FORMAT, HANDSHAKE.into());
            }
            if code == crate::coap::code(5, 3) {
                writer.uint(option::MAX_AGE, BUSY_S);
            }
            writer.payload(payload);
        });
    }

    /// The header of an answer that goes out at once, without its token.
    pub(super) fn header_of_answer(&mut self, asker: &Asker, code: u8) -> Header<'static> {
        if asker.is_confirmable {
            Header { kind: Type::Acknowledgement, code, id: asker.id, token: &[] }
        } else {
            Header { kind: Type::NonConfirmable, code, id: self.own.id(), token: &[] }
        }
    }

    pub(super) fn acknowledge_empty(&mut self, asker: &Asker) {
        if asker.is_confirmable {
            let header = Header { kind: Type::Acknowledgement, code: 0, id: asker.id, token: &[] };
            self.out.write(asker.peer, |bytes| header.write(bytes));
        }
    }
}
