//! What anybody can send to a client: it changes nothing when it is guessed, and is a hint when its token is right.

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use lscoap_testkit::process::{Finished, Program, run};
use lscoap_testkit::relay::Direction;

use super::coap::*;
use super::middle::{Middle, pass};
use super::site::*;

const RST: u8 = 3;

fn up(middle: &Middle) -> Vec<Message> {
    let seen = middle.seen().into_iter();
    seen.filter(|(way, message)| *way == Direction::Up && message.code != 0)
        .map(|(_, message)| message)
        .collect()
}

/// What has been sealed and sent.
fn sealed(middle: &Middle) -> Vec<Message> {
    up(middle).into_iter().filter(Message::is_sealed).collect()
}

fn alert(answer: &Message, alert: u8) -> Message {
    let code = if matches!(alert, 2 | 3) { BAD_REQUEST } else { UNAUTHORIZED };
    Message { code, options: vec![], ..answer.clone() }.body(HANDSHAKE, &[0x1F, alert])
}

/// A middle that changes the first `times` sealed answers.
fn forging(site: &Site, times: usize, forge: impl Fn(&Message) -> Message + Send + 'static) -> Middle {
    let forged = AtomicUsize::new(0);
    Middle::start(site.addr(), move |way, message| {
        let now =
            way == Direction::Down && message.is_sealed() && forged.fetch_add(1, Ordering::Relaxed) < times;
        vec![if now { forge(message) } else { message.clone() }]
    })
}

fn kept(site: &Site, middle: &Middle, arguments: &[&str]) -> Finished {
    run(&mut site.client(middle.addr(), &[&["--resume", "session"], arguments].concat()), LONG).unwrap()
}

/// Each message has a token of its own that nobody guesses: of handshakes, requests and blocks, in each run.
#[test]
fn tokens_are_random() {
    let site = Site::start(&["--tick"]);
    let mut tokens = HashSet::new();
    let mut messages = 0;
    for _ in 0..2 {
        let middle = Middle::start(site.addr(), pass);
        site.good(middle.addr(), &["-n", "3", "GET", "/index?readings=200"]);
        site.good(middle.addr(), &["--observe", "1", "GET", "/index?readings=100"]);
        let sent = up(&middle);
        assert!(sent.iter().all(|message| message.token.len() >= 4), "{sent:?}");
        let ids: HashSet<u16> = sent.iter().map(|message| message.id).collect();
        messages += ids.len(); // without what was sent again
        tokens.extend(sent.into_iter().map(|message| message.token));
    }
    assert!(messages > 40, "{messages}");
    assert_eq!(tokens.len(), messages);
    // Nor do they count: of a counter's, all but a few would begin alike.
    let beginnings: HashSet<&[u8]> = tokens.iter().map(|token| &token[..2]).collect();
    assert!(beginnings.len() > messages / 2, "{beginnings:?}");
}

/// What one can send who hits the port and guesses a token.
#[test]
fn guessed_answers_change_nothing() {
    let site = Site::start(&[]);
    let middle = Middle::start(site.addr(), |way, message| {
        let mut all = vec![];
        if way == Direction::Down {
            for guess in (1..=8).map(|number| vec![number]).chain([
                vec![],
                vec![0, 0, 0, 1],
                vec![0, 0, 0, 0, 0, 0, 0, 1],
            ]) {
                for kind in [NON, ACK] {
                    let forged = Message { kind, id: 0x1234, token: guess.clone(), ..Message::default() };
                    let m2 = [&[0x12, 0x20, 7][..], &[0x6B; 32]].concat();
                    all.push(Message { code: UNAUTHORIZED, ..forged.clone() }.body(HANDSHAKE, &[0x1F, 1]));
                    all.push(Message { code: CHANGED, ..forged.clone() }.body(HANDSHAKE, &m2));
                    all.push(Message { code: UNAUTHORIZED, ..forged.clone() }.body(HANDSHAKE, &[0x1F, 5]));
                    all.push(Message { code: 0x84, ..forged.clone() });
                    all.push(Message { code: CONTENT, ..forged }.body(SEALED, &[0; 40]));
                }
            }
        }
        all.push(message.clone());
        all
    });
    for profile in PROFILES {
        let printed = site.good(middle.addr(), &["--profile", profile, "POST", "/index", "81"]);
        assert!(!printed.contains("ALERT"), "{printed}");
        assert_eq!(printed.matches("authenticated!").count(), 1);
    }
    for _ in 0..2 {
        let finished = kept(&site, &middle, &["POST", "/index", "81"]);
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    assert_eq!(site.stored(81.0), 4);
    let payloads: Vec<Vec<u8>> = sealed(&middle).into_iter().map(|message| message.payload).collect();
    assert_eq!(payloads.len(), 4, "each once");
}

/// Sixteen bits are guessed soon: a Reset, an empty acknowledgement and other things with the right message id in place of
/// an answer delay it until half of the time is over.
#[test]
fn what_matches_by_its_message_id_is_a_hint() {
    type Forge = fn(&Message) -> Message;
    let forgeries: [Forge; 4] = [
        |answer| Message { kind: RST, id: answer.id, ..Message::default() },
        |answer| Message { kind: ACK, id: answer.id, ..Message::default() },
        |answer| Message { kind: ACK, id: answer.id, code: 0x84, token: vec![1], ..Message::default() },
        |answer| Message { kind: NON, id: answer.id, code: 0x84, token: vec![1], ..Message::default() },
    ];
    let site = Site::start(&[]);
    for (number, forge) in forgeries.into_iter().enumerate() {
        // Of each message of the handshake, and of the request: the first answer.
        let answered = std::sync::Mutex::new(HashSet::new());
        let middle = Middle::start(site.addr(), move |way, message| {
            let first =
                way == Direction::Down && answered.lock().unwrap().insert(message.payload.first().copied());
            vec![if first { forge(message) } else { message.clone() }]
        });
        let value = (90 + number).to_string();
        site.good(middle.addr(), &["--timeout", "4", "POST", "/index", &value]);
        assert_eq!(site.stored(90.0 + number as f64), 1);
        let requests = sealed(&middle);
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0].payload, requests[1].payload, "never sealed anew");
        assert_eq!(requests[0].token, requests[1].token);
        assert_ne!(requests[0].id, requests[1].id);
    }
    // Nothing else comes: the reset is what is said in the end.
    for (forge, why) in [(forgeries[0], "cannot be reached"), (forgeries[1], "no answer")] {
        let middle = Middle::start(site.addr(), move |way, message| {
            vec![if way == Direction::Down { forge(message) } else { message.clone() }]
        });
        site.refused(&mut site.client(middle.addr(), &["--timeout", "2", "GET", "/index"]), why);
        assert_eq!(up(&middle).len(), 2);
    }
}

/// One refusal, whatever it says: the same sealed bytes again under a new token and message id, and it is done once.
#[test]
fn a_refusal_is_a_hint() {
    type Forge = fn(&Message) -> Message;
    let forgeries: [Forge; 8] = [
        |answer| alert(answer, 1),
        |answer| alert(answer, 2),
        |answer| alert(answer, 3),
        |answer| alert(answer, 5),
        |answer| Message { code: 0x84, options: vec![], payload: vec![], ..answer.clone() },
        |answer| Message { code: BAD_REQUEST, options: vec![], payload: vec![], ..answer.clone() },
        |answer| Message { options: vec![], payload: b"2.04 in the clear".to_vec(), ..answer.clone() },
        |answer| Message { payload: vec![0; answer.payload.len()], ..answer.clone() },
    ];
    let site = Site::start(&[]);
    site.kept(site.addr(), &["GET", "/index"]);
    for forge in forgeries {
        let middle = forging(&site, 1, forge);
        let finished = kept(&site, &middle, &["POST", "/index", "82"]);
        assert_eq!((finished.code, ways(&finished)), (Some(0), vec!["session stored"]), "{finished:?}");
        let requests = sealed(&middle);
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0].payload, requests[1].payload);
        assert_ne!(requests[0].token, requests[1].token);
        assert_ne!(requests[0].id, requests[1].id);
    }
    assert_eq!(site.stored(82.0), 8);
}

/// A refusal that the network repeats is one refusal.
#[test]
fn a_repeated_refusal_is_one() {
    let site = Site::start(&[]);
    site.kept(site.addr(), &["GET", "/index"]);
    let forged = AtomicUsize::new(0);
    let middle = Middle::start(site.addr(), move |way, message| {
        if way == Direction::Up || !message.is_sealed() || forged.fetch_add(1, Ordering::Relaxed) > 0 {
            return vec![message.clone()];
        }
        let refusal = |id| Message { kind: NON, id, ..alert(message, 5) };
        vec![refusal(1), refusal(2), refusal(3)]
    });
    let finished = kept(&site, &middle, &["POST", "/index", "80"]);
    assert_eq!((finished.code, ways(&finished)), (Some(0), vec!["session stored"]), "{finished:?}");
    assert_eq!((site.stored(80.0), sealed(&middle).len()), (1, 2));
}

/// Two refusals: the session is resumed. What may be executed twice is sent again in the new one; for anything else the
/// client says that it does not know, and the next request finds a session that is good.
#[test]
fn two_refusals_lead_to_a_resumption() {
    let site = Site::start(&[]);
    site.kept(site.addr(), &["GET", "/index"]);
    let document = r#"{"Data":[{"timeStamp":1,"value":83}]}"#;
    for (arguments, code, stored) in [
        (&["GET", "/index"][..], Some(0), 0),
        (&["PUT", "/index", document], Some(0), 1),
        (&["POST", "/index", "83"], Some(1), 2),
        (&["--at-least-once", "POST", "/index", "83"], Some(0), 4),
        (&["DELETE", "/index"], Some(0), 0),
    ] {
        let middle = forging(&site, 2, |answer| alert(answer, 5));
        let finished = kept(&site, &middle, arguments);
        assert_eq!((finished.code, ways(&finished)), (code, vec!["resumed"]), "{arguments:?} {finished:?}");
        assert_eq!(finished.stderr.contains("may have been executed"), code == Some(1), "{finished:?}");
        assert_eq!(site.stored(83.0), stored, "{arguments:?}");
        let requests = sealed(&middle);
        assert_eq!(requests[0].payload, requests[1].payload);
        assert_eq!(requests.len(), 3, "two of the old session, one of the new");
        assert_eq!(ways(&site.kept(site.addr(), &["GET", "/index"])), ["session stored"]);
    }
    // PATCH likewise: the server has no handler for it, which only an answer that opens says.
    let middle = forging(&site, 2, |answer| alert(answer, 2));
    let finished = kept(&site, &middle, &["PATCH", "/index", "1"]);
    assert!(finished.stderr.contains("may have been executed"), "{finished:?}");
    assert!(!finished.stdout.contains("4.05\n"));
}

/// The resumption is refused as well: a full handshake. It keeps the old session until then, and there are at most three
/// rounds.
#[test]
fn refusals_end_after_three_rounds() {
    let site = Site::start(&[]);
    let rounds = |resumable: bool| {
        let middle = Middle::start(site.addr(), move |way, message| {
            let resumption = message.payload.first() == Some(&0x18);
            let refused = way == Direction::Down && (message.is_sealed() || (resumption && !resumable));
            vec![if refused { alert(message, 5) } else { message.clone() }]
        });
        let before = std::fs::read(site.session_file()).unwrap();
        let finished = kept(&site, &middle, &["GET", "/index"]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains("no such session"), "{finished:?}");
        let mut payloads: Vec<Vec<u8>> = sealed(&middle).into_iter().map(|message| message.payload).collect();
        assert_eq!(payloads.len(), 6);
        payloads.dedup();
        assert_eq!(payloads.len(), 3);
        let after = std::fs::read(site.session_file()).unwrap();
        assert_eq!(after[..64], before[..64], "the same session, though another number");
        finished
    };
    site.kept(site.addr(), &["GET", "/index"]);
    // The server has heard the new session, which the client did not hear, and has no older one to resume.
    assert_eq!(ways(&rounds(true)), ["resumed", "full handshake"]);
    assert_eq!(ways(&rounds(false)), ["full handshake", "full handshake"]);
    site.kept(site.addr(), &["GET", "/index"]);
}

/// Later, as the server asks, and from the first block: 5.03 with Max-Age, 4.08. It is done once.
#[test]
fn a_busy_server_is_asked_again() {
    let site = Site::start(&[]);
    let large = format!("{{\"Data\":[{}]}}", vec![r#"{"timeStamp":1,"value":84}"#; 60].join(","));
    let refusals = AtomicUsize::new(0);
    let middle = Middle::start(site.addr(), move |way, message| {
        let mut message = message.clone();
        if way == Direction::Down && message.code == CONTINUE {
            match refusals.fetch_add(1, Ordering::Relaxed) {
                0 => {
                    message = Message { code: 0xA3, options: vec![(14, vec![1])], payload: vec![], ..message }
                }
                2 => message = Message { code: INCOMPLETE, options: vec![], payload: vec![], ..message },
                _ => {}
            }
        }
        vec![message]
    });
    site.good(middle.addr(), &["PUT", "/index", &large]);
    site.good(middle.addr(), &["PUT", "/index", &large]);
    assert_eq!(site.stored(84.0), 60);
    let blocks: Vec<Message> = sealed(&middle);
    let numbers: Vec<u64> = blocks.iter().map(|block| block.number(BLOCK1).unwrap() >> 4).collect();
    assert_eq!(numbers, [0, 0, 1, 0, 0, 1]);
    let tag = |block: &Message| block.options.iter().find(|(number, _)| *number == 292).unwrap().1.clone();
    let tags: HashSet<Vec<u8>> = blocks.iter().map(tag).collect();
    assert_eq!(tags.len(), 2, "one for each request");
    assert!(tags.iter().all(|tag| tag.len() == 8));
    assert_eq!(site.end().matches("PUT /index from sensor-1: 2.04").count(), 2);
}

/// A program of the tests that calls the adapter's client as no command line does.
fn probe(site: &Site, mode: &str, to: SocketAddr) -> Command {
    let mut command = program("adapter_probe");
    command.arg(mode).arg(site.enrolment.device_key()).arg(DEVICE);
    command.arg(site.enrolment.server.server_string()).arg(to.port().to_string());
    command
}

/// One exchange at a time: whatever is called from a handler meanwhile fails, and changes nothing of the one that is
/// under way.
#[test]
fn calls_do_not_overlap() {
    let site = Site::start(&[]);
    let finished = run(&mut probe(&site, "nested", site.addr()), LONG).unwrap();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let state = |what| format!("nested {what}: -4 0.00\n");
    let nested: String =
        ["request", "observe", "cancel", "connect", "resume", "renew", "restore"].map(state).concat();
    assert_eq!(
        finished.stdout,
        format!("connect: 0 0.00\nobserve: 0 2.05\n{nested}post: 0 2.04\nget: 0 2.05\n"),
        "{}",
        finished.stderr
    );
}

/// What cannot be sent leaves nothing behind: the next call is as good as ever.
#[test]
fn what_cannot_be_sent_leaves_nothing_behind() {
    let site = Site::start(&[]);
    let finished = run(&mut probe(&site, "unsent", site.addr()), LONG).unwrap();
    assert_eq!(finished.stdout, "connect: -105 0.00\nconnect: 0 0.00\nget: -105 0.00\nget: 0 2.05\n");
    assert_eq!(site.end().matches("GET /index").count(), 1);
}

/// The answer to a registration is lost, and the client gives up: what the server notifies then is rejected, so that it
/// ends.
#[test]
fn an_observation_that_nobody_waits_for_ends() {
    let site = Site::start(&[]);
    let middle = Middle::start(site.addr(), |way, message| {
        let lost = way == Direction::Down && message.kind == ACK && message.is_sealed();
        if lost { vec![] } else { vec![message.clone()] }
    });
    let mut client = Program::start_with_input(&mut probe(&site, "orphan", middle.addr())).unwrap();
    assert!(client.wait_for_text("observe: -101", LONG), "{}", client.stdout());
    for round in 1..=2 {
        run(&mut site.other_client(site.addr(), &["POST", "/index", "62"]), LONG).unwrap();
        client.say("").unwrap();
        assert!(client.wait_for_count("notifications: 0", round, LONG), "{}", client.stdout());
    }
    let resets =
        middle.seen().into_iter().filter(|(way, message)| *way == Direction::Up && message.kind == RST);
    assert_eq!(resets.count(), 1);
    assert_eq!(site.end().matches("sensor-1 notified").count(), 1);
}

/// No alert answers an alert, of whatever length, and nothing else happens.
#[test]
fn nothing_answers_an_alert() {
    let site = Site::start(&[]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(site.addr()).unwrap();
    for len in [1, 2, 3, 97, 98, 99, 100, 300, 1000] {
        let mut payload = vec![0; len];
        payload[0] = 0x1F;
        let request = Message::request(POST, HANDSHAKE_PATH, len as u16).body(HANDSHAKE, &payload);
        socket.send(&request.bytes()).unwrap();
    }
    site.good(site.addr(), &["GET", "/index"]);
    // What has come by now, if anything: an acknowledgement at most.
    socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 2048];
    while let Ok(len) = socket.recv(&mut buffer) {
        let answer = Message::parse(&buffer[..len]).unwrap();
        assert!(answer.payload.is_empty(), "{answer:?}");
    }
}
