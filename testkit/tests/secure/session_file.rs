//! The file in which a client keeps its session.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use lscoap_testkit::identities::Identity;
use lscoap_testkit::process::{Program, run};

use super::site::*;

const GET: [&str; 2] = ["GET", "/index?readings=1"];

#[test]
fn the_file_is_its_owners_and_always_whole() {
    let site = Site::start(&[]);
    site.kept(site.addr(), &GET);
    let mode = fs::metadata(site.session_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!site.enrolment.dir().join("session.new").exists());
    // Whoever has the old file open keeps the old content: it was not written into.
    let before = fs::read(site.session_file()).unwrap();
    let mut old = fs::File::open(site.session_file()).unwrap();
    site.kept(site.addr(), &GET);
    let mut still = vec![];
    old.read_to_end(&mut still).unwrap();
    assert!(still == before && fs::read(site.session_file()).unwrap() != before);

    // What a client that was killed left does not stop the next one, whatever it is.
    fs::write(site.enrolment.dir().join("session.new"), "left over").unwrap();
    assert_eq!(ways(&site.kept(site.addr(), &GET)), ["session stored"]);
    let bytes = fs::read(site.session_file()).unwrap();
    fs::remove_file(site.session_file()).unwrap();
    let target = site.enrolment.dir().join("target");
    std::os::unix::fs::symlink(&target, site.enrolment.dir().join("session.new")).unwrap();
    fs::write(site.session_file(), bytes).unwrap();
    site.kept(site.addr(), &GET);
    assert!(!target.exists(), "a link is not followed");
}

/// Whatever is wrong with the file: it is said, and costs a full handshake.
#[test]
fn a_damaged_file_means_a_full_handshake() {
    let site = Site::start(&[]);
    site.kept(site.addr(), &GET);
    let good = fs::read(site.session_file()).unwrap();
    let mut damaged = vec![vec![], vec![0; 4096], good[..good.len() - 1].to_vec(), good[..33].to_vec()];
    damaged.push([&good[..], b"x"].concat());
    damaged.extend((0..good.len()).step_by(9).map(|at| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        bytes
    }));
    for bytes in damaged {
        fs::write(site.session_file(), &bytes).unwrap();
        let finished = site.kept(site.addr(), &GET);
        assert!(finished.stderr.contains("session: damaged"), "{bytes:02x?} {finished:?}");
        assert_eq!(ways(&finished), ["full handshake"]);
        assert_eq!(ways(&site.kept(site.addr(), &GET)), ["session stored"], "and then all is well");
    }
    fs::remove_file(site.session_file()).unwrap();
    fs::create_dir(site.session_file()).unwrap();
    let finished = run(&mut site.client(site.addr(), &["--resume", "session", "GET", "/index"]), LONG);
    let finished = finished.unwrap();
    assert_eq!((finished.code, ways(&finished)), (Some(0), vec!["full handshake"]));
}

/// A session serves the device and the server that made it, and no others.
#[test]
fn a_session_of_others_is_not_used() {
    let site = Site::start(&[]);
    let resume = ["--resume", "session", "GET", "/index"];
    let other = || run(&mut site.other_client(site.addr(), &resume), LONG).unwrap();
    site.kept(site.addr(), &GET);
    let finished = other();
    assert!(finished.stderr.contains("session: a session of another device"), "{finished:?}");
    assert_eq!((finished.code, ways(&finished)), (Some(0), vec!["full handshake"]));
    assert_eq!(ways(&other()), ["session stored"]);

    site.kept(site.addr(), &GET);
    let before = fs::read(site.session_file()).unwrap();
    let elsewhere = Identity::generate().unwrap().server_string();
    let key = site.enrolment.device_key();
    let finished = site.refused(
        &mut site.client_of(&key, DEVICE, &elsewhere, site.addr(), &resume),
        "could not verify this device",
    );
    assert!(finished.stderr.contains("session with another server"), "{finished:?}");
    assert_eq!(fs::read(site.session_file()).unwrap(), before);
}

/// Two clients in one session would use nonces twice.
#[test]
fn one_client_to_a_file() {
    let site = Site::start(&[]);
    site.kept(site.addr(), &GET);
    let arguments = ["--resume", "session", "-n", "2", "--step", "GET", "/index"];
    let mut first = Program::start_with_input(&mut site.client(site.addr(), &arguments)).unwrap();
    first.say("").unwrap();
    assert!(first.wait_for_count("elapsed: ", 1, LONG), "{}", first.stderr());
    let mut second = site.client(site.addr(), &["--resume", "session", "GET", "/index"]);
    let finished = site.refused(&mut second, "another process uses it");
    assert_eq!(finished.stdout, "");
    first.say("").unwrap();
    assert_eq!(first.wait(LONG).unwrap().code(), Some(0));
    assert_eq!(ways(&site.kept(site.addr(), &GET)), ["session stored"]);
}

/// A file that cannot be written: the client says so and goes on without it.
#[test]
fn a_file_that_cannot_be_written_costs_handshakes() {
    let site = Site::start(&[]);
    fs::create_dir_all(site.enrolment.dir().join("session.new/in the way")).unwrap();
    let finished = site.kept(site.addr(), &["-n", "80", "GET", "/index?readings=1"]);
    assert_eq!(finished.stdout.matches("2.05\n").count(), 80);
    assert!(!site.session_file().exists());
    assert!(finished.stderr.contains("session: "), "{finished:?}");
    // 32 requests and one more can be sealed with what might be on the disk.
    let ways = ways(&finished);
    assert_eq!((ways[0], &ways[1..]), ("full handshake", &["resumed"; 2][..]));

    // A session that cannot be stored again is not gone on with: it is resumed.
    fs::remove_dir_all(site.enrolment.dir().join("session.new")).unwrap();
    site.kept(site.addr(), &GET);
    let before = fs::read(site.session_file()).unwrap();
    fs::create_dir_all(site.enrolment.dir().join("session.new/in the way")).unwrap();
    assert_eq!(self::ways(&site.kept(site.addr(), &GET)), ["resumed"]);
    assert_eq!(fs::read(site.session_file()).unwrap(), before);
}

#[test]
fn contradictions_are_usage_errors() {
    let site = Site::start(&[]);
    let arguments = ["--resume", "session", "--cold", "GET", "/index"];
    let finished = run(&mut site.client(site.addr(), &arguments), LONG).unwrap();
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""));
    assert!(!site.session_file().exists());
}
