//! The client with OSCORE options as carrier: what it sends, and what others may do to it.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lscoap::server::{Env, Server, Slot};
use lscoap_testkit::coap::*;
use lscoap_testkit::process::{Finished, run};
use lscoap_testkit::relay::{Direction, Relay, RelayConfig};
use lscoap_testkit::testing::{Devices, Os};
use serde_json::{Value, json};

use super::middle::{Middle, pass};
use super::site::*;

fn is_oscore(message: &Message) -> bool {
    message.options.iter().any(|(number, _)| *number == OSCORE)
}

/// What has been sealed and sent by the client.
fn sealed(middle: &Middle) -> Vec<Message> {
    let seen = middle.seen().into_iter();
    seen.filter(|(way, message)| *way == Direction::Up && is_oscore(message))
        .map(|(_, message)| message)
        .collect()
}

fn oscore(site: &Site, middle: &Middle, arguments: &[&str]) -> Finished {
    run(&mut site.client(middle.addr(), &[&["--carrier", "oscore"], arguments].concat()), LONG).unwrap()
}

fn good(site: &Site, middle: &Middle, arguments: &[&str]) -> Finished {
    let finished = oscore(site, middle, arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?} {finished:?}");
    finished
}

fn document(count: usize) -> String {
    let many: Vec<Value> = (0..count).map(|n| json!({"timeStamp": 1.0, "value": n})).collect();
    json!({ "Data": many }).to_string()
}

/// Path, query and options are inside; every block is sealed by itself.
#[test]
fn everything_in_oscore_options() {
    let site = Site::start(&["--tick"]);
    if !site.hears_oscore(false) {
        return;
    }
    let middle = Middle::start(site.addr(), pass);
    let printed = good(&site, &middle, &["GET", "/index?readings=3"]).stdout;
    assert_eq!(readings(&printed).len(), 3);
    good(&site, &middle, &["POST", "/index", "61"]);
    assert_eq!(site.stored(61.0), 1);
    let long = document(60);
    good(&site, &middle, &["PUT", "/index", &long]);
    assert_eq!(site.stored(59.0), 1);
    let printed = good(&site, &middle, &["GET", "/index?readings=500"]).stdout;
    assert_eq!(readings(&printed).len(), 500);
    good(&site, &middle, &["DELETE", "/index"]);
    let missing = oscore(&site, &middle, &["GET", "/nowhere"]);
    assert!(missing.code == Some(1) && missing.stdout.contains("4.04\n"), "{missing:?}");
    let observes = site.hears_oscore(true);
    for readings in ["1", "100"].into_iter().filter(|_| observes) {
        let query = format!("/index?readings={readings}");
        let printed = good(&site, &middle, &["--observe", "4", "GET", &query]).stdout;
        assert!(printed.matches("{\"Data\":").count() >= 3, "{printed}");
    }
    for (way, message) in middle.seen() {
        let handshake = message.number(CONTENT_FORMAT) == Some(HANDSHAKE.into());
        assert!(handshake || message.code == 0 || is_oscore(&message), "{way:?} {message:?}");
        if is_oscore(&message) {
            let outside: Vec<u16> = message.options.iter().map(|(number, _)| *number).collect();
            assert!(outside.iter().all(|number| [OBSERVE, OSCORE].contains(number)), "{way:?} {message:?}");
            assert!(message.bytes().len() <= 1152, "{message:?}");
        }
    }
    let log = site.end();
    assert!(
        log.contains("PUT /index from sensor-1: 2.31") && log.contains("PUT /index from sensor-1: 2.04"),
        "{log}"
    );
}

#[test]
fn through_loss() {
    let site = Site::start(&["--quiet"]);
    if !site.hears_oscore(false) {
        return;
    }
    let config = RelayConfig::new(site.addr()).delay(Duration::from_millis(5)).loss(0.1).seed(7);
    let relay = Relay::start(config).unwrap();
    let long = document(60);
    for arguments in [
        &["PUT", "/index", &long][..],
        &["-n", "10", "POST", "/index", "62"],
        &["GET", "/index?readings=300"],
    ] {
        site.good(relay.addr(), &[&["--carrier", "oscore"], arguments].concat());
    }
    assert_eq!((site.stored(62.0), site.stored(59.0)), (10, 1));
}

/// A stored session goes on, and is resumed when the server has forgotten it.
#[test]
fn a_stored_session_is_resumed() {
    let mut site = Site::start(&["--resume-db", "resume.db"]);
    if !site.hears_oscore(false) {
        return;
    }
    let kept = |site: &Site, arguments: &[&str]| {
        site.kept(site.addr(), &[&["--carrier", "oscore"], arguments].concat())
    };
    assert_eq!(ways(&kept(&site, &["GET", "/index"])), ["full handshake"]);
    assert_eq!(ways(&kept(&site, &["GET", "/index"])), ["session stored"]);
    site.kill();
    site.start_again();
    assert_eq!(ways(&kept(&site, &["GET", "/index"])), ["resumed"]);
    // In the other carrier it is the same session.
    assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["session stored"]);
}

/// A refusal in the clear is a hint: the same sealed bytes go out again, and are executed once. Any other answer in the
/// clear counts as none.
#[test]
fn refusals_in_the_clear_are_hints() {
    for code in [BAD_REQUEST, UNAUTHORIZED, BAD_OPTION, NOT_FOUND, UNAVAILABLE, CONTENT, CHANGED] {
        let is_hint = [BAD_REQUEST, UNAUTHORIZED, BAD_OPTION].contains(&code);
        let site = Site::start(&["--quiet"]);
        if !site.hears_oscore(false) {
            return;
        }
        let forged = AtomicUsize::new(0);
        let middle = Middle::start(site.addr(), move |way, message| {
            let first =
                way == Direction::Down && is_oscore(message) && forged.fetch_add(1, Ordering::Relaxed) == 0;
            let forgery = Message { code, options: vec![], payload: vec![], ..message.clone() };
            match (first, is_hint) {
                (true, true) => vec![forgery], // in the place of the answer
                (true, false) => vec![Message { kind: NON, id: 0x7777, ..forgery }, message.clone()],
                _ => vec![message.clone()],
            }
        });
        good(&site, &middle, &["POST", "/index", "63"]);
        assert_eq!(site.stored(63.0), 1, "{code:#x}");
        let sent = sealed(&middle);
        assert_eq!(sent.len(), 1 + usize::from(is_hint), "{code:#x}");
        assert!(sent.iter().all(|message| message.payload == sent[0].payload));
    }
}

/// Refused again and again, in every session: a POST is not executed in another one.
#[test]
fn a_post_that_is_refused_twice_is_uncertain() {
    let site = Site::start(&["--quiet"]);
    if !site.hears_oscore(false) {
        return;
    }
    let forged = AtomicUsize::new(0);
    let middle = Middle::start(site.addr(), move |way, message| {
        let now = way == Direction::Down && is_oscore(message) && forged.fetch_add(1, Ordering::Relaxed) < 2;
        vec![if now {
            Message { code: UNAUTHORIZED, options: vec![], payload: vec![], ..message.clone() }
        } else {
            message.clone()
        }]
    });
    let refused = oscore(&site, &middle, &["POST", "/index", "64"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("may have been executed"), "{refused:?}");
    assert_eq!(site.stored(64.0), 1);
}

/// A server made of the Rust library, which wants to see an Echo (RFC 9175) before it answers: `wants` times.
fn serve_with_echo(site: &Site, socket: UdpSocket, wants: usize) -> JoinHandle<Vec<Option<Vec<u8>>>> {
    const ECHO: u16 = 252;
    let mut server: Server = Server::new(&site.enrolment.server.private).unwrap();
    let key = (DEVICE.as_bytes().to_vec(), site.enrolment.device.public);
    let mut devices = Devices { keys: BTreeMap::from([key]), ..Devices::default() };
    let mut slots = [Slot::default(), Slot::default()];
    thread::spawn(move || {
        let mut echoes = Vec::new();
        let mut buffer = [0; 2048];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let request = Message::parse(&buffer[..len]).unwrap();
            let mut env =
                Env { platform: &mut Os, directory: &mut devices, peer: b"p", source: b"", now_ms: 0 };
            let answer = if is_oscore(&request) {
                let opened = server.unprotect_request(&mut slots, &mut env, &mut buffer, len).unwrap();
                let inner = Message::parse(&buffer[..opened.len]).unwrap();
                let echo = inner.options.iter().find(|(number, _)| *number == ECHO);
                echoes.push(echo.map(|(_, value)| value.clone()));
                let mut answer = Message { kind: ACK, options: vec![], payload: vec![], ..inner };
                if echoes.len() <= wants {
                    answer.code = UNAUTHORIZED;
                    answer = answer.option(ECHO, &[0, echoes.len() as u8]);
                } else {
                    answer.code = CHANGED;
                }
                let bytes = answer.bytes();
                buffer[..bytes.len()].copy_from_slice(&bytes);
                let session = slots[opened.slot].session_mut().unwrap();
                let len = session.protect_response(&opened.exchange, &mut buffer, bytes.len()).unwrap();
                buffer[..len].to_vec()
            } else {
                let mut out = lscoap::Message::new();
                server.step(&mut slots, &mut env, &request.payload, &mut out).unwrap();
                let answer = Message { kind: ACK, code: CHANGED, options: vec![], ..request };
                answer.body(HANDSHAKE, &out).bytes()
            };
            socket.send_to(&answer, from).unwrap();
        }
        echoes
    })
}

/// An Echo is answered, once; then the refusal is what the server says.
#[test]
fn an_echo_is_answered_once() {
    for wants in [0, 1, 2] {
        let site = Site::start(&["--quiet"]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let to = socket.local_addr().unwrap();
        let serving = serve_with_echo(&site, socket, wants);
        let arguments = ["--carrier", "oscore", "--profile", "express", "POST", "/index", "65"];
        let finished = run(&mut site.client(to, &arguments), LONG).unwrap();
        let code = if wants < 2 { "2.04" } else { "4.01" };
        assert!(finished.stdout.contains(code), "{wants} {finished:?}");
        let echoes = serving.join().unwrap();
        assert_eq!(echoes, [None, Some(vec![0, 1])][..=wants.min(1)], "{wants}");
    }
}
