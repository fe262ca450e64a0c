//! Many datagrams in one system call.

use super::name::{Control, Name};
use crate::net::{Outbox, Peer};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The longest datagram that is taken, in bytes: several blocks of 1,024 bytes would not be one message. A longer one is dropped.
pub const DATAGRAM_MAX: usize = 2048;

/// How many datagrams one call takes or gives at most.
const CALL: usize = 64;

const NO_VECTOR: libc::iovec = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
const NO_HEADER: libc::mmsghdr = libc::mmsghdr {
    msg_hdr: libc::msghdr {
        msg_name: std::ptr::null_mut(),
        msg_namelen: 0,
        msg_iov: std::ptr::null_mut(),
        msg_iovlen: 0,
        msg_control: std::ptr::null_mut(),
        msg_controllen: 0,
        msg_flags: 0,
    },
    msg_len: 0,
};

/// Where a datagram lies.
#[derive(Clone, Copy)]
struct Entry {
    len: usize,
    control_len: usize,
    socket: u8,
}

/// A datagram that came.
pub struct Received<'a> {
    /// Whose; `None` where the socket is connected.
    pub peer: Option<Peer>,
    /// Its bytes.
    pub datagram: &'a [u8],
}

/// Room for datagrams on their way in.
pub struct Receiver {
    bytes: Box<[[u8; DATAGRAM_MAX]]>,
    names: Box<[Name]>,
    controls: Box<[Control]>,
    entries: Vec<Entry>,
}

impl Receiver {
    /// For as many datagrams.
    pub fn new(count: usize) -> Self {
        Self {
            bytes: vec![[0; DATAGRAM_MAX]; count].into(),
            names: vec![Name::EMPTY; count].into(),
            controls: vec![Control::EMPTY; count].into(),
            entries: Vec::with_capacity(count),
        }
    }

    /// Forgets what came.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is room for no more.
    pub fn is_full(&self) -> bool {
        self.entries.len() == self.bytes.len()
    }

    /// Takes what has come, as much as one call gives and there is room for, behind what is there. `false`: there was less. An error
    /// of a connected socket's is what ICMP said.
    pub fn receive(&mut self, socket: BorrowedFd<'_>, number: u8) -> io::Result<bool> {
        let at = self.entries.len();
        let count = CALL.min(self.bytes.len() - at);
        if count == 0 {
            return Ok(true);
        }
        let mut vectors = [NO_VECTOR; CALL];
        let mut headers = [NO_HEADER; CALL];
        let places = self.bytes.iter_mut().zip(&mut self.names).zip(&mut self.controls).skip(at);
        for (((header, vector), ((bytes, name), control)), _) in
            headers.iter_mut().zip(&mut vectors).zip(places).zip(0..count)
        {
            vector.iov_base = bytes.as_mut_ptr().cast();
            vector.iov_len = DATAGRAM_MAX;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = name.0.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = Name::LEN as u32;
            header.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = Control::LEN as _;
        }
        // SAFETY: the first `count` headers point to vectors, names and controls of the lengths that they say, each their own, borrowed
        // mutably above and alive until the call returns; every pattern of bits is valid in them.
        let result = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                count as u32,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let Ok(received) = usize::try_from(result) else {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::WouldBlock { Ok(false) } else { Err(error) };
        };
        self.entries.extend(headers.iter().take(received).map(|header| {
            let is_whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
            Entry {
                len: if is_whole { header.msg_len as usize } else { 0 },
                control_len: header.msg_hdr.msg_controllen,
                socket: number,
            }
        }));
        Ok(received == count)
    }

    /// One of those that came; `None` for one that was too long, or there is none.
    pub fn get(&self, index: usize) -> Option<Received<'_>> {
        let entry = self.entries.get(index)?;
        let datagram = self.bytes.get(index)?.get(..entry.len).filter(|datagram| !datagram.is_empty())?;
        let local = self.controls.get(index)?.get(entry.control_len);
        let peer = self.names.get(index)?.get().map(|address| Peer { address, local, socket: entry.socket });
        Some(Received { peer, datagram })
    }
}

/// What became of datagrams that were to be sent.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Sent {
    /// They left.
    pub sent: u64,
    /// They did not: no room, or the system would not. Whoever misses them sends again.
    pub failed: u64,
}

/// Room for addresses on their way out.
pub struct Sender {
    names: Box<[Name; CALL]>,
    controls: Box<[Control; CALL]>,
}

impl Default for Sender {
    fn default() -> Self {
        Self { names: Box::new([Name::EMPTY; CALL]), controls: Box::new([Control::EMPTY; CALL]) }
    }
}

impl Sender {
    /// Sends the datagrams of an outbox that go through the socket with this number.
    pub fn send(&mut self, socket: BorrowedFd<'_>, number: u8, outbox: &Outbox<Peer>) -> Sent {
        let mut sent = Sent::default();
        let mut datagrams = outbox.iter().filter(|(peer, _)| peer.socket == number).peekable();
        while datagrams.peek().is_some() {
            let mut vectors = [NO_VECTOR; CALL];
            let mut headers = [NO_HEADER; CALL];
            let mut count = 0;
            let places = self.names.iter_mut().zip(self.controls.iter_mut());
            for (((header, vector), (name, control)), (peer, datagram)) in
                headers.iter_mut().zip(&mut vectors).zip(places).zip(&mut datagrams)
            {
                fill(header, vector, name, peer.address, datagram);
                if let Some(local) = peer.local {
                    header.msg_hdr.msg_controllen = control.put(local) as _;
                    header.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
                }
                count += 1;
            }
            give(socket, headers.get_mut(..count).unwrap_or_default(), &mut sent);
        }
        sent
    }
}

fn fill(
    header: &mut libc::mmsghdr,
    vector: &mut libc::iovec,
    name: &mut Name,
    address: SocketAddr,
    datagram: &[u8],
) {
    vector.iov_base = datagram.as_ptr().cast_mut().cast();
    vector.iov_len = datagram.len();
    header.msg_hdr.msg_iov = vector;
    header.msg_hdr.msg_iovlen = 1;
    header.msg_hdr.msg_namelen = name.put(address);
    header.msg_hdr.msg_name = name.0.as_mut_ptr().cast();
}

/// Sends what headers describe that [`fill`] has filled. What the system refuses is left out, so that it keeps nobody else's back.
fn give(socket: BorrowedFd<'_>, mut headers: &mut [libc::mmsghdr], sent: &mut Sent) {
    while !headers.is_empty() {
        // SAFETY: the headers point to vectors, datagrams, names and controls of the lengths that they say, which the caller holds until
        // this returns, and which the kernel only reads.
        let result = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as u32,
                libc::MSG_DONTWAIT as _,
            )
        };
        let done = match usize::try_from(result) {
            Ok(count) => {
                sent.sent += count as u64;
                count
            }
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => {
                sent.failed += 1;
                1
            }
        };
        headers = headers.get_mut(done.max(1)..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::bind;
    use std::net::{IpAddr, UdpSocket};
    use std::os::fd::AsFd;

    fn receive(receiver: &mut Receiver, socket: &UdpSocket, number: u8, count: usize) {
        while receiver.len() < count {
            receiver.receive(socket.as_fd(), number).unwrap();
            std::thread::yield_now();
        }
    }

    #[test]
    fn more_than_one_call_takes() {
        let (here, there) =
            (bind("127.0.0.1:0".parse().unwrap(), true).unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        there.set_nonblocking(true).unwrap();
        let peer = Peer { address: there.local_addr().unwrap(), local: None, socket: 3 };
        let mut outbox = Outbox::new();
        for n in 0..100_u8 {
            outbox.put(peer, &[n; 9]);
            outbox.put(Peer { socket: 4, ..peer }, b"through another socket");
        }
        let sent = Sender::default().send(here.as_fd(), 3, &outbox);
        assert_eq!(sent, Sent { sent: 100, failed: 0 });
        let mut receiver = Receiver::new(90);
        receive(&mut receiver, &there, 7, 90);
        assert!(receiver.is_full());
        for (index, n) in (0..90).zip(0_u8..) {
            let received = receiver.get(index).unwrap();
            assert_eq!(received.datagram, [n; 9]);
            let expected = Peer { address: here.local_addr().unwrap(), local: None, socket: 7 };
            assert_eq!(received.peer, Some(expected));
        }
        receiver.clear();
        receive(&mut receiver, &there, 7, 10);
        assert_eq!(receiver.get(9).unwrap().datagram, [99; 9]);
        assert!(receiver.get(10).is_none() && !receiver.receive(there.as_fd(), 7).unwrap());
    }

    /// And what nobody can be sent keeps nothing else back.
    #[test]
    fn what_is_too_long_is_dropped() {
        let (here, there) =
            (bind("127.0.0.1:0".parse().unwrap(), true).unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let peer = Peer { address: here.local_addr().unwrap(), local: None, socket: 0 };
        let mut outbox = Outbox::new();
        outbox.put(peer, &[1; DATAGRAM_MAX + 1]);
        outbox.put(peer, &[2; 70_000]);
        outbox.put(Peer { address: "[::1]:9".parse().unwrap(), ..peer }, &[3]);
        outbox.put(peer, &[4; DATAGRAM_MAX]);
        let sent = Sender::default().send(there.as_fd(), 0, &outbox);
        assert_eq!(sent, Sent { sent: 2, failed: 2 });
        let mut receiver = Receiver::new(2);
        receive(&mut receiver, &here, 0, 2);
        assert!(receiver.get(0).is_none());
        assert_eq!(receiver.get(1).unwrap().datagram, [4; DATAGRAM_MAX]);
    }

    /// Of several addresses of ours, the one that was written to answers.
    #[test]
    fn answers_leave_from_where_the_question_came_to() {
        for (wildcard, ours, seen) in [
            ("0.0.0.0:0", "127.0.0.7", "127.0.0.7"),
            ("[::]:0", "::1", "::1"),
            ("[::]:0", "127.0.0.7", "::ffff:127.0.0.7"),
        ] {
            let here = bind(wildcard.parse().unwrap(), false).unwrap();
            let ours = SocketAddr::new(ours.parse::<IpAddr>().unwrap(), here.local_addr().unwrap().port());
            let there = UdpSocket::bind(if ours.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).unwrap();
            there.connect(ours).unwrap(); // hears nobody else
            there.send(b"ping").unwrap();
            let mut receiver = Receiver::new(1);
            receive(&mut receiver, &here, 0, 1);
            let peer = receiver.get(0).unwrap().peer.unwrap();
            assert_eq!(peer.local, Some(seen.parse().unwrap()));
            let mut outbox = Outbox::new();
            outbox.put(peer, b"pong");
            assert_eq!(Sender::default().send(here.as_fd(), 0, &outbox).sent, 1);
            let mut bytes = [0; 9];
            there.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
            assert_eq!(there.recv(&mut bytes).unwrap(), 4);
        }
    }
}
