//! The story of the fleet: what is done to it, and what has to be true then.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use super::device::{self, Tally};
use super::network::{self, COUNT, NODES, Wrong};
use crate::fire::device::Keys;
use crate::fire::site::Files;
use crate::gateway::{ALERTS, Behind, HANDSHAKES, Metrics, RESUMED, SESSIONS, Settings};
use crate::process::Server;
use crate::stores::Store;

/// How many devices there are.
const DEVICES: usize = 48;
/// And how many try to get in where the map is wrong.
const FEW: usize = 6;
/// How long devices may take to go on.
const PATIENCE: Duration = Duration::from_secs(40);
/// As a health check takes.
const UNNOTICED: Duration = Duration::from_secs(1);
/// Workers count once a second.
const COUNTED: Duration = Duration::from_secs(5);
/// For how long nobody gets in.
const WRONG: Duration = Duration::from_secs(10);

fn say(text: &str) {
    println!("\n\x1b[1m{text}\x1b[0m");
}

fn check(good: bool, what: &str) -> io::Result<()> {
    if good { Ok(()) } else { Err(io::Error::other(format!("not as expected: {what}"))) }
}

/// The nodes and what is behind them.
struct Nodes {
    programs: PathBuf,
    settings: Vec<Settings>,
    running: Vec<Option<Server>>,
    files: Files,
    _backend: Server,
    _store: Store,
}

impl Nodes {
    fn start(programs: &Path, store: Store) -> io::Result<Self> {
        let files = Files::make(DEVICES)?;
        let mut plain = network::inside(NODES, &Command::new(programs.join("plain_server")));
        let backend = Server::start(plain.args(["-A", "127.0.0.1", "-p", "0"]))?;
        let settings = (0..COUNT).map(|number| Settings {
            listen: network::node(number),
            node: number as u8 + 1,
            store: store.url(),
            metrics: Some(metrics(number)),
            workers: 0,
            ..Settings::new(
                files.key.clone(),
                files.list.clone(),
                2 * DEVICES,
                Behind::Server { addr: backend.addr, identity: "option" },
            )
        });
        let settings = settings.collect();
        let mut nodes = Self {
            programs: programs.into(),
            settings,
            running: vec![],
            files,
            _backend: backend,
            _store: store,
        };
        for number in 0..COUNT {
            nodes.running.push(None);
            nodes.start_one(number)?;
        }
        nodes.balance()?;
        Ok(nodes)
    }

    fn start_one(&mut self, number: usize) -> io::Result<()> {
        let command = self.settings[number].command(&self.programs, self.files.dir.path())?;
        self.running[number] = Some(Server::start(&mut network::inside(NODES, &command))?);
        Ok(())
    }

    fn kill(&mut self, number: usize) -> io::Result<()> {
        let Some(mut node) = self.running[number].take() else { return Ok(()) };
        node.program.signal("KILL")?;
        node.program.wait(PATIENCE).map(drop)
    }

    fn up(&self) -> [bool; COUNT] {
        std::array::from_fn(|number| self.running[number].is_some())
    }

    /// What a health check does: only nodes that are up are in the map.
    fn balance(&self) -> io::Result<()> {
        network::balance(&network::rules(self.up(), None))
    }

    /// The same beyond `before`, once it is what is wanted or has had its time.
    fn resumed_since(&self, before: u64, wanted: usize) -> io::Result<u64> {
        let end = Instant::now() + COUNTED;
        loop {
            let counted = self.resumed()? - before;
            if counted == wanted as u64 || Instant::now() >= end {
                return Ok(counted);
            }
            sleep(Duration::from_millis(100));
        }
    }

    /// How many resumed sessions all nodes that are up have confirmed.
    fn resumed(&self) -> io::Result<u64> {
        self.counted(SESSIONS, RESUMED)
    }

    /// What all nodes that are up have counted under that name, with that in the label.
    fn counted(&self, name: &str, label: &str) -> io::Result<u64> {
        let up = (0..COUNT).filter(|number| self.running[*number].is_some());
        let each = up.map(|number| {
            network::within(
                NODES,
                || Ok(Metrics::ask(TcpStream::connect(metrics(number))?)?.sum(name, label)),
            )
        });
        each.sum::<io::Result<f64>>().map(|sum| sum as u64)
    }
}

fn metrics(number: usize) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 9101 + number as u16))
}

/// Devices at work, until this goes.
struct Crowd {
    tallies: Vec<Arc<Tally>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

/// What a device had done at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seen {
    answers: u64,
    failures: u64,
    handshakes: u64,
    resumptions: u64,
    node: u8,
}

impl Crowd {
    fn start(keys: &[Keys]) -> io::Result<Self> {
        let mut crowd = Self { tallies: vec![], stop: Arc::default(), threads: vec![] };
        for (number, keys) in keys.iter().enumerate() {
            let (socket, tally): (UdpSocket, Arc<Tally>) = (device::socket(number)?, Arc::default());
            let (keys, stop, own) = (keys.clone(), crowd.stop.clone(), tally.clone());
            crowd.tallies.push(tally);
            crowd.threads.push(thread::spawn(move || device::live(&keys, &socket, &own, &stop)));
        }
        Ok(crowd)
    }

    fn look(&self) -> Vec<Seen> {
        let look = |tally: &Arc<Tally>| Seen {
            answers: tally.answers.load(Ordering::Relaxed),
            failures: tally.failures.load(Ordering::Relaxed),
            handshakes: tally.handshakes.load(Ordering::Relaxed),
            resumptions: tally.resumptions.load(Ordering::Relaxed),
            node: tally.node.load(Ordering::Relaxed),
        };
        self.tallies.iter().map(look).collect()
    }

    /// Waits until every device has had three more answers.
    fn go_on(&self) -> io::Result<Vec<Seen>> {
        let (before, end) = (self.look(), Instant::now() + PATIENCE);
        loop {
            let now = self.look();
            if now.iter().zip(&before).all(|(now, before)| now.answers >= before.answers + 3) {
                return Ok(now);
            }
            check(Instant::now() < end, "some devices are not served")?;
            sleep(Duration::from_millis(100));
        }
    }

    fn end(mut self) -> io::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let ends =
            self.threads.drain(..).map(|thread| thread.join().map_err(|_| io::Error::other("a device"))?);
        ends.collect()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn at(seen: &[Seen], node: usize) -> Vec<usize> {
    (0..seen.len()).filter(|number| usize::from(seen[*number].node) == node + 1).collect()
}

fn each_node(seen: &[Seen]) -> String {
    let counts = (0..COUNT).map(|node| format!("{} at node {}", at(seen, node).len(), node + 1));
    counts.collect::<Vec<_>>().join(", ")
}

/// That these devices have resumed once, and the others have done nothing but ask.
fn moved(before: &[Seen], after: &[Seen], who: &[usize], counted: u64) -> io::Result<()> {
    let mut resumptions = 0;
    for (number, (before, after)) in before.iter().zip(after).enumerate() {
        let begun = after.resumptions - before.resumptions;
        resumptions += begun;
        let want = u64::from(who.contains(&number));
        check(begun == want, &format!("device {number} has begun {begun} resumptions, not {want}"))?;
        check(after.handshakes == before.handshakes, &format!("device {number} has begun a full handshake"))?;
        check(after.failures == before.failures, &format!("device {number} has failed"))?;
    }
    println!(
        "{} devices have moved by {resumptions} resumptions, the nodes have counted {counted}; the other {} noticed nothing; no full \
         handshake, no request failed; {}",
        who.len(),
        before.len() - who.len(),
        each_node(after)
    );
    check(counted == resumptions, "the nodes and the devices have not counted the same")
}

/// Nodes killed in turn, with one store.
fn in_turn(nodes: &mut Nodes) -> io::Result<()> {
    let crowd = Crowd::start(&nodes.files.devices)?;
    let first = crowd.go_on()?;
    let handshakes: u64 = first.iter().map(|seen| seen.handshakes).sum();
    println!(
        "{DEVICES} devices are in, by {handshakes} full handshakes from {} addresses: {}",
        network::SOURCES,
        each_node(&first)
    );
    check(
        first.iter().all(|seen| seen.handshakes == 1 && seen.resumptions == 0),
        "not one handshake a device",
    )?;
    check((0..COUNT).all(|node| !at(&first, node).is_empty()), "a node has no devices")?;
    for number in 0..COUNT {
        say(&format!("Node {} is killed (-9), and a second later taken out of the map", number + 1));
        let (before, gone) = (crowd.go_on()?, number);
        let who = at(&before, gone);
        nodes.kill(gone)?;
        let resumed = nodes.resumed()?;
        sleep(UNNOTICED);
        nodes.balance()?;
        let after = crowd.go_on()?;
        check(at(&after, gone).is_empty(), "a device is at a node that is dead")?;
        moved(&before, &after, &who, nodes.resumed_since(resumed, who.len())?)?;

        say(&format!(
            "Node {} is started again, with nothing but the store, and put back into the map",
            gone + 1
        ));
        let resumed = nodes.resumed()?;
        nodes.start_one(gone)?;
        nodes.balance()?;
        let back = crowd.go_on()?;
        moved(&after, &back, &who, nodes.resumed_since(resumed, who.len())?)?;
        check(at(&back, gone) == who, "not the same devices are back")?;
    }
    crowd.end()
}

/// A map that sends M3 to another node than the one that M2 came from.
fn wrong_map(nodes: &mut Nodes) -> io::Result<()> {
    say("A wrong map: messages with a connection id go to the node after theirs");
    let few = &nodes.files.devices[..FEW];
    let probe = Crowd::start(&few[..1])?; // how long everything before the payload is
    probe.go_on()?;
    let payload = probe.tallies[0].payload.load(Ordering::Relaxed) as usize;
    probe.end()?;
    sleep(COUNTED);
    let look = |nodes: &Nodes| -> io::Result<[u64; 3]> {
        Ok([
            nodes.counted(HANDSHAKES, "signed")?,
            nodes.counted(SESSIONS, "")?,
            nodes.counted(ALERTS, "unknown_session")?,
        ])
    };
    let before = look(nodes)?;
    network::balance(&network::rules(nodes.up(), Some(Wrong { payload })))?;
    let crowd = Crowd::start(few)?;
    sleep(WRONG);
    let (seen, after) = (crowd.look(), look(nodes)?);
    let [begun, confirmed, alerts] = std::array::from_fn(|what| after[what] - before[what]);
    let answers: u64 = seen.iter().map(|seen| seen.answers).sum();
    println!(
        "{FEW} devices have tried for {} s: {answers} answers; the nodes have begun {begun} handshakes, confirmed {confirmed} sessions \
         and sent {alerts} alerts of an unknown session",
        WRONG.as_secs()
    );
    check(begun > 0 && confirmed == 0 && answers == 0, "somebody got in")?;
    say("The map is mended");
    nodes.balance()?;
    let seen = crowd.go_on()?;
    println!("all {FEW} devices are in: {}", each_node(&seen));
    crowd.end()
}

/// All of it.
pub fn run(programs: &Path) -> io::Result<()> {
    network::make()?;
    say("Three gateways with one Redis, behind nftables; plain_server behind them");
    let mut nodes = Nodes::start(programs, Store::redis()?)?;
    in_turn(&mut nodes)?;
    wrong_map(&mut nodes)?;
    drop(nodes);
    say("The same with one PostgreSQL");
    in_turn(&mut Nodes::start(programs, Store::postgresql()?)?)?;
    println!("\nfleet-demo: all as expected");
    Ok(())
}
