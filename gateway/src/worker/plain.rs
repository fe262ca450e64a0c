//! Plain CoAP around an upstream: what `lscoap` costs is measured against this. Nobody is known, nothing is kept for repetitions.

use super::{Service, Word};
use crate::backend::{Event, Port, Reply, Request, SessionKey, Ticket, Upstream};
use crate::coap::{Header, Type, code, is_request};
use crate::net::{Outbox, Peer};
use std::collections::HashMap;

/// How many requests are under way at most.
const ASKED: usize = 65_536;
/// Bytes of header of an answer without a token.
const HEADER_LEN: usize = 4;

/// Requests without security.
pub struct Plain<U> {
    upstream: U,
    asked: HashMap<Ticket, Asked>,
    last: Ticket,
    to_devices: Outbox<Peer>,
    answer: Vec<u8>,
    events: Vec<Event>,
}

/// Whom an answer goes to.
struct Asked {
    peer: Peer,
    kind: Type,
    id: u16,
    token: Vec<u8>,
}

impl<U: Upstream> Plain<U> {
    /// Around an upstream.
    pub fn new(upstream: U) -> Self {
        Self {
            upstream,
            asked: HashMap::new(),
            last: 0,
            to_devices: Outbox::new(),
            answer: Vec::new(),
            events: Vec::new(),
        }
    }

    fn answer_events(&mut self) {
        for event in std::mem::take(&mut self.events) {
            match event {
                Event::Answer { ticket, message, .. } => {
                    let Some(asked) = self.asked.remove(&ticket) else { continue };
                    put(&mut self.to_devices, asked.peer, asked.kind, asked.id, &asked.token, &message);
                }
                Event::Failed { ticket, code } => {
                    let Some(asked) = self.asked.remove(&ticket) else { continue };
                    put(&mut self.to_devices, asked.peer, asked.kind, asked.id, &asked.token, &empty(code));
                }
            }
        }
    }
}

fn empty(code: u8) -> [u8; HEADER_LEN] {
    [0x40, code, 0, 0]
}

/// Sends an answer, whose own header says nothing but its code.
fn put(outbox: &mut Outbox<Peer>, peer: Peer, kind: Type, id: u16, token: &[u8], answer: &[u8]) {
    let (Some(code), Some(rest)) = (answer.get(1), answer.get(HEADER_LEN..)) else { return };
    outbox.write(peer, |bytes| {
        let kind = if kind == Type::Confirmable { Type::Acknowledgement } else { Type::NonConfirmable };
        Header { kind, code: *code, id, token }.write(bytes);
        bytes.extend_from_slice(rest);
    });
}

impl<U: Upstream> Service for Plain<U> {
    fn received(&mut self, now_ms: u64, peer: Peer, datagram: &[u8]) {
        let Ok(header) = Header::read(datagram) else { return };
        if !is_request(header.code) || !matches!(header.kind, Type::Confirmable | Type::NonConfirmable) {
            return;
        }
        self.last += 1;
        let request = Request {
            ticket: self.last,
            session: SessionKey { slot: 0, fingerprint: [0; 8] },
            device_id: &[],
            message: datagram,
            observation: None,
            in_one: false,
        };
        self.answer.clear();
        let reply = match self.asked.len() {
            ASKED.. => Reply::Refused(code(5, 3)),
            _ => self.upstream.request(now_ms, &request, &mut self.answer),
        };
        match reply {
            Reply::Now => put(&mut self.to_devices, peer, header.kind, header.id, header.token, &self.answer),
            Reply::Refused(code) => {
                put(&mut self.to_devices, peer, header.kind, header.id, header.token, &empty(code));
            }
            Reply::Later => {
                let token = header.token.to_vec();
                self.asked.insert(self.last, Asked { peer, kind: header.kind, id: header.id, token });
            }
        }
    }

    fn backend_said(&mut self, now_ms: u64, port: Port, datagram: &[u8]) {
        self.upstream.received(now_ms, port, datagram, &mut self.events);
        self.answer_events();
    }

    fn unreachable(&mut self, now_ms: u64, port: Port) {
        self.upstream.unreachable(now_ms, port, &mut self.events);
        self.answer_events();
    }

    fn woken(&mut self, _now_ms: u64) {}

    fn told(&mut self, _now_ms: u64, _word: Word) {}

    fn poll(&mut self, now_ms: u64) {
        self.upstream.poll(now_ms, &mut self.events);
        self.answer_events();
    }

    fn next_ms(&self) -> Option<u64> {
        self.upstream.next_ms()
    }

    fn to_devices(&mut self) -> &mut Outbox<Peer> {
        &mut self.to_devices
    }

    fn to_backend(&mut self) -> &mut Outbox<Port> {
        self.upstream.outbox()
    }

    fn take_confirmed(&mut self) -> Vec<(Vec<u8>, u64)> {
        Vec::new()
    }

    fn hand_over(&mut self) {}

    fn is_idle(&self) -> bool {
        self.upstream.pending() == 0
    }
}
