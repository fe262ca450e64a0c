//! Sessions that outlive the server or the device, and those that must not.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lscoap_testkit::identities::Identity;
use lscoap_testkit::process::{Program, Server, run};
use lscoap_testkit::relay::{Direction, Relay, RelayConfig};

use super::coap::*;
use super::middle::{Middle, pass};
use super::site::*;

const DB: [&str; 2] = ["--resume-db", "resume.db"];

fn db(site: &Site) -> PathBuf {
    site.enrolment.dir().join("resume.db")
}

/// The three ways, in the order in which they are tried.
#[test]
fn a_device_resumes_after_a_restart() {
    for profile in PROFILES {
        let mut site = Site::start(&DB);
        let get = ["--profile", profile, "GET", "/index"];
        assert_eq!(ways(&site.kept(site.addr(), &get)), ["full handshake"]);
        let stored = site.kept(site.addr(), &get);
        assert_eq!(ways(&stored), ["session stored"]);
        assert!(!stored.stdout.contains("sent"), "no handshake: {stored:?}");

        site.kill();
        site.start_again();
        let resumed =
            site.kept(site.addr(), &["--profile", profile, "--at-least-once", "POST", "/index", "61"]);
        assert_eq!(ways(&resumed), ["resumed"]);
        assert_story(
            &resumed.stdout,
            &[
                "ALERT received",
                "ALERT received",
                "R1 sent (19 bytes)",
                "R2 received (18 bytes)",
                "authenticated!",
                "2.04\n",
            ],
        );
        assert_eq!(resumed.stdout.matches(" sent").count(), 1, "{resumed:?}");
        assert_eq!(site.stored(61.0), 1);
        assert_eq!(ways(&site.kept(site.addr(), &get)), ["session stored"]);

        // And once more, of a session that came of a resumption.
        site.kill();
        site.start_again();
        assert_eq!(ways(&site.kept(site.addr(), &get)), ["resumed"]);
        assert_story(
            &site.end(),
            &["no such session", "R1 received (19 bytes) from device sensor-1", "R2 sent (18 bytes)"],
        );
    }
}

#[test]
fn without_records_a_restarted_server_asks_for_a_full_handshake() {
    let mut site = Site::start(&[]);
    site.kept(site.addr(), &["GET", "/index"]);
    site.kill();
    site.start_again();
    let finished = site.kept(site.addr(), &["GET", "/index"]);
    assert_eq!(ways(&finished), ["full handshake"]);
    assert_story(&finished.stdout, &["ALERT received", "R1 sent", "ALERT received", "M1 sent"]);
}

/// What forged refusals can do: cost round trips, at a server that knows the session well.
#[test]
fn forged_refusals_lead_to_a_resumption() {
    for alert in [2, 5] {
        let site = Site::start(&[]);
        site.kept(site.addr(), &["GET", "/index"]);
        let forged = AtomicUsize::new(0);
        let middle = Middle::start(site.addr(), move |way, message| {
            let mut message = message.clone();
            if way == Direction::Down && message.is_sealed() && forged.fetch_add(1, Ordering::Relaxed) < 2 {
                message = Message { code: UNAUTHORIZED, options: vec![], ..message }
                    .body(HANDSHAKE, &[0x1F, alert]);
            }
            vec![message]
        });
        let finished = site.kept(middle.addr(), &["GET", "/index"]);
        assert_eq!(ways(&finished), ["resumed"], "{finished:?}");
        assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["session stored"]);
    }
}

/// The old session stays in its file until the server has been heard in the new one.
#[test]
fn the_old_session_stays_until_the_new_one_is_confirmed() {
    let mut site = Site::start(&DB);
    site.kept(site.addr(), &["GET", "/index"]);
    site.kill();
    site.start_again();
    // Nothing that is sealed in the new session arrives.
    let resumed = AtomicBool::new(false);
    let middle = Middle::start(site.addr(), move |_, message| {
        if message.payload.first() == Some(&0x18) {
            resumed.store(true, Ordering::Relaxed);
        }
        let lost = message.is_sealed() && resumed.load(Ordering::Relaxed);
        if lost { vec![] } else { vec![message.clone()] }
    });
    let arguments = ["--resume", "session", "--timeout", "2", "GET", "/index"];
    let finished = run(&mut site.client(middle.addr(), &arguments), LONG).unwrap();
    assert_eq!(finished.code, Some(1));
    assert_story(&finished.stdout, &["R2 received", "authenticated!"]);
    // The server holds the new session to be unconfirmed, and resumes the old one once more.
    let finished = site.kept(site.addr(), &["GET", "/index"]);
    assert_eq!(ways(&finished), ["resumed"], "{finished:?}");
}

/// Gone from the list, or there with another key: neither a live session nor a stored record counts.
#[test]
fn a_device_that_is_gone_does_not_resume() {
    let mut site = Site::start(&DB);
    let with = site.devices();
    let without: String = with.lines().skip(3).map(|line| format!("{line}\n")).collect();
    let other_key = format!("{without}{}\n", Identity::generate().unwrap().device_string(DEVICE));
    let get = ["GET", "/index"];
    let resume = || site.client(site.addr(), &["--resume", "session", "GET", "/index"]);
    for (changed, why) in [(&without, "does not know this device"), (&other_key, "could not verify")] {
        site.kept(site.addr(), &get);
        site.reload(changed);
        let finished = site.refused(&mut resume(), why);
        assert_story(&finished.stdout, &["R1 sent", "ALERT received", "M1 sent"]);
        // It comes back, and what it had before is gone for good.
        site.reload(&with);
        assert_eq!(ways(&site.kept(site.addr(), &get)), ["full handshake"]);
    }

    // The same for a device that the server knows from its records only.
    site.kill();
    site.start_again();
    site.reload(&without);
    site.reload(&with);
    assert_eq!(ways(&site.kept(site.addr(), &get)), ["full handshake"]);

    // And for one that goes while the server is down, and comes back in another such time.
    for devices in [&without, &with] {
        site.kill();
        fs::write(site.enrolment.devices(), devices).unwrap();
        site.start_again();
    }
    assert_eq!(ways(&site.kept(site.addr(), &get)), ["full handshake"]);
    site.kill();
    fs::write(site.enrolment.devices(), &other_key).unwrap();
    site.start_again();
    let mut client = site.client(site.addr(), &["--resume", "session", "GET", "/index"]);
    let finished = site.refused(&mut client, "could not verify");
    assert_story(&finished.stdout, &["R1 sent", "ALERT received", "M1 sent"]);
}

#[test]
fn a_server_stops_gracefully() {
    for signal in ["TERM", "INT"] {
        let mut site = Site::start(&DB);
        site.kept(site.addr(), &["GET", "/index"]);
        let mode = fs::metadata(db(&site)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        site.server.program.signal(signal).unwrap();
        assert_eq!(site.server.program.wait(LONG).unwrap().code(), Some(0), "{signal}");
        let left: Vec<String> = fs::read_dir(site.enrolment.dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("resume.db"))
            .collect();
        assert_eq!(left, ["resume.db"], "the log is written back");
        site.start_again();
        assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["resumed"]);
    }
}

/// A file that is not the server's own, or that others may read, is left as it is.
#[test]
fn other_files_are_refused_as_databases() {
    let mut site = Site::start(&DB);
    site.kept(site.addr(), &["GET", "/index"]);
    let start = || {
        let finished = run(Site::server_command(&site.enrolment).args(DB), LONG).unwrap();
        assert_eq!((finished.code, finished.stdout.contains("listening")), (Some(1), false), "{finished:?}");
        finished.stderr
    };
    assert!(start().contains("locked"), "one server to a file");
    site.server.program.signal("TERM").unwrap();
    site.server.program.wait(LONG).unwrap();

    let good = fs::read(db(&site)).unwrap();
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 2;
        bytes
    };
    for (bytes, why) in [
        (changed(63), "of version 3"),    // user_version
        (changed(71), "another program"), // application_id
        (changed(3), "not a database"),
        (vec![b'x'; 5000], "not a database"),
        (good[..good.len() / 2].to_vec(), "malformed"),
    ] {
        fs::write(db(&site), &bytes).unwrap();
        let told = start();
        assert!(told.contains("resume.db: ") && told.contains(why), "{why}: {told}");
        assert_eq!(fs::read(db(&site)).unwrap(), bytes, "{why}");
    }
    fs::write(db(&site), &good).unwrap();
    fs::set_permissions(db(&site), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(start().contains("chmod 600"));
    fs::set_permissions(db(&site), fs::Permissions::from_mode(0o600)).unwrap();

    // Neither a link that was planted nor another user's file, be it one of SQLite's own beside it.
    let planted = site.enrolment.dir().join("victim");
    let real = site.enrolment.dir().join("real.db");
    fs::rename(db(&site), &real).unwrap();
    for target in [&real, &planted] {
        symlink(target, db(&site)).unwrap();
        assert!(start().contains("resume.db: a symbolic link, which is not followed"));
        fs::remove_file(db(&site)).unwrap();
    }
    fs::rename(&real, db(&site)).unwrap();
    for name in ["resume.db-wal", "resume.db-shm", "resume.db-journal"] {
        let path = site.enrolment.dir().join(name);
        symlink(&planted, &path).unwrap();
        assert!(start().contains(&format!("{name}: a symbolic link, which is not followed")));
        fs::remove_file(&path).unwrap();
    }
    assert!(!planted.exists());
    for name in ["resume.db", "resume.db-wal"] {
        let path = site.enrolment.dir().join(name);
        let made = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        drop(made.unwrap());
        if chown(&path, Some(12345), None).is_err() {
            eprintln!("not run: only root can give files away");
            break;
        }
        assert!(start().contains(&format!("{name}: it belongs to another user")));
        chown(&path, Some(0), None).unwrap();
    }
    // A link in the directory's name is the administrator's.
    symlink(site.enrolment.dir(), site.enrolment.dir().join("here")).unwrap();
    let linked = ["--resume-db", "here/resume.db"];
    drop(Server::start(Site::server_command(&site.enrolment).args(linked)).unwrap());
    site.start_again();
    assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["resumed"]);
}

/// A record that is damaged is none.
#[test]
fn a_damaged_record_means_a_full_handshake() {
    let mut site = Site::start(&DB);
    site.kept(site.addr(), &["GET", "/index"]);
    site.server.program.signal("TERM").unwrap();
    site.server.program.wait(LONG).unwrap();
    let mut bytes = fs::read(db(&site)).unwrap();
    // In the record the id stands behind its length, and far from the end.
    let id = [&[DEVICE.len() as u8], DEVICE.as_bytes()].concat();
    let at = bytes.windows(id.len()).position(|window| window == id).unwrap() + id.len() + 40;
    bytes[at] ^= 1;
    fs::write(db(&site), bytes).unwrap();
    site.start_again();
    assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["full handshake"]);
}

/// A NAT gives the device another port between two requests: nobody minds.
#[test]
fn a_changed_address_changes_nothing() {
    for profile in PROFILES {
        let site = Site::start(&[]);
        let relay = Relay::start(RelayConfig::new(site.addr())).unwrap();
        let arguments = ["--profile", profile, "-n", "3", "--step", "POST", "/index", "17"];
        let mut client = Program::start_with_input(&mut site.client(relay.addr(), &arguments)).unwrap();
        for request in 1..=3 {
            client.say("").unwrap();
            assert!(client.wait_for_count("elapsed: ", request, LONG), "{}", client.stderr());
            relay.rebind();
        }
        assert_eq!(client.wait(LONG).unwrap().code(), Some(0));
        assert_eq!(client.stdout().matches("authenticated!").count(), 1);
        assert_eq!(site.stored(17.0), 3);
        assert_eq!(site.end().matches("authenticated! Device sensor-1").count(), 1);

        // The same for a session in a file, whose device has slept.
        let site = Site::start(&[]);
        let ports = ["first", "second", "third"].map(|_| Middle::start(site.addr(), pass));
        let used: Vec<_> = ports
            .iter()
            .map(|port| ways(&site.kept(port.addr(), &["--profile", profile, "GET", "/index"])).join(","))
            .collect();
        assert_eq!(used, ["full handshake", "session stored", "session stored"]);
    }
}
