//! Two nodes with one store, and lamps that are members.

use super::owner::{Caller, Groups, LEASE_MS, Word, World};
use super::shelf::{Fault, Shelf};
use super::thread;
use crate::backend::{Event, Port, Reply, Request, SessionKey, Ticket, Upstream};
use crate::coap::{Frame, Header, Type};
use crate::device::Os;
use crate::directory::Devices;
use crate::net::Outbox;
use lscoap::Error;
use lscoap::coap::PROTECT_OVERHEAD;
use lscoap::crypto::Software;
use lscoap::group::{GROUP_ANSWER_OVERHEAD, GroupMessage, Member, MemberConfig, Mode};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

/// What the store has of a group.
#[derive(Default)]
struct Entry {
    token: u64,
    /// By the store's own clock.
    ends_ms: u64,
    record: Option<Vec<u8>>,
}

#[derive(Default)]
struct Shared {
    now_ms: u64,
    last: u16,
    groups: HashMap<u16, Entry>,
    is_down: bool,
}

/// A node's way to the store.
#[derive(Clone, Default)]
struct Shelves(Arc<Mutex<Shared>>);

impl Shelves {
    fn up(&self) -> Result<std::sync::MutexGuard<'_, Shared>, Fault> {
        let shared = self.0.lock().unwrap();
        if shared.is_down { Err(Fault::Down) } else { Ok(shared) }
    }

    fn set_now(&self, now_ms: u64) {
        self.0.lock().unwrap().now_ms = now_ms;
    }
}

impl Shelf for Shelves {
    fn list(&mut self) -> Result<Vec<u16>, Fault> {
        Ok(self.up()?.groups.keys().copied().collect())
    }

    fn number(&mut self) -> Result<u16, Fault> {
        let mut shared = self.up()?;
        shared.last += 1;
        Ok(shared.last)
    }

    fn lease(&mut self, number: u16, token: Option<u64>, ms: u64) -> Result<u64, Fault> {
        let mut shared = self.up()?;
        let now = shared.now_ms;
        let entry = shared.groups.entry(number).or_default();
        match token {
            Some(token) if token != entry.token => return Err(Fault::Lost),
            Some(_) => {}
            None if now < entry.ends_ms => return Err(Fault::Lost),
            None => entry.token += 1,
        }
        entry.ends_ms = now + ms;
        Ok(entry.token)
    }

    fn release(&mut self, number: u16, token: u64) {
        let Ok(mut shared) = self.up() else { return };
        let entry = shared.groups.entry(number).or_default();
        if entry.token == token {
            entry.ends_ms = 0;
        }
        if entry.record.is_none() {
            shared.groups.remove(&number);
        }
    }

    fn load(&mut self, number: u16, token: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let shared = self.up()?;
        match shared.groups.get(&number) {
            Some(entry) if entry.token == token => Ok(entry.record.clone().map(Zeroizing::new)),
            _ => Err(Fault::Lost),
        }
    }

    fn save(&mut self, number: u16, token: u64, record: Zeroizing<Vec<u8>>) -> Result<(), Fault> {
        let mut shared = self.up()?;
        match shared.groups.get_mut(&number) {
            Some(entry) if entry.token == token => {
                entry.record = Some(record.to_vec());
                Ok(())
            }
            _ => Err(Fault::Lost),
        }
    }
}

struct Wire {
    sent: Sender<(SocketAddr, Vec<u8>)>,
    replies: Sender<(usize, Ticket, Vec<u8>)>,
}

impl World for Wire {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.sent.send((to, datagram.to_vec())).unwrap();
    }

    fn reply(&mut self, worker: usize, ticket: Ticket, message: Vec<u8>) {
        self.replies.send((worker, ticket, message)).unwrap();
    }
}

const LAMPS: [&[u8]; 2] = [b"lamp-1", b"lamp-2"];

fn devices(ids: &[&[u8]]) -> Arc<Devices> {
    Arc::new(Devices::new(ids.iter().map(|id| (id.to_vec(), [2; 33]))))
}

/// A node, and what it does to the world.
struct Node {
    groups: Groups,
    shelves: Shelves,
    sent: Receiver<(SocketAddr, Vec<u8>)>,
    replies: Receiver<(usize, Ticket, Vec<u8>)>,
    now_ms: u64,
}

fn node(shelves: &Shelves) -> Node {
    let ((sent_in, sent), (replies_in, replies)) = (channel(), channel());
    let wire = Wire { sent: sent_in, replies: replies_in };
    let groups =
        Groups::new(Box::new(wire), Box::new(shelves.clone()), Box::new(Os), devices(&LAMPS), [1, 2, 3, 4]);
    Node { groups, shelves: shelves.clone(), sent, replies, now_ms: 0 }
}

impl Node {
    /// So much time goes by, for the store too.
    fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        self.shelves.set_now(self.now_ms);
        self.groups.poll(self.now_ms);
    }

    /// Has a line carried out; what was said so far.
    fn say(&mut self, line: &str) -> Receiver<String> {
        let (caller, said) = sync_channel(100);
        assert!(self.groups.take(self.now_ms, Word::Line(line.to_owned(), Caller(caller))));
        said
    }

    fn said(&mut self, line: &str) -> Vec<String> {
        self.say(line).try_iter().collect()
    }

    /// What a device is answered: the code and the payload.
    fn ask(&mut self, id: &[u8], payload: &[u8]) -> (u8, Vec<u8>) {
        let ask = Word::Ask { worker: 3, ticket: 17, device_id: id.to_vec(), payload: payload.to_vec() };
        assert!(self.groups.take(self.now_ms, ask));
        let (worker, ticket, message) = self.replies.try_recv().unwrap();
        assert_eq!((worker, ticket), (3, 17));
        let frame = Frame::read(&message).unwrap();
        (frame.code, frame.payload(&message).to_vec())
    }

    fn join(&mut self, id: &[u8], lamp: &mut Member) {
        let mut ask = GroupMessage::new();
        lamp.ask(self.now_ms, &mut ask).unwrap();
        let (code, payload) = self.ask(id, &ask);
        assert_eq!(code, 0x44);
        lamp.answer(self.now_ms, &payload).unwrap();
    }

    fn sent(&mut self) -> Vec<Vec<u8>> {
        self.sent.try_iter().map(|(_, datagram)| datagram).collect()
    }
}

fn lamp() -> Member {
    let mut lamp = Member::<Software>::new();
    lamp.init((), &MemberConfig::default());
    lamp
}

/// What a member makes of a datagram, and its answer to it.
fn execute(lamp: &mut Member, now_ms: u64, datagram: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let mut buffer = datagram.to_vec();
    let (len, mode, mut exchange) = lamp.unprotect_request(now_ms, &mut buffer, datagram.len())?;
    assert_eq!(mode, Mode::Signed);
    buffer.truncate(len);
    let token = Header::read(&buffer).unwrap().token.to_vec();
    assert!(lamp.wants_answer(&exchange, 0x44));
    let mut answer = Vec::new();
    Header { kind: Type::NonConfirmable, code: 0x44, id: 9, token: &token }.write(&mut answer);
    answer.extend(b"\xffbright\x1b");
    let len = answer.len();
    answer.resize(len + PROTECT_OVERHEAD + GROUP_ANSWER_OVERHEAD, 0);
    let len = lamp.protect_answer(&mut exchange, &mut answer, len)?;
    answer.truncate(len);
    Ok((buffer, answer))
}

const CREATE: &str = "create signed,answers slots=0 address=efc00001 port=5683";
const SEND: &str = "send 0 signed wait=3000 method=PUT path=2f6c69676874 payload=6f6e";

/// A group of one lamp at this node.
fn with_lamp(node: &mut Node) -> Member {
    node.wait(0);
    assert_eq!(node.said(CREATE), ["group 1", "ok"]);
    assert_eq!(node.said("add 1 6c616d702d31"), ["ok"]);
    let mut lamp = lamp();
    node.join(b"lamp-1", &mut lamp);
    lamp
}

#[test]
fn one_command_to_the_members_and_their_answers() {
    let mut node = node(&Shelves::default());
    let mut lamp = with_lamp(&mut node);
    assert_eq!(
        node.said("list"),
        ["group 1, epoch 1: signed,answers, 239.192.0.1:5683", "  lamp-1, kid 1", "ok"]
    );
    let said = node.say(SEND);
    let (to, request) = node.sent.try_recv().unwrap();
    assert_eq!(to, "239.192.0.1:5683".parse().unwrap());
    let (inner, answer) = execute(&mut lamp, 0, &request).unwrap();
    assert_eq!(inner[1], 3);
    assert!(inner.ends_with(b"\xffon"));
    // Copies against loss are the same bytes, which nobody executes twice.
    node.wait(300);
    let (_, copy) = node.sent.try_recv().unwrap();
    assert_eq!(copy, request);
    assert_eq!(execute(&mut lamp, 0, &copy).err(), Some(Error::Replay));
    // A forged answer is none, the right one counts once.
    let mut forged = answer.clone();
    *forged.last_mut().unwrap() ^= 1;
    for datagram in [forged, answer.clone(), answer] {
        assert!(node.groups.take(300, Word::Answer(datagram)));
    }
    node.wait(1);
    assert_eq!(said.try_iter().collect::<Vec<_>>(), ["lamp-1: 2.04 bright\\x1b", "1 answered", "ok"]);
}

#[test]
fn who_is_not_allowed_in_is_told_to_leave() {
    let mut node = node(&Shelves::default());
    let mut first = with_lamp(&mut node);
    let mut second = lamp();
    let mut ask = GroupMessage::new();
    second.ask(0, &mut ask).unwrap();
    let (code, leave) = node.ask(b"lamp-2", &ask);
    assert_eq!((code, &*leave), (0x44, &[0x24, 0, 0][..]));
    assert_eq!(node.ask(b"lamp-2", b"?").0, 0x80);
    assert_eq!(node.said("add 1 7878"), ["error: no such device is enrolled"]);
    assert_eq!(node.said("add 2 6c616d702d32"), ["error: no such group at this node"]);
    assert_eq!(node.said("remove 1 6c616d702d32"), ["error: that device is no member"]);
    // A member that is put out hears nothing more: the notice comes in the old epoch.
    assert_eq!(node.said("remove 1 6c616d702d31"), ["ok"]);
    let notices = node.sent();
    let mut notice = notices[0].clone();
    let len = notice.len();
    let (len, ..) = first.unprotect_request(0, &mut notice, len).unwrap();
    assert!(notice[..len].ends_with(&[0x23, 0, 1, 0, 0, 0, 2]), "epoch 2 of group 1");
    node.say(SEND);
    let requests = node.sent();
    assert!(requests.iter().all(|request| execute(&mut first, 0, request).is_err()));
}

#[test]
fn a_device_that_is_no_longer_enrolled_is_put_out() {
    let mut node = node(&Shelves::default());
    with_lamp(&mut node);
    assert!(node.groups.take(0, Word::Devices(devices(&[b"lamp-2"]))));
    assert_eq!(node.said("list"), ["group 1, epoch 2: signed,answers, 239.192.0.1:5683", "ok"]);
}

#[test]
fn another_node_goes_on_when_the_lease_has_ended() {
    let shelves = Shelves::default();
    let (mut first, mut second) = (node(&shelves), node(&shelves));
    let mut lamp = with_lamp(&mut first);
    first.say(SEND);
    let before = first.sent();
    execute(&mut lamp, 0, &before[0]).unwrap();
    // While it is the first's, the second knows that it is somebody's, and does not send its members away.
    second.wait(0);
    assert_eq!(second.said("list"), ["ok"]);
    let mut ask = GroupMessage::new();
    lamp.wake();
    lamp.ask(60_000, &mut ask).unwrap();
    assert_eq!(second.ask(b"lamp-1", &ask).0, 0xa3, "ask again later");
    // The first is not heard of any more.
    second.wait(LEASE_MS + 1);
    assert!(second.said("list")[0].starts_with("group 1, epoch 1"));
    second.say(SEND);
    let requests = second.sent();
    execute(&mut lamp, 0, &requests[0]).unwrap();
    // When it is back, it can neither save nor go on.
    assert_eq!(
        first.said("rekey 1"),
        ["error: the store does not answer, or another node has the group now"]
    );
    first.wait(LEASE_MS);
    assert_eq!(first.said("list"), ["ok"]);
}

#[test]
fn a_store_that_is_down_changes_nothing_until_the_lease_ends() {
    let shelves = Shelves::default();
    let mut node = node(&shelves);
    let mut lamp = with_lamp(&mut node);
    shelves.0.lock().unwrap().is_down = true;
    node.wait(LEASE_MS / 3);
    node.say(SEND);
    let requests = node.sent();
    execute(&mut lamp, 0, &requests[0]).unwrap();
    assert_eq!(node.said("add 1 6c616d702d32"), ["error: the store does not answer"]);
    assert_eq!(node.said(CREATE), ["error: the store does not answer"]);
    node.wait(LEASE_MS);
    assert_eq!(node.said("list"), ["ok"]);
    shelves.0.lock().unwrap().is_down = false;
    node.wait(LEASE_MS);
    assert!(node.said("list")[0].starts_with("group 1, epoch 1"));
}

#[test]
fn lines_that_nobody_understands() {
    let mut node = node(&Shelves::default());
    with_lamp(&mut node);
    for line in [
        "",
        "create",
        "create blue slots=0 address=efc00001 port=5683",
        "create signed slots=0 address=ef port=5683",
        "add",
        "add x 00",
        "add 1",
        "add 1 xyz",
        "send 1 signed wait=1 method=PUT path=2f",
        "send 1 sealed wait=1 method=PUT path=2f payload=",
        "frobnicate",
    ] {
        let said = node.said(line);
        assert_eq!(said.len(), 1, "{line}");
        assert!(said[0].starts_with("error: not understood"), "{line}: {said:?}");
    }
    assert_eq!(
        node.said("send 1 tagged wait=1 method=PUT path=2f payload="),
        ["error: the group does not have that mode"]
    );
    assert_eq!(node.said("send 1 signed wait=1 method=GOT path=2f payload="), ["error: no such method"]);
    let long = "00".repeat(1200);
    assert_eq!(
        node.said(&format!("send 1 signed wait=1 method=PUT path=2f payload={long}")),
        ["error: longer than one message"]
    );
}

/// Answers everything with nothing.
#[derive(Default)]
struct Nobody {
    asked: usize,
    outbox: Outbox<Port>,
}

impl Upstream for Nobody {
    fn request(&mut self, _: u64, _: &Request<'_>, _: &mut Vec<u8>) -> Reply {
        self.asked += 1;
        Reply::Later
    }
    fn cancel(&mut self, _: u64, _: Ticket) {}
    fn session_ended(&mut self, _: u64, _: SessionKey) {}
    fn received(&mut self, _: u64, _: Port, _: &[u8], _: &mut Vec<Event>) {}
    fn unreachable(&mut self, _: u64, _: Port, _: &mut Vec<Event>) {}
    fn poll(&mut self, _: u64, _: &mut Vec<Event>) {}
    fn next_ms(&self) -> Option<u64> {
        None
    }
    fn outbox(&mut self) -> &mut Outbox<Port> {
        &mut self.outbox
    }
    fn pending(&self) -> usize {
        0
    }
}

/// The thread, its control socket, and what stands in front of the back-end.
#[test]
fn asks_and_commands_reach_the_thread() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("groups");
    let Node { groups, replies, sent, .. } = node(&Shelves::default());
    let (running, handle) = thread::start(groups, Some(&file)).unwrap();
    let command = |line: &str| -> Vec<String> {
        let mut stream = UnixStream::connect(directory.path().join("groups.sock")).unwrap();
        stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        BufReader::new(stream).lines().map(|line| line.unwrap()).collect()
    };
    assert_eq!(command(CREATE), ["group 1", "ok"]);
    assert_eq!(command("add 0 6c616d702d31"), ["ok"]);

    let mut upstream = super::Grouped::new(Nobody::default(), Some((handle.clone(), 5)));
    let mut lamp = lamp();
    let mut ask = GroupMessage::new();
    lamp.ask(0, &mut ask).unwrap();
    let mut ask_at = |code: u8, path: &[u8], ticket| {
        let mut message = vec![0x40, code, 0, 1];
        message.extend_from_slice(path);
        message.push(0xff);
        message.extend_from_slice(&ask);
        let session = SessionKey { slot: 0, fingerprint: [0; 8] };
        let request = Request {
            ticket,
            session,
            device_id: b"lamp-1",
            message: &message,
            observation: None,
            in_one: false,
        };
        let mut answer = Vec::new();
        let reply = upstream.request(0, &request, &mut answer);
        (reply, upstream.inner().asked)
    };
    const PATH: &[u8] = b"\xbb.well-known\x06lscoap\x05group";
    assert_eq!(ask_at(2, b"\xbb.well-known\x06lscoap", 1), (Reply::Later, 1));
    assert_eq!(ask_at(1, PATH, 2), (Reply::Refused(0x85), 1));
    assert_eq!(ask_at(2, &[PATH, b"\x12\xfd\xeb"].concat(), 3), (Reply::Later, 1));
    let (worker, ticket, message) = replies.recv().unwrap();
    assert_eq!((worker, ticket), (5, 3));
    lamp.answer(0, Frame::read(&message).unwrap().payload(&message)).unwrap();

    let answering = std::thread::spawn(move || {
        let (_, request) = sent.recv().unwrap();
        let (_, answer) = execute(&mut lamp, 0, &request).unwrap();
        assert!(handle.is_answer(&answer) && !handle.is_answer(&request));
        handle.answer(&answer);
    });
    assert_eq!(command(SEND), ["lamp-1: 2.04 bright\\x1b", "1 answered", "ok"]);
    answering.join().unwrap();
    drop(running);
    assert!(!directory.path().join("groups.sock").exists());
}
