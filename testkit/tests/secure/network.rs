//! Loss, duplication, and peers that are gone.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lscoap_testkit::process::{Program, run};
use lscoap_testkit::relay::{Direction, Relay, RelayConfig, Verdict};
use serde_json::{Value, json};

use super::coap::*;
use super::middle::{Middle, pass};
use super::site::*;

/// A client that has gone without a word is forgotten: its system's reset ends the observation.
#[test]
fn a_reset_ends_an_observation() {
    let site = Site::start(&[]);
    let middle = Middle::start(site.addr(), pass);
    let observer = site.observer(middle.addr(), &["--observe", "100", "GET", "/index?readings=1"]);
    drop(observer); // killed
    let post = |value| run(&mut site.other_client(site.addr(), &["POST", "/index", value]), LONG).unwrap();
    post("1");
    assert!(site.server.program.wait_for_text("sensor-1 notified", LONG));
    let notified =
        || middle.seen().into_iter().rev().find(|(way, seen)| *way == Direction::Down && seen.kind == CON);
    let (_, notification) = notified().expect("the first notification is confirmable");
    let reset = Message { kind: 3, id: notification.id, ..Message::default() };
    middle.ask_server(&reset);
    post("2");
    assert_eq!(site.end().matches("sensor-1 notified").count(), 1);
}

/// Every datagram twice: what it asks for is done once.
#[test]
fn duplicates_are_executed_once() {
    for profile in PROFILES {
        let site = Site::start(&[]);
        let relay = Relay::start(RelayConfig::new(site.addr()).duplicate(1.0)).unwrap();
        site.good(relay.addr(), &["--profile", profile, "POST", "/index", "88"]);
        site.good(relay.addr(), &["--profile", profile, "-n", "5", "POST", "/index", "99"]);
        let many: Vec<Value> = (0..60).map(|n| json!({"timeStamp": 1, "value": n})).collect();
        assert_eq!((site.stored(88.0), site.stored(99.0)), (1, 5));
        site.good(
            relay.addr(),
            &["--profile", profile, "PUT", "/index", &json!({ "Data": many }).to_string()],
        );
        assert_eq!(readings(&site.good(relay.addr(), &["GET", "/index?readings=500"])).len(), 500);
        let told = site.end();
        assert!(told.contains("a retransmitted request got its answer again"), "{told}");
        assert_eq!(told.matches("POST /index from sensor-1: 2.04").count(), 6, "{told}");
        assert_eq!(told.matches("PUT /index from sensor-1: 2.04").count(), 1, "{told}");
    }
}

/// The answer to a request is lost: the retransmission gets the same answer, byte for byte.
#[test]
fn a_lost_answer_is_sent_again() {
    for arguments in [
        vec!["POST".to_owned(), "/index".to_owned(), "55".to_owned()],
        vec!["GET".to_owned(), "/index?readings=200".to_owned()],
        vec!["PUT".to_owned(), "/index".to_owned(), large_document()],
    ] {
        let site = Site::start(&[]);
        let dropped = AtomicUsize::new(0);
        let middle = Middle::start(site.addr(), move |direction, message| {
            let lose = direction == Direction::Down
                && message.is_sealed()
                && dropped.fetch_add(1, Ordering::Relaxed) == 0;
            if lose { vec![] } else { vec![message.clone()] }
        });
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        site.good(middle.addr(), &arguments);
        let answers: Vec<Message> = middle
            .seen()
            .into_iter()
            .filter(|(way, message)| *way == Direction::Down && message.is_sealed())
            .map(|(_, message)| message)
            .collect();
        assert_eq!(answers[0], answers[1]);
        let told = site.end();
        assert_eq!(told.matches(" /index from sensor-1: 2.0").count(), 1, "{told}");
    }
}

/// The same with hundreds of requests of others in between: they do not push out what is kept for this one.
#[test]
fn a_lost_answer_is_kept_while_others_talk() {
    let site = Site::start(&["--quiet"]);
    let dropped = AtomicUsize::new(0);
    let middle = Middle::start(site.addr(), move |direction, message| {
        let lose = direction == Direction::Down
            && message.is_sealed()
            && dropped.fetch_add(1, Ordering::Relaxed) == 0;
        if lose { vec![] } else { vec![message.clone()] }
    });
    let mut client = Program::start(&mut site.client(middle.addr(), &["POST", "/index", "56"])).unwrap();
    let requests = |middle: &Middle| middle.seen().iter().filter(|(_, message)| message.is_sealed()).count();
    let end = Instant::now() + LONG;
    while requests(&middle) < 2 {
        assert!(Instant::now() < end, "{}", client.stderr());
        thread::sleep(Duration::from_millis(1));
    }
    let finished =
        run(&mut site.other_client(site.addr(), &["-n", "500", "GET", "/index?readings=1"]), LONG).unwrap();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(requests(&middle), 2, "it has not been sent again yet");
    assert_eq!(client.wait(LONG).unwrap().code(), Some(0), "{}", client.stderr());
    assert_eq!(site.stored(56.0), 1);
}

fn large_document() -> String {
    let many: Vec<Value> = (0..60).map(|n| json!({"timeStamp": 1, "value": n})).collect();
    json!({ "Data": many }).to_string()
}

/// Each message of a handshake and each of its answers is lost once.
#[test]
fn handshakes_survive_loss() {
    for profile in PROFILES {
        let site = Site::start(&[]);
        let lost = Mutex::new(HashSet::new());
        let relay = Relay::start(RelayConfig::new(site.addr()).watch(move |_, datagram| {
            let message = Message::parse(datagram).unwrap();
            let handshake = message.number(CONTENT_FORMAT) == Some(HANDSHAKE.into());
            let first = handshake && lost.lock().unwrap().insert(message.payload[0]);
            if first { Verdict::Drop } else { Verdict::Pass }
        }))
        .unwrap();
        let printed = site.good(relay.addr(), &["--profile", profile, "GET", "/index"]);
        assert_eq!(printed.matches("authenticated!").count(), 1);
        assert_eq!(site.end().matches("Client authenticated!").count(), 1);
    }
}

/// Under 30 % loss: what the client knows to be done is done, and nothing is done twice.
#[test]
fn loss_does_not_repeat_or_lose_requests() {
    let site = Site::start(&[]);
    let relay = Relay::start(RelayConfig::new(site.addr()).loss(0.3).seed(197)).unwrap();
    let finished = run(&mut site.client(relay.addr(), &["-n", "6", "POST", "/index", "33"]), LONG).unwrap();
    let succeeded = finished.stdout.matches("2.04\n").count();
    let stored = site.stored(33.0);
    assert!(succeeded >= 3 && stored >= succeeded && stored <= 6, "{stored} {finished:?}");
    assert_eq!(site.end().matches("POST /index from sensor-1: 2.04").count(), stored);
}
