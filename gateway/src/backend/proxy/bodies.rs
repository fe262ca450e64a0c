//! Bodies in blocks of the proxy's.

use super::{BAD_GATEWAY, End, Proxy, part_of};
use crate::backend::answer::Answer;
use crate::backend::blocks::{DATAGRAM_MAX, Gather, Gathered, without};
use crate::backend::exchange::Exchange;
use crate::backend::{Event, SessionKey, Ticket};
use crate::coap::option;

/// How many bytes of bodies are held at most.
const HELD_MAX: usize = 16 << 20;
/// How often an answer that changes on its way begins anew.
const RESTARTS: u8 = 4;

impl Proxy {
    /// Whether a session may send so many bytes in blocks: not two bodies to one place, which the back-end could not tell apart.
    pub(super) fn may_upload(&self, session: SessionKey, transfer: Option<u64>, len: usize) -> bool {
        let tickets = self.sessions.get(&session).map_or(&[][..], |tickets| tickets);
        let mut others = tickets.iter().filter_map(|ticket| self.exchanges.get(ticket));
        self.held + len <= HELD_MAX && !others.any(|it| it.upload.is_some() && it.transfer == transfer)
    }

    /// Counts what an exchange holds.
    pub(super) fn count(&mut self, ticket: Ticket) {
        let Some(exchange) = self.exchanges.get_mut(&ticket) else { return };
        let held = exchange.held();
        self.held = (self.held + held).saturating_sub(exchange.counted);
        exchange.counted = held;
    }

    /// The next message of a request that goes on through its port.
    pub(super) fn go_on(&mut self, now_ms: u64, ticket: Ticket, message: Vec<u8>, events: &mut Vec<Event>) {
        self.count(ticket);
        let Some(exchange) = self.exchanges.get(&ticket) else { return };
        let (port, is_heard) = (exchange.port, exchange.is_heard);
        let id = self.ports.id(port, now_ms).filter(|_| is_heard && self.held <= HELD_MAX);
        let (Some(id), Some(token)) = (id, self.random.token()) else {
            return self.refuse(now_ms, ticket, events);
        };
        let Some(mut exchange) = self.unlink(ticket) else { return };
        exchange.message = message;
        exchange.rename(id, token);
        self.send(now_ms, ticket, exchange);
    }

    /// A block of an answer that is put together.
    pub(super) fn gather(&mut self, now_ms: u64, ticket: Ticket, answer: Answer, events: &mut Vec<Event>) {
        let Some(exchange) = self.exchanges.get_mut(&ticket) else { return };
        if !answer.is_success() {
            return self.deliver(now_ms, ticket, answer, false, events);
        }
        let gathered = match &mut exchange.gather {
            None => {
                exchange.gather = Gather::new(&answer);
                if exchange.gather.is_some() { Gathered::More } else { Gathered::Bad }
            }
            Some(gather) => gather.take(&answer),
        };
        match (gathered, &exchange.gather) {
            (Gathered::More, Some(gather)) => {
                if exchange.whole.is_empty() {
                    exchange.whole = std::mem::take(&mut exchange.message);
                }
                let next = gather.message(&exchange.whole);
                self.go_on(now_ms, ticket, next, events);
            }
            (Gathered::Whole(message), _) => {
                let whole = Answer { message, more: false, block2: None, ..answer };
                self.deliver(now_ms, ticket, whole, false, events);
            }
            (Gathered::Changed, _)
                if exchange.inner.is_safe()
                    && exchange.restarts < RESTARTS
                    && exchange.whole.len() <= DATAGRAM_MAX =>
            {
                exchange.restarts += 1;
                exchange.gather = None;
                let again = exchange.whole.clone();
                self.go_on(now_ms, ticket, again, events);
            }
            _ => self.fail(now_ms, ticket, BAD_GATEWAY, events),
        }
    }

    /// The first block of a notification: the others are asked for beside the observation.
    pub(super) fn gather_notification(
        &mut self,
        now_ms: u64,
        ticket: Ticket,
        answer: &Answer,
        events: &mut Vec<Event>,
    ) {
        let part = part_of(ticket);
        self.end(now_ms, part, End::Failed); // of an older one
        let Some(exchange) = self.exchanges.get(&ticket) else { return };
        let (session, device, transfer) = (exchange.session, exchange.device.clone(), exchange.transfer);
        let mut inner = exchange.inner;
        inner.observe = None;
        let whole = without(&exchange.whole, option::OBSERVE);
        let gather = Gather::new(answer);
        let place = gather.as_ref().and_then(|_| self.ports.again(now_ms, &device));
        let (Some(gather), Some(place), Some(token)) = (gather, place, self.random.token()) else {
            return self.fail(now_ms, ticket, BAD_GATEWAY, events);
        };
        let mut exchange = Exchange {
            message: gather.message(&whole),
            transfer,
            in_one: true,
            whole,
            gather: Some(gather),
            of: Some(ticket),
            ..Exchange::new(session, device, &place, token, inner)
        };
        exchange.rename(place.id, token);
        self.sessions.entry(session).or_default().push(part);
        self.send(now_ms, part, exchange);
        self.count(part);
    }
}
