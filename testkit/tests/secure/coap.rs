//! Requests of tests, by hand.

use std::net::UdpSocket;
use std::time::Duration;

pub use lscoap_testkit::coap::*;

/// Sends a request and waits for the answer to it.
pub fn ask(socket: &UdpSocket, request: &Message) -> Message {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.send(&request.bytes()).unwrap();
    let mut buffer = [0; 2048];
    loop {
        let len = socket.recv(&mut buffer).expect("an answer");
        let answer = Message::parse(&buffer[..len]).unwrap();
        if answer.id == request.id {
            return answer;
        }
    }
}
