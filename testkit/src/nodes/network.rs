//! Three network namespaces: devices, a balancer, and the nodes with all that is behind them. nftables in the balancer
//! spreads datagrams over the nodes without keeping anything of them, and so needs no connection tracking: what it does not
//! keep, a dead node cannot hold.

use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::process::{Command, Stdio};
use std::thread;

use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process::tool;

/// Where devices are.
pub const DEVICES: &str = "devices";
/// Between them and the nodes.
pub const BALANCER: &str = "balancer";
/// Where the nodes are.
pub const NODES: &str = "nodes";

/// How many nodes there are.
pub const COUNT: usize = 3;
/// The port of all of them.
const PORT: u16 = 5683;
/// What devices know.
pub const ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), PORT));
/// Addresses that devices come from.
pub const SOURCES: u8 = 6;
/// Parts that all devices fall into: two for each node, so that those of a lost one go to both others.
const PARTS: usize = 2 * COUNT;
/// Without one, nftables draws another for each rule that it is given, and every device moves.
const SEED: &str = "0x6c73636f";

/// A node's address.
pub fn node(number: usize) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 78, 0, 11 + number as u8), PORT))
}

/// A device's address, without a port.
pub fn source(number: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 77, 0, 11 + number % SOURCES), 0))
}

/// Does something in a namespace, such as making a socket, which stays there.
pub fn within<T: Send>(namespace: &str, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            let namespace = File::open(format!("/run/netns/{namespace}"))?;
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            work()
        });
        inside.join().map_err(|_| io::Error::other("a thread in a namespace"))?
    })
}

/// A command to be run in a namespace.
pub fn inside(namespace: &str, command: &Command) -> Command {
    let mut moved = Command::new("ip");
    moved.args(["netns", "exec", namespace]).arg(command.get_program()).args(command.get_args());
    moved
}

fn ip(words: &str) -> io::Result<()> {
    tool("ip", words.split(' ')).map(drop)
}

/// Makes the namespaces and what connects them.
pub fn make() -> io::Result<()> {
    for namespace in [DEVICES, BALANCER, NODES] {
        ip(&format!("netns add {namespace}"))?;
        ip(&format!("-n {namespace} link set lo up"))?;
    }
    for (namespace, link, peer, subnet) in [(DEVICES, "d0", "b0", 77), (NODES, "n0", "b1", 78)] {
        ip(&format!("link add {link} netns {namespace} type veth peer name {peer} netns {BALANCER}"))?;
        ip(&format!("-n {BALANCER} address add 10.{subnet}.0.1/24 dev {peer}"))?;
        ip(&format!("-n {BALANCER} link set {peer} up"))?;
        let addresses = if namespace == DEVICES { usize::from(SOURCES) } else { COUNT };
        for number in 0..addresses {
            ip(&format!("-n {namespace} address add 10.{subnet}.0.{}/24 dev {link}", 11 + number))?;
        }
        ip(&format!("-n {namespace} link set {link} up"))?;
        ip(&format!("-n {namespace} route add default via 10.{subnet}.0.1"))?;
    }
    let mut forward = inside(BALANCER, Command::new("sysctl").args(["-q", "-w", "net.ipv4.ip_forward=1"]));
    if forward.status()?.success() { Ok(()) } else { Err(io::Error::other("sysctl")) }
}

fn address(number: usize) -> IpAddr {
    node(number).ip()
}

/// Which node each part of the devices goes to, where only some are up.
fn parts(up: [bool; COUNT]) -> Vec<usize> {
    let serves = |part: usize| {
        let home = part % COUNT;
        let (next, last) = ((home + 1) % COUNT, (home + 2) % COUNT);
        let others = if part < COUNT { [next, last] } else { [last, next] };
        [home, others[0], others[1]].into_iter().find(|node| up[*node]).unwrap_or(home)
    };
    (0..PARTS).map(serves).collect()
}

/// How a message of a handshake is found that has to reach the node that its connection id names.
#[derive(Clone, Copy)]
pub struct Wrong {
    /// Where the payload begins, in the datagram.
    pub payload: usize,
}

/// The rules for nodes that are up: every device, by address and port, to one of them. `wrong` besides sends each M3 to
/// the node after the one that its connection id names.
pub fn rules(up: [bool; COUNT], wrong: Option<Wrong>) -> String {
    let list = |pairs: Vec<(usize, usize)>| {
        let pairs = pairs.iter().map(|(key, node)| format!("{key} : {}", address(*node)));
        pairs.collect::<Vec<_>>().join(", ")
    };
    let nodes = (0..COUNT).map(|number| address(number).to_string()).collect::<Vec<_>>().join(", ");
    let to = format!("ip daddr {} udp dport {PORT}", ADDRESS.ip());
    let add = "add rule ip fleet balance";
    let from = format!("ip saddr {{ {nodes} }} udp sport {PORT}");
    let shift = wrong.map_or(String::new(), |wrong| {
        let bit = |at: usize| (8 + wrong.payload + at) * 8; // behind the header of UDP
        let map = list((0..COUNT).map(|node| (node + 1, (node + 1) % COUNT)).collect());
        format!(
            "{add} {to} @th,{},8 0x13 ip daddr set @th,{},8 map {{ {map} }} notrack accept\n",
            bit(0),
            bit(2)
        )
    });
    let map = list(parts(up).into_iter().enumerate().collect());
    format!(
        "add table ip fleet
         flush table ip fleet
         add chain ip fleet balance {{ type filter hook prerouting priority raw; }}
         add chain ip fleet reply {{ type filter hook postrouting priority raw; }}
         {shift}{add} {to} ip daddr set jhash ip saddr . udp sport mod {PARTS} seed {SEED} map {{ {map} }} notrack
         {add} {from} notrack
         add rule ip fleet reply {from} ip saddr set {}\n",
        ADDRESS.ip()
    )
}

/// Puts rules into force, all at once.
pub fn balance(rules: &str) -> io::Result<()> {
    let mut nft = inside(BALANCER, Command::new("nft").args(["-f", "-"])).stdin(Stdio::piped()).spawn()?;
    nft.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?.write_all(rules.as_bytes())?;
    if nft.wait()?.success() { Ok(()) } else { Err(io::Error::other(format!("nft refuses:\n{rules}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_node_is_shared_by_the_others() {
        assert_eq!(parts([true; 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(parts([true, false, true]), [0, 2, 2, 0, 0, 2]);
        assert_eq!(parts([false, false, true]), [2; 6]);
    }

    #[test]
    fn a_wrong_map_sends_m3_to_the_node_after() {
        let rules = rules([true; 3], Some(Wrong { payload: 31 }));
        assert!(rules.contains(
            "@th,312,8 0x13 ip daddr set @th,328,8 map { 1 : 10.78.0.12, 2 : 10.78.0.13, 3 : 10.78.0.11 }"
        ));
    }
}
