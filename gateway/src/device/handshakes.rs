//! Handshakes (protocol sections 3 to 8, and 10 for CoAP). An R1 whose session is not in memory waits for the store; its R2 goes out
//! once the store has counted it.

use super::enrolled::{Loaded, Os};
use super::outside::{Outside, What, has_strange_critical};
use super::source::{peer, source};
use super::{Asker, BUSY_S, Front};
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
    asker: Asker,
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
        if let Some(waiting) = self.resuming.waiting.get_mut(inner) {
            waiting.asker = asker;
            return;
        }
        if self.is_draining && is_opening {
            return self.answer_handshake(&asker, &BUSY);
        }
        let inner = inner.to_vec();
        self.step(now_ms, asker, message, inner, Loaded::Nothing);
    }

    /// Has the library answer a message; `inner` is what it is without a cookie.
    fn step(&mut self, now_ms: u64, asker: Asker, message: &[u8], inner: Vec<u8>, loaded: Loaded) {
        self.enrolled.loaded = loaded;
        self.enrolled.wanted = None;
        let (from, shares) = (peer(&asker.peer.address), source(&asker.peer.address, &self.networks));
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
        let made = self.server.made();
        if let Some(note) = made.and_then(|slot| self.notes.get_mut(slot)) {
            let is_resumed = matches!(parse(&inner), Ok(Parsed::R1 { .. }));
            *note = super::Note { made_ms: now_ms, is_resumed, ..super::Note::default() };
        }
        let made = made.and_then(|slot| self.key_of(slot));
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
                if !self.wait(&asker, message, inner, job, Some((out.to_vec(), made))) {
                    self.take_back(now_ms, made);
                    self.answer_handshake(&asker, &BUSY);
                }
            }
            (Ok(status), _) => {
                if status == Status::Refused
                    && let Ok(Parsed::Alert(alert)) = parse(&out)
                {
                    let what = format_args!("a handshake is refused: {alert:?}");
                    log::say(Kind::HandshakeRefused, Some(asker.peer.address), None, what);
                }
                self.answer_handshake(&asker, &out);
            }
            (Err(Error::Storage), _) if self.enrolled.wanted.is_some() => {
                self.counts.loads.inc();
                let cid = self.enrolled.wanted.take().unwrap_or_default();
                if !self.wait(&asker, message, inner, Job::Load { cid }, None) {
                    self.answer_handshake(&asker, &BUSY);
                }
            }
            (Err(Error::Unexpected), _) => self.acknowledge_empty(&asker),
            (Err(Error::Random), _) => self.answer_clear(&asker, code(5, 0), &[]),
            (Err(_), _) => self.answer_clear(&asker, code(4, 0), &[]),
        }
    }

    /// Hands a job over, for which a message waits. `false`: it was not taken.
    fn wait(
        &mut self,
        asker: &Asker,
        message: &[u8],
        inner: Vec<u8>,
        job: Job,
        answer: Option<(Vec<u8>, Option<SessionKey>)>,
    ) -> bool {
        let number = self.job();
        if self.resuming.waiting.len() >= WAITING_MAX || !self.jobs.submit(number, job) {
            self.counts.store_refusals.inc();
            return false;
        }
        let waiting = Waiting { message: message.to_vec(), asker: asker.clone(), answer };
        self.resuming.waiting.insert(inner.clone(), waiting);
        self.resuming.jobs.insert(number, inner);
        true
    }

    /// The outcome of a job that a message waits for. `None`: it was none of those.
    pub(super) fn resuming_done(&mut self, now_ms: u64, number: u64, outcome: &mut Outcome) -> Option<()> {
        let inner = self.resuming.jobs.remove(&number)?;
        let Waiting { message, asker, answer } = self.resuming.waiting.remove(&inner)?;
        let Some((answer, made)) = answer else {
            let cid = match parse(&inner) {
                Ok(Parsed::R1 { cid_s, .. }) => cid_s.to_vec(),
                _ => Vec::new(),
            };
            let loaded = match std::mem::replace(outcome, Outcome::Done) {
                Outcome::Loaded(Some(record)) => Loaded::Record(cid, record),
                Outcome::Loaded(None) => Loaded::NoRecord(cid),
                _ => {
                    self.store_refused(&asker, &BUSY, "the store does not answer");
                    return Some(());
                }
            };
            self.step(now_ms, asker, &message, inner, loaded);
            return Some(());
        };
        match outcome {
            Outcome::Done => self.answer_handshake(&asker, &answer),
            Outcome::Conflict => {
                self.take_back(now_ms, made);
                self.store_refused(
                    &asker,
                    &UNKNOWN_SESSION,
                    "another node has answered it, or a newer session is stored",
                );
            }
            _ => {
                self.take_back(now_ms, made);
                self.store_refused(&asker, &BUSY, "the store does not answer");
            }
        }
        Some(())
    }

    fn store_refused(&mut self, asker: &Asker, alert: &[u8], why: &str) {
        self.counts.store_refusals.inc();
        let what = format_args!("a resumption is refused: {why}");
        log::say(Kind::StoreFailed, Some(asker.peer.address), None, what);
        self.answer_handshake(asker, alert);
    }

    /// Ends a session whose R2 nobody may see. Its slot may be another's meanwhile.
    fn take_back(&mut self, now_ms: u64, made: Option<SessionKey>) {
        if let Some(key) = made {
            self.end_session(now_ms, key);
        }
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
