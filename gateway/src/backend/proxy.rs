//! A CoAP client (RFC 7252, 7641) that speaks to one back-end for all devices of a worker.

mod bodies;

use super::answer::{Answer, CONTINUE, busy};
use super::blocks::{DATAGRAM_MAX, MESSAGE_MAX, Upload, without};
use super::exchange::{Exchange, State};
use super::ports::{Device, Left, Place, Ports};
use super::random::{Random, Token};
use super::request::{INCOMPLETE, Rules, TOO_LARGE, transfer_key};
use super::seen::Seen;
use super::{Event, Port, Reply, Request, SessionKey, Ticket, Upstream};
use crate::coap::{Header, Type, code, is_response, option};
use crate::config;
use crate::log;
use crate::net::Outbox;
use std::collections::{BTreeSet, HashMap};

/// MAX_RETRANSMIT (RFC 7252 section 4.8).
const MAX_RETRANSMIT: u32 = 4;
/// EXCHANGE_LIFETIME with the times of RFC 7252 section 4.8, in ms.
const EXCHANGE_LIFETIME_MS: u64 = 247_000;
/// 2 MAX_LATENCY, in ms.
const LATENCIES_MS: u64 = 200_000;
/// Requests of a session that are under way at most.
const REQUESTS_OF_SESSION: usize = 16;
/// Observations of a session at most.
const OBSERVATIONS_OF_SESSION: usize = 16;

const BAD_GATEWAY: u8 = code(5, 2);
const GATEWAY_TIMEOUT: u8 = code(5, 4);

/// Passes requests on.
pub struct Proxy {
    rules: Rules,
    max_outstanding: usize,
    ack_timeout_ms: u64,
    answer_timeout_ms: u64,
    lifetime_ms: u64,
    random: Random,
    ports: Ports,
    exchanges: HashMap<Ticket, Exchange>,
    observing: usize,
    tokens: HashMap<Token, Ticket>,
    ids: HashMap<(Port, u16), Ticket>,
    sessions: HashMap<SessionKey, Vec<Ticket>>,
    due: BTreeSet<(u64, Ticket)>,
    seen: Seen,
    outbox: Outbox<Port>,
    is_down: bool,
    /// Bytes of bodies in blocks of the proxy's.
    held: usize,
}

/// What is known of an exchange that is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was answered; what is left of the transfer.
    Answered(Left),
    /// It was not, or not well.
    Failed,
}

/// What puts together a notification of an observation.
const fn part_of(ticket: Ticket) -> Ticket {
    ticket | 1 << 63
}

impl Proxy {
    /// To a back-end that is spoken to through ports 0 to [`config::Backend::ports`] - 1.
    pub fn new(backend: &config::Backend) -> Self {
        let mut random = Random::new();
        let ack_timeout_ms = u64::from(backend.ack_timeout_ms);
        // MAX_TRANSMIT_SPAN, both ways, and PROCESSING_DELAY: what this side may still send, where it is patient.
        let lifetime_ms = EXCHANGE_LIFETIME_MS.max(ack_timeout_ms * 45 / 2 + LATENCIES_MS + ack_timeout_ms);
        Self {
            rules: Rules { identity: backend.identity, option: backend.option },
            max_outstanding: usize::try_from(backend.max_outstanding).unwrap_or(usize::MAX),
            ack_timeout_ms,
            answer_timeout_ms: u64::from(backend.answer_timeout_ms),
            lifetime_ms,
            ports: Ports::new(usize::from(backend.ports), lifetime_ms, || random.between(0, 1 << 16) as u16),
            random,
            exchanges: HashMap::new(),
            observing: 0,
            tokens: HashMap::new(),
            ids: HashMap::new(),
            sessions: HashMap::new(),
            due: BTreeSet::new(),
            seen: Seen::default(),
            outbox: Outbox::new(),
            is_down: false,
            held: 0,
        }
    }

    /// How many exchanges there are, and how many bytes of bodies.
    #[cfg(test)]
    pub fn holds(&self) -> (usize, usize) {
        (self.exchanges.len(), self.held)
    }

    /// Whether a session may ask one more thing.
    fn has_room(&self, session: SessionKey, observes: bool, replaces: Option<Ticket>) -> bool {
        if self.pending() >= self.max_outstanding {
            return false;
        }
        let tickets = self.sessions.get(&session).map_or(&[][..], |tickets| tickets);
        let others = tickets.iter().filter(|ticket| Some(**ticket) != replaces);
        let exchanges = others.filter_map(|ticket| self.exchanges.get(ticket));
        let (mut requests, mut observations) = (0, 0);
        for exchange in exchanges {
            requests += usize::from(exchange.state != State::Observing);
            observations += usize::from(exchange.observes());
        }
        requests < REQUESTS_OF_SESSION && (!observes || observations < OBSERVATIONS_OF_SESSION)
    }

    /// Sends an exchange's message for the first time.
    fn send(&mut self, now_ms: u64, ticket: Ticket, mut exchange: Exchange) {
        // ACK_RANDOM_FACTOR is 1.5.
        let most = self.ack_timeout_ms * 3 / 2;
        let timeout_ms = self.random.between(self.ack_timeout_ms, most + 1);
        exchange.state = State::Sent { timeout_ms, count: 0 };
        self.outbox.put(exchange.port, &exchange.message);
        self.tokens.insert(exchange.token, ticket);
        self.ids.insert((exchange.port, exchange.id), ticket);
        self.due.insert((now_ms + timeout_ms, ticket));
        exchange.due_ms = Some(now_ms + timeout_ms);
        self.exchanges.insert(ticket, exchange);
    }

    fn set_due(&mut self, ticket: Ticket, due_ms: Option<u64>) {
        let Some(exchange) = self.exchanges.get_mut(&ticket) else { return };
        if let Some(before) = std::mem::replace(&mut exchange.due_ms, due_ms) {
            self.due.remove(&(before, ticket));
        }
        if let Some(due) = due_ms {
            self.due.insert((due, ticket));
        }
    }

    /// Takes an exchange out of everything but its session and its port.
    fn unlink(&mut self, ticket: Ticket) -> Option<Exchange> {
        self.set_due(ticket, None);
        let exchange = self.exchanges.remove(&ticket)?;
        self.observing -= usize::from(exchange.state == State::Observing);
        if self.tokens.get(&exchange.token) == Some(&ticket) {
            self.tokens.remove(&exchange.token); // else the request that took it over has it
        }
        if self.ids.get(&(exchange.port, exchange.id)) == Some(&ticket) {
            self.ids.remove(&(exchange.port, exchange.id));
        }
        Some(exchange)
    }

    /// Ends an exchange. Whether somebody wants to know.
    fn end(&mut self, now_ms: u64, ticket: Ticket, end: End) -> bool {
        let Some(exchange) = self.unlink(ticket) else { return false };
        self.held = self.held.saturating_sub(exchange.counted);
        if exchange.gathers() && exchange.of.is_none() {
            self.end(now_ms, part_of(ticket), End::Failed);
        }
        if let Some(tickets) = self.sessions.get_mut(&exchange.session) {
            tickets.retain(|other| *other != ticket);
            if tickets.is_empty() {
                self.sessions.remove(&exchange.session);
            }
        }
        if exchange.is_own {
            let left = match end {
                End::Failed if exchange.inner.is_part || exchange.upload.is_some() => Left::Upload,
                End::Answered(Left::Upload) => Left::Upload,
                End::Answered(Left::Download) if exchange.is_heard => Left::Download,
                _ => Left::Nothing,
            };
            let key = match left {
                Left::Nothing => exchange.transfer,
                _ => exchange.transfer.or_else(|| Some(transfer_key(&exchange.message))),
            };
            let transfer = key.map(|key| (key, left));
            self.ports.ended(now_ms, exchange.port, transfer);
        }
        exchange.is_heard
    }

    fn fail(&mut self, now_ms: u64, ticket: Ticket, code: u8, events: &mut Vec<Event>) {
        let of = self.exchanges.get(&ticket).and_then(|exchange| exchange.of);
        if !self.end(now_ms, ticket, End::Failed) {
            return;
        }
        match of {
            None => events.push(Event::Failed { ticket, code }),
            Some(of) => self.fail(now_ms, of, code, events), // a notification that cannot be had is not left out
        }
    }

    /// The last answer, or a notification that was put together.
    fn deliver(
        &mut self,
        now_ms: u64,
        ticket: Ticket,
        answer: Answer,
        is_con: bool,
        events: &mut Vec<Event>,
    ) {
        let of = self.exchanges.get(&ticket).and_then(|exchange| exchange.of);
        if of.is_some() && !answer.is_success() {
            return self.fail(now_ms, ticket, BAD_GATEWAY, events);
        }
        if self.end(now_ms, ticket, End::Answered(answer.left())) {
            let (ticket, is_last) = of.map_or((ticket, true), |of| (of, false));
            events.push(Event::Answer { ticket, is_last, is_confirmable: is_con, message: answer.message });
        }
    }

    /// There is no room for a request that was passed on to go on.
    fn refuse(&mut self, now_ms: u64, ticket: Ticket, events: &mut Vec<Event>) {
        if self.exchanges.get(&ticket).is_some_and(|exchange| exchange.of.is_some()) {
            return self.fail(now_ms, ticket, BAD_GATEWAY, events);
        }
        if self.end(now_ms, ticket, End::Failed) {
            let mut message = Vec::new();
            busy(&mut message);
            events.push(Event::Answer { ticket, is_last: true, is_confirmable: false, message });
        }
    }

    fn reply(&mut self, port: Port, kind: Type, id: u16) {
        let header = Header { kind, code: 0, id, token: &[] };
        self.outbox.write(port, |bytes| header.write(bytes));
    }

    fn acknowledged(&mut self, now_ms: u64, ticket: Ticket) {
        let Some(exchange) = self.exchanges.get_mut(&ticket) else { return };
        if matches!(exchange.state, State::Sent { .. }) {
            exchange.state = State::Acknowledged;
            self.set_due(ticket, Some(now_ms + self.answer_timeout_ms));
        }
    }

    /// A response whose token is that of an exchange. `header` is its own.
    fn answered(&mut self, now_ms: u64, ticket: Ticket, datagram: &[u8], events: &mut Vec<Event>) {
        let Ok(header) = Header::read(datagram) else { return };
        let Some(exchange) = self.exchanges.get_mut(&ticket) else { return };
        let Some(mut answer) = Answer::read(datagram, self.rules.option) else {
            return self.fail(now_ms, ticket, BAD_GATEWAY, events);
        };
        let is_notification = answer.observe.filter(|_| answer.is_success());
        if let Some(number) = is_notification {
            let is_late = exchange.state == State::Observing && !exchange.is_newer(now_ms, number);
            // One of the observation that is being ended.
            let is_unwanted =
                exchange.is_again && !exchange.observes() && header.kind != Type::Acknowledgement;
            if is_late || is_unwanted {
                return;
            }
        }
        if let Some(upload) = &mut exchange.upload {
            let taken = answer.block1.filter(|_| answer.is_success());
            if taken.is_some_and(|block| upload.took(&exchange.whole, block)) {
                let next = upload.message(&exchange.whole);
                return self.go_on(now_ms, ticket, next, events);
            }
            if answer.code == CONTINUE {
                return self.fail(now_ms, ticket, BAD_GATEWAY, events);
            }
            exchange.upload = None;
            answer.message = without(&answer.message, option::BLOCK1); // the device has sent none
        }
        if answer.more && !exchange.is_own {
            return self.ask_alone(now_ms, ticket, events);
        }
        let is_first = exchange.gathers() && answer.block2.is_some_and(|block| block.more);
        let number = is_notification.filter(|_| exchange.observes());
        if number.is_none() && (is_first || exchange.gather.is_some()) {
            return self.gather(now_ms, ticket, answer, events);
        }
        let is_confirmable = header.kind == Type::Confirmable;
        let Some(number) = number else {
            return self.deliver(now_ms, ticket, answer, is_confirmable, events);
        };
        if !exchange.is_heard {
            self.end(now_ms, ticket, End::Failed); // what comes next is reset, which ends it there (RFC 7641 section 3.6)
            return;
        }
        exchange.newest = Some((number, now_ms));
        let (port, id, transfer) = (exchange.port, exchange.id, exchange.transfer);
        if exchange.state != State::Observing {
            exchange.state = State::Observing;
            let message = std::mem::take(&mut exchange.message);
            if exchange.gathers() && exchange.whole.is_empty() {
                exchange.whole = message;
            }
            self.observing += 1;
            self.ids.remove(&(port, id));
            self.set_due(ticket, None);
        }
        if is_first {
            return self.gather_notification(now_ms, ticket, &answer, events);
        }
        if let Some(key) = transfer.filter(|_| answer.more) {
            self.ports.note(now_ms, port, key, Left::Download);
        }
        let message = answer.message;
        events.push(Event::Answer { ticket, is_last: false, is_confirmable, message });
    }

    /// The first of many blocks has come through a port that others use: the next ones could be another device's. So it is asked once
    /// more through a port of the device's own, if that changes nothing at the back-end.
    fn ask_alone(&mut self, now_ms: u64, ticket: Ticket, events: &mut Vec<Event>) {
        let Some(exchange) = self.exchanges.get(&ticket) else { return };
        let (device, is_heard) = (exchange.device.clone(), exchange.is_heard);
        if !exchange.inner.is_safe() || !is_heard {
            return self.fail(now_ms, ticket, BAD_GATEWAY, events);
        }
        let Some(Place { port, id, .. }) = self.ports.own(now_ms, &device) else {
            return self.refuse(now_ms, ticket, events);
        };
        let (Some(token), Some(mut exchange)) = (self.random.token(), self.unlink(ticket)) else { return };
        exchange.rename(id, token);
        (exchange.port, exchange.is_own) = (port, true);
        self.send(now_ms, ticket, exchange);
    }

    fn is_up(&mut self) {
        if std::mem::take(&mut self.is_down) {
            log::say(log::Kind::BackendUp, None, None, "the back-end is there again");
        }
    }
}

impl Upstream for Proxy {
    fn request(&mut self, now_ms: u64, request: &Request<'_>, answer: &mut Vec<u8>) -> Reply {
        let inner = match self.rules.read(request.message) {
            Ok(inner) => inner,
            Err(code) => return Reply::Refused(code),
        };
        let session = request.session;
        let mut message = Vec::with_capacity(request.message.len() + 64);
        let nobody = Header { kind: Type::Confirmable, code: inner.code, id: 0, token: &Token::default() };
        nobody.write(&mut message);
        self.rules.write(request.message, &inner, request.device_id, &mut message);
        let upload =
            if message.len() > MESSAGE_MAX && !inner.has_block1 { Upload::new(&message) } else { None };
        if upload.is_none() && message.len() > DATAGRAM_MAX {
            return Reply::Refused(TOO_LARGE);
        }
        let before = request.observation.and_then(|ticket| Some((ticket, self.exchanges.get(&ticket)?)));
        let before = before.filter(|(_, exchange)| exchange.session == session && exchange.observes());
        let before = before.map(|(ticket, exchange)| (ticket, exchange.token, exchange.newest));
        let observes = inner.observe == Some(0) && inner.is_safe();
        let needs_own = observes || inner.is_transfer || upload.is_some();
        let transfer = needs_own.then(|| transfer_key(&message));
        let goes_on = transfer.filter(|_| inner.goes_on);
        if goes_on.is_some_and(|key| !self.ports.has_transfer(request.device_id, key)) {
            return Reply::Refused(INCOMPLETE); // what the back-end has there could be another device's
        }
        let device = Device::from(request.device_id);
        let begins = transfer.filter(|_| inner.is_part || upload.is_some());
        let has_room = self.has_room(session, observes, before.map(|(ticket, ..)| ticket))
            && begins.is_none_or(|key| self.ports.may_upload(request.device_id, key))
            && (upload.is_none() || self.may_upload(session, transfer, message.len()));
        let place = match before {
            _ if !has_room => None,
            Some(_) => self.ports.again(now_ms, &device),
            None if needs_own => self.ports.own(now_ms, &device),
            None => self.ports.any(now_ms, &device),
        };
        let token = before.map(|(_, token, _)| token).or_else(|| self.random.token());
        let (Some(place), Some(token)) = (place, token) else {
            if let Some((ticket, ..)) = before {
                self.cancel(now_ms, ticket); // an error ends it, of whomever it is
            }
            busy(answer);
            return Reply::Now;
        };
        let first = upload.map(|upload| upload.message(&message));
        let (message, whole) = match first {
            Some(first) => (first, message),
            None => (message, Vec::new()),
        };
        let mut exchange = Exchange {
            transfer,
            message,
            is_again: before.is_some(),
            newest: before.and_then(|(.., newest)| newest),
            in_one: request.in_one,
            whole,
            upload,
            ..Exchange::new(session, device, &place, token, inner)
        };
        exchange.rename(place.id, token);
        self.sessions.entry(session).or_default().push(request.ticket);
        self.send(now_ms, request.ticket, exchange);
        self.count(request.ticket);
        if let Some((ticket, ..)) = before {
            self.end(now_ms, ticket, End::Answered(Left::Nothing));
        }
        Reply::Later
    }

    fn cancel(&mut self, now_ms: u64, ticket: Ticket) {
        let Some(exchange) = self.exchanges.get_mut(&ticket) else { return };
        exchange.is_heard = false;
        if exchange.state == State::Observing {
            self.end(now_ms, ticket, End::Failed);
        }
    }

    fn session_ended(&mut self, now_ms: u64, session: SessionKey) {
        for ticket in self.sessions.get(&session).cloned().unwrap_or_default() {
            self.cancel(now_ms, ticket);
        }
    }

    fn received(&mut self, now_ms: u64, port: Port, datagram: &[u8], events: &mut Vec<Event>) {
        let Ok(Header { kind, code, id, token }) = Header::read(datagram) else { return };
        self.is_up();
        match kind {
            Type::Acknowledgement | Type::Reset => {
                let Some(ticket) = self.ids.get(&(port, id)).copied() else { return };
                if kind == Type::Reset {
                    return self.fail(now_ms, ticket, BAD_GATEWAY, events);
                }
                let is_its = self.exchanges.get(&ticket).is_some_and(|exchange| exchange.token == token);
                if code == 0 {
                    self.acknowledged(now_ms, ticket);
                } else if is_its {
                    self.answered(now_ms, ticket, datagram, events);
                }
            }
            Type::Confirmable | Type::NonConfirmable => {
                let known = <Token>::try_from(token).ok().filter(|_| is_response(code));
                let ticket = known.and_then(|token| self.tokens.get(&token).copied());
                let is_here = |ticket: &Ticket| self.exchanges.get(ticket).is_some_and(|it| it.port == port);
                let ticket = ticket.filter(is_here);
                let is_again = known.is_some_and(|token| self.seen.has(token, id));
                if ticket.is_none() && !is_again {
                    return self.reply(port, Type::Reset, id);
                }
                if kind == Type::Confirmable {
                    self.reply(port, Type::Acknowledgement, id);
                }
                if let (Some(ticket), Some(token)) = (ticket, known)
                    && self.seen.is_new(now_ms, self.lifetime_ms, token, id)
                {
                    self.answered(now_ms, ticket, datagram, events);
                }
            }
        }
    }

    fn unreachable(&mut self, now_ms: u64, port: Port, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.is_down, true) {
            log::say(log::Kind::BackendDown, None, None, "nobody listens at the back-end's address");
        }
        let through = self.exchanges.iter().filter(|(_, exchange)| exchange.port == port);
        let mut lost: Vec<_> = through.map(|(ticket, _)| *ticket).collect();
        lost.sort_unstable();
        for ticket in lost {
            self.fail(now_ms, ticket, BAD_GATEWAY, events);
        }
    }

    fn poll(&mut self, now_ms: u64, events: &mut Vec<Event>) {
        while let Some((due_ms, ticket)) = self.due.first().copied().filter(|(due, _)| *due <= now_ms) {
            let Some(exchange) = self.exchanges.get_mut(&ticket) else {
                self.due.remove(&(due_ms, ticket));
                continue;
            };
            match &mut exchange.state {
                State::Sent { timeout_ms, count } if *count < MAX_RETRANSMIT => {
                    *count += 1;
                    *timeout_ms *= 2;
                    let next_ms = now_ms + *timeout_ms;
                    self.outbox.put(exchange.port, &exchange.message);
                    self.set_due(ticket, Some(next_ms));
                }
                _ => self.fail(now_ms, ticket, GATEWAY_TIMEOUT, events),
            }
        }
    }

    fn next_ms(&self) -> Option<u64> {
        self.due.first().map(|(due, _)| *due)
    }

    fn outbox(&mut self) -> &mut Outbox<Port> {
        &mut self.outbox
    }

    fn pending(&self) -> usize {
        self.exchanges.len() - self.observing
    }
}
