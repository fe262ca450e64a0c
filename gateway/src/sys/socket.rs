//! Sockets of devices: how they are bound, and what is put in front of them.

use super::Instruction;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Datagrams that arrive while a worker computes wait here, in bytes as the kernel counts them: about a thousand small ones. More would
/// only make them late.
const RECEIVE_BUFFER: usize = 1 << 20;

fn new(address: SocketAddr, only_v6: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    Ok(socket)
}

/// [`io::ErrorKind::AddrInUse`] where somebody has the address already: sockets that share one would let another process of the same user
/// in, which would get nothing, or what is not for it.
pub fn check_is_free(address: SocketAddr, only_v6: bool) -> io::Result<()> {
    new(address, only_v6)?.bind(&address.into())
}

/// Binds one of several sockets of an address. The order in which they are bound is what a steering program counts by. Where the
/// address is a wildcard, each datagram says which address it was written to; `[::]` takes IPv4 too unless it is `only_v6`.
pub fn bind(address: SocketAddr, only_v6: bool) -> io::Result<UdpSocket> {
    let socket = new(address, only_v6)?;
    socket.set_reuse_port(true)?;
    if address.ip().is_unspecified() {
        let (level, option) = match address {
            SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO),
            SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
        };
        set_option(&socket, level, option, &1_i32)?;
    }
    let size = i32::try_from(RECEIVE_BUFFER).unwrap_or(i32::MAX);
    if set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &size).is_err() {
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?; // as much as the system gives to anybody
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Has a program choose among the sockets that share the address of this one, in the order in which they were bound. It sees the
/// datagram; where it returns no socket's number, the kernel chooses.
pub fn attach_steering(socket: &UdpSocket, program: &[Instruction]) -> io::Result<()> {
    attach(socket, libc::SO_ATTACH_REUSEPORT_CBPF, program)
}

/// Has a program say which datagrams are taken: the number of bytes, 0 for none. It sees the datagram behind its UDP header.
pub fn attach_filter(socket: &UdpSocket, program: &[Instruction]) -> io::Result<()> {
    attach(socket, libc::SO_ATTACH_FILTER, program)
}

fn attach(socket: &UdpSocket, option: i32, program: &[Instruction]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    set_option(socket, libc::SOL_SOCKET, option, &program)
}

fn set_option<T>(socket: &impl AsRawFd, level: i32, option: i32, value: &T) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: `value` is `len` bytes that can be read. The callers' types are those of their options; the one with a pointer points to
    // as many instructions as it says, which outlive the call, and which the kernel only reads.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const *value).cast(), len) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The state of a socket's receive buffer.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Bytes that are taken.
    pub used: u32,
    /// Bytes that there are.
    pub size: u32,
    /// Datagrams that found it full, or that the filter dropped, since the socket was made.
    pub dropped: u32,
}

/// The state of a socket's receive buffer.
pub fn memory(socket: BorrowedFd<'_>) -> io::Result<Memory> {
    const VARS: usize = 9; // SK_MEMINFO_VARS
    let mut facts = [0_u32; VARS];
    let mut len = libc::socklen_t::try_from(size_of_val(&facts)).unwrap_or(0);
    // SAFETY: `facts` is `len` bytes that can be written, and every pattern of bits is a number.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            facts.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let [used, size, _, _, _, _, _, _, dropped] = facts; // SK_MEMINFO_RMEM_ALLOC, _RCVBUF, ..., _DROPS
    Ok(Memory { used, size, dropped })
}
