//! Groups: a lamp that is a C program, and commands over the control socket.

use super::running::until;
use super::serving::start;
use super::site::{LONG, Site};
use lscoap_testkit::process::{Program, run};
use lscoap_testkit::programs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

/// What is said to a line.
fn told(path: &Path, line: &str) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

/// The same, line by line.
fn ask(site: &Site, line: &str) -> Vec<String> {
    told(&site.dir().join("groups.sock"), line).lines().map(str::to_owned).collect()
}

fn tables(site: &Site) -> String {
    let dir = site.dir().display();
    format!("[store]\nurl = \"sqlite:{dir}/state.db\"\n[groups]\ncontrol = \"{dir}/groups\"\n")
}

fn lamp(site: &Site, to: std::net::SocketAddr) -> Program {
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    let mut lamp = Command::new(programs::directory(&build).unwrap().join("secure_client"));
    lamp.arg("-k")
        .arg(site.enrolment.device_key())
        .args(["-i", "sensor-1", "-s", &site.enrolment.server.server_string()])
        .args(["-u", &format!("coap://{to}"), "--listen", "600", "--leisure", "300"]);
    Program::start(&mut lamp).unwrap()
}

const SEND: &str = "send 0 signed wait=20000 method=PUT path=2f6c69676874 payload=6f6e";

#[test]
fn a_lamp_obeys_and_goes_on_doing_so_after_a_restart() {
    let site = Site::new();
    let mut server = start(&site, &["--serve-index"], "", &tables(&site));
    assert_eq!(ask(&site, "create signed,answers slots=0 address=efc00703 port=5711"), ["group 1", "ok"]);
    assert_eq!(ask(&site, "add 1 73656e736f722d31"), ["ok"]);
    let first = lamp(&site, server.addr);
    assert!(first.wait_for_text("member of group 1, epoch 1", LONG), "{}", first.stderr());
    assert_eq!(ask(&site, SEND), ["sensor-1: 2.04", "1 answered", "ok"]);
    assert!(first.wait_for_text("PUT /light on (signed)", LONG));
    drop(first);
    assert_eq!(server.program.terminate().unwrap().code(), Some(0));
    assert!(!site.dir().join("groups.sock").exists());

    let server = start(&site, &["--serve-index"], "", &tables(&site));
    let again = lamp(&site, server.addr);
    assert!(again.wait_for_text("member of group 1, epoch 1", LONG), "{}", again.stderr());
    assert_eq!(ask(&site, SEND), ["sensor-1: 2.04", "1 answered", "ok"]);
    // Who is put out hears nothing more.
    assert_eq!(ask(&site, "remove 1 73656e736f722d31"), ["ok"]);
    let sent = ask(&site, "send 0 signed wait=1000 method=PUT path=2f6c69676874 payload=6f6666");
    assert_eq!(sent, ["0 answered", "ok"]);
    assert!(!again.stdout().contains("PUT /light off"));
}

#[test]
fn groups_need_a_store() {
    let site = Site::new();
    let groups = format!("[groups]\ncontrol = \"{}/groups\"\n", site.dir().display());
    let config = site.config("allow_root = true", &groups);
    let finished = run(&mut site.command(&["check"], &config), LONG).unwrap();
    assert!(finished.code != Some(0) && finished.stderr.contains("groups need a store"), "{finished:?}");
}

#[test]
fn groups_are_kept_and_their_socket_goes() {
    let site = Site::new();
    let tables =
        format!("[store]\nurl = \"sqlite:state.db\"\n[groups]\ncontrol = {:?}\n", site.dir().join("groups"));
    let socket = site.dir().join("groups.sock");
    for is_new in [true, false] {
        let mut server = start(&site, &["--serve-index"], "", &tables);
        if is_new {
            assert_eq!(told(&socket, "list"), "ok\n");
            let made = told(&socket, "create signed slots=0 address=efc00001 port=5685");
            assert!(made.ends_with("ok\n"), "{made}");
        }
        until(|| told(&socket, "list").contains("239.192.0.1")); // of a node that has gone, when its lease is over
        assert_eq!(server.program.terminate().unwrap().code(), Some(0));
        assert!(!socket.exists());
    }
}
