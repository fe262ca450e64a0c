//! Bodies that come and go in blocks at the client, and observations: over real round trips, and with somebody between.

use std::collections::HashSet;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lscoap_testkit::process::{Program, run};
use lscoap_testkit::relay::{Direction, Relay, RelayConfig};

use super::coap::*;
use super::middle::{Middle, pass};
use super::site::*;

const ETAG: u16 = 4;
const SIZE2: u16 = 28;
const REQUEST_TAG: u16 = 292;

fn documents(printed: &str) -> usize {
    printed.lines().filter(|line| line.starts_with("{\"Data\":") && line.ends_with("]}")).count()
}

fn block2(message: &Message) -> Option<u64> {
    message.number(BLOCK2).map(|block| block >> 4)
}

fn up(middle: &Middle) -> Vec<Message> {
    let sealed =
        middle.seen().into_iter().filter(|(way, message)| *way == Direction::Up && message.is_sealed());
    sealed.map(|(_, message)| message).collect()
}

/// Notifications of 25 blocks each, and a new state each second: they arrive, however long the way, and the observation
/// ends when it is asked to.
#[test]
fn notifications_in_many_blocks_arrive() {
    thread::scope(|scope| {
        for (round_trip, seconds, at_least) in [(2, "15", 3), (50, "15", 3), (100, "15", 3), (500, "25", 2)] {
            scope.spawn(move || {
                let site = Site::start(&["--tick", "--quiet"]);
                let config = RelayConfig::new(site.addr())
                    .delay(Duration::from_millis(round_trip / 2))
                    .loss(0.01)
                    .seed(round_trip);
                let relay = Relay::start(config).unwrap();
                let printed = site.good(relay.addr(), &["--observe", seconds, "GET", "/index?readings=500"]);
                let arrived = documents(&printed);
                assert!(arrived >= at_least, "{round_trip} ms: {arrived}");
            });
        }
    });
}

/// A block of another answer: the answer is fetched anew, and then delivered. In an answer, and in a notification.
#[test]
fn another_etag_means_another_beginning() {
    let site = Site::start(&["--tick", "--quiet"]);
    for observe in [false, true] {
        let changed = AtomicUsize::new(0);
        let middle = Middle::start(site.addr(), move |way, message| {
            let mut message = message.clone();
            let in_the_middle = way == Direction::Down && block2(&message) == Some(3);
            // Of an observation the second one: the first is the answer to the registration.
            if in_the_middle && changed.fetch_add(1, Ordering::Relaxed) == usize::from(observe) {
                message.options.iter_mut().find(|(number, _)| *number == ETAG).unwrap().1 = vec![9; 8];
            }
            vec![message]
        });
        if observe {
            let printed = site.good(middle.addr(), &["--observe", "4", "GET", "/index?readings=150"]);
            assert!(documents(&printed) >= 2, "{printed}");
        } else {
            let printed = site.good(middle.addr(), &["GET", "/index?readings=150"]);
            assert_eq!(readings(&printed).len(), 150);
        }
        let anew = up(&middle).iter().filter(|message| block2(message) == Some(0)).count();
        assert_eq!(anew, 1, "once from the beginning");
    }
}

/// The server ends an observation by a notification without Observe: the client says so, and neither takes leave nor
/// registers again.
#[test]
fn the_last_notification_is_delivered() {
    let site = Site::start(&[]);
    let notified = AtomicUsize::new(0);
    let middle = Middle::start(site.addr(), move |way, message| {
        let mut message = message.clone();
        if way == Direction::Down
            && message.kind != ACK
            && message.is_sealed()
            && notified.fetch_add(1, Ordering::Relaxed) == 1
        {
            message.options.retain(|(number, _)| *number != OBSERVE);
        }
        vec![message]
    });
    let mut observer = site.observer(middle.addr(), &["--observe", "60", "GET", "/index?readings=1"]);
    for value in ["85", "86"] {
        run(&mut site.other_client(site.addr(), &["POST", "/index", value]), LONG).unwrap();
        assert!(observer.wait_for_text(&format!("\"value\":{value}}}"), LONG), "{}", observer.stdout());
    }
    assert_eq!(observer.wait(LONG).unwrap().code(), Some(1));
    assert!(observer.stderr().contains("the observation ended early"), "{}", observer.stderr());
    let requests = up(&middle);
    assert_eq!(requests.len(), 1, "the sealed registration goes out once: {requests:?}");
}

/// Whoever takes leave does so once, by a request of its own; the sealed registration is not sent again.
#[test]
fn leave_is_taken_once() {
    let site = Site::start(&[]);
    let middle = Middle::start(site.addr(), pass);
    site.good(middle.addr(), &["--observe", "1", "GET", "/index?readings=1"]);
    let requests = up(&middle);
    let observe: Vec<Option<u64>> = requests.iter().map(|request| request.number(OBSERVE)).collect();
    assert_eq!(observe, [Some(0), Some(1)]);
    let different: HashSet<(&[u8], &[u8])> =
        requests.iter().map(|request| (&request.token[..], &request.payload[..])).collect();
    assert_eq!(different.len(), 2);
    site.good(site.addr(), &["POST", "/index", "1"]);
    assert!(!site.end().contains("notified"));
}

/// The longest plaintext of AES-CCM with a nonce of 13 bytes has 65,535 bytes: code, options, FF and payload. One byte
/// more is an error before anything is sent.
#[test]
fn the_longest_body() {
    const PLAINTEXT: usize = 65535;
    const BEFORE_PAYLOAD: usize = 1 + 2 + 1; // code, Content-Format, FF
    let site = Site::start(&[]);
    let document = |len: usize| {
        let start = r#"{"Data":[{"timeStamp":1,"value":87}]}"#;
        format!("{start}{}", " ".repeat(len - BEFORE_PAYLOAD - start.len()))
    };
    let middle = Middle::start(site.addr(), pass);
    site.good(middle.addr(), &["PUT", "/index", &document(PLAINTEXT)]);
    assert_eq!(site.stored(87.0), 1);
    let sent = up(&middle).len();
    assert_eq!(sent, (PLAINTEXT + 11).div_ceil(1024)); // with flags, number, id and tag
    let mut client = site.client(middle.addr(), &["PUT", "/index", &document(PLAINTEXT + 1)]);
    site.refused(&mut client, "the request does not fit");
    assert_eq!(up(&middle).len(), sent);
}

/// Blocks without an end, and a promise of 4 GB: the client keeps no more than an object can be, and gives up.
#[test]
fn endless_blocks_cost_no_memory() {
    let site = Site::start(&[]);
    let wanted = Mutex::new(0);
    let middle = Middle::start(site.addr(), move |way, message| {
        let mut wanted = wanted.lock().unwrap();
        if way == Direction::Up {
            *wanted = block2(message).unwrap_or(0);
        }
        let handshake = message.number(CONTENT_FORMAT) == Some(HANDSHAKE.into());
        if way == Direction::Up || (handshake && message.code == CHANGED) || message.code == 0 {
            return vec![message.clone()];
        }
        let block = ((*wanted as u32) << 4 | 8 | 6).to_be_bytes();
        let mut endless = Message { code: CONTENT, options: vec![], ..message.clone() }
            .option(ETAG, &[1])
            .option(BLOCK2, &block[1..])
            .option(SIZE2, &[0xFF; 4])
            .body(SEALED, &[0; 1024]);
        endless.options.iter_mut().for_each(|(number, value)| {
            if *number == BLOCK2 {
                value.drain(..value.iter().take_while(|byte| **byte == 0).count());
            }
        });
        vec![endless]
    });
    let mut client = Program::start(&mut site.client(middle.addr(), &["GET", "/index"])).unwrap();
    let mut most = 0;
    let end = Instant::now() + LONG;
    let code = loop {
        if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", client.id())) {
            let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmData:"));
            let kilobytes = kilobytes.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
            most = most.max(kilobytes.unwrap_or(0));
        }
        if let Ok(status) = client.wait(Duration::from_millis(5)) {
            break status.code();
        }
        assert!(Instant::now() < end, "{}", client.stderr());
    };
    assert_eq!((code, client.stdout().contains("2.05\n")), (Some(1), false), "{}", client.stderr());
    let blocks = up(&middle).iter().filter(|message| block2(message).is_some()).count();
    assert!(blocks > 60, "it did fetch: {blocks}");
    assert!((1..16_000u32).contains(&most), "{most} kB of data");
}

/// A NAT gives the device another port again and again: bodies arrive, both ways.
#[test]
fn a_changed_port_breaks_no_transfer() {
    let site = Site::start(&["--quiet"]);
    let relay = Relay::start(RelayConfig::new(site.addr()).delay(Duration::from_millis(5))).unwrap();
    let large = format!("{{\"Data\":[{}]}}", vec![r#"{"timeStamp":1,"value":88}"#; 64].join(","));
    let arguments = ["-n", "4", "GET", "/index?readings=500"];
    let uploads = ["-n", "8", "PUT", "/index", &large];
    for arguments in [&arguments[..], &uploads[..]] {
        let mut client = Program::start(&mut site.client(relay.addr(), arguments)).unwrap();
        let mut ended = client.wait(Duration::from_millis(60));
        while ended.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::TimedOut) {
            relay.rebind();
            ended = client.wait(Duration::from_millis(60));
        }
        assert_eq!(ended.unwrap().code(), Some(0), "{}", client.stderr());
        assert!(!client.stderr().contains("of no use"), "{}", client.stderr());
    }
    assert_eq!(site.stored(88.0), 64);
}

/// RFC 7252 section 6.4: `/` has no segment, and a path that does not begin with a slash is meant to.
#[test]
fn paths_become_options() {
    let site = Site::start(&[]);
    let middle = Middle::start(site.addr(), pass);
    for path in ["/index?readings=2", "index?readings=2"] {
        assert_eq!(readings(&site.good(middle.addr(), &["GET", path])).len(), 2);
        let sent = up(&middle).pop().unwrap();
        let of = |option| -> Vec<Vec<u8>> {
            sent.options
                .iter()
                .filter(|(number, _)| *number == option)
                .map(|(_, value)| value.clone())
                .collect()
        };
        assert_eq!((of(URI_PATH), of(URI_QUERY)), (vec![b"index".to_vec()], vec![b"readings=2".to_vec()]));
    }
    let root = run(&mut site.client(middle.addr(), &["--timeout", "20", "GET", "/"]), LONG).unwrap();
    assert_eq!(root.code, Some(1));
    let sent = up(&middle).pop().unwrap();
    assert!(!sent.options.iter().any(|(number, _)| *number == URI_PATH || *number == URI_QUERY), "{sent:?}");
    assert!(!sent.options.iter().any(|(number, _)| *number == REQUEST_TAG), "one datagram");
}
