//! The thread that groups live in.

use super::control;
use super::held::TOKEN_LEN;
use super::owner::{Groups, Word};
use crate::backend::Ticket;
use crate::coap::{Header, Type, is_response};
use crate::directory::Devices;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How many words wait for the thread at most, ...
const QUEUE: usize = 1024;
/// ... and how many of them are answers: anybody in a group's network can send what looks like one.
const ANSWERS: usize = 256;
/// How often it looks for what is due.
const TURN: Duration = Duration::from_millis(50);

/// A worker's end of the groups.
#[derive(Clone)]
pub struct Handle {
    words: SyncSender<Word>,
    prefix: [u8; 4],
    /// Answers that wait.
    answers: Arc<AtomicUsize>,
}

impl Handle {
    /// Whether a datagram is an answer to a request to a group of this node's, as far as its token says.
    pub fn is_answer(&self, datagram: &[u8]) -> bool {
        Header::read(datagram).is_ok_and(|header| {
            header.kind == Type::NonConfirmable
                && is_response(header.code)
                && header.token.len() == TOKEN_LEN
                && header.token.starts_with(&self.prefix)
        })
    }

    /// Hands such a datagram over; one that finds no room is lost, as datagrams are.
    pub fn answer(&self, datagram: &[u8]) {
        let is_one_too_many = self.answers.fetch_add(1, Ordering::Relaxed) >= ANSWERS;
        if is_one_too_many || self.words.try_send(Word::Answer(datagram.to_vec())).is_err() {
            self.answers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Hands over what a device says about membership. `false`: there is no room.
    pub fn ask(&self, worker: usize, ticket: Ticket, device_id: &[u8], payload: &[u8]) -> bool {
        let (device_id, payload) = (device_id.to_vec(), payload.to_vec());
        self.words.try_send(Word::Ask { worker, ticket, device_id, payload }).is_ok()
    }

    /// The directory is another one.
    pub fn set_devices(&self, devices: Arc<Devices>) {
        let _ = self.words.send(Word::Devices(devices));
    }
}

/// The running groups; they end when this is dropped.
pub struct Running {
    words: SyncSender<Word>,
    thread: Option<JoinHandle<()>>,
    _control: Option<control::Listener>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.words.send(Word::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the thread, and where a path is given the control socket: `lscoap group --file PATH` speaks to PATH.sock.
pub fn start(groups: Groups, control: Option<&Path>) -> io::Result<(Running, Handle)> {
    let (words, receiver) = sync_channel(QUEUE);
    let (prefix, answers) = (groups.prefix, Arc::new(AtomicUsize::new(0)));
    let control = control.map(|path| control::listen(path, words.clone())).transpose()?;
    let count = answers.clone();
    let thread = std::thread::Builder::new()
        .name("groups".to_owned())
        .spawn(move || turn(groups, &receiver, &count))?;
    let running = Running { words: words.clone(), thread: Some(thread), _control: control };
    Ok((running, Handle { words, prefix, answers }))
}

fn turn(mut groups: Groups, words: &Receiver<Word>, answers: &AtomicUsize) {
    let start = Instant::now();
    let now_ms = || u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    loop {
        groups.poll(now_ms());
        match words.recv_timeout(TURN) {
            Ok(word) => {
                if matches!(word, Word::Answer(_)) {
                    answers.fetch_sub(1, Ordering::Relaxed);
                }
                if !groups.take(now_ms(), word) {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_answers_leaves_room_for_devices() {
        let (words, receiver) = sync_channel(QUEUE);
        let handle = Handle { words, prefix: [7; 4], answers: Arc::default() };
        (0..2 * QUEUE).for_each(|_| handle.answer(b"a flood"));
        assert!(handle.ask(0, 1, b"device", b"ask"));
        assert_eq!(receiver.try_iter().count(), ANSWERS + 1);
    }
}
