//! Many devices at once, made of the Rust library.

use std::fmt::Write;
use std::net::UdpSocket;

use lscoap::Status;
use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::session::{Carrier, Session};
use lscoap_testkit::identities::Identity;
use lscoap_testkit::testing::Os;

use super::coap::*;
use super::site::*;

struct Device {
    socket: UdpSocket,
    client: Client,
    session: Option<Session>,
    id: u16,
}

impl Device {
    fn new(site: &Site, identity: &Identity, id: &str) -> Device {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(site.addr()).unwrap();
        let keys = (&identity.private, &site.enrolment.server.public);
        let config = ClientConfig::new(id.as_bytes(), keys.0, keys.1, Profile::Express);
        Device { socket, client: Client::new(&config).unwrap(), session: None, id: 0 }
    }

    /// A handshake: a resumption where there is a session. Gives how many messages it sent.
    fn shake_hands(&mut self) -> usize {
        if let Some(session) = &self.session {
            self.client.resume(session).unwrap();
        }
        let (mut message, mut answer) = (lscoap::Message::new(), lscoap::Message::new());
        let mut sent = 0;
        while self.client.step(&mut Os, (!answer.is_empty()).then_some(&answer), &mut message).unwrap()
            == Status::Send
        {
            sent += 1;
            self.id += 1;
            let request = Message::request(POST, HANDSHAKE_PATH, self.id).body(HANDSHAKE, &message);
            answer = lscoap::Message::from_slice(&ask(&self.socket, &request).payload).unwrap();
        }
        self.session = Some(self.client.finish().unwrap());
        sent
    }

    /// GET /index, to its sealed answer.
    fn get(&mut self) {
        let session = self.session.as_mut().unwrap();
        let mut sealed = [0; 32];
        let index = Carrier::Payload(b"\xb5index");
        let (len, mut exchange) = session.seal_request(index, &[GET], &mut sealed).unwrap();
        self.id += 1;
        let answer =
            ask(&self.socket, &Message::request(FETCH, "index", self.id).body(SEALED, &sealed[..len]));
        assert!(answer.is_sealed(), "{answer:?}");
        let mut plain = vec![0; answer.payload.len()];
        session.open_response(&mut exchange, Carrier::Payload(&[]), &answer.payload, &mut plain).unwrap();
        assert_eq!(plain[0], CONTENT);
    }
}

/// A server with hundreds of sessions is killed: each of its devices resumes, in one round trip, and none of them is taken
/// for another.
#[test]
fn a_crowd_resumes_after_a_restart() {
    const COUNT: usize = 300;
    let mut site = Site::start(&["--quiet", "--retry-rate", "1000000", "--resume-db", "resume.db"]);
    let meter = Identity::generate().unwrap();
    let mut list = site.devices();
    for n in 0..COUNT {
        writeln!(list, "{}", meter.device_string(&format!("meter-{n}"))).unwrap();
    }
    site.kill();
    std::fs::write(site.enrolment.devices(), &list).unwrap();
    site.start_again();

    let mut crowd: Vec<Device> =
        (0..COUNT).map(|n| Device::new(&site, &meter, &format!("meter-{n}"))).collect();
    for device in &mut crowd {
        device.shake_hands();
        device.get();
    }
    let before: Vec<_> = crowd.iter().map(|device| device.session.as_ref().unwrap().fingerprint()).collect();
    site.kill();
    site.start_again();
    for device in &mut crowd {
        assert_eq!(device.shake_hands(), 1);
        device.get();
    }
    for (device, before) in crowd.iter_mut().zip(before) {
        assert_ne!(device.session.as_ref().unwrap().fingerprint(), before);
        device.get();
    }
    assert_eq!(site.complaints(), "");
    site.end();
}
