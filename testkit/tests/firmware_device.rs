//! The emulated device of `c-examples/firmware/device`, on the network with the C server. LSCOAP_FIRMWARE names the
//! directory with a build for each board and with the enrolment that the images were built with.

#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "secure/coap.rs"]
mod coap;
#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "secure/middle.rs"]
mod middle;
#[path = "secure/recorder.rs"]
mod recorder;

use std::collections::HashSet;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write, stderr};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use coap::{CHANGED, CONTENT_FORMAT, HANDSHAKE, Message, UNAUTHORIZED};
use lscoap_testkit::identities::{Identity, write_key};
use lscoap_testkit::process::{Finished, Program, Server, free_udp_port, run};
use lscoap_testkit::programs::directory;
use lscoap_testkit::relay::{Direction, Relay, RelayConfig, Verdict};
use middle::Middle;
use recorder::{chance, recording};
use tempfile::TempDir;

const VARIABLE: &str = "LSCOAP_FIRMWARE";
/// More than the limit of run.sh, which ends QEMU too.
const LONG: Duration = Duration::from_secs(200);
/// A Cortex-M3, a Cortex-M4 and a microcontroller that one can buy.
const BOARDS: [&str; 3] = ["mps2-an385", "mps2-an386", "lm3s6965evb"];
const PROFILES: [&str; 2] = ["signed", "express"];
const DEVICE: &str = "firmware-1";
/// As many as GET shows; without them, each GET shows others.
const READINGS: &str = r#"{"Data":[{"timeStamp":1,"value":11},{"timeStamp":2,"value":12},{"timeStamp":3,"value":13},
{"timeStamp":4,"value":14},{"timeStamp":5,"value":15},{"timeStamp":6,"value":16}]}"#;

/// The firmware builds, or a loud word that this test did not run: not by eprintln!, which is shown for failed tests
/// only, and in one piece, since tests run side by side.
fn firmware(test: &str) -> Option<PathBuf> {
    let builds = env::var_os(VARIABLE).map(PathBuf::from);
    if builds.is_none() {
        let word = format!("SKIPPED: firmware_device {test}: {VARIABLE} is not set\n");
        stderr().write_all(word.as_bytes()).expect("standard error");
    }
    builds
}

fn program(name: &str) -> Command {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        directory(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("secure-programs")).expect("the C programs")
    };
    Command::new(DIRECTORY.get_or_init(build).join(name))
}

/// A server that the firmware was enrolled with, and a directory of devices of its own.
struct Site {
    firmware: PathBuf,
    dir: TempDir,
    server: Server,
}

impl Site {
    /// A server that knows the firmware's device and another one.
    fn start(firmware: &Path) -> Site {
        let enrolled = fs::read_to_string(firmware.join("enrolment/devices.txt")).expect("devices.txt");
        Site::start_with(firmware, &enrolled)
    }

    /// A server that knows these devices and another one.
    fn start_with(firmware: &Path, devices: &str) -> Site {
        Site::start_as(firmware, devices, &[])
    }

    /// The same with more arguments.
    fn start_as(firmware: &Path, devices: &str, more: &[&str]) -> Site {
        let dir = TempDir::new().expect("a directory");
        let other = Identity::generate().expect("a key");
        let list = dir.path().join("devices.txt");
        fs::write(&list, format!("{devices}{}\n", other.device_string("other"))).expect("devices.txt");
        write_key(&dir.path().join("other.key"), &other).expect("other.key");
        let mut command = program("secure_server");
        command.args(["-p", "0", "-k"]).arg(firmware.join("enrolment/server.key")).arg("-d").arg(list);
        command.current_dir(dir.path()).args(more);
        let server = Server::start(&mut command).expect("a server");
        Site { firmware: firmware.to_owned(), dir, server }
    }

    fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// The device, emulated, with a server on this machine.
    fn emulator(&self, board: &str, to: SocketAddr, arguments: &[&str]) -> Command {
        self.emulator_behind("", board, to, arguments)
    }

    /// The same with more said of its network.
    fn emulator_behind(&self, more: &str, board: &str, to: SocketAddr, arguments: &[&str]) -> Command {
        assert!(to.ip().is_loopback(), "10.0.2.2 is the loopback address");
        let mut config = format!("arg=port={}", to.port());
        for argument in arguments {
            config += &format!(",arg={argument}");
        }
        let nic = if board == "lm3s6965evb" { "user,model=stellaris" } else { "user,model=lan9118" };
        let nic = &format!("{nic}{more}");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../c-examples/firmware/run.sh");
        let mut command = Command::new(script);
        command.arg(board).arg(self.firmware.join(board).join("device/device.elf")).args([
            "-nic",
            nic,
            "-semihosting-config",
            &config,
        ]);
        command
    }

    /// Runs it to its end.
    fn device(&self, board: &str, to: SocketAddr, arguments: &[&str]) -> Finished {
        run(&mut self.emulator(board, to, arguments), LONG).expect("QEMU")
    }

    /// A device that has to succeed; gives what it printed.
    fn good(&self, board: &str, to: SocketAddr, arguments: &[&str]) -> String {
        let finished = self.device(board, to, arguments);
        assert_eq!(finished.code, Some(0), "{board} {arguments:?}: {finished:?}");
        finished.stdout
    }

    /// The other device, on this machine; gives what it printed.
    fn client(&self, arguments: &[&str]) -> String {
        let server = self.server.program.stdout();
        let server = server.lines().find(|line| line.starts_with("LSS2:")).expect("the server's string");
        let mut command = program("secure_client");
        command.arg("-k").arg(self.dir.path().join("other.key"));
        command.args(["-i", "other", "-s", server, "-u", &format!("coap://{}", self.addr())]).args(arguments);
        let finished = run(&mut command, LONG).expect("a client");
        assert_eq!(finished.code, Some(0), "{arguments:?} {finished:?}");
        finished.stdout
    }

    /// Ends the server, which has to end well; gives what it printed.
    fn end(mut self) -> String {
        let status = self.server.program.terminate().expect("an end");
        assert_eq!(status.code(), Some(0), "{}", self.server.program.stderr());
        self.server.program.stdout()
    }
}

/// The document among what was printed.
fn body(printed: &str) -> &str {
    printed.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no body in:\n{printed}"))
}

/// How often the device sent something again. A busy machine may make it more than it has to be.
fn retransmissions(printed: &str) -> u32 {
    let count = |line: &str| line.strip_suffix(" retransmissions")?.rsplit(' ').next()?.parse().ok();
    printed.lines().find_map(count).unwrap_or_else(|| panic!("no count in:\n{printed}"))
}

fn assert_story(printed: &str, story: &[&str]) {
    let mut rest = printed;
    for part in story {
        let at = rest.find(part).unwrap_or_else(|| panic!("no '{part}' in its place in:\n{printed}"));
        rest = &rest[at + part.len()..];
    }
}

/// What the device tells of its handshake; its id is two bytes longer than that in the documentation.
fn handshake(profile: &str) -> &'static [&'static str] {
    match profile {
        "signed" => {
            &["M1 sent (44 bytes)", "M2 received (35 bytes)", "M3 sent (75 bytes)", "M4 received (73 bytes)"]
        }
        _ => &["X1 sent (52 bytes)", "X2 received (42 bytes)"],
    }
}

#[test]
fn gets_what_other_clients_get_and_posts() {
    let Some(firmware) = firmware("gets_what_other_clients_get_and_posts") else { return };
    for board in BOARDS {
        for profile in PROFILES {
            let site = Site::start(&firmware);
            site.client(&["PUT", "/index", READINGS]);
            let expected = site.client(&["GET", "/index"]);
            let told =
                site.good(board, site.addr(), &[&format!("profile={profile}"), "gets=2", "post=37.25"]);
            assert_story(&told, handshake(profile));
            assert_story(
                &told,
                &["Server authenticated!", "GET /index: 2.05", "GET /index: 2.05", "POST /index: 2.04"],
            );
            assert_eq!(body(&told), body(&expected), "{board} {profile}");
            let newest = site.client(&["GET", "/index?readings=1"]);
            assert!(body(&newest).contains("\"value\":37.25"), "{newest}");

            let (_, fingerprint) = told.split_once("Session fingerprint ").expect("a fingerprint");
            let served = site.end();
            let confirmed = format!("Device {DEVICE}, session fingerprint {}", &fingerprint[..16]);
            assert_story(&served, &[&confirmed, &format!("POST /index from {DEVICE}: 2.04")]);
        }
    }
}

#[test]
fn nobody_who_is_not_enrolled() {
    let Some(firmware) = firmware("nobody_who_is_not_enrolled") else { return };
    let refused = |site: &Site, board, profile: &str, why| {
        let finished = site.device(board, site.addr(), &[&format!("profile={profile}")]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stdout.contains(why), "{finished:?}");
        assert!(!finished.stdout.contains("Server authenticated!"), "{finished:?}");
    };
    let goes_on = |site: Site| {
        site.client(&["GET", "/index"]);
        let served = site.end();
        assert!(!served.contains(&format!("/index from {DEVICE}")), "{served}");
    };
    let site = Site::start_with(&firmware, "");
    for board in BOARDS {
        for profile in PROFILES {
            refused(&site, board, profile, "Refused: the server does not know this device");
        }
    }
    goes_on(site);

    // Somebody else of that id. With the express profile it is the device that finds out, after waiting for an answer
    // that verifies for as long as it retransmits.
    let impostor = Identity::generate().expect("a key").device_string(DEVICE) + "\n";
    let site = Site::start_with(&firmware, &impostor);
    refused(&site, BOARDS[0], "signed", "Failed: ");
    goes_on(site);
}

/// Loses every datagram of a direction when it comes for the first time, and doubles the others.
fn lossy(to: SocketAddr, lost: Direction) -> Relay {
    let seen = Mutex::new(HashSet::new());
    let mut config = RelayConfig::new(to).watch(move |direction, datagram| {
        let new = seen.lock().expect("nobody panicked").insert((direction, datagram.to_vec()));
        if direction == lost && new { Verdict::Drop } else { Verdict::Pass }
    });
    match lost {
        Direction::Up => config.up.duplicate = 1.0,
        Direction::Down => config.down.duplicate = 1.0,
    }
    Relay::start(config).expect("a relay")
}

#[test]
fn lost_requests_are_sent_again() {
    let Some(firmware) = firmware("lost_requests_are_sent_again") else { return };
    let site = Site::start(&firmware);
    let relay = lossy(site.addr(), Direction::Up);
    let told = site.good(BOARDS[1], relay.addr(), &["profile=express", "post=41"]);
    assert!(retransmissions(&told) >= 3, "{told}");
    let served = site.end();
    assert_eq!(served.matches(&format!("POST /index from {DEVICE}: 2.04")).count(), 1, "{served}");
}

#[test]
fn lost_answers_are_asked_for_again() {
    let Some(firmware) = firmware("lost_answers_are_asked_for_again") else { return };
    let site = Site::start(&firmware);
    let relay = lossy(site.addr(), Direction::Down);
    let told = site.good(BOARDS[0], relay.addr(), &["profile=signed", "post=43"]);
    assert!(retransmissions(&told) >= 4, "{told}");
    let served = site.end();
    assert_eq!(served.matches(&format!("POST /index from {DEVICE}: 2.04")).count(), 1, "{served}");
    assert!(served.contains("a retransmitted request got its answer again"), "{served}");
}

/// The first proof of the server and the first sealed answer are damaged: the device waits for the true ones.
#[test]
fn forged_answers_change_nothing() {
    let Some(firmware) = firmware("forged_answers_change_nothing") else { return };
    for (board, profile, proof, name) in
        [(BOARDS[0], "signed", 0x14, "M4 received"), (BOARDS[1], "express", 0x16, "X2 received")]
    {
        let site = Site::start(&firmware);
        let forged = Mutex::new(HashSet::new());
        let middle = Middle::start(site.addr(), move |direction, message| {
            let mut message = message.clone();
            let first = message.payload.first().copied();
            if direction == Direction::Down
                && (first == Some(proof) || message.is_sealed())
                && forged.lock().expect("nobody panicked").insert(first)
            {
                *message.payload.last_mut().expect("a payload") ^= 1;
            }
            vec![message]
        });
        let told = site.good(board, middle.addr(), &[&format!("profile={profile}")]);
        assert_story(&told, &[name, name, "Server authenticated!", "GET /index: 2.05", "POST /index: 2.04"]);
        assert!(retransmissions(&told) >= 2, "{told}");
        site.end();
    }
}

/// An alert in the clear, as the answer to the same request.
fn alert(message: &Message, code: u8) -> Message {
    let options = vec![(CONTENT_FORMAT, HANDSHAKE.to_be_bytes().to_vec())];
    Message { code: UNAUTHORIZED, options, payload: vec![0x1F, code], ..message.clone() }
}

/// What a server or anybody else can say to end a session.
const LOST: [u8; 2] = [2, 5];

/// An alert comes before each sealed answer: the device asks once more, and takes the answer all the same.
#[test]
fn a_forged_alert_ends_nothing() {
    let Some(firmware) = firmware("a_forged_alert_ends_nothing") else { return };
    for code in LOST {
        let site = Site::start(&firmware);
        let middle = Middle::start(site.addr(), move |direction, message| {
            let forged = (direction == Direction::Down && message.is_sealed()).then(|| alert(message, code));
            forged.into_iter().chain([message.clone()]).collect()
        });
        let told = site.good(BOARDS[0], middle.addr(), &["profile=express", "post=44"]);
        assert_story(&told, &["Server authenticated!", "GET /index: 2.05", "POST /index: 2.04"]);
        assert!(!told.contains("R1 sent"), "{told}");
        assert_eq!(told.matches("X1 sent").count(), 1, "{told}");
        let served = site.end();
        assert_eq!(served.matches(&format!("POST /index from {DEVICE}: 2.04")).count(), 1, "{served}");
    }
}

/// Two alerts to the same sealed request: the device resumes.
#[test]
fn a_lost_session_is_made_again() {
    let Some(firmware) = firmware("a_lost_session_is_made_again") else { return };
    for code in LOST {
        let site = Site::start(&firmware);
        let told_so = AtomicUsize::new(0);
        let middle = Middle::start(site.addr(), move |direction, message| {
            let first = direction == Direction::Down && message.is_sealed();
            let changed = first && told_so.fetch_add(1, Ordering::Relaxed) < 2;
            vec![if changed { alert(message, code) } else { message.clone() }]
        });
        let told = site.good(BOARDS[1], middle.addr(), &["profile=express"]);
        assert_story(
            &told,
            &[
                "X1 sent",
                "Server authenticated!",
                "R1 sent",
                "R2 received",
                "GET /index: 2.05",
                "POST /index: 2.04",
            ],
        );
        site.end();
    }
}

/// A session that is lost while a POST is out: the device does not send it in another one.
#[test]
fn a_post_is_not_executed_twice() {
    let Some(firmware) = firmware("a_post_is_not_executed_twice") else { return };
    let site = Site::start(&firmware);
    let middle = Middle::start(site.addr(), |direction, message| {
        let posted = direction == Direction::Down && message.is_sealed() && message.code == CHANGED;
        vec![if posted { alert(message, 5) } else { message.clone() }]
    });
    let finished = site.device(BOARDS[0], middle.addr(), &["profile=express", "post=45"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_story(&finished.stdout, &["GET /index: 2.05", "R1 sent", "may have been executed or not"]);
    let served = site.end();
    assert_eq!(served.matches(&format!("POST /index from {DEVICE}: 2.04")).count(), 1, "{served}");
}

#[test]
fn paths_and_queries_are_options() {
    let Some(firmware) = firmware("paths_and_queries_are_options") else { return };
    let site = Site::start(&firmware);
    site.client(&["PUT", "/index", READINGS]);
    for (path, same) in
        [("index", "/index"), ("/%69ndex", "/index"), ("/index?readings=2", "/index?readings=2")]
    {
        let expected = site.client(&["GET", same]);
        let argument = format!("path={path}");
        let told = site.good(BOARDS[1], site.addr(), &["profile=express", &argument, "post="]);
        assert_story(&told, &[&format!("GET {path}: 2.05")]);
        assert_eq!(body(&told), body(&expected), "{path}");
    }
    site.end();
}

/// A site with a group and a board that is a lamp in it.
struct GroupSite {
    site: Site,
    lamp: Program,
}

impl GroupSite {
    /// QEMU's user network passes no multicast: the board gets copies, through what `between` makes of their way.
    fn start<T>(
        firmware: &Path,
        board: &str,
        address: &str,
        between: impl FnOnce(SocketAddr) -> (SocketAddr, T),
    ) -> (GroupSite, T) {
        let enrolled = fs::read_to_string(firmware.join("enrolment/devices.txt")).expect("devices.txt");
        let site = Site::start_as(firmware, &enrolled, &["--group", "groups.txt"]);
        let port = free_udp_port([127, 0, 0, 1].into()).expect("a port");
        let (copies, kept) = between(([127, 0, 0, 1], port).into());
        let forward = format!(",hostfwd=udp:127.0.0.1:{port}-:5683");
        let mut emulator = site.emulator_behind(&forward, board, site.addr(), &["listen=100000"]);
        emulator.env("FIRMWARE_TIMEOUT", "0"); // it ends with the test
        let made = |line: &str| Self::ask_at(&site, line);
        let copies = format!("address=7f000001 port={}", copies.port());
        let created =
            made(&format!("create signed,tagged,answers slots=4 address={address} port=5720 {copies}"));
        assert_eq!(created, ["group 1", "ok"]);
        assert_eq!(made(&format!("add 1 {}", hex(DEVICE))), ["ok"]);
        let lamp = Program::start(&mut emulator).expect("QEMU");
        assert!(lamp.wait_for_text("member of group 1, epoch 1", LONG), "{}", lamp.stdout());
        (GroupSite { site, lamp }, kept)
    }

    fn ask_at(site: &Site, line: &str) -> Vec<String> {
        let mut stream = UnixStream::connect(site.dir.path().join("groups.txt.sock")).expect("a server");
        writeln!(stream, "{line}").expect("a server");
        BufReader::new(stream).lines().map(|line| line.expect("a line")).collect()
    }

    /// What the server says to a command of `lscoap group`.
    fn ask(&self, line: &str) -> Vec<String> {
        Self::ask_at(&self.site, line)
    }

    /// What it says of a request to /light.
    fn send(&self, mode: &str, wait_ms: u32, method: &str, payload: &str) -> Vec<String> {
        let (path, payload) = (hex("/light"), hex(payload));
        self.ask(&format!("send 1 {mode} wait={wait_ms} method={method} path={path} payload={payload}"))
    }
}

/// Both boards are lamps in their server's group.
#[test]
fn boards_obey_their_server() {
    let Some(firmware) = firmware("boards_obey_their_server") else { return };
    for (board, address) in BOARDS[..2].iter().zip(["efc00714", "efc00715"]) {
        let (group, ()) = GroupSite::start(&firmware, board, address, |to| (to, ()));
        let lamp = &group.lamp;
        for (mode, payload) in [("signed", "on"), ("tagged", "off")] {
            let sent = group.send(mode, 20_000, "PUT", payload);
            assert_eq!(sent, [&format!("{DEVICE}: 2.04"), "1 answered", "ok"], "{board} {}", lamp.stdout());
            assert_eq!(lamp.stdout().matches(&format!("PUT /light {payload} ({mode})")).count(), 1);
        }
        // It asks by itself when there is a new epoch, and obeys in that.
        assert_eq!(group.ask("rekey 1"), ["ok"]);
        assert!(lamp.wait_for_text("member of group 1, epoch 2", LONG), "{}", lamp.stdout());
        let got = group.send("signed", 20_000, "GET", "");
        assert_eq!(got, [&format!("{DEVICE}: 2.05 off"), "1 answered", "ok"], "{}", lamp.stdout());
    }
}

/// What is lost, comes twice or late: most commands arrive, by their copies; none is executed twice, or after a later one.
#[test]
fn a_bad_network_has_no_command_executed_twice() {
    const COMMANDS: usize = 12;
    let Some(firmware) = firmware("a_bad_network_has_no_command_executed_twice") else { return };
    let bad = |to| {
        let config = RelayConfig::new(to).loss(0.3).duplicate(0.4).reorder(0.3).seed(9);
        let relay = Relay::start(config).expect("a relay");
        (relay.addr(), relay)
    };
    let (group, _relay) = GroupSite::start(&firmware, BOARDS[1], "efc00716", bad);
    for (number, mode) in (0..COMMANDS).zip(["signed", "tagged"].into_iter().cycle()) {
        group.send(mode, 1_500, "PUT", &format!("n{number:02}"));
    }
    let told = group.lamp.stdout();
    let done: Vec<&str> =
        told.lines().filter_map(|line| line.strip_prefix("PUT /light ")?.split(' ').next()).collect();
    assert!(done.len() >= COMMANDS / 2, "{told}");
    assert!(done.is_sorted_by(|a, b| a < b), "once each, in their order: {done:?}");
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// A long answer comes block by block.
#[test]
fn an_answer_in_blocks_comes_whole() {
    let Some(firmware) = firmware("an_answer_in_blocks_comes_whole") else { return };
    let site = Site::start(&firmware);
    let readings: Vec<String> = (1..=60).map(|n| format!("{{\"timeStamp\":{n},\"value\":{n}}}")).collect();
    site.client(&["PUT", "/index", &format!("{{\"Data\":[{}]}}", readings.join(","))]);
    let expected = site.client(&["GET", "/index?readings=60"]);
    let arguments = ["profile=express", "path=/index?readings=60", "post="];
    let told = site.good(BOARDS[0], site.addr(), &arguments);
    assert_eq!(body(&told), body(&expected));
    site.end();
}

/// The power goes at any instruction, again and again: the session goes on, and no number is used twice.
#[test]
fn power_cuts_use_no_number_twice() {
    const CUTS: usize = 40;
    let Some(firmware) = firmware("power_cuts_use_no_number_twice") else { return };
    let site = Site::start(&firmware);
    let (relay, recorder) = recording(site.addr());
    let file = site.dir.path().join("session");
    let store = format!("store={}", file.display());
    let once = ["profile=express", "post=", &store];
    let forever = ["gets=1000000", "post=", &store];
    site.good(BOARDS[0], relay.addr(), &once);
    let old = fs::read(&file).expect("a stored session");
    site.good(BOARDS[0], relay.addr(), &once); // uses what `old` would use next: a cut may come before that

    let mut state = 11;
    let mut cut_at = HashSet::new();
    for cut in 0..CUTS {
        let mut emulator = site.emulator(BOARDS[cut % BOARDS.len()], relay.addr(), &forever);
        emulator.env("FIRMWARE_TIMEOUT", "0"); // the process is QEMU: a timeout that is ended as it starts leaves it running
        let mut device = Program::start(&mut emulator).expect("QEMU");
        let in_the_middle = cut % 4 < 2;
        assert!(!in_the_middle || device.wait_for_text("Session restored", LONG), "{}", device.stdout());
        sleep(Duration::from_micros(chance(&mut state, if in_the_middle { 100_000 } else { 400_000 })));
        device.signal("KILL").expect("QEMU");
        device.wait(LONG).expect("QEMU");
        cut_at.insert(recorder.lock().expect("nobody panicked").requests.len());
    }
    let told = site.good(BOARDS[1], relay.addr(), &once);
    assert!(told.contains("Session restored"), "{told}");
    {
        let seen = recorder.lock().expect("nobody panicked");
        assert_eq!((seen.handshakes, seen.reused.as_slice()), (1, &[][..]), "one session all along");
        assert!(
            seen.requests.len() > 10 * CUTS && cut_at.len() > CUTS / 2,
            "{} {cut_at:?}",
            seen.requests.len()
        );
    }

    // The recorder does see what must not be: flash that is put back from a copy.
    fs::write(&file, old).expect("a file");
    site.device(BOARDS[0], relay.addr(), &once);
    assert!(!recorder.lock().expect("nobody panicked").reused.is_empty());
}
