//! What the server's operator sees and says: statistics, options, many devices.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use lscoap_testkit::identities::{Identity, write_key};
use lscoap_testkit::process::{Server, run};
use lscoap_testkit::relay::Direction;
use serde_json::Value;

use super::coap::*;
use super::middle::{Middle, pass};
use super::site::*;

const STATS: &str = ".well-known/lscoap/stats";

fn stats(printed: &str) -> Value {
    let line = printed.lines().rfind(|line| line.starts_with('{')).expect(printed);
    serde_json::from_str(line).unwrap()
}

/// A socket of this machine's that speaks to the server.
fn socket_to(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(server).unwrap();
    socket
}

#[test]
fn statistics_are_for_devices_and_for_this_machine() {
    let mut site = Site::start(&["--stats", "--resume-db", "resume.db"]);
    site.kept(site.addr(), &["GET", "/index"]);
    site.good(site.addr(), &["--profile", "express", "GET", "/index"]);
    site.refused(
        &mut site.client_of(
            &site.other_key(),
            DEVICE,
            &site.enrolment.server.server_string(),
            site.addr(),
            &["GET", "/index"],
        ),
        "could not verify",
    );
    let told = stats(&site.good(site.addr(), &["-n", "3", "GET", &format!("/{STATS}")]));
    for (name, value) in [
        ("begun_signed", 5), // the stranger's too: three times, as a refusal of M3 may be forged
        ("begun_express", 1),
        ("begun_resume", 0),
        ("confirmed", 3),
        ("refused_authentication", 6), // of each M3 and of its copy
        ("refused_unknown_device", 0),
        ("records", 5),
        ("replays", 0),
        ("store_failures", 0),
        ("half_open", 0),
        ("unconfirmed", 0),
        ("confirmed_now", 1),
        ("slots", 64),
    ] {
        assert_eq!(told[name], value, "{name}: {told}");
    }

    // In the clear from a loopback address: the same, by GET alone.
    let socket = socket_to(site.addr());
    let answer = ask(&socket, &Message::request(GET, STATS, 1));
    assert_eq!((answer.code, answer.number(CONTENT_FORMAT)), (CONTENT, Some(50)));
    assert_eq!(serde_json::from_slice::<Value>(&answer.payload).unwrap(), told);
    for code in [POST, PUT, DELETE, FETCH] {
        let answer = ask(&socket, &Message::request(code, STATS, code.into()).body(50, b"{}"));
        assert_eq!(answer.code, UNAUTHORIZED, "{code}");
    }
    assert_eq!(ask(&socket, &Message::request(GET, "index", 9)).code, UNAUTHORIZED);

    // After a restart all counts begin anew.
    site.kept(site.addr(), &["GET", "/index"]);
    site.kill();
    site.start_again();
    let told = stats(&site.kept(site.addr(), &["GET", &format!("/{STATS}")]).stdout);
    assert_eq!((&told["begun_resume"], &told["confirmed_resume"]), (&1.into(), &1.into()));
    assert_eq!((&told["begun_signed"], &told["bad_records"]), (&0.into(), &2.into())); // the record and its copy
    assert!(site.end().contains("GET /.well-known/lscoap/stats from sensor-1: 2.05"));
}

/// From an address of this machine that is not loopback, if it has one: nothing but a refusal in the clear.
#[test]
fn statistics_in_the_clear_are_not_for_the_network() {
    let probe = UdpSocket::bind("0.0.0.0:0").unwrap();
    let outside = match probe.connect("192.0.2.1:9").and_then(|()| probe.local_addr()) {
        Ok(addr) if !addr.ip().is_loopback() && !addr.ip().is_unspecified() => addr.ip(),
        _ => return eprintln!("not tested: this machine has loopback addresses only"),
    };
    for listen in ["0.0.0.0", "::"] {
        let site = Site::start(&["-A", listen, "--stats"]);
        let to = |ip: IpAddr| SocketAddr::new(ip, site.addr().port());
        let here = socket_to(to("127.0.0.1".parse().unwrap()));
        assert_eq!(ask(&here, &Message::request(GET, STATS, 1)).code, CONTENT, "{listen}");
        let there = socket_to(to(outside));
        let answer = ask(&there, &Message::request(GET, STATS, 2));
        assert_eq!(answer.code, UNAUTHORIZED, "{listen}");
        assert!(!answer.payload.contains(&b'{'), "{answer:?}");
        let sealed = site.good(to(outside), &["GET", &format!("/{STATS}")]);
        assert_eq!(stats(&sealed)["confirmed"], 1);
    }
}

#[test]
fn without_the_option_there_are_no_statistics() {
    let site = Site::start(&[]);
    let answer = ask(&socket_to(site.addr()), &Message::request(GET, STATS, 1));
    assert_eq!((answer.code, answer.payload.contains(&b'{')), (0x84, false), "{answer:?}");
    assert!(!site.server.program.stderr().contains("stats"));
}

#[test]
fn a_line_of_statistics_comes_with_each_period() {
    let site = Site::start(&["--stats-period", "1"]);
    site.good(site.addr(), &["GET", "/index"]);
    let lines = || -> Vec<Value> {
        let printed = site.server.program.stderr();
        let whole = &printed[..printed.rfind('\n').map_or(0, |end| end + 1)];
        whole
            .lines()
            .filter_map(|line| Some(serde_json::from_str(line.strip_prefix("stats: ")?).unwrap()))
            .collect()
    };
    let end = Instant::now() + LONG;
    while lines().len() < 3 {
        assert!(Instant::now() < end, "{}", site.server.program.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(lines()[2]["confirmed_now"], 1);
    assert_eq!(lines()[2].as_object().unwrap().len(), 22);
}

/// A list of thousands: it loads, each of them is found, and changes of it take no time to speak of.
#[test]
fn thousands_of_devices() {
    const COUNT: usize = 5000;
    let mut site = Site::start(&["--stats", "--resume-db", "resume.db"]);
    let own = site.devices();
    let stranger = Identity::generate().unwrap();
    let mut many = own.clone();
    for n in 0..COUNT {
        writeln!(many, "{}", stranger.device_string(&format!("meter-{n}"))).unwrap();
    }
    site.kill();
    std::fs::write(site.enrolment.devices(), &many).unwrap();
    let began = Instant::now();
    site.start_again();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(site.server.program.stdout().contains("5002 devices in "));

    let key = site.enrolment.dir().join("meter.key");
    write_key(&key, &stranger).unwrap();
    let ours = site.enrolment.server.server_string();
    for id in ["meter-0", "meter-2500", "meter-4999"] {
        let finished =
            run(&mut site.client_of(&key, id, &ours, site.addr(), &["GET", "/index"]), LONG).unwrap();
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    site.refused(
        &mut site.client_of(&key, "meter-5000", &ours, site.addr(), &["GET", "/index"]),
        "does not know this device",
    );
    assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["full handshake"]);
    let told = stats(&site.good(site.addr(), &["GET", &format!("/{STATS}")]));
    assert_eq!((&told["slots"], &told["confirmed_now"]), (&(5002 + 5002 / 4).into(), &4.into()));

    // All of them go at once, and one who is left resumes.
    site.kept(site.addr(), &["GET", "/index"]);
    let began = Instant::now();
    site.reload(&own);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    site.refused(
        &mut site.client_of(&key, "meter-0", &ours, site.addr(), &["GET", "/index"]),
        "does not know this device",
    );
    assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["session stored"]);
}

/// A table with no room: said when it starts, and to the device that finds none.
#[test]
fn a_full_table_is_busy() {
    let site = Site::start(&["--slots", "1"]);
    let warning = "with 1 slots not all devices can be connected";
    assert!(site.server.program.wait_for_error_text(warning, LONG));
    site.good(site.addr(), &["GET", "/index"]);
    let middle = Middle::start(site.addr(), pass);
    let finished =
        run(&mut site.other_client(middle.addr(), &["--timeout", "5", "GET", "/index"]), LONG).unwrap();
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let seen = middle.seen();
    let (_, busy) = seen.iter().find(|(_, message)| message.is_alert(4)).expect("an alert");
    assert_eq!((busy.code, busy.number(MAX_AGE)), (0xA3, Some(5)), "5.03 with Max-Age 5");
}

/// More handshakes than the rate: a cookie is asked for, in a 4.01, and given.
#[test]
fn a_retry_is_followed() {
    for profile in PROFILES {
        let site = Site::start(&["--retry-rate", "1"]);
        let middle = Middle::start(site.addr(), pass);
        let printed = site.good(middle.addr(), &["--profile", profile, "-n", "6", "--cold", "GET", "/index"]);
        assert_eq!(printed.matches("authenticated!").count(), 6);
        assert_story(&printed, &["RETRY received (17 bytes)", "RETRIED sent", "authenticated!", "2.05"]);
        let retry = |message: &Message| message.payload.first() == Some(&0x19);
        let seen = middle.seen();
        let retries: Vec<_> =
            seen.iter().filter(|(way, message)| *way == Direction::Down && retry(message)).collect();
        assert!(!retries.is_empty());
        for (_, message) in &retries {
            assert_eq!(
                (message.code, message.number(CONTENT_FORMAT)),
                (UNAUTHORIZED, Some(HANDSHAKE.into()))
            );
        }
        // A cookie is good for the address that it was made for: from another one it counts as none.
        let retried = seen
            .iter()
            .rfind(|(way, message)| *way == Direction::Up && message.payload.first() == Some(&0x1A))
            .map(|(_, message)| Message { id: 77, ..message.clone() })
            .unwrap();
        site.good(site.addr(), &["--profile", profile, "-n", "3", "--cold", "GET", "/index"]);
        let mut fresh = retried.clone();
        let at = fresh.payload.len() - 1; // no repetition of what was answered
        fresh.payload[at] ^= 1;
        assert!(retry(&ask(&socket_to(site.addr()), &fresh)), "{profile}");
        let told = site.end();
        assert!(told.contains("RETRY sent (17 bytes)") && !told.contains("refused"), "{told}");
    }
}

/// A resumption has to show its address too, and does.
#[test]
fn a_resumption_follows_a_retry() {
    let mut site = Site::start(&["--retry-rate", "1", "--resume-db", "resume.db"]);
    site.kept(site.addr(), &["GET", "/index"]);
    for _ in 0..10 {
        site.kill();
        site.start_again();
        let crowd = run(&mut site.other_client(site.addr(), &["-n", "3", "--cold", "GET", "/index"]), LONG);
        assert_eq!(crowd.unwrap().code, Some(0));
        let finished = site.kept(site.addr(), &["GET", "/index"]);
        assert_eq!(ways(&finished), ["resumed"]);
        if finished.stdout.contains("RETRY") {
            let story =
                ["R1 sent (19 bytes)", "RETRY received", "RETRIED sent (36 bytes)", "R2 received", "2.05"];
            assert_story(&finished.stdout, &story);
            return;
        }
    }
    panic!("never asked for a cookie");
}

#[test]
fn connection_ids_begin_as_they_are_told_to() {
    let site = Site::start(&["--cid-prefix", "aB07", "--resume-db", "resume.db"]);
    let middle = Middle::start(site.addr(), pass);
    site.kept(middle.addr(), &["GET", "/index"]);
    let sealed = |message: &Message| message.is_sealed() && message.payload[0] == 0x09;
    let seen = middle.seen();
    let requests: Vec<_> =
        seen.iter().filter(|(way, message)| *way == Direction::Up && sealed(message)).collect();
    assert!(!requests.is_empty());
    for (_, message) in requests {
        assert_eq!(message.payload[2..4], [0xAB, 0x07]); // after flags and Partial IV
    }
    assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["session stored"]);
}

#[test]
fn bad_options_are_usage_errors() {
    let site = Site::start(&[]);
    for more in [
        ["--slots", "0"],
        ["--slots", "1048577"],
        ["--slots", "many"],
        ["--cid-prefix", ""],
        ["--cid-prefix", "1"],
        ["--cid-prefix", "xy"],
        ["--cid-prefix", "01020304050607"],
        ["--retry-rate", "0"],
        ["--retry-rate", "-1"],
        ["--stats-period", "0"],
    ] {
        let finished = run(Site::server_command(&site.enrolment).args(more), LONG).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{more:?}");
    }
    // Ids of seven bytes at most have to hold the prefix, and a number for each slot.
    let many = ["--cid-prefix", "010203040506", "--slots", "1000"];
    let finished = run(Site::server_command(&site.enrolment).args(many), LONG).unwrap();
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(!finished.stderr.is_empty());
    let few = ["--cid-prefix", "010203040506", "--slots", "64"];
    Server::start(Site::server_command(&site.enrolment).args(few)).unwrap();
}
