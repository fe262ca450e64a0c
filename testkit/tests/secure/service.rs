//! What the programs do for enrolled devices.

use std::thread::sleep;
use std::time::{Duration, Instant};

use lscoap_testkit::process::run;
use serde_json::{Value, json};

use super::site::*;

/// The messages of each profile as the client tells of them, and as the server does.
fn handshake_stories(profile: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let client =
        ["M1 sent (42 bytes)", "M2 received (35 bytes)", "M3 sent (75 bytes)", "M4 received (73 bytes)"];
    let server =
        ["M1 received (42 bytes) from device sensor-1", "M2 sent", "M3 received", "M4 sent (73 bytes)"];
    if profile == "signed" {
        (client.to_vec(), server.to_vec())
    } else {
        let server = ["X1 received (50 bytes) from device sensor-1", "X2 sent (42 bytes)"];
        (vec!["X1 sent (50 bytes)", "X2 received (42 bytes)"], server.to_vec())
    }
}

fn elapsed_lines(printed: &str) -> usize {
    let number = |line: &str| line.strip_prefix("elapsed: ")?.strip_suffix(" ms")?.parse::<f64>().ok();
    printed.lines().filter(|line| number(line).is_some()).count()
}

#[test]
fn everything_that_index_does() {
    for profile in PROFILES {
        let site = Site::start(&[]);
        let to = site.addr();
        let good = |arguments: &[&str]| site.good(to, &[&["--profile", profile], arguments].concat());

        let printed = good(&["GET", "/index"]);
        let (client, _) = handshake_stories(profile);
        assert_story(
            &printed,
            &[&client[..], &["Server authenticated!", "2.05\n{\"Data\":", "elapsed: "]].concat(),
        );
        let first = readings(&printed);
        assert_eq!(first.len(), 6);
        assert_ne!(first, readings(&good(&["GET", "/index"])), "made fresh for each reading");

        assert_story(&good(&["POST", "/index", "12.5"]), &["2.04\n", "elapsed: "]);
        assert_eq!(readings(&good(&["GET", "/index"]))[0]["value"], 12.5);
        good(&["PUT", "/index", r#"{"Data":[{"timeStamp":7,"value":70}]}"#]);
        assert_eq!(readings(&good(&["GET", "/index?readings=1"])), [json!({"timeStamp": 7.0, "value": 70})]);
        assert_story(&good(&["DELETE", "/index"]), &["2.02\n"]);
        assert_ne!(readings(&good(&["GET", "/index"]))[0]["timeStamp"], 7.0);

        let warm = good(&["-n", "20", "GET", "/index"]);
        assert_eq!(warm.matches("2.05\n").count(), 20);
        assert_eq!(warm.matches("Server authenticated!").count(), 1);
        let cold = good(&["-n", "3", "--cold", "GET", "/index"]);
        assert_eq!((elapsed_lines(&cold), cold.matches("Server authenticated!").count()), (3, 3));

        let refused =
            run(&mut site.client(to, &["--profile", profile, "PATCH", "/index", "5"]), LONG).unwrap();
        assert_eq!(refused.code, Some(1));
        assert_story(&refused.stdout, &["Server authenticated!", "4.05\n"]);
        let (_, server) = handshake_stories(profile);
        let told = site.end();
        let requests = ["Client authenticated! Device sensor-1", "GET /index from sensor-1: 2.05"];
        assert_story(&told, &[&["LSS2:", "2 devices", "listening on "], &server[..], &requests].concat());
    }
}

#[test]
fn both_ends_name_the_session_and_no_secret() {
    let site = Site::start(&[]);
    let printed = site.good(site.addr(), &["GET", "/index"]);
    let (_, fingerprint) = printed.split_once("Session fingerprint ").unwrap();
    let fingerprint = &fingerprint[..16];
    let secrets = [site.enrolment.server.key_file(), site.enrolment.device.key_file()];
    let told = site.end();
    assert!(told.contains(&format!("session fingerprint {fingerprint}\n")), "{told}");
    for secret in secrets {
        assert!(!printed.contains(secret.trim()) && !told.contains(secret.trim()));
    }
}

#[test]
fn large_bodies_both_ways() {
    for profile in PROFILES {
        let site = Site::start(&[]);
        let good =
            |arguments: &[&str]| site.good(site.addr(), &[&["--profile", profile], arguments].concat());
        let many: Vec<Value> = (0..64).map(|n| json!({"timeStamp": 1e6 + n as f64, "value": n})).collect();
        let body = json!({ "Data": many }).to_string();
        assert!(body.len() > 2048);
        good(&["PUT", "/index", &body]);
        let got = readings(&good(&["GET", "/index?readings=500"]));
        assert_eq!((got.len(), &got[..64]), (500, &many[..]));
        let printed = good(&["-n", "3", "GET", "/index?readings=500"]);
        assert_eq!(printed.matches("2.05\n").count(), 3);
    }
}

#[test]
fn observers_are_told_and_take_leave() {
    for profile in PROFILES {
        let site = Site::start(&[]);
        let mut observer =
            site.observer(site.addr(), &["--profile", profile, "--observe", "6", "GET", "/index?readings=1"]);
        for value in [4242, 4343] {
            run(&mut site.other_client(site.addr(), &["POST", "/index", &value.to_string()]), LONG).unwrap();
            assert!(observer.wait_for_text(&format!("\"value\":{value}}}"), LONG), "{}", observer.stdout());
        }
        assert!(observer.wait(LONG).unwrap().success(), "{}", observer.stderr());
        site.good(site.addr(), &["POST", "/index", "1"]);
        let told = site.end();
        assert_eq!(told.matches("/index: sensor-1 notified").count(), 2, "{told}");
    }
}

#[test]
fn a_ticking_server_notifies_with_large_bodies_too() {
    let site = Site::start(&["--tick"]);
    let observer = site.observer(site.addr(), &["--observe", "60", "GET", "/index?readings=300"]);
    let end = Instant::now() + LONG;
    while observer.stdout().matches("\"Data\"").count() < 3 {
        assert!(Instant::now() < end, "{}", observer.stderr());
        sleep(Duration::from_millis(50));
    }
    for document in observer.stdout().lines().filter(|line| line.starts_with('{')) {
        assert_eq!(readings(document).len(), 300);
    }
}

#[test]
fn ipv6_works() {
    let site = Site::start(&["-A", "::1"]);
    assert!(site.addr().is_ipv6());
    site.good(site.addr(), &["GET", "/index"]);
}
