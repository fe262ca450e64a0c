//! All of it: devices in C, the gateway as a program, and servers that know nothing of lscoap.

use super::server::{Backend, programs};
use lscoap_testkit::identities::{Enrolment, Identity, write_key};
use lscoap_testkit::process::{Finished, Program, Server, run};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// However busy the machine is.
const LONG: Duration = Duration::from_secs(120);
const CARRIERS: [&str; 2] = ["payload", "oscore"];

/// A gateway and its devices.
struct Site {
    enrolment: Enrolment,
    server: String,
    gateway: Server,
}

impl Site {
    fn start(backend: &Backend, devices: usize) -> Self {
        let enrolment = Enrolment::make("server").unwrap();
        let mut list = String::new();
        for device in 0..devices {
            let identity = Identity::generate().unwrap();
            write_key(&enrolment.dir().join(format!("device-{device}")), &identity).unwrap();
            list.push_str(&(identity.device_string(&format!("device-{device}")) + "\n"));
        }
        fs::write(enrolment.devices(), list).unwrap();
        let config = enrolment.dir().join("gateway.toml");
        let text = format!(
            "listen = [\"127.0.0.1:0\"]\nworkers = 2\nkey = {:?}\nallow_root = true\n[devices]\nsource = {:?}\n\
             [backend]\nuri = \"coap://{}\"\nidentity = \"{}\"\n[store]\nurl = \"none\"\n[http]\naddress = \"none\"\n",
            enrolment.server_key(),
            enrolment.devices(),
            backend.address,
            backend.form
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lscoap-gateway"));
        command.args(["run", "--config"]).arg(config).env_remove("NOTIFY_SOCKET");
        let gateway = Server::start(&mut command).unwrap();
        let server = enrolment.server.server_string();
        Self { enrolment, server, gateway }
    }

    /// A device's program.
    fn client(&self, device: usize, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs().join("secure_client"));
        let id = format!("device-{device}");
        command.arg("-k").arg(self.enrolment.dir().join(&id)).args(["-i", &id, "-s", &self.server]);
        command.arg("-u").arg(format!("coap://{}", self.gateway.addr)).args(arguments);
        command
    }

    fn run(&self, device: usize, arguments: &[&str]) -> Finished {
        run(&mut self.client(device, arguments), LONG).unwrap()
    }
}

/// JSON that is longer than a datagram, and no other device's.
fn body_of(device: usize) -> String {
    format!("[{}]", vec![format!("{}", 1_000_000 + device); 600].join(","))
}

#[test]
fn eight_devices_write_and_read_at_once() {
    for (form, carrier) in [("option", CARRIERS[0]), ("path", CARRIERS[1])] {
        for backend in Backend::all(form) {
            let site = Site::start(&backend, 8);
            let start = |device, arguments: &[&str]| {
                Program::start(&mut site.client(device, &[&["--carrier", carrier], arguments].concat()))
                    .unwrap()
            };
            let puts = (0..8).map(|device| start(device, &["PUT", "/readings", &body_of(device)]));
            for mut program in puts.collect::<Vec<_>>() {
                assert!(
                    program.wait(LONG).unwrap().success(),
                    "{} {carrier}: {}",
                    backend.name(),
                    program.stderr()
                );
            }
            let gets = (0..8).map(|device| start(device, &["GET", "/readings"]));
            for (device, mut program) in gets.collect::<Vec<_>>().into_iter().enumerate() {
                assert!(program.wait(LONG).unwrap().success(), "{}", program.stderr());
                assert!(
                    program.stdout().contains(&body_of(device)),
                    "{} {carrier}: {}",
                    backend.name(),
                    program.stdout()
                );
            }
        }
    }
}

#[test]
fn a_device_observes_and_is_told_of_a_back_end_that_is_gone() {
    for mut backend in Backend::all("query") {
        // The last device writes: a device has one session, and those that observe keep theirs.
        let writer = CARRIERS.len();
        let site = Site::start(&backend, writer + 1);
        let put = |device, text: &str| {
            let done = site.run(device, &["PUT", "/readings", text]);
            assert_eq!(done.code, Some(0), "{}: {done:?}", backend.name());
        };
        let observers = CARRIERS.into_iter().enumerate().map(|(device, carrier)| {
            put(device, "[0]");
            let observe = ["--carrier", carrier, "--observe", "600", "GET", "/readings"];
            (carrier, Program::start(&mut site.client(device, &observe)).unwrap())
        });
        let observers: Vec<_> = observers.collect();
        let told = |count| {
            for (carrier, program) in &observers {
                let is_told = program.wait_for_count("[0]", count, LONG);
                assert!(is_told, "{}, {carrier}, {count}: {}", backend.name(), program.stderr());
            }
        };
        told(1);
        // Any change tells all observers, each of what is its own.
        for count in 2..5 {
            put(writer, "[1]");
            told(count);
        }
        assert!(observers.iter().all(|(_, program)| !program.stdout().contains("[1]")), "{}", backend.name());
        backend.kill();
        for carrier in CARRIERS {
            let told = site.run(writer, &["--carrier", carrier, "GET", "/readings"]);
            assert!((told.stdout + &told.stderr).contains("5.02"), "{}", backend.name());
        }
        backend.start_again();
        assert_eq!(site.run(writer, &["PUT", "/readings", "[3]"]).code, Some(0));
        assert!(site.run(writer, &["GET", "/readings"]).stdout.contains("[3]"), "{}", backend.name());
    }
}
