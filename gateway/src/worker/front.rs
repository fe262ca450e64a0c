//! The two sides as a worker runs them.

use super::{Service, Word};
use crate::backend::{Event, Port, Upstream};
use crate::device::Front;
use crate::net::{Outbox, Peer};
use crate::store;

impl<U: Upstream> Service for Front<U, store::Worker> {
    fn received(&mut self, now_ms: u64, peer: Peer, datagram: &[u8]) {
        Front::received(self, now_ms, peer, datagram);
    }

    fn backend_said(&mut self, now_ms: u64, port: Port, datagram: &[u8]) {
        Front::backend_said(self, now_ms, port, datagram);
    }

    fn unreachable(&mut self, now_ms: u64, port: Port) {
        Front::unreachable(self, now_ms, port);
    }

    fn woken(&mut self, now_ms: u64) {
        while let Some(done) = self.jobs().outcome() {
            self.stored(now_ms, done);
        }
    }

    fn told(&mut self, now_ms: u64, word: Word) {
        match word {
            Word::Devices(devices) => self.set_devices(now_ms, devices),
            Word::Confirmed(device_id, made_ms) => self.confirmed_elsewhere(now_ms, &device_id, made_ms),
            Word::Reply(ticket, message) => {
                self.take_event(
                    now_ms,
                    Event::Answer { ticket, is_last: true, is_confirmable: false, message },
                );
            }
            Word::Drain => self.drain(),
            Word::Datagram(..) | Word::Stop => {}
        }
    }

    fn poll(&mut self, now_ms: u64) {
        Front::poll(self, now_ms);
    }

    fn next_ms(&self) -> Option<u64> {
        Front::next_ms(self)
    }

    fn to_devices(&mut self) -> &mut Outbox<Peer> {
        self.outbox()
    }

    fn to_backend(&mut self) -> &mut Outbox<Port> {
        self.backend_outbox()
    }

    fn take_confirmed(&mut self) -> Vec<(Vec<u8>, u64)> {
        Front::take_confirmed(self)
    }

    fn hand_over(&mut self) {
        self.jobs().hand_over();
    }

    fn is_idle(&self) -> bool {
        Front::is_idle(self)
    }
}
