//! No nonce is used twice, whoever is killed and when.

use std::collections::HashSet;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lscoap_testkit::process::Program;
use lscoap_testkit::relay::Relay;

use super::recorder::{chance, recording};
use super::site::*;

const FOREVER: [&str; 8] = ["--resume", "session", "--at-least-once", "-n", "100000", "POST", "/index", "7"];

/// Runs a client that would go on for long, and kills it after `pause` from its first request on, or from its start.
fn run_and_kill(site: &Site, relay: &Relay, from_first_answer: bool, pause: Duration) {
    let client = Program::start(&mut site.client(relay.addr(), &FOREVER)).unwrap();
    if from_first_answer {
        assert!(client.wait_for_text("2.04", LONG), "{}", client.stderr());
    }
    sleep(pause);
    drop(client); // killed, if it has not failed
}

#[test]
fn a_client_that_is_killed_uses_no_number_twice() {
    let site = Site::start(&["--quiet"]);
    let (relay, recorder) = recording(site.addr());
    site.kept(relay.addr(), &["GET", "/index"]);
    let handshakes = recorder.lock().unwrap().handshakes;
    let mut state = 5;
    let mut killed_at = HashSet::new();
    for run in 0..120 {
        let pause = Duration::from_micros(chance(&mut state, 25_000));
        run_and_kill(&site, &relay, run % 2 == 0, pause);
        killed_at.insert(recorder.lock().unwrap().requests.len());
    }
    let last = site.kept(relay.addr(), &["GET", "/index"]);
    assert_eq!(ways(&last), ["session stored"]);
    let seen = recorder.lock().unwrap();
    assert_eq!(seen.reused, [""; 0]);
    assert_eq!(seen.handshakes, handshakes, "one session all along, so that numbers can be compared");
    assert!(seen.requests.len() > 300 && killed_at.len() > 60, "{} {}", seen.requests.len(), killed_at.len());
}

/// The recorder does see what must not be: a file that is put back from a copy.
#[test]
fn an_old_copy_of_a_session_is_what_the_recorder_finds() {
    let site = Site::start(&["--quiet"]);
    let (relay, recorder) = recording(site.addr());
    site.kept(relay.addr(), &["GET", "/index"]);
    let copy = fs::read(site.session_file()).unwrap();
    site.kept(relay.addr(), &["POST", "/index", "1"]);
    assert_eq!(recorder.lock().unwrap().reused, [""; 0]);
    fs::write(site.session_file(), copy).unwrap();
    // The server refuses the number as a replay, which is too late: the client resumes.
    let again = site.kept(relay.addr(), &["--at-least-once", "POST", "/index", "2"]);
    assert_eq!(ways(&again), ["resumed"]);
    assert_eq!(recorder.lock().unwrap().reused.len(), 2, "the request and its copy");
}

#[test]
fn nothing_is_wasted_between_runs_that_end_well() {
    let site = Site::start(&["--quiet"]);
    let (relay, recorder) = recording(site.addr());
    for _ in 0..5 {
        site.kept(relay.addr(), &["-n", "70", "GET", "/index?readings=1"]);
    }
    let seen = recorder.lock().unwrap();
    let mut numbers: Vec<u64> = seen
        .requests
        .keys()
        .map(|(_, number)| number[..number.len() - 1].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..350).collect::<Vec<u64>>());
}

/// The server is killed again and again under a client that goes on: each time the session is resumed, and neither side
/// uses a nonce twice.
#[test]
fn a_server_that_is_killed_uses_no_nonce_twice() {
    const KILLS: usize = 8;
    let mut site = Site::start(&["--quiet", "--resume-db", "resume.db"]);
    let (relay, recorder) = recording(site.addr());
    let mut client = Program::start(&mut site.client(relay.addr(), &FOREVER)).unwrap();
    let mut state = 11;
    let goes_on = |client: &Program| {
        let before = recorder.lock().unwrap().answers.len();
        let end = Instant::now() + LONG;
        while recorder.lock().unwrap().answers.len() < before + 20 {
            assert!(Instant::now() < end, "{}", client.stderr());
            sleep(Duration::from_millis(1));
        }
    };
    for kill in 1..=KILLS {
        goes_on(&client);
        sleep(Duration::from_micros(chance(&mut state, 20_000)));
        site.kill();
        site.start_again();
        let resumed = || client.stderr().lines().filter(|line| *line == "resumed").count() == kill;
        let end = Instant::now() + LONG;
        while !resumed() {
            assert!(Instant::now() < end, "{}", client.stderr());
            sleep(Duration::from_millis(1));
        }
    }
    goes_on(&client);
    assert!(client.wait(Duration::ZERO).is_err(), "it is still at it: {}", client.stderr());
    drop(client);
    let last = site.kept(relay.addr(), &["GET", "/index"]);
    assert_eq!(ways(&last), ["session stored"]);
    let seen = recorder.lock().unwrap();
    assert_eq!(seen.reused, [""; 0]);
    assert_eq!(seen.sessions, 1 + KILLS);
    assert!(seen.answers.len() >= 20 * KILLS, "{}", seen.answers.len());
}

/// Both are killed again and again around a resumption, in the middle of what they write: what is stored is always whole,
/// and the device gets through.
#[test]
fn killed_while_they_write() {
    const RUNS: u64 = 60;
    let mut site = Site::start(&["--quiet", "--resume-db", "resume.db"]);
    site.kept(site.addr(), &["GET", "/index"]);
    let mut state = 23;
    let mut resumed = 0;
    for run in 0..RUNS {
        site.kill();
        site.start_again();
        let arguments = ["--resume", "session", "GET", "/index?readings=1"];
        let client = Program::start(&mut site.client(site.addr(), &arguments)).unwrap();
        // A resumption takes about 15 ms where the disk takes 4 ms: the moments are spread over it.
        sleep(Duration::from_micros(run * 500 + chance(&mut state, 500)));
        site.kill();
        drop(client);
        site.start_again();
        let finished = site.kept(site.addr(), &["GET", "/index?readings=1"]);
        assert!(!finished.stderr.contains("damaged"), "{finished:?}");
        resumed += usize::from(ways(&finished) == ["resumed"]);
    }
    assert!(resumed > RUNS as usize / 2, "{resumed}");
}
