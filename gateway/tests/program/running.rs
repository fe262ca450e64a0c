//! `lscoap-gateway run`: how it begins, what it hears of, and how it ends. What answers does not matter here.

use super::site::{LONG, Site};
use lscoap_testkit::process::{Program, Server, run, unbroken};
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const RUN: [&str; 3] = ["run", "--serve-index", "--plain"];
/// GET /index, confirmable, without a token.
const GET_INDEX: &[u8] = b"\x40\x01\x12\x34\xb5index";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Starts it, and waits until it listens.
fn start(site: &Site, top: &str, tables: &str) -> Server {
    let config = site.config(&format!("allow_root = true\n{top}"), tables);
    Server::start(&mut site.command(&RUN, &config)).unwrap()
}

/// Waits for something that has to come.
pub fn until(is_there: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_there() {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn metrics_address(program: &Program) -> SocketAddr {
    program.wait_for_line(|line| line.strip_prefix("metrics on ")?.parse().ok(), LONG).unwrap()
}

/// What a page says: all of the answer.
pub fn page(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn ask(address: SocketAddr) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.send_to(GET_INDEX, address).unwrap();
    let mut answer = [0; 2048];
    let len = unbroken(|| socket.recv(&mut answer)).unwrap();
    answer[..len].to_vec()
}

#[test]
fn it_answers_counts_and_ends() {
    let site = Site::new();
    let mut server = start(&site, "", "");
    let answer = ask(server.addr);
    assert_eq!(&answer[..4], [0x60, 0x45, 0x12, 0x34]);
    let metrics = metrics_address(&server.program);
    for count in ["received", "sent"] {
        let line = format!("\nlscoap_gateway_{count}_total{{worker=\"0\"}} 1\n");
        until(|| page(metrics, "/metrics").contains(&line)); // it answers first, and counts then
    }
    let text = page(metrics, "/metrics");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("# EOF\n"), "{text}");
    let health = page(metrics, "/healthz");
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
    let (_, body) = health.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["ok"], &body["workers"], &body["store"]), (&true.into(), &1.into(), &"none".into()));
    assert!(page(metrics, "/").starts_with("HTTP/1.1 404 "));
    assert_eq!(server.program.terminate().unwrap().code(), Some(0));
    let said = server.program.stderr();
    assert!(said.contains("NOT SECURED") && said.contains("event=\"stopped\""), "{said}");
    let secret = site.enrolment.server.key_file();
    assert!(!said.contains(secret.trim()));
}

#[test]
fn workers_share_the_addresses() {
    let site = Site::new();
    let config = site.config("allow_root = true\n", "");
    let text = fs::read_to_string(&config).unwrap();
    let text = text
        .replace("workers = 1", "workers = 3")
        .replace("\"127.0.0.1:0\"]", "\"127.0.0.1:0\", \"[::1]:0\"]");
    fs::write(&config, text).unwrap();
    let server = Server::start(&mut site.command(&RUN, &config)).unwrap();
    let metrics = metrics_address(&server.program);
    let said = server.program.stdout();
    let addresses: Vec<SocketAddr> =
        said.lines().filter_map(|line| line.strip_prefix("listening on ")?.parse().ok()).collect();
    assert_eq!((addresses.len(), addresses[1].is_ipv6()), (2, true), "{said}");
    for _ in 0..20 {
        ask(addresses[0]);
    }
    let count = |worker: u8| {
        let line = format!("lscoap_gateway_sent_total{{worker=\"{worker}\"}} ");
        let text = page(metrics, "/metrics");
        text.lines().find_map(|found| found.strip_prefix(&line)).unwrap().parse::<u32>().unwrap()
    };
    until(|| count(0) + count(1) + count(2) == 20);
    assert!(page(metrics, "/healthz").contains("\"workers_alive\":3"));
}

#[test]
fn the_service_manager_is_told() {
    let site = Site::new();
    let path = site.dir().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
    manager.set_read_timeout(Some(LONG)).unwrap();
    let told = || {
        let mut text = [0; 256];
        let len = unbroken(|| manager.recv(&mut text)).unwrap();
        String::from_utf8_lossy(&text[..len]).trim().to_owned()
    };
    let config = site.config("allow_root = true", "");
    let mut command = site.command(&RUN, &config);
    let mut server =
        Server::start(command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "1000000")).unwrap();
    assert_eq!(told(), "READY=1");
    for _ in 0..3 {
        assert_eq!(told(), "WATCHDOG=1");
    }
    assert_eq!(server.program.terminate().unwrap().code(), Some(0));
    let last = (0..1000).map(|_| told()).find(|said| said != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
    // That there is no manager, or a senseless name, is no fault.
    for name in ["/no/such/socket", "", "x", &"/y".repeat(100)] {
        Server::start(site.command(&RUN, &config).env("NOTIFY_SOCKET", name)).unwrap();
    }
}

#[test]
fn lists_are_read_again() {
    let site = Site::new();
    let server = start(&site, "", "");
    let says =
        |text: &str| assert!(server.program.wait_for_error_text(text, LONG), "{}", server.program.stderr());
    let (list, old) = (site.enrolment.devices(), fs::read_to_string(site.enrolment.devices()).unwrap());
    let second = site.enrolment.server.device_string("sensor-2");
    fs::write(&list, format!("{old}{second}\n")).unwrap();
    server.program.signal("HUP").unwrap();
    says("2 devices: 1 added, 0 removed, 0 with another key");
    fs::write(&list, format!("{second}\nLSC2:nonsense\n")).unwrap();
    server.program.signal("HUP").unwrap();
    says("devices.txt:2:");
    says("; the old list stays");
    fs::write(&list, "").unwrap();
    server.program.signal("HUP").unwrap();
    says("0 devices: 0 added, 2 removed, 0 with another key");
    says("nobody gets in");
}

#[test]
fn a_list_that_changes_is_read_without_a_word() {
    let site = Site::new();
    let list = site.enrolment.devices();
    let server = start(&site, "", &format!("[devices]\nsource = {list:?}\npoll_s = 1\n"));
    let fresh = site.dir().join("fresh");
    fs::write(&fresh, format!("{}\n", site.enrolment.server.device_string("sensor-1"))).unwrap();
    fs::rename(&fresh, &list).unwrap();
    let said = "1 device: 0 added, 0 removed, 1 with another key";
    assert!(server.program.wait_for_error_text(said, LONG), "{}", server.program.stderr());
}

#[test]
fn a_list_in_the_store_is_read_again() {
    let site = Site::new();
    let store = site.dir().join("state.db");
    let tables =
        format!("[devices]\nsource = \"store\"\npoll_s = 1\n[store]\nurl = \"sqlite:{}\"\n", store.display());
    let server = start(&site, "", &tables);
    assert!(server.program.wait_for_error_text("nobody gets in", LONG));
    let list = site.enrolment.devices();
    let done = site.run(&["devices", "import", list.to_str().unwrap()], &site.dir().join("gateway.toml"));
    assert_eq!(done.code, Some(0), "{done:?}");
    let said = "1 device: 1 added, 0 removed, 0 with another key";
    assert!(server.program.wait_for_error_text(said, LONG), "{}", server.program.stderr());
    let mode = fs::metadata(&store).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[test]
fn a_list_in_a_store_that_is_down_is_waited_for() {
    let site = Site::new();
    let tables = "[devices]\nsource = \"store\"\n[store]\nurl = \"redis://127.0.0.1:1\"\ntimeout_ms = 100\n";
    let config = site.config("allow_root = true", tables);
    let mut program = Program::start(&mut site.command(&RUN, &config)).unwrap();
    assert!(program.wait_for_error_text("the store with the list of devices is waited for", LONG));
    assert_eq!(program.terminate().unwrap().code(), Some(0));
    assert!(!program.stdout().contains("listening on"), "nobody was told that nobody knows him");
}

#[test]
fn what_keeps_it_from_beginning() {
    let site = Site::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = socket.local_addr().unwrap();
    let config = site.config("allow_root = true", "");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("127.0.0.1:0\"]", &format!("{taken}\"]"))).unwrap();
    let done = site.run(&RUN, &config);
    let said = format!("listen: {taken}: Address already in use");
    assert!(done.code == Some(1) && done.stderr.contains(&said), "{done:?}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let done =
        site.run(&RUN, &site.config("allow_root = true", &format!("[http]\naddress = \"{address}\"\n")));
    let said = format!("http.address: {address}: Address already in use");
    assert!(done.code == Some(1) && done.stderr.contains(&said), "{done:?}");

    let remote = "[backend]\nuri = \"coap://192.0.2.1\"\n";
    let done = site.run(&["run"], &site.config("allow_root = true", remote));
    assert!(done.code == Some(2) && done.stderr.contains("is not on this machine (192.0.2.1)"), "{done:?}");

    fs::write(site.enrolment.devices(), "nonsense\n").unwrap();
    let done = site.run(&RUN, &site.config("allow_root = true", ""));
    assert!(done.code == Some(2) && done.stderr.contains("devices.txt:1:1: "), "{done:?}");
}

/// Of all threads of a process: the values that a line of their status has.
fn statuses(id: u32, name: &str) -> HashSet<String> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let line = |path: &Path| {
        let text = fs::read_to_string(path.join("status")).unwrap();
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    threads.map(|thread| line(&thread.unwrap().path())).collect()
}

#[test]
fn root_s_rights_go() {
    if !is_root() {
        eprintln!("not run: only root has rights to give up");
        return;
    }
    let site = Site::new();
    let done = site.run(&RUN, &site.config("", ""));
    let said = "started as root: say whom to become, as in `user = \"lscoap\"`";
    assert!(done.code == Some(2) && done.stderr.contains(said), "{done:?}");
    let done = site.run(&RUN, &site.config("user = \"root\"", ""));
    assert!(done.code == Some(2) && done.stderr.contains("user: \"root\" is root"), "{done:?}");

    // Root's key is read by root, and the store's file is the user's.
    let state = site.dir().join("state");
    fs::create_dir(&state).unwrap();
    std::os::unix::fs::chown(&state, Some(65_534), Some(65_534)).unwrap();
    let store = format!("[store]\nurl = \"sqlite:{}\"\n", state.join("state.db").display());
    fs::set_permissions(site.enrolment.devices(), PermissionsExt::from_mode(0o644)).unwrap();
    let config = site.config("user = \"nobody\"", &store);
    let mut server = Server::start(&mut site.command(&RUN, &config)).unwrap();
    ask(server.addr);
    let id = server.program.id();
    for (name, value) in [
        ("Uid:", "65534 65534 65534 65534"),
        ("Gid:", "65534 65534 65534 65534"),
        ("Groups:", "65534"),
        ("CapPrm:", "0000000000000000"),
        ("CapEff:", "0000000000000000"),
        ("NoNewPrivs:", "1"),
    ] {
        let found = statuses(id, name);
        // Threads that were there before keep the flag that only they themselves can set.
        let expected = HashSet::from([value.to_owned()]);
        assert!(found == expected || name == "NoNewPrivs:" && found.contains(value), "{name} {found:?}");
    }
    let file = fs::metadata(state.join("state.db")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&file), 65_534);
    assert_eq!(server.program.terminate().unwrap().code(), Some(0));
}

#[test]
fn a_log_for_machines() {
    let site = Site::new();
    let mut server = start(&site, "", "[log]\nformat = \"json\"\n");
    server.program.terminate().unwrap();
    let said = server.program.stderr();
    let mut events = HashSet::new();
    for line in said.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(
            object["timestamp"].as_str().unwrap().ends_with('Z') && object["level"].is_string(),
            "{line}"
        );
        assert!(object["message"].is_string(), "{line}");
        events.insert(object["event"].as_str().unwrap().to_owned());
    }
    for event in ["devices", "started", "stopping", "stopped"] {
        assert!(events.contains(event), "{event} in {said}");
    }
}

#[test]
fn only_what_is_large_enough_is_said() {
    let site = Site::new();
    let mut server = start(&site, "", "[log]\nlevel = \"error\"\n");
    server.program.terminate().unwrap();
    assert_eq!(server.program.stderr(), "");
}

#[test]
fn a_log_that_nobody_reads_any_more_is_no_fault() {
    let site = Site::new();
    let config = site.config("allow_root = true", "");
    let mut command = site.command(&RUN, &config);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|line| line.strip_prefix("listening on ")?.parse().ok()).unwrap();
    drop((lines, child.stderr.take()));
    for _ in 0..3 {
        let done = std::process::Command::new("kill").args(["-HUP", &child.id().to_string()]).status();
        assert!(done.unwrap().success());
        ask(address); // the list has been read meanwhile, or will be
    }
    std::thread::sleep(Duration::from_millis(500));
    ask(address);
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// What nobody sees: it sleeps when there is nothing to do.
#[test]
fn it_does_not_turn_for_nothing() {
    let site = Site::new();
    let server = start(&site, "", "");
    let metrics = metrics_address(&server.program);
    let turns = || {
        let text = page(metrics, "/metrics");
        let count =
            text.lines().find_map(|line| line.strip_prefix("lscoap_gateway_turns_total{worker=\"0\"} "));
        count.unwrap().parse::<u64>().unwrap()
    };
    let (before, begin) = (turns(), Instant::now());
    std::thread::sleep(Duration::from_secs(3));
    let after = turns();
    let seconds = begin.elapsed().as_secs() + 1;
    assert!(after > before && after - before <= 4 * seconds, "{before} to {after} in {seconds} s");
}

#[test]
fn a_command_line_that_makes_no_sense() {
    let program = env!("CARGO_BIN_EXE_lscoap-gateway");
    for arguments in [&["run", "--plain"][..], &["serve"], &["run", "--config"]] {
        let done = run(std::process::Command::new(program).args(arguments), LONG).unwrap();
        assert!(done.code == Some(2) && done.stderr.contains("--help"), "{done:?}");
    }
    let done = run(std::process::Command::new(program).arg("--help"), LONG).unwrap();
    assert!(done.code == Some(0) && done.stdout.contains("Exit status: 0 done, 1 not done, 2"), "{done:?}");
}
