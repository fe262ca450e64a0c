//! Callers without security.

use std::io;
use std::net::UdpSocket;

use super::lockstep::{self, Caller};
use crate::coap::{CONTENT, GET, Message};

/// Asks for /index so many times from one port.
#[derive(Default)]
pub struct Plain {
    left: usize,
    id: u16,
    socket: Option<UdpSocket>,
}

impl Plain {
    /// The next conversation is so many requests.
    pub fn prepare_requests(&mut self, requests: usize) {
        self.left = requests;
    }
}

impl Caller for Plain {
    fn socket(&mut self) -> &mut Option<UdpSocket> {
        &mut self.socket
    }

    fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.id = self.id.wrapping_add(1);
        *out = Message::request(GET, "index", self.id).bytes();
        Ok(())
    }

    fn go_on(&mut self, datagram: &[u8], out: &mut Vec<u8>) -> io::Result<bool> {
        let answer = lockstep::answer(datagram, self.id)?;
        if answer.code != CONTENT || answer.payload.is_empty() {
            return Err(io::Error::other("not the answer of /index"));
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return Ok(false);
        }
        self.begin(out)?;
        Ok(true)
    }
}
