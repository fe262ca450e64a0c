//! Who is not enrolled, or not who he says he is; and what the programs are given to read.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use lscoap_testkit::identities::{Identity, write_key};
use lscoap_testkit::process::{Program, run};

use super::coap::UNAUTHORIZED;
use super::middle::Middle;
use super::site::*;

/// The paper's figures 13 and 14, and its relatives.
#[test]
fn strangers_are_refused_and_the_server_goes_on() {
    let site = Site::start(&[]);
    let (ours, to) = (site.enrolment.server.server_string(), site.addr());
    let not_ours = Identity::generate().unwrap().server_string();
    let (key, other_key) = (site.enrolment.device_key(), site.other_key());
    for profile in PROFILES {
        let get = ["--profile", profile, "GET", "/index"];
        for id in ["sensor-9", "sensor", "sensor-11", "\u{1b}[31m", "0123456789abcdef0123456789abcdef"] {
            site.refused(&mut site.client_of(&key, id, &ours, to, &get), "does not know this device");
        }
        // With the express profile it is the client who finds out: X2 is made for another key.
        let why = if profile == "signed" { "could not verify this device" } else { "does not verify" };
        site.refused(&mut site.client_of(&other_key, DEVICE, &ours, to, &get), why);
        site.refused(&mut site.client_of(&key, DEVICE, &not_ours, to, &get), "could not verify this device");
        site.good(to, &get);
    }
    let told = site.end();
    assert_story(
        &told,
        &["from device sensor-9", "Unknown device id: refused", "GET /index from sensor-1: 2.05"],
    );
    assert!(told.contains("from device \\x1b[31m\n") && !told.contains('\u{1b}'), "{told}");
}

/// What a client does with a changed answer of the handshake: refuse the server.
#[test]
fn changed_handshake_answers_are_refused() {
    for (profile, first_byte) in [("signed", 0x14), ("express", 0x16)] {
        let site = Site::start(&[]);
        let middle = Middle::start(site.addr(), move |_, message| {
            let mut message = message.clone();
            if message.payload.first() == Some(&first_byte) {
                *message.payload.last_mut().unwrap() ^= 1;
            }
            vec![message]
        });
        let printed = site.refused(
            &mut site.client(middle.addr(), &["--profile", profile, "GET", "/index"]),
            "does not verify",
        );
        assert!(!printed.stdout.contains("authenticated"));
        assert!(!middle.seen().iter().any(|(_, message)| message.is_sealed()), "no data before that");
        site.good(site.addr(), &["--profile", profile, "GET", "/index"]);
    }
}

/// One forged answer among true ones does not stop a handshake.
#[test]
fn a_forged_handshake_answer_changes_nothing() {
    let site = Site::start(&[]);
    let forged = AtomicUsize::new(0);
    let middle = Middle::start(site.addr(), move |_, message| {
        let mut message = message.clone();
        if message.payload.first() == Some(&0x14) && forged.fetch_add(1, Ordering::Relaxed) == 0 {
            message.payload[9] ^= 0x80;
        }
        vec![message]
    });
    assert_story(
        &site.good(middle.addr(), &["GET", "/index"]),
        &["M4 received", "M4 received", "authenticated!"],
    );
}

/// A server that has forgotten the handshake, or has given its id to somebody else, or an alert that says so: once, and
/// the client sends the same again; twice, and it begins anew.
#[test]
fn a_forgotten_handshake_begins_anew() {
    let site = Site::start(&[]);
    for (alert, times) in [(5, 1), (2, 1), (5, 2), (2, 2)] {
        let forgotten = AtomicUsize::new(0);
        let middle = Middle::start(site.addr(), move |_, message| {
            let mut message = message.clone();
            if message.payload.first() == Some(&0x14) && forgotten.fetch_add(1, Ordering::Relaxed) < times {
                (message.code, message.payload) = (UNAUTHORIZED, vec![0x1F, alert]);
            }
            vec![message]
        });
        let printed = site.good(middle.addr(), &["GET", "/index"]);
        let mut story = ["M1 sent", "M3 sent"].to_vec();
        story.extend(["ALERT received", "M3 sent"].repeat(times - 1));
        story.extend([
            "ALERT received",
            if times == 1 { "M3 sent" } else { "M1 sent" },
            "M4 received",
            "2.05",
        ]);
        assert_story(&printed, &story);
        assert_eq!(printed.matches("M1 sent").count(), times);
    }
}

#[test]
fn devices_are_read_again_on_sighup() {
    let site = Site::start(&[]);
    let newcomer = Identity::generate().unwrap();
    let key = site.enrolment.dir().join("new.key");
    write_key(&key, &newcomer).unwrap();
    let ours = site.enrolment.server.server_string();
    let client = || site.client_of(&key, "newcomer", &ours, site.addr(), &["GET", "/index"]);
    site.refused(&mut client(), "does not know this device");

    let good = format!("{}\n", newcomer.device_string("newcomer"));
    let devices = fs::read_to_string(site.enrolment.devices()).unwrap() + &good;
    fs::write(site.enrolment.devices(), &devices).unwrap();
    site.server.program.signal("HUP").unwrap();
    assert!(site.server.program.wait_for_text("3 devices in ", LONG));
    assert_eq!(run(&mut client(), LONG).unwrap().code, Some(0));

    // A bad list: line 2, where the key's first character cannot be. The old one stays.
    let bad = good.replace(":A", ":1");
    fs::write(site.enrolment.devices(), format!("# bad\n{bad}")).unwrap();
    site.server.program.signal("HUP").unwrap();
    let column = bad.find(":1").unwrap() + 2;
    let fault = format!("devices.txt:2:{column}: ");
    assert!(site.server.program.wait_for_error_text(&fault, LONG), "{}", site.server.program.stderr());
    assert_eq!(run(&mut client(), LONG).unwrap().code, Some(0));
    assert!(
        !Program::start(&mut Site::server_command(&site.enrolment)).unwrap().wait(LONG).unwrap().success()
    );

    // One that is gone from the list is a stranger, in a session that it has already too.
    let arguments = ["-n", "2", "--step", "GET", "/index"];
    let mut in_session =
        Program::start_with_input(&mut site.client_of(&key, "newcomer", &ours, site.addr(), &arguments))
            .unwrap();
    in_session.say("").unwrap();
    assert!(in_session.wait_for_text("elapsed: ", LONG));
    fs::write(site.enrolment.devices(), "# nobody\n").unwrap();
    site.server.program.signal("HUP").unwrap();
    assert!(site.server.program.wait_for_text("0 devices in ", LONG));
    site.refused(&mut client(), "does not know this device");
    in_session.say("").unwrap();
    assert_eq!(in_session.wait(LONG).unwrap().code(), Some(1));
    assert_eq!(in_session.stdout().matches("2.05\n").count(), 1);
}

#[test]
fn bad_lists_and_keys_stop_a_server_with_1() {
    let site = Site::start(&[]);
    let good = fs::read_to_string(site.enrolment.devices()).unwrap();
    let twice = good.clone() + &good;
    for (devices, fault) in [
        ("LSC1:MZXW6:AAAA\n", "devices.txt:1:"),
        ("\n\n   nonsense", "devices.txt:3:4: "),
        ("LSC1:ab\n", "devices.txt:1:"),
        (&*twice, "the same device id as on line 3"),
    ] {
        fs::write(site.enrolment.devices(), devices).unwrap();
        let finished = run(&mut Site::server_command(&site.enrolment), LONG).unwrap();
        assert_eq!(finished.code, Some(1), "{devices} {finished:?}");
        assert!(finished.stderr.contains(fault), "{devices} {finished:?}");
    }
    fs::write(site.enrolment.devices(), &good).unwrap();
    for key in [
        "",
        "00",
        "zz",
        &"0".repeat(64),
        &"f".repeat(64),
        &"1".repeat(65),
        &format!("{}\n\n", "1".repeat(64)),
    ] {
        fs::write(site.enrolment.server_key(), key).unwrap();
        let finished = run(&mut Site::server_command(&site.enrolment), LONG).unwrap();
        assert_eq!(finished.code, Some(1), "{key} {finished:?}");
        assert!(!finished.stderr.is_empty());
    }
    fs::remove_file(site.enrolment.server_key()).unwrap();
    assert_eq!(run(&mut Site::server_command(&site.enrolment), LONG).unwrap().code, Some(1));
}

#[test]
fn usage_errors_end_with_2() {
    let site = Site::start(&[]);
    let key = site.enrolment.device_key();
    let (key, ours) = (key.to_str().unwrap(), site.enrolment.server.server_string());
    let identity = ["-k", key, "-i", DEVICE, "-s", &ours];
    let lower = ours.to_lowercase();
    for arguments in [
        vec!["GET", "/index"],
        [&identity[..], &["GET"]].concat(),
        [&identity[..], &["--profile", "none", "GET", "/index"]].concat(),
        [&identity[..], &["-n", "0", "GET", "/index"]].concat(),
        [&identity[..], &["-u", "coaps://127.0.0.1", "GET", "/index"]].concat(),
        vec!["-k", key, "-i", "", "-s", &ours, "GET", "/index"],
        vec!["-k", key, "-i", "0123456789abcdef0123456789abcdefX", "-s", &ours, "GET", "/index"],
        vec!["-k", key, "-i", DEVICE, "-s", "LSS1:", "GET", "/index"],
        vec!["-k", key, "-i", DEVICE, "-s", &lower, "GET", "/index"],
    ] {
        let finished = run(program("secure_client").args(&arguments), LONG).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!finished.stderr.is_empty());
    }
    for arguments in
        [vec![], vec!["-k", key], vec!["-d", key], vec!["-n", "0", "-k", key, "-d", key], vec!["surplus"]]
    {
        let finished = run(program("secure_server").args(&arguments), LONG).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{arguments:?}");
    }
    for name in ["secure_client", "secure_server"] {
        assert_eq!(run(program(name).arg("--help"), LONG).unwrap().code, Some(0));
    }
    let nobody =
        run(&mut site.client("127.0.0.1:1".parse().unwrap(), &["--timeout", "3", "GET", "/index"]), LONG);
    assert_eq!(nobody.unwrap().code, Some(1));
}
