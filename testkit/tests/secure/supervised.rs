//! The server as a service: what its manager is told, what its log says, and what is kept from others.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use lscoap_testkit::identities::write_key;
use lscoap_testkit::process::{Program, Server, run, unbroken};

use super::site::*;

#[test]
fn the_service_manager_is_told() {
    let site = Site::start(&[]);
    let path = site.enrolment.dir().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(LONG)).unwrap();
    let told = || {
        let mut text = [0; 256];
        let len = unbroken(|| manager.recv(&mut text)).unwrap();
        String::from_utf8_lossy(&text[..len]).into_owned()
    };
    let mut command = Site::server_command(&site.enrolment);
    let mut server = Server::start(command.env("NOTIFY_SOCKET", &path)).unwrap();
    assert_eq!(told(), "READY=1");
    assert_eq!(server.program.terminate().unwrap().code(), Some(0));
    assert_eq!(told(), "STOPPING=1");
    // That there is no manager, or a senseless name, is no fault.
    for name in ["/no/such/socket", "", "x", &"/y".repeat(100)] {
        Server::start(Site::server_command(&site.enrolment).env("NOTIFY_SOCKET", name)).unwrap();
    }
}

/// The unit, where systemd can look at it.
#[test]
fn the_unit_is_valid() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../c-examples/libcoap/secure_server.service");
    let text = fs::read_to_string(unit).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let here = text
        .replace("/usr/local/bin/secure_server", program("secure_server").get_program().to_str().unwrap());
    assert_ne!(here, text);
    let path = dir.path().join("secure_server.service");
    fs::write(&path, here).unwrap();
    let Ok(finished) = run(Command::new("systemd-analyze").arg("verify").arg(&path), LONG) else {
        eprintln!("not run: there is no systemd-analyze");
        return;
    };
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!finished.stderr.contains("secure_server.service"), "{finished:?}");
}

/// "2026-11-28T12:34:56.789Z"
fn is_time(text: &str) -> bool {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    form == "0000-00-00T00:00:00.000Z"
}

#[test]
fn the_log_has_time_level_and_peer() {
    let site = Site::start(&[]);
    site.good(site.addr(), &["GET", "/index"]);
    site.refused(
        &mut site.client_of(
            &site.enrolment.device_key(),
            "stranger",
            &site.enrolment.server.server_string(),
            site.addr(),
            &["GET", "/index"],
        ),
        "does not know this device",
    );
    assert!(site.server.program.wait_for_text("Unknown device id: refused", LONG));
    fs::write(site.enrolment.devices(), "nonsense").unwrap();
    site.server.program.signal("HUP").unwrap();
    assert!(site.server.program.wait_for_error_text("stay as they were", LONG));
    let told = site.server.program.stdout() + &site.server.program.stderr();
    let bare = |line: &&str| !line.starts_with("LSS2:") && !line.starts_with("listening on ");
    let mut seen = [0; 4];
    for line in told.lines().filter(bare) {
        let mut words = line.splitn(3, ' ');
        assert!(is_time(words.next().unwrap()), "{line}");
        let level = words.next().unwrap();
        let level = ["info", "notice", "warning", "error"].iter().position(|known| *known == level);
        seen[level.expect(line)] += 1;
        let rest = words.next().unwrap();
        let of_peer = !rest.contains("devices") && !rest.contains(DEAF);
        assert_eq!(rest.starts_with("127.0.0.1:"), of_peer, "{line}");
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?} {told}");
}

/// The mappings of a process that a core dump would hold.
fn dumped_mappings(pid: u32) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let mut current = None;
    for line in fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap().lines() {
        let first = line.split(' ').next().unwrap();
        if let Some((begin, end)) = first.split_once('-') {
            let number = |text| u64::from_str_radix(text, 16).unwrap();
            let writable = line.split(' ').nth(1).unwrap().contains('w');
            current = writable.then(|| (number(begin), number(end)));
        } else if first == "VmFlags:" && !line.split(' ').any(|flag| flag == "dd") {
            found.extend(current.take());
        }
    }
    found
}

/// Where a program's memory that would be dumped holds these bytes.
fn dumped(pid: u32, wanted: &[u8]) -> bool {
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    dumped_mappings(pid).into_iter().any(|(begin, end)| {
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
        memory.read_exact_at(&mut bytes, begin).is_ok()
            && bytes.windows(wanted.len()).any(|window| window == wanted)
    })
}

fn no_core(pid: u32) -> bool {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    core.split_whitespace().filter(|word| *word == "0").count() == 2
}

/// Neither program leaves its key in a core file.
#[test]
fn keys_are_kept_out_of_core_dumps() {
    let site = Site::start(&[]);
    let mut client =
        Program::start_with_input(&mut site.client(site.addr(), &["--step", "-n", "2", "GET", "/index"]))
            .unwrap();
    client.say("").unwrap();
    assert!(client.wait_for_text("elapsed: ", LONG));
    for (pid, secret) in [
        (site.server.program.id(), site.enrolment.server.private),
        (client.id(), site.enrolment.device.private),
    ] {
        assert!(no_core(pid));
        assert!(!dumped(pid, &secret));
    }
}

/// Who may read a key file.
#[test]
fn keys_that_everybody_can_read_are_refused() {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    let site = Site::start(&[]);
    let (real, key) = (site.enrolment.dir().join("real.key"), site.enrolment.server_key());
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let get = ["GET", "/index"];
    for mode in [0o644, 0o604, 0o620, 0o602] {
        set(&key, mode);
        let finished = run(&mut Site::server_command(&site.enrolment), LONG).unwrap();
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains("server.key is open to others (mode "), "{finished:?}");
        set(&site.enrolment.device_key(), mode);
        site.refused(&mut site.client(site.addr(), &get), "device.key is open to others (mode ");
    }
    // A secret of a container: root's, for a group, through a link.
    set(&key, 0o440);
    let warning = "is not for its owner alone";
    fs::rename(&key, &real).unwrap();
    symlink(&real, &key).unwrap();
    if chown(&real, Some(0), None).is_ok() {
        let server = Server::start(&mut Site::server_command(&site.enrolment)).unwrap();
        assert!(!server.program.stderr().contains(warning));
        chown(&real, Some(12345), None).unwrap();
    }
    let server = Server::start(&mut Site::server_command(&site.enrolment)).unwrap();
    assert!(server.program.stderr().contains(warning), "{}", server.program.stderr());
    let other = site.enrolment.dir().join("second.key");
    write_key(&other, &site.enrolment.device).unwrap();
    let server = site.enrolment.server.server_string();
    let mut client = site.client_of(&other, DEVICE, &server, site.addr(), &get);
    assert_eq!(run(&mut client, LONG).unwrap().stderr, "");
}
