//! What every store has to do, of each of them: those behind servers with Debian's servers.

use lscoap_gateway::directory::Devices;
use lscoap_gateway::groups::{Fault, Shelf, Stored};
use lscoap_gateway::store::{self, Error, Job, Jobs, Options, Outcome, Secret, Store, Worker};
use lscoap_testkit::stores;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

/// Somewhere to store, for as many nodes as come.
struct Site {
    url: String,
    /// The one store there is where a second one would be another.
    shared: Option<Arc<Store>>,
    _directory: Option<TempDir>,
    server: Option<stores::Store>,
}

/// A node's store, and a worker of it.
struct Node {
    store: Arc<Store>,
    worker: Worker,
    number: u64,
    woken: Arc<AtomicUsize>,
}

impl Site {
    fn none() -> Self {
        let shared = Some(Arc::new(store::open("none", &Options::default()).unwrap()));
        Self { url: "none".into(), shared, _directory: None, server: None }
    }

    fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/state", directory.path().display());
        Self { url, shared: None, _directory: Some(directory), server: None }
    }

    fn server(server: stores::Store) -> Self {
        Self { url: server.url(), shared: None, _directory: None, server: Some(server) }
    }

    fn node(&self) -> Node {
        self.node_with(&Options { timeout: LONG, ..Options::default() })
    }

    fn node_with(&self, options: &Options) -> Node {
        let store = self.shared.clone().unwrap_or_else(|| Arc::new(store::open(&self.url, options).unwrap()));
        let woken = Arc::<AtomicUsize>::default();
        let count = woken.clone();
        let worker = store.worker(Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        Node { store, worker, number: 0, woken }
    }
}

impl Node {
    fn submit(&mut self, job: Job) -> bool {
        self.number += 1;
        self.worker.submit(self.number, job)
    }

    fn run(&mut self, job: Job) -> Outcome {
        assert!(self.submit(job));
        let done = self.worker.wait(LONG).expect("an outcome");
        assert_eq!(done.number, self.number);
        done.outcome
    }

    /// The outcomes of jobs that are given at once, in their order.
    fn run_all(&mut self, jobs: Vec<Job>) -> Vec<Outcome> {
        let first = self.number + 1;
        let len = jobs.len();
        for job in jobs {
            assert!(self.submit(job));
        }
        let mut outcomes: HashMap<_, _> = (0..len)
            .map(|_| self.worker.wait(LONG).expect("an outcome for each"))
            .map(|done| (done.number, done.outcome))
            .collect();
        (first..=self.number).map(|number| outcomes.remove(&number).expect("its own outcome")).collect()
    }

    /// Again and again, until the store is there.
    fn insist(&mut self, mut job: impl FnMut() -> Job) -> Outcome {
        let end = Instant::now() + LONG;
        loop {
            match self.run(job()) {
                Outcome::Down if Instant::now() < end => thread::sleep(Duration::from_millis(20)),
                outcome => return outcome,
            }
        }
    }

    fn load(&mut self, cid: &[u8]) -> Option<Vec<u8>> {
        match self.run(Job::Load { cid: cid.to_vec() }) {
            Outcome::Loaded(record) => record.map(|record| record.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    fn lease(&mut self, number: u16, holder: u8, ms: u32) -> Option<u64> {
        match self.run(Job::GroupLease { number, holder: format!("holder {holder}"), ms }) {
            Outcome::Leased { token } => Some(token),
            Outcome::Conflict => None,
            other => panic!("{other:?}"),
        }
    }
}

fn save(device: &[u8], cid: &[u8], record: &[u8], count: Option<u32>) -> Job {
    Job::Save { device_id: device.to_vec(), cid: cid.to_vec(), record: secret(record), count }
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::from(bytes.to_vec())
}

/// Names that look like anything but text.
const DEVICE: &[u8] = b"\0\xff:'a";
const OTHER: &[u8] = b"\0\xff:'b";

type Behaviour = fn(&Site);

/// In one database, one after the other: starting a server takes its time.
const BEHAVIOURS: &[(&str, Behaviour)] = &[
    ("records", a_device_has_one_record),
    ("connection ids", a_connection_id_has_one_device),
    ("counts", a_count_goes_up_by_one),
    ("races", of_two_nodes_that_count_one_wins),
    ("order", jobs_are_carried_out_in_their_order),
    ("opposite", nodes_that_save_in_opposite_orders_do_not_block_each_other),
    ("still", a_record_that_was_replaced_elsewhere_is_gone),
    ("numbers", a_group_has_a_number_of_its_own),
    ("leases", a_group_is_held_by_one_node),
    ("fencing", a_node_that_lost_a_group_cannot_save_it),
    ("shelf", groups_go_from_node_to_node),
    ("devices", the_directory_is_replaced_as_a_whole),
    ("reopened", what_is_stored_survives),
];

fn all(site: &Site) {
    for (name, behaviour) in BEHAVIOURS {
        eprintln!("{name}");
        behaviour(site);
    }
}

#[test]
fn none() {
    all(&Site::none());
}

#[test]
fn sqlite() {
    all(&Site::sqlite());
}

#[test]
fn redis() {
    let site = Site::server(stores::Store::redis().unwrap());
    all(&site);
    let server = site.server.as_ref().unwrap();
    // Somebody flushes the scripts: the next job brings them back.
    let mut node = site.node();
    assert_eq!(node.run(save(DEVICE, b"s1", b"1", None)), Outcome::Done);
    server.ask(["SCRIPT", "FLUSH"]).unwrap();
    let jobs = vec![
        save(DEVICE, b"s1", b"2", Some(1)),
        Job::Load { cid: b"s1".to_vec() },
        save(OTHER, b"s2", b"3", None),
    ];
    let outcomes = node.run_all(jobs);
    assert_eq!((&outcomes[0], &outcomes[2]), (&Outcome::Done, &Outcome::Done));
    assert_eq!(node.load(b"s1").unwrap(), b"2");
    // The documented line.
    let before = node.store.devices(None).unwrap().unwrap();
    server.ask(["HSET", "lscoap:devices", &hex::encode(b"by hand"), &hex::encode(key(1))]).unwrap();
    server.ask(["INCR", "lscoap:devices:version"]).unwrap();
    devices_by_hand(&node, &before);
    server.ask(["HSET", "lscoap:devices", "6", "02"]).unwrap();
    server.ask(["INCR", "lscoap:devices:version"]).unwrap();
    assert!(
        matches!(node.store.devices(None), Err(Error::Unusable(why)) if why.contains("\"6\" is not hexadecimal"))
    );
    // Nothing of ours is outside the prefix; another prefix is another store.
    let others = "return #redis.call('KEYS', '*') - #redis.call('KEYS', 'lscoap:*')";
    assert_eq!(server.ask(["EVAL", others, "0"]).unwrap().trim(), "0");
    let other = Options { prefix: "other:".into(), ..Options::default() };
    assert_eq!(site.node_with(&other).load(b"s1"), None);
    // Of a newer version.
    server.ask(["SET", "lscoap:version", "3"]).unwrap();
    is_unusable(&site.url, "of version 3");
}

#[test]
fn postgresql() {
    let site = Site::server(stores::Store::postgresql().unwrap());
    all(&site);
    let (server, node) = (site.server.as_ref().unwrap(), site.node());
    let before = node.store.devices(None).unwrap().unwrap();
    let (id, key) = (hex::encode(b"by hand"), hex::encode(key(1)));
    server.ask([format!("INSERT INTO lscoap_devices VALUES ('\\x{id}', '\\x{key}')")]).unwrap();
    devices_by_hand(&node, &before);
    server.ask(["INSERT INTO lscoap_devices VALUES ('\\x06', '\\x02')"]).unwrap();
    assert!(matches!(node.store.devices(None), Err(Error::Unusable(why)) if why.contains("device 06 ")));
    server.ask(["UPDATE lscoap_version SET version = 3"]).unwrap();
    is_unusable(&site.url, "of version 3");
    is_unusable(&site.url.replace("/postgres?", "/nowhere?"), "does not exist");
}

fn devices_by_hand(node: &Node, before: &(u64, Devices)) {
    let (_, devices) = node.store.devices(Some(before.0)).unwrap().expect("another version");
    assert_eq!(devices.find(b"by hand"), Some(key(1)));
    assert_eq!(devices.len(), before.1.len() + 1);
}

fn is_unusable(url: &str, why: &str) {
    match store::open(url, &Options::default()) {
        Err(Error::Unusable(said)) => assert!(said.contains(why), "{said}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("{url} is used"),
    }
}

#[test]
fn a_url_that_is_none_is_refused() {
    for url in [
        "",
        "mysql://x",
        "sqlite:",
        "sqlite:/nowhere/state",
        "redis://",
        "rediss://localhost",
        "postgresql://a?b=c",
    ] {
        assert!(matches!(store::open(url, &Options::default()), Err(Error::Unusable(_))), "{url}");
    }
}

/// A password in a URL is not for the log.
#[test]
fn errors_do_not_show_passwords() {
    for url in [
        "redis://:swordfish@localhost:port/",
        "postgresql://u:swordfish@[::1/x",
        "rediss://:swordfish@localhost",
    ] {
        let Err(error) = store::open(url, &Options::default()) else { panic!("{url} is used") };
        assert!(!format!("{error} {error:?}").contains("swordfish"), "{error:?}");
    }
}

#[test]
fn a_file_with_secrets_is_for_its_owner() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let site = Site::sqlite();
    let mut node = site.node();
    assert_eq!(node.run(save(DEVICE, b"c", b"record", None)), Outcome::Done);
    let directory = site._directory.as_ref().unwrap().path();
    let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 1, "the log of SQLite, too: {files:?}");
    for file in &files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    drop(node);
    let state = directory.join("state");
    std::fs::set_permissions(&state, PermissionsExt::from_mode(0o640)).unwrap();
    is_unusable(&site.url, "chmod 600");
    symlink(&state, directory.join("link")).unwrap();
    is_unusable(&format!("sqlite:{}/link", directory.display()), "symbolic link");
}

#[test]
fn a_file_of_another_program_or_version_is_refused() {
    let site = Site::sqlite();
    drop(site.node());
    let path = site.url.strip_prefix("sqlite:").unwrap();
    let set = |pragma: &str| rusqlite::Connection::open(path).unwrap().execute_batch(pragma).unwrap();
    set("PRAGMA user_version = 3");
    is_unusable(&site.url, "of version 3, and this program knows version 2");
    set("PRAGMA user_version = 1");
    is_unusable(&site.url, "secure_server");
    set("PRAGMA application_id = 7");
    is_unusable(&site.url, "another program");
}

/// Another process that writes makes jobs wait, and then fail; it does not make the store useless.
#[test]
fn a_file_that_somebody_else_writes_to_is_down_for_a_while() {
    let site = Site::sqlite();
    let mut node = site.node_with(&Options { timeout: Duration::from_millis(50), ..Options::default() });
    assert_eq!(node.run(save(DEVICE, b"c", b"1", None)), Outcome::Done);
    let other = rusqlite::Connection::open(site.url.strip_prefix("sqlite:").unwrap()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(node.run(save(DEVICE, b"c", b"2", Some(1))), Outcome::Down);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(node.insist(|| save(DEVICE, b"c", b"3", Some(1))), Outcome::Done);
    assert_eq!(node.load(b"c").unwrap(), b"3");
}

/// Jobs that wait together are one transaction.
#[test]
fn what_waits_is_one_batch() {
    let site = Site::sqlite();
    let mut node = site.node();
    assert_eq!(node.run(save(DEVICE, b"c", b"1", None)), Outcome::Done);
    let before = node.store.counts().batches.get();
    let other = rusqlite::Connection::open(site.url.strip_prefix("sqlite:").unwrap()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 0..40_u8 {
        assert!(node.submit(save(&[number], &[number], b"r", None)));
    }
    other.execute_batch("ROLLBACK").unwrap();
    for _ in 0..40 {
        assert_eq!(node.worker.wait(LONG).expect("an outcome").outcome, Outcome::Done);
    }
    assert!(node.store.counts().batches.get() <= before + 2, "the first, and what came while it waited");
    assert_eq!(node.store.counts().jobs.get(), 41);
}

#[test]
fn redis_that_dies_comes_back() {
    a_server_that_dies_comes_back(stores::Store::redis().unwrap());
}

#[test]
fn postgresql_that_dies_comes_back() {
    a_server_that_dies_comes_back(stores::Store::postgresql().unwrap());
}

fn a_server_that_dies_comes_back(server: stores::Store) {
    let mut site = Site::server(server);
    let mut node = site.node();
    let up = |node: &Node| node.store.counts().up.get();
    let names: Vec<_> = (0..400_u32).map(|number| number.to_be_bytes()).collect();
    // Killed at work: an outcome for every job, and what is done is stored.
    for name in &names {
        assert!(node.submit(save(name, name, b"record", None)));
    }
    let mut done = Vec::new();
    let first = node.worker.wait(LONG).expect("an outcome");
    site.server.as_mut().unwrap().kill().unwrap();
    done.push((first.number, first.outcome));
    while done.len() < names.len() {
        let next = node.worker.wait(LONG).expect("an outcome for each");
        done.push((next.number, next.outcome));
    }
    // Down: at once, and it is counted.
    let failed = node.store.counts().failures.get();
    assert_eq!(node.insist_down(), Outcome::Down);
    assert_eq!(node.run(Job::Delete { device_id: DEVICE.to_vec() }), Outcome::Down);
    assert_eq!(up(&node), 0);
    assert!(node.store.counts().failures.get() >= failed + 2);
    // A node that starts now starts.
    let mut late = site.node();
    assert_eq!(late.run(Job::Load { cid: b"x".to_vec() }), Outcome::Down);
    site.server.as_mut().unwrap().start().unwrap();
    for node in [&mut node, &mut late] {
        assert!(matches!(node.insist(|| Job::Load { cid: b"x".to_vec() }), Outcome::Loaded(None)));
        assert_eq!(up(node), 1);
    }
    for (number, outcome) in done {
        let name = &names[number as usize - 1];
        match outcome {
            Outcome::Done => assert_eq!(node.load(name).as_deref(), Some(&b"record"[..])),
            Outcome::Down => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(node.store.counts().queue.get(), 0);
}

impl Node {
    /// Until the store is seen to be down.
    fn insist_down(&mut self) -> Outcome {
        let end = Instant::now() + LONG;
        loop {
            match self.run(Job::Load { cid: b"x".to_vec() }) {
                Outcome::Loaded(_) if Instant::now() < end => thread::sleep(Duration::from_millis(20)),
                outcome => return outcome,
            }
        }
    }
}

/// A server that does not answer: jobs fail in their time, the queue is full at its size, and nothing waits to hand a job over.
#[test]
fn a_server_that_hangs_is_down_and_a_full_queue_refuses() {
    let site = Site::server(stores::Store::redis().unwrap());
    let options = Options { timeout: Duration::from_millis(300), queue: 4, ..Options::default() };
    let mut node = site.node_with(&options);
    assert_eq!(node.run(save(DEVICE, b"c", b"1", None)), Outcome::Done);
    site.server.as_ref().unwrap().freeze().unwrap();
    let mut taken = 0;
    for _ in 0..600 {
        taken += usize::from(node.submit(Job::Load { cid: b"c".to_vec() }));
    }
    assert!((4..600).contains(&taken), "{taken}");
    assert_eq!(node.store.counts().refused.get(), 600 - taken as u64);
    for _ in 0..taken {
        assert_eq!(node.worker.wait(LONG).expect("an outcome").outcome, Outcome::Down);
    }
    site.server.as_ref().unwrap().thaw().unwrap();
    assert_eq!(node.insist(|| save(DEVICE, b"c", b"2", None)), Outcome::Done);
    assert_eq!(node.load(b"c").unwrap(), b"2");
}

/// PostgreSQL keeps a transaction that was not finished apart: a batch that waits for somebody's lock is given up whole.
#[test]
fn a_table_that_is_locked_is_down() {
    let site = Site::server(stores::Store::postgresql().unwrap());
    let mut node = site.node_with(&Options { timeout: Duration::from_millis(1000), ..Options::default() });
    assert_eq!(node.insist(|| save(DEVICE, b"c", b"1", None)), Outcome::Done);
    let server = site.server.as_ref().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| server.ask(["BEGIN; LOCK TABLE lscoap_resume; SELECT pg_sleep(4); COMMIT"]).unwrap());
        let locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted";
        while server.ask([locked]).unwrap().trim() == "0" {
            thread::sleep(Duration::from_millis(20));
        }
        let jobs = vec![save(OTHER, b"d", b"2", None), save(DEVICE, b"c", b"2", Some(1))];
        assert_eq!(node.run_all(jobs), [Outcome::Down, Outcome::Down]);
    });
    // None of it was done, and none of it will be.
    assert_eq!(node.insist(|| save(DEVICE, b"c", b"3", Some(1))), Outcome::Done);
    assert_eq!((node.load(b"c").unwrap(), node.load(b"d")), (b"3".to_vec(), None));
}

fn a_device_has_one_record(site: &Site) {
    let (mut one, mut two) = (site.node(), site.node());
    assert_eq!(one.load(b"a1"), None);
    assert_eq!(one.run(save(DEVICE, b"a1", b"first\0\xff", None)), Outcome::Done);
    assert_eq!(two.load(b"a1").unwrap(), b"first\0\xff");
    assert_eq!(two.run(save(DEVICE, b"a1", b"again", None)), Outcome::Done);
    assert_eq!(one.load(b"a1").unwrap(), b"again");
    assert_eq!(two.run(save(DEVICE, b"a2", b"second", None)), Outcome::Done);
    assert_eq!((one.load(b"a1"), one.load(b"a2").unwrap()), (None, b"second".to_vec()));
    assert_eq!(one.run(save(OTHER, b"a3", b"third", None)), Outcome::Done);
    assert_eq!(one.run(Job::Delete { device_id: DEVICE.to_vec() }), Outcome::Done);
    assert_eq!((two.load(b"a2"), two.load(b"a3").unwrap()), (None, b"third".to_vec()));
    assert_eq!(two.run(Job::Delete { device_id: DEVICE.to_vec() }), Outcome::Done, "none to delete");
    assert_eq!(two.run(Job::Delete { device_id: OTHER.to_vec() }), Outcome::Done);
}

fn a_connection_id_has_one_device(site: &Site) {
    let mut node = site.node();
    assert_eq!(node.run(save(DEVICE, b"i1", b"one", None)), Outcome::Done);
    assert_eq!(node.run(save(OTHER, b"i1", b"other", None)), Outcome::Done);
    assert_eq!(node.load(b"i1").unwrap(), b"other");
    assert_eq!(node.run(save(DEVICE, b"i2", b"two", None)), Outcome::Done);
    assert_eq!((node.load(b"i1").unwrap(), node.load(b"i2").unwrap()), (b"other".to_vec(), b"two".to_vec()));
    assert_eq!(node.run(Job::Delete { device_id: DEVICE.to_vec() }), Outcome::Done);
    assert_eq!((node.load(b"i1").unwrap(), node.load(b"i2")), (b"other".to_vec(), None));
}

fn a_count_goes_up_by_one(site: &Site) {
    let (mut one, mut two) = (site.node(), site.node());
    assert_eq!(one.run(save(DEVICE, b"b1", b"x", Some(1))), Outcome::Conflict, "nothing to count");
    assert_eq!(one.run(save(DEVICE, b"b1", b"0", None)), Outcome::Done);
    assert_eq!(one.run(save(DEVICE, b"b1", b"x", Some(0))), Outcome::Conflict);
    assert_eq!(one.run(save(DEVICE, b"b1", b"x", Some(2))), Outcome::Conflict);
    assert_eq!(one.run(save(DEVICE, b"b1", b"1", Some(1))), Outcome::Done);
    assert_eq!(two.run(save(DEVICE, b"b1", b"x", Some(1))), Outcome::Conflict);
    assert_eq!(two.run(save(OTHER, b"b1", b"x", Some(2))), Outcome::Conflict, "another device");
    assert_eq!(two.run(save(DEVICE, b"b2", b"x", Some(2))), Outcome::Conflict, "another connection id");
    assert_eq!(one.load(b"b1").unwrap(), b"1");
    assert_eq!(two.run(save(DEVICE, b"b1", b"2", Some(2))), Outcome::Done);
    assert_eq!(one.load(b"b1").unwrap(), b"2");
    let before = two.store.counts().conflicts.get();
    assert_eq!(two.run(save(DEVICE, b"b2", b"new", None)), Outcome::Done);
    assert_eq!(two.run(save(DEVICE, b"b1", b"x", Some(3))), Outcome::Conflict, "replaced meanwhile");
    assert_eq!(two.store.counts().conflicts.get(), before + 1);
    assert_eq!(one.run(save(DEVICE, b"b2", b"1", Some(1))), Outcome::Done, "a new record counts from 0");
    assert_eq!(one.run(save(DEVICE, b"b2", b"x", Some(65_536))), Outcome::Conflict);
    assert_eq!(one.run(save(DEVICE, b"b2", b"x", Some(u32::MAX))), Outcome::Conflict);
    assert_eq!(one.load(b"b2").unwrap(), b"1");
}

fn of_two_nodes_that_count_one_wins(site: &Site) {
    const ROUNDS: u32 = 60;
    let mut node = site.node();
    assert_eq!(node.run(save(DEVICE, b"r", b"0", None)), Outcome::Done);
    let start = std::sync::Barrier::new(2);
    let wins: Vec<Vec<bool>> = thread::scope(|scope| {
        let nodes: Vec<_> = (0..2_u8)
            .map(|name| {
                let start = &start;
                scope.spawn(move || {
                    let mut node = site.node();
                    let round = |count| {
                        start.wait();
                        match node.run(save(DEVICE, b"r", &[name, count as u8], Some(count))) {
                            Outcome::Done => true,
                            Outcome::Conflict => false,
                            other => panic!("{other:?}"),
                        }
                    };
                    (1..=ROUNDS).map(round).collect()
                })
            })
            .collect();
        nodes.into_iter().map(|node| node.join().unwrap()).collect()
    });
    assert!(wins[0].iter().zip(&wins[1]).all(|(one, two)| one != two), "{wins:?}");
    let winner = u8::from(wins[1][ROUNDS as usize - 1]);
    assert_eq!(node.load(b"r").unwrap(), [winner, ROUNDS as u8]);
}

fn jobs_are_carried_out_in_their_order(site: &Site) {
    let mut node = site.node();
    let mut jobs = vec![save(DEVICE, b"o", b"", None)];
    for count in 1..=100_u32 {
        jobs.push(save(DEVICE, b"o", &count.to_be_bytes(), Some(count)));
        jobs.push(Job::Load { cid: b"o".to_vec() });
    }
    let outcomes = node.run_all(jobs);
    for (count, pair) in (1..=100_u32).zip(outcomes[1..].chunks(2)) {
        let loaded = Outcome::Loaded(Some(secret(&count.to_be_bytes())));
        assert_eq!((&pair[0], &pair[1]), (&Outcome::Done, &loaded));
    }
    let batches = node.store.counts().batches.get();
    assert!(
        (1..=batches).contains(&(node.woken.load(Ordering::SeqCst) as u64)),
        "woken once a batch at most"
    );
}

fn nodes_that_save_in_opposite_orders_do_not_block_each_other(site: &Site) {
    let names: Vec<_> = (0..40_u8).map(|number| [b'p', number]).collect();
    let saves = |count: Option<u32>| names.iter().map(move |name| save(name, name, b"", count));
    let mut node = site.node();
    assert!(node.run_all(saves(None).collect()).iter().all(|outcome| *outcome == Outcome::Done));
    let mut other = site.node();
    for _ in 0..5 {
        thread::scope(|scope| {
            let forward = scope.spawn(|| node.run_all(saves(None).collect()));
            let backward = other.run_all(saves(None).rev().collect());
            for outcome in forward.join().unwrap().iter().chain(&backward) {
                assert_eq!(*outcome, Outcome::Done);
            }
        });
    }
}

fn a_record_that_was_replaced_elsewhere_is_gone(site: &Site) {
    let (mut here, mut there) = (site.node(), site.node());
    for (device, cid) in [(DEVICE, b"t1"), (OTHER, b"t2")] {
        assert_eq!(here.run(save(device, cid, b"r", None)), Outcome::Done);
    }
    let ask = || Job::Still { cids: vec![b"t1".to_vec(), b"t2".to_vec(), b"t3".to_vec()] };
    assert_eq!(here.run(ask()), Outcome::Gone(vec![b"t3".to_vec()]));
    assert_eq!(there.run(save(DEVICE, b"t4", b"r", None)), Outcome::Done);
    assert_eq!(here.run(ask()), Outcome::Gone(vec![b"t1".to_vec(), b"t3".to_vec()]));
    assert_eq!(here.run(Job::Still { cids: Vec::new() }), Outcome::Gone(Vec::new()));
}

fn a_group_has_a_number_of_its_own(site: &Site) {
    let mut node = site.node();
    assert_eq!(node.run(Job::GroupList), Outcome::Groups(Vec::new()));
    let mut numbers: Vec<u16> = thread::scope(|scope| {
        let asking: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| match site.node().run(Job::GroupNew) {
                    Outcome::Group(number) => number,
                    other => panic!("{other:?}"),
                })
            })
            .collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3]);
    // It is a group once it has a state.
    for number in [3, 1] {
        let token = node.lease(number, 1, 600_000).unwrap();
        let state = secret(b"state");
        assert_eq!(node.run(Job::GroupSave { number, token, state }), Outcome::Done);
    }
    assert!(node.lease(2, 1, 600_000).is_some());
    assert_eq!(node.run(Job::GroupList), Outcome::Groups(vec![1, 3]));
    assert_eq!(node.run(Job::GroupNew), Outcome::Group(4));
}

fn a_group_is_held_by_one_node(site: &Site) {
    const MINUTES: u32 = 600_000;
    let (mut one, mut two) = (site.node(), site.node());
    assert_eq!(one.run(Job::GroupLoad { number: 7 }), Outcome::Loaded(None));
    let token = one.lease(7, 1, MINUTES).unwrap();
    assert_eq!(two.lease(7, 2, MINUTES), None);
    assert_eq!(two.lease(8, 2, MINUTES), Some(1), "another group");
    assert_eq!(one.lease(7, 1, MINUTES), Some(token), "it goes on holding it");
    assert_eq!(one.lease(7, 1, 0), Some(token), "and gives it back");
    let next = two.lease(7, 2, MINUTES).unwrap();
    assert_eq!(next, token + 1);
    assert_eq!(one.lease(7, 1, MINUTES), None);
    // It runs out.
    assert_eq!(two.lease(7, 2, 1), Some(next));
    let end = Instant::now() + LONG;
    let mut taken = None;
    while taken.is_none() && Instant::now() < end {
        taken = one.lease(7, 1, MINUTES);
    }
    assert_eq!(taken, Some(next + 1));
    // Of many that ask at once one gets it.
    let held: usize = thread::scope(|scope| {
        let asking: Vec<_> = (10..14)
            .map(|holder| scope.spawn(move || site.node().lease(9, holder, MINUTES).is_some()))
            .collect();
        asking.into_iter().map(|asked| usize::from(asked.join().unwrap())).sum()
    });
    assert_eq!(held, 1);
}

fn a_node_that_lost_a_group_cannot_save_it(site: &Site) {
    let (mut one, mut two) = (site.node(), site.node());
    let put = |token, state: &[u8]| Job::GroupSave { number: 17, token, state: secret(state) };
    assert_eq!(one.run(put(1, b"x")), Outcome::Conflict, "nobody holds it");
    let old = one.lease(17, 1, 600_000).unwrap();
    assert_eq!(one.run(put(old, b"first")), Outcome::Done);
    assert_eq!(one.lease(17, 1, 0), Some(old));
    let new = two.lease(17, 2, 600_000).unwrap();
    let stored = |state: &[u8]| Outcome::Loaded(Some(secret(state)));
    assert_eq!(two.run(Job::GroupLoad { number: 17 }), stored(b"first"));
    assert_eq!(one.run(put(old, b"late")), Outcome::Conflict);
    assert_eq!(two.run(put(new, &[7; 100_000])), Outcome::Done);
    assert_eq!(one.run(Job::GroupLoad { number: 17 }), stored(&[7; 100_000]));
    assert_eq!(two.run(Job::GroupLoad { number: 18 }), Outcome::Loaded(None));
}

/// What the owner of groups sees of all that.
fn groups_go_from_node_to_node(site: &Site) {
    let (here, there) = (site.node(), site.node());
    let (mut one, mut two) = (Stored::new(&here.store).unwrap(), Stored::new(&there.store).unwrap());
    let number = one.number().unwrap();
    let token = one.lease(number, None, 600_000).unwrap();
    assert_eq!(one.load(number, token), Ok(None));
    assert_eq!(one.save(number, token, secret(b"one")), Ok(()));
    assert!(two.list().unwrap().contains(&number));
    assert_eq!(two.lease(number, None, 600_000), Err(Fault::Lost));
    assert_eq!(one.lease(number, Some(token), 600_000), Ok(token));
    one.release(number, token);
    let newer = two.lease(number, None, 600_000).unwrap();
    assert_eq!(two.load(number, newer), Ok(Some(secret(b"one"))));
    assert_eq!(one.save(number, token, secret(b"late")), Err(Fault::Lost));
    two.release(number, newer);
    // Its own again, but not as it was.
    assert_eq!(one.lease(number, Some(token), 600_000), Err(Fault::Lost));
    let newest = one.lease(number, None, 600_000).unwrap();
    assert!(newest > newer && newer > token);
    assert_eq!(one.save(number, newest, secret(b"two")), Ok(()));
}

/// A key that is a point; different ones for different numbers.
fn key(number: u8) -> [u8; 33] {
    let mut secret = [0; 32];
    secret[31] = number;
    lscoap::enrolment::public_key(&secret).unwrap()
}

fn the_directory_is_replaced_as_a_whole(site: &Site) {
    let (one, two) = (site.node(), site.node());
    let (empty, none) = one.store.devices(None).unwrap().unwrap();
    assert!(none.is_empty());
    assert_eq!(one.store.devices(Some(empty)).unwrap(), None);
    let first = Devices::new([(DEVICE.to_vec(), key(1)), (OTHER.to_vec(), key(2))]);
    one.store.put_devices(&first).unwrap();
    let (version, devices) = two.store.devices(Some(empty)).unwrap().expect("another version");
    assert_eq!(devices, first);
    assert_eq!(two.store.devices(Some(version)).unwrap(), None);
    let second = Devices::new([(DEVICE.to_vec(), key(3))]);
    two.store.put_devices(&second).unwrap();
    let (_, devices) = one.store.devices(Some(version)).unwrap().expect("another version");
    assert_eq!(devices, second);
    assert_eq!(first.gone_in(&devices).count(), 2);
}

fn what_is_stored_survives(site: &Site) {
    let mut node = site.node();
    assert_eq!(node.run(save(DEVICE, b"v", b"0", None)), Outcome::Done);
    assert_eq!(node.run(save(DEVICE, b"v", b"1", Some(1))), Outcome::Done);
    let token = node.lease(27, 1, 600_000).unwrap();
    assert_eq!(node.run(Job::GroupSave { number: 27, token, state: secret(b"state") }), Outcome::Done);
    drop(node);
    let mut node = site.node();
    assert_eq!(node.load(b"v").unwrap(), b"1");
    assert_eq!(node.run(save(DEVICE, b"v", b"x", Some(1))), Outcome::Conflict);
    assert_eq!(node.run(save(DEVICE, b"v", b"2", Some(2))), Outcome::Done);
    assert_eq!(node.run(Job::GroupLoad { number: 27 }), Outcome::Loaded(Some(secret(b"state"))));
    assert_eq!(node.lease(27, 2, 600_000), None);
}

/// All that was handed over is carried out before a store ends.
#[test]
fn a_store_that_is_closed_has_done_its_jobs() {
    let site = Site::sqlite();
    let store = store::open(&site.url, &Options::default()).unwrap();
    let mut worker = store.worker(Box::new(|| {}));
    for number in 0..50_u64 {
        assert!(worker.submit(number, save(&number.to_be_bytes(), &number.to_be_bytes()[1..], b"r", None)));
    }
    drop(worker);
    store.close();
    let mut node = site.node();
    assert!((0..50_u64).all(|number| node.load(&number.to_be_bytes()[1..]).is_some()));
}
