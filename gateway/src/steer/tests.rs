//! The programs, run here as the kernel runs them and in the kernel itself, over messages that the library makes.

use super::kind::{Kind, kind};
use crate::sys::{self, Instruction};
use lscoap::Status;
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::coap::Carrier;
use lscoap::server::{Env, Server, Slot};
use lscoap::session::Session;
use lscoap_testkit::coap::*;
use lscoap_testkit::testing::{Devices, Os, public_key};
use std::net::{SocketAddr, UdpSocket};

const NODE: &[u8] = &[0xa7];
const WORKERS: u8 = 5;
/// The worker that made the sessions.
const OWNER: u8 = 3;

/// What the kernel gives to a program: a packet, and where the program's view of it begins.
struct Packet {
    bytes: Vec<u8>,
    at: usize,
}

/// A datagram behind its headers, for the program that steers.
fn packet(from: SocketAddr, datagram: &[u8]) -> Packet {
    let mut bytes = match from {
        SocketAddr::V4(from) => [&[0x45; 12][..], &from.ip().octets(), &[127, 0, 0, 1]].concat(),
        SocketAddr::V6(from) => [&[0x60; 8][..], &from.ip().octets(), &[0; 16]].concat(),
    };
    bytes.extend(from.port().to_be_bytes());
    bytes.extend([0; 6]);
    let at = bytes.len();
    bytes.extend(datagram);
    Packet { bytes, at }
}

/// Runs a program. What it must not do, the test is told of by a panic.
fn run(program: &[Instruction], packet: &Packet) -> u32 {
    let load = |size: u32, at: u32| -> Option<u32> {
        let from = match at {
            0xfff0_0000.. => (at - 0xfff0_0000) as usize,
            _ => packet.at.checked_add(at as usize)?,
        };
        let bytes = packet.bytes.get(from..from.checked_add([4, 2, 1][size as usize >> 3])?)?;
        Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [None::<u32>; 16], 0);
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let code = u32::from(code);
        let operand = if code & libc::BPF_X != 0 { x } else { k };
        match code & 0x07 {
            libc::BPF_LD => match code & 0xe0 {
                libc::BPF_IMM => a = k,
                libc::BPF_MEM => a = memory[k as usize].expect("a word that was kept"),
                libc::BPF_LEN => a = (packet.bytes.len() - packet.at) as u32,
                mode => {
                    let place = if mode == libc::BPF_IND { x.wrapping_add(k) } else { k };
                    assert!(mode == libc::BPF_IND || mode == libc::BPF_ABS);
                    assert!(mode == libc::BPF_ABS || place < 0x8000_0000, "an index that grew");
                    let Some(word) = load(code & 0x18, place) else { return 0 };
                    a = word;
                }
            },
            libc::BPF_LDX if code & 0xe0 == libc::BPF_IMM => x = k,
            libc::BPF_LDX if code & 0xe0 == libc::BPF_MEM => {
                x = memory[k as usize].expect("a word that was kept")
            }
            libc::BPF_ST => memory[k as usize] = Some(a),
            libc::BPF_ALU => {
                a = match code & 0xf0 {
                    libc::BPF_ADD => a.wrapping_add(operand),
                    libc::BPF_SUB => a.wrapping_sub(operand),
                    libc::BPF_MUL => a.wrapping_mul(operand),
                    libc::BPF_AND => a & operand,
                    libc::BPF_RSH => a >> operand,
                    libc::BPF_XOR => a ^ operand,
                    libc::BPF_MOD => a % operand,
                    other => panic!("{other:#x}"),
                }
            }
            libc::BPF_JMP if code & 0xf0 == libc::BPF_JA => at += k as usize,
            libc::BPF_JMP => {
                let yes = match code & 0xf0 {
                    libc::BPF_JEQ => a == operand,
                    libc::BPF_JGT => a > operand,
                    libc::BPF_JSET => a & operand != 0,
                    other => panic!("{other:#x}"),
                };
                at += usize::from(if yes { jt } else { jf });
            }
            libc::BPF_MISC if code & 0xf8 == libc::BPF_TAX => x = a,
            libc::BPF_MISC => a = x,
            libc::BPF_RET => return if code & 0x18 == libc::BPF_A { a } else { k },
            other => panic!("{other:#x}"),
        }
    }
}

/// A worker and a device: every message that the device sends to it.
struct Conversation {
    server: Server,
    slots: Vec<Slot>,
    devices: Devices,
    next_id: u16,
}

const SERVER: [u8; 32] = [9; 32];
const DEVICE: [u8; 32] = [7; 32];

impl Conversation {
    fn new() -> Self {
        let mut server = Server::new(&SERVER).unwrap();
        let slots = (0..32).map(|_| Slot::default()).collect::<Vec<_>>();
        server.set_cids(0, &[NODE, &[OWNER]].concat(), slots.len()).unwrap();
        server.set_retry_rate(u32::MAX);
        let devices = Devices::one(b"device", public_key::<lscoap::crypto::Software>(&DEVICE)).stored();
        Self { server, slots, devices, next_id: 0 }
    }

    /// A handshake: its messages, and the session.
    fn connect(&mut self, client: &mut Client) -> (Vec<Vec<u8>>, Session) {
        let (mut message, mut answer) = (lscoap::Message::new(), lscoap::Message::new());
        let mut messages = Vec::new();
        while client.step(&mut Os, (!answer.is_empty()).then_some(&answer), &mut message).unwrap()
            == Status::Send
        {
            messages.push(message.to_vec());
            let mut env = Env {
                platform: &mut Os,
                directory: &mut self.devices,
                peer: b"peer",
                source: b"",
                now_ms: 0,
            };
            answer.clear();
            self.server.step(&mut self.slots, &mut env, &message, &mut answer).unwrap();
        }
        (messages, client.finish().unwrap())
    }

    fn handshake(&mut self, message: &[u8], token: usize) -> Vec<u8> {
        self.next_id += 1;
        let mut request = Message::request(POST, HANDSHAKE_PATH, self.next_id).body(HANDSHAKE, message);
        request.token = vec![0xee; token];
        request.bytes()
    }

    fn sealed(&mut self, session: &mut Session, carrier: Carrier, request: Message) -> Vec<u8> {
        let mut buffer = request.bytes();
        let len = buffer.len();
        buffer.resize(len + 64, 0);
        let (len, _) = session.protect_request(carrier, &mut buffer, len).unwrap();
        buffer.truncate(len);
        buffer
    }
}

fn client(profile: Profile) -> Client {
    let server = public_key::<lscoap::crypto::Software>(&SERVER);
    Client::new(&ClientConfig::new(b"device", &DEVICE, &server, profile)).unwrap()
}

/// A message, and what it is.
type Named = (&'static str, Vec<u8>);

/// Messages of a device by name: those that belong to a session of [`OWNER`]'s, and those that open a handshake.
fn messages() -> (Vec<Named>, Vec<Named>) {
    let mut talk = Conversation::new();
    let mut client_signed = client(Profile::Signed);
    let (signed, mut session) = talk.connect(&mut client_signed);
    let (express, _) = talk.connect(&mut client(Profile::Express));
    let get = Message::request(GET, "a/rather/long/path/of/segments", 7).option(URI_QUERY, &[b'q'; 60]);
    let upload = Message::request(PUT, "index", 8).body(0, &[3; 500]);
    let observe = Message::request(GET, "index", 9).option(OBSERVE, &[]).option(REQUEST_TAG, &[5; 2]);
    let mut mine = Vec::new();
    for (name, carrier) in [("OSCORE", Carrier::Oscore), ("payload", Carrier::Payload)] {
        for request in [&get, &upload, &observe] {
            mine.push((name, talk.sealed(&mut session, carrier, request.clone())));
        }
    }
    // Sequence numbers of more bytes than one.
    for _ in 0..300 {
        talk.sealed(&mut session, Carrier::Oscore, get.clone());
    }
    mine.push(("OSCORE, long number", talk.sealed(&mut session, Carrier::Oscore, get.clone())));
    mine.push(("payload, long number", talk.sealed(&mut session, Carrier::Payload, get.clone())));
    // Confirmed above all in the server, so that it resumes.
    let mut first = mine[0].1.clone();
    let len = first.len();
    let mut env =
        Env { platform: &mut Os, directory: &mut talk.devices, peer: b"peer", source: b"", now_ms: 1 };
    talk.server.unprotect_request(&mut talk.slots, &mut env, &mut first, len).unwrap();
    client_signed.resume(&session).unwrap();
    let (resumed, _) = talk.connect(&mut client_signed);

    let retried = |message: &Vec<u8>| [&[0x1a][..], &[0x17; 16], message].concat();
    let mut opens = Vec::new();
    for token in [0, 4, 8, 12] {
        mine.push(("M3", talk.handshake(&signed[1], token)));
        mine.push(("R1", talk.handshake(&resumed[0], token)));
        mine.push(("R1 retried", talk.handshake(&retried(&resumed[0]), token)));
        for (name, message) in [("M1", &signed[0]), ("X1", &express[0])] {
            opens.push((name, talk.handshake(message, token)));
            opens.push((name, talk.handshake(&retried(message), token)));
        }
    }
    (mine, opens)
}

fn addresses() -> Vec<SocketAddr> {
    let v4 = (1..40_u16).map(|n| SocketAddr::from(([10, 0, n as u8, 1], 5000 + n)));
    let v6 = (1..40_u16).map(|n| SocketAddr::from(([0xfd00, n, 0, 0, 0, 0, 0, 1], 5000 + n)));
    v4.chain(v6).collect()
}

#[test]
fn messages_of_a_session_come_to_its_worker_from_any_address() {
    let program = super::workers(NODE, WORKERS);
    assert!(program.len() <= 4096, "{} instructions", program.len());
    let (mine, _) = messages();
    for (name, message) in &mine {
        for from in addresses() {
            assert_eq!(
                run(&program, &packet(from, message)),
                u32::from(OWNER),
                "{name} {from} {message:02x?}"
            );
        }
        assert!(
            matches!(kind(message), Kind::Known { cid } if cid.starts_with(&[NODE, &[OWNER]].concat())),
            "{name}"
        );
    }
}

/// Each sender has a worker, all workers have senders; another node's ids and other nodes' sessions are like that too.
#[test]
fn what_opens_goes_by_address() {
    let (mine, opens) = messages();
    let program = super::workers(NODE, WORKERS);
    let elsewhere = super::workers(&[NODE[0] ^ 1], WORKERS);
    let cases = opens
        .iter()
        .map(|message| (&program, message))
        .chain(mine.iter().map(|message| (&elsewhere, message)));
    for (program, (name, message)) in cases {
        let by_address = |from| run(program, &packet(from, message));
        let mut counts = [0; WORKERS as usize];
        addresses().into_iter().for_each(|from| counts[by_address(from) as usize] += 1);
        assert!(counts.iter().all(|count| *count > 4), "{name} {counts:?}");
        let first = &opens[0].1;
        assert!(
            addresses().into_iter().all(|from| by_address(from) == run(program, &packet(from, first))),
            "{name}"
        );
    }
    assert_eq!(opens.iter().filter(|(_, message)| kind(message) == Kind::Opens).count(), 8);
    assert_eq!(opens.iter().filter(|(_, message)| kind(message) == Kind::Retried).count(), 8);
}

#[test]
fn empty_messages_go_by_message_id() {
    let program = super::workers(NODE, WORKERS);
    for (first, id) in [(0x60, 0), (0x70, 8), (0x60, 65_534), (0x40, 11)] {
        let [high, low] = u16::to_be_bytes(id);
        for from in addresses() {
            assert_eq!(
                run(&program, &packet(from, &[first, 0, high, low])),
                u32::from(id) % u32::from(WORKERS)
            );
        }
    }
}

/// All blocks of a transfer, whatever they contain and wherever they come from.
#[test]
fn blocks_go_by_request_tag() {
    let program = super::workers(NODE, WORKERS);
    let mut counts = [0; WORKERS as usize];
    for n in 0..50_u8 {
        let tag = [n, 1, 2, 3, 4, 5, 6, 7];
        let block = |block1: u8, payload: &[u8]| {
            Message::request(POST, "index", 1)
                .option(BLOCK1, &[block1])
                .option(REQUEST_TAG, &tag)
                .body(SEALED, payload)
                .bytes()
        };
        let next =
            Message::request(POST, "index", 1).option(BLOCK2, &[0x16]).option(REQUEST_TAG, &tag).bytes();
        let messages = [block(0x0e, &[0x09, 5, NODE[0], OWNER, 1]), block(0x1e, &[0x13, 0x17, 5]), next];
        let worker = run(&program, &packet(addresses()[0], &messages[0]));
        counts[worker as usize] += 1;
        for (message, from) in
            messages.iter().flat_map(|message| addresses().into_iter().map(move |from| (message, from)))
        {
            assert_eq!(run(&program, &packet(from, message)), worker);
        }
        let [first, second, next] = messages.each_ref().map(|message| kind(message));
        assert_eq!(first, Kind::Block { tag: Some(&tag), cid: Some(&[NODE[0], OWNER, 1]) });
        assert_eq!([second, next], [Kind::Block { tag: Some(&tag), cid: None }; 2]);
    }
    assert!(counts.iter().all(|count| *count > 2), "{counts:?}");
}

/// Of what is cut off, or no message at all, nothing comes but a worker's number.
#[test]
fn hostile_bytes_go_somewhere() {
    let (mine, opens) = messages();
    for workers in [1, 2, WORKERS, 255] {
        for node in [&[][..], NODE, &[NODE[0], OWNER, 0, 0, 0]] {
            let program = super::workers(node, workers);
            for (name, message) in mine.iter().chain(&opens) {
                for len in 0..message.len() {
                    let cut = &message[..len];
                    let _ = kind(cut);
                    assert!(run(&program, &packet(addresses()[0], cut)) < workers.into(), "{name} {len}");
                }
                for at in 0..message.len().min(60) {
                    for byte in [0x00, 0x0d, 0xd0, 0xdd, 0x0e, 0xe0, 0xee, 0xf0, 0x0f, 0xff, 0x1a] {
                        let mut bent = message.clone();
                        bent[at] = byte;
                        let _ = kind(&bent);
                        assert!(
                            run(&program, &packet(addresses()[50], &bent)) < workers.into(),
                            "{name} {at}"
                        );
                    }
                }
            }
        }
    }
}

/// What the filter sees: a UDP header in front.
fn passes(filter: &[Instruction], datagram: &[u8]) -> bool {
    run(filter, &Packet { bytes: [&[0; 8], datagram].concat(), at: 0 }) != 0
}

#[test]
fn what_cannot_be_for_us_is_dropped() {
    let filter = super::early();
    let (mine, opens) = messages();
    for (name, message) in mine.iter().chain(&opens) {
        assert!(passes(&filter, message), "{name}");
        for bent in [0x00, 0x80, 0xc0, 0x60, 0x70, 0x4f].map(|first| [&[first], &message[1..]].concat()) {
            assert!(!passes(&filter, &bent), "{name}");
        }
        for code in [0x20, 0x45, 0x81, 0xe1] {
            assert!(!passes(&filter, &[&[0x48, code], &message[2..]].concat()), "{name}"); // confirmable
        }
    }
    let mut talk = Conversation::new();
    for first in 0..=255 {
        let expected = [0x11, 0x13, 0x15, 0x17, 0x1a].contains(&first);
        assert_eq!(passes(&filter, &talk.handshake(&[first, 2, 3], 8)), expected, "{first:#x}");
    }
    assert!(
        [&[0x40, 0, 0, 1][..], &[0x60, 0, 0, 1], &[0x70, 0, 0, 1]].iter().all(|empty| passes(&filter, empty))
    );
    assert!(
        [&[][..], &[0x40], &[0x40, 0, 0], &[0x40, 0, 0, 1, 2]].iter().all(|bytes| !passes(&filter, bytes))
    );
    assert!(passes(&filter, b"\x54\x45\x00\x01toke\xffanswer of a member")); // NON
    assert!(passes(&filter, &Message::request(GET, "x", 1).bytes())); // shorter than a handshake
}

/// The kernel does as the interpreter: sockets are chosen by the number in which they were bound.
#[test]
fn the_kernel_steers_so() {
    let (mine, opens) = messages();
    for wildcard in ["0.0.0.0:0", "[::]:0"] {
        let first = sys::bind(wildcard.parse().unwrap(), true).unwrap();
        let here = first.local_addr().unwrap();
        let mut sockets = vec![first];
        sockets.extend((1..WORKERS).map(|_| sys::bind(here, true).unwrap()));
        let program = super::workers(NODE, WORKERS);
        sys::attach_steering(&sockets[0], &program).unwrap();
        sockets.iter().for_each(|socket| sys::attach_filter(socket, &super::early()).unwrap());
        let to: SocketAddr = (if here.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).parse().unwrap();
        let to = SocketAddr::new(to.ip(), here.port());
        let mut seen = [0; WORKERS as usize];
        for (name, message) in mine.iter().chain(&opens) {
            let socket = UdpSocket::bind(SocketAddr::new(to.ip(), 0)).unwrap();
            socket.send_to(message, to).unwrap();
            let expected = run(&program, &packet(socket.local_addr().unwrap(), message)) as usize;
            let mut bytes = [0; 2048];
            sockets[expected].set_nonblocking(false).unwrap();
            sockets[expected].set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
            let (len, _) =
                sockets[expected].recv_from(&mut bytes).unwrap_or_else(|error| panic!("{name} {error}"));
            assert_eq!(&bytes[..len], message, "{name}");
            seen[expected] += 1;
        }
        assert!(seen[usize::from(OWNER)] >= mine.len());
        let dropped = sys::memory(std::os::fd::AsFd::as_fd(&sockets[0])).unwrap().dropped;
        assert_eq!(dropped, 0);
    }
}

#[test]
fn a_kid_context_is_skipped() {
    let program = super::workers(NODE, WORKERS);
    let value = [0x19, 5, 3, 0xee, 0xee, 0xee, NODE[0], OWNER, 9];
    let message = Message { kind: NON, code: POST, id: 1, ..Message::default() }.option(OSCORE, &value);
    let message = Message { payload: vec![1; 9], ..message }.bytes();
    assert_eq!(run(&program, &packet(addresses()[0], &message)), u32::from(OWNER));
    assert_eq!(kind(&message), Kind::Known { cid: &[NODE[0], OWNER, 9] });
}

/// RFC 8974: a length of its own, in one byte or two.
#[test]
fn long_tokens_are_skipped() {
    let program = super::workers(NODE, WORKERS);
    let value = [0x09, 5, NODE[0], OWNER, 9];
    let options =
        Message { code: POST, ..Message::default() }.option(OSCORE, &value).body(0, b"sealed").bytes();
    for (nibble, extension, len) in [(13, vec![7], 20), (13, vec![255], 268), (14, vec![0, 31], 300)] {
        let message =
            [&[0x40 | nibble, POST, 0, 1][..], &extension, &vec![0xff; len], &options[4..]].concat();
        assert_eq!(run(&program, &packet(addresses()[0], &message)), u32::from(OWNER), "{len}");
        assert!(matches!(kind(&message), Kind::Known { .. }) && passes(&super::early(), &message));
    }
}
