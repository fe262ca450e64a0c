//! Requests of tests, by hand.

use lscoap_testkit::process::unbroken;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

pub use lscoap_testkit::coap::*;

/// Sends a request and waits for the answer to it.
pub fn ask(socket: &UdpSocket, request: &Message) -> Message {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.send(&request.bytes()).unwrap();
    let mut buffer = [0; 2048];
    loop {
        let len = unbroken(|| socket.recv(&mut buffer)).expect("an answer");
        let answer = Message::parse(&buffer[..len]).unwrap();
        if answer.id == request.id {
            return answer;
        }
    }
}

/// Sends bytes, and gives what the server answers: all that comes before the answer to a request that follows.
pub fn answers_to(socket: &UdpSocket, bytes: &[u8]) -> Vec<Message> {
    static NEXT: AtomicU16 = AtomicU16::new(0xC000);
    let last = Message::request(GET, "nowhere", NEXT.fetch_add(1, Ordering::Relaxed));
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.send(bytes).unwrap();
    socket.send(&last.bytes()).unwrap();
    let mut answers = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let len = unbroken(|| socket.recv(&mut buffer)).expect("an answer");
        let answer = Message::parse(&buffer[..len]).unwrap();
        if answer.id == last.id && answer.token == last.token {
            return answers;
        }
        answers.push(answer);
    }
}
