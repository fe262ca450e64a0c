//! What stands for a sender: himself, for cookies; and whom he shares room with (protocol section 10).

use std::net::{IpAddr, SocketAddr};

/// The bytes of a sender, in an array that is long enough.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bytes {
    bytes: [u8; 22],
    len: usize,
}

impl Bytes {
    fn new(parts: &[&[u8]]) -> Self {
        let (mut bytes, mut len) = ([0; 22], 0);
        for byte in parts.iter().copied().flatten() {
            if let Some(place) = bytes.get_mut(len) {
                *place = *byte;
                len += 1;
            }
        }
        Self { bytes, len }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Address and port: equal for equal senders, whichever socket they wrote to; a link-local address is of a link.
pub fn peer(address: &SocketAddr) -> Bytes {
    let port = address.port().to_be_bytes();
    let scope = if let SocketAddr::V6(address) = address { address.scope_id() } else { 0 };
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => Bytes::new(&[&ip.octets(), &port]),
        IpAddr::V6(ip) => Bytes::new(&[&ip.octets(), &port, &scope.to_be_bytes()]),
    }
}

/// An IPv4 address, mapped ones too; an IPv6 /64, or the address where it is link-local, unique-local or of a network that this
/// machine is in.
pub fn source(address: &SocketAddr, networks: &[Network]) -> Bytes {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => Bytes::new(&[&ip.octets()]),
        IpAddr::V6(ip) => {
            let is_near = ip.is_unicast_link_local()
                || ip.is_unique_local()
                || ip.is_loopback()
                || networks.iter().any(|network| network.has(ip.to_bits()));
            if is_near {
                Bytes::new(&[&ip.octets()])
            } else {
                Bytes::new(&[&(ip.to_bits() >> 64).to_be_bytes()[8..]])
            }
        }
    }
}

/// An IPv6 network that this machine is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: u128,
    mask: u128,
}

impl Network {
    fn has(&self, ip: u128) -> bool {
        self.mask != 0 && ip & self.mask == self.address & self.mask
    }

    /// Those that this machine is in now; none where the system does not say.
    pub fn all() -> Vec<Self> {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        interfaces
            .into_iter()
            .filter_map(|interface| match interface.addr {
                if_addrs::IfAddr::V6(v6) => {
                    Some(Self { address: v6.ip.to_bits(), mask: v6.netmask.to_bits() })
                }
                if_addrs::IfAddr::V4(_) => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(networks: &[Network], addresses: &[&str]) -> Vec<Vec<u8>> {
        addresses.iter().map(|text| source(&text.parse().unwrap(), networks).as_slice().to_vec()).collect()
    }

    #[test]
    fn who_shares_room() {
        let net = Network {
            address: "2001:db8:7::1".parse::<std::net::Ipv6Addr>().unwrap().to_bits(),
            mask: u128::MAX << 64,
        };
        let same = |a: &str, b: &str| {
            let found = sources(&[net], &[a, b]);
            found[0] == found[1]
        };
        assert!(same("10.0.0.1:1", "10.0.0.1:2"));
        assert!(same("10.0.0.1:1", "[::ffff:10.0.0.1]:2"));
        assert!(!same("10.0.0.1:1", "10.0.0.2:1"));
        assert!(same("[2001:db8::1]:1", "[2001:db8::2]:1"));
        assert!(!same("[2001:db8::1]:1", "[2001:db8:0:1::1]:1"));
        for near in ["fe80::", "fd00::", "2001:db8:7::"] {
            assert!(!same(&format!("[{near}1]:1"), &format!("[{near}2]:1")), "{near}");
        }
    }

    #[test]
    fn cookies_are_of_address_and_port() {
        let bytes = |text: &str| peer(&text.parse().unwrap()).as_slice().to_vec();
        assert_eq!(bytes("10.0.0.1:1"), bytes("[::ffff:10.0.0.1]:1"));
        assert_ne!(bytes("10.0.0.1:1"), bytes("10.0.0.1:2"));
        assert_ne!(bytes("[fe80::1%1]:1"), bytes("[fe80::1%2]:1"));
        assert_eq!(bytes("[2001:db8::1]:1").len(), 22);
    }
}
