//! `lscoap-gateway run` with devices: what its operator sees of them, and what becomes of them when it ends.

use super::running::{metrics_address, page, until};
use super::site::{LONG, Site};
use lscoap::client::Profile;
use lscoap_testkit::coap::Message;
use lscoap_testkit::fire::device::{Device, Failure, Keys};
use lscoap_testkit::process::{Program, Server, unbroken};
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::thread;

/// 2.05.
const CONTENT: u8 = 0x45;

fn keys(site: &Site, id: &str) -> Keys {
    let enrolment = &site.enrolment;
    Keys { id: id.to_owned(), secret: enrolment.device.private, server: enrolment.server.public }
}

fn device(site: &Site, at: SocketAddr) -> Device {
    Device::new(&keys(site, "sensor-1"), Profile::Signed, at).unwrap()
}

pub fn start(site: &Site, arguments: &[&str], top: &str, tables: &str) -> Server {
    let config = site.config(&format!("allow_root = true\n{top}"), tables);
    Server::start(&mut site.command(&[&["run"], arguments].concat(), &config)).unwrap()
}

fn says(program: &Program, text: &str) {
    assert!(program.wait_for_error_text(text, LONG), "{text} in {}", program.stderr());
}

/// Waits until a count is what it should be.
fn counts(program: &Program, line: &str) {
    let address = metrics_address(program);
    until(|| page(address, "/metrics").lines().any(|found| found == format!("lscoap_gateway_{line}")));
}

/// The first answer to a datagram, which a device would not believe.
fn first_answer(at: SocketAddr, datagram: &[u8]) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.send_to(datagram, at).unwrap();
    let mut answer = [0; 2048];
    let len = unbroken(|| socket.recv(&mut answer)).unwrap();
    Message::parse(&answer[..len]).unwrap()
}

#[test]
fn devices_are_served_counted_and_named() {
    let site = Site::new();
    let server = start(&site, &["--serve-index"], "", "");
    let mut device = device(&site, server.addr);
    device.connect().unwrap();
    assert_eq!(device.get().unwrap()[0], CONTENT);
    device.resume().unwrap();
    assert_eq!(device.get().unwrap()[0], CONTENT);
    for line in [
        "handshakes_total{worker=\"0\",kind=\"signed\"} 1",
        "handshakes_total{worker=\"0\",kind=\"resume\"} 1",
        "sessions_total{worker=\"0\",kind=\"full\"} 1",
        "sessions_total{worker=\"0\",kind=\"resumed\"} 1",
        "slots{worker=\"0\",kind=\"confirmed\"} 1",
        "requests_total{worker=\"0\"} 2",
    ] {
        counts(&server.program, line);
    }
    let said = server.program.stderr();
    let line = said.lines().find(|line| line.contains("event=\"handshake\"")).expect(&said);
    assert!(line.contains("peer=127.0.0.1:") && line.contains("device=sensor-1"), "{line}");
    assert!(said.contains("event=\"resumed\""), "{said}");
}

#[test]
fn a_flood_of_strangers_is_a_few_lines() {
    let site = Site::new();
    let log = "[log]\nper_minute_and_peer = 3\n[sessions]\nretry_rate = 1000000\n";
    let mut server = start(&site, &["--serve-index"], "", log);
    let mut stranger = Device::new(&keys(&site, "nobody\x1b[2J"), Profile::Signed, server.addr).unwrap();
    for _ in 0..20 {
        assert_eq!(stranger.connect(), Err(Failure::Refused(1)));
    }
    counts(&server.program, "alerts_total{worker=\"0\",kind=\"unknown_device\"} 20");
    server.program.terminate().unwrap();
    let said = server.program.stderr();
    assert_eq!(said.matches("event=\"handshake_refused\"").count(), 3, "{said}");
    assert!(!said.contains('\x1b'), "{said:?}");
    let left_out = said.lines().find(|line| line.contains("event=\"left_out\"")).expect(&said);
    assert!(left_out.contains("kind=\"handshake_refused\"") && left_out.contains("count=17"), "{left_out}");
}

#[test]
fn who_leaves_the_list_is_served_no_more() {
    let site = Site::new();
    let server = start(&site, &["--serve-index"], "", "");
    let mut device = device(&site, server.addr);
    device.connect().unwrap();
    device.get().unwrap();
    fs::write(site.enrolment.devices(), "").unwrap();
    server.program.signal("HUP").unwrap();
    says(&server.program, "0 devices: 0 added, 1 removed");
    counts(&server.program, "slots{worker=\"0\",kind=\"confirmed\"} 0");
    assert!(first_answer(server.addr, &device.sealed_datagram().unwrap()).is_alert(5));
    assert!(first_answer(server.addr, &device.first_datagram().unwrap()).is_alert(1));
}

#[test]
fn devices_resume_after_a_restart() {
    let site = Site::new();
    let store = format!("[store]\nurl = \"sqlite:{}\"\n", site.dir().join("state.db").display());
    let mut server = start(&site, &["--serve-index"], "", &store);
    let mut device = device(&site, server.addr);
    device.connect().unwrap();
    device.get().unwrap();
    assert_eq!(server.program.terminate().unwrap().code(), Some(0));
    let server = start(&site, &["--serve-index"], "", &store);
    device.move_to(server.addr).unwrap();
    assert!(first_answer(server.addr, &device.sealed_datagram().unwrap()).is_alert(5));
    device.resume().unwrap();
    assert_eq!(device.get().unwrap()[0], CONTENT);
    counts(&server.program, "handshakes_total{worker=\"0\",kind=\"signed\"} 0");
    assert!(page(metrics_address(&server.program), "/healthz").contains("\"store\":\"up\""));
}

/// A back-end that acknowledges a request, and answers it when it is told to.
struct Backend {
    socket: UdpSocket,
    asked: (Message, SocketAddr),
}

impl Backend {
    fn bind() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket
    }

    fn acknowledge(socket: UdpSocket) -> Self {
        let mut datagram = [0; 2048];
        let (len, from) = socket.recv_from(&mut datagram).unwrap();
        let asked = Message::parse(&datagram[..len]).unwrap();
        let [high, low] = asked.id.to_be_bytes();
        socket.send_to(&[0x60, 0, high, low], from).unwrap();
        Self { socket, asked: (asked, from) }
    }

    fn answer(&self) {
        let (asked, from) = &self.asked;
        let token = asked.token.len();
        let head = [0x50 | token as u8, CONTENT, 0x77, 0x77];
        self.socket.send_to(&[&head[..], &asked.token, b"\xfflate"].concat(), from).unwrap();
    }
}

/// A gateway in front of a back-end that has acknowledged a device's request, and the device, which waits.
fn with_a_request_under_way(
    site: &Site,
    drain_s: u32,
) -> (Server, Backend, thread::JoinHandle<Result<Vec<u8>, Failure>>) {
    let socket = Backend::bind();
    let uri = format!("[backend]\nuri = \"coap://{}\"\n", socket.local_addr().unwrap());
    let server = start(site, &[], &format!("drain_s = {drain_s}"), &uri);
    let mut device = device(site, server.addr);
    device.connect().unwrap();
    let waits = thread::spawn(move || device.get());
    let backend = Backend::acknowledge(socket);
    (server, backend, waits)
}

#[test]
fn what_is_under_way_is_answered_before_the_end() {
    let site = Site::new();
    let (mut server, backend, waits) = with_a_request_under_way(&site, 60);
    server.program.signal("TERM").unwrap();
    says(&server.program, "event=\"stopping\"");
    assert!(page(metrics_address(&server.program), "/healthz").contains("\"stopping\":true"));
    let mut late = device(&site, server.addr);
    let refusal = first_answer(server.addr, &late.first_datagram().unwrap());
    assert!(refusal.is_alert(4), "no more is taken on: {refusal:?}");
    backend.answer();
    let answer = waits.join().unwrap().unwrap();
    assert!(answer[0] == CONTENT && answer.ends_with(b"late"), "{answer:?}");
    assert_eq!(server.program.wait(LONG).unwrap().code(), Some(0));
    assert!(
        server.program.stderr().ends_with("event=\"stopped\"\n")
            || server.program.stderr().contains(" stopped event")
    );
}

#[test]
fn the_end_waits_only_so_long() {
    let site = Site::new();
    let (mut server, _backend, _waits) = with_a_request_under_way(&site, 1);
    server.program.signal("TERM").unwrap();
    assert_eq!(server.program.wait(LONG).unwrap().code(), Some(0));
    assert!(server.program.stderr().contains("requests were cut off"), "{}", server.program.stderr());
}

#[test]
fn told_twice_it_ends_at_once() {
    let site = Site::new();
    let (mut server, _backend, _waits) = with_a_request_under_way(&site, 3600);
    server.program.signal("INT").unwrap();
    says(&server.program, "event=\"stopping\"");
    server.program.signal("TERM").unwrap();
    assert_eq!(server.program.wait(LONG).unwrap().code(), Some(1));
    says(&server.program, "told twice: stopped at once");
}
