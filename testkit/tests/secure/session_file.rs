//! The file in which a client keeps its session.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use lscoap_testkit::identities::Identity;
use lscoap_testkit::process::{Program, run};

use super::site::*;

const GET: [&str; 2] = ["GET", "/index?readings=1"];
/// Where a file shows that it is a session's: the server's key, the version and the kind of what is stored.
const MARKS: [usize; 3] = [0, 33, 34];

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
    fs::set_permissions(site.session_file(), fs::Permissions::from_mode(0o600)).unwrap();
    site.kept(site.addr(), &GET);
    assert!(!target.exists(), "a link is not followed");
}

/// Whatever is wrong with a session: it is said, and costs a full handshake.
#[test]
fn a_damaged_file_means_a_full_handshake() {
    let site = Site::start(&[]);
    site.kept(site.addr(), &GET);
    let good = fs::read(site.session_file()).unwrap();
    let mut damaged = vec![good[..good.len() - 1].to_vec(), good[..35].to_vec()];
    damaged.push([&good[..], b"x"].concat());
    damaged.extend((1..good.len()).step_by(9).filter(|at| !MARKS.contains(at)).map(|at| {
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
    // An empty file is nobody's loss, and no session yet.
    fs::write(site.session_file(), "").unwrap();
    assert_eq!(ways(&site.kept(site.addr(), &GET)), ["full handshake"]);
}

/// A slip of the keyboard must not cost a key or a list of devices.
#[test]
fn what_is_no_session_is_not_overwritten() {
    let site = Site::start(&[]);
    site.kept(site.addr(), &GET);
    let good = fs::read(site.session_file()).unwrap();
    let mut others = vec![
        site.enrolment.device.key_file().into_bytes(),
        site.devices().into_bytes(),
        vec![0; 4096],
        good[..33].to_vec(),
        [&good[..], &[0; 200]].concat(),
        b"\n".to_vec(),
    ];
    others.extend(MARKS.map(|at| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        bytes
    }));
    let refused = |why: &str| {
        let finished =
            run(&mut site.client(site.addr(), &["--resume", "other", "GET", "/index"]), LONG).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
        assert!(finished.stderr.contains(why), "{why}: {finished:?}");
        assert!(!site.enrolment.dir().join("other.lock").exists(), "nothing is left beside it");
    };
    let path = site.enrolment.dir().join("other");
    for bytes in others {
        fs::write(&path, &bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        refused("other: not a stored session, so it is not overwritten");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("other: not a file");
}

/// A session that somebody else could read, could write, or has planted is not used.
#[test]
fn what_others_can_reach_is_refused() {
    let site = Site::start(&[]);
    site.kept(site.addr(), &GET);
    let (path, lock) = (site.session_file(), site.enrolment.dir().join("session.lock"));
    let refused = |why: &str| {
        let finished =
            run(&mut site.client(site.addr(), &["--resume", "session", "GET", "/index"]), LONG).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
        assert!(finished.stderr.contains(why), "{why}: {finished:?}");
    };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    refused("session: it holds secrets and is not for its owner alone");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for file in [&path, &lock] {
        let real = site.enrolment.dir().join("real");
        fs::rename(file, &real).unwrap();
        symlink(&real, file).unwrap();
        refused("a symbolic link, which is not followed");
        fs::remove_file(file).unwrap();
        fs::rename(&real, file).unwrap();
        if chown(file, Some(12345), None).is_ok() {
            refused("it belongs to another user");
            chown(file, Some(0), None).unwrap();
        } else {
            eprintln!("not run: only root can give files away");
        }
    }
    let planted = site.enrolment.dir().join("victim");
    fs::remove_file(&lock).unwrap();
    symlink(&planted, &lock).unwrap();
    refused("a symbolic link");
    assert!(!planted.exists(), "nothing is made through a link");
    fs::remove_file(&lock).unwrap();
    assert_eq!(ways(&site.kept(site.addr(), &GET)), ["session stored"]);
}

/// The lines of the story do not land in the file that gets the descriptor of a closed output.
#[test]
fn closed_descriptors_are_not_written_to() {
    let site = Site::start(&[]);
    let command = site.client(site.addr(), &["--resume", "session", "GET", "/index"]);
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
        let script = format!("exec \"$0\" \"$@\" {closed}");
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(site.enrolment.dir()).args(["-c", &script]);
        shell.arg(command.get_program()).args(command.get_args());
        let finished = run(&mut shell, LONG).unwrap();
        assert_eq!(finished.code, Some(0), "{closed} {finished:?}");
        assert_eq!(fs::read(site.enrolment.dir().join("session.lock")).unwrap(), b"", "{closed}");
    }
    assert_eq!(ways(&site.kept(site.addr(), &GET)), ["session stored"]);
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
