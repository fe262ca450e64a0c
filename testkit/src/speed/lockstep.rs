//! Keeps a server busy from one thread. So many callers are in conversation at once; the server takes their datagrams
//! in the order in which they came, so that its answers come in the order of the requests, and the load waits for
//! the caller that has waited longest. There is always work in the server's queue, and no system call is spent on
//! finding out who has an answer.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::coap::{ACK, Message};

/// How long an answer may take; that it is lost on loopback is a failure of the measurement.
const PATIENCE: Duration = Duration::from_secs(5);
const DATAGRAM_MAX: usize = 2048;
/// Between two looks for an answer.
const PAUSES: usize = 16;

/// Somebody in conversation with a server.
pub trait Caller {
    /// Where it keeps its socket; none before it has called for the first time.
    fn socket(&mut self) -> &mut Option<UdpSocket>;
    /// Writes the first datagram.
    fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()>;
    /// Takes an answer and writes the next datagram; false when the conversation is over.
    fn go_on(&mut self, answer: &[u8], out: &mut Vec<u8>) -> io::Result<bool>;
}

/// The acknowledgement with the answer to the request of that message id.
pub fn answer(datagram: &[u8], id: u16) -> io::Result<Message> {
    Message::parse(datagram)
        .filter(|answer| answer.kind == ACK && answer.id == id)
        .ok_or_else(|| io::Error::other("not the answer that was awaited"))
}

fn begin<C: Caller>(caller: &mut C, to: SocketAddr, out: &mut Vec<u8>) -> io::Result<()> {
    caller.begin(out)?;
    if caller.socket().is_none() {
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        socket.connect(to)?;
        socket.set_nonblocking(true)?;
        *caller.socket() = Some(socket);
    }
    send(caller, out)
}

fn send<C: Caller>(caller: &mut C, out: &[u8]) -> io::Result<()> {
    match caller.socket() {
        Some(socket) => socket.send(out).map(drop),
        None => Err(io::ErrorKind::NotConnected.into()),
    }
}

fn receive<C: Caller>(caller: &mut C, buffer: &mut [u8]) -> io::Result<usize> {
    let received = match caller.socket() {
        Some(socket) => spin(socket, buffer),
        None => Err(io::ErrorKind::NotConnected.into()),
    };
    received.map_err(|error| io::Error::new(error.kind(), format!("no answer: {error}")))
}

/// Waits without sleeping: to wake the load would be work of the server's core, the more often the more it has to do
/// for each datagram.
fn spin(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    let start = Instant::now();
    loop {
        match socket.recv(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && start.elapsed() < PATIENCE => {
                (0..PAUSES).for_each(|_| std::hint::spin_loop());
                std::thread::yield_now(); // to the server, where both have one core
            }
            other => return other,
        }
    }
}

/// Lets all of them have their conversations, `at_once` at a time. Gives how long it took.
pub fn run<'a, C: Caller + 'a>(
    to: SocketAddr,
    at_once: usize,
    callers: impl IntoIterator<Item = &'a mut C>,
) -> io::Result<Duration> {
    let (mut out, mut buffer) = (Vec::with_capacity(DATAGRAM_MAX), [0; DATAGRAM_MAX]);
    let mut waiting = callers.into_iter();
    let mut talking = VecDeque::with_capacity(at_once);
    let start = Instant::now();
    for caller in waiting.by_ref().take(at_once) {
        begin(caller, to, &mut out)?;
        talking.push_back(caller);
    }
    while let Some(caller) = talking.pop_front() {
        let len = receive(caller, &mut buffer)?;
        if caller.go_on(&buffer[..len], &mut out)? {
            send(caller, &out)?;
            talking.push_back(caller);
        } else if let Some(next) = waiting.next() {
            begin(next, to, &mut out)?;
            talking.push_back(next);
        }
    }
    Ok(start.elapsed())
}
