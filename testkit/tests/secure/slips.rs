//! What an ordinary person does by mistake: it is said, and nothing is lost.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use lscoap_testkit::process::{Finished, Program, Server, free_udp_port, run, tool};

use super::site::*;

const PROGRAMS: [&str; 6] =
    ["plain_client", "plain_server", "coaps_client", "coaps_server", "secure_client", "secure_server"];

fn usage_error(command: &mut Command) -> Finished {
    let finished = run(command, LONG).unwrap();
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{finished:?}");
    finished
}

#[test]
fn a_second_server_on_the_port_is_refused() {
    let site = Site::start(&[]);
    let port = site.addr().port().to_string();
    for address in ["127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"] {
        for mut command in [Site::server_command(&site.enrolment), program("plain_server")] {
            let finished = run(command.args(["-A", address, "-p", &port]), LONG).unwrap();
            assert_eq!(finished.code, Some(1), "{address} {finished:?}");
            assert!(!finished.stdout.contains("listening on"), "{address} {finished:?}");
            let why = format!("cannot listen on {address} port {port}: another program does");
            assert!(finished.stderr.contains(&why), "{finished:?}");
        }
    }
    site.good(site.addr(), &["GET", "/index"]);
    // Another address of the machine is another place.
    Server::start(program("plain_server").args(["-A", "127.0.0.2", "-p", &port])).unwrap();
}

/// A SIGHUP that comes before the server is ready is kept for when it is.
#[test]
fn an_early_hangup_is_not_the_end() {
    let site = Site::start(&[]);
    let list = site.devices();
    let pipe = site.enrolment.dir().join("pipe");
    tool("mkfifo", [&pipe]).unwrap();
    let mut command = Site::server_command(&site.enrolment);
    let server = Program::start(command.arg("-d").arg(&pipe)).unwrap();
    assert!(server.wait_for_text("LSS2:", LONG)); // and now it waits for the list
    server.signal("HUP").unwrap();
    let mut writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    server.signal("HUP").unwrap();
    fs::write(site.enrolment.dir().join("new"), format!("{list}# more\n")).unwrap();
    fs::rename(site.enrolment.dir().join("new"), &pipe).unwrap();
    writer.write_all(list.lines().nth(2).unwrap().as_bytes()).unwrap();
    drop(writer);
    assert!(server.wait_for_text("1 device in ", LONG), "{}", server.stderr());
    assert!(server.wait_for_text("2 devices in ", LONG), "{}", server.stderr());
}

/// Nobody reads what it prints, or nobody can: it serves.
#[test]
fn a_server_does_not_depend_on_its_readers() {
    let site = Site::start(&[]);
    for gone in [true, false] {
        let port = free_udp_port([127, 0, 0, 1].into()).unwrap();
        let mut command = Site::server_command(&site.enrolment);
        command.args(["--stats", "--stats-period", "1", "-p", &port.to_string()]);
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut out, err) = (BufReader::new(server.stdout.take().unwrap()), server.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("listening on ") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0);
        }
        if gone {
            drop((out, err));
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            site.good(to, &["-n", "3", "GET", "/index?readings=1"]);
            sleep(Duration::from_millis(1500)); // a line of statistics
            site.good(to, &["GET", "/index?readings=1"]);
        } else {
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            site.good(to, &["-n", "1500", "GET", "/index?readings=1"]); // the pipe holds 64 KiB
            let mut seen = vec![0; 1 << 20];
            let got = out.read(&mut seen).unwrap();
            assert!(got < 1 << 16 && String::from_utf8_lossy(&seen[..got]).ends_with('\n'), "whole lines");
            while out.buffer().len() > 1 << 15 {
                let _ = out.read(&mut seen).unwrap();
            }
            site.good(to, &["-n", "300", "GET", "/index?readings=1"]);
            server.kill().unwrap();
            let mut rest = String::new();
            out.read_to_string(&mut rest).unwrap();
            assert!(rest.contains(" lines lost: nobody read them)\n"), "{rest}");
        }
        assert!(!gone || server.try_wait().unwrap().is_none(), "it has ended");
        let _ = server.kill();
        server.wait().unwrap();
    }
}

/// A name stands for several addresses: each of them is tried.
#[test]
fn every_address_of_a_name_is_tried() {
    let site = Site::start(&[]);
    let port = site.addr().port();
    let hosts = site.enrolment.dir().join("hosts");
    fs::write(&hosts, "::1 both.test\n127.0.0.1 both.test\n127.0.0.9 nobody.test\n").unwrap();
    // In a name space of its own, with other names.
    let with_names = |command: &Command, host: &str| {
        let mut words = Command::new("unshare");
        let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        words.current_dir(site.enrolment.dir()).args(["-m", "sh", "-c", script]).arg(&hosts);
        words.arg(command.get_program()).args(command.get_args());
        words.args(["-u", &format!("coap://{host}:{port}"), "--timeout", "20", "GET", "/index?readings=1"]);
        run(&mut words, LONG).unwrap()
    };
    let resolved = run(
        Command::new("unshare").args(["-m", "sh", "-c", "mount --bind \"$0\" /etc/hosts"]).arg(&hosts),
        LONG,
    );
    if !resolved.is_ok_and(|finished| finished.code == Some(0)) {
        eprintln!("not run: only root can have names of its own");
        return;
    }
    let plain = Server::start(program("plain_server").args(["-p", "0"])).unwrap();
    let secure = site.client(site.addr(), &[]);
    let finished = with_names(&secure, "both.test");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(with_names(&secure, "nobody.test").code, Some(1));
    drop(site.server.program.signal("TERM"));
    let mut words = Command::new("unshare");
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    words.args(["-m", "sh", "-c", script]).arg(&hosts).arg(program("plain_client").get_program());
    words.args(["-u", &format!("coap://both.test:{}", plain.addr.port()), "GET", "/index"]);
    let finished = run(&mut words, LONG).unwrap();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(("localhost", 1).to_socket_addrs().is_ok());
}

#[test]
fn wrong_options_are_named() {
    let site = Site::start(&[]);
    for (option, value, wanted) in [
        ("--slots", "0", "a number from 1 to 1048576"),
        ("--slots", "many", "a number from 1 to 1048576"),
        ("--cid-prefix", "zz", "1 to 6 bytes in hexadecimal"),
        ("--retry-rate", "-1", "a number from 1 to 1000000"),
        ("--stats-period", "86401", "a number from 1 to 86400"),
        ("--port", "99999", "a UDP port, 0 to 65535"),
        ("--port", "65536", "a UDP port, 0 to 65535"),
        ("--port", "coap", "a UDP port, 0 to 65535"),
        ("--port", "-1", "a UDP port, 0 to 65535"),
    ] {
        let said = usage_error(Site::server_command(&site.enrolment).args([option, value])).stderr;
        assert!(said.starts_with(&format!("{option}: '{value}' is not {wanted}\n")), "{said}");
    }
    for (option, value, wanted) in [
        ("--profile", "foo", "signed or express"),
        ("--carrier", "foo", "payload or oscore"),
        ("--count", "0", "a number from 1 to 1000000"),
        ("--observe", "x", "a number from 1 to 1000000"),
        ("--timeout", "", "a number from 1 to 1000000"),
    ] {
        let said = usage_error(&mut site.client(site.addr(), &[option, value, "GET", "/index"])).stderr;
        assert!(said.starts_with(&format!("{option}: '{value}' is not {wanted}\n")), "{said}");
    }
    for (name, more, said_first) in [
        ("secure_server", vec!["-k", "x"], "--devices is missing\n"),
        ("secure_server", vec!["-d", "x"], "--key is missing\n"),
        ("secure_client", vec!["-k", "x", "-i", "y", "GET", "/"], "--server is missing\n"),
        ("secure_client", vec!["-k", "x", "-s", "y", "GET", "/"], "--id is missing\n"),
        ("plain_server", vec!["-p", "99999"], "--port: '99999' is not"),
        ("coaps_server", vec!["--psk-key", "0g"], "--psk-key: '0g' is not 1 to 64 bytes in hexadecimal\n"),
    ] {
        let said = usage_error(program(name).args(more)).stderr;
        assert!(said.starts_with(said_first), "{name}: {said}");
        assert!(said.contains(&format!("usage: {name} ")) && said.contains("--help"), "{said}");
    }
    usage_error(&mut site.client(site.addr(), &["-u", "coap://127.0.0.1:99999", "GET", "/index"]));
}

#[test]
fn every_program_explains_its_options_and_has_a_version() {
    for name in PROGRAMS {
        let help = run(program(name).arg("--help"), LONG).unwrap();
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{help:?}");
        assert!(help.stdout.starts_with(&format!("usage: {name} ")), "{}", help.stdout);
        let usage = help.stdout.split("\n\n").next().unwrap();
        let named = usage
            .split(|c: char| !c.is_ascii_lowercase() && c != '-')
            .filter(|w| w.starts_with('-') && *w != "-");
        for option in named.chain(["--help", "--version", "--verbose"]) {
            let explained =
                |line: &str| line.starts_with("  ") && line.split([' ', ',']).any(|word| word == option);
            let lines = help.stdout.lines().filter(|line| explained(line));
            assert!(lines.count() >= 1, "{name} {option}: {}", help.stdout);
        }
        assert!(help.stdout.lines().all(|line| line.len() <= 100), "{}", help.stdout);
        let version = run(program(name).arg("--version"), LONG).unwrap();
        assert_eq!((version.code, version.stderr.as_str()), (Some(0), ""));
        assert_eq!(version.stdout, format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
    }
    let relay = run(Command::new(env!("CARGO_BIN_EXE_relay")).arg("--version"), LONG).unwrap();
    assert_eq!(relay.stdout, format!("relay {}\n", env!("CARGO_PKG_VERSION")));
}
