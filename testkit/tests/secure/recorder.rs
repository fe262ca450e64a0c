//! The relay between both ends writes down under which number what was sealed.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use lscoap_testkit::relay::{Direction, Relay, RelayConfig, Verdict};

use super::coap::*;

/// What was sealed under a nonce and a key: requests under their number, answers under that of their request.
#[derive(Default)]
pub struct Recorder {
    /// Which session it is: its keys. Grows with each handshake that the client has finished.
    pub sessions: usize,
    finished: HashSet<Vec<u8>>,
    /// By session and number.
    pub requests: HashMap<(usize, Vec<u8>), Vec<u8>>,
    /// The number of a request by its token, and what answered it.
    asked: HashMap<Vec<u8>, (usize, Vec<u8>)>,
    /// Requests that somebody has refused in the clear.
    refused: HashSet<(usize, Vec<u8>)>,
    pub answers: HashMap<(usize, Vec<u8>), Vec<u8>>,
    pub reused: Vec<String>,
    pub handshakes: usize,
}

impl Recorder {
    fn note(&mut self, way: Direction, message: &Message) {
        if message.number(CONTENT_FORMAT) == Some(HANDSHAKE.into()) {
            self.handshakes += usize::from(way == Direction::Up);
            // M4 and R2 end a handshake; a repeated one ends none.
            let last = matches!(message.payload.first(), Some(0x14 | 0x18));
            if last && self.finished.insert(message.payload.clone()) {
                self.sessions += 1;
            }
        }
        if !message.is_sealed() {
            if way == Direction::Down
                && let Some(nonce) = self.asked.get(&message.token)
            {
                self.refused.insert(nonce.clone());
            }
            return;
        }
        let flags = message.payload[0];
        if way == Direction::Up {
            assert_eq!(flags & 0xF8, 8, "a request");
            // Partial IV and the one byte of the connection id.
            let (number, sealed) = message.payload[1..].split_at(usize::from(flags & 7) + 1);
            let nonce = (self.sessions, number.to_vec());
            self.asked.insert(message.token.clone(), nonce.clone());
            // With the message id: only a retransmission may be the same again, and what was refused. Another request
            // would be a reuse even where it says the same.
            let before = self.requests.get(&nonce).filter(|_| self.refused.contains(&nonce));
            if before.is_some_and(|before| before[2..] == *sealed) {
                return;
            }
            let sealed = [&message.id.to_be_bytes(), sealed].concat();
            Self::use_once(&mut self.requests, &mut self.reused, nonce, &sealed);
        } else if flags == 0
            && let Some(nonce) = self.asked.get(&message.token)
        {
            Self::use_once(&mut self.answers, &mut self.reused, nonce.clone(), &message.payload);
        }
    }

    fn use_once(
        used: &mut HashMap<(usize, Vec<u8>), Vec<u8>>,
        reused: &mut Vec<String>,
        nonce: (usize, Vec<u8>),
        sealed: &[u8],
    ) {
        let before = used.entry(nonce.clone()).or_insert_with(|| sealed.to_vec());
        if before != sealed {
            reused.push(format!("{nonce:02x?}"));
        }
    }
}

/// A relay to the server that writes it all down.
pub fn recording(to: SocketAddr) -> (Relay, Arc<Mutex<Recorder>>) {
    let recorder = Arc::new(Mutex::new(Recorder::default()));
    let notes = recorder.clone();
    let config = RelayConfig::new(to).watch(move |way, datagram| {
        if let Some(message) = Message::parse(datagram) {
            notes.lock().unwrap().note(way, &message);
        }
        Verdict::Pass
    });
    (Relay::start(config).unwrap(), recorder)
}

/// 0 to `below`, from a seed: the same moments in every run, as far as a machine keeps time.
pub fn chance(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}
