//! A device made of the library's client and hand-made CoAP, which speaks from whatever port the test says.

use lscoap::client::{Client, ClientConfig, Profile};
use lscoap::coap::Carrier;
use lscoap::session::{Exchange, Session};
use lscoap::{Error, Status};
use lscoap_testkit::coap::*;
use lscoap_testkit::testing::{Os, public_key, random};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// A device, and how it reaches the gateway.
pub struct Device {
    pub socket: UdpSocket,
    pub to: SocketAddr,
    client: Client,
    pub session: Session,
    id: u16,
}

/// A port that hears the gateway alone, at the address that is written to.
pub fn port(to: SocketAddr) -> UdpSocket {
    let any = match to {
        SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST, 0).into(),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
    };
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect(to).unwrap();
    socket
}

/// What comes, if anything does in time.
pub fn hear(socket: &UdpSocket, at_most: Duration) -> Option<Message> {
    let mut bytes = [0; 2048];
    socket.set_read_timeout(Some(at_most)).unwrap();
    let len = socket.recv(&mut bytes).ok()?;
    Message::parse(&bytes[..len])
}

/// The answer to a request, which is sent again as RFC 7252 says, but sooner.
pub fn ask(socket: &UdpSocket, request: &Message) -> Message {
    for _ in 0..40 {
        socket.send(&request.bytes()).unwrap();
        while let Some(answer) = hear(socket, Duration::from_secs(1)) {
            if answer.token == request.token && answer.code != 0 {
                return answer;
            }
        }
    }
    panic!("no answer to {request:?}");
}

impl Device {
    pub fn new(id: &str, secret: u8, server: &[u8; 32], to: SocketAddr, profile: Profile) -> Self {
        let server = public_key::<lscoap::crypto::Software>(server);
        let client = Client::new(&ClientConfig::new(id.as_bytes(), &[secret; 32], &server, profile)).unwrap();
        Self { socket: port(to), to, client, session: Session::new(), id: random() as u16 }
    }

    /// From another port.
    pub fn moves(&mut self) {
        self.socket = port(self.to);
    }

    fn request(&mut self, code: u8, path: &str) -> Message {
        self.id = self.id.wrapping_add(1);
        Message { token: random().to_be_bytes()[..4].to_vec(), ..Message::request(code, path, self.id) }
    }

    fn handshake(&mut self) {
        let (mut message, mut answer) = (lscoap::Message::new(), lscoap::Message::new());
        while self.client.step(&mut Os, (!answer.is_empty()).then_some(&answer), &mut message).unwrap()
            == Status::Send
        {
            let request = self.request(POST, HANDSHAKE_PATH).body(HANDSHAKE, &message);
            answer = lscoap::Message::from_slice(&ask(&self.socket, &request).payload).unwrap();
        }
        self.session = self.client.finish().unwrap();
    }

    /// A full handshake.
    pub fn connects(&mut self) {
        self.client.restart().unwrap();
        self.handshake();
    }

    /// A resumption.
    pub fn resumes(&mut self) {
        self.client.resume(&self.session).unwrap();
        self.handshake();
    }

    /// A request under seal.
    pub fn seals(&mut self, carrier: Carrier, code: u8, path: &str, payload: &[u8]) -> (Message, Exchange) {
        let mut request = self.request(code, path);
        request.payload = payload.to_vec();
        let mut buffer = request.bytes();
        let len = buffer.len();
        buffer.resize(len + 64, 0);
        let (len, exchange) = self.session.protect_request(carrier, &mut buffer, len).unwrap();
        (Message::parse(&buffer[..len]).unwrap(), exchange)
    }

    /// What an answer is inside.
    pub fn opens(&mut self, exchange: &mut Exchange, answer: &Message) -> Result<Message, Error> {
        let mut buffer = answer.bytes();
        let len = buffer.len();
        let len = self.session.unprotect_response(exchange, &mut buffer, len)?;
        Ok(Message::parse(&buffer[..len]).unwrap())
    }

    /// A request and its answer, which opens.
    pub fn asks(&mut self, carrier: Carrier, code: u8, path: &str, payload: &[u8]) -> Message {
        let (request, mut exchange) = self.seals(carrier, code, path, payload);
        let answer = ask(&self.socket, &request);
        self.opens(&mut exchange, &answer).unwrap_or_else(|error| panic!("{error:?}: {answer:?}"))
    }

    /// Whether the gateway knows the session: else it says in the clear that it does not.
    pub fn is_known(&mut self) -> bool {
        let (request, mut exchange) = self.seals(Carrier::Oscore, GET, "index", b"");
        let answer = ask(&self.socket, &request);
        let opened = self.opens(&mut exchange, &answer);
        assert!(opened.is_ok() || answer.code == UNAUTHORIZED, "{answer:?}");
        opened.is_ok()
    }
}
