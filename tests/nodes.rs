//! Two servers that share a directory and a store of resume records, and are told apart by the first byte of their
//! connection ids: what docs/scaling.md says of several nodes.
#![cfg(all(feature = "client", feature = "server", feature = "signed", feature = "resume"))]

#[path = "../src/testing.rs"]
mod testing;

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::server::{Env, Server, Slot};
use lscoap::session::{Carrier, Session};
use lscoap::{Alert, Error, Message, Status, enrolment};
use testing::{Devices, Numbers};

const CARRIER: Carrier<'static> = Carrier::Payload(b"\xb5index");
const SERVER: [u8; 32] = [2; 32];
const DEVICE: [u8; 32] = [1; 32];

struct Node {
    server: Server,
    slots: Vec<Slot>,
    numbers: Numbers,
}

impl Node {
    fn new(number: u8) -> Node {
        let mut server = Server::new(&SERVER).unwrap();
        server.set_cids(0, &[number], 8).unwrap();
        server.set_retry_rate(u32::MAX); // no time passes here
        Node {
            server,
            slots: (0..8).map(|_| Slot::default()).collect(),
            numbers: Numbers::from_seed(number.into()),
        }
    }

    fn step(&mut self, shared: &mut Devices, message: &[u8]) -> (Status, Message) {
        let mut answer = Message::new();
        let mut env =
            Env { platform: &mut self.numbers, directory: shared, peer: b"", source: b"", now_ms: 0 };
        let status = self.server.step(&mut self.slots, &mut env, message, &mut answer).unwrap();
        (status, answer)
    }

    fn open(&mut self, shared: &mut Devices, record: &[u8]) -> Result<usize, Error> {
        let mut env =
            Env { platform: &mut self.numbers, directory: shared, peer: b"", source: b"", now_ms: 0 };
        let opened = self.server.open_request(&mut self.slots, &mut env, CARRIER, record, &mut [0; 64])?;
        Ok(opened.slot)
    }
}

/// From the first message to the session; what was asked for before decides whether it is a resumption.
fn connect(client: &mut Client, node: &mut Node, shared: &mut Devices) -> Session {
    let (mut numbers, mut message) = (Numbers::from_seed(50), Message::new());
    let mut status = client.step(&mut numbers, None, &mut message).unwrap();
    while status == Status::Send {
        let (_, answer) = node.step(shared, &message);
        status = client.step(&mut numbers, Some(&answer), &mut message).unwrap();
    }
    client.finish().unwrap()
}

fn record(session: &mut Session) -> Vec<u8> {
    let mut out = [0; 64];
    let (len, _) = session.seal_request(CARRIER, b"\x01", &mut out).unwrap();
    out[..len].to_vec()
}

#[test]
fn another_node_resumes_what_is_in_the_shared_store() {
    let (mut one, mut two) = (Node::new(1), Node::new(2));
    // The database of both.
    let mut shared = Devices::one(b"sensor-7", enrolment::public_key(&DEVICE).unwrap()).stored();
    let config = ClientConfig::new(b"sensor-7", &DEVICE, one.server.public_key(), Profile::Signed);
    let mut client: Client = Client::new(&config).unwrap();

    let mut first = connect(&mut client, &mut one, &mut shared);
    assert_eq!(first.sender_id().unwrap()[0], 1, "node one's number begins the id");
    one.open(&mut shared, &record(&mut first)).unwrap();
    assert_eq!(shared.records().len(), 1, "stored once it is confirmed");

    // A balancer sends it elsewhere: the device hears that there is no such session, and resumes there.
    let stray = record(&mut first);
    assert_eq!(two.open(&mut shared, &stray), Err(Error::UnknownSession));
    client.resume(&first).unwrap();
    let mut second = connect(&mut client, &mut two, &mut shared);
    assert_eq!(second.sender_id().unwrap()[0], 2);
    two.open(&mut shared, &record(&mut second)).unwrap();
    assert_eq!(two.server.stats(8).confirmed_resume, 1);
    assert_eq!(shared.records().len(), 1, "in place of the older record");
    let stored = shared.records().of(b"sensor-7").unwrap().0;
    assert_eq!(stored[0], 2);

    // The old node still has the session of before, until it is told.
    assert_eq!(one.server.stats(8).confirmed_now, 1);
    one.open(&mut shared, &record(&mut first)).unwrap();
    assert_eq!(one.server.forget(&mut one.slots, &mut Devices::default(), b"sensor-7"), Ok(1));
    let message = record(&mut first);
    assert_eq!(one.open(&mut shared, &message), Err(Error::UnknownSession));
    two.open(&mut shared, &record(&mut second)).unwrap();

    // What is no longer in the store is resumed nowhere.
    shared.records().remove(b"sensor-7");
    client.resume(&second).unwrap();
    let mut r1 = Message::new();
    client.step(&mut Numbers::from_seed(60), None, &mut r1).unwrap();
    let (status, alert) = one.step(&mut shared, &r1);
    assert_eq!((status, alert.as_slice()), (Status::Refused, &[0x1F, Alert::UnknownSession as u8][..]));
}
