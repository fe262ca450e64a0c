//! What devices say about membership is for the groups, everything else for the back-end.

use super::held::PATH;
use super::owner::busy;
use super::thread::Handle;
use crate::backend::{Event, Port, Reply, Request, SessionKey, Ticket, Upstream};
use crate::coap::{Frame, Options, code, option};
use crate::net::Outbox;

/// An upstream with groups in front of it.
pub struct Grouped<U> {
    inner: U,
    /// The groups, and which worker this is.
    groups: Option<(Handle, usize)>,
}

impl<U> Grouped<U> {
    /// Without groups everything goes to `inner`.
    pub fn new(inner: U, groups: Option<(Handle, usize)>) -> Self {
        Self { inner, groups }
    }

    /// What is behind it.
    pub fn inner(&self) -> &U {
        &self.inner
    }
}

fn is_for_groups(message: &[u8], frame: &Frame) -> bool {
    let path = Options::of(message, frame).filter(|(number, _)| *number == option::URI_PATH);
    path.map(|(_, segment)| segment).eq(PATH.split('/').skip(1).map(str::as_bytes))
}

impl<U: Upstream> Upstream for Grouped<U> {
    fn request(&mut self, now_ms: u64, request: &Request<'_>, answer: &mut Vec<u8>) -> Reply {
        let frame = self.groups.as_ref().and_then(|_| Frame::read(request.message).ok());
        let (Some((groups, worker)), Some(frame)) = (&self.groups, frame) else {
            return self.inner.request(now_ms, request, answer);
        };
        if !is_for_groups(request.message, &frame) {
            return self.inner.request(now_ms, request, answer);
        }
        if frame.code != code(0, 2) {
            return Reply::Refused(code(4, 5));
        }
        if lscoap::coap::check_options(request.message, &[]).is_err() {
            return Reply::Refused(code(4, 2));
        }
        if groups.ask(*worker, request.ticket, request.device_id, frame.payload(request.message)) {
            return Reply::Later;
        }
        answer.extend_from_slice(&busy());
        Reply::Now
    }

    fn cancel(&mut self, now_ms: u64, ticket: Ticket) {
        self.inner.cancel(now_ms, ticket);
    }

    fn session_ended(&mut self, now_ms: u64, session: SessionKey) {
        self.inner.session_ended(now_ms, session);
    }

    fn received(&mut self, now_ms: u64, port: Port, datagram: &[u8], events: &mut Vec<Event>) {
        self.inner.received(now_ms, port, datagram, events);
    }

    fn unreachable(&mut self, now_ms: u64, port: Port, events: &mut Vec<Event>) {
        self.inner.unreachable(now_ms, port, events);
    }

    fn poll(&mut self, now_ms: u64, events: &mut Vec<Event>) {
        self.inner.poll(now_ms, events);
    }

    fn next_ms(&self) -> Option<u64> {
        self.inner.next_ms()
    }

    fn outbox(&mut self) -> &mut Outbox<Port> {
        self.inner.outbox()
    }

    fn pending(&self) -> usize {
        self.inner.pending()
    }
}
