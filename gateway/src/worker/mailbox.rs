//! What workers are told from outside, and tell each other.

use crate::backend::Ticket;
use crate::directory::Devices;
use crate::net::Peer;
use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// How many datagrams of others a worker has waiting at most. More are lost, as datagrams are.
const DATAGRAMS: usize = 512;

/// What a worker is told.
pub enum Word {
    /// The directory is another one.
    Devices(Arc<Devices>),
    /// A session of this device, made at this time, was confirmed in another worker: older ones of it end.
    Confirmed(Vec<u8>, u64),
    /// The answer to a request that somebody else than the back-end gives: a message with an empty token.
    Reply(Ticket, Vec<u8>),
    /// A device's datagram that came to another worker.
    Datagram(Peer, Box<[u8]>),
    /// Take no more on; end when nothing is under way.
    Drain,
    /// End.
    Stop,
}

struct Mailbox {
    words: Sender<Word>,
    waker: Arc<Waker>,
    datagrams: Arc<AtomicUsize>,
}

/// A worker's own end.
pub struct Inbox {
    words: Receiver<Word>,
    datagrams: Arc<AtomicUsize>,
}

impl Inbox {
    /// The next word.
    pub fn take(&self) -> Option<Word> {
        let word = self.words.try_recv().ok()?;
        if matches!(word, Word::Datagram(..)) {
            self.datagrams.fetch_sub(1, Ordering::Relaxed);
        }
        Some(word)
    }
}

/// Those of all workers.
#[derive(Clone)]
pub struct Mailboxes(Arc<[Mailbox]>);

impl Mailboxes {
    /// For workers that are woken so.
    pub fn new(wakers: impl IntoIterator<Item = Arc<Waker>>) -> (Self, Vec<Inbox>) {
        let pairs = wakers.into_iter().map(|waker| {
            let (sender, words) = channel();
            let datagrams = Arc::new(AtomicUsize::new(0));
            (Mailbox { words: sender, waker, datagrams: datagrams.clone() }, Inbox { words, datagrams })
        });
        let (mailboxes, inboxes): (Vec<_>, Vec<_>) = pairs.unzip();
        (Self(mailboxes.into()), inboxes)
    }

    /// How many workers there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Tells a worker. `false`: there is no such one, it has ended, or it has too many datagrams.
    pub fn tell(&self, worker: usize, word: Word) -> bool {
        let Some(mailbox) = self.0.get(worker) else { return false };
        let is_datagram = matches!(word, Word::Datagram(..));
        if is_datagram && mailbox.datagrams.fetch_add(1, Ordering::Relaxed) >= DATAGRAMS {
            mailbox.datagrams.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        mailbox.words.send(word).is_ok() && mailbox.waker.wake().is_ok()
    }

    /// Tells all but one of them.
    pub fn tell_others(&self, but: usize, word: impl Fn() -> Word) {
        (0..self.0.len()).filter(|worker| *worker != but).for_each(|worker| {
            self.tell(worker, word());
        });
    }

    /// Tells all of them.
    pub fn tell_all(&self, word: impl Fn() -> Word) {
        self.tell_others(usize::MAX, word);
    }
}
