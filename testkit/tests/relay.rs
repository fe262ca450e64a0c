//! The relay, as a library and as a program, before an echo server.

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lscoap_testkit::process::{Program, unbroken};
use lscoap_testkit::relay::{Counters, Direction, Relay, RelayConfig, Verdict};

const LONG: Duration = Duration::from_secs(20);

/// Sends everything back, and remembers from where it came.
struct Echo {
    addr: SocketAddr,
    peers: Arc<Mutex<HashSet<SocketAddr>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    fn start(ip: &str) -> Echo {
        let socket = UdpSocket::bind(format!("{ip}:0")).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let addr = socket.local_addr().unwrap();
        let (peers, stop) = (Arc::<Mutex<HashSet<_>>>::default(), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (peers, stop) = (peers.clone(), stop.clone());
            move || {
                let mut buffer = [0; 65_536];
                while !stop.load(Ordering::Relaxed) {
                    if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                        peers.lock().unwrap().insert(from);
                        socket.send_to(&buffer[..length], from).unwrap();
                    }
                }
            }
        });
        Echo { addr, peers, stop, thread: Some(thread) }
    }

    fn peers(&self) -> usize {
        self.peers.lock().unwrap().len()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn client(to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).unwrap();
    socket.connect(to).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_536];
    let length = unbroken(|| socket.recv(&mut buffer)).unwrap();
    buffer.truncate(length);
    buffer
}

fn exchange(socket: &UdpSocket, datagram: &[u8]) -> Vec<u8> {
    socket.send(datagram).unwrap();
    receive(socket)
}

/// Waits until the relay has received so many datagrams from clients.
fn wait_for_arrivals(relay: &Relay, datagrams: u64) {
    let end = Instant::now() + LONG;
    while relay.counters().up.received.datagrams < datagrams {
        assert!(Instant::now() < end, "datagrams did not arrive: {}", relay.counters());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn passes_everything_on_and_counts_it() {
    for ip in ["127.0.0.1", "[::1]"] {
        let echo = Echo::start(ip);
        let relay = Relay::start(RelayConfig::new(echo.addr)).unwrap();
        let client = client(relay.addr());
        for length in [0, 1, 1280, 60_000] {
            let datagram = vec![0xA5; length];
            assert_eq!(exchange(&client, &datagram), datagram);
        }
        let counters = relay.counters();
        for way in [counters.up, counters.down] {
            assert_eq!((way.received.datagrams, way.received.bytes), (4, 61_281));
            assert_eq!(way.received, way.sent);
        }
    }
}

#[test]
fn clients_are_told_apart() {
    let echo = Echo::start("127.0.0.1");
    let relay = Relay::start(RelayConfig::new(echo.addr)).unwrap();
    let clients: Vec<UdpSocket> = (0..10).map(|_| client(relay.addr())).collect();
    for (n, client) in clients.iter().enumerate() {
        client.send(&[n as u8]).unwrap();
    }
    for (n, client) in clients.iter().enumerate() {
        assert_eq!(receive(client), [n as u8]);
    }
    assert_eq!(echo.peers(), 10);
}

#[test]
fn a_rebound_client_comes_from_elsewhere() {
    let echo = Echo::start("127.0.0.1");
    let relay = Relay::start(RelayConfig::new(echo.addr)).unwrap();
    let client = client(relay.addr());
    exchange(&client, b"1");
    exchange(&client, b"2");
    assert_eq!(echo.peers(), 1);
    relay.rebind();
    assert_eq!(exchange(&client, b"3"), b"3");
    assert_eq!(echo.peers(), 2);
}

#[test]
fn the_client_silent_longest_makes_room() {
    let echo = Echo::start("127.0.0.1");
    let mut config = RelayConfig::new(echo.addr);
    config.max_clients = 2;
    let relay = Relay::start(config).unwrap();
    let clients: Vec<UdpSocket> = (0..3).map(|_| client(relay.addr())).collect();
    for n in [0, 1, 0, 2, 0] {
        exchange(&clients[n], b"x");
    }
    assert_eq!(echo.peers(), 3, "client 0 has kept its socket");
    exchange(&clients[1], b"x");
    assert_eq!(echo.peers(), 4, "client 1 got a new one");
}

#[test]
fn never_early() {
    let delay = Duration::from_millis(20);
    let echo = Echo::start("127.0.0.1");
    let relay = Relay::start(RelayConfig::new(echo.addr).delay(delay)).unwrap();
    let client = client(relay.addr());
    for n in 0..5 {
        let start = Instant::now();
        exchange(&client, &[n]);
        assert!(start.elapsed() >= 2 * delay);
    }
}

/// Sends `count` numbered datagrams, each when the one before has arrived, and gives everything that comes back.
fn answers(config: RelayConfig, count: u64) -> (Vec<Vec<u8>>, Relay) {
    let relay = Relay::start(config).unwrap();
    let client = client(relay.addr());
    for n in 0..count {
        client.send(&[n as u8; 8]).unwrap();
        wait_for_arrivals(&relay, n + 1);
    }
    client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let end = Instant::now() + LONG;
    let mut buffer = [0; 100];
    let mut got = Vec::new();
    loop {
        let Counters { up, down } = relay.counters();
        let all_answered = up.sent.datagrams + up.lost == count && down.received == up.sent;
        if all_answered && got.len() as u64 == down.received.datagrams + down.duplicated {
            return (got, relay);
        }
        assert!(Instant::now() < end, "answers are missing: {}", relay.counters());
        if let Ok(length) = client.recv(&mut buffer) {
            got.push(buffer[..length].to_vec());
        }
    }
}

#[test]
fn loss_is_the_same_again_for_a_seed() {
    let echo = Echo::start("127.0.0.1");
    let lossy = |seed| {
        // only one way: what the other way loses depends on the order of arrival
        let mut config = RelayConfig::new(echo.addr).seed(seed);
        config.up.loss = 0.3;
        answers(config, 100)
    };
    let (first, relay) = lossy(5);
    let counters = relay.counters();
    assert_eq!(counters.up.received.datagrams, 100);
    assert_eq!(counters.up.sent.datagrams + counters.up.lost, 100);
    assert_eq!(first.len() as u64, counters.up.sent.datagrams);
    assert!(counters.up.lost > 0 && counters.up.lost < 100);
    assert_eq!(first, lossy(5).0);
    assert_ne!(first, lossy(6).0);
}

#[test]
fn duplicates_arrive_twice() {
    let echo = Echo::start("127.0.0.1");
    let mut config = RelayConfig::new(echo.addr);
    config.down.duplicate = 1.0;
    let (got, relay) = answers(config, 20);
    assert_eq!(got.len(), 40);
    assert_eq!(relay.counters().down.duplicated, 20);
    assert_eq!(relay.counters().down.sent.bytes, 2 * relay.counters().down.received.bytes);
}

#[test]
fn reordered_ones_are_overtaken() {
    let echo = Echo::start("127.0.0.1");
    let mut config = RelayConfig::new(echo.addr).seed(1);
    config.up.reorder = 0.3;
    config.up.hold_back = Duration::from_millis(200);
    let (got, relay) = answers(config, 30);
    assert_eq!(got.len(), 30);
    assert!(relay.counters().up.reordered > 0);
    assert!(!got.is_sorted());
}

#[test]
fn corruption_changes_one_byte() {
    let echo = Echo::start("127.0.0.1");
    let mut config = RelayConfig::new(echo.addr);
    config.up.corrupt = 1.0;
    let (got, relay) = answers(config, 20);
    assert_eq!(relay.counters().up.corrupted, 20);
    for (n, answer) in got.iter().enumerate() {
        assert_eq!(answer.iter().filter(|byte| **byte != n as u8).count(), 1);
    }
}

#[test]
fn what_does_not_fit_is_counted() {
    let echo = Echo::start("127.0.0.1");
    let mut config = RelayConfig::new(echo.addr).delay(LONG);
    config.max_queued_bytes = 10_000;
    let relay = Relay::start(config).unwrap();
    let client = client(relay.addr());
    for n in 0..10 {
        client.send(&[0; 3000]).unwrap();
        wait_for_arrivals(&relay, n + 1);
    }
    drop(client);
    let mut overflowed = relay.counters().up.overflowed;
    let end = Instant::now() + LONG;
    while overflowed < 7 && Instant::now() < end {
        overflowed = relay.counters().up.overflowed;
    }
    assert_eq!(overflowed, 7); // three of 3,000 bytes and what goes with them fit
}

#[test]
fn a_watch_sees_and_drops() {
    let echo = Echo::start("127.0.0.1");
    let seen = Arc::<Mutex<Vec<(Direction, Vec<u8>)>>>::default();
    let config = RelayConfig::new(echo.addr).watch({
        let seen = seen.clone();
        move |direction, datagram| {
            seen.lock().unwrap().push((direction, datagram.to_vec()));
            if datagram == b"secret" { Verdict::Drop } else { Verdict::Pass }
        }
    });
    let relay = Relay::start(config).unwrap();
    let client = client(relay.addr());
    client.send(b"secret").unwrap();
    assert_eq!(exchange(&client, b"hello"), b"hello");
    assert_eq!(relay.counters().up.lost, 1);
    let seen = seen.lock().unwrap().clone();
    let expected = [(Direction::Up, "secret"), (Direction::Up, "hello"), (Direction::Down, "hello")];
    assert_eq!(seen, expected.map(|(direction, text)| (direction, text.as_bytes().to_vec())));
}

#[test]
fn survives_a_server_that_is_down() {
    let echo = Echo::start("127.0.0.1");
    let addr = echo.addr;
    let relay = Relay::start(RelayConfig::new(addr)).unwrap();
    let client = client(relay.addr());
    drop(echo);
    client.send(b"lost").unwrap();
    wait_for_arrivals(&relay, 1);
    client.send(b"lost").unwrap();
    wait_for_arrivals(&relay, 2);
    let again = UdpSocket::bind(addr).unwrap();
    again.set_read_timeout(Some(LONG)).unwrap();
    let mut buffer = [0; 10];
    // A refusal from before may still be reported to the relay's next send.
    for _ in 0..3 {
        client.send(b"here").unwrap();
    }
    let (length, _) = unbroken(|| again.recv_from(&mut buffer)).unwrap();
    assert_eq!(&buffer[..length], b"here");
}

fn relay_program(to: SocketAddr, more: &[&str]) -> (Program, SocketAddr) {
    let program =
        Program::start(Command::new(env!("CARGO_BIN_EXE_relay")).args(["--to", &to.to_string()]).args(more))
            .unwrap();
    let addr = program.wait_for_line(|line| line.parse().ok(), LONG).expect("an address");
    (program, addr)
}

#[test]
fn the_program_prints_address_and_counters() {
    let echo = Echo::start("127.0.0.1");
    for signal in ["INT", "TERM"] {
        let (mut program, addr) = relay_program(echo.addr, &["--delay-ms", "1.5", "--seed", "7"]);
        assert_eq!(exchange(&client(addr), b"hello"), b"hello");
        program.signal(signal).unwrap();
        assert!(program.wait(LONG).unwrap().success());
        let printed = program.stdout();
        assert!(
            printed.contains("up: received 1 datagrams, 5 bytes; sent 1 datagrams, 5 bytes"),
            "{printed}"
        );
        assert!(printed.contains("\ndown: received 1 datagrams"), "{printed}");
    }
}

#[test]
fn the_program_ends_with_its_input() {
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay"))
        .args(["--to", "127.0.0.1:9"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("up: received 0 datagrams"));
}

#[test]
fn the_program_refuses_nonsense() {
    for bad in [["--loss", "1.5"], ["--loss", "x"], ["--delay-ms", "-1"], ["--to", "nowhere"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_relay"))
            .args(if bad[0] == "--to" { vec![] } else { vec!["--to", "127.0.0.1:9"] })
            .args(bad)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{bad:?}");
    }
}
