//! A server with two enrolled devices, and clients for it.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use lscoap_testkit::identities::{Enrolment, Identity, write_key};
use lscoap_testkit::process::{Finished, Program, Server, run};
use lscoap_testkit::programs::directory;
use serde_json::Value;

use super::coap::*;

/// Nothing here takes that long, except on a machine that has stopped.
pub const LONG: Duration = Duration::from_secs(200);
/// What a server warns of whose libcoap has OSCORE of its own.
pub const DEAF: &str = "requests in OSCORE options reach nobody else";
pub const DEVICE: &str = "sensor-1";
pub const OTHER_DEVICE: &str = "sensor-2";
pub const PROFILES: [&str; 2] = ["signed", "express"];

/// A program, see [`lscoap_testkit::programs`].
pub fn program(name: &str) -> Command {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    // Absolute: programs are started in other directories.
    let build = || {
        let found = directory(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("secure-programs")).unwrap();
        fs::canonicalize(found).unwrap()
    };
    Command::new(DIRECTORY.get_or_init(build).join(name))
}

pub struct Site {
    pub enrolment: Enrolment,
    other: [u8; 32],
    pub server: Server,
    more: Vec<String>,
}

impl Site {
    /// Starts a server on a port of its own.
    pub fn start(more: &[&str]) -> Site {
        let enrolment = Enrolment::make(DEVICE).unwrap();
        let other = Identity::generate().unwrap();
        let devices = format!(
            "# two devices\n\n{}\n  {} # the other\n",
            enrolment.device.device_string(DEVICE),
            other.device_string(OTHER_DEVICE)
        );
        fs::write(enrolment.devices(), devices).unwrap();
        write_key(&enrolment.dir().join("other.key"), &other).unwrap();
        let server = Server::start(Self::server_command(&enrolment).args(more)).unwrap();
        Site {
            enrolment,
            other: other.private,
            server,
            more: more.iter().map(|&argument| argument.to_owned()).collect(),
        }
    }

    /// The identity of the other device.
    pub fn other(&self) -> Identity {
        Identity { private: self.other, public: lscoap::enrolment::public_key(&self.other).unwrap() }
    }

    /// Kills the server without warning.
    pub fn kill(&self) {
        self.server.program.signal("KILL").unwrap();
    }

    /// Starts the server again, on the same port, when it has ended or been killed.
    pub fn start_again(&mut self) {
        self.server.program.wait(LONG).unwrap();
        let port = self.addr().port().to_string();
        let mut command = Self::server_command(&self.enrolment);
        self.server = Server::start(command.args(&self.more).args(["-p", &port])).unwrap();
    }

    /// The list of devices becomes this, and the server reads it.
    pub fn reload(&self, devices: &str) {
        fs::write(self.enrolment.devices(), devices).unwrap();
        let before = self.server.program.stdout().matches(" in /").count();
        self.server.program.signal("HUP").unwrap();
        assert!(self.server.program.wait_for_count(" in /", before + 1, LONG));
    }

    /// The list of devices as it is.
    pub fn devices(&self) -> String {
        fs::read_to_string(self.enrolment.devices()).unwrap()
    }

    /// In the directory of the keys, where other files can be named as they are.
    pub fn server_command(enrolment: &Enrolment) -> Command {
        let mut command = program("secure_server");
        command.current_dir(enrolment.dir());
        command.args(["-p", "0", "-k"]).arg(enrolment.server_key()).arg("-d").arg(enrolment.devices());
        command
    }

    /// What the server has to say on standard error, but that it is [`DEAF`].
    pub fn complaints(&self) -> String {
        let said = self.server.program.stderr();
        said.lines().filter(|line| !line.contains(DEAF)).collect()
    }

    /// Whether requests in OSCORE options reach the server: not with a libcoap that has OSCORE of its own, and with one
    /// that answers every FETCH without Content-Format those with Observe do not.
    pub fn hears_oscore(&self, observe: bool) -> bool {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.addr()).unwrap();
        let code = if observe { FETCH } else { POST };
        let request = Message { code, payload: vec![0; 9], ..Message::default() };
        // Of a session that nobody has.
        let hears = ask(&socket, &request.option(OSCORE, &[9, 0, 0xEE])).code == UNAUTHORIZED;
        if !hears {
            println!(
                "NOT TESTED: OSCORE options{}, with this libcoap",
                if observe { " and Observe" } else { "" }
            );
        }
        hears
    }

    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    pub fn other_key(&self) -> PathBuf {
        self.enrolment.dir().join("other.key")
    }

    /// A client with any identity, for any server.
    pub fn client_of(
        &self,
        key: &Path,
        id: &str,
        server: &str,
        to: SocketAddr,
        arguments: &[&str],
    ) -> Command {
        let mut command = program("secure_client");
        command
            .current_dir(self.enrolment.dir())
            .arg("-k")
            .arg(key)
            .args(["-i", id, "-s", server, "-u", &format!("coap://{to}")])
            .args(arguments);
        command
    }

    /// The enrolled device.
    pub fn client(&self, to: SocketAddr, arguments: &[&str]) -> Command {
        let server = self.enrolment.server.server_string();
        self.client_of(&self.enrolment.device_key(), DEVICE, &server, to, arguments)
    }

    /// The other enrolled device.
    pub fn other_client(&self, to: SocketAddr, arguments: &[&str]) -> Command {
        let server = self.enrolment.server.server_string();
        self.client_of(&self.other_key(), OTHER_DEVICE, &server, to, arguments)
    }

    /// A request of the device's that has to succeed, with the session in the file `session`.
    pub fn kept(&self, to: SocketAddr, arguments: &[&str]) -> Finished {
        let finished =
            run(&mut self.client(to, &[&["--resume", "session"], arguments].concat()), LONG).unwrap();
        assert_eq!(finished.code, Some(0), "{arguments:?} {finished:?}");
        finished
    }

    /// Where that file is.
    pub fn session_file(&self) -> PathBuf {
        self.enrolment.dir().join("session")
    }

    /// A request of the device's that has to succeed; gives what was printed.
    pub fn good(&self, to: SocketAddr, arguments: &[&str]) -> String {
        let finished = run(&mut self.client(to, arguments), LONG).unwrap();
        assert_eq!(finished.code, Some(0), "{arguments:?} {finished:?}");
        finished.stdout
    }

    /// A client that has to fail without showing anything that came from a server.
    pub fn refused(&self, command: &mut Command, why: &str) -> Finished {
        let finished = run(command, LONG).unwrap();
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(why), "{why}: {finished:?}");
        assert!(!finished.stdout.contains("2.0") && !finished.stdout.contains("elapsed"), "{finished:?}");
        finished
    }

    /// How many stored readings have this value, seen by the other device.
    pub fn stored(&self, value: f64) -> usize {
        let finished =
            run(&mut self.other_client(self.addr(), &["GET", "/index?readings=64"]), LONG).unwrap();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        readings(&finished.stdout).iter().filter(|reading| reading["value"] == value).count()
    }

    /// An observer that has had its first answer.
    pub fn observer(&self, to: SocketAddr, arguments: &[&str]) -> Program {
        let observer = Program::start(&mut self.client(to, arguments)).unwrap();
        assert!(observer.wait_for_text("elapsed: ", LONG), "{}", observer.stderr());
        observer
    }

    /// Ends the server, which has to end well; gives what it printed.
    pub fn end(mut self) -> String {
        assert_eq!(
            self.server.program.terminate().unwrap().code(),
            Some(0),
            "{}",
            self.server.program.stderr()
        );
        self.server.program.stdout()
    }
}

/// How a client with a file says that it came to its sessions, in the order of it.
pub fn ways(finished: &Finished) -> Vec<&str> {
    let known = ["session stored", "resumed", "full handshake"];
    finished.stderr.lines().filter(|line| known.contains(line)).collect()
}

/// What is in the last document that was printed.
pub fn readings(printed: &str) -> Vec<Value> {
    let line = printed.lines().rfind(|line| line.starts_with('{')).expect(printed);
    let document: Value = serde_json::from_str(line).unwrap();
    document["Data"].as_array().unwrap().clone()
}

/// The texts come one after the other.
pub fn assert_story(printed: &str, story: &[&str]) {
    let mut rest = printed;
    for part in story {
        let at = rest.find(part).unwrap_or_else(|| panic!("no '{part}' in its place in:\n{printed}"));
        rest = &rest[at + part.len()..];
    }
}
