//! Somebody between one client and the server, who sees, changes, drops and adds datagrams, and can speak to the
//! server from the client's address.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lscoap_testkit::relay::Direction;

use super::coap::Message;

/// What goes on in place of a datagram: nothing, itself, something else.
pub type Change = dyn Fn(Direction, &Message) -> Vec<Message> + Send;

const LOOK_UP: Duration = Duration::from_millis(20);

/// Lets everything pass.
pub fn pass(_: Direction, message: &Message) -> Vec<Message> {
    vec![message.clone()]
}

struct Shared {
    seen: Mutex<Vec<(Direction, Message)>>,
    client: Mutex<Option<SocketAddr>>,
    stop: AtomicBool,
}

pub struct Middle {
    shared: Arc<Shared>,
    below: UdpSocket,
    above: UdpSocket,
    threads: Vec<JoinHandle<()>>,
}

impl Middle {
    pub fn start(
        server: SocketAddr,
        change: impl Fn(Direction, &Message) -> Vec<Message> + Send + 'static,
    ) -> Middle {
        let below = UdpSocket::bind("127.0.0.1:0").unwrap();
        let above = UdpSocket::bind("127.0.0.1:0").unwrap();
        above.connect(server).unwrap();
        for socket in [&below, &above] {
            socket.set_read_timeout(Some(LOOK_UP)).unwrap();
        }
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            client: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let change: Arc<Mutex<Box<Change>>> = Arc::new(Mutex::new(Box::new(change)));
        let threads = [Direction::Up, Direction::Down]
            .map(|direction| {
                let (shared, change) = (shared.clone(), change.clone());
                let (below, above) = (below.try_clone().unwrap(), above.try_clone().unwrap());
                thread::spawn(move || carry(direction, &shared, &change, &below, &above))
            })
            .into();
        Middle { shared, below, above, threads }
    }

    /// Where the client sends to.
    pub fn addr(&self) -> SocketAddr {
        self.below.local_addr().unwrap()
    }

    /// What has come by so far, before it was changed.
    pub fn seen(&self) -> Vec<(Direction, Message)> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Sends to the server as if from the client, and waits for the answer with the same token.
    pub fn ask_server(&self, message: &Message) -> Option<Message> {
        let before = self.seen().len();
        self.above.send(&message.bytes()).unwrap();
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            let answer = self.seen().into_iter().skip(before).find(|(direction, seen)| {
                *direction == Direction::Down && seen.id == message.id && seen.token == message.token
            });
            if let Some((_, answer)) = answer {
                return Some(answer);
            }
            thread::sleep(LOOK_UP);
        }
        None
    }

    /// Sends bytes to the server as if from the client.
    pub fn send_raw(&self, datagram: &[u8]) {
        self.above.send(datagram).unwrap();
    }

    /// Sends to the client as if from the server.
    pub fn tell_client(&self, message: &Message) {
        let client = self.shared.client.lock().unwrap().expect("a client has spoken");
        self.below.send_to(&message.bytes(), client).unwrap();
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn carry(
    direction: Direction,
    shared: &Shared,
    change: &Mutex<Box<Change>>,
    below: &UdpSocket,
    above: &UdpSocket,
) {
    let mut buffer = [0; 2048];
    while !shared.stop.load(Ordering::Relaxed) {
        let received = match direction {
            Direction::Up => below.recv_from(&mut buffer),
            Direction::Down => above.recv_from(&mut buffer),
        };
        let Ok((len, from)) = received else { continue };
        let Some(message) = Message::parse(&buffer[..len]) else { continue };
        if direction == Direction::Up {
            *shared.client.lock().unwrap() = Some(from);
        }
        shared.seen.lock().unwrap().push((direction, message.clone()));
        for changed in change.lock().unwrap()(direction, &message) {
            let client = *shared.client.lock().unwrap();
            let _ = match (direction, client) {
                (Direction::Up, _) => above.send(&changed.bytes()),
                (Direction::Down, Some(client)) => below.send_to(&changed.bytes(), client),
                (Direction::Down, None) => Ok(0),
            };
        }
    }
}
