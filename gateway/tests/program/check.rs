//! `lscoap-gateway check`.

use super::site::Site;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::thread;

fn outcome(site: &Site, top: &str, tables: &str) -> (Option<i32>, String) {
    let done = site.run(&["check"], &site.config(top, tables));
    (done.code, done.stdout + &done.stderr)
}

#[test]
fn a_good_file() {
    let site = Site::new();
    let (code, said) = outcome(&site, "", "");
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "gateway.toml: good\n",
        "server.key, which devices know as LSS2:",
        "devices: 1 in ",
        "back-end: coap://127.0.0.1:5685 (127.0.0.1:5685), told who a device is by option 65010\n",
        "store: none\n",
        "1 worker, room for 10000 sessions\n",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let secret = site.enrolment.server.key_file();
    assert!(!said.contains(secret.trim()));
}

#[test]
fn files_with_faults() {
    let site = Site::new();
    let device = fs::read_to_string(site.enrolment.devices()).unwrap();
    let files = [
        ("twice.txt", format!("{device}{device}"), 0o600),
        ("nonsense.txt", "LSC2:nonsense\n".into(), 0o600),
        ("open.key", site.enrolment.server.key_file(), 0o644),
        ("short.key", "1234\n".into(), 0o600),
    ];
    for (name, text, mode) in &files {
        fs::write(site.dir().join(name), text).unwrap();
        fs::set_permissions(site.dir().join(name), PermissionsExt::from_mode(*mode)).unwrap();
    }
    let list = |name: &str| format!("[devices]\nsource = {:?}\n", site.dir().join(name));
    let key = |name: &str| fs::write(site.enrolment.server_key(), fs::read(site.dir().join(name)).unwrap());
    let cases = [
        (String::new(), "[devices]\nsource = 5\n".to_owned(), "gateway.toml:6:10: invalid type: integer `5`"),
        (
            String::new(),
            "[backend]\nurl = 5\n".to_owned(),
            "gateway.toml:6:1: unknown field `url`, expected one of `uri`",
        ),
        (
            "nodes = 5".to_owned(),
            String::new(),
            "gateway.toml:4:1: unknown field `nodes`, expected one of `listen`",
        ),
        ("workers = 2".to_owned(), String::new(), "gateway.toml:4:1: duplicate key"),
        (String::new(), list("twice.txt"), "twice.txt:4:1: the same device id as on line 2"),
        (String::new(), list("nonsense.txt"), "nonsense.txt:1:"),
        (String::new(), list("missing.txt"), "devices: "),
        (
            String::new(),
            "[backend]\nuri = \"coap://192.0.2.1\"\n".to_owned(),
            "is not on this machine (192.0.2.1)",
        ),
        ("user = \"no-such-user\"".to_owned(), String::new(), "there is no user \"no-such-user\""),
        ("group = \"root\"".to_owned(), String::new(), "group: \"root\" without `user`"),
    ];
    for (top, tables, expected) in cases {
        let (code, said) = outcome(&site, &top, &tables);
        assert!(code == Some(2) && said.contains(expected), "{expected} in {code:?} {said}");
    }
    fs::set_permissions(site.enrolment.server_key(), PermissionsExt::from_mode(0o644)).unwrap();
    let (code, said) = outcome(&site, "", "");
    assert!(
        code == Some(2) && said.contains("open to others (mode 0644): chmod 600, or make a new key"),
        "{said}"
    );
    fs::set_permissions(site.enrolment.server_key(), PermissionsExt::from_mode(0o600)).unwrap();
    key("short.key").unwrap();
    let (code, said) = outcome(&site, "", "");
    assert!(code == Some(2) && said.contains("server.key: not a key file: 64 hexadecimal digits"), "{said}");
    let none = site.run(&["check"], &site.dir().join("none.toml"));
    assert!(none.code == Some(2) && none.stderr.contains("none.toml: No such file"), "{}", none.stderr);
}

#[test]
fn all_faults_are_said_at_once() {
    let site = Site::new();
    fs::remove_file(site.enrolment.server_key()).unwrap();
    fs::remove_file(site.enrolment.devices()).unwrap();
    let (code, said) = outcome(&site, "", "");
    assert_eq!(code, Some(2));
    assert_eq!(said.matches("error: ").count(), 2, "{said}");
    assert!(said.contains("not good\n") && said.ends_with("lscoap-gateway: 2 errors\n"), "{said}");
}

#[test]
fn what_is_worth_a_warning() {
    let site = Site::new();
    fs::write(site.enrolment.devices(), "# nobody\n").unwrap();
    let (code, said) = outcome(&site, "", "");
    assert!(code == Some(0) && said.contains("warning: the list names no devices: nobody gets in"), "{said}");
    let second = site.enrolment.server.device_string("sensor-2");
    let both = format!("{}\n{second}\n", site.enrolment.device.device_string("sensor-1"));
    fs::write(site.enrolment.devices(), both).unwrap();
    let (code, said) = outcome(&site, "", "[sessions]\nmax = 1\n");
    assert!(code == Some(0) && said.contains("sessions.max is 1, and there are 2 devices"), "{said}");
}

#[test]
fn a_password_that_everybody_can_read() {
    let site = Site::new();
    let said = |url: &str, mode: u32| {
        let config = site.config("", &format!("[store]\nurl = \"{url}\"\n"));
        fs::set_permissions(&config, PermissionsExt::from_mode(mode)).unwrap();
        let done = site.run(&["check"], &config);
        assert!(
            done.code == Some(0) && !(done.stdout.clone() + &done.stderr).contains("hunter2"),
            "{done:?}"
        );
        done.stdout.contains("everybody can read the password in store.url")
    };
    for url in [
        "redis://:hunter2@localhost",
        "postgresql://gateway:hunter2@localhost/lscoap",
        "postgresql:///lscoap?host=/run/postgresql&password=hunter2",
    ] {
        assert!(said(url, 0o644) && !said(url, 0o640), "{url}");
    }
    assert!(!said("postgresql://gateway@localhost:5432/lscoap", 0o644));
}

/// Answers CoAP pings.
fn pinged() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut ping = [0; 64];
        while let Ok((len, from)) = socket.recv_from(&mut ping) {
            assert_eq!((len, ping[0], ping[1]), (4, 0x40, 0));
            let _ = socket.send_to(&[0x70, 0, ping[2], ping[3]], from);
        }
    });
    address
}

#[test]
fn others_are_reached_only_when_that_is_asked_for() {
    let site = Site::new();
    let unused = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let missing = site.dir().join("missing").join("state.db");
    let tables = |backend: SocketAddr, store: &str| {
        format!("[backend]\nuri = \"coap://{backend}\"\n[store]\nurl = \"{store}\"\ntimeout_ms = 200\n")
    };
    let bad = tables(unused, &format!("sqlite:{}", missing.display()));
    assert_eq!(outcome(&site, "", &bad).0, Some(0));
    let done = site.run(&["check", "--connect"], &site.config("", &bad));
    assert!(
        done.code != Some(0) && done.stdout.contains(&format!("error: back-end: {unused}: ")),
        "{done:?}"
    );
    assert!(done.stdout.contains("error: store: "), "{done:?}");
    assert!(!missing.exists());

    let good = tables(pinged(), &format!("sqlite:{}", site.dir().join("state.db").display()));
    let done = site.run(&["check", "--connect"], &site.config("", &good));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("store: reached\nback-end: answers\n"), "{done:?}");

    let down = tables(pinged(), "redis://127.0.0.1:1");
    let done = site.run(&["check", "--connect"], &site.config("", &down));
    assert!(done.code == Some(1) && done.stdout.contains("error: store: "), "{done:?}");
}

#[test]
fn lists_are_put_into_the_store() {
    let site = Site::new();
    let store = format!(
        "[devices]\nsource = \"store\"\n[store]\nurl = \"sqlite:{}\"\n",
        site.dir().join("state.db").display()
    );
    let config = site.config("", &store);
    let list = site.enrolment.devices();
    let done = site.run(&["devices", "import", list.to_str().unwrap()], &config);
    assert_eq!((done.code, &*done.stdout), (Some(0), "1 device in the store (sqlite)\n"), "{done:?}");
    let done = site.run(&["check", "--connect"], &config);
    assert!(done.stdout.contains("devices: 1 in the store\n"), "{done:?}");
    fs::write(&list, "LSC2:nonsense\n").unwrap();
    let done = site.run(&["devices", "import", list.to_str().unwrap()], &config);
    assert!(done.code == Some(1) && done.stderr.contains("devices.txt:1:"), "{done:?}");
    let done = site.run(&["devices", "import", list.to_str().unwrap()], &site.config("", ""));
    assert!(done.code == Some(2) && done.stderr.contains("nothing to put a list into"), "{done:?}");
}
