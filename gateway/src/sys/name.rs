//! Socket addresses and control messages as the kernel reads and writes them, in safe code.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Room for a `sockaddr_in` or a `sockaddr_in6`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Name(pub [u8; Name::LEN]);

impl Name {
    pub const EMPTY: Self = Self([0; Self::LEN]);
    /// A `sockaddr_in6` has 28 bytes.
    pub const LEN: usize = 32;

    /// Writes an address; the length of what it takes.
    pub fn put(&mut self, address: SocketAddr) -> u32 {
        let (family, len) = match address {
            SocketAddr::V4(_) => (libc::AF_INET, 16),
            SocketAddr::V6(_) => (libc::AF_INET6, 28),
        };
        let [f0, f1, p0, p1, rest @ ..] = &mut self.0;
        [*f0, *f1] = u16::try_from(family).unwrap_or(0).to_ne_bytes();
        [*p0, *p1] = address.port().to_be_bytes();
        match address {
            SocketAddr::V4(address) => put(rest, &[&address.ip().octets(), &[0; 8]]),
            SocketAddr::V6(address) => put(
                rest,
                &[
                    &address.flowinfo().to_be_bytes(),
                    &address.ip().octets(),
                    &address.scope_id().to_ne_bytes(),
                ],
            ),
        }
        len
    }

    /// The address; `None` for one of another family.
    pub fn get(&self) -> Option<SocketAddr> {
        let [f0, f1, p0, p1, rest @ ..] = &self.0;
        let port = u16::from_be_bytes([*p0, *p1]);
        match i32::from(u16::from_ne_bytes([*f0, *f1])) {
            libc::AF_INET => {
                Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(*rest.first_chunk::<4>()?)), port))
            }
            libc::AF_INET6 => {
                let (_, rest) = rest.split_first_chunk::<4>()?; // the flow is not the answer's
                let (ip, rest) = rest.split_first_chunk::<16>()?;
                let scope = u32::from_ne_bytes(*rest.first_chunk()?);
                Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(*ip), port, 0, scope)))
            }
            _ => None,
        }
    }
}

/// Room for one control message with an `in6_pktinfo`, which is longer than an `in_pktinfo`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Control(pub [u8; Control::LEN]);

const LENGTH: usize = size_of::<usize>();
/// A `cmsghdr`: length, level, type.
const HEADER: usize = LENGTH + 8;

impl Control {
    pub const EMPTY: Self = Self([0; Self::LEN]);
    /// An `in6_pktinfo` has 20 bytes; and what aligns it.
    pub const LEN: usize = HEADER + 24;

    /// Says which of our addresses a datagram leaves from; the length of what it takes.
    pub fn put(&mut self, local: IpAddr) -> usize {
        let (level, kind, len) = match local {
            IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO, 12),
            IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, 20),
        };
        let head: [&[u8]; 3] = [&(HEADER + len).to_ne_bytes(), &level.to_ne_bytes(), &kind.to_ne_bytes()];
        put(&mut self.0, &head);
        let data = self.0.get_mut(HEADER..).unwrap_or_default();
        match local {
            // Interface (any), the source, and what counts only where it is received.
            IpAddr::V4(ip) => put(data, &[&[0; 4], &ip.octets(), &[0; 4]]),
            IpAddr::V6(ip) => put(data, &[&ip.octets(), &[0; 4]]),
        }
        (HEADER + len).next_multiple_of(LENGTH)
    }

    /// Which of our addresses the datagram was written to.
    pub fn get(&self, len: usize) -> Option<IpAddr> {
        let bytes = self.0.get(..len)?;
        let (level, rest) = bytes.get(LENGTH..)?.split_first_chunk::<4>()?;
        let (kind, data) = rest.split_first_chunk::<4>()?;
        match (i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind)) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let local: [u8; 4] = *data.get(4..)?.first_chunk()?; // ipi_spec_dst: a source for the answer
                Some(IpAddr::from(local))
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => Some(IpAddr::from(*data.first_chunk::<16>()?)),
            _ => None,
        }
    }
}

fn put(mut to: &mut [u8], parts: &[&[u8]]) {
    for part in parts {
        let Some((head, tail)) = to.split_at_mut_checked(part.len()) else { return };
        head.copy_from_slice(part);
        to = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for address in ["127.0.0.1:5683", "[::1]:5684", "[fe80::1%7]:1"] {
            let address: SocketAddr = address.parse().unwrap();
            let mut name = Name::EMPTY;
            name.put(address);
            assert_eq!(name.get(), Some(address));
        }
        assert_eq!(Name::EMPTY.get(), None);
        for local in ["127.0.0.9", "fd00::9"] {
            let local: IpAddr = local.parse().unwrap();
            let mut control = Control::EMPTY;
            let len = control.put(local);
            assert!(len <= Control::LEN);
            assert_eq!(control.get(len), Some(local));
            assert_eq!((0..HEADER).find_map(|len| control.get(len)), None);
        }
    }
}
