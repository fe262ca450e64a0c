//! The programs without lscoap, end to end: plain CoAP, and DTLS with a pre-shared key or mutual certificates.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use lscoap_testkit::certificates::{Certificate, Certificates};
use lscoap_testkit::process::{Finished, Program, Server, run};
use lscoap_testkit::programs;
use lscoap_testkit::relay::{Relay, RelayConfig};
use serde_json::{Value, json};

/// Nothing here takes that long, except on a machine that has stopped.
const LONG: Duration = Duration::from_secs(120);
const PSK: &str = "000102030405060708090a0b0c0d0e0f";

fn program(name: &str) -> Command {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let build = || programs::directory(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs")).unwrap();
    Command::new(DIRECTORY.get_or_init(build).join(name))
}

/// How to reach a server, and with which keys.
#[derive(Clone)]
struct Access {
    client: &'static str,
    scheme: &'static str,
    keys: Vec<String>,
}

impl Access {
    fn plain() -> Access {
        Access { client: "plain_client", scheme: "coap", keys: vec![] }
    }

    fn psk(id: &str, key: &str) -> Access {
        let keys = ["--psk-id", id, "--psk-key", key].map(str::to_owned).to_vec();
        Access { client: "coaps_client", scheme: "coaps", keys }
    }

    fn certificate(certificates: &Certificates, own: &Certificate) -> Access {
        let files = [("--cert", &own.cert), ("--key", &own.key), ("--ca", &certificates.ca.cert)];
        let keys = files.into_iter().flat_map(|(option, file)| [option.into(), file.display().to_string()]);
        Access { client: "coaps_client", scheme: "coaps", keys: keys.collect() }
    }

    fn server(&self, more: &[&str]) -> Server {
        let name = self.client.replace("client", "server");
        Server::start(program(&name).args(["-p", "0"]).args(&self.keys).args(more)).unwrap()
    }

    fn command(&self, to: SocketAddr, arguments: &[&str]) -> Command {
        let mut command = program(self.client);
        command.args(&self.keys).args(["-u", &format!("{}://{to}", self.scheme)]).args(arguments);
        command
    }

    fn run(&self, to: SocketAddr, arguments: &[&str]) -> Finished {
        run(&mut self.command(to, arguments), LONG).unwrap()
    }

    /// A request that has to succeed; gives what was printed.
    fn good(&self, to: SocketAddr, arguments: &[&str]) -> String {
        let finished = self.run(to, arguments);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout
    }

    /// The readings that GET gives.
    fn readings(&self, to: SocketAddr, path: &str) -> Vec<Value> {
        readings(&self.good(to, &["GET", path]))
    }
}

/// What is in the first document that was printed.
fn readings(printed: &str) -> Vec<Value> {
    let line = printed.lines().find(|line| line.starts_with('{')).expect(printed);
    let document: Value = serde_json::from_str(line).unwrap();
    assert_eq!(document.as_object().unwrap().len(), 1);
    let readings = document["Data"].as_array().unwrap().clone();
    for reading in &readings {
        assert_eq!(reading.as_object().unwrap().len(), 2);
        assert!(reading["timeStamp"].is_number() && reading["value"].is_number());
    }
    readings
}

/// Everything that /index does, one after the other.
fn exercise(access: &Access) {
    let server = access.server(&[]);
    let to = server.addr;
    let first = access.readings(to, "/index");
    assert_eq!(first.len(), 6);
    assert_ne!(first, access.readings(to, "/index"), "made fresh for each reading");

    let printed = access.good(to, &["POST", "/index", "12.5"]);
    assert!(printed.starts_with("2.04\nelapsed: "), "{printed}");
    access.good(to, &["POST", "/index", r#" { "value" : -3e1, "timeStamp" : 5 } "#]);
    let got = access.readings(to, "/index");
    assert_eq!((got.len(), &got[0]["value"]), (6, &json!(12.5)));
    assert_eq!(got[1], json!({"timeStamp": 5.0, "value": -30}));

    access.good(to, &["PUT", "/index", r#"{"Data":[{"timeStamp":7,"value":70}]}"#]);
    let got = access.readings(to, "/index");
    assert_eq!((&got[0], got.len()), (&json!({"timeStamp": 7.0, "value": 70}), 6));

    let printed = access.good(to, &["DELETE", "/index"]);
    assert!(printed.starts_with("2.02\n"), "{printed}");
    assert_ne!(access.readings(to, "/index")[0]["timeStamp"], json!(7.0));

    large_bodies(access, to);

    let printed = access.good(to, &["-n", "3", "--cold", "GET", "/index"]);
    assert_eq!(printed.lines().filter(|line| is_elapsed(line)).count(), 3, "{printed}");
    assert_eq!(access.good(to, &["-n", "3", "GET", "/index"]).matches("2.05\n").count(), 3);
}

/// More than one block, both ways.
fn large_bodies(access: &Access, to: SocketAddr) {
    let many: Vec<Value> = (0..64).map(|n| json!({"timeStamp": n as f64, "value": n})).collect();
    let body = json!({ "Data": many }).to_string();
    assert!(body.len() > 1024);
    access.good(to, &["PUT", "/index", &body]);
    let got = access.readings(to, "/index?readings=500");
    assert_eq!((got.len(), &got[..64]), (500, &many[..]));
    assert_eq!(access.readings(to, "/index?readings=6"), many[58..]);
    access.good(to, &["DELETE", "/index"]);
}

/// "elapsed: 1.234 ms"
fn is_elapsed(line: &str) -> bool {
    let number = line.strip_prefix("elapsed: ").and_then(|rest| rest.strip_suffix(" ms"));
    number.is_some_and(|n| n.parse::<f64>().is_ok() && n.rsplit_once('.').is_some_and(|(_, d)| d.len() == 3))
}

/// A client that observes is told of a change, and ends well.
fn observe(access: &Access) {
    let server = access.server(&[]);
    let arguments = ["--observe", "6", "GET", "/index"];
    let mut observer = Program::start(&mut access.command(server.addr, &arguments)).unwrap();
    assert!(observer.wait_for_line(|line| is_elapsed(line).then_some(()), LONG).is_some());
    access.good(server.addr, &["POST", "/index", "4242"]);
    assert!(observer.wait_for_text(r#""value":4242}"#, LONG), "{}", observer.stdout());
    assert!(observer.wait(LONG).unwrap().success(), "{}", observer.stderr());
}

/// Loss, duplication and reordering cost time and nothing else.
fn through_a_bad_network(access: &Access) {
    let server = access.server(&[]);
    let config = RelayConfig::new(server.addr).loss(0.15).duplicate(0.2).reorder(0.2).seed(11);
    let relay = Relay::start(config).unwrap();
    for n in 0..4 {
        access.good(relay.addr(), &["POST", "/index", &n.to_string()]);
    }
    let values: Vec<Value> = access.readings(relay.addr(), "/index?readings=4");
    assert_eq!(values.iter().map(|reading| &reading["value"]).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(relay.counters().up.lost + relay.counters().down.lost > 0, "{}", relay.counters());
}

#[test]
fn plain_does_what_it_should() {
    exercise(&Access::plain());
}

#[test]
fn psk_does_what_it_should() {
    exercise(&Access::psk("device", PSK));
}

#[test]
fn certificates_do_what_they_should() {
    let certificates = Certificates::make().unwrap();
    let client = Access::certificate(&certificates, &certificates.client);
    let server = Access::certificate(&certificates, &certificates.server).server(&[]);
    let to = server.addr;
    assert_eq!(client.readings(to, "/index").len(), 6);
    client.good(to, &["POST", "/index", "9"]);
    assert_eq!(client.readings(to, "/index")[0]["value"], 9);
    large_bodies(&client, to);
}

#[test]
fn plain_observes() {
    observe(&Access::plain());
}

#[test]
fn psk_observes() {
    observe(&Access::psk("device", PSK));
}

#[test]
fn plain_through_a_bad_network() {
    through_a_bad_network(&Access::plain());
}

#[test]
fn psk_through_a_bad_network() {
    through_a_bad_network(&Access::psk("device", PSK));
}

#[test]
fn a_ticking_server_notifies() {
    let access = Access::plain();
    let server = access.server(&["--tick"]);
    let observer =
        Program::start(&mut access.command(server.addr, &["--observe", "60", "GET", "/index"])).unwrap();
    assert!(observer.wait_for_count("2.05", 3, LONG), "{}", observer.stderr());
}

/// What benchmarks of servers ask for: the same body each time, which the gateway's `--serve-index` gives too.
#[test]
fn a_fixed_index_stays() {
    let gateway = include_str!("../../gateway/src/backend/index.rs").replace('\\', "");
    for access in [Access::plain(), Access::psk("device", PSK)] {
        let server = access.server(&["--fixed-index"]);
        let printed = access.good(server.addr, &["-n", "2", "GET", "/index"]);
        let bodies: Vec<&str> = printed.lines().filter(|line| line.starts_with('{')).collect();
        assert_eq!((bodies.len(), bodies[0]), (2, bodies[1]));
        let fixed = readings(bodies[0]);
        assert_eq!(fixed.len(), 6);
        for reading in bodies[0].split_inclusive('}').take(6) {
            assert!(
                gateway.contains(reading.trim_start_matches(r#"{"Data":["#).trim_start_matches(',')),
                "{reading}"
            );
        }
        assert_ne!(access.readings(server.addr, "/index?readings=6"), fixed);
    }
}

#[test]
fn ipv6_works() {
    let certificates = Certificates::make().unwrap();
    let plain = Access::plain();
    let server = plain.server(&["-A", "::1"]);
    assert!(server.addr.is_ipv6());
    plain.good(server.addr, &["GET", "/index"]);
    let server = Access::certificate(&certificates, &certificates.server).server(&["-A", "::1"]);
    Access::certificate(&certificates, &certificates.client).good(server.addr, &["GET", "/index"]);
}

#[test]
fn refusals_end_with_1() {
    let access = Access::plain();
    let server = access.server(&[]);
    for (arguments, code) in [
        (vec!["GET", "/nowhere"], "4.04"),
        (vec!["GET", "/index?readings=0"], "4.00"),
        (vec!["GET", "/index?readings=501"], "4.00"),
        (vec!["GET", "/index?other"], "4.00"),
        (vec!["POST", "/index"], "4.00"),
        (vec!["POST", "/index", "12 13"], "4.00"),
        (vec!["POST", "/index", "0x10"], "4.00"),
        (vec!["POST", "/index", "nan"], "4.00"),
        (vec!["POST", "/index", "1e999"], "4.00"),
        (vec!["POST", "/index", "01"], "4.00"),
        (vec!["POST", "/index", "{}"], "4.00"),
        (vec!["POST", "/index", r#"{"value":1,"value":2}"#], "4.00"),
        (vec!["POST", "/index", r#"{"value":1,"timeStamp":-1}"#], "4.00"),
        (vec!["POST", "/index", r#"{"value":1"#], "4.00"),
        (vec!["PUT", "/index", "5"], "4.00"),
        (vec!["PUT", "/index", r#"{"Data":[{"value":1},]}"#], "4.00"),
        (vec!["PUT", "/index", r#"{"Data":[]}x"#], "4.00"),
        (vec!["PATCH", "/index", "5"], "4.05"),
        (vec!["-n", "2", "GET", "/nowhere"], "4.04"),
    ] {
        let finished = access.run(server.addr, &arguments);
        assert_eq!(finished.code, Some(1), "{arguments:?} {finished:?}");
        assert!(finished.stdout.starts_with(code), "{arguments:?} {finished:?}");
    }
    let too_many = json!({ "Data": vec![json!({"value": 1}); 65] }).to_string();
    assert!(access.run(server.addr, &["PUT", "/index", &too_many]).stdout.starts_with("4.00"));
    let first = access.readings(server.addr, "/index")[0]["value"].as_f64().unwrap();
    assert!((20.0..=24.0).contains(&first), "nothing of all that was stored");
}

#[test]
fn nobody_there_ends_with_1() {
    let access = Access::plain();
    let mut server = access.server(&[]);
    assert!(server.program.terminate().unwrap().success());
    let finished = access.run(server.addr, &["--timeout", "3", "GET", "/index"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""));
    assert!(!finished.stderr.is_empty());
}

#[test]
fn signals_end_servers_with_0() {
    let certificates = Certificates::make().unwrap();
    for access in [
        Access::plain(),
        Access::psk("device", PSK),
        Access::certificate(&certificates, &certificates.server),
    ] {
        for signal in ["INT", "TERM"] {
            let mut server = access.server(&[]);
            server.program.signal(signal).unwrap();
            assert_eq!(server.program.wait(LONG).unwrap().code(), Some(0), "{signal}");
        }
    }
}

#[test]
fn wrong_psk_is_refused() {
    let server = Access::psk("device", PSK).server(&[]);
    let wrong_key = PSK.replace("0f", "1f");
    // With a wrong key neither side can say so: DTLS drops what does not verify, and sends again for minutes.
    for access in [Access::psk("device", &wrong_key), Access::psk("stranger", PSK), Access::plain()] {
        let finished = access.run(server.addr, &["--timeout", "3", "GET", "/index"]);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
        assert!(!finished.stderr.is_empty());
    }
    Access::psk("device", PSK).good(server.addr, &["GET", "/index"]);
}

#[test]
fn wrong_certificates_are_refused() {
    let (ours, others) = (Certificates::make().unwrap(), Certificates::make().unwrap());
    let good = Access::certificate(&ours, &ours.client);
    let server = Access::certificate(&ours, &ours.server).server(&[]);
    let false_server = Access::certificate(&others, &others.server).server(&[]);
    for (who, access, to) in [
        ("a client of another authority", Access::certificate(&ours, &others.client), server.addr),
        ("a server's certificate at a client", Access::certificate(&ours, &ours.server), server.addr),
        ("a client without certificate", Access::psk("device", PSK), server.addr),
        ("a server of another authority", good.clone(), false_server.addr),
    ] {
        let finished = access.run(to, &["--timeout", "3", "GET", "/index"]);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{who}: {finished:?}");
    }
    good.good(server.addr, &["GET", "/index"]);
}

#[test]
fn usage_errors_end_with_2() {
    for (name, arguments) in [
        ("plain_client", vec![]),
        ("plain_client", vec!["GET"]),
        ("plain_client", vec!["STEAL", "/index"]),
        ("plain_client", vec!["-n", "0", "GET", "/index"]),
        ("plain_client", vec!["-u", "coaps://127.0.0.1", "GET", "/index"]),
        ("plain_client", vec!["-u", "nonsense", "GET", "/index"]),
        ("plain_client", vec!["--observe", "2", "POST", "/index", "1"]),
        ("plain_client", vec!["--unknown", "GET", "/index"]),
        ("coaps_client", vec!["GET", "/index"]),
        ("coaps_client", vec!["--psk-id", "x", "--psk-key", "0g", "GET", "/index"]),
        ("coaps_client", vec!["--psk-id", "x", "GET", "/index"]),
        ("coaps_client", vec!["--cert", "no-such-file", "GET", "/index"]),
        ("plain_server", vec!["surplus"]),
        ("coaps_server", vec!["-p", "0"]),
    ] {
        let finished = run(program(name).args(&arguments), LONG).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{name} {arguments:?}");
        assert!(!finished.stderr.is_empty());
    }
    for name in ["plain_client", "plain_server", "coaps_client", "coaps_server"] {
        assert_eq!(run(program(name).arg("--help"), LONG).unwrap().code, Some(0));
    }
}
