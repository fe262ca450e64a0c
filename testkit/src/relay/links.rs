//! Which client has which socket towards the server.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One client's way to the server.
pub(super) struct Link {
    pub client: SocketAddr,
    pub upstream: UdpSocket,
    closed: AtomicBool,
}

impl Link {
    pub fn new(client: SocketAddr, upstream: UdpSocket) -> Self {
        Link { client, upstream, closed: AtomicBool::new(false) }
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

/// All of them, never more than a limit.
pub(super) struct Links {
    by_client: HashMap<SocketAddr, (u64, Arc<Link>)>,
    clock: u64, // counts uses: the smallest is the one unused longest
    limit: usize,
}

impl Links {
    pub fn new(limit: usize) -> Self {
        Links { by_client: HashMap::new(), clock: 0, limit: limit.max(1) }
    }

    pub fn find(&mut self, client: SocketAddr) -> Option<Arc<Link>> {
        self.clock += 1;
        let (used, link) = self.by_client.get_mut(&client)?;
        *used = self.clock;
        Some(link.clone())
    }

    pub fn insert(&mut self, link: Arc<Link>) {
        if self.by_client.len() >= self.limit {
            let oldest = self.by_client.iter().min_by_key(|(_, (used, _))| *used).map(|(client, _)| *client);
            if let Some((_, link)) = oldest.and_then(|client| self.by_client.remove(&client)) {
                link.closed.store(true, Ordering::Relaxed);
            }
        }
        self.clock += 1;
        self.by_client.insert(link.client, (self.clock, link));
    }

    pub fn clear(&mut self) {
        for (_, (_, link)) in self.by_client.drain() {
            link.closed.store(true, Ordering::Relaxed);
        }
    }
}
